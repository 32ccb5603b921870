package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestSGDStep(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, n := range sweepSizes {
			for _, c := range []struct {
				momentum, decay, gscale float64
				nesterov                bool
			}{{0, 0, 1, false}, {0, 0.01, 0.5, false}, {0.9, 0, 1, false}, {0.9, 0.01, 0.5, false}, {0.9, 0.01, 2, true}} {
				name := fmt.Sprintf("%d %+v", n, c)
				r := rand.New(rand.NewPCG(1, 2))
				w, checkW := fenced(t, r, n)
				g, checkG := fenced(t, r, n)
				v, checkV := fenced(t, r, n)
				const lr = 0.05
				w2, v2 := wide(w), wide(v)
				var want SweepStats
				for i, raw := range wide(g) {
					d := c.gscale*raw + c.decay*w2[i]
					if c.momentum != 0 {
						v2[i] = c.momentum*v2[i] + d
						if c.nesterov {
							d += c.momentum * v2[i]
						} else {
							d = v2[i]
						}
					}
					w2[i] -= lr * d
					want.Grad2 += raw * raw
					want.Weight2 += w2[i] * w2[i]
					want.Update2 += lr * lr * d * d
				}
				vel := v
				if c.momentum == 0 {
					vel = nil
				}
				quiet, quietG := append([]float32(nil), w...), append([]float32(nil), g...)
				var quietV []float32
				if vel != nil {
					quietV = append(quietV, vel...)
				}
				var got SweepStats
				SGDStep(nil, w, g, vel, lr, float32(c.momentum), float32(c.decay), c.nesterov, float32(c.gscale), &got)
				within(t, name+" w", w, w2, 1e-6, 1e-6)
				within(t, name+" v", v, v2, 1e-6, 1e-6)
				within(t, name+" g", g, make([]float64, n), 0, 0)
				nearStats(t, name, got, want)
				checkW()
				checkG()
				checkV()
				SGDStep(nil, quiet, quietG, quietV, lr, float32(c.momentum), float32(c.decay), c.nesterov, float32(c.gscale), nil)
				for i := range quiet {
					if quiet[i] != w[i] || quietG[i] != 0 {
						t.Fatalf("%s: without sums weight %d is %v, with them %v", name, i, quiet[i], w[i])
					}
				}
			}
		}
	})
}

func nearStats(t *testing.T, name string, got, want SweepStats) {
	t.Helper()
	near(t, name+": squares of the gradient", got.Grad2, want.Grad2, 2e-6, 0)
	near(t, name+": squares of the weights", got.Weight2, want.Weight2, 2e-6, 0)
	near(t, name+": squares of the step", got.Update2, want.Update2, 1e-5, 0)
}

func TestAdamStep(t *testing.T) {
	const lr, b1, b2, eps = 0.01, 0.9, 0.999, 1e-8
	eachVectors(t, func(t *testing.T) {
		for _, n := range sweepSizes {
			for _, c := range []struct {
				decay, gscale float64
				decoupled     bool
			}{{0, 1, false}, {0.1, 0.5, false}, {0.1, 1, true}} {
				name := fmt.Sprintf("%d %+v", n, c)
				r := rand.New(rand.NewPCG(1, 2))
				w, checkW := fenced(t, r, n)
				m, checkM := fenced(t, r, n)
				v, checkV := fenced(t, r, n)
				clear(m)
				clear(v)
				w2, m2, v2 := wide(w), make([]float64, n), make([]float64, n)
				for step := 1; step <= 3; step++ {
					g, checkG := fenced(t, r, n)
					bc1, bc2 := 1-math.Pow(b1, float64(step)), 1-math.Pow(b2, float64(step))
					var got, want SweepStats
					for i, raw := range wide(g) {
						d, old := c.gscale*raw, w2[i]
						if c.decoupled {
							w2[i] -= lr * c.decay * w2[i]
						} else {
							d += c.decay * w2[i]
						}
						m2[i] = b1*m2[i] + (1-b1)*d
						v2[i] = b2*v2[i] + (1-b2)*d*d
						w2[i] -= lr * (m2[i] / bc1) / (math.Sqrt(v2[i]/bc2) + eps)
						want.Grad2 += raw * raw
						want.Weight2 += w2[i] * w2[i]
						want.Update2 += (w2[i] - old) * (w2[i] - old)
					}
					quiet := [4][]float32{append([]float32(nil), w...), append([]float32(nil), g...), append([]float32(nil), m...), append([]float32(nil), v...)}
					AdamStep(nil, w, g, m, v, lr, b1, b2, eps, float32(c.decay), c.decoupled, float32(bc1), float32(bc2), float32(c.gscale), &got)
					within(t, name+" w", w, w2, 2e-6, 2e-6)
					within(t, name+" m", m, m2, 1e-5, 1e-6)
					within(t, name+" v", v, v2, 5e-5, 1e-9)
					within(t, name+" g", g, make([]float64, n), 0, 0)
					near(t, name+": squares of the gradient", got.Grad2, want.Grad2, 2e-6, 0)
					near(t, name+": squares of the weights", got.Weight2, want.Weight2, 1e-5, 0)
					near(t, name+": squares of the step", got.Update2, want.Update2, 1e-4, 0)
					AdamStep(nil, quiet[0], quiet[1], quiet[2], quiet[3], lr, b1, b2, eps, float32(c.decay), c.decoupled, float32(bc1), float32(bc2), float32(c.gscale), nil)
					for i := range w {
						if quiet[0][i] != w[i] {
							t.Fatalf("%s: without sums weight %d is %v, with them %v", name, i, quiet[0][i], w[i])
						}
					}
					checkG()
				}
				checkW()
				checkM()
				checkV()
			}
		}
	})
}
