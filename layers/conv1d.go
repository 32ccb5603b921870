package layers

import (
	"fmt"

	"layercake/compute"
)

// Conv1D slides Filters small weighted sums over the steps of a sequence.
//
//	x  [N, T, C]
//	W  [K, C/Groups, Filters]   as Init says; uniform ±1/√(K·C/Groups) by default
//	b  [Filters]                absent without Bias
//	y  [N, T′, Filters]         T′ = ⌊(T + padding − Dilation·(K−1) − 1)/Stride⌋ + 1
//
// Steps past a sample's length count as zeros, like padding. Where T′ = T the
// lengths stay, otherwise what follows takes every step for used.
//
// With causal padding and stride 1 no output sees a later step, and the layer
// also runs step by step: it carries the last Dilation·(K−1) steps.
//
// T′·Filters·K·C/Groups multiply-adds a sample forward, twice that backward.
type Conv1D struct {
	Filters  int
	Kernel   int
	Stride   int
	Padding  Ends
	Dilation int
	Groups   int
	Bias     bool
	Init     string
}

var conv1DKind = &Kind{
	Name:    "conv1d",
	Short:   "conv1d",
	Family:  Sequence,
	Summary: "small filters that slide over the steps of a sequence",
	Card: Card{
		What: "A filter is a small window of weights over a few neighbouring steps and all their features. It is laid on every place of the sequence, and each time " +
			"the weighted sum under it is one output: it finds its pattern wherever it stands. With causal padding an output sees only its own step and earlier ones.",
		Formula: "y[t,f] = b[f] + Σ W[u,c,f]·x[t·s + u·d − p, c]; causal: p = d(k−1), all of it in front",
		Shapes:  "T×C → T′×F with T′ = ⌊(T + 2p − d(k−1) − 1)/s⌋ + 1",
		Params:  "F·(C/groups)·k + F; weight decay takes the weights, not the bias",
		Cost:    "T′·F·(C/groups)·k",
		When:    "On sound, sensors and text where near steps belong together; all steps are worked out at once. Causal ones with dilation 1, 2, 4, … see 2ⁿ steps back after n layers.",
		Instead: "lstm and gru remember without a fixed horizon but go step by step; attention sees every step at a cost that grows with T². Groups equal to the features cost 1/C of it.",
		Source:  "Waibel et al., Phoneme recognition using time-delay neural networks, 1989; causal and dilated: van den Oord et al., WaveNet, 2016",
	},
	New: func() Layer {
		return &Conv1D{Filters: 64, Kernel: 3, Stride: 1, Padding: Ends{Same: true}, Dilation: 1, Groups: 1, Bias: true, Init: initAuto}
	},
	Examples: []Example{
		{Layer: &Conv1D{Filters: 3, Kernel: 3, Stride: 1, Padding: Ends{Same: true}, Dilation: 1, Groups: 1, Bias: true, Init: initAuto}, In: []compute.Shape{{5, 2}}},
		{Layer: &Conv1D{Filters: 4, Kernel: 4, Stride: 2, Padding: Ends{Before: 2, After: 1}, Dilation: 1, Groups: 1, Init: "he"}, In: []compute.Shape{{7, 3}}},
		{Layer: &Conv1D{Filters: 4, Kernel: 2, Stride: 1, Padding: Ends{Causal: true}, Dilation: 3, Groups: 2, Bias: true, Init: initAuto}, In: []compute.Shape{{6, 4}}},
		{Layer: &Conv1D{Filters: 5, Kernel: 1, Stride: 1, Dilation: 1, Groups: 1, Bias: true, Init: initAuto}, In: []compute.Shape{{3, 2}}},
		{Layer: &Conv1D{Filters: 2, Kernel: 3, Stride: 1, Padding: Ends{Causal: true}, Dilation: 1, Groups: 1, Init: initAuto}, In: []compute.Shape{{1, 3}}},
		{Layer: &Conv1D{Filters: 3, Kernel: 3, Stride: 1, Padding: Ends{Same: true}, Dilation: 1, Groups: 3, Bias: true, Init: initAuto}, In: []compute.Shape{{5, 3}}, Lens: [][]int{{3, 5, 0}}},
		{Layer: &Conv1D{Filters: 3, Kernel: 3, Stride: 1, Padding: Ends{Causal: true}, Dilation: 1, Groups: 1, Bias: true, Init: initAuto}, In: []compute.Shape{{4, 2}}, Lens: [][]int{{4, 2, 1}}},
		{Layer: &Conv1D{Filters: 2, Kernel: 2, Stride: 2, Dilation: 1, Groups: 1, Bias: true, Init: initAuto}, In: []compute.Shape{{6, 2}}, Lens: [][]int{{3, 6, 1}}},
	},
}

// Fields are the settings.
func (c *Conv1D) Fields() []Field {
	return []Field{
		{Name: "filters", Help: "number of output features", Ptr: &c.Filters, Min: 1, Max: 1 << 20},
		{Name: "kernel", Help: "steps of a filter", Ptr: &c.Kernel, Min: 1, Max: 1 << 16},
		{Name: "stride", Help: "steps from one place of the filter to the next", Ptr: &c.Stride, Min: 1, Max: 1 << 16},
		{Name: "padding", Help: "zero steps around the sequence: a number, two, same, causal or valid", Ptr: &c.Padding, Min: 0, Max: 1 << 16},
		{Name: "dilation", Help: "steps from one weight of a filter to the next", Ptr: &c.Dilation, Min: 1, Max: 1 << 16},
		{Name: "groups", Help: "parts that the features are split into; as many as features is depthwise", Ptr: &c.Groups, Min: 1, Max: 1 << 20},
		{Name: "bias", Help: "add a learnt constant to each feature; not needed before batchnorm", Ptr: &c.Bias},
		initField(&c.Init),
	}
}

// Label is the kernel, the features, and what is out of the ordinary.
func (c *Conv1D) Label() string {
	l := fmt.Sprintf("%d · %d", c.Kernel, c.Filters)
	if c.Stride > 1 {
		l += fmt.Sprintf(" /%d", c.Stride)
	}
	if c.Dilation > 1 {
		l += fmt.Sprintf(" d%d", c.Dilation)
	}
	if c.Groups > 1 {
		l += fmt.Sprintf(" g%d", c.Groups)
	}
	if c.Padding.Causal {
		l += " causal"
	}
	return l
}

// Plan refuses sequences that the kernel does not fit in, and groups that do
// not divide the features.
func (c *Conv1D) Plan(in []compute.Shape) (Plan, error) {
	s, err := sequence(in, "use conv2d on images, and dense on vectors")
	if err != nil {
		return Plan{}, err
	}
	if err := grouped(in, s[1], c.Filters, c.Groups); err != nil {
		return Plan{}, err
	}
	r, err := slideAlong(in, c.Kernel, c.Stride, c.Dilation, c.Padding, false)
	if err != nil {
		return Plan{}, err
	}
	cg := s[1] / c.Groups
	if _, ok := product(maxElements, r.out, c.Filters); !ok {
		return Plan{}, tooLarge(in, "output", "use fewer filters or a larger stride")
	}
	if _, ok := product(maxElements, s[0]+r.before, s[1]); !ok {
		return Plan{}, tooLarge(in, "padded input", "use less padding")
	}
	if _, ok := product(maxElements, c.Kernel, cg, c.Filters); !ok {
		return Plan{}, tooLarge(in, "weight", "use fewer filters or a smaller kernel")
	}
	macs, ok := product(maxMACs, r.out, c.Filters, c.Kernel, cg)
	if !ok {
		return Plan{}, tooLarge(in, "work", "use fewer filters or a larger stride")
	}
	weight, bias := initials(c.Init, c.Kernel*cg, c.Kernel*(c.Filters/c.Groups))
	plan := Plan{
		Out: compute.Shape{r.out, c.Filters},
		Params: []Param{{
			Name: "weight", Shape: compute.Shape{c.Kernel, cg, c.Filters}, Exchange: []int{2, 1, 0}, Init: weight, Decay: true,
		}},
		MACs:     macs,
		Scratch:  Room{PerSample: s.Size()},
		Reads:    ReadsIn,
		AddsGrad: true, WritesGrads: true,
		AcrossTime: r.span > 1 || c.Stride > 1,
		Window:     Window{Kernel: [2]int{r.span, 1}, Stride: [2]int{c.Stride, 1}},
	}
	if c.Padding.Causal && c.Stride == 1 {
		plan.AcrossTime = false
		plan.Carry = Carry{PerSample: r.before * s[1]}
		plan.Scratch.PerSample += r.before * s[1]
	}
	if c.Bias {
		plan.Params = append(plan.Params, Param{Name: "bias", Shape: compute.Shape{c.Filters}, Init: bias})
	}
	return plan, nil
}

// geometry is the convolution for n sequences: images of one row.
func (c *Conv1D) geometry(n int, in compute.Shape) compute.Conv {
	r := along(in[0], c.Kernel, c.Stride, c.Dilation, c.Padding, false)
	return compute.Conv{
		N: n, H: 1, W: in[0], C: in[1], F: c.Filters, KH: 1, KW: c.Kernel, StrideH: 1, StrideW: c.Stride,
		PadLeft: r.before, PadRight: r.after, DilH: 1, DilW: c.Dilation, Groups: c.Groups, OH: 1, OW: r.out,
	}
}

// Forward is y = x ∗ W + b.
func (c *Conv1D) Forward(p *Pass) { c.forward(p, false) }

// ForwardReLU is y = max(x ∗ W + b, 0), the bits of Forward and then relu.
func (c *Conv1D) ForwardReLU(p *Pass) { c.forward(p, true) }

func (c *Conv1D) forward(p *Pass, relu bool) {
	c.ForwardWith(p, p.Params[0], p.Out.Data, compute.Epilogue{Bias: p.param(1), ReLU: relu})
}

// ForwardWith is y = x ∗ w with e instead of the layer's own weights and bias.
func (c *Conv1D) ForwardWith(p *Pass, w, y []float32, e compute.Epilogue) {
	g := c.geometry(p.N, p.In[0].Shape)
	if p.Carry == nil || g.PadLeft == 0 {
		compute.ConvForward(p.Pool, &g, c.used(p), w, y, e)
		return
	}
	// What was carried takes the place of the zeros in front.
	before, steps, f := g.PadLeft, g.W, g.C
	row := (before + steps) * f
	x := p.Scratch[:p.N*row]
	compute.CopyColumns(p.Pool, p.N, p.Carry, 0, before*f, before*f, x, 0, row, false)
	compute.CopyColumns(p.Pool, p.N, p.In[0].Data, 0, steps*f, steps*f, x, before*f, row, false)
	g.W, g.PadLeft = before+steps, 0
	compute.ConvForward(p.Pool, &g, x, w, y, e)
	for i := range p.N {
		used := steps
		if p.In[0].Lens != nil {
			used = int(p.In[0].Lens[i])
		}
		copy(p.Carry[i*before*f:][:before*f], x[i*row+used*f:])
	}
}

// used is the input with zeros past the samples' lengths.
func (c *Conv1D) used(p *Pass) []float32 {
	x := p.In[0]
	if x.Lens == nil {
		return x.Data
	}
	y := p.Scratch[:len(x.Data)]
	compute.MaskSteps(p.Pool, p.N, x.Shape[0], x.Shape[1], x.Lens, x.Data, y)
	return y
}

// Backward makes the gradients of W, b and x.
func (c *Conv1D) Backward(p *Pass) {
	x := p.In[0]
	g := c.geometry(p.N, x.Shape)
	if dw := p.grad(0); dw != nil {
		compute.ConvBackwardWeights(p.Pool, &g, c.used(p), p.DOut.Data, dw, !p.Fresh)
	}
	if db := p.grad(1); db != nil {
		compute.ColumnSum(p.Pool, p.N*g.OW, g.F, p.DOut.Data, db, !p.Fresh)
	}
	dx := p.wanted(0)
	switch {
	case dx == nil:
	case x.Lens == nil:
		compute.ConvBackwardData(p.Pool, &g, p.DOut.Data, p.Params[0], dx, p.adds(0))
	case p.adds(0):
		own := p.Scratch[:len(dx)]
		compute.ConvBackwardData(p.Pool, &g, p.DOut.Data, p.Params[0], own, false)
		compute.MaskSteps(p.Pool, p.N, g.W, g.C, x.Lens, own, own)
		compute.AddTo(p.Pool, dx, own)
	default:
		compute.ConvBackwardData(p.Pool, &g, p.DOut.Data, p.Params[0], dx, false)
		compute.MaskSteps(p.Pool, p.N, g.W, g.C, x.Lens, dx, dx)
	}
}

// account is the window times the features that each filter sees, for every output.
func (c *Conv1D) account(in []compute.Shape) string {
	r, err := slideAlong(in, c.Kernel, c.Stride, c.Dilation, c.Padding, false)
	if err != nil {
		return ""
	}
	return dots(r.out, c.Filters, c.Kernel, in[0][1]/c.Groups)
}
