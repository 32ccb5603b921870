package layers

import (
	"fmt"

	"layercake/compute"
)

// pooled is what max and average pools have in common: a window over an image
// that leaves the channels alone.
type pooled struct {
	Kernel  Pair
	Stride  Pair // zero: as the kernel, so that windows do not overlap
	Padding Padding
}

func (v *pooled) fields() []Field {
	return []Field{
		{Name: "kernel", Help: "rows and columns of the window", Unit: "px", Ptr: &v.Kernel, Min: 1, Max: 1 << 12},
		{Name: "stride", Help: "pixels from one window to the next; auto is the kernel", Unit: "px", Ptr: &v.Stride, Min: 1, Max: 1 << 12, Optional: true},
		{Name: "padding", Help: "border around the image: a number, same or valid", Unit: "px", Ptr: &v.Padding, Min: 0, Max: 1 << 12},
	}
}

func (v *pooled) stride() Pair {
	if v.Stride == (Pair{}) {
		return v.Kernel
	}
	return v.Stride
}

func (v *pooled) label() string { return times(v.Kernel) + over(v.stride()) }

func (v *pooled) plan(in []compute.Shape) (Plan, error) {
	s, err := image(in)
	if err != nil {
		return Plan{}, err
	}
	w, err := slideOver(in, v.Kernel, v.stride(), Pair{1, 1}, v.Padding)
	if err != nil {
		return Plan{}, err
	}
	if max(w.top, w.bottom) >= v.Kernel[0] || max(w.left, w.right) >= v.Kernel[1] {
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("padding smaller than the kernel %s, so that every window sees the image", times(v.Kernel)),
			Cure: "use less padding or a larger kernel"}
	}
	if _, ok := product(maxElements, s[0], w.outH, w.outW); !ok {
		return Plan{}, tooLarge(in, "output", "use a larger stride")
	}
	return Plan{Out: compute.Shape{s[0], w.outH, w.outW}, Window: w.reach()}, nil
}

func (v *pooled) geometry(n int, in compute.Shape) compute.Pooling {
	w := slide(in[1], in[2], v.Kernel, v.stride(), Pair{1, 1}, v.Padding)
	return compute.Pooling{
		N: n, H: in[1], W: in[2], C: in[0], KH: v.Kernel[0], KW: v.Kernel[1],
		StrideH: w.stride[0], StrideW: w.stride[1],
		PadTop: w.top, PadBottom: w.bottom, PadLeft: w.left, PadRight: w.right, OH: w.outH, OW: w.outW,
	}
}

// MaxPool keeps the largest value of each window, channel by channel.
//
//	x [N, H, W, C]   y [N, H′, W′, C]   H′ = ⌊(H + padding − kernel)/stride⌋ + 1
//
// Padding never wins. Of equal values the first in reading order gets the
// gradient. No parameters, no multiply-adds.
type MaxPool struct{ pooled }

var maxPoolKind = &Kind{
	Name:    "maxpool",
	Short:   "maxpool",
	Family:  Shrink,
	Summary: "the largest value of each window",
	Card: Card{
		What: "Cuts the image into windows and keeps the largest value of each, channel by channel. " +
			"Whether a feature was found matters more than the exact pixel, and what follows has a quarter of the work for a 2×2 window.",
		Formula: "y[c,i,j] = max x[c, i·s+u−p, j·s+v−p]",
		Shapes:  "C×H×W → C×H′×W′ with H′ = ⌊(H + 2p − k)/s⌋ + 1",
		Params:  "none",
		Cost:    "no multiply-adds; time goes with the size of the input",
		When:    "Between groups of convolutions, to halve rows and columns.",
		Instead: "A conv2d of stride 2 learns how to shrink, at the price of its weights; avgpool keeps the gradient flowing to all pixels.",
		Source:  "Ranzato et al., Unsupervised learning of invariant feature hierarchies, 2007",
	},
	New: func() Layer { return &MaxPool{pooled{Kernel: Pair{2, 2}}} },
	Examples: []Example{
		{&MaxPool{pooled{Kernel: Pair{2, 2}}}, []compute.Shape{{3, 4, 6}}},
		{&MaxPool{pooled{Kernel: Pair{3, 3}, Stride: Pair{2, 2}, Padding: Padding{Same: true}}}, []compute.Shape{{2, 5, 6}}},
		{&MaxPool{pooled{Kernel: Pair{2, 3}, Stride: Pair{1, 2}}}, []compute.Shape{{2, 3, 5}}},
		{&MaxPool{pooled{Kernel: Pair{2, 2}}}, []compute.Shape{{1, 5, 5}}},
	},
}

// Fields are the settings.
func (m *MaxPool) Fields() []Field { return m.fields() }

// Label is the window and its stride.
func (m *MaxPool) Label() string { return m.label() }

// Plan refuses windows that do not fit, and those of more than 256 pixels,
// since a byte holds the place of the largest.
func (m *MaxPool) Plan(in []compute.Shape) (Plan, error) {
	plan, err := m.plan(in)
	if err != nil {
		return Plan{}, err
	}
	if m.Kernel[0]*m.Kernel[1] > 256 {
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("a window of at most 256 pixels, not %s", times(m.Kernel)), Cure: "use a smaller kernel, or two pools"}
	}
	plan.Marks = Room{PerSample: plan.Out.Size()}
	return plan, nil
}

// Forward keeps, in training, where each largest value was.
func (m *MaxPool) Forward(p *Pass) {
	g := m.geometry(p.N, p.In[0].Shape)
	marks := p.Marks
	if !p.Train {
		marks = nil
	}
	compute.MaxPoolForward(p.Pool, &g, p.In[0].Data, p.Out.Data, marks)
}

// Backward hands each gradient to the pixel that won.
func (m *MaxPool) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		g := m.geometry(p.N, p.In[0].Shape)
		compute.MaxPoolBackward(p.Pool, &g, p.DOut.Data, p.Marks, dx)
	}
}

// AvgPool is the mean of each window, channel by channel.
//
//	x [N, H, W, C]   y [N, H′, W′, C]   H′ = ⌊(H + padding − kernel)/stride⌋ + 1
//
// A window that reaches over the border is divided by its whole area with
// CountPad, by the pixels inside the image without. No parameters, no
// multiply-adds.
type AvgPool struct {
	pooled
	CountPad bool
}

var avgPoolKind = &Kind{
	Name:    "avgpool",
	Short:   "avgpool",
	Family:  Shrink,
	Summary: "the mean of each window",
	Card: Card{
		What: "Cuts the image into windows and keeps the mean of each, channel by channel: the same picture at a lower resolution. " +
			"Every pixel of a window gets the same share of the gradient.",
		Formula: "y[c,i,j] = mean of x[c, i·s+u−p, j·s+v−p]",
		Shapes:  "C×H×W → C×H′×W′ with H′ = ⌊(H + 2p − k)/s⌋ + 1",
		Params:  "none",
		Cost:    "no multiply-adds; time goes with the size of the input",
		When:    "To shrink smoothly: in DenseNet's transitions, in LeNet, on shortcuts of residual nets.",
		Instead: "maxpool when the strongest reply counts; globalavgpool to average the whole image at the end.",
		Source:  "LeCun et al., Gradient-based learning applied to document recognition, 1998",
	},
	New: func() Layer { return &AvgPool{pooled: pooled{Kernel: Pair{2, 2}}, CountPad: true} },
	Examples: []Example{
		{&AvgPool{pooled: pooled{Kernel: Pair{2, 2}}, CountPad: true}, []compute.Shape{{3, 4, 6}}},
		{&AvgPool{pooled: pooled{Kernel: Pair{3, 3}, Stride: Pair{2, 2}, Padding: Padding{Same: true}}, CountPad: true}, []compute.Shape{{2, 5, 6}}},
		{&AvgPool{pooled: pooled{Kernel: Pair{3, 3}, Stride: Pair{2, 2}, Padding: Padding{Same: true}}}, []compute.Shape{{2, 5, 6}}},
		{&AvgPool{pooled: pooled{Kernel: Pair{2, 3}, Stride: Pair{1, 2}}}, []compute.Shape{{2, 3, 5}}},
	},
}

// Fields are the settings.
func (a *AvgPool) Fields() []Field {
	return append(a.fields(), Field{Name: "count_pad", Help: "count the border's zeros in the mean", Ptr: &a.CountPad})
}

// Label is the window and its stride.
func (a *AvgPool) Label() string { return a.label() }

// Plan refuses windows that do not fit.
func (a *AvgPool) Plan(in []compute.Shape) (Plan, error) { return a.plan(in) }

// Forward is the mean of each window.
func (a *AvgPool) Forward(p *Pass) {
	g := a.geometry(p.N, p.In[0].Shape)
	g.CountPad = a.CountPad
	compute.AvgPoolForward(p.Pool, &g, p.In[0].Data, p.Out.Data)
}

// Backward spreads each gradient evenly over its window.
func (a *AvgPool) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		g := a.geometry(p.N, p.In[0].Shape)
		g.CountPad = a.CountPad
		compute.AvgPoolBackward(p.Pool, &g, p.DOut.Data, dx)
	}
}
