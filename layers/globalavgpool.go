package layers

import "layercake/compute"

// GlobalAvgPool is the mean of each channel over the whole image, or of each
// feature over a whole sequence. Steps past a sample's length do not count.
//
//	x [N, H, W, C] or [N, T, C]   y [N, C]
//
// No parameters, no multiply-adds.
type GlobalAvgPool struct{}

var globalAvgPoolKind = &Kind{
	Name:    "globalavgpool",
	Short:   "global",
	Family:  Shrink,
	Summary: "one mean a channel",
	Card: Card{
		What: "Replaces each channel by its mean over the whole image (or each feature by its mean over the whole sequence). " +
			"What is left is a vector that says how much of each feature there was, wherever it was, and the network takes images of any size.",
		Formula: "y[c] = (1/HW)·Σ x[c,i,j]",
		Shapes:  "C×H×W → C; T×F → F",
		Params:  "none",
		Cost:    "no multiply-adds; time goes with the size of the input",
		When:    "Between the last convolution and the dense layer that answers.",
		Instead: "flatten keeps where things are, and makes the dense layer behind it H·W times as large.",
		Source:  "Lin, Chen and Yan, Network in network, 2013",
	},
	New: func() Layer { return &GlobalAvgPool{} },
	Examples: []Example{
		{Layer: &GlobalAvgPool{}, In: []compute.Shape{{3, 4, 5}}},
		{Layer: &GlobalAvgPool{}, In: []compute.Shape{{5, 3}}},
		{Layer: &GlobalAvgPool{}, In: []compute.Shape{{4, 1, 1}}},
		{Layer: &GlobalAvgPool{}, In: []compute.Shape{{4, 2}}, Lens: [][]int{{2, 4, 0}}},
	},
}

// Fields are none.
func (g *GlobalAvgPool) Fields() []Field { return nil }

// Label says what of: there is nothing to set.
func (g *GlobalAvgPool) Label() string { return "average pool" }

// Plan takes images and sequences.
func (g *GlobalAvgPool) Plan(in []compute.Shape) (Plan, error) {
	const want = "one image C×H×W, or a sequence T×F"
	s, err := one(in, want)
	if err != nil {
		return Plan{}, err
	}
	if len(s) != 2 && len(s) != 3 {
		return Plan{}, &ShapeError{Got: in, Want: want, Cure: "put it before the flatten, or leave it out"}
	}
	_, c := rows(s)
	return Plan{Out: compute.Shape{c}, Window: Window{Global: true}}, nil
}

// Forward is the mean of each channel.
func (g *GlobalAvgPool) Forward(p *Pass) {
	hw, c := rows(p.In[0].Shape)
	compute.GlobalAvgForward(p.Pool, p.N, hw, c, p.In[0].Lens, p.In[0].Data, p.Out.Data)
}

// Backward gives every place an equal share of its channel's gradient.
func (g *GlobalAvgPool) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		hw, c := rows(p.In[0].Shape)
		compute.GlobalAvgBackward(p.Pool, p.N, hw, c, p.In[0].Lens, p.DOut.Data, dx)
	}
}
