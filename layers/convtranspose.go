package layers

import (
	"fmt"

	"layercake/compute"
)

// ConvTranspose lays each pixel's Filters-channel stamps, weighted by the pixel, on
// a larger image and adds them up: the data gradient of a convolution, run
// forwards.
//
//	x  [N, H, W, C]
//	W  [KH, KW, Filters/Groups, C]    as Init says; uniform ±1/√(KH·KW·Filters/Groups) by default
//	b  [Filters]                      absent without Bias
//	y  [N, H′, W′, Filters]           H′ = (H−1)·Stride − padding + Dilation·(KH−1) + OutputPadding + 1
//
// Padding is cut off the result; same makes H′ = H·Stride. H·W·C·KH·KW·Filters/Groups
// multiply-adds a sample forward, those that are cut off included, and
// twice that backward.
type ConvTranspose struct {
	Filters       int
	Kernel        Pair
	Stride        Pair
	Padding       Padding
	OutputPadding Pair
	Dilation      Pair
	Groups        int
	Bias          bool
	Init          string
}

var convTransposeKind = &Kind{
	Name:    "convtranspose",
	Short:   "convtrans",
	Family:  Features,
	Summary: "a convolution turned round: learnt stamps, larger images",
	Card: Card{
		What: "Where a convolution makes one number of a window of pixels, this makes a window of pixels of one number: each pixel of the input is multiplied by a small learnt " +
			"stamp, the stamps are laid stride pixels apart on a larger image, and where they overlap they are added.",
		Formula: "y[f, i·s+u·d−p, j·s+v·d−p] += W[c,f,u,v]·x[c,i,j], starting from b[f]",
		Shapes:  "C×H×W → F×H′×W′ with H′ = (H−1)s − 2p + d(k−1) + output_padding + 1",
		Params:  "C·(F/groups)·k² + F; weight decay takes the weights, not the bias",
		Cost:    "H·W·C·(F/groups)·k²",
		When:    "To enlarge images with learnt weights: in the second half of autoencoders and U-Nets, and in generators.",
		Instead: "upsample and a conv2d leave no checkerboard behind, at s² times the work for equal kernels. A kernel that the stride divides evenly, such as 4 for 2, lessens it here.",
		Source:  "Zeiler et al., Deconvolutional networks, 2010; Odena, Dumoulin and Olah, Deconvolution and checkerboard artifacts, 2016",
	},
	New: func() Layer {
		return &ConvTranspose{Filters: 32, Kernel: Pair{4, 4}, Stride: Pair{2, 2}, Padding: Padding{Same: true}, Dilation: Pair{1, 1}, Groups: 1, Bias: true, Init: initAuto}
	},
	Examples: []Example{
		{Layer: &ConvTranspose{Filters: 3, Kernel: Pair{4, 4}, Stride: Pair{2, 2}, Padding: Padding{Same: true}, Dilation: Pair{1, 1}, Groups: 1, Bias: true, Init: initAuto}, In: []compute.Shape{{2, 3, 4}}},
		{Layer: &ConvTranspose{Filters: 2, Kernel: Pair{2, 2}, Stride: Pair{2, 2}, Dilation: Pair{1, 1}, Groups: 1, Init: "he"}, In: []compute.Shape{{3, 2, 3}}},
		{Layer: &ConvTranspose{Filters: 4, Kernel: Pair{3, 3}, Stride: Pair{2, 2}, Padding: Padding{Top: 1, Bottom: 1, Left: 1, Right: 1}, OutputPadding: Pair{1, 1}, Dilation: Pair{1, 1}, Groups: 1, Bias: true, Init: initAuto}, In: []compute.Shape{{2, 3, 2}}},
		{Layer: &ConvTranspose{Filters: 4, Kernel: Pair{3, 2}, Stride: Pair{1, 2}, Padding: Padding{Top: 1, Left: 1}, Dilation: Pair{2, 1}, Groups: 2, Bias: true, Init: initAuto}, In: []compute.Shape{{2, 3, 3}}},
		{Layer: &ConvTranspose{Filters: 3, Kernel: Pair{3, 3}, Stride: Pair{2, 2}, Padding: Padding{Same: true}, Dilation: Pair{1, 1}, Groups: 3, Bias: true, Init: initAuto}, In: []compute.Shape{{3, 2, 2}}},
		{Layer: &ConvTranspose{Filters: 2, Kernel: Pair{1, 1}, Stride: Pair{1, 1}, Dilation: Pair{1, 1}, Groups: 1, Bias: true, Init: initAuto}, In: []compute.Shape{{4, 2, 2}}},
		{Layer: &ConvTranspose{Filters: 2, Kernel: Pair{2, 2}, Stride: Pair{3, 3}, Padding: Padding{Same: true}, Dilation: Pair{1, 1}, Groups: 1, Bias: true, Init: initAuto}, In: []compute.Shape{{1, 2, 1}}},
		{Layer: &ConvTranspose{Filters: 5, Kernel: Pair{3, 3}, Stride: Pair{1, 1}, Padding: Padding{Same: true}, Dilation: Pair{1, 1}, Groups: 1, Init: initAuto}, In: []compute.Shape{{3, 4, 4}}},
	},
}

// Fields are the settings.
func (c *ConvTranspose) Fields() []Field {
	return []Field{
		{Name: "filters", Help: "number of output channels", Ptr: &c.Filters, Min: 1, Max: 1 << 20},
		{Name: "kernel", Help: "rows and columns of a stamp", Unit: "px", Ptr: &c.Kernel, Min: 1, Max: 1 << 12},
		{Name: "stride", Help: "pixels from one stamp to the next: how many times larger the image gets", Unit: "px", Ptr: &c.Stride, Min: 1, Max: 1 << 12},
		{Name: "padding", Help: "pixels cut off around the result: a number, valid, or same: stride times the input", Unit: "px", Ptr: &c.Padding, Min: 0, Max: 1 << 12},
		{Name: "output_padding", Help: "rows and columns more below and to the right; less than the stride or dilation", Unit: "px", Ptr: &c.OutputPadding, Min: 0, Max: 1 << 12},
		{Name: "dilation", Help: "pixels from one weight of a stamp to the next", Unit: "px", Ptr: &c.Dilation, Min: 1, Max: 1 << 12},
		{Name: "groups", Help: "parts that the channels are split into; as many as channels is depthwise", Ptr: &c.Groups, Min: 1, Max: 1 << 20},
		{Name: "bias", Help: "add a learnt constant to each channel; not needed before batchnorm", Ptr: &c.Bias},
		initField(&c.Init),
	}
}

// Label is the kernel, the channels, and what is out of the ordinary.
func (c *ConvTranspose) Label() string {
	l := fmt.Sprintf("%s · %d", times(c.Kernel), c.Filters)
	switch {
	case c.Stride[0] != c.Stride[1]:
		l += " ×" + times(c.Stride)
	case c.Stride[0] > 1:
		l += fmt.Sprintf(" ×%d", c.Stride[0])
	}
	if c.Groups > 1 {
		l += fmt.Sprintf(" g%d", c.Groups)
	}
	return l
}

// stamped is where stamps that span so many pixels land along one axis: cut is
// what is cut off in front, size what is left.
func stamped(in, span, stride, front, back, more int, same bool) (cut, size int) {
	if same {
		return max(0, span-stride+1) / 2, in * stride
	}
	return front, (in-1)*stride + span + more - front - back
}

// result is the size of the output, and what is cut off its top and left.
func (c *ConvTranspose) result(s compute.Shape) (size Pair, top, left int) {
	p := c.Padding
	top, size[0] = stamped(s[1], (c.Kernel[0]-1)*c.Dilation[0]+1, c.Stride[0], p.Top, p.Bottom, c.OutputPadding[0], p.Same)
	left, size[1] = stamped(s[2], (c.Kernel[1]-1)*c.Dilation[1]+1, c.Stride[1], p.Left, p.Right, c.OutputPadding[1], p.Same)
	return size, top, left
}

// Plan refuses settings that leave nothing, and groups that do not divide the
// channels.
func (c *ConvTranspose) Plan(in []compute.Shape) (Plan, error) {
	s, err := image(in)
	if err != nil {
		return Plan{}, err
	}
	if err := grouped(in, s[0], c.Filters, c.Groups); err != nil {
		return Plan{}, err
	}
	for i := range c.Kernel {
		switch {
		case c.Kernel[i] < 1:
			return Plan{}, badSetting(in, "kernel", c.Kernel[i], 1)
		case c.Stride[i] < 1:
			return Plan{}, badSetting(in, "stride", c.Stride[i], 1)
		case c.Dilation[i] < 1:
			return Plan{}, badSetting(in, "dilation", c.Dilation[i], 1)
		case c.OutputPadding[i] < 0:
			return Plan{}, badSetting(in, "output_padding", c.OutputPadding[i], 0)
		case c.OutputPadding[i] > 0 && c.Padding.Same:
			return Plan{}, &ShapeError{Got: in, Want: "no output_padding beside padding same, which settles the size", Cure: "set output_padding to 0, or padding to a number"}
		case c.OutputPadding[i] >= max(c.Stride[i], c.Dilation[i]) && c.OutputPadding[i] > 0:
			return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("output_padding below the stride or the dilation, not %d", c.OutputPadding[i]), Cure: "set output_padding lower"}
		}
	}
	if low := min(c.Padding.Top, c.Padding.Bottom, c.Padding.Left, c.Padding.Right); low < 0 {
		return Plan{}, badSetting(in, "padding", low, 0)
	}
	size, _, _ := c.result(s)
	if size[0] < 1 || size[1] < 1 {
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("padding that leaves something of the result, not %s", times(size)), Cure: "use less padding or a larger kernel"}
	}
	if _, ok := product(maxElements, c.Filters, size[0], size[1]); !ok {
		return Plan{}, tooLarge(in, "output", "use fewer filters or a smaller stride")
	}
	fg := c.Filters / c.Groups
	if _, ok := product(maxElements, c.Kernel[0], c.Kernel[1], fg, s[0]); !ok {
		return Plan{}, tooLarge(in, "weight", "use fewer filters or a smaller kernel")
	}
	macs, ok := product(maxMACs, s[1], s[2], s[0], c.Kernel[0], c.Kernel[1], fg)
	if !ok {
		return Plan{}, tooLarge(in, "work", "use fewer filters or a smaller kernel")
	}
	area := c.Kernel[0] * c.Kernel[1]
	weight, bias := initials(c.Init, area*fg, area*(s[0]/c.Groups))
	plan := Plan{
		Out: compute.Shape{c.Filters, size[0], size[1]},
		Params: []Param{{
			Name: "weight", Shape: compute.Shape{c.Kernel[0], c.Kernel[1], fg, s[0]},
			Exchange: []int{3, 2, 0, 1}, Init: weight, Decay: true,
		}},
		MACs:     macs,
		Reads:    ReadsIn,
		AddsGrad: true, WritesGrads: true,
		Window: Window{
			Kernel: [2]int{(c.Kernel[0]-1)*c.Dilation[0]/c.Stride[0] + 1, (c.Kernel[1]-1)*c.Dilation[1]/c.Stride[1] + 1},
			Stride: [2]int{1, 1},
		},
	}
	if c.Bias {
		plan.Params = append(plan.Params, Param{Name: "bias", Shape: compute.Shape{c.Filters}, Init: bias})
	}
	return plan, nil
}

// geometry is the convolution that this one is turned round from: its input is
// our output.
func (c *ConvTranspose) geometry(n int, in compute.Shape) compute.Conv {
	size, top, left := c.result(in)
	return compute.Conv{
		N: n, H: size[0], W: size[1], C: c.Filters, F: in[0], KH: c.Kernel[0], KW: c.Kernel[1],
		StrideH: c.Stride[0], StrideW: c.Stride[1], PadTop: top, PadLeft: left,
		// What the last stamps reach beyond the result; below 0 where they do not reach its end.
		PadBottom: (in[1]-1)*c.Stride[0] + (c.Kernel[0]-1)*c.Dilation[0] + 1 - size[0] - top,
		PadRight:  (in[2]-1)*c.Stride[1] + (c.Kernel[1]-1)*c.Dilation[1] + 1 - size[1] - left,
		DilH:      c.Dilation[0], DilW: c.Dilation[1], Groups: c.Groups, OH: in[1], OW: in[2],
	}
}

// Forward adds the stamps to the bias.
func (c *ConvTranspose) Forward(p *Pass) {
	g := c.geometry(p.N, p.In[0].Shape)
	bias := p.param(1)
	if bias != nil {
		compute.FillRows(p.Pool, p.N*g.H*g.W, g.C, bias, p.Out.Data)
	}
	compute.ConvBackwardData(p.Pool, &g, p.In[0].Data, p.Params[0], p.Out.Data, bias != nil)
}

// Backward makes the gradients of W, b and x.
func (c *ConvTranspose) Backward(p *Pass) {
	g := c.geometry(p.N, p.In[0].Shape)
	if dw := p.grad(0); dw != nil {
		compute.ConvBackwardWeights(p.Pool, &g, p.DOut.Data, p.In[0].Data, dw, !p.Fresh)
	}
	if db := p.grad(1); db != nil {
		compute.ColumnSum(p.Pool, p.N*g.H*g.W, g.C, p.DOut.Data, db, !p.Fresh)
	}
	if dx := p.wanted(0); dx != nil {
		compute.ConvForward(p.Pool, &g, p.DOut.Data, p.Params[0], dx, compute.Epilogue{Add: p.adds(0)})
	}
}

// account is a stamp for every input.
func (c *ConvTranspose) account(in []compute.Shape) string {
	return dots(in[0][1], in[0][2], in[0][0], c.Kernel[0], c.Kernel[1], c.Filters/c.Groups)
}
