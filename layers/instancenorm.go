package layers

import (
	"fmt"

	"layercake/compute"
)

// InstanceNorm brings every channel of each sample to mean 0 and variance 1
// over its pixels or steps; with Affine it then stretches and shifts each channel by
// learnt amounts. It is group norm with as many groups as channels.
//
//	y = weight·(x − mean)/√(var + Eps) + bias
//
//	x, y    [N, H, W, C] or [N, T, C]: statistics over all axes but N and C
//	weight  [C]    ones     absent without Affine, as is bias
//	bias    [C]    zeros
//
// It does the same in training and out of it, as PyTorch's does without running
// statistics. Steps past a sequence's length have no part in it, and their output
// is 0. No multiply-adds are counted.
type InstanceNorm struct {
	Eps    float64
	Affine bool
}

var instanceNormKind = &Kind{
	Name:    "instancenorm",
	Short:   "instance",
	Family:  Regularize,
	Summary: "each channel of each sample to mean 0, spread 1",
	Card: Card{
		What: "Takes one channel of one image (or sequence), subtracts its mean and divides by its spread. " +
			"What is left is where the channel is high and low, not how strong it is as a whole: brightness and contrast, and with them much of the style, are gone.",
		Formula: "y = (x − μ)/√(σ² + ε), with μ and σ² of one channel of one sample; with affine γ·y + β",
		Shapes:  "unchanged; C×H×W or T×F of more than one pixel or step",
		Params:  "none; 2·C with affine, without weight decay",
		Cost:    "no multiply-adds are counted; time goes with the size of the activation",
		When:    "In networks that change the style of images, and for series whose level and size differ from one to the next.",
		Instead: "batchnorm or groupnorm for recognizing things: how strong a channel is then matters, and here it is thrown away.",
		Source:  "Ulyanov, Vedaldi and Lempitsky, Instance normalization: the missing ingredient for fast stylization, 2016",
	},
	New: func() Layer { return &InstanceNorm{Eps: 1e-5} },
	Examples: []Example{
		{Layer: &InstanceNorm{Eps: 1e-5}, In: []compute.Shape{{3, 2, 4}}},
		{Layer: &InstanceNorm{Eps: 1e-3, Affine: true}, In: []compute.Shape{{2, 3, 3}}},
		{Layer: &InstanceNorm{Eps: 1e-5, Affine: true}, In: []compute.Shape{{6, 3}}},
		{Layer: &InstanceNorm{Eps: 1e-3, Affine: true}, In: []compute.Shape{{1, 1, 3}}},
		{Layer: &InstanceNorm{Eps: 1e-2, Affine: true}, In: []compute.Shape{{5, 2}}, Lens: [][]int{{4, 0, 5}}},
	},
}

// Fields are the settings.
func (i *InstanceNorm) Fields() []Field {
	return []Field{
		{Name: "eps", Help: "added to the variance, so that nothing is divided by zero", Ptr: &i.Eps, Min: 1e-12, Max: 1},
		{Name: "affine", Help: "learn a scale and an offset for each channel", Ptr: &i.Affine},
	}
}

// Label says what differs from the usual settings.
func (i *InstanceNorm) Label() string {
	switch {
	case i.Affine:
		return "scale"
	case i.Eps != 1e-5:
		return fmt.Sprintf("eps %g", i.Eps)
	}
	return ""
}

// Plan takes sequences and images of more than one step or pixel: one number
// has no spread.
func (i *InstanceNorm) Plan(in []compute.Shape) (Plan, error) {
	s, err := oneToNormalize(in)
	if err != nil {
		return Plan{}, err
	}
	if n, _ := rows(s); n < 2 {
		return Plan{}, &ShapeError{Got: in, Want: "more than one pixel or step a channel, for one number less its mean is always 0", Cure: "use layernorm or batchnorm here"}
	}
	return groupPlan(s, i.Affine), nil
}

// Forward normalizes each channel of each sample by itself.
func (i *InstanceNorm) Forward(p *Pass) {
	_, c := rows(p.In[0].Shape)
	groupForward(p, c, i.Eps)
}

// Backward is the gradient through each channel's own mean and variance.
func (i *InstanceNorm) Backward(p *Pass) {
	_, c := rows(p.In[0].Shape)
	groupBackward(p, c)
}
