package train

import (
	"layercake/compute"
	"layercake/data"
	"layercake/layers"
)

// MSE is the mean squared error over all numbers of all samples, as PyTorch
// has it:
//
//	y, t   [N, F]
//	loss   Σ (y − t)² / (N·F)
//	∂/∂y   2·(y − t) / (N·F)
type MSE struct{}

var mseKind = LossKind{
	Name:    "mse",
	Summary: "numbers: the mean of the squared errors",
	New:     func() Loss { return &MSE{} },
}

func (l *MSE) Fields() []layers.Field { return nil }
func (l *MSE) Logits() bool           { return false }

func (l *MSE) Check(out compute.Shape, set *data.Set) error { return checkNumbers("mse", out, set) }

func (l *MSE) Eval(p *compute.Pool, out compute.Tensor, b *data.Batch, grad []float32) Score {
	return compareNumbers(p, compute.SquaredLoss, 0, out, b, grad)
}
