package layers

import "layercake/compute"

// Flatten lays all axes end to end, in the order C×H×W that other frameworks
// use. Images lie channels last in memory, so that is a transposition, save
// where one channel or one pixel makes both orders the same.
//
//	x [N, H, W, C] or [N, T, F]   y [N, C·H·W] or [N, T·F]
type Flatten struct{}

var flattenKind = &Kind{
	Name:    "flatten",
	Short:   "flatten",
	Family:  Flow,
	Summary: "all axes end to end",
	Card: Card{
		What: "Lays an image or a sequence out as one long vector, so that a dense layer can take it. " +
			"Nothing is lost but the knowledge of which numbers were neighbours. The order is channel by channel, row by row, as in PyTorch.",
		Formula: "y[(c·H + i)·W + j] = x[c,i,j]",
		Shapes:  "C×H×W → C·H·W; T×F → T·F",
		Params:  "none",
		Cost:    "no multiply-adds",
		When:    "Once, between the last convolution or pool and the first dense layer.",
		Instead: "globalavgpool gives C numbers instead of C·H·W, and a dense layer that is smaller by that factor.",
		Source:  "LeCun et al., Gradient-based learning applied to document recognition, 1998",
	},
	New: func() Layer { return &Flatten{} },
	Examples: []Example{
		{Layer: &Flatten{}, In: []compute.Shape{{3, 2, 4}}},
		{Layer: &Flatten{}, In: []compute.Shape{{1, 3, 2}}},
		{Layer: &Flatten{}, In: []compute.Shape{{5, 1, 1}}},
		{Layer: &Flatten{}, In: []compute.Shape{{3, 4}}},
		{Layer: &Flatten{}, In: []compute.Shape{{4}}},
	},
}

// Fields are none.
func (f *Flatten) Fields() []Field { return nil }

// Label is empty: there is nothing to set.
func (f *Flatten) Label() string { return "" }

// Plan takes anything.
func (f *Flatten) Plan(in []compute.Shape) (Plan, error) {
	s, err := one(in, "one input")
	if err != nil {
		return Plan{}, err
	}
	view := len(s) != 3 || s[0] == 1 || s[1]*s[2] == 1
	return Plan{Out: compute.Shape{s.Size()}, View: view, AddsGrad: true}, nil
}

// Forward turns channels-last into channels-first.
func (f *Flatten) Forward(p *Pass) {
	s := p.In[0].Shape
	if len(s) != 3 {
		copyUnlessSame(p.Pool, p.Out.Data, p.In[0].Data)
		return
	}
	compute.NHWCToNCHW(p.Pool, p.N, s[1], s[2], s[0], p.In[0].Data, p.Out.Data)
}

// Backward turns channels-first back into channels-last.
func (f *Flatten) Backward(p *Pass) {
	s, dx := p.In[0].Shape, p.wanted(0)
	switch {
	case dx == nil:
	case len(s) == 3:
		compute.NCHWToNHWC(p.Pool, p.N, s[0], s[1], s[2], p.DOut.Data, dx, p.adds(0))
	case p.adds(0):
		compute.AddTo(p.Pool, dx, p.DOut.Data)
	default:
		copyUnlessSame(p.Pool, dx, p.DOut.Data)
	}
}

// copyUnlessSame is dst = src; nothing where both are the same memory.
func copyUnlessSame(p *compute.Pool, dst, src []float32) {
	if len(dst) > 0 && &dst[0] != &src[0] {
		compute.Copy(p, dst, src)
	}
}
