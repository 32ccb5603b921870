package compute

import (
	"fmt"
	"testing"
)

// unfold lays out one image, channels first, as the usual matrix product wants
// it: a row for each channel and tap, a column for each output pixel.
func unfold(g *Conv, x, col []float32) {
	i := 0
	for c := range g.C {
		for kh := range g.KH {
			for kw := range g.KW {
				for oy := range g.OH {
					iy := oy*g.StrideH - g.PadTop + kh
					row := col[i : i+g.OW]
					i += g.OW
					if iy < 0 || iy >= g.H {
						clear(row)
						continue
					}
					in := x[(c*g.H+iy)*g.W:][:g.W]
					for ox := range row {
						ix := ox*g.StrideW - g.PadLeft + kw
						if ix < 0 || ix >= g.W {
							row[ox] = 0
						} else {
							row[ox] = in[ix]
						}
					}
				}
			}
		}
	}
}

// BenchmarkLayout is the experiment that settled how images lie in memory: the
// forward pass of resnet20's layers straight from channels-last images, and by
// unfolding channels-first images, with the same kernels. "product" leaves the
// unfolding out: the most that any faster way to do it could reach.
func BenchmarkLayout(b *testing.B) {
	for _, g := range []Conv{square(64, 32, 3, 16, 3, 1, 1), square(64, 32, 16, 16, 3, 1, 1), square(64, 16, 32, 32, 3, 1, 1), square(64, 8, 64, 64, 3, 1, 1)} {
		d := newConvData(g)
		k, pixels := g.KH*g.KW*g.C, g.OH*g.OW
		col := make([]float32, k*pixels)
		p := NewPool(1)
		for _, way := range []struct {
			name string
			run  func()
		}{
			{"last", func() { ConvForward(p, &g, d.x.v, d.w.v, d.y.v, Epilogue{}) }},
			{"first", func() {
				for n := range g.N {
					unfold(&g, d.x.v[n*g.H*g.W*g.C:], col)
					Gemm(p, false, false, g.F, pixels, k, d.w.v, k, col, pixels, d.y.v[n*pixels*g.F:], pixels, Epilogue{})
				}
			}},
			{"first,product", func() {
				for n := range g.N {
					Gemm(p, false, false, g.F, pixels, k, d.w.v, k, col, pixels, d.y.v[n*pixels*g.F:], pixels, Epilogue{})
				}
			}},
		} {
			b.Run(fmt.Sprintf("c=%d,hw=%d,f=%d/%s/%s", g.C, g.H, g.F, way.name, KernelName()), func(b *testing.B) {
				for b.Loop() {
					way.run()
				}
				b.ReportMetric(2*float64(g.N*pixels*k*g.F)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
		p.Close()
	}
}
