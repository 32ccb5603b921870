package compute

// weightSweep is the weight gradient as products of columns: the inputs under
// one row of taps, neighbours in memory, are the rows of the product, sixteen
// output channels its columns, and the sum runs over output pixels, row by row
// and image by image. It is made in panels of sixteen columns, so that it
// stays in the cache however many channels there are, and written or added to
// dw at the end.
type weightSweep struct {
	kern      *gemmKernel
	g         Conv
	x, dy, dw []float32
	add       bool // to dw
	regions   []region
	rows      []int32 // 0, 1, 2, ...: offsets of neighbours in x
	sumRows   []int32 // 0, 16, 32, ...: offsets of their sums

	panels int // of sixteen columns, of all groups
	depth  int // pixels summed at a time
	// perTap: one tap at a time, all pixels that it brings to the image, since
	// taps lie apart or have channels enough. Otherwise region by region, and
	// all taps of a row at once.
	perTap bool

	// By tiles: every task makes whole sums.
	rowParts int // tasks that a row of taps is cut into
	together int // panels that a task makes

	// By parts of the batch: every task makes its part of all sums.
	parts int
	sums  []float32 // [parts][panels][KH·run][16]
	pack  bool      // gradients of images are laid out in panels first
}

const (
	weightTasks = 12  // so many tasks by tiles are enough to share
	weightFew   = 64  // with fewer rows they would do too little with what they copy
	weightRows  = 192 // rows of dw that such a task has at most
	weightParts = 16  // parts of the batch at most
)

func convWeightsWith(kern *gemmKernel, p *Pool, g *Conv, x, dy, dw []float32, add bool) {
	g.check(x, dw, dy)
	if g.depthwise() {
		depthwiseWeights(kern, p, g, x, dy, dw, add)
		return
	}
	if set := winogradFor(kern); set.fast && g.winogradFits() && winogradPays(g.N, g.rowAxis(), g.colAxis(), g.C, g.F) {
		winogradWeightsWith(kern, set, p, g, x, dy, dw, add)
		return
	}
	plainWeights(kern, p, g, x, dy, dw, add)
}

// plainWeights sums the products of the images themselves.
func plainWeights(kern *gemmKernel, p *Pool, g *Conv, x, dy, dw []float32, add bool) {
	shared := borrowWorker()
	defer returnWorker(shared)
	s := weightSweep{kern: kern, g: *g, x: x, dy: dy, dw: dw, add: add, regions: shared.cutRegions(g.rowAxis(), g.colAxis())}
	cg, fg := g.C/g.Groups, g.F/g.Groups
	run := g.KW * cg
	off := shared.Offsets(2 * run)
	s.rows, s.sumRows = off[:run], off[run:]
	for i := range run {
		s.rows[i], s.sumRows[i] = int32(i), int32(i*tileWidth)
	}
	work := g.KH * run * fg * g.N * g.OH * g.OW
	if work < mulInline {
		p = nil
	}
	s.panels = g.Groups * ((fg + tileWidth - 1) / tileWidth)
	s.perTap = g.Groups > 1 || g.DilW > 1 || cg >= weightRows/2
	s.rowParts = (run + weightRows - 1) / weightRows
	if s.perTap {
		s.rowParts = g.KW * ((cg + weightRows - 1) / weightRows)
	}
	s.depth = 128
	if tasks := g.KH * s.rowParts * s.panels; tasks >= weightTasks && run >= weightFew {
		if g.Groups == 1 {
			s.together = min(4, tasks/weightTasks)
		}
		s.together = max(1, s.together)
		sides := (s.panels + s.together - 1) / s.together
		For(p, g.KH*s.rowParts*sides, 1, s, weightTileTask)
		return
	}
	s.pack = g.F > tileWidth
	s.parts = max(1, min(g.N, weightParts, work/mulTask))
	size := s.panels * g.KH * run * tileWidth
	s.sums = shared.Scratch(s.parts * size)
	For(p, s.parts, 1, s, weightPartTask)
	For(p, g.KH*run, max(16, 65536/(s.parts*s.panels*tileWidth)), s, weightSum)
}

// weightTileTask does whole sums for some panels of some rows of dw.
func weightTileTask(s *weightSweep, w *Worker, lo, hi int) {
	run := len(s.rows)
	for i := lo; i < hi; i++ {
		q, kh, side := i%s.rowParts, i/s.rowParts%s.g.KH, i/s.rowParts/s.g.KH
		b := weightBlock{s: s, t: &w.tile, kh: kh, flat: true}
		b.i0, b.i1 = q*run/s.rowParts, (q+1)*run/s.rowParts
		b.panel0, b.panel1 = side*s.together, min((side+1)*s.together, s.panels)
		b.size = (b.i1 - b.i0) * tileWidth
		all := s.together * b.size
		wide := 0
		if s.together > 1 {
			wide = s.depth * (b.i1 - b.i0 + 48) // rows apart as multiply has them, at most
		}
		scratch := w.Scratch(all + s.depth*tileWidth + wide)
		b.sums = scratch[:all]
		b.dyRoom = scratch[all : all+s.depth*tileWidth]
		b.xRoom = scratch[all+s.depth*tileWidth:]
		clear(b.sums)
		b.images(0, s.g.N)
		const rows = 16
		for r := b.i0; r < b.i1; r += rows {
			n := min(rows, b.i1-r)
			for panel := b.panel0; panel < b.panel1; panel++ {
				s.finish(panel, kh*run+r, n, b.sums[(panel-b.panel0)*b.size+(r-b.i0)*tileWidth:], s.add)
			}
		}
	}
	w.tile = tile{}
}

// finish writes n rows of sums to dw from row r on, or adds them.
func (s *weightSweep) finish(panel, r, n int, sums []float32, add bool) {
	col, cols := s.columns(panel)
	s.kern.settle(s.dw[r*s.g.F+col:], s.g.F, sums, n, cols, add)
}

// settle is dst[i*dstep+j] = sums[i*16+j], or += with add, for i < rows and j < cols ≤ 16.
func (kern *gemmKernel) settle(dst []float32, dstep int, sums []float32, rows, cols int, add bool) {
	switch {
	case cols == tileWidth && add:
		kern.add(dst, dstep, sums, rows)
		return
	case cols == tileWidth:
		// Each row is a panel of one row.
		kern.copy(dst, dstep, sums, tileWidth, rows, 1)
		return
	}
	for i := range rows {
		to, from := dst[i*dstep:][:cols], sums[i*tileWidth:][:cols]
		if !add {
			copy(to, from)
			continue
		}
		for j, v := range from {
			to[j] += v
		}
	}
}

// weightPartTask does the sums of a part of the batch for all of dw.
func weightPartTask(s *weightSweep, w *Worker, lo, hi int) {
	g := &s.g
	run := len(s.rows)
	pixels := g.OH * g.OW
	size := len(s.sums) / s.parts
	// A few images at a time, so that they stay in the cache meanwhile.
	step := max(1, weightBytes/(4*(g.H*g.W*g.C+pixels*min(g.F, tileWidth))))
	for q := lo; q < hi; q++ {
		part := s.sums[q*size : (q+1)*size]
		clear(part)
		n0, n1 := q*g.N/s.parts, (q+1)*g.N/s.parts
		for n := n0; n < n1; n += step {
			end := min(n+step, n1)
			for panel := range s.panels {
				b := weightBlock{s: s, t: &w.tile, i1: run, panel0: panel, panel1: panel + 1}
				if s.pack {
					col, cols := s.columns(panel)
					b.dyFrom = n
					b.dyPanel = w.Scratch((end - n) * pixels * tileWidth)
					packRows(s.kern, b.dyPanel, s.dy[n*pixels*g.F+col:], g.F, cols, (end-n)*pixels)
				}
				for b.kh = range g.KH {
					b.sums = part[(panel*g.KH+b.kh)*run*tileWidth:]
					b.images(n, end)
				}
			}
		}
	}
	w.tile = tile{}
}

// weightSum makes rows lo to hi of dw of the parts, in order.
func weightSum(s *weightSweep, w *Worker, lo, hi int) {
	size := len(s.sums) / s.parts
	for panel := range s.panels {
		at := (panel*s.g.KH*len(s.rows) + lo) * tileWidth
		for q := range s.parts {
			s.finish(panel, lo, hi-lo, s.sums[q*size+at:], s.add || q > 0)
		}
	}
}

// columns are the first channel of a panel and how many it has.
func (s *weightSweep) columns(panel int) (col, cols int) {
	perGroup := s.panels / s.g.Groups
	fg := s.g.F / s.g.Groups
	col = panel % perGroup * tileWidth
	return panel/perGroup*fg + col, min(tileWidth, fg-col)
}

// weightBlock is the sums of rows i0 to i1 of one row of taps, in panels
// panel0 to panel1, and what is needed while they are made.
type weightBlock struct {
	s              *weightSweep
	t              *tile
	kh             int
	i0, i1         int
	panel0, panel1 int
	sums           []float32 // panel by panel
	size           int       // of a panel's sums

	// flat: the pixels of a block are copied one after the other, their
	// gradients to dyRoom and, for several panels, their inputs to xRoom.
	flat          bool
	dyRoom, xRoom []float32
	// dyPanel has the gradients from image dyFrom in panels; nil: not.
	dyPanel []float32
	dyFrom  int

	h, w   span // pixels that are summed
	r0, r1 int  // rows that they meet
	gap    int  // how much further their inputs lie than they
}

// images adds images n0 to n1.
func (b *weightBlock) images(n0, n1 int) {
	s, g := b.s, &b.s.g
	cg := g.C / g.Groups
	group := b.panel0 / (s.panels / g.Groups)
	*b.t = tile{add: true}
	if s.perTap {
		b.h.o0, b.h.o1 = g.rowAxis().reach(b.kh)
		for kw := range g.KW {
			b.w.o0, b.w.o1 = g.colAxis().reach(kw)
			b.gap = kw*(g.DilW*g.C-cg) + group*cg
			b.r0, b.r1 = max(b.i0, kw*cg), min(b.i1, (kw+1)*cg)
			b.sum(n0, n1)
		}
		return
	}
	for i := range s.regions {
		r := &s.regions[i]
		if r.h.t0 <= b.kh && b.kh < r.h.t1 {
			b.h, b.w = r.h, r.w
			b.r0, b.r1 = max(b.i0, r.w.t0*cg), min(b.i1, r.w.t1*cg)
			b.sum(n0, n1)
		}
	}
}

// pixelStep is a distance in x and in dy, in pixels.
type pixelStep struct{ x, dy int }

// sum adds the pixels in images n0 to n1, about depth at a time.
func (b *weightBlock) sum(n0, n1 int) {
	high, wide := b.h.o1-b.h.o0, b.w.o1-b.w.o0
	if b.r0 >= b.r1 || high == 0 || wide == 0 {
		return
	}
	s, g := b.s, &b.s.g
	image := pixelStep{g.H * g.W, g.OH * g.OW}
	row := pixelStep{g.StrideH * g.W, g.OW}
	pixel := pixelStep{g.StrideW, 1}
	switch pixels := high * wide; {
	case pixels == 1:
		// One pixel an image: the images make the segment.
		for n := n0; n < n1; n += s.depth {
			b.multiply(n, b.h.o0, b.w.o0, 1, 1, min(s.depth, n1-n), image, image, image)
		}
	case wide == 1 && high <= s.depth:
		// A column: the segment runs downwards.
		step := s.depth / high
		for n := n0; n < n1; n += step {
			b.multiply(n, b.h.o0, b.w.o0, min(step, n1-n), 1, high, image, row, row)
		}
	case pixels <= s.depth:
		step := s.depth / pixels
		for n := n0; n < n1; n += step {
			b.multiply(n, b.h.o0, b.w.o0, min(step, n1-n), high, wide, image, row, pixel)
		}
	default:
		// Large images: some rows at a time, or parts of a row.
		rows := max(1, s.depth/wide)
		for n := n0; n < n1; n++ {
			for oy := b.h.o0; oy < b.h.o1; oy += rows {
				for ox := b.w.o0; ox < b.w.o1; ox += s.depth {
					b.multiply(n, oy, ox, 1, min(rows, b.h.o1-oy), min(s.depth, b.w.o1-ox), image, row, pixel)
				}
			}
		}
	}
}

// multiply sums over outs·segs·kl pixels from output (oy, ox) of image n.
func (b *weightBlock) multiply(n, oy, ox, outs, segs, kl int, out, seg, step pixelStep) {
	s, t, g := b.s, b.t, &b.s.g
	iy := oy*g.StrideH - g.PadTop + b.kh*g.DilH
	ix := ox*g.StrideW - g.PadLeft // of tap column 0, which may lie outside
	x := ((n*g.H+iy)*g.W+ix)*g.C + b.gap + b.r0
	t.m = b.r1 - b.r0
	t.aoff, t.coff = s.rows, s.sumRows
	t.a, t.a0 = s.x, x
	t.outs, t.segs, t.kl = outs, segs, kl
	t.aout, t.aseg, t.astep = out.x*g.C, seg.x*g.C, step.x*g.C
	pixels := outs * segs * kl
	if b.flat && len(b.xRoom) > 0 {
		// An odd number of cache lines apart, so that they fall everywhere.
		apart := roundUp(t.m, 32) + 16
		i := 0
		for o := range outs {
			for q := range segs {
				from := x + o*t.aout + q*t.aseg
				for range kl {
					copy(b.xRoom[i:], s.x[from:from+t.m])
					from += t.astep
					i += apart
				}
			}
		}
		t.a, t.a0, t.astep = b.xRoom, 0, apart
		t.outs, t.segs, t.kl = 1, 1, pixels
		t.aout, t.aseg = 0, 0
	}
	dy := (n*g.OH+oy)*g.OW + ox
	for panel := b.panel0; panel < b.panel1; panel++ {
		col, cols := s.columns(panel)
		t.cols = cols
		t.c = b.sums[(panel-b.panel0)*b.size+(b.r0-b.i0)*tileWidth:]
		switch {
		case b.flat:
			i := 0
			for o := range outs {
				for q := range segs {
					packRows(s.kern, b.dyRoom[i:], s.dy[(dy+o*out.dy+q*seg.dy)*g.F+col:], step.dy*g.F, cols, kl)
					i += kl * tileWidth
				}
			}
			t.b = b.dyRoom
			t.bout, t.bseg, t.bstep = segs*kl*tileWidth, kl*tileWidth, tileWidth
		case b.dyPanel != nil:
			t.b = b.dyPanel[(dy-b.dyFrom*g.OH*g.OW)*tileWidth:]
			t.bout, t.bseg, t.bstep = out.dy*tileWidth, seg.dy*tileWidth, step.dy*tileWidth
		default:
			t.b = s.dy[dy*g.F+col:]
			t.bout, t.bseg, t.bstep = out.dy*g.F, seg.dy*g.F, step.dy*g.F
		}
		s.kern.byCol(t)
	}
}
