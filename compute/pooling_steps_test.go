package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPoolOverTime compares pools over time with plain loops, lengths of 0
// and of all steps included.
func TestPoolOverTime(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, s := range [][3]int{{1, 1, 1}, {3, 5, 7}, {4, 64, 64}, {2, 300, 9}, {9, 2, 33}} {
			for _, padded := range []bool{false, true} {
				var lens []int32
				if padded {
					for i := range s[0] {
						lens = append(lens, int32((i*3+s[1])%(s[1]+1)))
					}
				}
				testPoolOverTime(t, s[0], s[1], s[2], lens)
			}
		}
	})
}

func testPoolOverTime(t *testing.T, n, steps, c int, lens []int32) {
	r := rand.New(rand.NewPCG(1, 2))
	x, _ := fenced(t, r, n*steps*c)
	for i := range x { // few values, so that there are ties
		x[i] = float32(math.Round(float64(x[i]) * 2))
	}
	dy, _ := fenced(t, r, n*c)
	y, checkY := fenced(t, r, n*c)
	dx, checkDX := fenced(t, r, n*steps*c)
	type want struct{ y, dx []float64 }
	wants := map[string]want{}
	for _, take := range []string{"mean", "max", "first", "last"} {
		wants[take] = want{make([]float64, n*c), make([]float64, n*steps*c)}
	}
	for i := range n {
		used := steps
		if lens != nil {
			used = int(lens[i])
		}
		for k := range c {
			if used == 0 {
				continue
			}
			var column []float64
			for s := range used {
				column = append(column, float64(x[(i*steps+s)*c+k]))
			}
			set := func(take string, v float64, share func(s int) float64) {
				wants[take].y[i*c+k] = v
				for s := range used {
					wants[take].dx[(i*steps+s)*c+k] = share(s) * float64(dy[i*c+k])
				}
			}
			only := func(at int) func(int) float64 {
				return func(s int) float64 {
					if s == at {
						return 1
					}
					return 0
				}
			}
			sum := 0.
			for _, v := range column {
				sum += v
			}
			set("mean", sum/float64(used), func(int) float64 { return 1 / float64(used) })
			largest := slices.Max(column)
			set("max", largest, only(slices.Index(column, largest)))
			set("first", column[0], only(0))
			set("last", column[used-1], only(used-1))
		}
	}
	compare := func(take string) {
		t.Helper()
		name := fmt.Sprint(take, " of ", n, steps, c, lens)
		within(t, name, y, wants[take].y, 1e-6, 1e-6)
		within(t, name+": gradient", dx, wants[take].dx, 1e-6, 1e-6)
		checkY()
		checkDX()
	}
	GlobalAvgForward(nil, n, steps, c, lens, x, y)
	GlobalAvgBackward(nil, n, steps, c, lens, dy, dx)
	compare("mean")
	GlobalMaxForward(nil, n, steps, c, lens, x, y)
	GlobalMaxBackward(nil, n, steps, c, lens, x, y, dy, dx)
	compare("max")
	for _, last := range []bool{false, true} {
		PickStepForward(nil, n, steps, c, lens, last, x, y)
		PickStepBackward(nil, n, steps, c, lens, last, dy, dx)
		compare(map[bool]string{false: "first", true: "last"}[last])
	}
}

// TestAdaptivePooling compares with plain loops over the windows.
func TestAdaptivePooling(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, g := range []Adaptive{
			{N: 2, H: 6, W: 6, C: 3, OH: 3, OW: 2},
			{N: 2, H: 7, W: 5, C: 9, OH: 3, OW: 4},
			{N: 1, H: 2, W: 3, C: 16, OH: 5, OW: 3},
			{N: 3, H: 9, W: 4, C: 33, OH: 1, OW: 1},
			{N: 2, H: 1, W: 1, C: 8, OH: 7, OW: 7},
		} {
			r := rand.New(rand.NewPCG(3, 4))
			x, _ := fenced(t, r, g.in())
			for i := range x {
				x[i] = float32(math.Round(float64(x[i]) * 2))
			}
			dy, _ := fenced(t, r, g.out())
			wantAvg, wantMax := make([]float64, g.out()), make([]float64, g.out())
			avgGrad, maxGrad := make([]float64, g.in()), make([]float64, g.in())
			for o := range g.out() {
				n, oh, ow, c := o/(g.OH*g.OW*g.C), o/(g.OW*g.C)%g.OH, o/g.C%g.OW, o%g.C
				var places []int
				for h := range g.H {
					for w := range g.W {
						// Pixel h has part in window oh where [h, h+1)·OH and [oh, oh+1)·H meet.
						if h*g.OH < (oh+1)*g.H && oh*g.H < (h+1)*g.OH && w*g.OW < (ow+1)*g.W && ow*g.W < (w+1)*g.OW {
							places = append(places, ((n*g.H+h)*g.W+w)*g.C+c)
						}
					}
				}
				best := places[0]
				for _, at := range places {
					wantAvg[o] += float64(x[at]) / float64(len(places))
					avgGrad[at] += float64(dy[o]) / float64(len(places))
					if x[at] > x[best] {
						best = at
					}
				}
				wantMax[o] = float64(x[best])
				maxGrad[best] += float64(dy[o])
			}
			name := fmt.Sprintf("%+v", g)
			y, checkY := fenced(t, r, g.out())
			dx, checkDX := fenced(t, r, g.in())
			AdaptiveForward(nil, &g, false, x, y)
			AdaptiveAvgBackward(nil, &g, dy, dx)
			within(t, "mean "+name, y, wantAvg, 1e-6, 1e-6)
			within(t, "mean's gradient "+name, dx, avgGrad, 1e-6, 1e-6)
			AdaptiveForward(nil, &g, true, x, y)
			AdaptiveMaxBackward(nil, &g, x, y, dy, dx)
			within(t, "max "+name, y, wantMax, 0, 0)
			within(t, "max's gradient "+name, dx, maxGrad, 1e-6, 1e-6)
			checkY()
			checkDX()
		}
	})
}
