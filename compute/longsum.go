package compute

const (
	longParts = 8       // of a long sum
	longSteps = 1024    // so many steps make one
	longMost  = 1 << 16 // elements of C that may be summed in parts
)

// longSum is C = Aᵀ·B (+ C) where rows of A and B are samples and steps, many of
// them, and C is small: the gradient of a dense layer's weights. Each task sums a
// part of the rows, all of C, and the parts are added in order. Cut by C instead,
// every thread would read all rows, half of which the other core has just made.
type longSum struct {
	m, n, k       int
	a, b, c       []float32
	lda, ldb, ldc int
	add           bool
	parts         []float32
}

func (s *longSum) takes(ta, tb bool, e Epilogue) bool {
	return ta && !tb && s.k >= longSteps && s.k < 2*splitLen && s.m >= tileWidth && s.n >= tileWidth && s.m*s.n <= longMost && e.Bias == nil && !e.ReLU
}

// SumRoom is how many floats Gemm borrows for C = Aᵀ·B of m×n, k rows summed.
func SumRoom(m, n, k int) int {
	if s := (longSum{m: m, n: n, k: k}); s.takes(true, false, Epilogue{}) {
		return longParts * m * n
	}
	return 0
}

func (s *longSum) run(p *Pool) {
	shared := borrowWorker()
	s.parts = shared.Scratch(SumRoom(s.m, s.n, s.k))
	For(p, longParts, 1, *s, longSumPart)
	For(p, s.m, max(1, heavyGrain/s.n), *s, longSumRows)
	returnWorker(shared)
}

func longSumPart(s *longSum, _ *Worker, lo, hi int) {
	for q := lo; q < hi; q++ {
		k0, k1 := q*s.k/longParts, (q+1)*s.k/longParts
		gemmWith(kernelInUse, nil, true, false, s.m, s.n, k1-k0, s.a[k0*s.lda:], s.lda, s.b[k0*s.ldb:], s.ldb, s.part(q), s.n, Epilogue{})
	}
}

func (s *longSum) part(q int) []float32 { return s.parts[q*s.m*s.n:][:s.m*s.n] }

// longSumRows adds the parts of rows lo to hi.
func longSumRows(s *longSum, _ *Worker, lo, hi int) {
	for i := lo; i < hi; i++ {
		c := s.c[i*s.ldc:][:s.n]
		sum := s.part(0)[i*s.n:][:s.n]
		for q := 1; q < longParts; q++ {
			vec.add(sum, sum, s.part(q)[i*s.n:][:s.n])
		}
		if s.add {
			vec.add(c, c, sum)
		} else {
			copy(c, sum)
		}
	}
}
