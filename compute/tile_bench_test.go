package compute

import (
	"fmt"
	"testing"
)

// BenchmarkTile is a kernel alone, on a panel of B and rows of A that stay in
// the nearest caches: what a product could reach if packing and memory cost
// nothing.
func BenchmarkTile(b *testing.B) {
	for _, s := range []struct{ m, kl int }{{6, 64}, {6, 256}, {6, 384}, {24, 256}, {96, 256}, {96, 384}, {192, 256}} {
		for _, byCol := range []bool{false, true} {
			b.Run(fmt.Sprintf("m=%d,kl=%d,byCol=%v/%s", s.m, s.kl, byCol, KernelName()), func(b *testing.B) {
				t := tile{a: make([]float32, s.m*(s.kl+16)), b: make([]float32, tileWidth*s.kl), c: make([]float32, s.m*tileWidth),
					aoff: make([]int32, s.m), coff: make([]int32, s.m), m: s.m, cols: tileWidth, outs: 1, segs: 1, kl: s.kl, bstep: tileWidth}
				run, step := kernelInUse.byRow, s.kl+16
				if byCol {
					run, step, t.astep = kernelInUse.byCol, 1, s.m
				}
				for i := range t.aoff {
					t.aoff[i], t.coff[i] = int32(i*step), int32(i*tileWidth)
				}
				for b.Loop() {
					run(&t)
				}
				b.ReportMetric(2*float64(s.m*s.kl*tileWidth)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
