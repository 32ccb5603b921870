package train

import (
	"fmt"

	"layercake/compute"
	"layercake/data"
	"layercake/layers"
)

// The losses that compare numbers one by one, each the mean over all numbers of
// all samples, as PyTorch has it:
//
//	y, t   [N, F]
//	loss   Σ l(y, t) / (N·F)
//
// For binary_cross_entropy y are logits and t 0 or 1; a set of two classes and
// a network of one output will do, the class being t.

// MAE is the mean of |y − t|.
type MAE struct{}

var maeKind = LossKind{
	Name:    "mae",
	Summary: "numbers: the mean of the absolute errors, which few wild ones do not rule",
	New:     func() Loss { return &MAE{} },
}

func (l *MAE) Fields() []layers.Field { return nil }
func (l *MAE) Logits() bool           { return false }

func (l *MAE) Check(out compute.Shape, set *data.Set) error { return checkNumbers("mae", out, set) }

func (l *MAE) Eval(p *compute.Pool, out compute.Tensor, b *data.Batch, grad []float32) Score {
	return compareNumbers(p, compute.AbsoluteLoss, 0, out, b, grad)
}

// Huber is the mean of d²/2 where |d| ≤ Delta and of Delta·(|d| − Delta/2)
// elsewhere, with d = y − t (Huber, Robust estimation of a location parameter,
// 1964).
type Huber struct{ Delta float64 }

var huberKind = LossKind{
	Name:    "huber",
	Summary: "numbers: squared errors near zero, absolute ones beyond delta",
	New:     func() Loss { return &Huber{Delta: 1} },
}

func (l *Huber) Fields() []layers.Field {
	return []layers.Field{{Name: "delta", Help: "error from which on it counts linearly", Ptr: &l.Delta, Min: 1e-6, Max: 1e6}}
}

func (l *Huber) Logits() bool { return false }

func (l *Huber) Check(out compute.Shape, set *data.Set) error { return checkNumbers("huber", out, set) }

func (l *Huber) Eval(p *compute.Pool, out compute.Tensor, b *data.Batch, grad []float32) Score {
	return compareNumbers(p, compute.HuberLoss, float32(l.Delta), out, b, grad)
}

// BinaryCrossEntropy is the mean of −t·ln σ(y) − (1−t)·ln(1−σ(y)). A guess is
// right when y > 0 and t > ½, or neither.
type BinaryCrossEntropy struct{ target []float32 }

var binaryKind = LossKind{
	Name:    "binary_cross_entropy",
	Summary: "yes or no, once or many times: on scores before the sigmoid",
	New:     func() Loss { return &BinaryCrossEntropy{} },
}

func (l *BinaryCrossEntropy) Fields() []layers.Field { return nil }
func (l *BinaryCrossEntropy) Logits() bool           { return false }

func (l *BinaryCrossEntropy) Check(out compute.Shape, set *data.Set) error {
	if sizes := set.Train.Sizes(); sizes.Targets == 0 && len(set.Classes) == 2 {
		if out.Size() != sizes.Labels {
			return fmt.Errorf("the network's output is %s, and %s has two classes: for the loss binary_cross_entropy give the last dense 1 unit, or use cross_entropy", out, set.Called())
		}
		return nil
	}
	return checkNumbers("binary_cross_entropy", out, set)
}

func (l *BinaryCrossEntropy) Eval(p *compute.Pool, out compute.Tensor, b *data.Batch, grad []float32) Score {
	t := b.Targets
	if len(t) == 0 {
		if cap(l.target) < len(b.Labels) {
			l.target = make([]float32, len(b.Labels))
		}
		t = l.target[:len(b.Labels)]
		for i, c := range b.Labels {
			t[i] = float32(c)
		}
	}
	n := len(t)
	score := Score{Count: float64(n), Labels: n}
	for i, y := range out.Data[:n] {
		if (y > 0) == (t[i] > 0.5) {
			score.Correct++
		}
	}
	if grad != nil {
		grad = grad[:n]
	}
	score.Sum = compute.Compare(p, compute.LogisticLoss, 0, out.Data[:n], t, grad, 1/float32(n))
	return score
}

// KL is the mean over samples of Σ t·(ln t − ln softmax(z)), where t are
// chances that add up to 1 over the last axis. It takes what goes into a last
// softmax. (PyTorch: kl_div with reduction batchmean, of log_softmax.)
type KL struct{}

var klKind = LossKind{
	Name:    "kl",
	Summary: "chances to predict: how far the network's are from the true ones",
	New:     func() Loss { return &KL{} },
}

func (l *KL) Fields() []layers.Field { return nil }
func (l *KL) Logits() bool           { return true }

func (l *KL) Check(out compute.Shape, set *data.Set) error { return checkNumbers("kl", out, set) }

func (l *KL) Eval(p *compute.Pool, out compute.Tensor, b *data.Batch, grad []float32) Score {
	n := len(b.Targets)
	cols := out.Shape[len(out.Shape)-1]
	if grad != nil {
		grad = grad[:n]
	}
	sum := compute.Divergence(p, n/cols, cols, out.Data[:n], b.Targets, grad, 1/float32(b.N))
	return Score{Sum: sum, Count: float64(b.N)}
}

// checkNumbers refuses a set without numbers to predict, or with another number
// of them than the network puts out.
func checkNumbers(loss string, out compute.Shape, set *data.Set) error {
	n := set.Train.Sizes().Targets
	if n == 0 {
		return fmt.Errorf("the loss %s wants numbers to predict, and %s has classes: use cross_entropy", loss, set.Called())
	}
	if out.Size() != n {
		return fmt.Errorf("the network's output is %s, and %s has %d numbers to predict: give the last dense %d units", out, set.Called(), n, n)
	}
	return nil
}

// compareNumbers is the mean of a loss of single numbers, and its gradient.
func compareNumbers(p *compute.Pool, kind compute.PointLoss, delta float32, out compute.Tensor, b *data.Batch, grad []float32) Score {
	n := len(b.Targets)
	if grad != nil {
		grad = grad[:n]
	}
	sum := compute.Compare(p, kind, delta, out.Data[:n], b.Targets, grad, 1/float32(n))
	return Score{Sum: sum, Count: float64(n)}
}
