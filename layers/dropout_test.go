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

// TestDropsTogether: dropout2d drops channels of a sample whole, droppath samples
// whole, and outside of training nothing falls.
func TestDropsTogether(t *testing.T) {
	const batch, channels, pixels = 200, 6, 4
	shape := compute.Shape{channels, 2, 2}
	for _, kind := range []string{"dropout2d", "droppath"} {
		l := made(t, kind, "rate", "0.25")
		plan, err := l.Plan([]compute.Shape{shape})
		if err != nil {
			t.Fatal(err)
		}
		p := &layers.Pass{N: batch, Train: true, Seed: 9, Marks: make([]byte, plan.Marks.At(batch))}
		p.In = []compute.Tensor{{Shape: shape, Data: make([]float32, batch*shape.Size())}}
		compute.Fill(nil, p.In[0].Data, 3)
		p.Out = compute.Tensor{Shape: shape, Data: make([]float32, batch*shape.Size())}
		l.Forward(p)
		zeros := 0
		for n := range batch {
			for c := range channels {
				first := p.Out.Data[n*channels*pixels+c]
				if kind == "droppath" {
					first = p.Out.Data[n*channels*pixels]
				}
				for k := range pixels {
					if v := p.Out.Data[(n*pixels+k)*channels+c]; v != first || v != 0 && v != 4 {
						t.Fatalf("%s: sample %d, channel %d, pixel %d is %v beside %v, want 0 or 3/(1 − 0.25) for all", kind, n, c, k, v, first)
					}
				}
				if first == 0 {
					zeros++
				}
			}
		}
		draws, each := batch*channels, 1
		if kind == "droppath" {
			draws, each = batch, channels
		}
		if d := math.Abs(float64(zeros/each) - 0.25*float64(draws)); d > 5*math.Sqrt(float64(draws)*0.25*0.75) {
			t.Errorf("%s: %d of %d fall, want a quarter", kind, zeros/each, draws)
		}
		p.Train = false
		l.Forward(p)
		if !slices.Equal(p.Out.Data, p.In[0].Data) {
			t.Errorf("%s changes numbers outside of training", kind)
		}
	}
}
