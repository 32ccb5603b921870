package compute

import (
	"fmt"
	"testing"
)

// convShapes are the layers of resnet20 (batch 64), lenet5 (batch 64) and
// resnet18 on 64×64 images (batch 16), and two of mobilenet_v2.
var convShapes = []struct {
	layer string
	g     Conv
}{
	{"resnet20/stem", square(64, 32, 3, 16, 3, 1, 1)},
	{"resnet20/16", square(64, 32, 16, 16, 3, 1, 1)},
	{"resnet20/16-32", square(64, 32, 16, 32, 3, 2, 1)},
	{"resnet20/skip32", square(64, 32, 16, 32, 1, 2, 0)},
	{"resnet20/32", square(64, 16, 32, 32, 3, 1, 1)},
	{"resnet20/32-64", square(64, 16, 32, 64, 3, 2, 1)},
	{"resnet20/64", square(64, 8, 64, 64, 3, 1, 1)},
	{"lenet5/1", square(64, 28, 1, 6, 5, 1, 2)},
	{"lenet5/2", square(64, 14, 6, 16, 5, 1, 0)},
	{"resnet18/stem", square(16, 64, 3, 64, 7, 2, 3)},
	{"resnet18/64", square(16, 16, 64, 64, 3, 1, 1)},
	{"resnet18/128", square(16, 8, 128, 128, 3, 1, 1)},
	{"resnet18/256", square(16, 4, 256, 256, 3, 1, 1)},
	{"resnet18/512", square(16, 2, 512, 512, 3, 1, 1)},
	{"mobilenet/dw32", conv(Conv{N: 1, H: 112, W: 112, C: 32, F: 32, KH: 3, KW: 3, Groups: 32, PadTop: 1, PadBottom: 1, PadLeft: 1, PadRight: 1})},
	{"mobilenet/dw384", conv(Conv{N: 1, H: 14, W: 14, C: 384, F: 384, KH: 3, KW: 3, Groups: 384, PadTop: 1, PadBottom: 1, PadLeft: 1, PadRight: 1})},
}

// products is how many multiply-adds a pass really has: those with padding are
// not counted.
func products(g Conv) int {
	sum := func(a axis) (n int) {
		for o := range a.out {
			t0, t1 := a.valid(o)
			n += t1 - t0
		}
		return n
	}
	return g.N * sum(g.rowAxis()) * sum(g.colAxis()) * g.C / g.Groups * g.F
}

func BenchmarkConv(b *testing.B) {
	for _, s := range convShapes {
		g := s.g
		d := newConvData(g)
		for _, pass := range []struct {
			name string
			run  func(p *Pool)
		}{
			{"forward", func(p *Pool) { ConvForward(p, &g, d.x.v, d.w.v, d.y.v, Epilogue{}) }},
			{"data", func(p *Pool) { ConvBackwardData(p, &g, d.y.v, d.w.v, d.dx.v, false) }},
			{"weights", func(p *Pool) { ConvBackwardWeights(p, &g, d.x.v, d.y.v, d.dw.v, false) }},
		} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%s/%s/threads=%d", s.layer, pass.name, KernelName(), threads), func(b *testing.B) {
					p := NewPool(threads)
					defer p.Close()
					for b.Loop() {
						pass.run(p)
					}
					b.ReportMetric(2*float64(products(g))*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}
