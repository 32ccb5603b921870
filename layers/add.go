package layers

import "layercake/compute"

// Add is the sum of two or more inputs of one shape.
//
//	x₁ … xₖ, y  any shape, all the same
//
// The gradient of every input is the gradient of the output, so Backward is
// never run. No parameters, no multiply-adds.
type Add struct{}

var addKind = &Kind{
	Name:    "add",
	Short:   "add",
	Family:  Flow,
	Summary: "the sum of its inputs",
	Card: Card{
		What: "Adds inputs of the same shape, element by element. At the end of a skip connection it lets a block learn only what to change, " +
			"and hands the gradient on undiminished to both sides: that is why networks of a hundred layers train.",
		Formula: "y = x₁ + x₂ + …",
		Shapes:  "unchanged; all inputs must agree",
		Params:  "none",
		Cost:    "no multiply-adds are counted",
		When:    "To close a residual block.",
		Instead: "concat keeps both inputs apart, at the price of wider layers behind it.",
		Source:  "He et al., Deep residual learning for image recognition, 2015",
	},
	New: func() Layer { return &Add{} },
	Examples: []Example{
		{Layer: &Add{}, In: []compute.Shape{{3, 2, 2}, {3, 2, 2}}},
		{Layer: &Add{}, In: []compute.Shape{{5}, {5}, {5}}},
		{Layer: &Add{}, In: []compute.Shape{{2, 3}, {2, 3}}},
	},
}

// Fields are none.
func (a *Add) Fields() []Field { return nil }

// Label is empty: there is nothing to set.
func (a *Add) Label() string { return "" }

// Plan refuses unequal shapes.
func (a *Add) Plan(in []compute.Shape) (Plan, error) {
	if err := alike(in, "give the shortcut a projection, or match filters and strides"); err != nil {
		return Plan{}, err
	}
	return Plan{Out: in[0], InPlace: true, InPlaceOnSecond: len(in) == 2, PassesGrad: true, AddsGrad: true}, nil
}

// alike refuses fewer than two inputs, and unequal ones.
func alike(in []compute.Shape, cure string) error {
	if len(in) < 2 {
		return &ShapeError{Got: in, Want: "two or more inputs", Cure: "name the other one in from: [., NAME]"}
	}
	if err := whole(in); err != nil {
		return err
	}
	for _, s := range in[1:] {
		if !s.Equal(in[0]) {
			return &ShapeError{Got: in, Want: "inputs of one shape", Cure: cure}
		}
	}
	return nil
}

// Forward is the sum.
func (a *Add) Forward(p *Pass) {
	compute.Add(p.Pool, p.In[0].Data, p.In[1].Data, p.Out.Data)
	for _, x := range p.In[2:] {
		compute.AddTo(p.Pool, p.Out.Data, x.Data)
	}
}

// ForwardReLU is max(Σx, 0), the bits of Forward and then relu.
func (a *Add) ForwardReLU(p *Pass) {
	sum := p.In[0].Data
	last := len(p.In) - 1
	for _, x := range p.In[1:last] {
		compute.Add(p.Pool, sum, x.Data, p.Out.Data)
		sum = p.Out.Data
	}
	compute.AddReLU(p.Pool, sum, p.In[last].Data, p.Out.Data)
}

// Backward hands the gradient to every input.
func (a *Add) Backward(p *Pass) {
	for i := range p.DIn {
		switch dx := p.wanted(i); {
		case dx == nil:
		case p.adds(i):
			compute.AddTo(p.Pool, dx, p.DOut.Data)
		default:
			copyUnlessSame(p.Pool, dx, p.DOut.Data)
		}
	}
}
