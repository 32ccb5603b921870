package data

import (
	"math"

	"layercake/compute"
)

// table is a split of rows of numbers.
type table struct {
	f       int
	x       []float32 // [n, f], normalized by the training split
	labels  []int32   // class by row; nil where numbers are predicted
	targets []float32 // number by row; nil where classes are
	n       int
}

func (t *table) Len() int { return t.n }

func (t *table) Sizes() Sizes {
	s := Sizes{X: []compute.Shape{{t.f}}}
	if t.labels != nil {
		s.Labels = 1
	} else {
		s.Targets = 1
	}
	return s
}

func (t *table) Fill(idx []int, to Samples) {
	x, labels, targets := to.first(), to.Labels, to.Targets
	for k, i := range idx {
		if x != nil {
			copy(x[k*t.f:(k+1)*t.f], t.x[i*t.f:(i+1)*t.f])
		}
		if labels != nil {
			labels[k] = int32(t.Label(i))
		}
		if targets != nil && t.targets != nil {
			targets[k] = t.targets[i]
		}
	}
}

func (t *table) Image(int) []float32 { return nil }

func (t *table) Label(i int) int {
	if t.labels == nil {
		return -1
	}
	return int(t.labels[i])
}

// standardize measures mean and deviation of every column of train and sets
// both splits to (x − mean)/deviation. A column that does not vary becomes 0.
func standardize(train, test *table) (mean, std []float32) {
	for c := range train.f {
		var sum, squares float64
		for i := range train.n {
			sum += float64(train.x[i*train.f+c])
		}
		m := sum / float64(train.n)
		for i := range train.n {
			d := float64(train.x[i*train.f+c]) - m
			squares += d * d
		}
		d := math.Sqrt(squares / float64(train.n))
		if d < 1e-9*math.Abs(m) || d == 0 {
			d = 1
		}
		for _, t := range []*table{train, test} {
			for i := range t.n {
				v := &t.x[i*t.f+c]
				*v = float32((float64(*v) - m) / d)
			}
		}
		mean, std = append(mean, float32(m)), append(std, float32(d))
	}
	return mean, std
}
