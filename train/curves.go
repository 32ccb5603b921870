package train

import "slices"

// Curves in Snapshots have at most this many points. A power of two.
const curvePoints = 512

// curve is a course of figures thinned to curvePoints: a point is the mean of
// `Every` samples, and when there is no room left, neighbours are merged. It
// is a function of what was added, whenever it is looked at.
type curve struct {
	Every    int // samples a point
	Step     []int
	Loss     []Number
	Accuracy []Number

	// The point in the making.
	N                    int
	SumLoss, SumAccuracy Number
}

func newCurve() curve {
	return curve{
		Every:    1,
		Step:     make([]int, 0, curvePoints),
		Loss:     make([]Number, 0, curvePoints),
		Accuracy: make([]Number, 0, curvePoints),
	}
}

// add takes in the figures of one step. It does not allocate.
func (c *curve) add(step int, loss, accuracy float64) {
	c.SumLoss += Number(loss)
	c.SumAccuracy += Number(accuracy)
	if c.N++; c.N < c.Every {
		return
	}
	if len(c.Step) == curvePoints {
		half := curvePoints / 2
		for i := range half {
			c.Step[i] = c.Step[2*i+1]
			c.Loss[i] = (c.Loss[2*i] + c.Loss[2*i+1]) / 2
			c.Accuracy[i] = (c.Accuracy[2*i] + c.Accuracy[2*i+1]) / 2
		}
		c.Step, c.Loss, c.Accuracy = c.Step[:half], c.Loss[:half], c.Accuracy[:half]
		c.Every *= 2
		if c.N < c.Every {
			return
		}
	}
	c.Step = append(c.Step, step)
	c.Loss = append(c.Loss, c.SumLoss/Number(c.N))
	c.Accuracy = append(c.Accuracy, c.SumAccuracy/Number(c.N))
	c.N, c.SumLoss, c.SumAccuracy = 0, 0, 0
}

// fit makes a curve that was read from a file safe to go on with.
func (c *curve) fit() bool {
	n := len(c.Step)
	if n > curvePoints || len(c.Loss) != n || len(c.Accuracy) != n || c.Every < 1 || c.N < 0 || c.N >= c.Every {
		return false
	}
	c.Step = slices.Grow(c.Step, curvePoints-n)
	c.Loss = slices.Grow(c.Loss, curvePoints-n)
	c.Accuracy = slices.Grow(c.Accuracy, curvePoints-n)
	return true
}

func floats(x []Number) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// trailPoints is the length of LayerStats.GradTrail at most. A power of two.
const trailPoints = 64

// trail is a thinned course of one figure.
type trail struct {
	every, n int
	sum      float64
	points   []float64
}

func newTrail() trail { return trail{every: 1, points: make([]float64, 0, trailPoints)} }

func (t *trail) add(x float64) {
	t.sum += x
	if t.n++; t.n < t.every {
		return
	}
	if len(t.points) == trailPoints {
		for i := range trailPoints / 2 {
			t.points[i] = (t.points[2*i] + t.points[2*i+1]) / 2
		}
		t.points = t.points[:trailPoints/2]
		t.every *= 2
		if t.n < t.every {
			return
		}
	}
	t.points = append(t.points, t.sum/float64(t.n))
	t.n, t.sum = 0, 0
}

// smooth is a running mean that forgets: each figure weighs Keep times the
// one after it. The weights of the first few add up to one too (the bias
// correction of Kingma and Ba, 2015).
type smooth struct {
	Sum, Weight Number
}

func (s *smooth) add(x, keep float64) {
	s.Sum = Number(keep)*s.Sum + Number(1-keep)*Number(x)
	s.Weight = Number(keep)*s.Weight + Number(1-keep)
}

func (s *smooth) value() float64 {
	if s.Weight == 0 {
		return nan
	}
	return float64(s.Sum / s.Weight)
}
