package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"layercake/internal/allocs"
)

// conv fills in the output size and what is left out: strides and dilations of
// one, one group.
func conv(g Conv) Conv {
	g.StrideH, g.StrideW = max(g.StrideH, 1), max(g.StrideW, 1)
	g.DilH, g.DilW = max(g.DilH, 1), max(g.DilW, 1)
	g.Groups = max(g.Groups, 1)
	g.OH = (g.H+g.PadTop+g.PadBottom-g.DilH*(g.KH-1)-1)/g.StrideH + 1
	g.OW = (g.W+g.PadLeft+g.PadRight-g.DilW*(g.KW-1)-1)/g.StrideW + 1
	return g
}

// square is a usual convolution: k×k, the same stride and padding all around.
func square(n, hw, c, f, k, stride, pad int) Conv {
	return conv(Conv{N: n, H: hw, W: hw, C: c, F: f, KH: k, KW: k, StrideH: stride, StrideW: stride,
		PadTop: pad, PadBottom: pad, PadLeft: pad, PadRight: pad})
}

var convCases = []Conv{
	square(1, 5, 1, 1, 3, 1, 0),
	square(2, 8, 3, 16, 3, 1, 1),
	square(3, 9, 16, 16, 3, 1, 1),
	square(2, 10, 16, 32, 3, 2, 1),
	square(2, 9, 5, 7, 3, 2, 1),
	square(2, 8, 16, 32, 1, 2, 0),
	square(3, 7, 16, 24, 1, 1, 0),
	square(2, 14, 6, 16, 5, 1, 0),
	square(10, 12, 1, 6, 5, 1, 2),
	square(2, 23, 3, 20, 7, 2, 3),
	square(5, 2, 40, 70, 3, 1, 1),  // smaller than its kernel
	square(2, 4, 200, 66, 3, 1, 1), // runs longer than a block
	square(2, 3, 400, 33, 3, 1, 1), // channels more than a block
	square(2, 5, 400, 33, 3, 2, 1), // the same with a stride
	square(5, 6, 64, 64, 3, 1, 1),  // tiles of weights enough to share
	square(2, 4, 3, 5, 3, 1, 4),    // outputs that see only padding
	square(1, 6, 4, 4, 2, 3, 0),    // stride beyond the kernel
	square(2, 7, 3, 4, 3, 3, 2),
	conv(Conv{N: 2, H: 11, W: 6, C: 4, F: 9, KH: 3, KW: 2, StrideH: 1, StrideW: 2, PadTop: 2, PadBottom: 0, PadLeft: 0, PadRight: 1}),
	conv(Conv{N: 2, H: 6, W: 13, C: 3, F: 17, KH: 2, KW: 5, StrideH: 2, StrideW: 1, PadTop: 0, PadBottom: 1, PadLeft: 3, PadRight: 1}),
	conv(Conv{N: 2, H: 12, W: 12, C: 5, F: 18, KH: 3, KW: 3, DilH: 2, DilW: 2, PadTop: 2, PadBottom: 2, PadLeft: 2, PadRight: 2}),
	conv(Conv{N: 1, H: 13, W: 14, C: 4, F: 6, KH: 3, KW: 2, DilH: 3, DilW: 2, StrideH: 2, StrideW: 3, PadTop: 1, PadLeft: 2, PadRight: 2}),
	conv(Conv{N: 1, H: 13, W: 14, C: 400, F: 6, KH: 2, KW: 2, DilH: 2, DilW: 2, StrideH: 2, StrideW: 2, PadTop: 1, PadLeft: 2, PadRight: 2}),
	conv(Conv{N: 2, H: 8, W: 7, C: 12, F: 20, KH: 3, KW: 3, Groups: 4, PadTop: 1, PadBottom: 1, PadLeft: 1, PadRight: 1}),
	conv(Conv{N: 2, H: 8, W: 7, C: 6, F: 66, KH: 3, KW: 3, Groups: 3, StrideH: 2, StrideW: 2, PadTop: 1, PadLeft: 1}),
	conv(Conv{N: 3, H: 8, W: 7, C: 10, F: 10, KH: 3, KW: 3, Groups: 10, PadTop: 1, PadBottom: 1, PadLeft: 1, PadRight: 1}),
	conv(Conv{N: 2, H: 9, W: 9, C: 19, F: 19, KH: 3, KW: 3, Groups: 19, StrideH: 2, StrideW: 2, PadTop: 1, PadBottom: 1, PadLeft: 1, PadRight: 1}),
	conv(Conv{N: 2, H: 6, W: 9, C: 45, F: 45, KH: 3, KW: 5, Groups: 45, StrideH: 1, StrideW: 2, DilH: 2, DilW: 1, PadTop: 2, PadLeft: 2, PadRight: 5}),
	conv(Conv{N: 3, H: 8, W: 7, C: 16, F: 16, KH: 3, KW: 3, Groups: 16, PadTop: 1, PadBottom: 1, PadLeft: 1, PadRight: 1}),
	conv(Conv{N: 2, H: 9, W: 75, C: 24, F: 24, KH: 3, KW: 3, Groups: 24, StrideH: 2, StrideW: 2, PadTop: 1, PadBottom: 1, PadLeft: 1, PadRight: 1}),
	conv(Conv{N: 2, H: 6, W: 9, C: 8, F: 8, KH: 5, KW: 5, Groups: 8, PadTop: 2, PadBottom: 2, PadLeft: 2, PadRight: 2}),
	conv(Conv{N: 2, H: 6, W: 9, C: 40, F: 40, KH: 3, KW: 5, Groups: 40, StrideW: 2, DilH: 2, PadTop: 2, PadLeft: 2, PadRight: 5}),
	conv(Conv{N: 2, H: 6, W: 7, C: 8, F: 8, KH: 1, KW: 2, Groups: 8, StrideH: 3, StrideW: 3, PadTop: 2, PadLeft: 2}), // stride beyond the kernel
	conv(Conv{N: 2, H: 5, W: 5, C: 4, F: 8, KH: 3, KW: 3, Groups: 4, PadTop: 1, PadBottom: 1}),
	conv(Conv{N: 2, H: 1, W: 40, C: 8, F: 8, KH: 1, KW: 5, PadLeft: 4}), // along one axis, as over time
	square(1, 36, 3, 20, 3, 2, 1), // one image with pixels enough to share
	square(3, 20, 16, 24, 1, 1, 0),
	conv(Conv{N: 1, H: 24, W: 40, C: 2, F: 3, KH: 4, KW: 4, PadTop: 1, PadBottom: 2, PadLeft: 1, PadRight: 2}),
}

func convName(g Conv) string {
	return fmt.Sprintf("n=%d,x=%dx%dx%d,f=%d,k=%dx%d,s=%dx%d,p=%d-%d-%d-%d,d=%dx%d,g=%d", g.N, g.H, g.W, g.C, g.F,
		g.KH, g.KW, g.StrideH, g.StrideW, g.PadTop, g.PadBottom, g.PadLeft, g.PadRight, g.DilH, g.DilW, g.Groups)
}

// naive calls f for every product: offsets of an input, a weight, an output.
func naive(g *Conv, f func(x, w, y int)) {
	cg, fg := g.C/g.Groups, g.F/g.Groups
	for n := range g.N {
		for oy := range g.OH {
			for ox := range g.OW {
				for kh := range g.KH {
					for kw := range g.KW {
						iy, ix := oy*g.StrideH-g.PadTop+kh*g.DilH, ox*g.StrideW-g.PadLeft+kw*g.DilW
						if iy < 0 || iy >= g.H || ix < 0 || ix >= g.W {
							continue
						}
						for c := range g.C {
							for j := c / cg * fg; j < (c/cg+1)*fg; j++ {
								f(((n*g.H+iy)*g.W+ix)*g.C+c, ((kh*g.KW+kw)*cg+c%cg)*g.F+j, ((n*g.OH+oy)*g.OW+ox)*g.F+j)
							}
						}
					}
				}
			}
		}
	}
}

// convData is a convolution with random images, weights and gradients.
type convData struct {
	g                     Conv
	x, w, y, dx, dw, bias guarded
}

func newConvData(g Conv) *convData {
	rng := rand.New(rand.NewPCG(uint64(g.H), uint64(g.C*1000+g.F)))
	x, w, y := g.N*g.H*g.W*g.C, g.KH*g.KW*g.C/g.Groups*g.F, g.N*g.OH*g.OW*g.F
	return &convData{g, newGuarded(rng, x), newGuarded(rng, w), newGuarded(rng, y), newGuarded(rng, x), newGuarded(rng, w), newGuarded(rng, g.F)}
}

// sums are the products of one pass added up in float64, and their sizes.
type sums struct{ sum, size []float64 }

func newSums(n int) sums { return sums{make([]float64, n), make([]float64, n)} }

func (s sums) add(i int, a, b float32) {
	v := float64(a) * float64(b)
	s.sum[i] += v
	s.size[i] += math.Abs(v)
}

// compare holds got against f of the sums.
func (s sums) compare(t *testing.T, what string, got guarded, f func(i int, v float64) float64) {
	t.Helper()
	if !got.intact() {
		t.Fatalf("%s: wrote outside", what)
	}
	for i, v := range got.v {
		want := f(i, s.sum[i])
		if d := math.Abs(float64(v) - want); !(d <= 2e-6*(1+s.size[i])) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, v, want)
		}
	}
}

// TestConv compares all three passes with the plain sums.
func TestConv(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	for _, g := range convCases {
		t.Run(convName(g), func(t *testing.T) {
			d := newConvData(g)
			y, dx, dw := newSums(len(d.y.v)), newSums(len(d.x.v)), newSums(len(d.w.v))
			naive(&g, func(i, j, k int) {
				y.add(k, d.x.v[i], d.w.v[j])
				dx.add(i, d.y.v[k], d.w.v[j])
				dw.add(j, d.x.v[i], d.y.v[k])
			})
			eachKernel(t, func(t *testing.T, k *gemmKernel) { checkConv(t, k, pool, y, dx, dw, newConvData(g)) })
		})
	}
}

func checkConv(t *testing.T, k *gemmKernel, pool *Pool, y, dx, dw sums, d *convData) {
	g := &d.g
	same := func(i int, v float64) float64 { return v }
	convDataWith(k, pool, g, d.y.v, d.w.v, d.dx.v, false)
	dx.compare(t, "dx", d.dx, same)
	old := append([]float32(nil), d.dx.v...)
	convDataWith(k, pool, g, d.y.v, d.w.v, d.dx.v, true)
	dx.compare(t, "dx, added", d.dx, func(i int, v float64) float64 { return v + float64(old[i]) })

	old = append([]float32(nil), d.dw.v...)
	convWeightsWith(k, pool, g, d.x.v, d.y.v, d.dw.v, true)
	dw.compare(t, "dw, added", d.dw, func(i int, v float64) float64 { return v + float64(old[i]) })
	convWeightsWith(k, pool, g, d.x.v, d.y.v, d.dw.v, false)
	dw.compare(t, "dw", d.dw, same)

	old = append([]float32(nil), d.y.v...)
	convForwardWith(k, pool, g, d.x.v, d.w.v, d.y.v, Epilogue{Add: true, Bias: d.bias.v, ReLU: true})
	y.compare(t, "y with everything", d.y, func(i int, v float64) float64 {
		return max(0, v+float64(d.bias.v[i%g.F])+float64(old[i]))
	})
	convForwardWith(k, pool, g, d.x.v, d.w.v, d.y.v, Epilogue{Bias: d.bias.v, ReLU: true, Ceil: 0.25})
	y.compare(t, "y with a ceiling", d.y, func(i int, v float64) float64 { return min(0.25, max(0, v+float64(d.bias.v[i%g.F]))) })
	convForwardWith(k, pool, g, d.x.v, d.w.v, d.y.v, Epilogue{Bias: d.bias.v, Curve: hardSwish})
	y.compare(t, "y with a curve", d.y, func(i int, v float64) float64 { return swished(v + float64(d.bias.v[i%g.F])) })
	convForwardWith(k, pool, g, d.x.v, d.w.v, d.y.v, Epilogue{Bias: d.bias.v})
	y.compare(t, "y with bias", d.y, func(i int, v float64) float64 { return v + float64(d.bias.v[i%g.F]) })
	convForwardWith(k, pool, g, d.x.v, d.w.v, d.y.v, Epilogue{})
	y.compare(t, "y", d.y, same)
	n := g.packedLen(k)
	if n == 0 {
		return
	}
	packed := newGuarded(rand.New(rand.NewPCG(1, 2)), n)
	packConvWith(k, pool, g, d.w.v, packed.v)
	if !packed.intact() {
		t.Fatal("packing wrote outside")
	}
	old = append([]float32(nil), d.y.v...)
	convPackedWith(k, pool, g, d.x.v, packed.v, d.y.v, Epilogue{Add: true, Bias: d.bias.v, ReLU: true})
	y.compare(t, "y of packed weights with everything", d.y, func(i int, v float64) float64 {
		return max(0, v+float64(d.bias.v[i%g.F])+float64(old[i]))
	})
	convPackedWith(k, pool, g, d.x.v, packed.v, d.y.v, Epilogue{ReLU: true, Ceil: 0.25})
	y.compare(t, "y of packed weights with a ceiling", d.y, func(i int, v float64) float64 { return min(0.25, max(0, v)) })
	convPackedWith(k, pool, g, d.x.v, packed.v, d.y.v, Epilogue{Curve: hardSwish})
	y.compare(t, "y of packed weights with a curve", d.y, func(_ int, v float64) float64 { return swished(v) })
	convPackedWith(k, pool, g, d.x.v, packed.v, d.y.v, Epilogue{})
	y.compare(t, "y of packed weights", d.y, same)
}

// A curve that, done twice or left out, gives something else.
var hardSwish = Curve{On: true, Act: ActHardSwish}

func swished(v float64) float64 { return v * min(max(v+3, 0), 6) / 6 }

// TestConvThreads: the same bits on any number of threads.
func TestConvThreads(t *testing.T) {
	for _, g := range []Conv{square(20, 16, 16, 16, 3, 1, 1), square(9, 8, 64, 64, 3, 1, 1), square(13, 28, 1, 6, 5, 1, 2),
		square(11, 16, 16, 32, 3, 2, 1), square(7, 2, 128, 128, 3, 1, 1), square(9, 8, 16, 16, 1, 1, 0),
		square(30, 8, 64, 64, 3, 1, 1), square(16, 4, 128, 128, 3, 1, 1), conv(Conv{N: 2, H: 50, W: 40, C: 32, F: 32, KH: 3, KW: 3, Groups: 32, PadTop: 1, PadLeft: 1}),
		square(1, 40, 3, 32, 3, 2, 1), square(1, 36, 16, 32, 3, 1, 1)} {
		var want []float32
		for _, threads := range []int{1, 2, 3, 4, 7} {
			p := NewPool(threads)
			d := newConvData(g)
			ConvForward(p, &g, d.x.v, d.w.v, d.y.v, Epilogue{Add: true})
			ConvBackwardData(p, &g, d.y.v, d.w.v, d.dx.v, true)
			ConvBackwardWeights(p, &g, d.x.v, d.y.v, d.dw.v, true)
			if n := g.PackedLen(); n > 0 {
				packed := make([]float32, n)
				PackConv(p, &g, d.w.v, packed)
				ConvForwardPacked(p, &g, d.x.v, packed, d.y.v, Epilogue{Add: true})
			}
			p.Close()
			got := append(append(append([]float32(nil), d.y.v...), d.dx.v...), d.dw.v...)
			if want == nil {
				want = got
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("%s on %d threads: value %d is %v, on one thread %v", convName(g), threads, i, got[i], want[i])
				}
			}
		}
	}
}

func TestConvAllocations(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	for _, g := range []Conv{square(8, 16, 16, 32, 3, 2, 1), square(4, 4, 128, 128, 3, 1, 1), square(8, 28, 1, 6, 5, 1, 2),
		conv(Conv{N: 8, H: 9, W: 9, C: 19, F: 19, KH: 3, KW: 3, Groups: 19}), conv(Conv{N: 8, H: 9, W: 9, C: 16, F: 16, KH: 3, KW: 3, Groups: 16})} {
		d := newConvData(g)
		f := func() {
			ConvForward(p, &g, d.x.v, d.w.v, d.y.v, Epilogue{Bias: d.bias.v})
			ConvBackwardData(p, &g, d.y.v, d.w.v, d.dx.v, false)
			ConvBackwardWeights(p, &g, d.x.v, d.y.v, d.dw.v, true)
		}
		for range 20 {
			f()
		}
		if got := allocs.Steady(20, f); got != 0 {
			t.Errorf("%s: %v allocations, want 0", convName(g), got)
		}
	}
}
