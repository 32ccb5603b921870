package train

import (
	"fmt"

	"layercake/compute"
	"layercake/data"
	"layercake/layers"
)

// Reconstruction is the mean of (y − x)² over all numbers of the first input x
// and the network's output y, which has its shape: what an autoencoder learns
// by. Labels of the data are not looked at.
type Reconstruction struct{}

var reconstructionKind = LossKind{
	Name:    "reconstruction",
	Summary: "the input itself: the mean of the squared differences from it",
	New:     func() Loss { return &Reconstruction{} },
}

func (l *Reconstruction) Fields() []layers.Field { return nil }
func (l *Reconstruction) Logits() bool           { return false }

func (l *Reconstruction) Check(out compute.Shape, set *data.Set) error {
	in := set.Inputs[0]
	if in.Tokens > 0 {
		return fmt.Errorf("the loss reconstruction wants numbers to draw again, and %s feeds token ids: use cross_entropy", set.Called())
	}
	if !out.Equal(in.Shape) {
		return fmt.Errorf("the network's output is %s, and its input %s: for the loss reconstruction give both one shape", out, in.Shape)
	}
	return nil
}

func (l *Reconstruction) Eval(p *compute.Pool, out compute.Tensor, b *data.Batch, grad []float32) Score {
	x := b.X[0]
	n := len(x)
	if grad != nil {
		grad = grad[:n]
	}
	sum := compute.Compare(p, compute.SquaredLoss, 0, out.Data[:n], x, grad, 1/float32(n))
	return Score{Sum: sum, Count: float64(n)}
}
