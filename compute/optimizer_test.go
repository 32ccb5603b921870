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
				got, before := make([]SweepStats, 1), append([]float32(nil), g...)
				SGDStep(nil, whole(n), w, g, vel, lr, float32(c.momentum), float32(c.decay), 0, c.nesterov, float32(c.gscale), got)
				within(t, name+" w", w, w2, 1e-6, 1e-6)
				within(t, name+" v", v, v2, 1e-6, 1e-6)
				within(t, name+" g", g, wide(before), 0, 0)
				nearStats(t, name, got[0], want)
				checkW()
				checkG()
				checkV()
				SGDStep(nil, whole(n), quiet, quietG, quietV, lr, float32(c.momentum), float32(c.decay), 0, c.nesterov, float32(c.gscale), nil)
				for i := range quiet {
					if quiet[i] != w[i] {
						t.Fatalf("%s: without sums weight %d is %v, with them %v", name, i, quiet[i], w[i])
					}
				}
			}
		}
	})
}

// whole is one part of n elements, with decay.
func whole(n int) []Part { return []Part{{0, n, true}} }

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
					var want SweepStats
					got := make([]SweepStats, 1)
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
					AdamStep(nil, whole(n), w, g, m, v, lr, b1, b2, eps, float32(c.decay), 0, c.decoupled, bc1, bc2, float32(c.gscale), got)
					within(t, name+" w", w, w2, 2e-6, 2e-6)
					within(t, name+" m", m, m2, 1e-6, 1e-6)
					within(t, name+" v", v, v2, 1e-6, 1e-9)
					within(t, name+" g", g, wide(quiet[1]), 0, 0)
					near(t, name+": squares of the gradient", got[0].Grad2, want.Grad2, 2e-6, 0)
					near(t, name+": squares of the weights", got[0].Weight2, want.Weight2, 1e-5, 0)
					near(t, name+": squares of the step", got[0].Update2, want.Update2, 1e-4, 0)
					AdamStep(nil, whole(n), quiet[0], quiet[1], quiet[2], quiet[3], lr, b1, b2, eps, float32(c.decay), 0, c.decoupled, bc1, bc2, float32(c.gscale), nil)
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

// A sweep over many parts does to each what a sweep over it alone does, leaves
// what lies between them, and gives the same sums on any number of threads.
func TestOptimizerParts(t *testing.T) {
	const chunk = 1 << 13
	ends := []int{0, 1, 17, 32, 2*chunk - 3, 2*chunk + 5, 2*chunk + 6, 3 * chunk, 3*chunk + 1, 7*chunk + 100}
	var parts []Part
	for k := range len(ends) - 1 {
		from := ends[k]
		if k%3 == 2 {
			from++ // a gap
		}
		if from < ends[k+1] {
			parts = append(parts, Part{from, ends[k+1], k%2 == 0})
		}
	}
	n := ends[len(ends)-1] + 9
	first := [4][]float32{randoms(1, n), randoms(2, n), randoms(3, n), randoms(4, n)}
	for i := range first[3] {
		first[3][i] *= first[3][i] // a mean of squares
	}
	for _, kind := range []string{"sgd", "momentum", "adam", "adamw"} {
		run := func(p *Pool, parts []Part, x [4][]float32, decay, biasDecay float32, stats []SweepStats) {
			switch kind {
			case "sgd":
				SGDStep(p, parts, x[0], x[1], nil, 0.1, 0, decay, biasDecay, false, 0.5, stats)
			case "momentum":
				SGDStep(p, parts, x[0], x[1], x[2], 0.1, 0.9, decay, biasDecay, true, 0.5, stats)
			default:
				AdamStep(p, parts, x[0], x[1], x[2], x[3], 0.1, 0.9, 0.99, 1e-8, decay, biasDecay, kind == "adamw", 0.5, 0.5, 0.5, stats)
			}
		}
		copies := func() (x [4][]float32) {
			for i := range x {
				x[i] = append([]float32(nil), first[i]...)
			}
			return x
		}
		want, sums := copies(), make([]SweepStats, len(parts))
		for k, q := range parts {
			var x [4][]float32
			for i := range x {
				x[i] = want[i][q.From:q.To]
			}
			d := float32(0.01)
			if q.Decay {
				d = 0.1
			}
			run(nil, whole(q.To-q.From), x, d, 0, sums[k:k+1])
		}
		var one []SweepStats
		for threads := 1; threads <= 3; threads++ {
			p := NewPool(threads)
			got, stats := copies(), make([]SweepStats, len(parts))
			run(p, parts, got, 0.1, 0.01, stats)
			p.Close()
			for i := range got {
				within(t, fmt.Sprintf("%s, %d threads, arena %d", kind, threads, i), got[i], wide(want[i]), 1e-6, 1e-6)
			}
			for k := range parts {
				nearStats(t, fmt.Sprintf("%s, part %d", kind, k), stats[k], sums[k])
			}
			if one == nil {
				one = stats
			}
			for k := range parts {
				if stats[k] != one[k] {
					t.Errorf("%s, part %d: sums %v on %d threads, %v on one", kind, k, stats[k], threads, one[k])
				}
			}
		}
	}
}
