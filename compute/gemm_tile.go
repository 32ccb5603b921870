package compute

// tile is what a kernel works on: a strip of C that is at most sixteen columns
// wide and any number of rows high.
//
//	C[i, j] = relu?( Σ A[i, s, q]·B[s, q, j] + bias[j] + (C[i, j] if add) )
//
// k runs in segs segments s of kl steps q, which is how a convolution walks
// over rows of an image without copying them. All distances are in elements.
//
//	A[i, s, q] = a[a0 + aoff[i] + s·aseg + q]            by row
//	A[i, s, q] = a[a0 + aoff[0] + i + s·aseg + q·astep]  by column
//	B[s, q, j] = b[s·bseg + q·bstep + j]
//	C[i, j]    = c[coff[i] + j]
//
// Every element is summed along k in an order that depends on m, cols, segs
// and kl alone. By column, rows are neighbours within a tile and aoff is read
// once a tile, so aoff[i] = aoff[0] + i must hold.
type tile struct {
	a, b, c, bias []float32
	aoff, coff    []int32
	a0            int
	m, cols       int
	segs, kl      int
	aseg, astep   int
	bseg, bstep   int
	add, relu     bool
}

// tileWidth is the most columns that a tile has.
const tileWidth = 16

// gemmKernel is one way to compute tiles.
type gemmKernel struct {
	name  string // in benchmark names and the status line
	runs  bool   // can this machine run it
	byRow func(t *tile)
	byCol func(t *tile)
	// pack writes dst[p*16+j] = src[j*sstep+p] for p < k and j < cols ≤ 16,
	// and zeros for the columns that are left.
	pack func(dst, src []float32, sstep, cols, k int)
	// mulAdd is dst += a·b, element by element, for len(dst) elements.
	mulAdd func(dst, a, b []float32)
}
