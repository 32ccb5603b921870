package train

import (
	"fmt"

	"layercake/compute"
	"layercake/data"
	"layercake/layers"
)

// CrossEntropy is the mean over labels of −Σ t·log softmax(z), with t the
// label's class, smoothed by Smoothing over all K of them (Szegedy et al.,
// Rethinking the Inception architecture, 2016):
//
//	z  [N, ..., K]   scores, one row a label
//	t  (1−Smoothing)·[k = label] + Smoothing/K
//	∂/∂z  (softmax(z) − t) / labels
//
// Labels below zero are left out. A guess is right when the label has the
// highest score, the first of equals.
type CrossEntropy struct{ Smoothing float64 }

var crossEntropyKind = LossKind{
	Name:    "cross_entropy",
	Summary: "one class out of many: how surprised the network is by the right one",
	New:     func() Loss { return &CrossEntropy{} },
}

func (l *CrossEntropy) Fields() []layers.Field {
	return []layers.Field{
		{Name: "smoothing", Help: "share of the target spread over all classes", Ptr: &l.Smoothing, Min: 0, Max: 0.999},
	}
}

func (l *CrossEntropy) Logits() bool { return true }

func (l *CrossEntropy) Check(out compute.Shape, set *data.Set) error {
	labels := set.Train.Sizes().Labels
	if len(set.Classes) == 0 || labels == 0 {
		return fmt.Errorf("the loss cross_entropy wants classes, and %s has numbers to predict: use mse", set.Name)
	}
	if out.Size() != labels*len(set.Classes) || out[len(out)-1] != len(set.Classes) {
		return fmt.Errorf("the network's output is %s, and %s has %d classes: give the last dense %d units", out, set.Name, len(set.Classes), len(set.Classes))
	}
	return nil
}

func (l *CrossEntropy) Eval(p *compute.Pool, out compute.Tensor, b *data.Batch, grad []float32) Score {
	cols := out.Shape[len(out.Shape)-1]
	rows := len(b.Labels)
	judged := 0
	for _, c := range b.Labels {
		if c >= 0 {
			judged++
		}
	}
	if grad != nil {
		grad = grad[:rows*cols]
	}
	sum, correct := compute.CrossEntropy(p, rows, cols, out.Data[:rows*cols], b.Labels, float32(l.Smoothing), grad, 1/float32(max(judged, 1)))
	return Score{Sum: sum, Count: judged, Correct: correct, Labels: judged}
}
