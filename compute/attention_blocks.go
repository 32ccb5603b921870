package compute

// lent is a worker's memory in parts.
type lent [10][]float32

// lend cuts w's scratch memory.
func lend(w *Worker, sizes ...int) (m lent) {
	all := 0
	for _, n := range sizes {
		all += n
	}
	room := w.Scratch(all)
	for i, n := range sizes {
		m[i], room = room[:n:n], room[n:]
	}
	return m
}

// attnProducts are the products of blocks.
type attnProducts struct {
	kern  *gemmKernel
	t     *tile
	along []int32    // 0, 1, 2, …
	block []int32    // where the rows of a block of scores begin
	off   [5][]int32 // and those of other matrices
}

// steps works out where the first n rows begin that are so far apart.
func (x *attnProducts) steps(w *Worker, n int, apart ...int) {
	all := w.Offsets((2 + len(apart)) * n)
	x.along, x.block = all[:n], all[n:2*n]
	for i := range n {
		x.along[i], x.block[i] = int32(i), int32(i*attnStep)
	}
	for k, step := range apart {
		x.off[k] = all[(k+2)*n:][:n]
		for i := range n {
			x.off[k][i] = int32(i * step)
		}
	}
}

// turn packs k rows of src, d wide and step apart, into panels of sixteen rows,
// turned, each of which has room for deep ≥ d:
// dst[r/16·16·deep + c·16 + r%16] = src[r·step + c]. Behind them come ones.
func (x *attnProducts) turn(dst, src []float32, step, k, d, deep int) {
	for r := 0; r < k; r += tileWidth {
		panel := dst[r*deep : (r+tileWidth)*deep]
		x.kern.pack(panel, src[r*step:], step, min(tileWidth, k-r), d)
		for i := d * tileWidth; i < len(panel); i++ {
			panel[i] = 1
		}
	}
}

// pack copies k rows of src, d wide and step apart, times scale into panels of
// sixteen columns that are attnKeys rows apart.
func (x *attnProducts) pack(dst, src []float32, step, k, d int, scale float32) {
	for c := 0; c < d; c += tileWidth {
		panel := dst[c*attnKeys:][:k*tileWidth]
		packRows(x.kern, panel, src[c:], step, min(tileWidth, d-c), k)
		if scale != 1 {
			vec.scale(panel, panel, scale)
		}
	}
}

// scaleRows is dst[i·dstep + c] = scale·src[i·step + c] for n rows, d wide.
func scaleRows(dst []float32, dstep int, src []float32, step, n, d int, scale float32) {
	for i := range n {
		vec.scale(dst[i*dstep:][:d], src[i*step:][:d], scale)
	}
}

// byRow is C[i, j] = Σ_p A[i, p]·B[p, j] (+ C) for m rows, n columns and k
// products; B is in panels that are apart rows of sixteen apart.
func (x *attnProducts) byRow(m, k int, a []float32, aoff []int32, b []float32, apart, n int, c []float32, coff []int32, add bool) {
	*x.t = tile{a: a, aoff: aoff[:m], coff: coff[:m], m: m, outs: 1, segs: 1, kl: k, bstep: tileWidth, add: add}
	for j := 0; j < n; j += tileWidth {
		x.t.cols = min(tileWidth, n-j)
		x.t.b, x.t.c = b[j*apart:], c[j:]
		x.kern.byRow(x.t)
	}
}

// byCol is C[i, j] += Σ_p A[p, i]·B[p, j] for m rows, n columns and k products;
// A is a block of scores and B has rows bstep apart.
func (x *attnProducts) byCol(m, k int, a, b []float32, bstep, n int, c []float32, coff []int32) {
	*x.t = tile{a: a, aoff: x.along[:m], coff: coff[:m], m: m, outs: 1, segs: 1, kl: k, astep: attnStep, bstep: bstep, add: true}
	for j := 0; j < n; j += tileWidth {
		x.t.cols = min(tileWidth, n-j)
		x.t.b, x.t.c = b[j:], c[j:]
		x.kern.byCol(x.t)
	}
}
