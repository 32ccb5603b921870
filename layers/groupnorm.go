package layers

import (
	"fmt"

	"layercake/compute"
)

// GroupNorm brings every group of channels of each sample to mean 0 and
// variance 1 over all pixels or steps, then stretches and shifts each channel by
// learnt amounts.
//
//	y = weight·(x − mean)/√(var + Eps) + bias
//
//	x, y    [N, H, W, C], [N, T, C] or [N, C]: statistics over C/Groups channels of
//	        one sample and all axes between
//	weight  [C]    ones     absent without Affine, as is bias
//	bias    [C]    zeros
//
// It does the same in training and out of it. Steps past a sequence's length have
// no part in the statistics, and their output is 0. No multiply-adds are counted.
type GroupNorm struct {
	Groups int
	Eps    float64
	Affine bool
}

var groupNormKind = &Kind{
	Name:    "groupnorm",
	Short:   "group",
	Family:  Regularize,
	Summary: "groups of channels to mean 0, spread 1 in each sample",
	Card: Card{
		What: "Sorts the channels of one sample into groups of neighbours, brings each group to mean 0 and spread 1 over the whole image (or sequence), " +
			"and lets the network choose a new scale and offset for each channel. Who else is in the batch does not matter.",
		Formula: "y = γ·(x − μ)/√(σ² + ε) + β, with μ and σ² of C/groups channels and all pixels of one sample",
		Shapes:  "unchanged; groups must divide C",
		Params:  "2·C; none without affine. They get no weight decay",
		Cost:    "no multiply-adds are counted; time goes with the size of the activation",
		When:    "In convolutional nets trained with few images at a time, such as detectors and diffusion models.",
		Instead: "batchnorm with batches of 16 and more: it learns faster, and costs nothing once the net only answers, where it folds into the convolution.",
		Source:  "Wu and He, Group normalization, 2018",
	},
	New: func() Layer { return &GroupNorm{Groups: 8, Eps: 1e-5, Affine: true} },
	Examples: []Example{
		{Layer: &GroupNorm{Groups: 2, Eps: 1e-5, Affine: true}, In: []compute.Shape{{4, 3, 2}}},
		{Layer: &GroupNorm{Groups: 1, Eps: 1e-3, Affine: true}, In: []compute.Shape{{3, 2, 2}}},
		{Layer: &GroupNorm{Groups: 8, Eps: 1e-3, Affine: true}, In: []compute.Shape{{16, 1, 2}}},
		{Layer: &GroupNorm{Groups: 3, Eps: 1e-5, Affine: true}, In: []compute.Shape{{5, 6}}},
		{Layer: &GroupNorm{Groups: 2, Eps: 1e-5}, In: []compute.Shape{{1, 8}}},
		{Layer: &GroupNorm{Groups: 2, Eps: 1e-5, Affine: true}, In: []compute.Shape{{6}}},
		{Layer: &GroupNorm{Groups: 2, Eps: 1e-3, Affine: true}, In: []compute.Shape{{4, 4}}, Lens: [][]int{{3, 0, 4}}},
	},
}

// Fields are the settings.
func (g *GroupNorm) Fields() []Field {
	return []Field{
		{Name: "groups", Help: "groups of neighbouring channels; must divide their number", Ptr: &g.Groups, Min: 1, Max: 1 << 20},
		{Name: "eps", Help: "added to the variance, so that nothing is divided by zero", Ptr: &g.Eps, Min: 1e-12, Max: 1},
		{Name: "affine", Help: "learn a scale and an offset for each channel", Ptr: &g.Affine},
	}
}

// Label is the number of groups.
func (g *GroupNorm) Label() string {
	l := fmt.Sprintf("%d groups", g.Groups)
	if !g.Affine {
		l += " no scale"
	}
	return l
}

// oneToNormalize is the only input of a norm: a vector, a sequence or an image.
func oneToNormalize(in []compute.Shape) (compute.Shape, error) {
	const want = "one input: C×H×W, T×F or F"
	s, err := one(in, want)
	if err != nil {
		return nil, err
	}
	if len(s) < 1 || len(s) > 3 {
		return nil, &ShapeError{Got: in, Want: want, Cure: "put a flatten or reshape before it"}
	}
	return s, nil
}

// Plan takes vectors, sequences and images whose channels the groups divide.
func (g *GroupNorm) Plan(in []compute.Shape) (Plan, error) {
	s, err := oneToNormalize(in)
	if err != nil {
		return Plan{}, err
	}
	if g.Groups < 1 {
		return Plan{}, badSetting(in, "groups", g.Groups, 1)
	}
	_, c := rows(s)
	if c%g.Groups != 0 {
		best := min(g.Groups, c)
		for c%best != 0 {
			best--
		}
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("channels that %d groups divide, not %d", g.Groups, c), Cure: fmt.Sprintf("set groups to %d", best)}
	}
	return groupPlan(s, g.Affine), nil
}

// groupPlan is what norms over groups of channels of one sample have in common.
func groupPlan(s compute.Shape, affine bool) Plan {
	_, c := rows(s)
	plan := Plan{
		Out:         s,
		Saved:       []Room{{PerSample: c}, {PerSample: c}}, // mean and 1/√(var + eps) of each channel's group
		Scratch:     Room{PerSample: 2 * c},                 // the same outside of training
		Reads:       ReadsIn,
		GradInPlace: true, InferInPlace: true,
		AcrossTime: len(s) == 2,
	}
	if len(s) > 1 {
		plan.Window = Window{Global: true}
	}
	if affine {
		plan.Params = scaleAndShift(c, true)
	}
	return plan
}

// Forward normalizes each group of each sample by itself.
func (g *GroupNorm) Forward(p *Pass) { groupForward(p, g.Groups, g.Eps) }

// Backward is the gradient through each group's own mean and variance.
func (g *GroupNorm) Backward(p *Pass) { groupBackward(p, g.Groups) }

func groupForward(p *Pass, groups int, eps float64) {
	n, c := rows(p.In[0].Shape)
	var mean, invstd []float32
	if p.Train {
		mean, invstd = p.Saved[0][:p.N*c], p.Saved[1][:p.N*c]
	} else {
		mean, invstd = p.Scratch[:p.N*c], p.Scratch[p.N*c:2*p.N*c]
	}
	compute.GroupNormForward(p.Pool, p.N, n, c, groups, p.padded(), p.In[0].Data, p.param(0), p.param(1), p.Out.Data, mean, invstd, float32(eps))
}

func groupBackward(p *Pass, groups int) {
	n, c := rows(p.In[0].Shape)
	compute.GroupNormBackward(p.Pool, p.N, n, c, groups, p.padded(), p.In[0].Data, p.param(0), p.Saved[0][:p.N*c], p.Saved[1][:p.N*c],
		p.DOut.Data, p.wanted(0), p.grad(0), p.grad(1))
}
