package layers_test

import (
	"testing"

	"layercake/compute"
	"layercake/layers"
)

// TestEnds: what is written is read back, and anything else is refused.
func TestEnds(t *testing.T) {
	var e layers.Ends
	f := layers.Field{Name: "padding", Ptr: &e, Min: 0, Max: 9}
	for _, c := range []struct {
		text string
		want layers.Ends
		back string
	}{
		{"same", layers.Ends{Same: true}, "same"},
		{"causal", layers.Ends{Causal: true}, "causal"},
		{"valid", layers.Ends{}, "0"},
		{"3", layers.Ends{Before: 3, After: 3}, "3"},
		{"2, 0", layers.Ends{Before: 2}, "[2, 0]"},
	} {
		if err := f.Set(layers.ParseValue(c.text)); err != nil || e != c.want {
			t.Errorf("%q is read as %+v (%v), want %+v", c.text, e, err, c.want)
		}
		if got := f.Get().String(); got != c.back {
			t.Errorf("%q is written as %q, want %q", c.text, got, c.back)
		}
	}
	const want = `padding is "full", wants a whole number (or same, causal or valid)`
	if err := f.Set(layers.Value{"full"}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestPoolsOverTime(t *testing.T) {
	x := [][]float32{{1, 8, 2, 7, 3, 6, 4, 5, 5, 4}} // five steps of two features
	in := shapes(compute.Shape{5, 2})
	for _, h := range []hand{{
		name: "max", layer: made(t, "pool1d"), n: 1, in: in, shape: compute.Shape{2, 2}, x: x, out: []float32{2, 8, 4, 6},
		dout: []float32{1, 2, 3, 4}, dx: [][]float32{{0, 2, 1, 0, 0, 4, 3, 0, 0, 0}},
	}, {
		name: "mean of what came before", layer: made(t, "pool1d", "take", "mean", "kernel", "2", "stride", "1", "padding", "causal"), n: 1, in: in, shape: compute.Shape{5, 2}, x: x,
		out: []float32{0.5, 4, 1.5, 7.5, 2.5, 6.5, 3.5, 5.5, 4.5, 4.5},
	}, {
		name: "rounded up", layer: made(t, "pool1d", "take", "mean", "ceil", "yes"), n: 1, in: in, shape: compute.Shape{3, 2}, x: x, out: []float32{1.5, 7.5, 3.5, 5.5, 5, 4},
		dout: []float32{2, 0, 0, 0, 1, 1}, dx: [][]float32{{1, 0, 1, 0, 0, 0, 0, 0, 1, 1}},
	}} {
		h.run(t)
	}
	refuses(t,
		refusal{made(t, "pool1d", "kernel", "300"), shapes(compute.Shape{1000, 2}), "got 1000×2, wants a window of at most 256 steps, not 300: use a smaller kernel, or two pools"},
		refusal{made(t, "pool1d", "kernel", "3", "padding", "3"), in, "got 5×2, wants padding smaller than the kernel 3, so that every window sees the sequence: use less padding or a larger kernel"},
		refusal{made(t, "pool1d", "kernel", "6"), in, "got 5×2, wants a sequence that the kernel fits in: 6 steps are more than the padded sequence's 5: use a smaller kernel or more padding"},
		refusal{made(t, "pool1d"), shapes(compute.Shape{3, 4, 4}), "got 3×4×4, wants one sequence T×F: use maxpool or avgpool on images"},
		refusal{made(t, "maxpool"), in, "got 5×2, wants one image C×H×W: use pool1d on sequences"},
		refusal{made(t, "timepool"), shapes(compute.Shape{4}), "got 4, wants one sequence T×F: use globalavgpool or globalmaxpool on images, and leave it out behind vectors"},
	)
}

// TestPaddingIsIgnored: a sample in a padded batch gives what it gives alone.
func TestPaddingIsIgnored(t *testing.T) {
	const steps, features = 6, 3
	lens := []int32{4, 6, 1}
	for _, l := range []layers.Layer{
		made(t, "globalavgpool"), made(t, "globalmaxpool"), made(t, "timepool", "take", "last"), made(t, "timepool", "take", "max"),
		made(t, "pool1d", "kernel", "3", "stride", "1", "padding", "same"),
		made(t, "pool1d", "take", "mean", "kernel", "3", "stride", "1", "padding", "causal"),
		made(t, "conv1d", "filters", "2"), made(t, "conv1d", "filters", "3", "groups", "3", "padding", "causal", "dilation", "2"),
	} {
		run := func(n, steps int, x []float32, lens []int32) []float32 {
			s := compute.Shape{steps, features}
			plan, err := l.Plan(shapes(s))
			if err != nil {
				t.Fatal(err)
			}
			p := &layers.Pass{N: n, In: []compute.Tensor{{Shape: s, Data: x, Lens: lens}}}
			p.Out = compute.Tensor{Shape: plan.Out, Data: make([]float32, n*plan.Out.Size())}
			p.Scratch = make([]float32, plan.Scratch.At(n))
			for _, q := range plan.Params {
				w := make([]float32, q.Shape.Size())
				q.Init.Fill(w, layers.Stream(1, q.Name))
				p.Params = append(p.Params, w)
			}
			l.Forward(p)
			return p.Out.Data
		}
		x := make([]float32, len(lens)*steps*features)
		for i := range x {
			x[i] = float32(i*37%101)/50 - 1
		}
		all := run(len(lens), steps, x, lens)
		for i, n := range lens {
			alone := run(1, int(n), x[i*steps*features:][:int(n)*features], nil)
			got := all[i*len(all)/len(lens):][:len(all)/len(lens)]
			near(t, "padded "+l.Label(), got[:len(alone)], alone, 1e-6)
		}
	}
}
