package compute

import (
	"fmt"
	"testing"
)

// gemmShapes are those of the presets' layers and the usual cubes, m×k×n.
var gemmShapes = []struct {
	m, k, n int
	ops     string
}{
	{64, 64, 64, "NN"}, {128, 128, 128, "NN"}, {256, 256, 256, "NN"}, {512, 512, 512, "NN"}, {2048, 2048, 2048, "NN"},
	{1024, 1024, 1024, "NN TN NT"},
	{64, 784, 512, "NN TN NT"}, {4096, 27, 16, "NN TN NT"}, {8192, 144, 16, "NN TN NT"},
	{2048, 288, 32, "NN TN NT"}, {512, 576, 64, "NN TN NT"}, {32, 256, 1024, "NN TN NT"},
	{784, 64, 512, "TN"}, {64, 512, 784, "NT"},
}

func BenchmarkGemm(b *testing.B) {
	for _, s := range gemmShapes {
		for i := 0; i+2 <= len(s.ops); i += 3 {
			op := s.ops[i : i+2]
			for _, threads := range []int{1, 2} {
				x, y, z := make([]float32, s.m*s.k), make([]float32, s.k*s.n), make([]float32, s.m*s.n)
				for i := range x {
					x[i] = float32(i%17)/17 - 0.5
				}
				for i := range y {
					y[i] = float32(i%13)/13 - 0.5
				}
				lda, ldb := s.k, s.n
				if op[0] == 'T' {
					lda = s.m
				}
				if op[1] == 'T' {
					ldb = s.k
				}
				b.Run(fmt.Sprintf("%s/m=%d,n=%d,k=%d/%s/threads=%d", op, s.m, s.n, s.k, KernelName(), threads), func(b *testing.B) {
					p := NewPool(threads)
					defer p.Close()
					for b.Loop() {
						Gemm(p, op[0] == 'T', op[1] == 'T', s.m, s.n, s.k, x, lda, y, ldb, z, s.n, Epilogue{})
					}
					b.ReportMetric(2*float64(s.m*s.n*s.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}
