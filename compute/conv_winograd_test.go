package compute

import (
	"fmt"
	"math"
	"testing"
)

// forwardSweep is the sweep of a forward pass.
func forwardSweep(kern *gemmKernel, g *Conv, x, w, y []float32, e Epilogue) *sweep {
	s := g.forwardSweep(kern, x, w, y, e)
	return &s
}

// winogradCases reach whole tiles and parts of them, images smaller than a
// tile, no padding and much of it, half panels, many tiles and few, channels
// beyond a block.
var winogradCases = []Conv{
	square(2, 8, 8, 8, 3, 1, 1),
	square(3, 9, 16, 24, 3, 1, 1),
	square(1, 6, 8, 16, 3, 1, 0),
	square(5, 2, 40, 64, 3, 1, 1),
	square(4, 1, 8, 8, 3, 1, 1),
	square(2, 5, 24, 72, 3, 1, 2),
	square(2, 7, 400, 72, 3, 1, 1),
	square(20, 8, 392, 16, 3, 1, 1),
	square(20, 16, 16, 16, 3, 1, 1),
	square(33, 8, 64, 64, 3, 1, 1),
	conv(Conv{N: 2, H: 10, W: 7, C: 16, F: 8, KH: 3, KW: 3, PadTop: 2, PadRight: 3}),
}

// winogradError is the largest error that a result may have, as a part of the
// root mean square of all results. The transforms mix the values of a tile, so
// that an error goes with the tile and not with the products of one result.
const winogradError = 3e-5

// TestWinograd compares every pass by Winograd's convolution with sums in
// float64, for each set of transforms.
func TestWinograd(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	for _, g := range winogradCases {
		t.Run(convName(g), func(t *testing.T) {
			d := newConvData(g)
			y, dx, dw := newSums(len(d.y.v)), newSums(len(d.x.v)), newSums(len(d.w.v))
			naive(&g, func(i, j, k int) {
				y.add(k, d.x.v[i], d.w.v[j])
				dx.add(i, d.y.v[k], d.w.v[j])
				dw.add(j, d.x.v[i], d.y.v[k])
			})
			eachKernel(t, func(t *testing.T, k *gemmKernel) { checkWinograd(t, k, pool, y, dx, dw, newConvData(g)) })
		})
	}
}

func checkWinograd(t *testing.T, k *gemmKernel, pool *Pool, y, dx, dw sums, d *convData) {
	g, set := &d.g, winogradFor(k)
	same := func(i int, v float64) float64 { return v }
	dataSweep(k, g, d.y.v, d.w.v, d.dx.v, false).winograd(pool, set, nil)
	dx.winograd(t, "dx", d.dx, same)
	old := append([]float32(nil), d.dx.v...)
	dataSweep(k, g, d.y.v, d.w.v, d.dx.v, true).winograd(pool, set, nil)
	dx.winograd(t, "dx, added", d.dx, func(i int, v float64) float64 { return v + float64(old[i]) })

	winogradWeightsWith(k, set, pool, g, d.x.v, d.y.v, d.dw.v, false)
	dw.winograd(t, "dw", d.dw, same)
	old = append([]float32(nil), d.dw.v...)
	winogradWeightsWith(k, set, pool, g, d.x.v, d.y.v, d.dw.v, true)
	dw.winograd(t, "dw, added", d.dw, func(i int, v float64) float64 { return v + float64(old[i]) })

	old = append([]float32(nil), d.y.v...)
	forwardSweep(k, g, d.x.v, d.w.v, d.y.v, Epilogue{Add: true, Bias: d.bias.v, ReLU: true}).winograd(pool, set, nil)
	y.winograd(t, "y with everything", d.y, func(i int, v float64) float64 {
		return max(0, v+float64(d.bias.v[i%g.F])+float64(old[i]))
	})
	forwardSweep(k, g, d.x.v, d.w.v, d.y.v, Epilogue{Bias: d.bias.v, ReLU: true, Ceil: 12}).winograd(pool, set, nil)
	y.winograd(t, "y with a ceiling", d.y, func(i int, v float64) float64 { return min(12, max(0, v+float64(d.bias.v[i%g.F]))) })
	forwardSweep(k, g, d.x.v, d.w.v, d.y.v, Epilogue{Bias: d.bias.v, Curve: hardSwish}).winograd(pool, set, nil)
	y.winograd(t, "y with a curve", d.y, func(i int, v float64) float64 { return swished(v + float64(d.bias.v[i%g.F])) })
	forwardSweep(k, g, d.x.v, d.w.v, d.y.v, Epilogue{Bias: d.bias.v}).winograd(pool, set, nil)
	y.winograd(t, "y with bias", d.y, func(i int, v float64) float64 { return v + float64(d.bias.v[i%g.F]) })
	forwardSweep(k, g, d.x.v, d.w.v, d.y.v, Epilogue{}).winograd(pool, set, nil)
	y.winograd(t, "y", d.y, same)

	// Weights that are laid out once, as they are and transformed.
	panels := (g.F + tileWidth - 1) / tileWidth
	sweep := forwardSweep(k, g, d.x.v, d.w.v, d.y.v, Epilogue{})
	sweep.kept = make([]float32, panels*9*g.C*tileWidth)
	s := *sweep
	s.packed = s.kept
	For(pool, panels*3, 1, s, sweepPack)
	sweep.winograd(pool, set, nil)
	y.winograd(t, "y of panels", d.y, same)
	filters := winogradSweep{sweep: *sweep, set: set, transformed: make([]float32, panels*36*winogradApart(g.C))}
	filters.tiles.apart = winogradApart(g.C)
	For(pool, panels, 1, filters, winogradFilters)
	clear(d.y.v)
	forwardSweep(k, g, d.x.v, nil, d.y.v, Epilogue{}).winograd(pool, set, filters.transformed)
	y.winograd(t, "y of transformed weights", d.y, same)
}

// dataSweep is the sweep of a data gradient of stride one.
func dataSweep(kern *gemmKernel, g *Conv, dy, w, dx []float32, add bool) *sweep {
	h, firstH, stepH := g.rowAxis().phase(0)
	v, firstW, stepW := g.colAxis().phase(0)
	row, tap := g.KW*g.C*g.F, g.C*g.F
	return &sweep{
		kern: kern, n: g.N, h: h, w: v,
		in: dy, inImage: g.OH * g.OW * g.F, inRow: g.OW * g.F, inPixel: g.F, c: g.F,
		out: dx, outImage: g.H * g.W * g.C, outRow: g.W * g.C, outPixel: g.C, f: g.C,
		weights: w, w0: firstH*row + firstW*tap, wStep: g.F, wTap: tap, wRow: row, wH: -stepH, wW: -stepW, back: true,
		add: add,
	}
}

// winograd holds got against f of the sums.
func (s sums) winograd(t *testing.T, what string, got guarded, f func(i int, v float64) float64) {
	t.Helper()
	if !got.intact() {
		t.Fatalf("%s: wrote outside", what)
	}
	var squares float64
	for i, v := range s.sum {
		squares += f(i, v) * f(i, v)
	}
	most := winogradError * math.Sqrt(squares/float64(len(s.sum)))
	for i, v := range got.v {
		want := f(i, s.sum[i])
		if d := math.Abs(float64(v) - want); !(d <= most) {
			t.Fatalf("%s: element %d is %v, want %v within %.2g", what, i, v, want, most)
		}
	}
}

// TestWinogradPays: the layers that it was made for take it, those that lost do
// not.
func TestWinogradPays(t *testing.T) {
	for _, c := range []struct {
		g    Conv
		want bool
	}{
		{square(64, 32, 16, 16, 3, 1, 1), true},
		{square(64, 8, 64, 64, 3, 1, 1), true},
		{square(16, 4, 256, 256, 3, 1, 1), true},
		{square(16, 2, 512, 512, 3, 1, 1), false},
		{square(1, 56, 64, 64, 3, 1, 1), true},
		{square(1, 7, 512, 512, 3, 1, 1), false},
	} {
		if got := winogradPays(c.g.N, c.g.rowAxis(), c.g.colAxis(), c.g.C, c.g.F); got != c.want {
			t.Errorf("%s: %v, want %v", convName(c.g), got, c.want)
		}
	}
}

// BenchmarkWinograd is Winograd's convolution beside plain products.
func BenchmarkWinograd(b *testing.B) {
	kern := kernelInUse
	set := winogradFor(kern)
	if !set.fast {
		b.Skip("no vector transforms with kernel " + kern.name)
	}
	for _, g := range []Conv{
		square(64, 32, 16, 16, 3, 1, 1), square(64, 16, 32, 32, 3, 1, 1), square(64, 8, 64, 64, 3, 1, 1),
		square(16, 16, 64, 64, 3, 1, 1), square(16, 8, 128, 128, 3, 1, 1), square(16, 4, 256, 256, 3, 1, 1), square(16, 2, 512, 512, 3, 1, 1),
		square(1, 56, 64, 64, 3, 1, 1), square(1, 28, 128, 128, 3, 1, 1), square(1, 14, 256, 256, 3, 1, 1), square(1, 7, 512, 512, 3, 1, 1),
	} {
		d := newConvData(g)
		for _, pass := range []struct {
			name string
			run  func()
		}{
			{"forward/plain", func() { forwardSweep(kern, &g, d.x.v, d.w.v, d.y.v, Epilogue{}).plain(nil) }},
			{"forward/winograd", func() { forwardSweep(kern, &g, d.x.v, d.w.v, d.y.v, Epilogue{}).winograd(nil, set, nil) }},
			{"weights/plain", func() { plainWeights(kern, nil, &g, d.x.v, d.y.v, d.dw.v, false) }},
			{"weights/winograd", func() { winogradWeightsWith(kern, set, nil, &g, d.x.v, d.y.v, d.dw.v, false) }},
		} {
			b.Run(fmt.Sprintf("%s/%s/%s", convName(g), pass.name, kern.name), func(b *testing.B) {
				for b.Loop() {
					pass.run()
				}
				b.ReportMetric(2*float64(products(g))*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
