package model

import (
	"os"
	"testing"

	"layercake/compute"
	"layercake/internal/allocs"
)

// preset reads one of the networks that layercake brings along.
func preset(t testing.TB, name string) *Graph {
	t.Helper()
	file := "../presets/files/" + name + ".yaml"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(file, text)
	if err != nil {
		t.Fatal(err)
	}
	g := Resolve(s)
	if g.Err != nil {
		t.Fatal(g.Err)
	}
	return g
}

// smallPresets are those that a test has time for.
var smallPresets = []string{"linear", "mlp", "lenet5", "resnet8", "resnet20", "resnet20-a", "vgg-small"}

func TestPresetsReuseChangesNothing(t *testing.T) {
	pool := compute.NewPool(2)
	defer pool.Close()
	for _, name := range smallPresets {
		t.Run(name, func(t *testing.T) {
			g := preset(t, name)
			o := Options{Batch: 3, Seed: 1, Pool: pool, Logits: true}
			got := stepBits(t, g, o, 2)
			o.plain = true
			want := stepBits(t, g, o, 2)
			if !finite(want.grads) || sumSquares(want.grads) == 0 {
				t.Fatal("no gradients")
			}
			sameBits(t, "output", got.out, want.out)
			sameBits(t, "gradient", got.grads, want.grads)
			sameBits(t, "input gradient", got.inputs, want.inputs)
		})
	}
}

func TestPresetsAllocateNothing(t *testing.T) {
	pool := compute.NewPool(2)
	defer pool.Close()
	for _, name := range smallPresets {
		p, err := Compile(preset(t, name), Options{Batch: 2, Train: true, Pool: pool, Logits: true})
		if err != nil {
			t.Fatal(err)
		}
		step := func() {
			p.Forward(2, true)
			p.Backward()
			p.Forward(1, false)
		}
		step()
		if a := allocs.Steady(3, step); a != 0 {
			t.Errorf("%s: %v allocations a step", name, a)
		}
	}
}

// kinky has every kind of kink, a projection, a grouped convolution, pools and
// a softmax, at a size that differences have time for.
const kinky = `
name: kinky
input: [3, 8, 8]
layers:
  - conv2d: {filters: 6, kernel: 3, padding: same}
  - batchnorm
  - relu
  - maxpool: {kernel: 3, stride: 2, padding: 1}
  - residual:
      shortcut: projection
      layers:
        - conv2d: {filters: 8, kernel: 3, stride: 2, padding: same, bias: false}
        - batchnorm
        - leakyrelu
        - conv2d: {filters: 8, kernel: 3, padding: same, groups: 2, bias: false}
        - batchnorm
  - relu6
  - branches:
      join: concat
      paths:
        - [conv2d: {filters: 4, kernel: 1}, hardswish]
        - [avgpool: {kernel: 2, stride: 1, padding: same}]
  - dropout: {rate: 0.2}
  - flatten
  - dense: {units: 5}
  - softmax
`

func TestGradientsAcrossKinks(t *testing.T) {
	s, err := Parse("kinky", []byte(kinky))
	if err != nil {
		t.Fatal(err)
	}
	nets := map[string]*Graph{"kinky": Resolve(s), "lenet5": preset(t, "lenet5")}
	pool := compute.NewPool(2)
	defer pool.Close()
	for name, g := range nets {
		t.Run(name, func(t *testing.T) {
			results, err := Check(t.Context(), g, 1, 3, pool, nil)
			if err != nil {
				t.Fatal(err)
			}
			seen := 0
			for _, r := range results {
				if !r.OK() {
					t.Errorf("%+v", r)
				}
				if r.Seen > 0 {
					seen++
				}
				t.Logf("%+v", r)
			}
			// The bias before a norm has no gradient.
			if seen < len(results)-2 {
				t.Errorf("only %d of %d tensors have gradients that stand out", seen, len(results))
			}
		})
	}
}

// What training resnet20 at batch 64 takes, to be noticed when it grows: each
// convolution and each norm puts out a value that its backward reads again,
// 19 × 2 at the main path, and little else may be live at the worst moment.
func TestMemoryOfResNet20(t *testing.T) {
	m := planMemory(preset(t, "resnet20"), 64, true)
	t.Logf("activations %s, all %s", byteSize(m.ActivationBytes()), byteSize(m.Bytes()))
	if m.ActivationBytes() > 115e6 {
		t.Errorf("activations take %s", byteSize(m.ActivationBytes()))
	}
}

// resnet152 is resnet50 with more repeats.
func resnet152(t testing.TB) *Graph {
	s := preset(t, "resnet50").Spec
	deep := *s
	deep.Layers = append([]Item(nil), s.Layers...)
	for i := range deep.Layers {
		switch deep.Layers[i].Repeat {
		case 4:
			deep.Layers[i].Repeat = 8
		case 6:
			deep.Layers[i].Repeat = 36
		}
	}
	g := Resolve(&deep)
	if g.Err != nil {
		t.Fatal(g.Err)
	}
	return g
}

func BenchmarkPlanMemory(b *testing.B) {
	g := resnet152(b)
	for _, c := range []struct {
		name  string
		train bool
	}{{"train", true}, {"infer", false}} {
		b.Run("resnet152/"+c.name, func(b *testing.B) {
			for b.Loop() {
				planMemory(g, 32, c.train)
			}
		})
	}
}

func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name  string
		batch int
	}{{"lenet5", 64}, {"resnet20", 64}} {
		b.Run(c.name, func(b *testing.B) {
			pool := compute.NewPool(0)
			defer pool.Close()
			p, err := Compile(preset(b, c.name), Options{Batch: c.batch, Train: true, Pool: pool, Logits: true})
			if err != nil {
				b.Fatal(err)
			}
			p.Forward(c.batch, true)
			p.Backward()
			b.ReportAllocs()
			for b.Loop() {
				p.Forward(c.batch, true)
				p.Backward()
			}
			b.ReportMetric(float64(c.batch)*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
		})
	}
}
