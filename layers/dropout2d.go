package layers

import (
	"fmt"

	"layercake/compute"
)

// Dropout2D zeroes whole channels of an image, or whole features of a
// sequence, each with probability Rate in training, and scales the rest by
// 1/(1−Rate).
//
//	x, y  [N, H, W, C], [N, T, F] or [N, F]
//
// Which fall follows from Pass.Seed and their index. A byte a channel is kept for
// the backward pass. No parameters, no multiply-adds.
type Dropout2D struct{ Rate float64 }

var dropout2DKind = &Kind{
	Name:    "dropout2d",
	Short:   "drop2d",
	Family:  Regularize,
	Summary: "zeroes random whole channels while training",
	Card: Card{
		What: "While training, sets a random share of the channels to zero over the whole image (or of the features over the whole sequence), anew for every sample, " +
			"and enlarges the rest. Neighbouring pixels say nearly the same, so dropping them one by one hides nothing; dropping the channel does.",
		Formula: "y = x·m/(1 − rate), m = 0 for a whole channel with probability rate, 1 otherwise",
		Shapes:  "unchanged",
		Params:  "none",
		Cost:    "no multiply-adds",
		When:    "Between convolutions, or on the inputs of a recurrent net, where a network learns by heart. PyTorch calls it Dropout2d, for sequences Dropout1d.",
		Instead: "dropout behind dense layers, where the numbers stand for themselves; batchnorm and more varied data in convolutional nets, which usually help more.",
		Source:  "Tompson et al., Efficient object localization using convolutional networks, 2014",
	},
	New: func() Layer { return &Dropout2D{Rate: 0.2} },
	Examples: []Example{
		{Layer: &Dropout2D{Rate: 0.5}, In: []compute.Shape{{7, 2, 3}}},
		{Layer: &Dropout2D{Rate: 0.3}, In: []compute.Shape{{4, 9}}},
		{Layer: &Dropout2D{Rate: 0}, In: []compute.Shape{{5}}},
		{Layer: &Dropout2D{Rate: 0.4}, In: []compute.Shape{{1, 3, 1}}},
	},
}

// Fields are the settings.
func (d *Dropout2D) Fields() []Field {
	return []Field{{Name: "rate", Help: "share of the channels that are dropped", Ptr: &d.Rate, Min: 0, Max: 0.99}}
}

// Label is the rate.
func (d *Dropout2D) Label() string { return fmt.Sprintf("%g", d.Rate) }

// Plan takes vectors, sequences and images.
func (d *Dropout2D) Plan(in []compute.Shape) (Plan, error) {
	s, err := oneToNormalize(in)
	if err != nil {
		return Plan{}, err
	}
	if err := rateBelowOne(in, d.Rate); err != nil {
		return Plan{}, err
	}
	_, c := rows(s)
	return Plan{Out: s, Marks: Room{PerSample: c}, InPlace: true}, nil
}

// rateBelowOne refuses shares that would leave nothing.
func rateBelowOne(in []compute.Shape, rate float64) error {
	if !(rate >= 0 && rate < 1) {
		return &ShapeError{Got: in, Want: fmt.Sprintf("a rate from 0 to below 1, not %g", rate), Cure: "set rate to 0.2"}
	}
	return nil
}

// Forward drops in training and copies otherwise.
func (d *Dropout2D) Forward(p *Pass) {
	if !p.Train {
		copyUnlessSame(p.Pool, p.Out.Data, p.In[0].Data)
		return
	}
	n, c := rows(p.In[0].Shape)
	compute.DropColumns(p.Pool, p.Seed, float32(d.Rate), p.N, n, c, p.In[0].Data, p.Out.Data, p.Marks[:p.N*c])
}

// Backward drops the gradient of what was dropped.
func (d *Dropout2D) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		n, c := rows(p.In[0].Shape)
		compute.DropColumnsBackward(p.Pool, float32(d.Rate), p.N, n, c, p.DOut.Data, dx, p.Marks[:p.N*c])
	}
}
