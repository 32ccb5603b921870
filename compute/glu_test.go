package compute

import (
	"fmt"
	"math"
	"testing"
)

func TestGLU(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, f := range []Act{ActNone, ActSigmoid, ActSiLU, ActGELU, ActReLU} {
			for _, s := range rowSizes {
				rows, c := s[0], s[1]
				x, dy := randoms(1, 2*rows*c), randoms(2, rows*c)
				y, dx := make([]float32, rows*c), make([]float32, 2*rows*c)
				GLU(nil, f, rows, c, x, y)
				GLUBackward(nil, f, rows, c, x, dy, dx)
				wantY, wantDX := make([]float64, rows*c), make([]float64, 2*rows*c)
				for r := range rows {
					for j := range c {
						a, b := x[2*r*c+j], x[(2*r+1)*c+j]
						h, slope := []float32{b}, []float32{1}
						if f != ActNone {
							in := h
							actGeneric[f](h, h, 0)
							if f.ReadsInput() {
								in = []float32{b}
							}
							actGradGeneric[f](slope, in, []float32{1}, 0)
						}
						d := float64(dy[r*c+j])
						wantY[r*c+j] = float64(a) * float64(h[0])
						wantDX[2*r*c+j], wantDX[(2*r+1)*c+j] = d*float64(h[0]), d*float64(a)*float64(slope[0])
					}
				}
				within(t, fmt.Sprint(f, s, " output"), y, wantY, 1e-5, 1e-6)
				within(t, fmt.Sprint(f, s, " gradient"), dx, wantDX, 1e-5, 1e-5)
			}
		}
	})
}

func TestPReLU(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, s := range rowSizes {
			for _, one := range []bool{false, true} {
				rows, c := s[0], s[1]
				x, dy, slope := randoms(1, rows*c), randoms(2, rows*c), randoms(3, c)
				if one {
					slope = slope[:1]
				}
				y, dx, dslope := make([]float32, rows*c), make([]float32, rows*c), make([]float32, len(slope))
				PReLU(nil, rows, c, x, slope, y)
				PReLUBackward(nil, rows, c, x, slope, dy, dx, dslope)
				wantY, wantDX, want := make([]float64, rows*c), make([]float64, rows*c), make([]float64, len(slope))
				for i, v := range wide(x) {
					k := i % c % len(slope)
					wantY[i], wantDX[i] = v, float64(dy[i])
					if v <= 0 {
						wantY[i] *= float64(slope[k])
						wantDX[i] *= float64(slope[k])
						want[k] += v * float64(dy[i])
					}
				}
				what := fmt.Sprint(s, one)
				within(t, what+" output", y, wantY, 1e-6, 0)
				within(t, what+" gradient", dx, wantDX, 1e-6, 0)
				within(t, what+" gradient of the slope", dslope, want, 1e-4, 1e-4)
				again := make([]float32, len(slope))
				PReLUBackward(nil, rows, c, x, slope, dy, nil, again)
				sameBits(t, what+" gradient of the slope alone", again, dslope)
				PReLUBackward(nil, rows, c, x, slope, dy, dy, nil)
				sameBits(t, what+" gradient in place", dy, dx)
			}
		}
	})
}

func TestColumnScale(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, s := range rowSizes {
			rows, c := s[0], s[1]
			x, dy, scale := randoms(1, rows*c), randoms(2, rows*c), randoms(3, c)
			y, dx, dscale := make([]float32, rows*c), make([]float32, rows*c), make([]float32, c)
			ColumnScale(nil, rows, c, x, scale, y)
			ColumnScaleBackward(nil, rows, c, x, scale, dy, dx, dscale)
			wantY, wantDX, want := make([]float64, rows*c), make([]float64, rows*c), make([]float64, c)
			for i, v := range wide(x) {
				wantY[i], wantDX[i] = v*float64(scale[i%c]), float64(dy[i])*float64(scale[i%c])
				want[i%c] += v * float64(dy[i])
			}
			within(t, fmt.Sprint(s, " output"), y, wantY, 1e-6, 0)
			within(t, fmt.Sprint(s, " gradient"), dx, wantDX, 1e-6, 0)
			within(t, fmt.Sprint(s, " gradient of the factors"), dscale, want, 1e-4, 1e-4)
			ColumnScaleBackward(nil, rows, c, x, scale, dy, dy, nil)
			sameBits(t, "gradient in place", dy, dx)
		}
	})
}

// TestDropColumns: whole columns fall, as many as the rate says within five
// deviations, and the rest is scaled; another seed chooses others.
func TestDropColumns(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, s := range []struct {
			n, hw, c int
			rate     float32
		}{{40, 5, 30, 0.3}, {1000, 7, 1, 0.5}, {3, 2, 300, 0.1}, {4, 3, 5, 0}} {
			x := make([]float32, s.n*s.hw*s.c)
			for i := range x {
				x[i] = float32(i%7 + 1)
			}
			y, dx, keep := make([]float32, len(x)), make([]float32, len(x)), make([]byte, s.n*s.c)
			DropColumns(nil, 5, s.rate, s.n, s.hw, s.c, x, y, keep)
			dropped := 0
			for k, v := range keep {
				if v == 0 {
					dropped++
				}
				for r := range s.hw {
					at := (k/s.c*s.hw+r)*s.c + k%s.c
					if want := float64(v) * float64(x[at]) / (1 - float64(s.rate)); math.Abs(float64(y[at])-want) > 1e-5 {
						t.Fatalf("%v: element %d is %v, want %v", s, at, y[at], want)
					}
				}
			}
			columns, rate := float64(len(keep)), float64(s.rate)
			if math.Abs(float64(dropped)-rate*columns) > 5*math.Sqrt(columns*rate*(1-rate)) {
				t.Errorf("%v: %d of %v columns are dropped", s, dropped, columns)
			}
			DropColumnsBackward(nil, s.rate, s.n, s.hw, s.c, x, dx, keep)
			sameBits(t, "gradient", dx, y)
			if s.rate == 0 {
				continue
			}
			other := make([]byte, len(keep))
			DropColumns(nil, 6, s.rate, s.n, s.hw, s.c, x, y, other)
			if string(other) == string(keep) {
				t.Errorf("%v: another seed drops the same columns", s)
			}
		}
	})
}
