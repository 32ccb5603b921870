package compute

import (
	"slices"
	"testing"
)

var longSums = []gemmCase{
	{ta: true, m: tileWidth, n: tileWidth, k: longSteps},
	{ta: true, m: 17, n: 33, k: longSteps + 1, e: Epilogue{Add: true}, pad: 3},
	{ta: true, m: 128, n: 130, k: 2047},
	{ta: true, m: 256, n: 256, k: 1100, pad: 1},
	{ta: true, m: 257, n: 256, k: 1024}, // too large for parts
}

// Sums over many rows, in parts and not, are what float64 makes of them.
func TestLongSum(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	eachVectors(t, func(t *testing.T) {
		for _, c := range longSums {
			checkGemm(t, nil, pool, c)
		}
	})
}

// Parts are cut by sizes, so that any number of threads gives the same bits.
func TestLongSumThreads(t *testing.T) {
	const m, n, k = 70, 90, 1500
	a, b := randoms(1, m*k), randoms(2, n*k)
	var want []float32
	for _, threads := range []int{1, 2, 3, 7} {
		p := NewPool(threads)
		c := randoms(3, m*n)
		Gemm(p, true, false, m, n, k, a, m, b, n, c, n, Epilogue{Add: true})
		p.Close()
		if want == nil {
			want = c
		} else if !slices.Equal(c, want) {
			t.Errorf("%d threads give other bits than one", threads)
		}
	}
}

// What SumRoom says is what Gemm borrows.
func TestSumRoomIsWhatGemmBorrows(t *testing.T) {
	for _, s := range []struct{ m, n, k int }{{128, 512, 2048}, {65, 768, 1024}} {
		a, b, c := make([]float32, s.k*s.m), make([]float32, s.k*s.n), make([]float32, s.m*s.n)
		most := borrowed(func(p *Pool) {
			Gemm(p, true, false, s.m, s.n, s.k, a, s.m, b, s.n, c, s.n, Epilogue{})
		})
		if room := SumRoom(s.m, s.n, s.k); room == 0 || most < room || most > room+1<<14 {
			t.Errorf("%+v: %d floats are borrowed, SumRoom says %d", s, most, room)
		}
	}
	if SumRoom(512, 512, 2048) != 0 || SumRoom(64, 64, longSteps-1) != 0 {
		t.Error("one product borrows for parts")
	}
}
