package layers

import "layercake/compute"

// What TimePool takes of a sequence.
const (
	takeLast  = "last"
	takeMean  = "mean"
	takeMax   = "max"
	takeFirst = "first"
)

// TimePool makes one row of features of a sequence: its last step, its mean,
// its largest values, or its first step.
//
//	x [N, T, F]   y [N, F]
//
// Steps past a sample's length do not count: the last step is the last that is
// used. A sample of length 0 gives zeros. No parameters, no multiply-adds.
type TimePool struct{ Take string }

var timePoolKind = &Kind{
	Name:    "timepool",
	Short:   "timepool",
	Family:  Shrink,
	Summary: "last, mean, max or first step of a sequence",
	Card: Card{
		What: "Makes one row of features of a whole sequence, so that a dense layer can answer for all of it: the last step, the mean of all steps, " +
			"the largest value of each feature, or the first step. In a padded batch each sample is taken at its own length.",
		Formula: "last: y = x[T−1]; mean: y = (1/T)·Σ x[t]; max: y[f] = max x[t,f]; first: y = x[0]",
		Shapes:  "T×F → F",
		Params:  "none",
		Cost:    "no multiply-adds; time goes with the size of the input",
		When:    "last behind recurrent layers, which have seen everything by then; first behind a transformer with a class token; mean and max behind encoders without one.",
		Instead: "flatten keeps every step, ties the network to one length, and makes the dense layer behind it T times as large.",
		Source:  "Collobert et al., Natural language processing (almost) from scratch, 2011; last step: Hochreiter and Schmidhuber, Long short-term memory, 1997",
	},
	New: func() Layer { return &TimePool{Take: takeLast} },
	Examples: []Example{
		{Layer: &TimePool{Take: takeLast}, In: []compute.Shape{{4, 3}}},
		{Layer: &TimePool{Take: takeLast}, In: []compute.Shape{{4, 3}}, Lens: [][]int{{2, 4, 0}}},
		{Layer: &TimePool{Take: takeMean}, In: []compute.Shape{{5, 2}}},
		{Layer: &TimePool{Take: takeMean}, In: []compute.Shape{{5, 9}}, Lens: [][]int{{1, 0, 4}}},
		{Layer: &TimePool{Take: takeMax}, In: []compute.Shape{{5, 2}}},
		{Layer: &TimePool{Take: takeMax}, In: []compute.Shape{{3, 9}}, Lens: [][]int{{3, 2, 0}}},
		{Layer: &TimePool{Take: takeFirst}, In: []compute.Shape{{3, 2}}, Lens: [][]int{{3, 1, 0}}},
		{Layer: &TimePool{Take: takeFirst}, In: []compute.Shape{{1, 1}}},
	},
}

// Fields are the settings.
func (t *TimePool) Fields() []Field {
	return []Field{{Name: "take", Help: "what is taken of the sequence", Ptr: &t.Take, Options: []string{takeLast, takeMean, takeMax, takeFirst}}}
}

// Label is what is taken.
func (t *TimePool) Label() string { return t.Take }

// Plan takes sequences.
func (t *TimePool) Plan(in []compute.Shape) (Plan, error) {
	s, err := sequence(in, "use globalavgpool or globalmaxpool on images, and leave it out behind vectors")
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{Out: compute.Shape{s[1]}, Window: Window{Global: true}}
	if t.Take == takeMax {
		plan.Reads = ReadsIn | ReadsOut
	}
	return plan, nil
}

// Forward is the row that is taken.
func (t *TimePool) Forward(p *Pass) {
	x := p.In[0]
	steps, f := x.Shape[0], x.Shape[1]
	switch t.Take {
	case takeMean:
		compute.GlobalAvgForward(p.Pool, p.N, steps, f, x.Lens, x.Data, p.Out.Data)
	case takeMax:
		compute.GlobalMaxForward(p.Pool, p.N, steps, f, x.Lens, x.Data, p.Out.Data)
	default:
		compute.PickStepForward(p.Pool, p.N, steps, f, x.Lens, t.Take == takeLast, x.Data, p.Out.Data)
	}
}

// Backward hands the gradient to the steps that were taken, zero to others.
func (t *TimePool) Backward(p *Pass) {
	dx := p.wanted(0)
	if dx == nil {
		return
	}
	x := p.In[0]
	steps, f := x.Shape[0], x.Shape[1]
	switch t.Take {
	case takeMean:
		compute.GlobalAvgBackward(p.Pool, p.N, steps, f, x.Lens, p.DOut.Data, dx)
	case takeMax:
		compute.GlobalMaxBackward(p.Pool, p.N, steps, f, x.Lens, x.Data, p.Out.Data, p.DOut.Data, dx)
	default:
		compute.PickStepBackward(p.Pool, p.N, steps, f, x.Lens, t.Take == takeLast, p.DOut.Data, dx)
	}
}
