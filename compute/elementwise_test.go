package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
)

func TestElementwise(t *testing.T) {
	ops := []struct {
		name string
		run  func(a, b, dst []float32)
		want func(a, b, dst float64) float64
	}{
		{"add", func(a, b, d []float32) { Add(nil, a, b, d) }, func(a, b, _ float64) float64 { return a + b }},
		{"add and relu", func(a, b, d []float32) { AddReLU(nil, a, b, d) }, func(a, b, _ float64) float64 { return max(a+b, 0) }},
		{"add to", func(a, _, d []float32) { AddTo(nil, d, a) }, func(a, _, d float64) float64 { return a + d }},
		{"multiply", func(a, b, d []float32) { Mul(nil, a, b, d) }, func(a, b, _ float64) float64 { return a * b }},
		{"multiply-add", func(a, b, d []float32) { MulAddTo(nil, d, a, b) }, func(a, b, d float64) float64 { return d + a*b }},
		{"scale", func(a, _, d []float32) { Scale(nil, 0.37, a, d) }, func(a, _, _ float64) float64 { return float64(float32(0.37)) * a }},
		{"copy", func(a, _, d []float32) { Copy(nil, d, a) }, func(a, _, _ float64) float64 { return a }},
		{"fill", func(_, _, d []float32) { Fill(nil, d, 2.5) }, func(_, _, _ float64) float64 { return 2.5 }},
		{"clear", func(_, _, d []float32) { Fill(nil, d, 0) }, func(_, _, _ float64) float64 { return 0 }},
		{"add in place", func(a, b, d []float32) { copy(d, a); Add(nil, d, b, d) }, func(a, b, _ float64) float64 { return a + b }},
		{"scale in place", func(a, _, d []float32) { copy(d, a); Scale(nil, -2, d, d) }, func(a, _, _ float64) float64 { return -2 * a }},
	}
	eachVectors(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, op := range ops {
			for _, n := range sweepSizes {
				a, _ := fenced(t, r, n)
				b, _ := fenced(t, r, n)
				d, check := fenced(t, r, n)
				want := make([]float64, n)
				for i := range want {
					want[i] = op.want(float64(a[i]), float64(b[i]), float64(d[i]))
				}
				op.run(a, b, d)
				// One rounding of the product, one of the sum.
				within(t, fmt.Sprintf("%s of %d", op.name, n), d, want, 1.3e-7, 2e-7)
				check()
			}
		}
	})
}

func TestDropout(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for _, rate := range []float32{0, 0.1, 0.5, 0.9, 1} {
			for _, n := range append([]int{200_000}, sweepSizes...) {
				x, _ := fenced(t, r, n)
				y, check := fenced(t, r, n)
				keep := make([]byte, n)
				DropoutForward(nil, 99, rate, x, y, keep)
				check()
				kept := 0
				for i, k := range keep {
					switch {
					case k == 0 && y[i] != 0:
						t.Fatalf("rate %v: dropped element %d is %v", rate, i, y[i])
					case k == 1 && math.Abs(float64(y[i])-float64(x[i])/(1-float64(rate))) > 2e-6*math.Abs(float64(y[i])):
						t.Fatalf("rate %v: kept element %d is %v for %v", rate, i, y[i], x[i])
					case k > 1:
						t.Fatalf("mark %d is %d", i, k)
					}
					kept += int(k)
				}
				if rate < 1 {
					want := float64(n) * (1 - float64(rate))
					// five standard deviations of a binomial
					near(t, fmt.Sprintf("rate %v of %d: kept", rate, n), float64(kept), want, 0, 5*math.Sqrt(want*float64(rate))+1e-3)
				}
				dx := append([]float32(nil), x...)
				DropoutBackward(nil, rate, dx, dx, keep)
				for i := range dx {
					if dx[i] != y[i] {
						t.Fatalf("gradient %d is %v, forward gave %v for the same value", i, dx[i], y[i])
					}
				}
			}
		}
	})
}

// Neighbours, seeds and low bits must have nothing to do with each other.
func TestDropoutIsRandom(t *testing.T) {
	const n = 1 << 17
	marks := func(seed uint64) []byte {
		keep := make([]byte, n)
		DropoutForward(nil, seed, 0.5, make([]float32, n), make([]float32, n), keep)
		return keep
	}
	a, b := marks(1), marks(2)
	differ := func(what string, x, y []byte) {
		same := 0
		for i := range y {
			if x[i] == y[i] {
				same++
			}
		}
		near(t, what+": equal marks", float64(same), float64(len(y))/2, 0, 5*math.Sqrt(n)/2)
	}
	differ("seeds 1 and 2", a, b)
	for _, lag := range []int{1, 2, 3, 8, 64, 1024} {
		differ(fmt.Sprint("lag ", lag), a, a[lag:])
	}
}

func TestDropoutSetsAgree(t *testing.T) {
	x := randoms(5, 5003)
	k := newDropoutKey(77, 0.4)
	want, wantKeep := make([]float32, len(x)), make([]byte, len(x))
	dropoutGeneric(want, x, wantKeep, k, 1<<31-9, 2)
	for _, v := range vectorSets() {
		y, keep := make([]float32, len(x)), make([]byte, len(x))
		v.dropout(y, x, keep, k, 1<<31-9, 2)
		for i := range y {
			if y[i] != want[i] || keep[i] != wantKeep[i] {
				t.Fatalf("%s: element %d is %v, kept %d; want %v, %d", v.name, i, y[i], keep[i], want[i], wantKeep[i])
			}
		}
	}
}

func TestCopyColumns(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, rows := range []int{0, 1, 3, 5000} {
			for _, width := range []int{1, 5, 8, 19} {
				src, dst := randoms(1, rows*(width+4)), randoms(2, rows*(width+9))
				for _, add := range []bool{false, true} {
					want := wide(dst)
					for r := range rows {
						for j := range width {
							v := float64(src[r*(width+4)+3+j])
							if add {
								v += want[r*(width+9)+2+j]
							}
							want[r*(width+9)+2+j] = v
						}
					}
					CopyColumns(nil, rows, src, 3, width+4, width, dst, 2, width+9, add)
					within(t, fmt.Sprint(rows, " rows of ", width, " add ", add), dst, want, 1e-7, 0)
				}
			}
		}
	})
}

func TestTranspose(t *testing.T) {
	for _, s := range [][4]int{{1, 1, 1, 1}, {2, 3, 5, 7}, {3, 16, 17, 33}, {2, 28, 28, 1}, {1, 8, 8, 64}} {
		n, h, w, c := s[0], s[1], s[2], s[3]
		x := randoms(1, n*h*w*c)
		y := make([]float32, len(x))
		NHWCToNCHW(nil, n, h, w, c, x, y)
		for i := range n {
			for p := range h * w {
				for k := range c {
					if y[(i*c+k)*h*w+p] != x[(i*h*w+p)*c+k] {
						t.Fatalf("%v: image %d, pixel %d, channel %d is out of place", s, i, p, k)
					}
				}
			}
		}
		back := make([]float32, len(x))
		NCHWToNHWC(nil, n, c, h, w, y, back, false)
		NCHWToNHWC(nil, n, c, h, w, y, back, true)
		for i := range x {
			if back[i] != 2*x[i] {
				t.Fatalf("%v: there and back twice, element %d is %v, want %v", s, i, back[i], 2*x[i])
			}
		}
	}
}

// SubsampleBackward must be the transpose of SubsampleForward:
// ⟨forward(x), dy⟩ = ⟨x, backward(dy)⟩.
func TestSubsample(t *testing.T) {
	for _, s := range []struct{ n, h, w, c, stride, cOut int }{{2, 4, 4, 2, 2, 4}, {1, 5, 7, 3, 2, 6}, {3, 6, 6, 4, 3, 9}, {2, 3, 3, 5, 1, 5}} {
		oh, ow := (s.h+s.stride-1)/s.stride, (s.w+s.stride-1)/s.stride
		x, dy := randoms(1, s.n*s.h*s.w*s.c), randoms(2, s.n*oh*ow*s.cOut)
		y, dx := randoms(3, len(dy)), randoms(4, len(x))
		SubsampleForward(nil, s.n, s.h, s.w, s.c, s.stride, s.cOut, x, y)
		SubsampleBackward(nil, s.n, s.h, s.w, s.c, s.stride, s.cOut, dy, dx)
		for i := range s.n {
			for a := range oh {
				for b := range ow {
					for k := range s.cOut {
						want := float32(0)
						if c := k - (s.cOut-s.c)/2; c >= 0 && c < s.c {
							want = x[((i*s.h+a*s.stride)*s.w+b*s.stride)*s.c+c]
						}
						if got := y[((i*oh+a)*ow+b)*s.cOut+k]; got != want {
							t.Fatalf("%+v: output %d,%d,%d,%d is %v, want %v", s, i, a, b, k, got, want)
						}
					}
				}
			}
		}
		near(t, fmt.Sprintf("%+v: ⟨x, dx⟩", s), floats.Dot(wide(x), wide(dx)), floats.Dot(wide(y), wide(dy)), 1e-5, 1e-5)
	}
}
