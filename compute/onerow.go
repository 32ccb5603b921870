package compute

const (
	rowStrip    = 64      // columns whose sums stay in registers while the rows of B go by
	rowTask     = 1 << 14 // elements of B that make a task
	rowDeep     = 4096    // so deep a product of few columns is cut along k instead
	rowDeepWide = 4 * rowStrip
)

// oneRow is a product of one row: a network that writes token by token makes
// nothing else. Each element of B is used once, so that B is read as it lies, at
// the speed of memory; tiles would wait for their few sums and for memory in turn.
//
//	c[j] = relu?( Σ_p a[p]·op(B)[p, j] + bias[j] + (c[j] if add) )
type oneRow struct {
	tb      bool
	n, k    int
	a, b, c []float32
	ldb     int
	e       Epilogue
}

// takes says that there are enough columns to share.
func (r *oneRow) takes() bool { return r.k < rowDeep || r.n >= rowDeepWide }

// run shares out the columns. A sum is taken in the same order whoever takes it.
func (r *oneRow) run(p *Pool) {
	if r.n*r.k < mulInline {
		p = nil
	}
	strips := (r.n + rowStrip - 1) / rowStrip
	For(p, strips, max(1, rowTask/(rowStrip*max(r.k, 1))), *r, oneRowTask)
}

func oneRowTask(r *oneRow, w *Worker, lo, hi int) {
	j0, j1 := lo*rowStrip, min(hi*rowStrip, r.n)
	c := r.c[j0:j1]
	y := c
	if r.e.Add {
		y = w.Scratch(len(c))
	}
	a := r.a[:r.k]
	switch {
	case r.k == 0:
		clear(y)
	case r.tb:
		for j := range y {
			y[j] = vec.dot(a, r.b[(j0+j)*r.ldb:][:r.k])
		}
	default:
		_ = r.b[(r.k-1)*r.ldb+j1-1]
		vec.rowTimes(y, a, r.b[j0:], r.ldb)
	}
	if r.e.Bias != nil {
		vec.add(y, y, r.e.Bias[j0:j1])
	}
	if r.e.Add {
		vec.add(c, y, c)
	}
	switch {
	case !r.e.ReLU:
	case r.e.Ceil == 0:
		vec.relu(c, c)
	default:
		for j, v := range c {
			c[j] = r.e.clamp(v)
		}
	}
}
