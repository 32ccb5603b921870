package compute

// Block sizes. A panel of B, sixteen columns and kcMost deep, stays in the
// first-level cache while a block of A, mcLeast rows and as deep, comes from
// the second level row by row. ncMost panels of B are packed at a time;
// copyMost floats of A are copied at a time.
var kcMost, ncMost, copyMost = blockSizes(machineCaches())

const (
	mcLeast   = 96
	mcLocal   = 192     // up to so many rows a task packs its own panels of B
	mulTask   = 1 << 20 // multiply-adds that make a chunk worth handing out
	mulInline = 1 << 15 // below so many nobody is woken
	packTask  = 1 << 13 // floats that make a chunk of packing
)

// gemmArgs is a product, or one block of k of it, as the workers see it.
type gemmArgs struct {
	kern     *gemmKernel
	ta, tb   bool
	m, n, k  int
	a, b, c  []float32
	lda, ldb int
	ldc      int
	e        Epilogue

	k0, k1     int       // the block of k; all of it when panels are packed by the tasks
	j0, j1     int       // columns of C that the tasks cover
	packed     []float32 // panels of the block, one after the other; nil: none
	rows       int       // rows a task
	panels     int       // panels a task
	colGroups  int       // tasks side by side
	copyA      bool
	packInTask bool
}

// gemmWith is Gemm with a given kernel.
//
// C is cut into tasks by rows and panels of sixteen columns, k into blocks.
// B is used as it lies when few rows read it; else its panels are copied one
// after the other, by the task itself when it is the only one that reads them,
// before the tasks start when several do.
func gemmWith(kern *gemmKernel, p *Pool, ta, tb bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, e Epilogue) {
	if m <= 0 || n <= 0 {
		return
	}
	g := gemmArgs{kern: kern, ta: ta, tb: tb, m: m, n: n, k: k, a: a, b: b, c: c, lda: lda, ldb: ldb, ldc: ldc, e: e}
	work := m * n * max(k, 1)
	if work < mulInline {
		p = nil
	}
	if gemmSplit(p, &g) {
		return
	}
	panels := (n + tileWidth - 1) / tileWidth
	direct := !tb && (m <= 24 || (n <= 4*tileWidth && k*ldb <= 4096))
	g.k1, g.j1 = k, n
	// Steps of k that lie far apart share few places in the cache.
	g.copyA = ta && lda >= 512
	if direct || m <= mcLocal {
		g.packInTask = !direct
		// Rows are shared only when B is not packed or there are too few panels.
		g.rows = m
		if direct {
			g.rows = min(m, g.rowsForWork(n, max(k, 1)))
		}
		blocks := (m + g.rows - 1) / g.rows
		g.panels = max(1, min(panels, mulTask/(min(g.rows, m)*max(k, 1)*tileWidth)))
		g.colGroups = (panels + g.panels - 1) / g.panels
		For(p, blocks*g.colGroups, 1, g, gemmTask)
		return
	}
	shared := borrowWorker()
	defer returnWorker(shared)
	for j := 0; j < panels; j += ncMost {
		np := min(ncMost, panels-j)
		g.j0, g.j1 = j*tileWidth, min(n, (j+np)*tileWidth)
		for k0 := 0; k0 < max(k, 1); k0 = g.k1 {
			g.k0 = k0
			g.k1 = blockEnd(k0, k, kcMost)
			kl := g.k1 - g.k0
			g.packed = shared.Scratch(np * kl * tileWidth)
			For(p, np, max(1, packTask/max(kl*tileWidth, 1)), g, packPanels)
			g.rows = min(m, g.rowsForWork(np*tileWidth, max(kl, 1)))
			blocks := (m + g.rows - 1) / g.rows
			g.panels = np
			if blocks < 8 {
				g.panels = max(1, min(np, (np*blocks+15)/16))
				if g.copyA {
					// Each task copies its rows again.
					g.panels = max(g.panels, min(np, 4))
				}
			}
			g.colGroups = (np + g.panels - 1) / g.panels
			g.copyA = g.copyA || g.panels >= 6 && (ta || lda >= 256)
			For(p, blocks*g.colGroups, 1, g, gemmTask)
		}
	}
}

// rowsForWork is how many rows make a task. Those that are copied together
// have to fit into the second-level cache.
func (g *gemmArgs) rowsForWork(n, k int) int {
	rows := max(mcLeast, roundUp(mulTask/(n*k), 6))
	if g.copyA {
		rows = max(mcLeast, min(rows, roundUp(copyMost/min(k, kcMost), 6)))
	}
	return rows
}

// blockEnd is where the block that starts at k0 ends: what is left, cut into
// equal parts of at most most.
func blockEnd(k0, k, most int) int {
	left := k - k0
	if left <= most {
		return k
	}
	parts := (left + most - 1) / most
	return k0 + roundUp((left+parts-1)/parts, 8)
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// packPanels copies panels lo to hi of B's block.
func packPanels(g *gemmArgs, w *Worker, lo, hi int) {
	kl := g.k1 - g.k0
	for j := lo; j < hi; j++ {
		g.packPanel(g.packed[j*kl*tileWidth:(j+1)*kl*tileWidth], g.j0+j*tileWidth, g.k0, g.k1)
	}
}

// packPanel is dst[p*16+j] = op(B)[k0+p, col+j], zero beyond column n.
func (g *gemmArgs) packPanel(dst []float32, col, k0, k1 int) {
	cols := min(tileWidth, g.n-col)
	if k1 == k0 {
		return
	}
	if g.tb {
		g.kern.pack(dst, g.b[col*g.ldb+k0:], g.ldb, cols, k1-k0)
		return
	}
	packRows(g.kern, dst, g.b[k0*g.ldb+col:], g.ldb, cols, k1-k0)
}

// packRows is dst[p*16+j] = src[p*step+j] for p < k and j < cols, and zero up
// to column 16.
func packRows(kern *gemmKernel, dst, src []float32, step, cols, k int) {
	if cols == tileWidth {
		kern.copy(dst, src, step, k)
		return
	}
	for p := range k {
		d := dst[p*tileWidth : (p+1)*tileWidth]
		clear(d[copy(d, src[p*step:p*step+cols]):])
	}
}

// gemmTask computes blocks of C, numbered row by row.
func gemmTask(g *gemmArgs, w *Worker, lo, hi int) {
	for t := lo; t < hi; t++ {
		i0 := t / g.colGroups * g.rows
		i1 := min(i0+g.rows, g.m)
		j0 := g.j0 + t%g.colGroups*g.panels*tileWidth
		j1 := min(j0+g.panels*tileWidth, g.j1)
		for k0 := g.k0; k0 < max(g.k1, 1); {
			k1 := blockEnd(k0, g.k1, kcMost)
			g.block(w, i0, i1, j0, j1, k0, k1)
			k0 = max(k1, 1)
		}
	}
}

// block adds the products of one block of k to rows i0 to i1 and columns j0
// to j1 of C.
func (g *gemmArgs) block(w *Worker, i0, i1, j0, j1, k0, k1 int) {
	m, kl := i1-i0, k1-k0
	off := w.Offsets(2 * m)
	t := &w.tile
	*t = tile{a: g.a, aoff: off[:m], coff: off[m:], m: m, outs: 1, segs: 1, kl: kl}
	if kl == 0 {
		t.segs = 0
	}
	step := g.lda
	room := 0
	if g.packInTask {
		room = kl * tileWidth
	}
	if g.copyA {
		t.a, step = g.copyBlock(w.Scratch(room + (m+16)*(kl+32))[room:], i0, i1, k0, k1)
	} else if g.ta {
		t.a0 = k0*g.lda + i0
	} else {
		t.a0 = i0*g.lda + k0
	}
	if g.ta {
		t.astep, step = step, 1
	}
	for i := range m {
		t.aoff[i] = int32(i * step)
		t.coff[i] = int32(i * g.ldc)
	}
	first, last := k0 == 0, k1 == g.k
	t.add = g.e.Add || !first
	t.relu, t.ceil = g.e.ReLU && last, g.e.Ceil
	run := g.kern.byRow
	if g.ta {
		run = g.kern.byCol
	}
	for j := j0; j < j1; j += tileWidth {
		t.cols = min(tileWidth, g.n-j)
		t.c = g.c[i0*g.ldc+j:]
		t.bias = nil
		if last && g.e.Bias != nil {
			t.bias = g.e.Bias[j:g.n]
		}
		t.bstep = tileWidth
		switch {
		case kl == 0:
		case g.packed != nil:
			t.b = g.packed[(j-g.j0)*(g.k1-g.k0)+(k0-g.k0)*tileWidth:]
		case g.packInTask:
			t.b = w.Scratch(room)
			g.packPanel(t.b, j, k0, k1)
		default:
			t.b, t.bstep = g.b[k0*g.ldb+j:], g.ldb
		}
		run(t)
	}
	*t = tile{}
}

// copyBlock copies rows i0 to i1, steps k0 to k1 of A together, in A's own
// order, and returns them with the distance between rows (of the transpose,
// between steps of k). Rows that lie a power of two apart would push each
// other out of the cache.
func (g *gemmArgs) copyBlock(dst []float32, i0, i1, k0, k1 int) ([]float32, int) {
	if g.ta {
		step := roundUp(i1-i0, 8)
		for p := k0; p < k1; p++ {
			copy(dst[(p-k0)*step:], g.a[p*g.lda+i0:p*g.lda+i1])
		}
		return dst, step
	}
	step := roundUp(k1-k0, 16)
	if step%64 == 0 {
		step += 16
	}
	for i := i0; i < i1; i++ {
		copy(dst[(i-i0)*step:], g.a[i*g.lda+k0:i*g.lda+k1])
	}
	return dst, step
}

// Long thin products, as weight gradients are, leave too few tiles to share:
// then k is cut into parts of splitLen, each summed for itself, and the parts
// are added in order. Whether it is done depends on sizes alone.
const splitLen = 2048

func gemmSplit(p *Pool, g *gemmArgs) bool {
	if g.k < 2*splitLen || g.m*g.n > 64*mcLeast*2 {
		return false
	}
	parts := min(16, g.k/splitLen)
	shared := borrowWorker()
	defer returnWorker(shared)
	sums := shared.Scratch(parts * g.m * g.n)
	For(p, parts, 1, splitArgs{*g, sums, parts}, splitTask)
	For(p, g.m, max(1, 16384/(g.n*parts)), splitArgs{*g, sums, parts}, splitSum)
	return true
}

type splitArgs struct {
	g     gemmArgs
	sums  []float32
	parts int
}

func splitTask(s *splitArgs, w *Worker, lo, hi int) {
	g := &s.g
	for q := lo; q < hi; q++ {
		k0, k1 := q*g.k/s.parts, (q+1)*g.k/s.parts
		a, b := g.a, g.b
		if g.ta {
			a = a[k0*g.lda:]
		} else {
			a = a[k0:]
		}
		if g.tb {
			b = b[k0:]
		} else {
			b = b[k0*g.ldb:]
		}
		gemmWith(g.kern, nil, g.ta, g.tb, g.m, g.n, k1-k0, a, g.lda, b, g.ldb, s.sums[q*g.m*g.n:(q+1)*g.m*g.n], g.n, Epilogue{})
	}
}

// splitSum adds the parts of rows lo to hi in order and finishes them.
func splitSum(s *splitArgs, w *Worker, lo, hi int) {
	g := &s.g
	mn := g.m * g.n
	for i := lo; i < hi; i++ {
		c := g.c[i*g.ldc : i*g.ldc+g.n]
		for j := range c {
			v := float32(0)
			for q := 0; q < s.parts; q++ {
				v += s.sums[q*mn+i*g.n+j]
			}
			if g.e.Bias != nil {
				v += g.e.Bias[j]
			}
			if g.e.Add {
				v += c[j]
			}
			if g.e.ReLU {
				v = g.e.clamp(v)
			}
			c[j] = v
		}
	}
}
