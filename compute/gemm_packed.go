package compute

// PackedB is op(B) of products, k×n, copied into the order in which kernels
// read it: blocks of rows, cut into panels of sixteen columns, with zeros beyond
// column n.
//
// Pack what several products in a row multiply by, as the weights of a
// recurrent network: a product by itself copies B anew when B is transposed or
// more than two dozen rows of A meet it, and otherwise reads rows that lie far
// apart. On a Zen 3 that makes 82 GFLOP/s 135 on two threads for 32 rows
// (GemmPacked/m=32,n=1024,k=256/avx2) and 10 GFLOP/s 30 on one thread for one.
// A single product gains nothing.
type PackedB struct {
	k, n   int
	panels []float32
}

// PackedSize is how many floats a k×n matrix takes up when it is packed.
func PackedSize(k, n int) int { return k * roundUp(n, tileWidth) }

// PackB packs op(B), k×n, into dst, PackedSize(k, n) floats, which the result
// keeps. B is n×k in memory if tb, ldb the distance between its rows.
func PackB(p *Pool, tb bool, k, n int, b []float32, ldb int, dst []float32) PackedB {
	return packBWith(kernelInUse, p, tb, k, n, b, ldb, dst)
}

func packBWith(kern *gemmKernel, p *Pool, tb bool, k, n int, b []float32, ldb int, dst []float32) PackedB {
	dst = dst[:PackedSize(k, n)]
	if len(dst) > 0 {
		g := gemmArgs{kern: kern, tb: tb, n: n, b: b, ldb: ldb, k1: k, j1: n, kc: kcPacked, packed: dst}
		For(p, roundUp(n, tileWidth)/tileWidth, packGrain(k), g, packPanels)
	}
	return PackedB{k, n, dst}
}

// GemmPacked is Gemm with a B that was packed before: C = relu?(op(A)·B + bias
// + (C if Add)), with as many columns as B has.
func GemmPacked(p *Pool, ta bool, m int, a []float32, lda int, b PackedB, c []float32, ldc int, e Epilogue) {
	gemmPackedWith(kernelInUse, p, ta, m, a, lda, b, c, ldc, e)
	e.Curve.sweep(p, m, b.n, c, ldc)
}

func gemmPackedWith(kern *gemmKernel, p *Pool, ta bool, m int, a []float32, lda int, b PackedB, c []float32, ldc int, e Epilogue) {
	if m <= 0 || b.n <= 0 {
		return
	}
	g := gemmArgs{kern: kern, ta: ta, m: m, n: b.n, k: b.k, a: a, c: c, lda: lda, ldc: ldc, e: e, k1: b.k, j1: b.n, kc: kcPacked, packed: b.panels}
	depth := max(b.k, 1)
	if m*b.n*depth < mulInline {
		p = nil
	}
	if g.few() {
		g.shareFew(p)
		return
	}
	g.chooseA()
	g.kc = kcPacked
	if !g.packA {
		g.share(p, depth)
		return
	}
	for g.k0 = 0; g.k0 < b.k; g.k0 = g.k1 {
		g.k1 = blockEnd(g.k0, b.k, g.kc)
		g.packed = b.panels[g.k0*roundUp(b.n, tileWidth):]
		g.share(p, g.k1-g.k0)
	}
}
