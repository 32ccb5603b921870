package layers

import (
	"fmt"

	"layercake/compute"
)

// DropPath zeroes a sample as a whole with probability Rate in training and
// scales the others by 1/(1−Rate): at the end of a residual branch, which is then
// skipped for that sample.
//
//	x, y  any shape
//
// Which samples fall follows from Pass.Seed and their index in the batch. A byte
// a sample is kept for the backward pass. No parameters, no multiply-adds.
type DropPath struct{ Rate float64 }

var dropPathKind = &Kind{
	Name:    "droppath",
	Short:   "droppath",
	Family:  Regularize,
	Summary: "skips a branch for random samples while training",
	Card: Card{
		What: "Stands at the end of a branch whose result is added to its input. While training, it sets the whole branch to zero for a random share of the samples, " +
			"so that for them the block is not there, and enlarges it for the others. The network is shallower while it learns, and all of it answers.",
		Formula: "y = x·m/(1 − rate), m = 0 for a whole sample with probability rate, 1 otherwise",
		Shapes:  "unchanged",
		Params:  "none",
		Cost:    "no multiply-adds; the branch is worked out even where it is dropped",
		When:    "In deep residual nets and vision transformers, with a rate that grows from 0 at the first block to 0.1 or more at the last.",
		Instead: "dropout inside the branch, which touches single numbers; in nets of few blocks neither, since every block is needed.",
		Source:  "Huang et al., Deep networks with stochastic depth, 2016",
	},
	New: func() Layer { return &DropPath{Rate: 0.1} },
	Examples: []Example{
		{Layer: &DropPath{Rate: 0.5}, In: []compute.Shape{{3, 4, 5}}},
		{Layer: &DropPath{Rate: 0.3}, In: []compute.Shape{{300}}},
		{Layer: &DropPath{Rate: 0}, In: []compute.Shape{{4, 3}}},
		{Layer: &DropPath{Rate: 0.6}, In: []compute.Shape{{1}}},
	},
}

// Fields are the settings.
func (d *DropPath) Fields() []Field {
	return []Field{{Name: "rate", Help: "share of the samples for which the branch is skipped", Ptr: &d.Rate, Min: 0, Max: 0.99}}
}

// Label is the rate.
func (d *DropPath) Label() string { return fmt.Sprintf("%g", d.Rate) }

// Plan takes anything.
func (d *DropPath) Plan(in []compute.Shape) (Plan, error) {
	s, err := one(in, "one input")
	if err != nil {
		return Plan{}, err
	}
	if err := rateBelowOne(in, d.Rate); err != nil {
		return Plan{}, err
	}
	return Plan{Out: s, Marks: Room{PerSample: 1}, InPlace: true}, nil
}

// Forward drops in training and copies otherwise.
func (d *DropPath) Forward(p *Pass) {
	if !p.Train {
		copyUnlessSame(p.Pool, p.Out.Data, p.In[0].Data)
		return
	}
	// A sample is one column of all its elements.
	compute.DropColumns(p.Pool, p.Seed, float32(d.Rate), p.N, p.In[0].Shape.Size(), 1, p.In[0].Data, p.Out.Data, p.Marks[:p.N])
}

// Backward drops the gradient of what was dropped.
func (d *DropPath) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		compute.DropColumnsBackward(p.Pool, float32(d.Rate), p.N, p.In[0].Shape.Size(), 1, p.DOut.Data, dx, p.Marks[:p.N])
	}
}
