package layers

import (
	"fmt"

	"layercake/compute"
)

// PReLU is y = x above 0 and weight·x below, the slope being learnt.
//
//	x, y    [N, F], [N, T, F] or [N, H, W, C]
//	weight  [1], or [C] with Slopes "channel"    Start
//
// No multiply-adds are counted.
type PReLU struct {
	Slopes string // "one" or "channel"
	Start  float64
}

var preluKind = &Kind{
	Name:    "prelu",
	Short:   "prelu",
	Family:  Activation,
	Summary: "relu with a learnt slope below zero",
	Card: Card{
		What: "As leakyrelu, but how much of a negative number is kept is learnt, once for the whole layer or once for each channel. " +
			"A slope of 0 would be relu, a slope of 1 nothing at all; the network chooses.",
		Formula: "y = x above 0, a·x below",
		Shapes:  "unchanged",
		Params:  "1; C with slopes: channel. Without weight decay, which would turn it into relu",
		Cost:    "no multiply-adds; one sweep over memory, and backward one sum a channel",
		When:    "Where leakyrelu helps and its slope is anybody's guess: face recognition, super-resolution.",
		Instead: "relu, which also works in place and saves the memory of the input; leakyrelu, whose slope cannot overfit.",
		Source:  "He et al., Delving deep into rectifiers, 2015",
	},
	New: func() Layer { return &PReLU{Slopes: "one", Start: 0.25} },
	Examples: []Example{
		{Layer: &PReLU{Slopes: "one", Start: 0.25}, In: []compute.Shape{{17}}},
		{Layer: &PReLU{Slopes: "channel", Start: 0.25}, In: []compute.Shape{{3, 2, 3}}},
		{Layer: &PReLU{Slopes: "one", Start: 0.1}, In: []compute.Shape{{4, 5}}},
		{Layer: &PReLU{Slopes: "channel", Start: -0.2}, In: []compute.Shape{{9, 1}}},
		{Layer: &PReLU{Slopes: "channel", Start: 0}, In: []compute.Shape{{1}}},
	},
}

// Fields are the settings.
func (l *PReLU) Fields() []Field {
	return []Field{
		{Name: "slopes", Help: "learn one slope, or one for each channel", Ptr: &l.Slopes, Options: []string{"one", "channel"}},
		{Name: "start", Help: "what the slopes start at", Ptr: &l.Start, Min: -10, Max: 10},
	}
}

// Label says how many slopes there are, where it is not one.
func (l *PReLU) Label() string {
	label := ""
	if l.Slopes == "channel" {
		label = "by channel "
	}
	return label + fmt.Sprintf("%g", l.Start)
}

// Plan takes vectors, sequences and images.
func (l *PReLU) Plan(in []compute.Shape) (Plan, error) {
	s, err := oneToNormalize(in)
	if err != nil {
		return Plan{}, err
	}
	c := 1
	if l.Slopes == "channel" {
		_, c = rows(s)
	}
	return Plan{
		Out:         s,
		Params:      []Param{{Name: "weight", Shape: compute.Shape{c}, Init: Init{Kind: InitConstant, Value: l.Start}}},
		Reads:       ReadsIn,
		GradInPlace: true, InferInPlace: true,
	}, nil
}

// Forward bends below zero.
func (l *PReLU) Forward(p *Pass) {
	n, c := rows(p.In[0].Shape)
	compute.PReLU(p.Pool, n*p.N, c, p.In[0].Data, p.Params[0], p.Out.Data)
}

// Backward is dx = dy or weight·dy, dweight += Σ dy·min(x, 0).
func (l *PReLU) Backward(p *Pass) {
	n, c := rows(p.In[0].Shape)
	compute.PReLUBackward(p.Pool, n*p.N, c, p.In[0].Data, p.Params[0], p.DOut.Data, p.wanted(0), p.grad(0))
}
