package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// actReference has each function as its definition says, in float64.
var actReference = [actCount]func(x, alpha float64) float64{
	ActReLU:      func(x, _ float64) float64 { return math.Max(x, 0) },
	ActLeakyReLU: func(x, a float64) float64 { return math.Max(x, 0) + a*math.Min(x, 0) },
	ActReLU6:     func(x, _ float64) float64 { return math.Min(math.Max(x, 0), 6) },
	ActELU:       func(x, a float64) float64 { return math.Max(x, 0) + a*math.Expm1(math.Min(x, 0)) },
	ActSELU: func(x, _ float64) float64 {
		return 1.0507009873554805 * (math.Max(x, 0) + 1.6732632423543772*math.Expm1(math.Min(x, 0)))
	},
	ActGELU: func(x, _ float64) float64 { return x * 0.5 * math.Erfc(-x/math.Sqrt2) },
	ActGELUTanh: func(x, _ float64) float64 {
		return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	},
	ActSiLU:        func(x, _ float64) float64 { return x / (1 + math.Exp(-x)) },
	ActSigmoid:     func(x, _ float64) float64 { return 1 / (1 + math.Exp(-x)) },
	ActTanh:        func(x, _ float64) float64 { return math.Tanh(x) },
	ActSoftplus:    func(x, _ float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) },
	ActHardSigmoid: func(x, _ float64) float64 { return math.Min(math.Max(x+3, 0), 6) / 6 },
	ActHardSwish:   func(x, _ float64) float64 { return x * math.Min(math.Max(x+3, 0), 6) / 6 },
}

func TestActivations(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for a := range actCount {
			t.Run(a.String(), func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, uint64(a)))
				for _, n := range sweepSizes {
					for _, alpha := range []float32{0.01, 1} {
						testActivation(t, r, a, n, alpha)
					}
				}
			})
		}
	})
}

func testActivation(t *testing.T, r *rand.Rand, a Act, n int, alpha float32) {
	x, checkX := fenced(t, r, n)
	y, checkY := fenced(t, r, n)
	dy, _ := fenced(t, r, n)
	dx, checkDX := fenced(t, r, n)
	for i := range x {
		x[i] *= 4
		// Slopes are compared by differences: keep off the corners.
		for _, corner := range []float32{-3, 0, 3, 6} {
			if d := x[i] - corner; d > -1e-3 && d < 1e-3 {
				x[i] += 0.01
			}
		}
	}
	f := func(v float64) float64 { return actReference[a](v, float64(alpha)) }
	want, slope := make([]float64, n), make([]float64, n)
	for i, v := range wide(x) {
		want[i] = f(v)
		// Fourth-order differences in float64, good to 1e-11.
		const h = 1e-4
		slope[i] = (8*(f(v+h)-f(v-h)) - (f(v+2*h) - f(v-2*h))) / (12 * h)
	}
	ActForward(nil, a, alpha, x, y)
	// Within 4 ulp of the value, or of 1/8 for what is a difference of larger numbers.
	within(t, fmt.Sprintf("%v of %d", a, n), y, want, 4.8e-7, 6e-8)
	if a.ReadsInput() {
		ActBackward(nil, a, alpha, x, nil, dy, dx)
	} else {
		ActBackward(nil, a, alpha, nil, y, dy, dx)
	}
	for i := range slope {
		slope[i] *= float64(dy[i])
	}
	within(t, fmt.Sprintf("%v's gradient of %d", a, n), dx, slope, 2e-6, 1e-6)
	checkX()
	checkY()
	checkDX()
	again := append([]float32(nil), x...)
	ActForward(nil, a, alpha, again, again)
	in := y
	if a.ReadsInput() {
		in = x
	}
	grad := append([]float32(nil), dy...)
	ActBackward(nil, a, alpha, in, in, grad, grad)
	for i := range again {
		if again[i] != y[i] || grad[i] != dx[i] {
			t.Fatalf("%v in place: element %d is %v and its gradient %v, want %v and %v", a, i, again[i], grad[i], y[i], dx[i])
		}
	}
}

// Far out nothing may overflow into a NaN, and a NaN must not be hidden.
func TestActivationExtremes(t *testing.T) {
	inf := float32(math.Inf(1))
	x := []float32{0, float32(math.Copysign(0, -1)), 1e-30, -1e-30, 1e-6, -1e-6, 3, -3, 6, 19, -19, 30, -30, 87, -87,
		88.5, -88.5, 89, -89, 104, -104, 1000, -1000, 1e18, -1e18, 3e38, -3e38, inf}
	eachVectors(t, func(t *testing.T) {
		for a := range actCount {
			y, dx, dy := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
			Fill(nil, dy, 1)
			ActForward(nil, a, 0.1, x, y)
			want := make([]float64, len(x))
			for i, v := range wide(x) {
				want[i] = actReference[a](v, float64(float32(0.1)))
				if math.IsInf(v, 1) && math.IsNaN(want[i]) {
					want[i] = v
				}
			}
			// Beyond e⁸⁹ a float32 is infinite, and one over it 0.
			within(t, a.String(), y, want, 1e-6, 1e-35)
			ActBackward(nil, a, 0.1, x, y, dy, dx)
			for i, d := range dx[:len(x)-1] {
				if d != d || d < -0.2 || d > 1.8 {
					t.Errorf("%v: slope at %v is %v", a, x[i], d)
				}
			}
			nan := []float32{1, float32(math.NaN()), 2, 3, 4, 5, 6, 7, 8, float32(math.NaN())}
			ActForward(nil, a, 0.1, nan, nan)
			if nan[1] == nan[1] || nan[9] == nan[9] {
				t.Errorf("%v hides a NaN: %v", a, nan)
			}
		}
	})
}
