package train

import (
	"math"

	"layercake/compute"
	"layercake/layers"
)

// Adam divides each step by the root of the mean square of its gradient
// (Kingma and Ba, Adam: a method for stochastic optimization, 2015); t counts
// steps from 1:
//
//	g ← g + WeightDecay·w                        adam
//	w ← w − lr·WeightDecay·w                     adamw, before the step
//	m ← Beta1·m + (1−Beta1)·g
//	v ← Beta2·v + (1−Beta2)·g²
//	w ← w − lr·m/(1−Beta1ᵗ) / (√(v/(1−Beta2ᵗ)) + Eps)
//
// The decoupled decay of adamw is Loshchilov and Hutter, Decoupled weight decay
// regularization, 2019. Weight decay leaves out biases and the scales and
// shifts of normalization, unless DecayAll is set, which is what PyTorch does.
type Adam struct {
	LR           float64
	Beta1, Beta2 float64
	Eps          float64
	WeightDecay  float64
	DecayAll     bool
	Decoupled    bool // adamw; no setting of the file
}

var adamKind = OptimizerKind{
	Name:    "adam",
	Summary: "steps of a size that suits each weight: works untuned almost everywhere",
	New:     func() Optimizer { return &Adam{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8} },
}

var adamwKind = OptimizerKind{
	Name:    "adamw",
	Summary: "adam with weight decay apart from the gradient: the choice for transformers",
	New: func() Optimizer {
		return &Adam{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.01, Decoupled: true}
	},
}

func (o *Adam) Fields() []layers.Field {
	return []layers.Field{
		{Name: "lr", Help: "learning rate", Ptr: &o.LR, Min: 0, Max: 1000},
		{Name: "beta1", Help: "memory of the gradient's mean", Ptr: &o.Beta1, Min: 0, Max: 0.999999},
		{Name: "beta2", Help: "memory of the gradient's square", Ptr: &o.Beta2, Min: 0, Max: 0.999999},
		{Name: "eps", Help: "keeps the division from zero", Ptr: &o.Eps, Min: 1e-12, Max: 1},
		{Name: "weight_decay", Help: "pull of the weights towards zero", Ptr: &o.WeightDecay, Min: 0, Max: 1},
		{Name: "decay_all", Help: "decay biases and normalization too", Ptr: &o.DecayAll},
	}
}

func (o *Adam) Check() error    { return nil }
func (o *Adam) Rate() float64   { return o.LR }
func (o *Adam) Slots() []string { return []string{"mean", "square"} }

func (o *Adam) Update(p *compute.Pool, s *Sweep) {
	t := float64(s.Step)
	compute.AdamStep(p, s.Parts, s.W, s.G, s.Slots[0], s.Slots[1], float32(s.LR), o.Beta1, o.Beta2, float32(o.Eps),
		float32(o.WeightDecay), biasDecay(o.WeightDecay, o.DecayAll), o.Decoupled,
		1-math.Pow(o.Beta1, t), 1-math.Pow(o.Beta2, t), s.Scale, s.Stats)
}
