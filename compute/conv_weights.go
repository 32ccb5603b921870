package compute

// weightSweep is the weight gradient as products of columns: the inputs under
// one row of taps, neighbours in memory, are the rows of the product, the
// output channels its columns, and the sum runs over output pixels, row by row
// and image by image.
type weightSweep struct {
	kern      *gemmKernel
	g         Conv
	x, dy, dw []float32
	regions   []region
	rows      []int32 // 0, 1, 2, ...: offsets of neighbours in x
	wrows     []int32 // the same times F: offsets of their rows in dw

	parts    int       // of the batch, each with sums of its own; 1: straight to dw
	sums     []float32 // parts times the size of dw
	rowParts int       // tasks a row of taps is cut into
	panels   int       // tasks side by side
}

const (
	weightTasks = 12  // so many tasks by tiles are enough to share
	weightRows  = 192 // rows of dw that such a task has at most
	weightParts = 16  // parts of the batch at most
	weightDepth = 256 // pixels summed at a time
)

func convWeightsWith(kern *gemmKernel, p *Pool, g *Conv, x, dy, dw []float32) {
	g.check(x, dw, dy)
	if g.depthwise() {
		depthwiseWeights(kern, p, g, x, dy, dw)
		return
	}
	shared := borrowWorker()
	defer returnWorker(shared)
	s := weightSweep{kern: kern, g: *g, x: x, dy: dy, dw: dw, regions: shared.cutRegions(g.rowAxis(), g.colAxis())}
	cg, fg := g.C/g.Groups, g.F/g.Groups
	size := g.KH * g.KW * cg * g.F
	run := g.KW * cg
	off := shared.Offsets(2 * run)
	s.rows, s.wrows = off[:run], off[run:]
	for i := range run {
		s.rows[i], s.wrows[i] = int32(i), int32(i*g.F)
	}
	if work := size / g.Groups * g.N * g.OH * g.OW; work < mulInline {
		p = nil
	}
	s.rowParts = (run + weightRows - 1) / weightRows
	s.panels = g.Groups * ((fg + tileWidth - 1) / tileWidth)
	s.parts = 1
	if g.KH*s.rowParts*s.panels >= weightTasks {
		For(p, g.KH*s.rowParts*s.panels, 1, s, weightTileTask)
		return
	}
	s.parts = max(1, min(g.N, weightParts, size*g.N/g.Groups*g.OH*g.OW/mulTask))
	if s.parts == 1 {
		For(nil, 1, 1, s, weightPartTask)
		return
	}
	s.sums = shared.Scratch(s.parts * size)
	For(p, s.parts, 1, s, weightPartTask)
	For(p, size, max(1, 65536/s.parts), s, weightSum)
}

// weightTileTask does whole sums for a panel of some rows of dw.
func weightTileTask(s *weightSweep, w *Worker, lo, hi int) {
	run := len(s.rows)
	for i := lo; i < hi; i++ {
		q, kh := i%s.rowParts, i/s.rowParts%s.g.KH
		i0, i1 := q*run/s.rowParts, (q+1)*run/s.rowParts
		s.images(w, 0, s.g.N, kh, i0, i1, i/s.rowParts/s.g.KH, s.dw)
	}
	w.tile = tile{}
}

// weightPartTask does the sums of a part of the batch for all of dw.
func weightPartTask(s *weightSweep, w *Worker, lo, hi int) {
	for q := lo; q < hi; q++ {
		dst := s.dw
		if s.parts > 1 {
			size := len(s.sums) / s.parts
			dst = s.sums[q*size : (q+1)*size]
			clear(dst)
		}
		n0, n1 := q*s.g.N/s.parts, (q+1)*s.g.N/s.parts
		// A few images at a time, so that they stay in the cache meanwhile.
		step := max(1, weightDepth/(s.g.OH*s.g.OW))
		for n := n0; n < n1; n += step {
			for kh := range s.g.KH {
				for panel := range s.panels {
					s.images(w, n, min(n+step, n1), kh, 0, len(s.rows), panel, dst)
				}
			}
		}
	}
	w.tile = tile{}
}

// weightSum adds the parts to elements lo to hi of dw, in order.
func weightSum(s *weightSweep, w *Worker, lo, hi int) {
	size := len(s.sums) / s.parts
	dst := s.dw[lo:hi]
	for q := range s.parts {
		part := s.sums[q*size+lo:][:len(dst)]
		for i := range dst {
			dst[i] += part[i]
		}
	}
}

// images adds images n0 to n1 to rows i0 to i1 of tap row kh, in one panel.
func (s *weightSweep) images(w *Worker, n0, n1, kh, i0, i1, panel int, dst []float32) {
	g := &s.g
	cg, fg := g.C/g.Groups, g.F/g.Groups
	perGroup := s.panels / g.Groups
	group, col := panel/perGroup, panel%perGroup*tileWidth
	t := &w.tile
	*t = tile{a: s.x, b: s.dy, add: true, cols: min(tileWidth, fg-col)}
	col += group * fg
	joined := g.Groups == 1 && g.DilW == 1
	for i := range s.regions {
		r := &s.regions[i]
		if kh < r.h.t0 || kh >= r.h.t1 {
			continue
		}
		if joined {
			s.add(t, r, n0, n1, kh, max(i0, r.w.t0*cg), min(i1, r.w.t1*cg), 0, col, dst)
			continue
		}
		for kw := r.w.t0; kw < r.w.t1; kw++ {
			// Neighbouring taps are apart in the image: one at a time.
			gap := kw*(g.DilW*g.C-cg) + group*cg
			s.add(t, r, n0, n1, kh, max(i0, kw*cg), min(i1, (kw+1)*cg), gap, col, dst)
		}
	}
}

// add adds a region's products to rows i0 to i1; gap is how much further the
// inputs of these rows lie than the rows.
func (s *weightSweep) add(t *tile, r *region, n0, n1, kh, i0, i1, gap, col int, dst []float32) {
	if i0 >= i1 {
		return
	}
	g := &s.g
	t.m = i1 - i0
	t.aoff = s.rows[i0:]
	t.coff = s.wrows[i0:]
	t.c = dst[kh*len(s.rows)*g.F+col:]
	high, wide := r.h.o1-r.h.o0, r.w.o1-r.w.o0
	t.kl, t.astep, t.bstep = wide, g.StrideW*g.C, g.F
	t.aseg, t.bseg = g.StrideH*g.W*g.C, g.OW*g.F
	t.segs = high
	if wide == 1 {
		// A column of pixels: one segment downwards.
		t.kl, t.astep, t.bstep = high, t.aseg, t.bseg
		t.segs = 1
	}
	t.aout, t.bout = g.H*g.W*g.C, g.OH*g.OW*g.F
	if t.kl == 1 {
		t.kl, t.astep, t.bstep = n1-n0, t.aout, t.bout
		s.from(t, r, n0, r.h.o0, kh, gap, col, 1)
		s.kern.byCol(t)
		return
	}
	pixels := high * wide
	if pixels <= weightDepth || t.segs == 1 {
		step := max(1, weightDepth/pixels)
		for n := n0; n < n1; n += step {
			s.from(t, r, n, r.h.o0, kh, gap, col, min(step, n1-n))
			s.kern.byCol(t)
		}
		return
	}
	// Large images: some rows at a time, small enough for the nearest cache.
	step := max(1, weightDepth/wide)
	for n := n0; n < n1; n++ {
		for oy := r.h.o0; oy < r.h.o1; oy += step {
			t.segs = min(step, r.h.o1-oy)
			s.from(t, r, n, oy, kh, gap, col, 1)
			s.kern.byCol(t)
		}
	}
}

// from sets the start of the sum: image n, output row oy, and so many images.
func (s *weightSweep) from(t *tile, r *region, n, oy, kh, gap, col, images int) {
	g := &s.g
	t.outs = images
	iy := oy*g.StrideH - g.PadTop + kh*g.DilH
	ix := r.w.o0*g.StrideW - g.PadLeft
	t.a0 = ((n*g.H+iy)*g.W+ix)*g.C + gap
	t.b = s.dy[((n*g.OH+oy)*g.OW+r.w.o0)*g.F+col:]
}
