package layers

import "layercake/compute"

// Multiply is the product of two or more inputs of one shape, element by
// element, or of an image or sequence and one factor for each channel or feature.
//
//	x₁ … xₖ, y  any shape, all the same; or
//	x, y  [N, H, W, C] or [N, T, C]   gate [N, C], before or behind x
//
// No parameters; no multiply-adds are counted.
type Multiply struct{}

var multiplyKind = &Kind{
	Name:    "multiply",
	Short:   "mul",
	Family:  Flow,
	Summary: "the product of its inputs, element by element",
	Card: Card{
		What: "Multiplies inputs of the same shape, element by element. With a sigmoid in front of one of them that one is a gate: " +
			"0 shuts the other off, 1 lets it through. A vector of C numbers is taken as one gate for each channel.",
		Formula: "y = x₁ · x₂ · …",
		Shapes:  "unchanged; all inputs must agree, or C×H×W and C → C×H×W",
		Params:  "none",
		Cost:    "no multiply-adds are counted",
		When:    "For gates, where one path decides how much of another counts, as in squeeze-and-excite blocks.",
		Instead: "add, unless one input really is a gate: products of numbers that may grow are hard to train.",
		Source:  "Dauphin et al., Language modeling with gated convolutional networks, 2016; by channel: Hu, Shen and Sun, Squeeze-and-excitation networks, 2017",
	},
	New: func() Layer { return &Multiply{} },
	Examples: []Example{
		{Layer: &Multiply{}, In: []compute.Shape{{3, 2, 2}, {3, 2, 2}}},
		{Layer: &Multiply{}, In: []compute.Shape{{5}, {5}, {5}}},
		{Layer: &Multiply{}, In: []compute.Shape{{4, 2, 3}, {4}}},
		{Layer: &Multiply{}, In: []compute.Shape{{3}, {5, 3}}},
		{Layer: &Multiply{}, In: []compute.Shape{{4, 2, 3}, {4, 1, 1}}},
	},
}

// Fields are none.
func (m *Multiply) Fields() []Field { return nil }

// Label is empty: there is nothing to set.
func (m *Multiply) Label() string { return "" }

// gated says which input is the gate of the other; ok is false where they
// are alike, or fit in no other way.
func gated(in []compute.Shape) (x, gate int, ok bool) {
	if len(in) != 2 || in[0].Equal(in[1]) {
		return 0, 0, false
	}
	for gate := range in {
		n, c := rows(in[gate])
		m, d := rows(in[1-gate])
		if n == 1 && c == d && m > 1 && len(in[1-gate]) > 1 {
			return 1 - gate, gate, true
		}
	}
	return 0, 0, false
}

// Plan refuses shapes that neither agree nor are an image and its gate.
func (m *Multiply) Plan(in []compute.Shape) (Plan, error) {
	if err := whole(in); err != nil {
		return Plan{}, err
	}
	if x, _, ok := gated(in); ok {
		return Plan{Out: in[x], Reads: ReadsIn}, nil
	}
	if err := alike(in, "match filters and strides of the paths"); err != nil {
		return Plan{}, err
	}
	return Plan{Out: in[0], Reads: ReadsIn, AddsGrad: len(in) == 2}, nil
}

// Forward is the product.
func (m *Multiply) Forward(p *Pass) {
	if x, gate, ok := p.gated(); ok {
		hw, c := rows(p.In[x].Shape)
		compute.ScaleColumns(p.Pool, p.N, hw, c, p.In[x].Data, p.In[gate].Data, p.Out.Data)
		return
	}
	compute.Mul(p.Pool, p.In[0].Data, p.In[1].Data, p.Out.Data)
	for _, x := range p.In[2:] {
		compute.Mul(p.Pool, p.Out.Data, x.Data, p.Out.Data)
	}
}

// gated is gated of the inputs' shapes, without garbage.
func (p *Pass) gated() (x, gate int, ok bool) {
	if len(p.In) != 2 {
		return 0, 0, false
	}
	in := [2]compute.Shape{p.In[0].Shape, p.In[1].Shape}
	return gated(in[:])
}

// Backward is dxᵢ = dy times all other inputs, summed over the pixels for a gate.
func (m *Multiply) Backward(p *Pass) {
	if x, gate, ok := p.gated(); ok {
		hw, c := rows(p.In[x].Shape)
		if d := p.wanted(gate); d != nil {
			compute.ScaleColumnsGate(p.Pool, p.N, hw, c, p.In[x].Data, p.DOut.Data, d)
		}
		if d := p.wanted(x); d != nil {
			compute.ScaleColumns(p.Pool, p.N, hw, c, p.DOut.Data, p.In[gate].Data, d)
		}
		return
	}
	for i := range p.DIn {
		dx := p.wanted(i)
		if dx == nil {
			continue
		}
		from := p.DOut.Data
		for j, x := range p.In {
			switch {
			case j == i:
				continue
			case p.adds(i):
				compute.MulAddTo(p.Pool, dx, from, x.Data)
			default:
				compute.Mul(p.Pool, from, x.Data, dx)
			}
			from = dx
		}
	}
}
