package compute

// tile is what a kernel works on: a strip of C that is at most sixteen columns
// wide and any number of rows high.
//
//	C[i, j] = relu?( Σ A[i, r, s, q]·B[r, s, q, j] + bias[j] + (C[i, j] if add) )
//
// k runs in outs planes r of segs segments s of kl steps q, which is how a
// convolution walks over images and their rows without copying them. All
// distances are in elements.
//
//	A[i, r, s, q] = a[a0 + aoff[i] + r·aout + s·aseg + q]                by row
//	A[i, r, s, q] = a[a0 + aoff[0] + i + r·aout + s·aseg + q·astep]      by column
//	B[r, s, q, j] = b[r·bout + s·bseg + q·bstep + j]
//	C[i, j]       = c[coff[i] + j]
//
// Every element is summed along k in an order that depends on m, cols, and the
// numbers of steps alone. By column, aoff is read once for the rows that a
// kernel takes at a time, so aoff[i] = aoff[0] + i must hold. With segs = 0
// there are no products; otherwise outs, segs and kl are at least 1. What relu
// leaves is no more than ceil, if that is not zero.
type tile struct {
	a, b, c, bias     []float32
	aoff, coff        []int32
	a0                int
	m, cols           int
	outs, segs, kl    int
	aout, aseg, astep int
	bout, bseg, bstep int
	add, relu         bool
	ceil              float32
}

// tileWidth is the most columns that a tile has.
const tileWidth = 16

// gemmKernel is one way to compute tiles.
type gemmKernel struct {
	name  string // in benchmark names and the status line
	runs  bool   // can this machine run it
	rows  int    // of C that are computed together; A is packed in panels of so many
	byRow func(t *tile)
	byCol func(t *tile)
	// byRun does what byRow does for tiles of one segment and sixteen columns
	// whose rows of A and of C lie evenly apart.
	byRun func(t *tile)
	// byPanel does what byCol does for tiles of one segment and sixteen columns
	// whose A and B are packed: m is a multiple of rows, astep is rows, bstep is
	// 16, and panels of A follow each other.
	byPanel func(t *tile)
	// rowPack and panelPack do what byRow and byPanel do for one tile of rows
	// rows, sixteen columns and one segment whose B lies by row, and write that
	// B in a panel to dst on the way. They are nil where there are none.
	rowPack, panelPack func(t *tile, dst *float32)
	// packA writes a panel of A that lies by row, dst[p*rows+i] = src[i*sstep+p]
	// for i < rows and p < k, and maybe garbage to the two floats behind.
	packA func(dst, src []float32, sstep, rows, k int)
	// copyA writes panels of A that lies by column,
	// dst[q*dstep+p*rows+i] = src[p*sstep+q*rows+i] for i < rows, q < panels, p < k.
	copyA func(dst []float32, dstep int, src []float32, sstep, rows, panels, k int)
	// pack writes dst[p*16+j] = src[j*sstep+p] for p < k and j < cols ≤ 16,
	// and zeros for the columns that are left.
	pack func(dst, src []float32, sstep, cols, k int)
	// copy writes panels of B that lies by row,
	// dst[q*dstep+p*16+j] = src[p*sstep+q*16+j] for j < 16, q < panels, p < k.
	copy func(dst []float32, dstep int, src []float32, sstep, panels, k int)
	// copyRuns writes dst[p*dstep+j] = src[p*sstep+j] for j < n and p < k.
	copyRuns func(dst []float32, dstep int, src []float32, sstep, n, k int)
	// add is dst[p*dstep+j] += src[p*16+j] for p < k and j < 16.
	add func(dst []float32, dstep int, src []float32, k int)
	// mulAdd is dst[r*dstep+i] += a[r*astep+i]·b[r*bstep+i] for i < n, then
	// for the next r < rows.
	mulAdd func(dst []float32, dstep int, a []float32, astep int, b []float32, bstep int, n, rows int)
	// chains does perRun multiply-adds a round and nothing else; nil where
	// there is no such routine.
	chains func(rounds int, x, y float32)
	perRun int
}
