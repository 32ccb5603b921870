package train

import (
	"errors"

	"layercake/compute"
	"layercake/layers"
)

// SGD is stochastic gradient descent with momentum (Robbins and Monro, A
// stochastic approximation method, 1951; Sutskever et al., On the importance of
// initialization and momentum in deep learning, 2013), in PyTorch's form:
//
//	g ← g + WeightDecay·w
//	v ← Momentum·v + g            the first v is g
//	w ← w − lr·v                  Nesterov: w − lr·(g + Momentum·v)
//
// Weight decay leaves out biases and the scales and shifts of normalization,
// unless DecayAll is set, which is what PyTorch does.
type SGD struct {
	LR          float64
	Momentum    float64
	Nesterov    bool
	WeightDecay float64
	DecayAll    bool
}

var sgdKind = OptimizerKind{
	Name:    "sgd",
	Summary: "gradient descent with momentum: the choice for convolutional networks",
	New:     func() Optimizer { return &SGD{LR: 0.05, Momentum: 0.9} },
}

func (o *SGD) Fields() []layers.Field {
	return []layers.Field{
		{Name: "lr", Help: "learning rate", Ptr: &o.LR, Min: 0, Max: 1000},
		{Name: "momentum", Help: "share of the last step that goes on", Ptr: &o.Momentum, Min: 0, Max: 1},
		{Name: "nesterov", Help: "look ahead along the momentum", Ptr: &o.Nesterov},
		{Name: "weight_decay", Help: "pull of the weights towards zero", Ptr: &o.WeightDecay, Min: 0, Max: 1},
		{Name: "decay_all", Help: "decay biases and normalization too", Ptr: &o.DecayAll},
	}
}

func (o *SGD) Check() error {
	if o.Nesterov && o.Momentum == 0 {
		return errors.New("optimizer sgd has nesterov without momentum: set momentum, or leave nesterov out")
	}
	return nil
}

func (o *SGD) Rate() float64 { return o.LR }

func (o *SGD) Slots() []string {
	if o.Momentum == 0 {
		return nil
	}
	return []string{"velocity"}
}

func (o *SGD) Update(p *compute.Pool, s *Sweep) {
	var v []float32
	if len(s.Slots) > 0 {
		v = s.Slots[0]
	}
	compute.SGDStep(p, s.Parts, s.W, s.G, v, float32(s.LR), float32(o.Momentum), float32(o.WeightDecay),
		biasDecay(o.WeightDecay, o.DecayAll), o.Nesterov, s.Scale, s.Stats)
}

// biasDecay is the decay of what is no weight.
func biasDecay(decay float64, all bool) float32 {
	if !all {
		return 0
	}
	return float32(decay)
}
