package layers_test

import (
	"testing"

	"layercake/compute"
)

func TestRearranging(t *testing.T) {
	for _, h := range []hand{{
		name: "permute", layer: made(t, "permute"), n: 1, in: shapes(compute.Shape{2, 3}), shape: compute.Shape{3, 2},
		x: [][]float32{{1, 2, 3, 4, 5, 6}}, out: []float32{1, 4, 2, 5, 3, 6}, dout: []float32{1, 2, 3, 4, 5, 6}, dx: [][]float32{{1, 3, 5, 2, 4, 6}},
	}, {
		name: "slice", layer: made(t, "slice", "axis", "time", "start", "-2"), n: 1, in: shapes(compute.Shape{3, 2}), shape: compute.Shape{2, 2},
		x: [][]float32{{1, 2, 3, 4, 5, 6}}, out: []float32{3, 4, 5, 6}, dout: []float32{1, 2, 3, 4}, dx: [][]float32{{0, 0, 1, 2, 3, 4}},
	}, {
		name: "tokens", layer: made(t, "tokens"), n: 1, in: shapes(compute.Shape{2, 1, 3}), shape: compute.Shape{3, 2},
		x: [][]float32{{1, 2, 3, 4, 5, 6}}, out: []float32{1, 4, 2, 5, 3, 6}, dout: []float32{1, 2, 3, 4, 5, 6}, dx: [][]float32{{1, 3, 5, 2, 4, 6}},
	}, {
		name: "classtoken", layer: made(t, "classtoken"), n: 2, in: shapes(compute.Shape{1, 2}), shape: compute.Shape{2, 2},
		x: [][]float32{{1, 2, 3, 4}}, params: [][]float32{{8, 9}}, out: []float32{8, 9, 1, 2, 8, 9, 3, 4},
		dout: []float32{1, 2, 3, 4, 10, 20, 7, 8}, dx: [][]float32{{3, 4, 7, 8}}, grads: [][]float32{{11, 22}},
	}, {
		name: "concat along time", layer: made(t, "concat", "axis", "time"), n: 2, in: shapes(compute.Shape{1, 2}, compute.Shape{2, 2}), shape: compute.Shape{3, 2},
		x:   [][]float32{{1, 2, 7, 8}, {3, 4, 5, 6, 9, 10, 11, 12}},
		out: []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
	}} {
		h.run(t)
	}
	sequence, image := shapes(compute.Shape{4, 3}), shapes(compute.Shape{3, 4, 4})
	refuses(t,
		refusal{made(t, "permute", "order", "1,1"), sequence, "got 4×3, wants an order of the axes 1 to 2, each once, not [1, 1]: set order to [2, 1]"},
		refusal{made(t, "permute"), image, "got 3×4×4, wants an order of the axes 1 to 3, each once, not [2, 1]: set order to [2, 3, 1] or another of the six"},
		refusal{made(t, "permute"), shapes(compute.Shape{4}), "got 4, wants a sequence T×F or an image C×H×W: put a reshape before it, or leave it out"},
		refusal{made(t, "slice", "axis", "time"), image, "got 3×4×4, wants an input with an axis of time: set axis to channels, rows or columns"},
		refusal{made(t, "slice", "start", "2", "stop", "-1"), sequence, "got 4×3, wants a range within 0 to 3, not 2 to 2: set start and stop inside of the axis"},
		refusal{made(t, "slice", "start", "-9"), sequence, "got 4×3, wants a range within 0 to 3, not -6 to 3: set start and stop inside of the axis"},
		refusal{made(t, "concat", "axis", "time"), shapes(compute.Shape{4}, compute.Shape{4}), "got 4 and 4, wants sequences T×F, since axis is time: set axis to features"},
		refusal{made(t, "concat", "axis", "time"), shapes(compute.Shape{4, 2}, compute.Shape{4, 3}),
			"got 4×2 and 4×3, wants inputs that differ in their steps alone: match strides and paddings of the paths"},
		refusal{made(t, "classtoken"), image, "got 3×4×4, wants one sequence T×F: put tokens before it to make a sequence of an image"},
	)
	for _, c := range []struct{ kind, start, stop, want string }{{"slice", "1", "3", "features 1:3"}, {"slice", "-2", "auto", "features -2:"}} {
		if got := made(t, c.kind, "start", c.start, "stop", c.stop).Label(); got != c.want {
			t.Errorf("label is %q, want %q", got, c.want)
		}
	}
}
