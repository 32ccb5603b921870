package layers

import "layercake/compute"

// Softmax turns numbers into chances that add up to one: over a vector, over
// the features of each step of a sequence, over the channels of each pixel.
//
//	x, y [N, F], [N, T, F] or [N, H, W, C]    sums over the last of these
//
// No parameters, no multiply-adds.
type Softmax struct{}

var softmaxKind = &Kind{
	Name:    "softmax",
	Short:   "softmax",
	Family:  Activation,
	Summary: "numbers into chances that add up to 1",
	Card: Card{
		What: "Turns a list of numbers into chances: all positive, adding up to one, the largest number getting the largest chance. " +
			"One more on a number multiplies its chance against the others by e.",
		Formula: "yᵢ = exp(xᵢ) / Σ exp(xⱼ)",
		Shapes:  "unchanged; over F of a vector or sequence, over C of an image",
		Params:  "none",
		Cost:    "no multiply-adds; one exponential an element",
		When:    "Inside a network, to choose or to weigh (attention).",
		Instead: "nothing at the end of a classifier: the cross-entropy loss has a softmax of its own, and two in a row learn badly.",
		Source:  "Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990",
	},
	New: func() Layer { return &Softmax{} },
	Examples: []Example{
		{Layer: &Softmax{}, In: []compute.Shape{{7}}},
		{Layer: &Softmax{}, In: []compute.Shape{{3, 4}}},
		{Layer: &Softmax{}, In: []compute.Shape{{4, 2, 3}}},
		{Layer: &Softmax{}, In: []compute.Shape{{1}}},
	},
}

// Fields are none.
func (s *Softmax) Fields() []Field { return nil }

// Label is empty: there is nothing to set.
func (s *Softmax) Label() string { return "" }

// Plan takes anything.
func (s *Softmax) Plan(in []compute.Shape) (Plan, error) {
	x, err := one(in, "one input")
	if err != nil {
		return Plan{}, err
	}
	return Plan{Out: x, Reads: ReadsOut, InPlace: true, GradInPlace: true}, nil
}

// Forward takes the largest number off first, so that exp cannot overflow.
func (s *Softmax) Forward(p *Pass) {
	n, c := rows(p.In[0].Shape)
	compute.Softmax(p.Pool, n*p.N, c, p.In[0].Data, p.Out.Data)
}

// Backward is dx = y·(dy − Σ dy·y).
func (s *Softmax) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		n, c := rows(p.In[0].Shape)
		compute.SoftmaxBackward(p.Pool, n*p.N, c, p.Out.Data, p.DOut.Data, dx)
	}
}
