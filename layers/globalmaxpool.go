package layers

import "layercake/compute"

// GlobalMaxPool is the largest value of each channel of an image, or of each
// feature of a sequence. Steps past a sample's length do not count.
//
//	x [N, H, W, C] or [N, T, C]   y [N, C]
//
// Of equal values the first gets the gradient. No parameters, no multiply-adds.
type GlobalMaxPool struct{}

var globalMaxPoolKind = &Kind{
	Name:    "globalmaxpool",
	Short:   "globalmax",
	Family:  Shrink,
	Summary: "one largest value a channel",
	Card: Card{
		What: "Replaces each channel by its largest value in the whole image (or each feature by its largest in the sequence): " +
			"was it there anywhere, and how clearly? Where it was is forgotten, and images may have any size.",
		Formula: "y[c] = max x[c,i,j]",
		Shapes:  "C×H×W → C; T×F → F",
		Params:  "none",
		Cost:    "no multiply-adds; time goes with the size of the input",
		When:    "When one strong reply is what counts: a word that settles the mood of a sentence, one defect in a picture.",
		Instead: "globalavgpool counts how much of a feature there is, and hands a gradient to every pixel instead of one a channel.",
		Source:  "Collobert et al., Natural language processing (almost) from scratch, 2011",
	},
	New: func() Layer { return &GlobalMaxPool{} },
	Examples: []Example{
		{Layer: &GlobalMaxPool{}, In: []compute.Shape{{3, 4, 5}}},
		{Layer: &GlobalMaxPool{}, In: []compute.Shape{{5, 3}}},
		{Layer: &GlobalMaxPool{}, In: []compute.Shape{{9, 1, 1}}},
		{Layer: &GlobalMaxPool{}, In: []compute.Shape{{4, 2}}, Lens: [][]int{{2, 4, 0}}},
	},
}

// Fields are none.
func (g *GlobalMaxPool) Fields() []Field { return nil }

// Label is empty: there is nothing to set.
func (g *GlobalMaxPool) Label() string { return "" }

// Plan takes images and sequences.
func (g *GlobalMaxPool) Plan(in []compute.Shape) (Plan, error) {
	plan, err := (&GlobalAvgPool{}).Plan(in)
	plan.Reads = ReadsIn | ReadsOut
	return plan, err
}

// Forward is the largest value of each channel.
func (g *GlobalMaxPool) Forward(p *Pass) {
	hw, c := rows(p.In[0].Shape)
	compute.GlobalMaxForward(p.Pool, p.N, hw, c, p.In[0].Lens, p.In[0].Data, p.Out.Data)
}

// Backward hands each gradient to the place that won.
func (g *GlobalMaxPool) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		hw, c := rows(p.In[0].Shape)
		compute.GlobalMaxBackward(p.Pool, p.N, hw, c, p.In[0].Lens, p.In[0].Data, p.Out.Data, p.DOut.Data, dx)
	}
}
