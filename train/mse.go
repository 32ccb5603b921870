package train

import (
	"fmt"

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

func (l *MSE) Check(out compute.Shape, set *data.Set) error {
	n := set.Train.Sizes().Targets
	if n == 0 {
		return fmt.Errorf("the loss mse wants numbers to predict, and %s has classes: use cross_entropy", set.Name)
	}
	if out.Size() != n {
		return fmt.Errorf("the network's output is %s, and %s has %d numbers to predict: give the last dense %d units", out, set.Name, n, n)
	}
	return nil
}

func (l *MSE) Eval(p *compute.Pool, out compute.Tensor, b *data.Batch, grad []float32) Score {
	n := len(b.Targets)
	scale := 2 / float32(n)
	sum := 0.0
	for i, t := range b.Targets {
		d := out.Data[i] - t
		sum += float64(d) * float64(d)
		if grad != nil {
			grad[i] = scale * d
		}
	}
	return Score{Sum: sum, Count: n}
}
