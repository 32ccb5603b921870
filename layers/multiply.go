package layers

import "layercake/compute"

// Multiply is the product of two or more inputs of one shape, element by
// element.
//
//	x₁ … xₖ, y  any shape, all the same
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
			"0 shuts the other off, 1 lets it through.",
		Formula: "y = x₁ · x₂ · …",
		Shapes:  "unchanged; all inputs must agree",
		Params:  "none",
		Cost:    "no multiply-adds are counted",
		When:    "For gates, where one path decides how much of another counts.",
		Instead: "add, unless one input really is a gate: products of numbers that may grow are hard to train.",
		Source:  "Dauphin et al., Language modeling with gated convolutional networks, 2016",
	},
	New: func() Layer { return &Multiply{} },
	Examples: []Example{
		{&Multiply{}, []compute.Shape{{3, 2, 2}, {3, 2, 2}}},
		{&Multiply{}, []compute.Shape{{5}, {5}, {5}}},
	},
}

// Fields are none.
func (m *Multiply) Fields() []Field { return nil }

// Label is empty: there is nothing to set.
func (m *Multiply) Label() string { return "" }

// Plan refuses unequal shapes.
func (m *Multiply) Plan(in []compute.Shape) (Plan, error) {
	if err := alike(in, "match filters and strides of the paths"); err != nil {
		return Plan{}, err
	}
	return Plan{Out: in[0], Reads: ReadsIn, AddsGrad: len(in) == 2}, nil
}

// Forward is the product.
func (m *Multiply) Forward(p *Pass) {
	compute.Mul(p.Pool, p.In[0].Data, p.In[1].Data, p.Out.Data)
	for _, x := range p.In[2:] {
		compute.Mul(p.Pool, p.Out.Data, x.Data, p.Out.Data)
	}
}

// Backward is dxᵢ = dy times all other inputs.
func (m *Multiply) Backward(p *Pass) {
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
