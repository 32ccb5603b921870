package train_test

import (
	"fmt"
	"testing"

	"layercake/compute"
	"layercake/data"
	"layercake/layers"
	"layercake/model"
	"layercake/presets"
	"layercake/train"
)

// static is random samples held in memory.
type static struct {
	shape  compute.Shape
	x      []float32
	labels []int32
}

func newStatic(shape compute.Shape, classes, n int) *static {
	s := &static{shape: shape, x: make([]float32, n*shape.Size()), labels: make([]int32, n)}
	r := layers.Stream(1, "static")
	for i := range s.x {
		s.x[i] = float32(r.NormFloat64())
	}
	for i := range s.labels {
		s.labels[i] = int32(r.IntN(classes))
	}
	return s
}

func (s *static) Len() int            { return len(s.labels) }
func (s *static) Sizes() data.Sizes   { return data.Sizes{X: []compute.Shape{s.shape}, Labels: 1} }
func (s *static) Image(int) []float32 { return nil }
func (s *static) Label(i int) int     { return int(s.labels[i]) }
func (s *static) Fill(idx []int, to data.Samples) {
	x, labels := to.X[0], to.Labels
	size := s.shape.Size()
	for j, i := range idx {
		copy(x[j*size:(j+1)*size], s.x[i*size:(i+1)*size])
		labels[j] = s.labels[i]
	}
}

func stepper(tb testing.TB, preset string, input compute.Shape, batch, samples, threads int) *train.Stepper {
	tb.Helper()
	spec, err := presets.Spec(preset)
	if err != nil {
		tb.Fatal(err)
	}
	if spec, _ = model.Adapt(spec, []model.Input{{Shape: input}}, 10); spec == nil {
		tb.Fatalf("%s does not fit %s", preset, input)
	}
	set := &data.Set{Name: "static", Inputs: []data.Input{{Name: "input", Shape: input}}, Classes: make([]string, 10), Train: newStatic(input, 10, samples), Test: newStatic(input, 10, 0)}
	cfg, err := train.FromSpec(model.Resolve(spec), set, train.Overrides{Batch: batch, Steps: 1 << 30, Threads: threads})
	if err != nil {
		tb.Fatal(err)
	}
	cfg.Augment = data.Augment{}
	s, err := train.NewStepper(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// BenchmarkStep is a whole training step: data, forward, loss, backward,
// optimizer.
func BenchmarkStep(b *testing.B) {
	for _, w := range []struct {
		preset string
		input  compute.Shape
		batch  int
	}{
		{"mlp", compute.Shape{1, 28, 28}, 64},
		{"lenet5", compute.Shape{1, 28, 28}, 64},
		{"resnet8", compute.Shape{1, 28, 28}, 64},
		{"resnet20", compute.Shape{3, 32, 32}, 64},
		{"resnet18", compute.Shape{3, 64, 64}, 16},
	} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/batch=%d/threads=%d", w.preset, w.batch, threads), func(b *testing.B) {
				s := stepper(b, w.preset, w.input, w.batch, 4*w.batch, threads)
				for range 3 {
					s.Step()
				}
				b.ReportAllocs()
				for b.Loop() {
					if err := s.Step(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*w.batch)/b.Elapsed().Seconds(), "samples/s")
			})
		}
	}
}
