package layers_test

import (
	"errors"
	"math"
	"testing"

	"layercake/compute"
	"layercake/layers"
)

// hand is a case small enough to work out on paper. Images are channels
// first; parameters lie in PyTorch's order.
type hand struct {
	name   string
	layer  layers.Layer
	n      int
	in     []compute.Shape
	answer bool // out of training
	x      [][]float32
	params [][]float32
	state  [][]float32
	out    []float32
	dout   []float32 // nil: forward only
	dx     [][]float32
	grads  [][]float32
	after  [][]float32 // state
	shape  compute.Shape
	macs   int64
}

func (h hand) run(t *testing.T) {
	t.Run(h.name, func(t *testing.T) {
		plan, err := h.layer.Plan(h.in)
		if err != nil {
			t.Fatal(err)
		}
		if !plan.Out.Equal(h.shape) {
			t.Fatalf("output is %v, want %v", plan.Out, h.shape)
		}
		if plan.MACs != h.macs {
			t.Errorf("%d multiply-adds, want %d", plan.MACs, h.macs)
		}
		p := &layers.Pass{N: h.n, Train: !h.answer, Seed: 1, Add: make([]bool, len(h.in))}
		for i, s := range h.in {
			p.In = append(p.In, compute.Tensor{Shape: s, Data: toMemory(h.x[i], h.n, s)})
			d := compute.Tensor{Shape: s}
			if h.dx != nil {
				d.Data = make([]float32, len(h.x[i]))
			}
			p.DIn = append(p.DIn, d)
		}
		p.Out = compute.Tensor{Shape: plan.Out, Data: make([]float32, h.n*plan.Out.Size())}
		for i, q := range plan.Params {
			p.Params = append(p.Params, fromExchange(h.params[i], q))
			p.Grads = append(p.Grads, make([]float32, q.Shape.Size()))
		}
		for i := range plan.State {
			p.State = append(p.State, append([]float32(nil), h.state[i]...))
		}
		for _, r := range plan.Saved {
			p.Saved = append(p.Saved, make([]float32, r.At(h.n)))
		}
		p.Marks = make([]byte, plan.Marks.At(h.n))
		p.Scratch = make([]float32, plan.Scratch.At(h.n))
		h.layer.Forward(p)
		near(t, "output", p.Out.Data, toMemory(h.out, h.n, plan.Out), 1e-5)
		for i := range h.after {
			near(t, plan.State[i].Name, p.State[i], h.after[i], 1e-5)
		}
		if h.dout == nil {
			return
		}
		p.DOut = compute.Tensor{Shape: plan.Out, Data: toMemory(h.dout, h.n, plan.Out)}
		h.layer.Backward(p)
		for i := range h.dx {
			near(t, "input gradient", p.DIn[i].Data, toMemory(h.dx[i], h.n, h.in[i]), 1e-5)
		}
		for i := range h.grads {
			near(t, "gradient of "+plan.Params[i].Name, p.Grads[i], fromExchange(h.grads[i], plan.Params[i]), 1e-5)
		}
	})
}

// refusal is a layer with inputs that it must not take, and what it says.
type refusal struct {
	layer layers.Layer
	in    []compute.Shape
	says  string
}

func refuses(t *testing.T, cases ...refusal) {
	t.Helper()
	for _, c := range cases {
		_, err := c.layer.Plan(c.in)
		var shape *layers.ShapeError
		if !errors.As(err, &shape) {
			t.Errorf("%T%+v on %v: got %v, want a ShapeError", c.layer, c.layer, c.in, err)
			continue
		}
		if err.Error() != c.says {
			t.Errorf("%T on %v says\n\t%s\nwant\n\t%s", c.layer, c.in, err, c.says)
		}
	}
}

// made is a layer of a kind with settings in the words of network files.
func made(t *testing.T, kind string, settings ...string) layers.Layer {
	t.Helper()
	k := layers.Lookup(kind)
	if k == nil {
		t.Fatalf("no kind %s", kind)
	}
	l := k.New()
set:
	for i := 0; i < len(settings); i += 2 {
		for _, f := range l.Fields() {
			if f.Name == settings[i] {
				if err := f.Set(layers.ParseValue(settings[i+1])); err != nil {
					t.Fatal(err)
				}
				continue set
			}
		}
		t.Fatalf("%s has no setting %s", kind, settings[i])
	}
	return l
}

var shapes = func(s ...compute.Shape) []compute.Shape { return s }

func TestDense(t *testing.T) {
	for _, h := range []hand{{
		name: "flat", layer: made(t, "dense", "units", "2"), n: 2, in: shapes(compute.Shape{3}), shape: compute.Shape{2}, macs: 6,
		x:      [][]float32{{1, 2, 3, -1, 0, 1}},
		params: [][]float32{{1, 0, -1, 2, 1, 0}, {10, 20}},
		out:    []float32{8, 24, 8, 18},
		dout:   []float32{1, 0, 0, 2},
		dx:     [][]float32{{1, 0, -1, 4, 2, 0}},
		grads:  [][]float32{{1, 2, 3, -2, 0, 2}, {1, 2}},
	}, {
		name: "every step alike", layer: made(t, "dense", "units", "1", "bias", "false"), n: 1, in: shapes(compute.Shape{2, 2}), shape: compute.Shape{2, 1}, macs: 4,
		x: [][]float32{{1, 2, 3, 4}}, params: [][]float32{{10, 1}}, out: []float32{12, 34},
		dout: []float32{1, -1}, dx: [][]float32{{10, 1, -10, -1}}, grads: [][]float32{{-2, -2}},
	}} {
		h.run(t)
	}
	refuses(t,
		refusal{made(t, "dense"), shapes(compute.Shape{8, 8, 16}), "got 8×8×16, wants one flat input, or a sequence T×F: put a flatten before it"},
		refusal{made(t, "dense"), nil, "got nothing, wants one flat input, or a sequence T×F: connect one layer to it"},
		refusal{made(t, "dense", "units", "16777216"), shapes(compute.Shape{1 << 30}), "got 1073741824, wants fewer numbers than the weight would have (over 2⁴⁰): use fewer units or a smaller input"},
		refusal{made(t, "dense"), shapes(compute.Shape{0}), "got 0, wants at least one element along every axis: make the input larger"},
	)
}

func TestConv2D(t *testing.T) {
	for _, h := range []hand{{
		name:  "a difference of neighbours",
		layer: made(t, "conv2d", "filters", "1", "kernel", "1,2", "padding", "valid"), n: 1, in: shapes(compute.Shape{1, 2, 3}), shape: compute.Shape{1, 2, 2}, macs: 8,
		x: [][]float32{{1, 2, 4, 8, 16, 32}}, params: [][]float32{{-1, 1}, {100}}, out: []float32{101, 102, 108, 116},
		dout: []float32{1, 0, 0, 1}, dx: [][]float32{{-1, 1, 0, 0, -1, 1}}, grads: [][]float32{{17, 34}, {2}},
	}, {
		name:  "depthwise keeps channels apart",
		layer: made(t, "conv2d", "filters", "2", "kernel", "1", "groups", "2", "bias", "false"), n: 1, in: shapes(compute.Shape{2, 1, 2}), shape: compute.Shape{2, 1, 2}, macs: 4,
		x: [][]float32{{1, 2, 3, 4}}, params: [][]float32{{10, 100}}, out: []float32{10, 20, 300, 400},
		dout: []float32{1, 1, 1, 0}, dx: [][]float32{{10, 10, 100, 0}}, grads: [][]float32{{3, 3}},
	}, {
		name:  "same at stride 2 is PyTorch's padding 1",
		layer: made(t, "conv2d", "filters", "1", "stride", "2", "bias", "false"), n: 1, in: shapes(compute.Shape{1, 1, 4}), shape: compute.Shape{1, 1, 2}, macs: 18,
		x: [][]float32{{1, 2, 3, 4}}, params: [][]float32{{0, 0, 0, 1, 10, 100, 0, 0, 0}}, out: []float32{210, 432},
	}} {
		h.run(t)
	}
	image := compute.Shape{3, 5, 5}
	refuses(t,
		refusal{made(t, "conv2d", "kernel", "7", "padding", "0"), shapes(image),
			"got 3×5×5, wants an input that the kernel fits in: 7×7 pixels are more than the padded input's 5×5: use a smaller kernel or more padding"},
		refusal{made(t, "conv2d", "dilation", "4", "padding", "1"), shapes(image),
			"got 3×5×5, wants an input that the kernel fits in: 9×9 pixels are more than the padded input's 7×7: use a smaller kernel, less dilation or more padding"},
		refusal{made(t, "conv2d", "groups", "2"), shapes(image), "got 3×5×5, wants channels that 2 groups divide evenly: set groups to 1 or to a divisor of 3"},
		refusal{made(t, "conv2d", "groups", "3"), shapes(image), "got 3×5×5, wants filters that 3 groups divide evenly, not 32: make filters a multiple of 3"},
		refusal{made(t, "conv2d"), shapes(compute.Shape{10}), "got 10, wants one image C×H×W: put it before the flatten"},
		refusal{made(t, "conv2d"), shapes(image, image), "got 3×5×5 and 3×5×5, wants one image C×H×W: connect one layer to it"},
		refusal{made(t, "conv2d", "filters", "1048576"), shapes(compute.Shape{1, 1 << 15, 1 << 15}),
			"got 1×32768×32768, wants fewer numbers than the output would have (over 2⁴⁰): use fewer filters or a larger stride"},
	)
	for want, l := range map[string]layers.Layer{
		"3×3 · 32":             made(t, "conv2d"),
		"1×5 · 8 /2":           made(t, "conv2d", "kernel", "1,5", "filters", "8", "stride", "2"),
		"3×3 · 32 /2×1 d2 g32": made(t, "conv2d", "stride", "2,1", "dilation", "2", "groups", "32"),
	} {
		if got := l.Label(); got != want {
			t.Errorf("label is %q, want %q", got, want)
		}
	}
}

func TestBatchNorm(t *testing.T) {
	for _, h := range []hand{{
		// Mean 2, variance 1; unbiased variance 4/3.
		name: "training", layer: made(t, "batchnorm", "eps", "0.000000000001"), n: 2, in: shapes(compute.Shape{1, 1, 2}), shape: compute.Shape{1, 1, 2},
		x: [][]float32{{1, 3, 3, 1}}, params: [][]float32{{2}, {5}}, state: [][]float32{{0}, {1}}, out: []float32{3, 7, 7, 3},
		after: [][]float32{{0.2}, {0.9 + 0.1*4./3}},
		dout:  []float32{1, 1, 1, 1}, dx: [][]float32{{0, 0, 0, 0}}, grads: [][]float32{{0}, {4}},
	}, {
		name: "answering", layer: made(t, "batchnorm"), answer: true, n: 1, in: shapes(compute.Shape{2}), shape: compute.Shape{2},
		x: [][]float32{{4, 10}}, params: [][]float32{{1, 3}, {0, 1}}, state: [][]float32{{2, 10}, {4 - 1e-5, 1}}, out: []float32{1, 1},
		after: [][]float32{{2, 10}, {4, 1}},
	}} {
		h.run(t)
	}
	refuses(t, refusal{made(t, "batchnorm"), shapes(compute.Shape{1, 2, 3, 4}), "got 1×2×3×4, wants one input: C×H×W, T×F or F: put a flatten or reshape before it"})
}

func TestLayerNorm(t *testing.T) {
	hand{
		name: "a row by itself", layer: made(t, "layernorm", "eps", "0.000000000001"), n: 2, in: shapes(compute.Shape{2}), shape: compute.Shape{2},
		x: [][]float32{{1, 3, 50, 10}}, params: [][]float32{{2, 10}, {1, 0}}, out: []float32{-1, 10, 3, -10},
		dout: []float32{1, 1, 0, 1}, grads: [][]float32{{-1, 0}, {1, 2}},
	}.run(t)
}

func TestPools(t *testing.T) {
	image := [][]float32{{1, 2, 5, 6, 3, 4, 7, 8}} // one channel, 2×4
	in := shapes(compute.Shape{1, 2, 4})
	for _, h := range []hand{{
		name: "max", layer: made(t, "maxpool"), n: 1, in: in, shape: compute.Shape{1, 1, 2}, x: image, out: []float32{4, 8},
		dout: []float32{1, 2}, dx: [][]float32{{0, 0, 0, 0, 0, 1, 0, 2}},
	}, {
		name: "max, the first of equals", layer: made(t, "maxpool"), n: 1, in: shapes(compute.Shape{1, 2, 2}), shape: compute.Shape{1, 1, 1},
		x: [][]float32{{0, 7, 7, 7}}, out: []float32{7}, dout: []float32{1}, dx: [][]float32{{0, 1, 0, 0}},
	}, {
		name: "max, padding never wins", layer: made(t, "maxpool", "kernel", "3", "padding", "1"), n: 1, in: shapes(compute.Shape{1, 1, 1}), shape: compute.Shape{1, 1, 1},
		x: [][]float32{{-5}}, out: []float32{-5}, dout: []float32{1}, dx: [][]float32{{1}},
	}, {
		name: "average", layer: made(t, "avgpool"), n: 1, in: in, shape: compute.Shape{1, 1, 2}, x: image, out: []float32{2.5, 6.5},
		dout: []float32{4, 8}, dx: [][]float32{{1, 1, 2, 2, 1, 1, 2, 2}},
	}, {
		name: "average with the border", layer: made(t, "avgpool", "kernel", "2", "padding", "1"), n: 1, in: shapes(compute.Shape{1, 2, 2}), shape: compute.Shape{1, 2, 2},
		x: [][]float32{{4, 8, 12, 16}}, out: []float32{1, 2, 3, 4}, dout: []float32{4, 4, 4, 8}, dx: [][]float32{{1, 1, 1, 2}},
	}, {
		name: "average without the border", layer: made(t, "avgpool", "kernel", "2", "padding", "1", "count_pad", "no"), n: 1, in: shapes(compute.Shape{1, 2, 2}), shape: compute.Shape{1, 2, 2},
		x: [][]float32{{4, 8, 12, 16}}, out: []float32{4, 8, 12, 16}, dout: []float32{1, 1, 1, 2}, dx: [][]float32{{1, 1, 1, 2}},
	}, {
		name: "global", layer: made(t, "globalavgpool"), n: 1, in: shapes(compute.Shape{2, 1, 2}), shape: compute.Shape{2},
		x: [][]float32{{1, 3, 10, 30}}, out: []float32{2, 20}, dout: []float32{2, 4}, dx: [][]float32{{1, 1, 2, 2}},
	}} {
		h.run(t)
	}
	refuses(t,
		refusal{made(t, "maxpool", "kernel", "17"), shapes(compute.Shape{1, 20, 20}), "got 1×20×20, wants a window of at most 256 pixels, not 17×17: use a smaller kernel, or two pools"},
		refusal{made(t, "avgpool", "padding", "2"), shapes(compute.Shape{1, 4, 4}),
			"got 1×4×4, wants padding smaller than the kernel 2×2, so that every window sees the image: use less padding or a larger kernel"},
		refusal{made(t, "maxpool", "kernel", "3"), shapes(compute.Shape{8, 2, 2}),
			"got 8×2×2, wants an input that the kernel fits in: 3×3 pixels are more than the padded input's 2×2: use a smaller kernel or more padding"},
		refusal{made(t, "globalavgpool"), shapes(compute.Shape{4}), "got 4, wants one image C×H×W, or a sequence T×F: put it before the flatten, or leave it out"},
	)
}

func TestActivations(t *testing.T) {
	x := []float32{-4, -1, 0, 2, 7}
	for _, c := range []struct {
		kind string
		out  []float32
	}{
		{"relu", []float32{0, 0, 0, 2, 7}},
		{"leakyrelu", []float32{-0.04, -0.01, 0, 2, 7}},
		{"relu6", []float32{0, 0, 0, 2, 6}},
		{"elu", []float32{-0.9816844, -0.6321206, 0, 2, 7}},
		{"selu", []float32{-1.7258986, -1.1113307, 0, 2.101402, 7.354907}},
		{"gelu", []float32{-0.00012668, -0.15865525, 0, 1.9544997, 7}},
		{"silu", []float32{-0.07194484, -0.26894143, 0, 1.761594, 6.993623}},
		{"sigmoid", []float32{0.01798621, 0.26894143, 0.5, 0.880797, 0.999089}},
		{"tanh", []float32{-0.9993293, -0.7615942, 0, 0.9640276, 0.9999983}},
		{"softplus", []float32{0.01814993, 0.31326166, 0.6931472, 2.126928, 7.000911}},
		{"hardsigmoid", []float32{0, 1. / 3, 0.5, 5. / 6, 1}},
		{"hardswish", []float32{0, -1. / 3, 0, 5. / 3, 7}},
	} {
		hand{name: c.kind, layer: made(t, c.kind), n: 1, in: shapes(compute.Shape{5}), shape: compute.Shape{5}, x: [][]float32{x}, out: c.out}.run(t)
	}
}

func TestSoftmax(t *testing.T) {
	third := float32(1. / 3)
	hand{
		name: "over channels", layer: made(t, "softmax"), n: 1, in: shapes(compute.Shape{2, 1, 2}), shape: compute.Shape{2, 1, 2},
		x: [][]float32{{0, 1000, float32(math.Log(2)), 1000}}, out: []float32{third, 0.5, 2 * third, 0.5},
		dout: []float32{9, 1, 0, 1}, dx: [][]float32{{2, 0, -2, 0}},
	}.run(t)
}

func TestFlow(t *testing.T) {
	two := shapes(compute.Shape{2}, compute.Shape{2})
	for _, h := range []hand{{
		name: "add", layer: made(t, "add"), n: 1, in: two, shape: compute.Shape{2}, x: [][]float32{{1, 2}, {10, 20}}, out: []float32{11, 22},
		dout: []float32{3, 4}, dx: [][]float32{{3, 4}, {3, 4}},
	}, {
		name: "multiply", layer: made(t, "multiply"), n: 1, in: two, shape: compute.Shape{2}, x: [][]float32{{1, 2}, {10, 20}}, out: []float32{10, 40},
		dout: []float32{3, 4}, dx: [][]float32{{30, 80}, {3, 8}},
	}, {
		name: "multiply by a gate a channel", layer: made(t, "multiply"), n: 1, in: shapes(compute.Shape{2, 1, 2}, compute.Shape{2}), shape: compute.Shape{2, 1, 2},
		x: [][]float32{{1, 2, 3, 4}, {10, 0.5}}, out: []float32{10, 20, 1.5, 2},
		dout: []float32{1, 1, 2, 0}, dx: [][]float32{{10, 10, 1, 0}, {3, 6}},
	}, {
		name: "concat", layer: made(t, "concat"), n: 2, in: shapes(compute.Shape{1, 1, 2}, compute.Shape{2, 1, 2}), shape: compute.Shape{3, 1, 2},
		x:   [][]float32{{1, 2, 7, 8}, {3, 4, 5, 6, 9, 10, 11, 12}},
		out: []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, dout: []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		dx: [][]float32{{1, 2, 7, 8}, {3, 4, 5, 6, 9, 10, 11, 12}},
	}, {
		name: "subsample", layer: made(t, "subsample", "channels", "4"), n: 1, in: shapes(compute.Shape{2, 1, 3}), shape: compute.Shape{4, 1, 2},
		x: [][]float32{{1, 2, 3, 4, 5, 6}}, out: []float32{0, 0, 1, 3, 4, 6, 0, 0},
		dout: []float32{9, 9, 1, 2, 3, 4, 9, 9}, dx: [][]float32{{1, 0, 2, 3, 0, 4}},
	}, {
		name: "flatten keeps C×H×W", layer: made(t, "flatten"), n: 1, in: shapes(compute.Shape{2, 1, 3}), shape: compute.Shape{6},
		x: [][]float32{{1, 2, 3, 4, 5, 6}}, out: []float32{1, 2, 3, 4, 5, 6}, dout: []float32{1, 2, 3, 4, 5, 6}, dx: [][]float32{{1, 2, 3, 4, 5, 6}},
	}, {
		name: "reshape", layer: made(t, "reshape", "shape", "3,-1,1"), n: 1, in: shapes(compute.Shape{2, 1, 3}), shape: compute.Shape{3, 2, 1},
		x: [][]float32{{1, 2, 3, 4, 5, 6}}, out: []float32{1, 2, 3, 4, 5, 6}, dout: []float32{1, 2, 3, 4, 5, 6}, dx: [][]float32{{1, 2, 3, 4, 5, 6}},
	}, {
		name: "upsample", layer: made(t, "upsample", "scale", "1,2"), n: 1, in: shapes(compute.Shape{1, 2, 1}), shape: compute.Shape{1, 2, 2},
		x: [][]float32{{1, 2}}, out: []float32{1, 1, 2, 2}, dout: []float32{1, 10, 2, 20}, dx: [][]float32{{11, 22}},
	}, {
		name: "embedding", layer: made(t, "embedding", "tokens", "3", "width", "2"), n: 1, in: shapes(compute.Shape{3}), shape: compute.Shape{3, 2},
		x: [][]float32{{2, 0, 2}}, params: [][]float32{{1, 2, 3, 4, 5, 6}}, out: []float32{5, 6, 1, 2, 5, 6},
		dout: []float32{1, 2, 10, 20, 3, 4}, grads: [][]float32{{10, 20, 0, 0, 4, 6}},
	}} {
		h.run(t)
	}
	refuses(t,
		refusal{made(t, "add"), shapes(compute.Shape{16, 8, 8}, compute.Shape{32, 4, 4}),
			"got 16×8×8 and 32×4×4, wants inputs of one shape: give the shortcut a projection, or match filters and strides"},
		refusal{made(t, "add"), shapes(compute.Shape{4}), "got 4, wants two or more inputs: name the other one in from: [., NAME]"},
		refusal{made(t, "multiply"), shapes(compute.Shape{4, 2, 2}, compute.Shape{5}), "got 4×2×2 and 5, wants inputs of one shape: match filters and strides of the paths"},
		refusal{made(t, "concat"), shapes(compute.Shape{4, 2, 2}, compute.Shape{4, 2, 3}),
			"got 4×2×2 and 4×2×3, wants inputs that differ in their channels alone: match strides and paddings of the paths"},
		refusal{made(t, "subsample", "channels", "3"), shapes(compute.Shape{4, 2, 2}), "got 4×2×2, wants at most 3 channels: set channels to 4 or more, or to auto"},
		refusal{made(t, "reshape", "shape", "5"), shapes(compute.Shape{4}), "got 4, wants as many elements as 5 has, not 4: set one axis of shape to -1"},
		refusal{made(t, "reshape", "shape", "-1,-1"), shapes(compute.Shape{4}), "got 4, wants a shape of numbers above 0, with at most one -1, not -1×-1: write the axes out"},
		refusal{made(t, "reshape", "shape", "-1,3"), shapes(compute.Shape{4}), "got 4, wants as many elements as -1×3 has, not 4: set one axis of shape to -1"},
	)
}
