package train

import (
	"context"
	"math/rand/v2"
	"testing"

	"layercake/compute"
	"layercake/data"
	"layercake/model"
)

// blobs is a split of points around one centre a class, or around a line.
type blobs struct {
	sizes   data.Sizes
	x       []float32
	labels  []int32
	targets []float32
}

func (b *blobs) Len() int              { return len(b.x) / b.sizes.X[0].Size() }
func (b *blobs) Sizes() data.Sizes     { return b.sizes }
func (b *blobs) Image(i int) []float32 { return nil }
func (b *blobs) Label(i int) int       { return int(b.labels[i]) }

func (b *blobs) Fill(idx []int, to data.Samples) {
	x, labels, targets := to.X[0], to.Labels, to.Targets
	size := b.sizes.X[0].Size()
	for k, i := range idx {
		copy(x[k*size:(k+1)*size], b.x[i*size:(i+1)*size])
		if labels != nil {
			labels[k] = b.labels[i]
		}
		if targets != nil {
			targets[k] = b.targets[i]
		}
	}
}

// blobSet has three classes that a line can nearly separate.
func blobSet(shape compute.Shape, train, test int) *data.Set {
	const classes = 3
	r := rand.New(rand.NewPCG(7, 7))
	size := shape.Size()
	centres := make([]float32, classes*size)
	for i := range centres {
		centres[i] = float32(r.NormFloat64())
	}
	split := func(n int) *blobs {
		b := &blobs{sizes: data.Sizes{X: []compute.Shape{shape}, Labels: 1}}
		for range n {
			c := r.IntN(classes)
			b.labels = append(b.labels, int32(c))
			for j := range size {
				b.x = append(b.x, centres[c*size+j]+0.7*float32(r.NormFloat64()))
			}
		}
		return b
	}
	return &data.Set{
		Name: "blobs", Inputs: []data.Input{{Name: "input", Shape: shape}}, Classes: []string{"a", "b", "c"},
		Train: split(train), Test: split(test), Mean: []float32{0}, Std: []float32{1},
	}
}

// lineSet has one number to predict, linear in the input with some noise.
func lineSet(train, test int) *data.Set {
	r := rand.New(rand.NewPCG(9, 9))
	split := func(n int) *blobs {
		b := &blobs{sizes: data.Sizes{X: []compute.Shape{compute.Shape{4}}, Targets: 1}}
		for range n {
			y := 0.01 * r.NormFloat64()
			for j := range 4 {
				x := r.NormFloat64()
				y += float64(j-1) * x
				b.x = append(b.x, float32(x))
			}
			b.targets = append(b.targets, float32(y))
		}
		return b
	}
	return &data.Set{Name: "line", Inputs: []data.Input{{Name: "input", Shape: compute.Shape{4}}}, Targets: 1, Train: split(train), Test: split(test)}
}

const mlp = `
name: tiny
input: [6]
layers:
  - dense: {units: 16}
  - relu
  - dense: {units: 16}
  - batchnorm
  - relu
  - dropout: {rate: 0.2}
  - dense: {units: 3}
`

// The branch, the dropout and the norm are there for their state and order.
const cnn = `
name: tinycnn
input: [3, 8, 8]
layers:
  - conv2d: {filters: 8, kernel: 3, padding: same, bias: false}
  - batchnorm
  - relu
  - residual:
      layers:
        - conv2d: {filters: 8, kernel: 3, padding: same}
        - batchnorm
        - relu
  - maxpool: {kernel: 2}
  - dropout: {rate: 0.25}
  - conv2d: {filters: 12, kernel: 3, padding: same}
  - relu
  - globalavgpool
  - dense: {units: 3}
  - softmax
`

// graph reads text with a training section.
func graph(t testing.TB, text, section string) *model.Graph {
	t.Helper()
	spec, err := model.Parse("net.yaml", []byte(text+section))
	if err != nil {
		t.Fatal(err)
	}
	g := model.Resolve(spec)
	if g.Err != nil {
		t.Fatal(g.Err)
	}
	return g
}

// config is text with a training section on set.
func config(t testing.TB, text, section string, set *data.Set) Config {
	t.Helper()
	c, err := FromSpec(graph(t, text, section), set, Overrides{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mustRun trains to the end.
func mustRun(t testing.TB, c Config) *Run {
	t.Helper()
	r, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	return r
}

// tensorsOf are all tensors of the checkpoint in dir.
func tensorsOf(t testing.TB, dir string) [][]float32 {
	t.Helper()
	k, err := ReadCheckpoint(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k.memory
}

// sameBits fails where a and b differ in one bit.
func sameBits(t testing.TB, a, b [][]float32) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%d tensors, want %d", len(b), len(a))
	}
	for i := range a {
		if len(a[i]) != len(b[i]) {
			t.Fatalf("tensor %d has %d elements, want %d", i, len(b[i]), len(a[i]))
		}
		for j := range a[i] {
			if a[i][j] != b[i][j] {
				t.Fatalf("tensor %d differs at %d: %v, want %v", i, j, b[i][j], a[i][j])
			}
		}
	}
}
