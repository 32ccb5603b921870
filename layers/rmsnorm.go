package layers

import (
	"fmt"

	"layercake/compute"
)

// RMSNorm divides the features of each step, or the channels of each pixel, by
// their root mean square, then stretches them by learnt amounts.
//
//	y = weight·x/√(Σx²/F + Eps)
//
//	x, y    [N, F], [N, T, F] or [N, H, W, C]: the mean is over the last of these
//	weight  [F]    ones    absent without Affine
//
// It does the same in training and out of it. No multiply-adds are counted.
type RMSNorm struct {
	Eps    float64
	Affine bool
}

var rmsNormKind = &Kind{
	Name:    "rmsnorm",
	Short:   "rms",
	Family:  Regularize,
	Summary: "each step's features to root mean square 1",
	Card: Card{
		What: "Divides the features of one step (or the channels of one pixel) by their typical size, the root of the mean of their squares, " +
			"and lets the network choose a new scale for each feature. It is layernorm without the mean: nothing is subtracted and there is no offset.",
		Formula: "y = γ·x/√(Σx²/F + ε)",
		Shapes:  "unchanged; over F of a vector or sequence, over C of an image",
		Params:  "F; none without affine. They get no weight decay",
		Cost:    "no multiply-adds are counted; time goes with the size of the activation, a third less reading than layernorm",
		When:    "In transformers of the newer kind (Llama, T5), before each half of a block.",
		Instead: "layernorm, at nearly the same cost, where weights of an older model are taken over: the two do not exchange.",
		Source:  "Zhang and Sennrich, Root mean square layer normalization, 2019",
	},
	New: func() Layer { return &RMSNorm{Eps: 1e-6, Affine: true} },
	Examples: []Example{
		{Layer: &RMSNorm{Eps: 1e-6, Affine: true}, In: []compute.Shape{{7}}},
		{Layer: &RMSNorm{Eps: 1e-3, Affine: true}, In: []compute.Shape{{3, 5}}},
		{Layer: &RMSNorm{Eps: 1e-6, Affine: true}, In: []compute.Shape{{6, 2, 3}}},
		{Layer: &RMSNorm{Eps: 1e-2, Affine: true}, In: []compute.Shape{{1}}},
		{Layer: &RMSNorm{Eps: 1e-6}, In: []compute.Shape{{1, 9}}},
		{Layer: &RMSNorm{Eps: 1e-6, Affine: true}, In: []compute.Shape{{4, 3}}, Lens: [][]int{{2, 0, 4}}},
	},
}

// Fields are the settings.
func (r *RMSNorm) Fields() []Field {
	return []Field{
		{Name: "eps", Help: "added to the mean square, so that nothing is divided by zero", Ptr: &r.Eps, Min: 1e-12, Max: 1},
		{Name: "affine", Help: "learn a scale for each feature", Ptr: &r.Affine},
	}
}

// Label says what differs from the usual settings.
func (r *RMSNorm) Label() string {
	switch {
	case !r.Affine:
		return "no scale"
	case r.Eps != 1e-6:
		return fmt.Sprintf("eps %g", r.Eps)
	}
	return ""
}

// Plan takes vectors, sequences and images.
func (r *RMSNorm) Plan(in []compute.Shape) (Plan, error) {
	s, err := oneToNormalize(in)
	if err != nil {
		return Plan{}, err
	}
	n, c := rows(s)
	plan := Plan{
		Out:         s,
		Saved:       []Room{{PerSample: n}}, // 1/√(mean square + eps) of each row
		Reads:       ReadsIn,
		GradInPlace: true, InferInPlace: true,
	}
	if r.Affine {
		plan.Params = scaleAndShift(c, false)
	}
	return plan, nil
}

// Forward normalizes each row by itself.
func (r *RMSNorm) Forward(p *Pass) {
	n, c := rows(p.In[0].Shape)
	var inv []float32
	if p.Train {
		inv = p.Saved[0]
	}
	compute.RMSNormForward(p.Pool, n*p.N, c, p.In[0].Data, p.param(0), p.Out.Data, inv, float32(r.Eps))
}

// Backward is the gradient through each row's own root mean square.
func (r *RMSNorm) Backward(p *Pass) {
	n, c := rows(p.In[0].Shape)
	compute.RMSNormBackward(p.Pool, n*p.N, c, p.In[0].Data, p.param(0), p.Saved[0], p.DOut.Data, p.wanted(0), p.grad(0))
}
