package train

import (
	"layercake/compute"
	"layercake/data"
	"layercake/layers"
	"layercake/model"
)

// Loss is the settings of one measure of how wrong a network's output is.
type Loss interface {
	Fields() []layers.Field
	// Logits says that the loss takes what goes into a last softmax, not what
	// comes out of it.
	Logits() bool
	// Check refuses an output or a data set that the loss cannot take.
	Check(out compute.Shape, set *data.Set) error
	// Eval compares out with b and, where grad is not nil, writes into it the
	// gradient of the mean loss over the batch. It does not allocate.
	Eval(p *compute.Pool, out compute.Tensor, b *data.Batch, grad []float32) Score
}

// judge is a loss that leaves some labels out.
type judge interface {
	// judged are the labels with those set below zero that do not count. It may hand
	// out memory of its own, which holds until it is asked again.
	judged(labels []int32) []int32
}

// Score is the loss of a batch, or of many added up.
type Score struct {
	Sum     float64 // of the losses
	Count   float64 // of what was judged: labels, each by its weight, or numbers
	Correct int     // labels guessed right
	Labels  int     // labels judged: 0 where numbers are predicted
}

// Loss is the mean; NaN of nothing.
func (s Score) Loss() float64 {
	if s.Count == 0 {
		return nan
	}
	return s.Sum / s.Count
}

// Accuracy is the share of labels guessed right; NaN where there are none.
func (s Score) Accuracy() float64 {
	if s.Labels == 0 {
		return nan
	}
	return float64(s.Correct) / float64(s.Labels)
}

// Add is s and t together.
func (s Score) Add(t Score) Score {
	return Score{s.Sum + t.Sum, s.Count + t.Count, s.Correct + t.Correct, s.Labels + t.Labels}
}

// LossKind is one row of Losses.
type LossKind struct {
	Name    string
	Summary string
	New     func() Loss
}

// Losses are all there are.
var Losses = []LossKind{crossEntropyKind, binaryKind, mseKind, maeKind, huberKind, klKind, reconstructionKind}

// NewLoss makes the loss that n names. file is for messages.
func NewLoss(file string, n model.Named) (Loss, error) {
	return pick(file, "loss", n, Losses, func(k LossKind) (string, Loss) { return k.Name, k.New() })
}
