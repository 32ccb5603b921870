package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"layercake/internal/allocs"
)

// guarded is n random floats between NaNs, so that a read outside spreads and
// a write outside shows.
type guarded struct{ all, v []float32 }

const guard = 40

func newGuarded(rng *rand.Rand, n int) guarded {
	all := make([]float32, n+2*guard)
	for i := range all {
		all[i] = float32(math.NaN())
	}
	v := all[guard : guard+n : guard+n]
	for i := range v {
		v[i] = rng.Float32()*2 - 1
	}
	return guarded{all, v}
}

// intact reports whether the NaNs around the values are still there.
func (g guarded) intact() bool {
	for i := range guard {
		if g.all[i] == g.all[i] || g.all[len(g.all)-1-i] == g.all[len(g.all)-1-i] {
			return false
		}
	}
	return true
}

// eachKernel runs f for every row of the table; a row that this machine cannot
// run is skipped by name.
func eachKernel(t *testing.T, f func(t *testing.T, k *gemmKernel)) {
	for i := range gemmKernels {
		k := &gemmKernels[i]
		t.Run(k.name, func(t *testing.T) {
			if !k.runs {
				t.Skipf("this machine cannot run %s", k.name)
			}
			f(t, k)
		})
	}
}

type gemmCase struct {
	ta, tb  bool
	m, n, k int
	e       Epilogue
	pad     int // extra columns in memory
}

func (g gemmCase) String() string {
	op := map[bool]string{false: "N", true: "T"}
	return fmt.Sprintf("%s%s/m=%d,n=%d,k=%d,add=%v,bias=%v,relu=%v,pad=%d", op[g.ta], op[g.tb], g.m, g.n, g.k,
		g.e.Add, g.e.Bias != nil, g.e.ReLU, g.pad)
}

// checkGemm compares one product with sums in float64. Each element may be off
// by what k roundings of its products' sizes can add up to. Without a kernel it
// is Gemm's own.
func checkGemm(t *testing.T, kern *gemmKernel, p *Pool, g gemmCase) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, uint64(g.m*1000000+g.n*1000+g.k)))
	ra, ca, rb, cb := g.m, g.k, g.k, g.n
	if g.ta {
		ra, ca = ca, ra
	}
	if g.tb {
		rb, cb = cb, rb
	}
	lda, ldb, ldc := ca+g.pad, cb+g.pad, g.n+g.pad
	size := func(r, c, ld int) int {
		if r == 0 || c == 0 {
			return 0
		}
		return (r-1)*ld + c
	}
	a, b := newGuarded(rng, size(ra, ca, lda)), newGuarded(rng, size(rb, cb, ldb))
	c := newGuarded(rng, size(g.m, g.n, ldc))
	bias := newGuarded(rng, g.n)
	old := append([]float32(nil), c.v...)
	e := g.e
	if e.Bias != nil {
		e.Bias = bias.v
	}
	if kern == nil {
		Gemm(p, g.ta, g.tb, g.m, g.n, g.k, a.v, lda, b.v, ldb, c.v, ldc, e)
	} else {
		gemmWith(kern, p, g.ta, g.tb, g.m, g.n, g.k, a.v, lda, b.v, ldb, c.v, ldc, e)
	}
	if !c.intact() {
		t.Fatalf("%v: wrote outside C", g)
	}
	for i := range c.v {
		row, j := i/ldc, i%ldc
		if j >= g.n {
			if c.v[i] != old[i] {
				t.Fatalf("%v: wrote between rows of C", g)
			}
			continue
		}
		sum, scale := 0.0, 1.0
		for q := 0; q < g.k; q++ {
			x, y := row*lda+q, q*ldb+j
			if g.ta {
				x = q*lda + row
			}
			if g.tb {
				y = j*ldb + q
			}
			v := float64(a.v[x]) * float64(b.v[y])
			sum += v
			scale += math.Abs(v)
		}
		if e.Bias != nil {
			sum += float64(e.Bias[j])
		}
		if e.Add {
			sum += float64(old[i])
		}
		if e.ReLU {
			sum = max(sum, 0)
			if e.Ceil != 0 {
				sum = min(sum, float64(e.Ceil))
			}
		}
		if d := math.Abs(sum - float64(c.v[i])); !(d <= 3e-7*scale*math.Sqrt(float64(g.k)+1)) {
			t.Fatalf("%v: C[%d,%d] = %v, want %v", g, row, j, c.v[i], sum)
		}
	}
}

// TestGemm walks sizes one below, on and above the tile and the blocks, and
// those of real layers.
func TestGemm(t *testing.T) {
	var cases []gemmCase
	withBias := Epilogue{Bias: []float32{}}
	for _, ta := range []bool{false, true} {
		for _, tb := range []bool{false, true} {
			for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 23, 24, 25} {
				for _, n := range []int{1, 2, 7, 8, 9, 15, 16, 17, 24, 25, 33} {
					for _, k := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 17} {
						cases = append(cases, gemmCase{ta, tb, m, n, k, Epilogue{Add: k%2 == 1, ReLU: n%2 == 1}, m % 3})
					}
				}
			}
			for _, s := range [][3]int{{95, 31, kcMost - 1}, {96, 32, kcMost}, {97, 33, kcMost + 1}, {193, 113, 2*kcMost + 1},
				{64, 512, 30}, {250, 20, 50}, {1, 300, 700}, {100, 250, 512}, {32, 257, 56}, {385, 7, 129}, {16, 10, 5000}} {
				cases = append(cases, gemmCase{ta, tb, s[0], s[1], s[2], withBias, 0},
					gemmCase{ta, tb, s[0], s[1], s[2], Epilogue{Add: true, Bias: []float32{}, ReLU: true, Ceil: 1.5}, 5})
			}
		}
	}
	pool := NewPool(2)
	defer pool.Close()
	eachKernel(t, func(t *testing.T, k *gemmKernel) {
		for _, c := range cases {
			checkGemm(t, k, pool, c)
		}
	})
}

// TestGemmWide has more of B than is packed at a time.
func TestGemmWide(t *testing.T) {
	eachKernel(t, func(t *testing.T, k *gemmKernel) {
		deep := packMost/4001 + 3 // all columns at once would not hold so many steps
		for _, c := range []gemmCase{
			{m: 193, n: 4001, k: deep, e: Epilogue{Bias: []float32{}}},
			{m: 193, n: 4001, k: deep, tb: true, e: Epilogue{Add: true, ReLU: true}},
			{m: 193, n: 83, k: packMost/83 + 5, ta: true},
		} {
			checkGemm(t, k, nil, c)
		}
	})
}

// TestPackA: panels of A are what the plain routines make of it, with nothing
// but the slack behind them touched.
func TestPackA(t *testing.T) {
	eachKernel(t, func(t *testing.T, kern *gemmKernel) {
		rng := rand.New(rand.NewPCG(7, 8))
		for _, rows := range []int{1, 5, kern.rows, kern.rows + 1} {
			for _, k := range []int{1, 2, 3, 4, 7, 8, 9, 16, 31} {
				const sstep, panels = 67, 3
				src := newGuarded(rng, 66*sstep)
				got, want := newGuarded(rng, rows*k+packSlack), make([]float32, rows*k)
				kern.packA(got.v, src.v[:(rows-1)*sstep+k], sstep, rows, k)
				packRowsGeneric(want, src.v, sstep, rows, k)
				if !slices.Equal(got.v[:rows*k], want) || !got.intact() {
					t.Errorf("packA of %d rows, %d steps", rows, k)
				}
				dstep := rows*k + 5
				got, want = newGuarded(rng, panels*dstep-5), make([]float32, panels*dstep-5)
				copy(want, got.v)
				kern.copyA(got.v, dstep, src.v[:(k-1)*sstep+panels*rows], sstep, rows, panels, k)
				copyColsGeneric(want, dstep, src.v, sstep, rows, panels, k)
				if !slices.Equal(got.v, want) || !got.intact() {
					t.Errorf("copyA of %d panels of %d columns, %d steps", panels, rows, k)
				}
				got, want = newGuarded(rng, k*sstep), make([]float32, k*sstep)
				copy(want, got.v)
				for _, n := range []int{1, 7, 8, 9, 15, 16, 17, 40, 61} {
					kern.copyRuns(got.v, sstep, src.v[:(k-1)*sstep+n], sstep, n, k)
					copyRunsGeneric(want, sstep, src.v, sstep, n, k)
					if !slices.Equal(got.v, want) || !got.intact() {
						t.Errorf("copyRuns of %d columns, %d steps", n, k)
					}
				}
			}
		}
	})
}

// TestGemmGonum compares with another implementation.
func TestGemmGonum(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const m, n, k = 70, 90, 130
	a, b := newGuarded(rng, m*k), newGuarded(rng, k*n)
	got, want := make([]float32, m*n), make([]float32, m*n)
	Gemm(nil, false, false, m, n, k, a.v, k, b.v, n, got, n, Epilogue{})
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, blas32.General{Rows: m, Cols: k, Stride: k, Data: a.v},
		blas32.General{Rows: k, Cols: n, Stride: n, Data: b.v}, 0, blas32.General{Rows: m, Cols: n, Stride: n, Data: want})
	for i := range got {
		if d := math.Abs(float64(got[i] - want[i])); d > 2e-5 {
			t.Fatalf("C[%d] = %v, gonum %v", i, got[i], want[i])
		}
	}
}

// TestGemmThreads: the same bits on any number of threads.
func TestGemmThreads(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, s := range []struct {
		ta, tb  bool
		m, n, k int
	}{{false, false, 300, 130, 500}, {true, false, 144, 16, 20000}, {false, true, 64, 784, 512}, {true, false, 784, 512, 64}, {false, false, 3000, 16, 27},
		{false, false, 512, 64, 576}, {true, false, 256, 256, 256}, {true, false, 64, 512, 784}, {true, false, 4096, 16, 27}} {
		a, b := newGuarded(rng, s.m*s.k), newGuarded(rng, s.k*s.n)
		lda, ldb := s.k, s.n
		if s.ta {
			lda = s.m
		}
		if s.tb {
			ldb = s.k
		}
		want := make([]float32, s.m*s.n)
		Gemm(nil, s.ta, s.tb, s.m, s.n, s.k, a.v, lda, b.v, ldb, want, s.n, Epilogue{})
		for _, threads := range []int{1, 2, 3, 4, 7} {
			p := NewPool(threads)
			got := make([]float32, s.m*s.n)
			Gemm(p, s.ta, s.tb, s.m, s.n, s.k, a.v, lda, b.v, ldb, got, s.n, Epilogue{})
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("%+v on %d threads: C[%d] = %v, alone %v", s, threads, i, got[i], want[i])
				}
			}
			p.Close()
		}
	}
}

func TestGemmAllocations(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	const n = 256
	a, b, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
	for _, tb := range []bool{false, true} {
		f := func() { Gemm(p, false, tb, n, n, n, a, n, b, n, c, n, Epilogue{}) }
		for range 20 {
			f()
		}
		if got := allocs.Steady(50, f); got != 0 {
			t.Errorf("%v allocations a product, want 0", got)
		}
	}
}

func TestSetKernel(t *testing.T) {
	was := KernelName()
	defer SetKernel(was)
	for _, name := range Kernels() {
		if err := SetKernel(name); err != nil || KernelName() != name {
			t.Errorf("SetKernel(%q): %v, in use: %s", name, err, KernelName())
		}
	}
	if err := SetKernel("abacus"); err == nil || KernelName() != "generic" {
		t.Errorf("SetKernel(abacus) gave %v, in use: %s", err, KernelName())
	}
}

// Panels that fall into one set of a cache of eight ways are packed six at a time.
func TestPanelsAtOnce(t *testing.T) {
	for _, c := range []struct{ rows, kl, want int }{{6, 512, 6}, {6, 256, 12}, {6, 1536, 6}, {12, 128, 12}, {6, 352, 96}, {6, 1, 3072}} {
		if got := (&gemmKernel{rows: c.rows}).panelsAtOnce(c.kl); got != c.want {
			t.Errorf("%d rows, %d steps: %d, want %d", c.rows, c.kl, got, c.want)
		}
	}
}
