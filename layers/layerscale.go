package layers

import (
	"fmt"

	"layercake/compute"
)

// LayerScale multiplies each channel by a learnt factor that starts small.
//
//	y = weight·x
//
//	x, y    [N, F], [N, T, F] or [N, H, W, C]
//	weight  [C]    Start; one factor for each of the last axis
//
// No multiply-adds are counted.
type LayerScale struct{ Start float64 }

var layerScaleKind = &Kind{
	Name:    "layerscale",
	Short:   "lscale",
	Family:  Regularize,
	Summary: "a learnt factor for each channel, small at first",
	Card: Card{
		What: "Multiplies each channel by a factor of its own, which is learnt and starts near zero. At the end of a residual branch it makes every block begin as nearly nothing, " +
			"so that a deep stack begins as a shallow one and lets its blocks in one by one.",
		Formula: "y = γ·x",
		Shapes:  "unchanged; a factor for each of F of a vector or sequence, of C of an image",
		Params:  "C, without weight decay",
		Cost:    "no multiply-adds are counted; one sweep over memory",
		When:    "At the end of each branch of vision transformers and ConvNeXt, above all with 12 blocks and more.",
		Instead: "scale, where one fixed factor does; nothing in stacks of a few blocks with a norm in front of each.",
		Source:  "Touvron et al., Going deeper with image transformers, 2021",
	},
	New: func() Layer { return &LayerScale{Start: 1e-5} },
	Examples: []Example{
		{Layer: &LayerScale{Start: 0.1}, In: []compute.Shape{{7}}},
		{Layer: &LayerScale{Start: 1}, In: []compute.Shape{{4, 5}}},
		{Layer: &LayerScale{Start: 1e-5}, In: []compute.Shape{{3, 2, 4}}},
		{Layer: &LayerScale{Start: 0.5}, In: []compute.Shape{{1, 1}}},
	},
}

// Fields are the settings.
func (l *LayerScale) Fields() []Field {
	return []Field{{Name: "start", Help: "what the factors start at", Ptr: &l.Start, Min: 0, Max: 100}}
}

// Label is the start.
func (l *LayerScale) Label() string { return fmt.Sprintf("%g", l.Start) }

// Plan takes vectors, sequences and images.
func (l *LayerScale) Plan(in []compute.Shape) (Plan, error) {
	s, err := oneToNormalize(in)
	if err != nil {
		return Plan{}, err
	}
	_, c := rows(s)
	return Plan{
		Out:         s,
		Params:      []Param{{Name: "weight", Shape: compute.Shape{c}, Init: Init{Kind: InitConstant, Value: l.Start}}},
		Reads:       ReadsIn,
		GradInPlace: true, InferInPlace: true,
	}, nil
}

// Forward multiplies.
func (l *LayerScale) Forward(p *Pass) {
	n, c := rows(p.In[0].Shape)
	compute.ColumnScale(p.Pool, n*p.N, c, p.In[0].Data, p.Params[0], p.Out.Data)
}

// Backward is dx = γ·dy, dγ += Σ dy·x.
func (l *LayerScale) Backward(p *Pass) {
	n, c := rows(p.In[0].Shape)
	compute.ColumnScaleBackward(p.Pool, n*p.N, c, p.In[0].Data, p.Params[0], p.DOut.Data, p.wanted(0), p.grad(0))
}
