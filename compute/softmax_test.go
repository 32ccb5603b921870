package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
)

var softmaxSizes = [][2]int{{1, 1}, {3, 2}, {5, 7}, {4, 8}, {130, 10}, {3, 17}, {2, 33}, {40, 1000}, {3000, 10}}

func TestSoftmax(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, s := range softmaxSizes {
			rows, c := s[0], s[1]
			r := rand.New(rand.NewPCG(1, 2))
			x, _ := fenced(t, r, rows*c)
			y, checkY := fenced(t, r, rows*c)
			l, checkL := fenced(t, r, rows*c)
			dy, _ := fenced(t, r, rows*c)
			for i := range x {
				x[i] = 5*x[i] + 300 // beyond what exp can take as it is
			}
			x64, d64 := wide(x), wide(dy)
			wantY, wantL := make([]float64, len(x)), make([]float64, len(x))
			wantDY, wantDL := make([]float64, len(x)), make([]float64, len(x))
			for i := range rows {
				lo, hi := i*c, (i+1)*c
				lse := floats.LogSumExp(x64[lo:hi])
				var dot, sum float64
				for j := lo; j < hi; j++ {
					wantL[j] = x64[j] - lse
					wantY[j] = math.Exp(wantL[j])
					dot += wantY[j] * d64[j]
					sum += d64[j]
				}
				for j := lo; j < hi; j++ {
					wantDY[j] = wantY[j] * (d64[j] - dot)
					wantDL[j] = d64[j] - wantY[j]*sum
				}
			}
			name := fmt.Sprint(s)
			Softmax(nil, rows, c, x, y)
			within(t, name+" softmax", y, wantY, 3e-6, 1e-30)
			LogSoftmax(nil, rows, c, x, l)
			within(t, name+" log-softmax", l, wantL, 1e-6, 3e-6)
			dx := append([]float32(nil), dy...)
			SoftmaxBackward(nil, rows, c, y, dx, dx)
			within(t, name+" softmax gradient", dx, wantDY, 1e-5, 1e-6)
			copy(dx, dy)
			LogSoftmaxBackward(nil, rows, c, l, dx, dx)
			within(t, name+" log-softmax gradient", dx, wantDL, 1e-5, 5e-5)
			Softmax(nil, rows, c, x, x)
			for i := range x {
				if x[i] != y[i] {
					t.Fatalf("%s in place: %v, want %v", name, x[i], y[i])
				}
			}
			checkY()
			checkL()
		}
	})
}

// A mask of −∞ gives zeros, in part of a row or in all of it; a NaN shows.
func TestSoftmaxMasked(t *testing.T) {
	inf, nan := float32(math.Inf(-1)), float32(math.NaN())
	eachVectors(t, func(t *testing.T) {
		x := []float32{inf, 0, inf, 0, inf, inf, inf, inf, 1, nan, 1, 1, inf, inf, nan, inf}
		Softmax(nil, 4, 4, x, x)
		within(t, "masked", x[:8], []float64{0, 0.5, 0, 0.5, 0, 0, 0, 0}, 0, 0)
		for i, v := range x[8:] {
			if v == v {
				t.Errorf("a row with a NaN has %v at %d", v, i)
			}
		}
	})
}

func TestCrossEntropy(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, s := range softmaxSizes {
			for _, smoothing := range []float32{0, 0.1} {
				testCrossEntropy(t, s[0], s[1], smoothing)
			}
		}
	})
}

func testCrossEntropy(t *testing.T, rows, c int, smoothing float32) {
	r := rand.New(rand.NewPCG(1, 2))
	x, _ := fenced(t, r, rows*c)
	d, check := fenced(t, r, rows*c)
	labels := make([]int32, rows)
	for i := range labels {
		labels[i] = int32(r.IntN(c+1)) - 1
	}
	const scale = 0.25
	sm := float64(smoothing)
	var loss float64
	right := 0
	want := make([]float64, len(x))
	for i, label := range labels {
		if label < 0 {
			continue
		}
		row := wide(x[i*c : (i+1)*c])
		lse := floats.LogSumExp(row)
		for j, v := range row {
			q := sm / float64(c)
			if j == int(label) {
				q += 1 - sm
			}
			loss -= q * (v - lse)
			want[i*c+j] = scale * (math.Exp(v-lse) - q)
		}
		if floats.MaxIdx(row) == int(label) {
			right++
		}
	}
	name := fmt.Sprintf("%d×%d smoothing %v", rows, c, smoothing)
	got, correct := CrossEntropy(nil, rows, c, x, labels, nil, smoothing, d, scale)
	near(t, name+": loss", got, loss, 1e-6, 1e-6)
	if correct != right {
		t.Fatalf("%s: %d right, want %d", name, correct, right)
	}
	within(t, name+": gradient", d, want, 1e-6, 1e-7)
	check()
	if l, n := CrossEntropy(nil, rows, c, x, labels, nil, smoothing, nil, scale); l != got || n != correct {
		t.Fatalf("%s: without gradient %v and %d, with it %v and %d", name, l, n, got, correct)
	}
	CrossEntropy(nil, rows, c, x, labels, nil, smoothing, x, scale)
	for i := range x {
		if x[i] != d[i] {
			t.Fatalf("%s in place: gradient %d is %v, want %v", name, i, x[i], d[i])
		}
	}
}

func TestCrossEntropyTies(t *testing.T) {
	x := []float32{1, 1, 0, 0, 2, 2}
	if _, n := CrossEntropy(nil, 2, 3, x, []int32{0, 2}, nil, 0, nil, 1); n != 1 {
		t.Errorf("%d right, want 1: of equal logits the first counts", n)
	}
}

func TestCrossEntropyRefusesLabel(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("label 3 of 3 classes was taken")
		}
	}()
	CrossEntropy(nil, 1, 3, make([]float32, 3), []int32{3}, nil, 0, nil, 1)
}
