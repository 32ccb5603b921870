package compute

import (
	"fmt"
	"math"
)

// Act is an activation function.
type Act int

const (
	ActReLU        Act = iota // max(x, 0)
	ActLeakyReLU              // x above 0, alpha·x below; alpha > 0
	ActReLU6                  // min(max(x, 0), 6)
	ActELU                    // x above 0, alpha·(eˣ−1) below; alpha > 0 (Clevert et al., 2015)
	ActSELU                   // λ·ELU(x) with α = 1.6733, λ = 1.0507 (Klambauer et al., 2017)
	ActGELU                   // x·Φ(x), Φ by erf (Hendrycks and Gimpel, 2016)
	ActGELUTanh               // x·½(1+tanh(√(2/π)(x+0.044715x³)))
	ActSiLU                   // x·σ(x) (Elfwing et al., 2017)
	ActSigmoid                // σ(x) = 1/(1+e⁻ˣ)
	ActTanh                   // tanh x
	ActSoftplus               // ln(1+eˣ)
	ActHardSigmoid            // min(max(x+3, 0), 6)/6
	ActHardSwish              // x·hardsigmoid(x) (Howard et al., 2019)
	actCount
)

var actNames = [actCount]string{"relu", "leaky_relu", "relu6", "elu", "selu", "gelu", "gelu_tanh",
	"silu", "sigmoid", "tanh", "softplus", "hardsigmoid", "hardswish"}

// String is the function's name in network files.
func (a Act) String() string {
	if a < 0 || a >= actCount {
		return fmt.Sprintf("activation %d", int(a))
	}
	return actNames[a]
}

// ReadsInput says which of its two memories the gradient reads: x alone, or
// y alone, so that y may overwrite x.
func (a Act) ReadsInput() bool {
	switch a {
	case ActReLU, ActLeakyReLU, ActReLU6, ActELU, ActSigmoid, ActTanh:
		return false
	}
	return true
}

// grain is small where an element takes many instructions.
func (a Act) grain() int {
	switch a {
	case ActReLU, ActLeakyReLU, ActReLU6, ActHardSigmoid, ActHardSwish:
		return grain
	}
	return heavyGrain
}

type actArgs struct {
	a         Act
	alpha     float32
	x, y, out []float32
}

// ActForward is y = a(x), element by element. alpha is the slope of leaky
// ReLU and the bound of ELU; others do not look at it. y may be x.
func ActForward(p *Pool, a Act, alpha float32, x, y []float32) {
	mustLen(a.String(), len(y), len(x))
	For(p, len(x), a.grain(), actArgs{a: a, alpha: alpha, x: x, y: y}, func(t *actArgs, _ *Worker, lo, hi int) {
		vec.act[t.a](t.y[lo:hi], t.x[lo:hi], t.alpha)
	})
}

// ActBackward is dx = dy·a′, element by element, the slope worked out from x
// or from y as ReadsInput says; the other may be nil. dx may be dy.
func ActBackward(p *Pool, a Act, alpha float32, x, y, dy, dx []float32) {
	in := y
	if a.ReadsInput() {
		in = x
	}
	mustLen("an activation's gradient", len(dx), len(dy), len(in))
	For(p, len(dx), a.grain(), actArgs{a: a, alpha: alpha, x: in, y: dy, out: dx}, func(t *actArgs, _ *Worker, lo, hi int) {
		vec.actGrad[t.a](t.out[lo:hi], t.x[lo:hi], t.y[lo:hi], t.alpha)
	})
}

const (
	seluAlpha = 1.6732632423543772848170429916717
	seluScale = 1.0507009873554804934193349852946
	invSqrt2  = 1 / math.Sqrt2
	// 1/√(2π), √(2/π)
	gaussPeak = 0.39894228040143267793994605993438
	geluRoot  = 0.79788456080286535587989211986876
	geluCube  = 0.044715
)

// The functions and their slopes in float64, for the plain loops.

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func gelu(x float64) float64 { return 0.5 * x * math.Erfc(-x*invSqrt2) }

func geluSlope(x float64) float64 {
	return 0.5*math.Erfc(-x*invSqrt2) + x*gaussPeak*math.Exp(-0.5*x*x)
}

func geluTanh(x float64) float64 {
	return x * sigmoid(2*geluRoot*(x+geluCube*x*x*x))
}

func geluTanhSlope(x float64) float64 {
	s := sigmoid(2 * geluRoot * (x + geluCube*x*x*x))
	return s + x*s*(1-s)*2*geluRoot*(1+3*geluCube*x*x)
}

func siluSlope(x float64) float64 {
	s := sigmoid(x)
	return s * (1 + x*(1-s))
}

// actGeneric and actGradGeneric are the plain loops by activation.
var actGeneric = [actCount]func(y, x []float32, alpha float32){
	ActReLU: func(y, x []float32, _ float32) { reluGeneric(y, x) },
	ActLeakyReLU: func(y, x []float32, alpha float32) {
		for i, v := range x {
			if v < 0 {
				v *= alpha
			}
			y[i] = v
		}
	},
	ActReLU6: func(y, x []float32, _ float32) {
		for i, v := range x {
			if v < 0 {
				v = 0
			} else if v > 6 {
				v = 6
			}
			y[i] = v
		}
	},
	ActELU: func(y, x []float32, alpha float32) {
		for i, v := range x {
			if v < 0 {
				v = float32(float64(alpha) * math.Expm1(float64(v)))
			}
			y[i] = v
		}
	},
	ActSELU: func(y, x []float32, _ float32) {
		for i, v := range x {
			if v < 0 {
				y[i] = float32(seluScale * seluAlpha * math.Expm1(float64(v)))
			} else {
				y[i] = seluScale * v
			}
		}
	},
	ActGELU: func(y, x []float32, _ float32) {
		for i, v := range x {
			y[i] = float32(gelu(float64(v)))
		}
	},
	ActGELUTanh: func(y, x []float32, _ float32) {
		for i, v := range x {
			y[i] = float32(geluTanh(float64(v)))
		}
	},
	ActSiLU: func(y, x []float32, _ float32) {
		for i, v := range x {
			y[i] = float32(float64(v) * sigmoid(float64(v)))
		}
	},
	ActSigmoid: func(y, x []float32, _ float32) {
		for i, v := range x {
			y[i] = float32(sigmoid(float64(v)))
		}
	},
	ActTanh: func(y, x []float32, _ float32) {
		for i, v := range x {
			y[i] = float32(math.Tanh(float64(v)))
		}
	},
	ActSoftplus: func(y, x []float32, _ float32) {
		for i, v := range x {
			y[i] = float32(softplus(float64(v)))
		}
	},
	ActHardSigmoid: func(y, x []float32, _ float32) {
		for i, v := range x {
			y[i] = min(max(v+3, 0), 6) / 6
		}
	},
	ActHardSwish: func(y, x []float32, _ float32) {
		for i, v := range x {
			y[i] = v * (min(max(v+3, 0), 6) / 6)
		}
	},
}

var actGradGeneric = [actCount]func(dx, in, dy []float32, alpha float32){
	ActReLU: func(dx, y, dy []float32, _ float32) { reluGradGeneric(dx, y, dy) },
	ActLeakyReLU: func(dx, y, dy []float32, alpha float32) {
		for i, v := range y {
			d := dy[i]
			if !(v > 0) {
				d *= alpha
			}
			dx[i] = d
		}
	},
	ActReLU6: func(dx, y, dy []float32, _ float32) {
		for i, v := range y {
			d := dy[i]
			if !(v > 0 && v < 6) {
				d = 0
			}
			dx[i] = d
		}
	},
	ActELU: func(dx, y, dy []float32, alpha float32) {
		for i, v := range y {
			d := dy[i]
			if !(v > 0) {
				d *= v + alpha
			}
			dx[i] = d
		}
	},
	ActSELU: func(dx, x, dy []float32, _ float32) {
		for i, v := range x {
			if v > 0 {
				dx[i] = seluScale * dy[i]
			} else {
				dx[i] = dy[i] * float32(seluScale*seluAlpha*math.Exp(float64(v)))
			}
		}
	},
	ActGELU: func(dx, x, dy []float32, _ float32) {
		for i, v := range x {
			dx[i] = dy[i] * float32(geluSlope(float64(v)))
		}
	},
	ActGELUTanh: func(dx, x, dy []float32, _ float32) {
		for i, v := range x {
			dx[i] = dy[i] * float32(geluTanhSlope(float64(v)))
		}
	},
	ActSiLU: func(dx, x, dy []float32, _ float32) {
		for i, v := range x {
			dx[i] = dy[i] * float32(siluSlope(float64(v)))
		}
	},
	ActSigmoid: func(dx, y, dy []float32, _ float32) {
		for i, v := range y {
			dx[i] = dy[i] * (v * (1 - v))
		}
	},
	ActTanh: func(dx, y, dy []float32, _ float32) {
		for i, v := range y {
			dx[i] = dy[i] * (1 - v*v)
		}
	},
	ActSoftplus: func(dx, x, dy []float32, _ float32) {
		for i, v := range x {
			dx[i] = dy[i] * float32(sigmoid(float64(v)))
		}
	},
	ActHardSigmoid: func(dx, x, dy []float32, _ float32) {
		for i, v := range x {
			d := float32(0)
			if v > -3 && v < 3 {
				d = dy[i] / 6
			}
			dx[i] = d
		}
	},
	ActHardSwish: func(dx, x, dy []float32, _ float32) {
		for i, v := range x {
			d := dy[i]
			if v <= -3 {
				d = 0
			} else if v < 3 {
				d *= v/3 + 0.5
			}
			dx[i] = d
		}
	},
}
