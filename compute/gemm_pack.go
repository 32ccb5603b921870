package compute

// packSlack is how many floats behind a packed A may be written.
const packSlack = 2

// packGrain is how many panels of B, depth steps deep, make a chunk of packing.
func packGrain(depth int) int {
	return max(packGroup, packTask/max(depth*tileWidth, 1))
}

// packPanels copies panels lo to hi of B, in all blocks of k.
func packPanels(g *gemmArgs, _ *Worker, lo, hi int) {
	n := roundUp(g.j1-g.j0, tileWidth)
	for k0 := g.k0; k0 < g.k1; {
		k1 := blockEnd(k0, g.k1, g.kc)
		g.packB(g.packed[(k0-g.k0)*n+lo*(k1-k0)*tileWidth:], lo, hi, k0, k1)
		k0 = k1
	}
}

// packBlocks is packPanels into memory for panels lo to hi alone.
func (g *gemmArgs) packBlocks(dst []float32, lo, hi int) {
	for k0 := g.k0; k0 < g.k1; {
		k1 := blockEnd(k0, g.k1, g.kc)
		g.packB(dst[(k0-g.k0)*(hi-lo)*tileWidth:], lo, hi, k0, k1)
		k0 = k1
	}
}

// packB packs panels lo to hi of those from column j0, steps k0 to k1, one
// after the other: dst[p*16+j] = op(B)[k0+p, col+j] for each, zero beyond
// column n. What lies by row is packed for some panels at once, so that memory
// is read in longer runs.
func (g *gemmArgs) packB(dst []float32, lo, hi, k0, k1 int) {
	kl := k1 - k0
	size := kl * tileWidth
	for q := lo; q < hi; {
		col := g.j0 + q*tileWidth
		cols := min(tileWidth, g.n-col)
		panels := 1
		switch {
		case g.tb:
			g.kern.pack(dst[:size], g.b[col*g.ldb+k0:], g.ldb, cols, kl)
		case cols == tileWidth:
			panels = min(hi-q, packGroup, (g.n-col)/tileWidth)
			g.kern.copy(dst, size, g.b[k0*g.ldb+col:], g.ldb, panels, kl)
		default:
			packRows(g.kern, dst[:size], g.b[k0*g.ldb+col:], g.ldb, cols, kl)
		}
		dst = dst[panels*size:]
		q += panels
	}
}

// packRows is dst[p*16+j] = src[p*step+j] for p < k and j < cols, and zero up
// to column 16.
func packRows(kern *gemmKernel, dst, src []float32, step, cols, k int) {
	if cols == tileWidth {
		kern.copy(dst, 0, src, step, 1, k)
		return
	}
	for p := range k {
		d := dst[p*tileWidth : (p+1)*tileWidth]
		clear(d[copy(d, src[p*step:p*step+cols]):])
	}
}

// wholeRows is how many of m rows of A are packed in panels of kern.rows. The
// rest, if any, makes one last panel, of at most one and a half times as many:
// a kernel takes it in two parts, neither of which is too low to keep it busy.
func (kern *gemmKernel) wholeRows(m int) int {
	whole := m / kern.rows * kern.rows
	if rest := m - whole; rest > 0 && 2*rest <= kern.rows && whole > 0 {
		whole -= kern.rows
	}
	return whole
}

// panelOffsets fills in where rows of packed panels begin, and is how many of
// them come before the last panel if that is wider.
func (kern *gemmKernel) panelOffsets(off []int32, kl int) int {
	whole := kern.wholeRows(len(off))
	for i := range off[:whole] {
		off[i] = int32(i/kern.rows*kern.rows*kl + i%kern.rows)
	}
	for i := range off[whole:] {
		off[whole+i] = int32(whole*kl + i)
	}
	return whole
}

// panelsAtOnce is how many panels of A, kl steps deep, are filled side by side.
// Where they lie a multiple of a way of the first-level cache apart, their next
// lines fall into one set, and more panels than it has ways drive each other
// out: six leave two of eight ways to what is read.
func (kern *gemmKernel) panelsAtOnce(kl int) int {
	const way = 4096
	apart := 4 * kern.rows * kl
	return 6 * way / min(apart&-apart, way)
}

// packRowsOfA packs m rows of op(A) from i0, steps k0 to k1, in panels: those
// that begin with rows lo to hi of them.
func (g *gemmArgs) packRowsOfA(dst []float32, i0, m, lo, hi, k0, k1 int) {
	kern, kl := g.kern, k1-k0
	whole := kern.wholeRows(m)
	rest := lo <= whole && whole < min(hi, m)
	hi = min(hi, whole)
	if g.ta {
		src := g.a[k0*g.lda+i0:]
		most := kern.panelsAtOnce(kl) * kern.rows
		for i := lo; i < hi; i += most {
			kern.copyA(dst[i*kl:], kern.rows*kl, src[i:], g.lda, kern.rows, min(most, hi-i)/kern.rows, kl)
		}
		if rest {
			kern.copyA(dst[whole*kl:], 0, src[whole:], g.lda, m-whole, 1, kl)
		}
		return
	}
	for i := lo; i < hi; i += kern.rows {
		kern.packA(dst[i*kl:], g.a[(i0+i)*g.lda+k0:], g.lda, kern.rows, kl)
	}
	if rest {
		kern.packA(dst[whole*kl:], g.a[(i0+whole)*g.lda+k0:], g.lda, m-whole, kl)
	}
}

// packStrips packs panels lo to hi of A into g.packedA, in all blocks of k.
func packStrips(g *gemmArgs, _ *Worker, lo, hi int) { g.packStripBlocks(g.packedA, lo, hi) }

func (g *gemmArgs) packStripBlocks(dst []float32, lo, hi int) {
	for k0 := 0; k0 < g.k; {
		k1 := blockEnd(k0, g.k, g.kc)
		g.packRowsOfA(dst[g.m*k0:], 0, g.m, lo*g.kern.rows, hi*g.kern.rows, k0, k1)
		k0 = k1
	}
}

// copyBlock copies m columns of a transposed A from i0, steps k0 to k1,
// together as they lie, and returns them with the distance between steps.
func (g *gemmArgs) copyBlock(dst []float32, i0, m, k0, k1 int) ([]float32, int) {
	step := roundUp(m, 8)
	g.kern.copyRuns(dst, step, g.a[k0*g.lda+i0:], g.lda, m, k1-k0)
	return dst, step
}
