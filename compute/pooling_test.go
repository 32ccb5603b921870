package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

var poolingCases = []Pooling{
	{N: 2, H: 4, W: 4, C: 1, KH: 2, KW: 2, StrideH: 2, StrideW: 2, OH: 2, OW: 2},
	{N: 2, H: 28, W: 28, C: 6, KH: 2, KW: 2, StrideH: 2, StrideW: 2, OH: 14, OW: 14},
	{N: 3, H: 5, W: 7, C: 9, KH: 2, KW: 3, StrideH: 1, StrideW: 2, OH: 4, OW: 3},
	{N: 2, H: 9, W: 9, C: 16, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadTop: 1, PadBottom: 1, PadLeft: 1, PadRight: 1, OH: 5, OW: 5},
	{N: 1, H: 7, W: 6, C: 33, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadBottom: 1, PadLeft: 1, PadRight: 1, OH: 7, OW: 6},
	{N: 1, H: 8, W: 8, C: 5, KH: 3, KW: 2, StrideH: 2, StrideW: 3, PadBottom: 1, PadRight: 1, OH: 4, OW: 3, CountPad: true},
	{N: 2, H: 6, W: 6, C: 8, KH: 6, KW: 6, StrideH: 6, StrideW: 6, OH: 1, OW: 1},
	{N: 1, H: 20, W: 20, C: 2, KH: 16, KW: 16, StrideH: 2, StrideW: 2, OH: 3, OW: 3},
	{N: 2, H: 5, W: 5, C: 3, KH: 2, KW: 2, StrideH: 2, StrideW: 2, OH: 3, OW: 3, CountPad: true}, // rounded up
	{N: 1, H: 3, W: 3, C: 24, KH: 5, KW: 5, StrideH: 1, StrideW: 1, PadTop: 2, PadBottom: 2, PadLeft: 2, PadRight: 2, OH: 3, OW: 3, CountPad: true},
}

// taps calls f for each place of a window that lies in the image, and
// returns the number of places in the padded image.
func (g *Pooling) taps(oh, ow int, f func(at, tap int)) (padded int) {
	for kh := range g.KH {
		for kw := range g.KW {
			h, w := oh*g.StrideH-g.PadTop+kh, ow*g.StrideW-g.PadLeft+kw
			if h < g.H+g.PadBottom && w < g.W+g.PadRight {
				padded++
			}
			if h >= 0 && h < g.H && w >= 0 && w < g.W {
				f((h*g.W+w)*g.C, kh*g.KW+kw)
			}
		}
	}
	return padded
}

func TestPooling(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, g := range poolingCases {
			testPooling(t, g)
		}
	})
}

func testPooling(t *testing.T, g Pooling) {
	name := fmt.Sprintf("%+v", g)
	r := rand.New(rand.NewPCG(1, 2))
	x, _ := fenced(t, r, g.in())
	for i := range x { // few values, so that there are ties
		x[i] = float32(math.Round(float64(x[i]) * 2))
	}
	x64 := wide(x)
	dy, _ := fenced(t, r, g.out())
	wantMax, wantAvg, wantArg := make([]float64, g.out()), make([]float64, g.out()), make([]byte, g.out())
	wantMaxGrad, wantAvgGrad := make([]float64, g.in()), make([]float64, g.in())
	for n := range g.N {
		image, grads := x64[n*g.H*g.W*g.C:], [2][]float64{wantMaxGrad[n*g.H*g.W*g.C:], wantAvgGrad[n*g.H*g.W*g.C:]}
		for o := range g.OH * g.OW {
			for c := range g.C {
				at := (n*g.OH*g.OW+o)*g.C + c
				best, from, sum, inside := math.Inf(-1), 0, 0.0, 0
				padded := g.taps(o/g.OW, o%g.OW, func(i, tap int) {
					v := image[i+c]
					sum += v
					inside++
					if v > best {
						best, from, wantArg[at] = v, i+c, byte(tap)
					}
				})
				if g.CountPad {
					inside = padded
				}
				wantMax[at], wantAvg[at] = best, sum/float64(inside)
				grads[0][from] += float64(dy[at])
				g.taps(o/g.OW, o%g.OW, func(i, _ int) { grads[1][i+c] += float64(dy[at]) / float64(inside) })
			}
		}
	}
	y, checkY := fenced(t, r, g.out())
	dx, checkDX := fenced(t, r, g.in())
	fencedArg := make([]byte, g.out()+64)
	for i := range fencedArg {
		fencedArg[i] = 0xa5
	}
	arg := fencedArg[32 : 32+g.out()]
	MaxPoolForward(nil, &g, x, y, arg)
	within(t, "max "+name, y, wantMax, 0, 0)
	for i, a := range arg {
		if a != wantArg[i] {
			t.Fatalf("max %s: mark %d is %d, want %d", name, i, a, wantArg[i])
		}
	}
	for i, b := range fencedArg {
		if (i < 32 || i >= 32+g.out()) && b != 0xa5 {
			t.Fatalf("max %s: mark %d outside was written", name, i-32)
		}
	}
	bare := make([]float32, g.out())
	MaxPoolForward(nil, &g, x, bare, nil)
	within(t, "max without marks "+name, bare, wantMax, 0, 0)
	MaxPoolBackward(nil, &g, dy, arg, dx)
	within(t, "max gradient "+name, dx, wantMaxGrad, 1e-6, 1e-6)
	AvgPoolForward(nil, &g, x, y)
	within(t, "average "+name, y, wantAvg, 1e-6, 1e-6)
	AvgPoolBackward(nil, &g, dy, dx)
	within(t, "average gradient "+name, dx, wantAvgGrad, 1e-6, 1e-6)
	checkY()
	checkDX()
}

func TestMaxPoolSpecials(t *testing.T) {
	inf, nan := float32(math.Inf(-1)), float32(math.NaN())
	eachVectors(t, func(t *testing.T) {
		for _, c := range []int{1, 8, 11} {
			g := &Pooling{N: 1, H: 2, W: 6, C: c, KH: 2, KW: 2, StrideH: 2, StrideW: 2, OH: 1, OW: 3}
			x, y, arg := make([]float32, 12*c), make([]float32, 3*c), make([]byte, 3*c)
			for i, v := range []float32{inf, inf, 5, nan, 1, 2, inf, inf, 7, 6, 3, 3} {
				Fill(nil, x[i*c:(i+1)*c], v)
			}
			MaxPoolForward(nil, g, x, y, arg)
			for k := range c {
				if y[k] != inf || arg[k] != 0 {
					t.Errorf("all −∞: %v from %d, want −∞ from 0", y[k], arg[k])
				}
				if y[c+k] == y[c+k] || arg[c+k] != 1 {
					t.Errorf("a NaN: %v from %d, want NaN from 1", y[c+k], arg[c+k])
				}
				if y[2*c+k] != 3 || arg[2*c+k] != 2 {
					t.Errorf("equals: %v from %d, want 3 from 2", y[2*c+k], arg[2*c+k])
				}
			}
		}
	})
}

func TestGlobalAverage(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, s := range [][3]int{{1, 1, 1}, {3, 5, 7}, {4, 64, 64}, {2, 49, 513}, {64, 1, 9}} {
			n, hw, c := s[0], s[1], s[2]
			r := rand.New(rand.NewPCG(1, 2))
			x, _ := fenced(t, r, n*hw*c)
			y, checkY := fenced(t, r, n*c)
			dy, _ := fenced(t, r, n*c)
			dx, checkDX := fenced(t, r, n*hw*c)
			want, wantD := make([]float64, n*c), make([]float64, n*hw*c)
			for i := range n * hw * c {
				at := i/(hw*c)*c + i%c
				want[at] += float64(x[i]) / float64(hw)
				wantD[i] = float64(dy[at]) / float64(hw)
			}
			GlobalAvgForward(nil, n, hw, c, nil, x, y)
			GlobalAvgBackward(nil, n, hw, c, nil, dy, dx)
			within(t, fmt.Sprint(s), y, want, 1e-6, 1e-6)
			within(t, fmt.Sprint(s, " gradient"), dx, wantD, 1e-6, 0)
			checkY()
			checkDX()
		}
	})
}
