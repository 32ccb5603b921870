package layers_test

import (
	"testing"

	"layercake/compute"
	"layercake/layers"
)

func TestConv1D(t *testing.T) {
	for _, h := range []hand{{
		name:  "a difference of neighbours",
		layer: made(t, "conv1d", "filters", "1", "kernel", "2", "padding", "causal"), n: 1, in: shapes(compute.Shape{3, 1}), shape: compute.Shape{3, 1}, macs: 6,
		x: [][]float32{{1, 2, 4}}, params: [][]float32{{-1, 1}, {100}}, out: []float32{101, 101, 102},
		dout: []float32{1, 0, 10}, dx: [][]float32{{1, -10, 10}}, grads: [][]float32{{20, 41}, {11}},
	}, {
		name:  "depthwise keeps features apart",
		layer: made(t, "conv1d", "filters", "2", "kernel", "1", "groups", "2", "bias", "false"), n: 1, in: shapes(compute.Shape{2, 2}), shape: compute.Shape{2, 2}, macs: 4,
		x: [][]float32{{1, 3, 2, 4}}, params: [][]float32{{10, 100}}, out: []float32{10, 300, 20, 400},
		dout: []float32{1, 1, 1, 0}, dx: [][]float32{{10, 100, 10, 0}}, grads: [][]float32{{3, 3}},
	}} {
		h.run(t)
	}
	refuses(t,
		refusal{made(t, "conv1d", "padding", "0", "kernel", "5"), shapes(compute.Shape{4, 2}),
			"got 4×2, wants a sequence that the kernel fits in: 5 steps are more than the padded sequence's 4: use a smaller kernel or more padding"},
		refusal{made(t, "conv1d", "groups", "3"), shapes(compute.Shape{4, 2}), "got 4×2, wants channels that 3 groups divide evenly: set groups to 1 or to a divisor of 2"},
		refusal{made(t, "conv1d"), shapes(compute.Shape{3, 8, 8}), "got 3×8×8, wants one sequence T×F: use conv2d on images, and dense on vectors"},
	)
	for want, l := range map[string]layers.Layer{
		"3 · 64":            made(t, "conv1d"),
		"2 · 8 /2 d4":       made(t, "conv1d", "kernel", "2", "filters", "8", "stride", "2", "dilation", "4"),
		"3 · 64 g64 causal": made(t, "conv1d", "groups", "64", "padding", "causal"),
		"4×4 · 32 ×2":       made(t, "convtranspose"),
		"3×3 · 32 ×2×1 g4":  made(t, "convtranspose", "kernel", "3", "stride", "2,1", "groups", "4"),
		"mean 3 /2":         made(t, "pool1d", "take", "mean", "kernel", "3", "stride", "2"),
		"→ 7×7":             made(t, "adaptiveavgpool"),
	} {
		if got := l.Label(); got != want {
			t.Errorf("label is %q, want %q", got, want)
		}
	}
}

func TestConvTranspose(t *testing.T) {
	for _, h := range []hand{{
		name:  "stamps that overlap",
		layer: made(t, "convtranspose", "filters", "1", "kernel", "1,3", "stride", "1,2", "padding", "0"), n: 1, in: shapes(compute.Shape{1, 1, 2}), shape: compute.Shape{1, 1, 5}, macs: 6,
		x: [][]float32{{1, 10}}, params: [][]float32{{1, 2, 3}, {100}}, out: []float32{101, 102, 113, 120, 130},
		dout: []float32{1, 0, 1, 0, 2}, dx: [][]float32{{4, 7}}, grads: [][]float32{{11, 0, 21}, {4}},
	}, {
		name:  "same where stamps leave gaps",
		layer: made(t, "convtranspose", "filters", "1", "kernel", "1", "stride", "1,3"), n: 1, in: shapes(compute.Shape{1, 1, 2}), shape: compute.Shape{1, 1, 6}, macs: 2,
		x: [][]float32{{1, 10}}, params: [][]float32{{2}, {0.5}}, out: []float32{2.5, 0.5, 0.5, 20.5, 0.5, 0.5},
	}} {
		h.run(t)
	}
	image := shapes(compute.Shape{3, 2, 2})
	refuses(t,
		refusal{made(t, "convtranspose", "padding", "3"), image, "got 3×2×2, wants padding that leaves something of the result, not 0×0: use less padding or a larger kernel"},
		refusal{made(t, "convtranspose", "padding", "0", "output_padding", "2"), image, "got 3×2×2, wants output_padding below the stride or the dilation, not 2: set output_padding lower"},
		refusal{made(t, "convtranspose", "output_padding", "1"), image,
			"got 3×2×2, wants no output_padding beside padding same, which settles the size: set output_padding to 0, or padding to a number"},
	)
}
