package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestBilinear compares with weights worked out pixel by pixel in float64.
func TestBilinear(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, s := range [][6]int{{1, 1, 1, 1, 2, 3}, {2, 3, 4, 5, 2, 2}, {2, 4, 1, 9, 3, 1}, {1, 2, 5, 16, 4, 5}, {3, 3, 3, 2, 1, 1}} {
		n, h, w, c, sh, sw := s[0], s[1], s[2], s[3], s[4], s[5]
		x, _ := fenced(t, r, n*h*w*c)
		dy, _ := fenced(t, r, n*h*sh*w*sw*c)
		want, wantGrad := make([]float64, len(dy)), make([]float64, len(x))
		// nearness of source pixel i to the place of enlarged pixel o
		near := func(o, i, n, scale int) float64 {
			at := math.Min(math.Max((float64(o)+0.5)/float64(scale)-0.5, 0), float64(n-1))
			return math.Max(0, 1-math.Abs(at-float64(i)))
		}
		for o := range dy {
			img, p, q, f := o/(h*sh*w*sw*c), o/(w*sw*c)%(h*sh), o/c%(w*sw), o%c
			for i := range h {
				for k := range w {
					at := ((img*h+i)*w+k)*c + f
					share := near(p, i, h, sh) * near(q, k, w, sw)
					want[o] += share * float64(x[at])
					wantGrad[at] += share * float64(dy[o])
				}
			}
		}
		y, checkY := fenced(t, r, len(dy))
		dx, checkDX := fenced(t, r, len(x))
		BilinearForward(nil, n, h, w, c, sh, sw, x, y)
		BilinearBackward(nil, n, h, w, c, sh, sw, dy, dx, false)
		within(t, fmt.Sprint(s), y, want, 1e-5, 1e-6)
		within(t, fmt.Sprint(s, " gradient"), dx, wantGrad, 1e-5, 1e-6)
		checkY()
		checkDX()
	}
}
