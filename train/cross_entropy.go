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
// Labels below zero, and those equal to Ignore, are left out. With Weights, one a class, each
// label counts by its class's weight, and the mean is over the weights, as in
// PyTorch. A guess is right when the label has the
// highest score, the first of equals.
type CrossEntropy struct {
	Smoothing float64
	Weights   layers.Numbers // none: all classes count alike
	Ignore    int            // a class that is left out; −1: none

	weights []float32
	labels  []int32
}

var crossEntropyKind = LossKind{
	Name:    "cross_entropy",
	Summary: "one class out of many: how surprised the network is by the right one",
	New:     func() Loss { return &CrossEntropy{Ignore: -1} },
}

func (l *CrossEntropy) Fields() []layers.Field {
	return []layers.Field{
		{Name: "smoothing", Help: "share of the target spread over all classes", Ptr: &l.Smoothing, Min: 0, Max: 0.999},
		{Name: "weights", Help: "how much each class counts, one number a class; none: all alike", Ptr: &l.Weights, Min: 0, Max: 1e6},
		{Name: "ignore", Help: "class that does not count, such as padding; -1 for none", Ptr: &l.Ignore, Min: -1, Max: 1 << 24},
	}
}

func (l *CrossEntropy) Logits() bool { return true }

func (l *CrossEntropy) Check(out compute.Shape, set *data.Set) error {
	labels := set.Train.Sizes().Labels
	if len(set.Classes) == 0 || labels == 0 {
		return fmt.Errorf("the loss cross_entropy wants classes, and %s has numbers to predict: use mse", set.Called())
	}
	if out.Size() != labels*len(set.Classes) || out[len(out)-1] != len(set.Classes) {
		return fmt.Errorf("the network's output is %s, and %s has %d classes: give the last dense %d units", out, set.Called(), len(set.Classes), len(set.Classes))
	}
	if n := len(l.Weights); n > 0 && n != len(set.Classes) {
		return fmt.Errorf("the loss cross_entropy has %d weights, and %s has %d classes: give one a class", n, set.Called(), len(set.Classes))
	}
	return nil
}

func (l *CrossEntropy) Eval(p *compute.Pool, out compute.Tensor, b *data.Batch, grad []float32) Score {
	cols := out.Shape[len(out.Shape)-1]
	rows := len(b.Labels)
	labels := l.judged(b.Labels)
	var weights []float32
	judged, count := 0, 0.0
	if len(l.Weights) > 0 {
		if weights = l.weights; weights == nil {
			for _, w := range l.Weights {
				weights = append(weights, float32(w))
			}
			l.weights = weights
		}
	}
	for _, c := range labels {
		switch {
		case c < 0:
		case weights != nil:
			judged, count = judged+1, count+float64(weights[c])
		default:
			judged, count = judged+1, count+1
		}
	}
	if grad != nil {
		grad = grad[:rows*cols]
	}
	scale := float32(0)
	if count > 0 {
		scale = float32(1 / count)
	}
	sum, correct := compute.CrossEntropy(p, rows, cols, out.Data[:rows*cols], labels, weights, float32(l.Smoothing), grad, scale)
	return Score{Sum: sum, Count: count, Correct: correct, Labels: judged}
}

// judged has those of the class Ignore set below zero.
func (l *CrossEntropy) judged(labels []int32) []int32 {
	if l.Ignore < 0 {
		return labels
	}
	if cap(l.labels) < len(labels) {
		l.labels = make([]int32, len(labels))
	}
	out := l.labels[:len(labels)]
	for i, c := range labels {
		if out[i] = c; int(c) == l.Ignore {
			out[i] = -1
		}
	}
	return out
}
