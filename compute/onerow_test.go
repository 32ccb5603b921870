package compute

import (
	"slices"
	"testing"
)

// Products of one row, at the edges of strips, vectors and tasks.
func TestOneRow(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	withBias := []float32{}
	eachVectors(t, func(t *testing.T) {
		for _, tb := range []bool{false, true} {
			for _, n := range []int{1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 200} {
				for _, k := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 33} {
					for _, e := range []Epilogue{{}, {Add: true}, {Bias: withBias, ReLU: true}, {Add: true, Bias: withBias, ReLU: true, Ceil: 0.5}} {
						checkGemm(t, nil, pool, gemmCase{tb: tb, m: 1, n: n, k: k, e: e, pad: k % 3})
					}
				}
			}
			for _, s := range [][2]int{{700, 300}, {1001, rowTask / rowStrip}, {rowDeepWide, rowDeep + 1}, {rowDeepWide - 1, rowDeep}, {3, 2*rowDeep + 3}} {
				checkGemm(t, nil, pool, gemmCase{tb: tb, m: 1, n: s[0], k: s[1], e: Epilogue{Add: true, Bias: withBias}, pad: 1})
			}
		}
	})
}

// One row gives the same bits on any number of threads.
func TestOneRowThreads(t *testing.T) {
	for _, s := range [][2]int{{65, 700}, {1000, 513}, {10, 2 * rowDeep}} {
		for _, tb := range []bool{false, true} {
			n, k := s[0], s[1]
			a, b, bias := randoms(1, k), randoms(2, n*k), randoms(3, n)
			ldb := n
			if tb {
				ldb = k
			}
			var want []float32
			for _, threads := range []int{1, 2, 3, 7} {
				p := NewPool(threads)
				got := randoms(4, n)
				Gemm(p, false, tb, 1, n, k, a, k, b, ldb, got, n, Epilogue{Add: true, Bias: bias})
				p.Close()
				if want == nil {
					want = got
				} else if !slices.Equal(got, want) {
					t.Errorf("n=%d, k=%d, tb=%v: %d threads give other bits than one", n, k, tb, threads)
				}
			}
		}
	}
}
