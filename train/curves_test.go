package train

import (
	"math"
	"testing"

	"layercake/compute"
)

func TestCurveIsThinned(t *testing.T) {
	c := newCurve()
	// A mean of ten, rounded down: what the runtime allocates meanwhile is not the curve's.
	allocs := testing.AllocsPerRun(10, func() {
		c = curve{Every: 1, Step: c.Step[:0], Loss: c.Loss[:0], Accuracy: c.Accuracy[:0]}
		for i := 1; i <= 100000; i++ {
			c.add(i, float64(i), 0.5)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if len(c.Step) > curvePoints || len(c.Step) < curvePoints/2-1 {
		t.Fatalf("%d points", len(c.Step))
	}
	for i := range c.Step {
		// Each point is the mean of the steps up to its own.
		lo, hi := c.Step[i]-c.Every+1, c.Step[i]
		if hi != (i+1)*c.Every {
			t.Fatalf("point %d is at step %d with %d steps a point", i, hi, c.Every)
		}
		if want := float64(lo+hi) / 2; math.Abs(float64(c.Loss[i])-want) > 1e-6 {
			t.Fatalf("point %d is %v, want %v", i, c.Loss[i], want)
		}
	}
}

func TestTrailIsThinned(t *testing.T) {
	tr := newTrail()
	for i := range 1000 {
		tr.add(float64(i))
	}
	n := len(tr.points)
	if n > trailPoints || n < trailPoints/2-1 {
		t.Fatalf("%d points", n)
	}
	for i, v := range tr.points {
		if want := float64(i*tr.every) + float64(tr.every-1)/2; v != want {
			t.Fatalf("point %d is %v, want %v", i, v, want)
		}
	}
}

func TestHistogram(t *testing.T) {
	var h Histogram
	x := make([]float32, 160)
	for i := range x {
		x[i] = float32(i)
	}
	h.fill(x)
	if h.Low != 0 || h.High != 159 {
		t.Errorf("from %v to %v", h.Low, h.High)
	}
	for i, n := range h.Counts {
		if n != 10 {
			t.Errorf("bin %d has %d, want 10", i, n)
		}
	}
	h.fill([]float32{3, 3, float32(math.NaN()), float32(math.Inf(1))})
	if h.Low != 3 || h.High != 3 || h.Counts[0] != 2 {
		t.Errorf("of equal values: %+v", h)
	}
	h.fill(nil)
	if sum := h.Counts[0]; sum != 0 || h.High != 0 {
		t.Errorf("of nothing: %+v", h)
	}
	long := make([]float32, 1<<20)
	for i := range long {
		long[i] = float32(i % 64) // channels in step with a power of two
	}
	h.fill(long)
	total, least := 0, math.MaxInt
	for _, n := range h.Counts {
		total += n
		least = min(least, n)
	}
	if total > histogramSample || total < histogramSample/2 || least == 0 {
		t.Errorf("of a long one: %d samples, emptiest bin %d", total, least)
	}
}

func TestSmooth(t *testing.T) {
	var s smooth
	if !math.IsNaN(s.value()) {
		t.Error("of nothing it is a number")
	}
	s.add(4, 0.95)
	if v := s.value(); math.Abs(v-4) > 1e-12 {
		t.Errorf("of one figure it is %v", v)
	}
	for range 1000 {
		s.add(2, 0.95)
	}
	if v := s.value(); math.Abs(v-2) > 1e-9 {
		t.Errorf("it does not forget: %v", v)
	}
}

func TestChannelsAreTheFastAxis(t *testing.T) {
	for _, c := range []struct {
		s    compute.Shape
		want int
	}{{compute.Shape{8, 4, 5}, 8}, {compute.Shape{7}, 7}, {compute.Shape{12, 3}, 3}, {nil, 1}} {
		if got := channels(c.s); got != c.want {
			t.Errorf("%v: %d, want %d", c.s, got, c.want)
		}
	}
}
