package layers_test

import (
	"math"
	"slices"
	"testing"

	"layercake/compute"
	"layercake/layers"
)

func TestDropout(t *testing.T) {
	const n = 100000
	l := made(t, "dropout", "rate", "0.3")
	run := func(seed uint64, train bool) []float32 {
		in := compute.Shape{n}
		p := &layers.Pass{N: 1, Train: train, Seed: seed, Marks: make([]byte, n)}
		p.In = []compute.Tensor{{Shape: in, Data: make([]float32, n)}}
		compute.Fill(nil, p.In[0].Data, 7)
		p.Out = compute.Tensor{Shape: in, Data: make([]float32, n)}
		l.Forward(p)
		return p.Out.Data
	}
	out := run(1, true)
	zeros := 0
	for _, v := range out {
		switch {
		case v == 0:
			zeros++
		case math.Abs(float64(v)-10) > 1e-5:
			t.Fatalf("an element that is kept is %v, want 7/(1 − 0.3) = 10", v)
		}
	}
	// Five standard deviations of a binomial.
	if d := math.Abs(float64(zeros) - 0.3*n); d > 5*math.Sqrt(n*0.3*0.7) {
		t.Errorf("%d of %d elements are dropped, want 30 %%", zeros, n)
	}
	if !slices.Equal(out, run(1, true)) {
		t.Error("the same seed drops other elements")
	}
	if slices.Equal(out, run(2, true)) {
		t.Error("another seed drops the same elements")
	}
	for _, v := range run(1, false) {
		if v != 7 {
			t.Fatalf("out of training an element is %v, want it left alone", v)
		}
	}
}
