package layers

import (
	"fmt"

	"layercake/compute"
)

// Dropout zeroes each element with probability Rate in training and scales
// the rest by 1/(1−Rate), so that nothing has to change when it is off.
//
//	x, y  any shape
//
// Which elements fall follows from Pass.Seed and their index. A byte an element
// is kept for the backward pass. No parameters, no multiply-adds.
type Dropout struct{ Rate float64 }

var dropoutKind = &Kind{
	Name:    "dropout",
	Short:   "dropout",
	Family:  Regularize,
	Summary: "zeroes random elements while training",
	Card: Card{
		What: "While training, sets a random share of the numbers to zero, anew for every sample, and enlarges the rest to keep the sum. " +
			"No neuron can lean on one other neuron being there, which slows learning by heart. When the network answers, nothing is dropped.",
		Formula: "y = x·m/(1 − rate), m = 0 with probability rate, 1 otherwise",
		Shapes:  "unchanged",
		Params:  "none",
		Cost:    "no multiply-adds",
		When:    "Before the last dense layers of a network that does much better on the training data than on the test data.",
		Instead: "In convolutional nets with batchnorm it often adds little: try more data, augmentation or weight decay first.",
		Source:  "Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014",
	},
	New: func() Layer { return &Dropout{Rate: 0.5} },
	Examples: []Example{
		{Layer: &Dropout{Rate: 0.5}, In: []compute.Shape{{12}}},
		{Layer: &Dropout{Rate: 0.2}, In: []compute.Shape{{3, 4, 4}}},
		{Layer: &Dropout{Rate: 0}, In: []compute.Shape{{4, 3}}},
	},
}

// Fields are the settings.
func (d *Dropout) Fields() []Field {
	return []Field{{Name: "rate", Help: "share of the elements that are dropped", Ptr: &d.Rate, Min: 0, Max: 0.99}}
}

// Label is the rate.
func (d *Dropout) Label() string { return fmt.Sprintf("%g", d.Rate) }

// Plan takes anything.
func (d *Dropout) Plan(in []compute.Shape) (Plan, error) {
	s, err := one(in, "one input")
	if err != nil {
		return Plan{}, err
	}
	if err := rateBelowOne(in, d.Rate); err != nil {
		return Plan{}, err
	}
	return Plan{Out: s, Marks: Room{PerSample: s.Size()}, InPlace: true}, nil
}

// Forward drops in training and copies otherwise.
func (d *Dropout) Forward(p *Pass) {
	if !p.Train {
		copyUnlessSame(p.Pool, p.Out.Data, p.In[0].Data)
		return
	}
	compute.DropoutForward(p.Pool, p.Seed, float32(d.Rate), p.In[0].Data, p.Out.Data, p.Marks)
}

// Backward drops the gradient of what was dropped.
func (d *Dropout) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		compute.DropoutBackward(p.Pool, float32(d.Rate), p.DOut.Data, dx, p.Marks)
	}
}
