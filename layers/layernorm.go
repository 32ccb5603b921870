package layers

import (
	"fmt"

	"layercake/compute"
)

// LayerNorm brings the features of each step, or the channels of each pixel,
// to mean 0 and variance 1, then stretches and shifts them by learnt amounts.
//
//	y = weight·(x − mean)/√(var + Eps) + bias
//
//	x, y    [N, F], [N, T, F] or [N, H, W, C]: statistics over the last of these
//	weight  [F]    ones     absent without Affine, as is bias
//	bias    [F]    zeros    absent without Bias
//
// It does the same in training and out of it. No multiply-adds are counted.
type LayerNorm struct {
	Eps    float64
	Affine bool
	Bias   bool
}

var layerNormKind = &Kind{
	Name:    "layernorm",
	Short:   "norm",
	Family:  Regularize,
	Summary: "each step's features to mean 0, spread 1",
	Card: Card{
		What: "Takes the features of one step of a sequence (or the channels of one pixel), subtracts their mean and divides by their spread, " +
			"then lets the network choose a new scale and offset for each feature. It looks at one sample alone, so it works for any batch, and the same when learning and when answering.",
		Formula: "y = γ·(x − μ)/√(σ² + ε) + β",
		Shapes:  "unchanged; over F of a vector or sequence, over C of an image",
		Params:  "2·F; F without bias; none without affine. They get no weight decay",
		Cost:    "no multiply-adds are counted; time goes with the size of the activation",
		When:    "In transformers, before or after each of a block's two halves; in recurrent nets.",
		Instead: "batchnorm in convolutional nets with large batches, where it usually learns faster; rmsnorm in transformers, which leaves the mean alone and costs a sweep less.",
		Source:  "Ba, Kiros and Hinton, Layer normalization, 2016",
	},
	New: func() Layer { return &LayerNorm{Eps: 1e-5, Affine: true, Bias: true} },
	Examples: []Example{
		{Layer: &LayerNorm{Eps: 1e-5, Affine: true, Bias: true}, In: []compute.Shape{{7}}},
		{Layer: &LayerNorm{Eps: 1e-3, Affine: true, Bias: true}, In: []compute.Shape{{3, 5}}},
		{Layer: &LayerNorm{Eps: 1e-5, Affine: true, Bias: true}, In: []compute.Shape{{6, 2, 3}}},
		{Layer: &LayerNorm{Eps: 1e-5, Affine: true, Bias: true}, In: []compute.Shape{{1}}},
		{Layer: &LayerNorm{Eps: 1e-5, Affine: true}, In: []compute.Shape{{2, 9}}},
		{Layer: &LayerNorm{Eps: 1e-5}, In: []compute.Shape{{1, 6}}},
		{Layer: &LayerNorm{Eps: 1e-5, Affine: true, Bias: true}, In: []compute.Shape{{4, 3}}, Lens: [][]int{{2, 0, 4}}},
	},
}

// Fields are the settings.
func (l *LayerNorm) Fields() []Field {
	return []Field{
		{Name: "eps", Help: "added to the variance, so that nothing is divided by zero", Ptr: &l.Eps, Min: 1e-12, Max: 1},
		{Name: "affine", Help: "learn a scale and an offset for each feature", Ptr: &l.Affine},
		{Name: "bias", Help: "learn the offset too", Ptr: &l.Bias},
	}
}

// Label says what differs from the usual settings.
func (l *LayerNorm) Label() string {
	switch {
	case !l.Affine:
		return "no scale"
	case !l.Bias:
		return "no bias"
	case l.Eps != 1e-5:
		return fmt.Sprintf("eps %g", l.Eps)
	}
	return ""
}

// Plan takes vectors, sequences and images.
func (l *LayerNorm) Plan(in []compute.Shape) (Plan, error) {
	s, err := oneToNormalize(in)
	if err != nil {
		return Plan{}, err
	}
	n, c := rows(s)
	plan := Plan{
		Out:         s,
		Saved:       []Room{{PerSample: n}, {PerSample: n}}, // mean and 1/√(var + eps) of each row
		Reads:       ReadsIn,
		GradInPlace: true, InferInPlace: true,
	}
	if l.Affine {
		plan.Params = scaleAndShift(c, l.Bias)
	}
	return plan, nil
}

// scaleAndShift are a norm's parameters for c channels. Weight decay would pull
// the scale to zero, where a norm lets nothing through, so there is none.
func scaleAndShift(c int, bias bool) []Param {
	params := []Param{{Name: "weight", Shape: compute.Shape{c}, Init: Init{Kind: InitConstant, Value: 1}}}
	if bias {
		params = append(params, Param{Name: "bias", Shape: compute.Shape{c}, Init: Init{Kind: InitConstant}})
	}
	return params
}

// Forward normalizes each row by itself.
func (l *LayerNorm) Forward(p *Pass) {
	n, c := rows(p.In[0].Shape)
	var mean, invstd []float32
	if p.Train {
		mean, invstd = p.Saved[0], p.Saved[1]
	}
	compute.LayerNormForward(p.Pool, n*p.N, c, p.In[0].Data, p.param(0), p.param(1), p.Out.Data, mean, invstd, float32(l.Eps))
}

// Backward is the gradient through each row's own mean and variance.
func (l *LayerNorm) Backward(p *Pass) {
	n, c := rows(p.In[0].Shape)
	compute.LayerNormBackward(p.Pool, n*p.N, c, p.In[0].Data, p.param(0), p.Saved[0], p.Saved[1],
		p.DOut.Data, p.wanted(0), p.grad(0), p.grad(1))
}
