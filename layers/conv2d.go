package layers

import (
	"fmt"

	"layercake/compute"
)

// Conv2D slides Filters small weighted sums over an image.
//
//	x  [N, H, W, C]
//	W  [KH, KW, C/Groups, Filters]    as Init says; uniform ±1/√(KH·KW·C/Groups) by default
//	b  [Filters]                      absent without Bias
//	y  [N, H′, W′, Filters]           H′ = ⌊(H + padding − Dilation·(KH−1) − 1)/Stride⌋ + 1
//
// H′·W′·Filters·KH·KW·C/Groups multiply-adds a sample forward, twice that
// backward. Output channel f reads the input channels of its group alone.
type Conv2D struct {
	Filters  int
	Kernel   Pair
	Stride   Pair
	Padding  Padding
	Dilation Pair
	Groups   int
	Bias     bool
	Init     string
}

var conv2dKind = &Kind{
	Name:    "conv2d",
	Short:   "conv",
	Family:  Features,
	Summary: "small filters that slide over an image",
	Card: Card{
		What: "A filter is a small window of weights. It is laid on every place of the image, and each time the weighted sum of the pixels under it is one output. " +
			"What it finds, an edge, a corner, an ear, it finds everywhere, and the weights are few. Each filter makes one channel of the output.",
		Formula: "y[f,i,j] = b[f] + Σ W[f,c,u,v]·x[c, i·s+u·d−p, j·s+v·d−p]",
		Shapes:  "C×H×W → F×H′×W′ with H′ = ⌊(H + 2p − d(k−1) − 1)/s⌋ + 1",
		Params:  "F·(C/groups)·k² + F; weight decay takes the weights, not the bias",
		Cost:    "H′·W′·F·(C/groups)·k²",
		When:    "On images and everything else where near things belong together. Two 3×3 layers see as far as one 5×5, for 18 instead of 25 weights a channel pair.",
		Instead: "Groups equal to the channels (depthwise) followed by a 1×1 costs about a ninth of a full 3×3, and loses a little accuracy. Stride 2 instead of a pool learns how to shrink.",
		Source:  "LeCun et al., Backpropagation applied to handwritten zip code recognition, 1989; dilation: Yu and Koltun, Multi-scale context aggregation by dilated convolutions, 2015",
	},
	New: func() Layer {
		return &Conv2D{Filters: 32, Kernel: Pair{3, 3}, Stride: Pair{1, 1}, Padding: Padding{Same: true}, Dilation: Pair{1, 1}, Groups: 1, Bias: true, Init: initAuto}
	},
	Examples: []Example{
		{Layer: &Conv2D{Filters: 3, Kernel: Pair{3, 3}, Stride: Pair{1, 1}, Padding: Padding{Same: true}, Dilation: Pair{1, 1}, Groups: 1, Bias: true, Init: initAuto}, In: []compute.Shape{{2, 5, 4}}},
		{Layer: &Conv2D{Filters: 4, Kernel: Pair{3, 3}, Stride: Pair{2, 2}, Padding: Padding{Same: true}, Dilation: Pair{1, 1}, Groups: 1, Init: "he"}, In: []compute.Shape{{3, 6, 5}}},
		{Layer: &Conv2D{Filters: 5, Kernel: Pair{1, 1}, Stride: Pair{1, 1}, Dilation: Pair{1, 1}, Groups: 1, Bias: true, Init: initAuto}, In: []compute.Shape{{3, 3, 3}}},
		{Layer: &Conv2D{Filters: 2, Kernel: Pair{1, 1}, Stride: Pair{2, 2}, Dilation: Pair{1, 1}, Groups: 1, Init: initAuto}, In: []compute.Shape{{3, 5, 4}}},
		{Layer: &Conv2D{Filters: 2, Kernel: Pair{2, 3}, Stride: Pair{1, 2}, Padding: Padding{Top: 1, Bottom: 0, Left: 2, Right: 1}, Dilation: Pair{2, 1}, Groups: 1, Bias: true, Init: "lecun"}, In: []compute.Shape{{2, 5, 6}}},
		{Layer: &Conv2D{Filters: 4, Kernel: Pair{3, 3}, Stride: Pair{1, 1}, Padding: Padding{Same: true}, Dilation: Pair{1, 1}, Groups: 4, Bias: true, Init: initAuto}, In: []compute.Shape{{4, 4, 4}}},
		{Layer: &Conv2D{Filters: 6, Kernel: Pair{3, 3}, Stride: Pair{2, 2}, Padding: Padding{Same: true}, Dilation: Pair{1, 1}, Groups: 2, Init: initAuto}, In: []compute.Shape{{4, 5, 5}}},
		{Layer: &Conv2D{Filters: 3, Kernel: Pair{4, 4}, Stride: Pair{1, 1}, Dilation: Pair{1, 1}, Groups: 1, Bias: true, Init: initAuto}, In: []compute.Shape{{2, 4, 4}}},
	},
}

// Fields are the settings.
func (c *Conv2D) Fields() []Field {
	return []Field{
		{Name: "filters", Help: "number of output channels", Ptr: &c.Filters, Min: 1, Max: 1 << 20},
		{Name: "kernel", Help: "rows and columns of a filter", Unit: "px", Ptr: &c.Kernel, Min: 1, Max: 1 << 12},
		{Name: "stride", Help: "pixels from one place of the filter to the next", Unit: "px", Ptr: &c.Stride, Min: 1, Max: 1 << 12},
		{Name: "padding", Help: "zeros around the image: a number, same or valid", Unit: "px", Ptr: &c.Padding, Min: 0, Max: 1 << 12},
		{Name: "dilation", Help: "pixels from one weight of a filter to the next", Unit: "px", Ptr: &c.Dilation, Min: 1, Max: 1 << 12},
		{Name: "groups", Help: "parts that the channels are split into; as many as channels is depthwise", Ptr: &c.Groups, Min: 1, Max: 1 << 20},
		{Name: "bias", Help: "add a learnt constant to each channel; not needed before batchnorm", Ptr: &c.Bias},
		initField(&c.Init),
	}
}

// Label is the kernel, the channels, and what is out of the ordinary.
func (c *Conv2D) Label() string {
	l := fmt.Sprintf("%s · %d%s", times(c.Kernel), c.Filters, over(c.Stride))
	if c.Dilation == (Pair{c.Dilation[0], c.Dilation[0]}) && c.Dilation[0] > 1 {
		l += fmt.Sprintf(" d%d", c.Dilation[0])
	} else if c.Dilation != (Pair{1, 1}) {
		l += " d" + times(c.Dilation)
	}
	if c.Groups > 1 {
		l += fmt.Sprintf(" g%d", c.Groups)
	}
	return l
}

// Plan refuses inputs that the kernel does not fit in, and groups that do not
// divide the channels.
func (c *Conv2D) Plan(in []compute.Shape) (Plan, error) {
	s, err := image(in)
	if err != nil {
		return Plan{}, err
	}
	if err := grouped(in, s[0], c.Filters, c.Groups); err != nil {
		return Plan{}, err
	}
	v, err := slideOver(in, c.Kernel, c.Stride, c.Dilation, c.Padding, false)
	if err != nil {
		return Plan{}, err
	}
	cg := s[0] / c.Groups
	if _, ok := product(maxElements, c.Filters, v.outH, v.outW); !ok {
		return Plan{}, tooLarge(in, "output", "use fewer filters or a larger stride")
	}
	if _, ok := product(maxElements, c.Kernel[0], c.Kernel[1], cg, c.Filters); !ok {
		return Plan{}, tooLarge(in, "weight", "use fewer filters or a smaller kernel")
	}
	macs, ok := product(maxMACs, v.outH, v.outW, c.Filters, c.Kernel[0], c.Kernel[1], cg)
	if !ok {
		return Plan{}, tooLarge(in, "work", "use fewer filters or a larger stride")
	}
	area := c.Kernel[0] * c.Kernel[1]
	weight, bias := initials(c.Init, area*cg, area*(c.Filters/c.Groups))
	plan := Plan{
		Out: compute.Shape{c.Filters, v.outH, v.outW},
		Params: []Param{{
			Name: "weight", Shape: compute.Shape{c.Kernel[0], c.Kernel[1], cg, c.Filters},
			Exchange: []int{3, 2, 0, 1}, Init: weight, Decay: true,
		}},
		MACs:     macs,
		Reads:    ReadsIn,
		AddsGrad: true, WritesGrads: true,
		Window: v.reach(),
	}
	if c.Bias {
		plan.Params = append(plan.Params, Param{Name: "bias", Shape: compute.Shape{c.Filters}, Init: bias})
	}
	return plan, nil
}

// grouped refuses filters and groups that do not go with so many channels.
func grouped(in []compute.Shape, channels, filters, groups int) error {
	switch {
	case filters < 1:
		return badSetting(in, "filters", filters, 1)
	case groups < 1:
		return badSetting(in, "groups", groups, 1)
	case channels%groups != 0:
		return &ShapeError{Got: in, Want: fmt.Sprintf("channels that %d groups divide evenly", groups),
			Cure: fmt.Sprintf("set groups to 1 or to a divisor of %d", channels)}
	case filters%groups != 0:
		return &ShapeError{Got: in, Want: fmt.Sprintf("filters that %d groups divide evenly, not %d", groups, filters),
			Cure: fmt.Sprintf("make filters a multiple of %d", groups)}
	}
	return nil
}

// Geometry is the convolution for n samples of shape in.
func (c *Conv2D) Geometry(n int, in compute.Shape) compute.Conv {
	v := slide(in[1], in[2], c.Kernel, c.Stride, c.Dilation, c.Padding, false)
	return compute.Conv{
		N: n, H: in[1], W: in[2], C: in[0], F: c.Filters, KH: c.Kernel[0], KW: c.Kernel[1],
		StrideH: c.Stride[0], StrideW: c.Stride[1],
		PadTop: v.top, PadBottom: v.bottom, PadLeft: v.left, PadRight: v.right,
		DilH: c.Dilation[0], DilW: c.Dilation[1], Groups: c.Groups, OH: v.outH, OW: v.outW,
	}
}

// Room is that of Winograd's convolution.
func (c *Conv2D) Room(n int, in []compute.Shape) int {
	g := c.Geometry(n, in[0])
	return g.Room()
}

// Forward is y = x ∗ W + b.
func (c *Conv2D) Forward(p *Pass) { c.forward(p, false) }

// ForwardReLU is y = max(x ∗ W + b, 0), the bits of Forward and then relu.
func (c *Conv2D) ForwardReLU(p *Pass) { c.forward(p, true) }

func (c *Conv2D) forward(p *Pass, relu bool) {
	c.ForwardWith(p, p.Params[0], p.Out.Data, compute.Epilogue{Bias: p.param(1), ReLU: relu})
}

// ForwardWith is y = x ∗ w with e instead of the layer's own weights and bias.
func (c *Conv2D) ForwardWith(p *Pass, w, y []float32, e compute.Epilogue) {
	g := c.Geometry(p.N, p.In[0].Shape)
	compute.ConvForward(p.Pool, &g, p.In[0].Data, w, y, e)
}

// PackedLen is how many floats the weights take when they are laid out for many
// passes over inputs of shape in; 0 says that there is nothing to win.
func (c *Conv2D) PackedLen(in compute.Shape) int {
	g := c.Geometry(1, in)
	return g.PackedLen()
}

// Pack lays w out for ForwardPacked.
func (c *Conv2D) Pack(pool *compute.Pool, in compute.Shape, w, packed []float32) {
	g := c.Geometry(1, in)
	compute.PackConv(pool, &g, w, packed)
}

// ForwardPacked is ForwardWith, the weights laid out by Pack.
func (c *Conv2D) ForwardPacked(p *Pass, packed, y []float32, e compute.Epilogue) {
	g := c.Geometry(p.N, p.In[0].Shape)
	compute.ConvForwardPacked(p.Pool, &g, p.In[0].Data, packed, y, e)
}

// Backward makes the gradients of W, b and x.
func (c *Conv2D) Backward(p *Pass) {
	g := c.Geometry(p.N, p.In[0].Shape)
	if dw := p.grad(0); dw != nil {
		compute.ConvBackwardWeights(p.Pool, &g, p.In[0].Data, p.DOut.Data, dw, !p.Fresh)
	}
	if db := p.grad(1); db != nil {
		compute.ColumnSum(p.Pool, p.N*g.OH*g.OW, g.F, p.DOut.Data, db, !p.Fresh)
	}
	if dx := p.wanted(0); dx != nil {
		compute.ConvBackwardData(p.Pool, &g, p.DOut.Data, p.Params[0], dx, p.adds(0))
	}
}

// account is the window times the channels that each filter sees, for every output.
func (c *Conv2D) account(in []compute.Shape) string {
	v, err := slideOver(in, c.Kernel, c.Stride, c.Dilation, c.Padding, false)
	if err != nil {
		return ""
	}
	return dots(v.outH, v.outW, c.Filters, c.Kernel[0], c.Kernel[1], in[0][0]/c.Groups)
}
