package compute

// reduceArgs are the operands of a reduction; part is for the chunks' sums.
type reduceArgs struct {
	x     []float32
	part  []float64
	grain int
}

// reduceGrain is the chunk of a reduction over n elements: at most 64 chunks.
func reduceGrain(n int) int {
	return max(grain, (n+64*grain-1)/(64*grain)*grain)
}

// reduce runs body over chunks of x and adds up what each puts into part for
// its chunk, in chunk order.
func reduce(p *Pool, x []float32, body func(t *reduceArgs, w *Worker, lo, hi int)) float64 {
	n := len(x)
	if n == 0 {
		return 0
	}
	g := reduceGrain(n)
	part := partials.take((n + g - 1) / g)
	For(p, n, g, reduceArgs{x, part, g}, body)
	var sum float64
	for _, s := range part {
		sum += s
	}
	partials.give(part)
	return sum
}

// SumSquares is Σx².
func SumSquares(p *Pool, x []float32) float64 {
	return reduce(p, x, func(t *reduceArgs, _ *Worker, lo, hi int) {
		var s float64
		for i := lo; i < hi; i += sumBlock {
			s += float64(vec.sumSquares(t.x[i:min(i+sumBlock, hi)]))
		}
		t.part[lo/t.grain] = s
	})
}

// spread is a count of values, their mean, and the sum of squares around it.
type spread struct{ n, mean, m2 float64 }

// merge adds the values of o (Chan, Golub and LeVeque, Algorithms for
// computing the sample variance, 1983).
func (s *spread) merge(o spread) {
	n := s.n + o.n
	if n == 0 {
		return
	}
	d := o.mean - s.mean
	s.mean += d * o.n / n
	s.m2 += o.m2 + d*d*s.n*o.n/n
	s.n = n
}

// spreadOf is the spread of a block, by two passes: the mean, then the sums
// around it, whose first power takes back what rounding did to the mean.
func spreadOf(x []float32) spread {
	n := float64(len(x))
	mean := vec.sum(x) / float32(len(x))
	s, q := vec.moments(x, mean)
	return spread{n, float64(mean) + float64(s)/n, max(0, float64(q)-float64(s)*float64(s)/n)}
}

// Moments are the mean of x and its variance, Σ(x−mean)²/n. Both are 0 for
// no elements. A mean far from 0 costs no accuracy.
func Moments(p *Pool, x []float32) (mean, variance float64) {
	n := len(x)
	if n == 0 {
		return 0, 0
	}
	g := reduceGrain(n)
	part := partials.take(2 * ((n + g - 1) / g))
	For(p, n, g, reduceArgs{x, part, g}, func(t *reduceArgs, _ *Worker, lo, hi int) {
		var all spread
		for i := lo; i < hi; i += sumBlock {
			all.merge(spreadOf(t.x[i:min(i+sumBlock, hi)]))
		}
		c := lo / t.grain
		t.part[2*c], t.part[2*c+1] = all.mean, all.m2
	})
	var all spread
	for c := 0; c*g < n; c++ {
		all.merge(spread{float64(min(g, n-c*g)), part[2*c], part[2*c+1]})
	}
	partials.give(part)
	return all.mean, all.m2 / all.n
}

// Finite reports whether no element is infinite or not a number.
func Finite(p *Pool, x []float32) bool {
	bad := reduce(p, x, func(t *reduceArgs, _ *Worker, lo, hi int) {
		if !vec.finite(t.x[lo:hi]) {
			t.part[lo/t.grain] = 1
		}
	})
	return bad == 0
}

// columns says how sums down the columns of a rows × c matrix are cut: blocks
// of rows that lie in a level-2 cache, several blocks a chunk, and fold rows
// looked at as one where c is small, so that inner loops are long.
type columns struct {
	rows, c, fold, block, chunk, chunks int
}

func newColumns(rows, c int) columns {
	k := columns{rows: rows, c: c}
	if c < 256 {
		// A folded row ends on a whole vector of eight.
		step := 8 / gcd(max(1, c), 8)
		k.fold = (256/max(1, c) + step - 1) / step * step
	} else {
		k.fold = 1
	}
	k.block = max(1, grain/max(1, c)/k.fold) * k.fold
	blocks := (rows + k.block - 1) / k.block
	k.chunk = max(1, (blocks+63)/64) * k.block
	k.chunks = (rows + k.chunk - 1) / k.chunk
	return k
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// wide is the length of a folded row.
func (k columns) wide() int { return k.c * k.fold }

// spreadWide repeats the c values of v over a folded row.
func (k columns) spreadWide(dst, v []float32) {
	copy(dst, v[:k.c])
	for n := k.c; n < k.wide(); n *= 2 {
		copy(dst[n:k.wide()], dst[:n])
	}
}

type colSumArgs struct {
	columns
	x    []float32
	part []float64
}

// ColumnSum is dst[j] = Σᵣ x[r, j], or += with add: the gradient of a bias.
//
//	x [rows, cols]   dst [cols]
func ColumnSum(p *Pool, rows, cols int, x, dst []float32, add bool) {
	mustLen("column sum", rows*cols, len(x))
	mustLen("column sum's output", cols, len(dst))
	k := newColumns(rows, cols)
	part := partials.take(k.chunks * cols)
	For(p, rows, k.chunk, colSumArgs{k, x, part}, func(t *colSumArgs, w *Worker, lo, hi int) {
		part := t.part[lo/t.chunk*t.c:][:t.c]
		acc := w.Scratch(t.wide())
		for r := lo; r < hi; r += t.block {
			t.sumBlock(acc, part, t.x, r, min(r+t.block, hi))
		}
	})
	for j := range dst {
		var s float64
		for i := j; i < len(part); i += cols {
			s += part[i]
		}
		if add {
			s += float64(dst[j])
		}
		dst[j] = float32(s)
	}
	partials.give(part)
}

// sumBlock adds the column sums of rows lo to hi of x to dst.
func (k columns) sumBlock(acc []float32, dst []float64, x []float32, lo, hi int) {
	wide := (hi - lo) / k.fold
	clear(acc)
	vec.colSum(acc, x[lo*k.c:], wide)
	k.foldInto(dst, acc)
	if rest := lo + wide*k.fold; rest < hi {
		clear(acc[:k.c])
		vec.colSum(acc[:k.c], x[rest*k.c:], hi-rest)
		for j, v := range acc[:k.c] {
			dst[j] += float64(v)
		}
	}
}

// foldInto adds a folded row to the columns that it stands for.
func (k columns) foldInto(dst []float64, acc []float32) {
	dst = dst[:k.c]
	for ; len(acc) >= k.c && k.c > 0; acc = acc[k.c:] {
		for j := range dst {
			dst[j] += float64(acc[j])
		}
	}
}

// DeadColumns is the number of columns that are 0 or less in every row: units
// that fired for no sample.
//
//	x [rows, cols]
func DeadColumns(p *Pool, rows, cols int, x []float32) int {
	mustLen("dead columns", rows*cols, len(x))
	if rows == 0 || cols == 0 {
		return cols
	}
	k := newColumns(rows, cols)
	part := partials.take(k.chunks * cols)
	For(p, rows, k.chunk, colSumArgs{k, x, part}, func(t *colSumArgs, w *Worker, lo, hi int) {
		alive := t.part[lo/t.chunk*t.c:][:t.c]
		top := w.Scratch(t.wide())
		clear(top)
		wide := (hi - lo) / t.fold
		vec.colMax(top, t.x[lo*t.c:], wide)
		vec.colMax(top[:t.c], t.x[(lo+wide*t.fold)*t.c:], (hi-lo)%t.fold)
		for ; len(top) > 0; top = top[t.c:] {
			for j := range alive {
				if top[j] > 0 {
					alive[j] = 1
				}
			}
		}
	})
	dead := 0
	for j := range cols {
		var s float64
		for i := j; i < len(part); i += cols {
			s += part[i]
		}
		if s == 0 {
			dead++
		}
	}
	partials.give(part)
	return dead
}
