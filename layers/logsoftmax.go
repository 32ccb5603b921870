package layers

import "layercake/compute"

// LogSoftmax is the logarithm of softmax, worked out without making the
// chances first, so that very small ones keep their digits.
//
//	x, y [N, F], [N, T, F] or [N, H, W, C]    y = x − ln Σ eˣ over the last of these
//
// No parameters, no multiply-adds.
type LogSoftmax struct{}

var logSoftmaxKind = &Kind{
	Name:    "logsoftmax",
	Short:   "lsoftmax",
	Family:  Activation,
	Summary: "numbers into logarithms of chances",
	Card: Card{
		What: "Turns a list of numbers into the logarithms of the chances that softmax would give: 0 for something certain, far below 0 for the unlikely. " +
			"A chance too small for a number of the machine still has a logarithm that fits.",
		Formula: "yᵢ = xᵢ − ln Σ exp(xⱼ)",
		Shapes:  "unchanged; over F of a vector or sequence, over C of an image",
		Params:  "none",
		Cost:    "no multiply-adds; one exponential an element and one logarithm a row",
		When:    "At an end that is read as log-chances: to add them up along a sequence, or for a kl loss.",
		Instead: "nothing at the end of a classifier: the cross-entropy loss takes raw numbers, and a second softmax does not change log-chances but costs a sweep. softmax, where chances weigh something.",
		Source:  "Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990",
	},
	New: func() Layer { return &LogSoftmax{} },
	Examples: []Example{
		{Layer: &LogSoftmax{}, In: []compute.Shape{{7}}},
		{Layer: &LogSoftmax{}, In: []compute.Shape{{3, 4}}},
		{Layer: &LogSoftmax{}, In: []compute.Shape{{4, 2, 3}}},
		{Layer: &LogSoftmax{}, In: []compute.Shape{{1}}},
		{Layer: &LogSoftmax{}, In: []compute.Shape{{1, 19}}},
	},
}

// Fields are none.
func (s *LogSoftmax) Fields() []Field { return nil }

// Label is empty: there is nothing to set.
func (s *LogSoftmax) Label() string { return "" }

// Plan takes anything.
func (s *LogSoftmax) Plan(in []compute.Shape) (Plan, error) {
	x, err := one(in, "one input")
	if err != nil {
		return Plan{}, err
	}
	return Plan{Out: x, Reads: ReadsOut, InPlace: true, GradInPlace: true}, nil
}

// Forward takes the largest number off first, so that exp cannot overflow.
func (s *LogSoftmax) Forward(p *Pass) {
	n, c := rows(p.In[0].Shape)
	compute.LogSoftmax(p.Pool, n*p.N, c, p.In[0].Data, p.Out.Data)
}

// Backward is dx = dy − exp(y)·Σ dy.
func (s *LogSoftmax) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		n, c := rows(p.In[0].Shape)
		compute.LogSoftmaxBackward(p.Pool, n*p.N, c, p.Out.Data, p.DOut.Data, dx)
	}
}
