package compute

import (
	"fmt"
	"testing"
)

// BenchmarkOneRow goes through matrices that together are larger than the nearest
// caches, as the weights of a network are.
func BenchmarkOneRow(b *testing.B) {
	for _, s := range []struct{ n, k, layers int }{{384, 128, 16}, {128, 128, 48}, {512, 128, 12}, {128, 512, 12}, {65, 128, 1}, {1024, 256, 4}, {512, 784, 2}, {10, 256, 1}, {1000, 2048, 1}} {
		for _, tb := range []bool{false, true} {
			for _, threads := range []int{1, 2} {
				x, z := make([]float32, s.k), make([]float32, s.n)
				ldb := s.n
				if tb {
					ldb = s.k
				}
				b.Run(fmt.Sprintf("n=%d,k=%d,tb=%v/threads=%d", s.n, s.k, tb, threads), func(b *testing.B) {
					y := randoms(3, s.k*s.n*s.layers)
					p := NewPool(threads)
					defer p.Close()
					for i := 0; b.Loop(); i++ {
						Gemm(p, false, tb, 1, s.n, s.k, x, s.k, y[i%s.layers*s.k*s.n:], ldb, z, s.n, Epilogue{})
					}
					b.ReportMetric(4*float64(s.n*s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
				})
			}
		}
	}
}
