package compute

// weightSweep is the weight gradient as products of columns: the inputs under
// one row of taps, neighbours in memory, are the rows of the product, sixteen
// output channels its columns, and the sum runs over output pixels, row by row
// and image by image. It is made in panels of sixteen columns, so that it
// stays in the cache however many channels there are, and added to dw at the
// end.
type weightSweep struct {
	kern      *gemmKernel
	g         Conv
	x, dy, dw []float32
	regions   []region
	rows      []int32 // 0, 1, 2, ...: offsets of neighbours in x
	sumRows   []int32 // 0, 16, 32, ...: offsets of their sums

	rowParts int // tasks that a row of taps is cut into
	panels   int // of all groups
	together int // panels that a task does
	depth    int // pixels summed at a time
	pack     bool
	parts    int       // of the batch, each with sums of its own
	sums     []float32 // [parts][panels][KH·run][16], when there are parts
}

const (
	weightTasks = 12        // so many tasks by tiles are enough to share
	weightRows  = 192       // rows of dw that such a task has at most
	weightParts = 16        // parts of the batch at most
	weightBytes = 128 << 10 // of images that are worked on together
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
	s.rowParts = (run + weightRows - 1) / weightRows
	s.panels = g.Groups * ((fg + tileWidth - 1) / tileWidth)
	// Pixels far apart share few places in the cache: fewer of them at a time,
	// and their gradients side by side.
	s.depth = 256
	if g.C >= 48 || g.F > tileWidth {
		s.depth = 128
	}
	s.pack = g.F > tileWidth
	if tasks := g.KH * s.rowParts * s.panels; tasks >= weightTasks {
		// With many panels a task does some side by side, so that dw is gone
		// through in longer runs.
		s.together = max(1, min(4, tasks/48))
		if g.Groups > 1 {
			s.together = 1
		}
		sides := (s.panels + s.together - 1) / s.together
		For(p, g.KH*s.rowParts*sides, 1, s, weightTileTask)
		return
	}
	s.parts = max(1, min(g.N, weightParts, work/mulTask))
	size := s.panels * g.KH * run * tileWidth
	s.sums = shared.Scratch(s.parts * size)
	For(p, s.parts, 1, s, weightPartTask)
	For(p, g.KH*run, max(1, 65536/(s.parts*s.panels*tileWidth)), s, weightSum)
}

// weightTileTask does whole sums for some panels of some rows of dw.
func weightTileTask(s *weightSweep, w *Worker, lo, hi int) {
	run := len(s.rows)
	for i := lo; i < hi; i++ {
		q, kh, side := i%s.rowParts, i/s.rowParts%s.g.KH, i/s.rowParts/s.g.KH
		i0, i1 := q*run/s.rowParts, (q+1)*run/s.rowParts
		panel0, panel1 := side*s.together, min((side+1)*s.together, s.panels)
		size := (i1 - i0) * tileWidth
		scratch := w.Scratch(s.together*size + s.depth*tileWidth)
		room := scratch[s.together*size:]
		clear(scratch[:s.together*size])
		for panel := panel0; panel < panel1; panel++ {
			s.images(w, 0, s.g.N, kh, i0, i1, panel, scratch[(panel-panel0)*size:], room)
		}
		const rows = 16
		for r := i0; r < i1; r += rows {
			n := min(rows, i1-r)
			for panel := panel0; panel < panel1; panel++ {
				s.finish(panel, kh*run+r, n, scratch[(panel-panel0)*size+(r-i0)*tileWidth:])
			}
		}
	}
	w.tile = tile{}
}

// finish adds n rows of sums to dw from row r.
func (s *weightSweep) finish(panel, r, n int, sums []float32) {
	col, cols := s.columns(panel)
	if cols == tileWidth {
		s.kern.add(s.dw[r*s.g.F+col:], s.g.F, sums, n)
		return
	}
	for i := range n {
		dw := s.dw[(r+i)*s.g.F+col:][:cols]
		for j, v := range sums[i*tileWidth:][:cols] {
			dw[j] += v
		}
	}
}

// weightPartTask does the sums of a part of the batch for all of dw.
func weightPartTask(s *weightSweep, w *Worker, lo, hi int) {
	g := &s.g
	run := len(s.rows)
	room := w.Scratch(s.depth * tileWidth)
	for q := lo; q < hi; q++ {
		size := len(s.sums) / s.parts
		part := s.sums[q*size : (q+1)*size]
		clear(part)
		n0, n1 := q*g.N/s.parts, (q+1)*g.N/s.parts
		// A few images at a time, so that they stay in the cache meanwhile.
		step := max(1, weightBytes/(4*(g.H*g.W*g.C+g.OH*g.OW*g.F)))
		for n := n0; n < n1; n += step {
			for panel := range s.panels {
				for kh := range g.KH {
					s.images(w, n, min(n+step, n1), kh, 0, run, panel, part[(panel*g.KH+kh)*run*tileWidth:], room)
				}
			}
		}
	}
	w.tile = tile{}
}

// weightSum adds the parts to rows lo to hi of dw, in order.
func weightSum(s *weightSweep, w *Worker, lo, hi int) {
	size := len(s.sums) / s.parts
	for panel := range s.panels {
		col, cols := s.columns(panel)
		at := panel * s.g.KH * len(s.rows)
		for r := lo; r < hi; r++ {
			var sum [tileWidth]float32
			for q := range s.parts {
				for j, v := range (*[tileWidth]float32)(s.sums[q*size+(at+r)*tileWidth:]) {
					sum[j] += v
				}
			}
			dw := s.dw[r*s.g.F+col:][:cols]
			for j := range dw {
				dw[j] += sum[j]
			}
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

// images adds images n0 to n1 to the sums of rows i0 to i1 of tap row kh, in
// one panel.
func (s *weightSweep) images(w *Worker, n0, n1, kh, i0, i1, panel int, sums, room []float32) {
	g := &s.g
	cg := g.C / g.Groups
	group := panel / (s.panels / g.Groups)
	t := &w.tile
	*t = tile{a: s.x, add: true}
	b := weightBlock{s: s, t: t, kh: kh, sums: sums, room: room}
	b.col, t.cols = s.columns(panel)
	joined := g.Groups == 1 && g.DilW == 1
	for i := range s.regions {
		r := &s.regions[i]
		if kh < r.h.t0 || kh >= r.h.t1 {
			continue
		}
		b.r = r
		if joined {
			b.gap, b.first = 0, i0
			b.i0, b.i1 = max(i0, r.w.t0*cg), min(i1, r.w.t1*cg)
			b.sum(n0, n1)
			continue
		}
		for kw := r.w.t0; kw < r.w.t1; kw++ {
			// Neighbouring taps are apart in the image: one at a time.
			b.gap, b.first = kw*(g.DilW*g.C-cg)+group*cg, i0
			b.i0, b.i1 = max(i0, kw*cg), min(i1, (kw+1)*cg)
			b.sum(n0, n1)
		}
	}
}

// weightBlock is the products of one region with rows i0 to i1 of a tap row.
type weightBlock struct {
	s          *weightSweep
	t          *tile
	r          *region
	kh, col    int
	first      int // row of the first sum
	i0, i1     int
	gap        int // how much further the inputs of the rows lie than the rows
	sums, room []float32
}

// sum adds images n0 to n1, at most depth pixels at a time if that can be.
func (b *weightBlock) sum(n0, n1 int) {
	if b.i0 >= b.i1 {
		return
	}
	s, t, g, r := b.s, b.t, &b.s.g, b.r
	t.m = b.i1 - b.i0
	t.aoff = s.rows[b.i0:]
	t.coff = s.sumRows[b.i0-b.first:]
	t.c = b.sums
	high, wide := r.h.o1-r.h.o0, r.w.o1-r.w.o0
	image := pixelStep{g.H * g.W * g.C, g.OH * g.OW * g.F}
	row := pixelStep{g.StrideH * g.W * g.C, g.OW * g.F}
	pixel := pixelStep{g.StrideW * g.C, g.F}
	switch pixels := high * wide; {
	case pixels == 1:
		// One pixel an image: the images make the segment.
		for n := n0; n < n1; n += s.depth {
			b.multiply(n, r.h.o0, 1, 1, min(s.depth, n1-n), image, image, image)
		}
	case wide == 1 && high <= s.depth:
		// A column: the segment runs downwards.
		step := max(1, s.depth/high)
		for n := n0; n < n1; n += step {
			b.multiply(n, r.h.o0, min(step, n1-n), 1, high, image, row, row)
		}
	case pixels <= s.depth:
		step := s.depth / pixels
		for n := n0; n < n1; n += step {
			b.multiply(n, r.h.o0, min(step, n1-n), high, wide, image, row, pixel)
		}
	default:
		// Large images: some rows at a time.
		step := max(1, s.depth/wide)
		for n := n0; n < n1; n++ {
			for oy := r.h.o0; oy < r.h.o1; oy += step {
				b.multiply(n, oy, 1, min(step, r.h.o1-oy), wide, image, row, pixel)
			}
		}
	}
}

// pixelStep is a distance in x and in dy.
type pixelStep struct{ x, dy int }

// multiply sums over outs·segs·kl pixels from row oy of image n.
func (b *weightBlock) multiply(n, oy, outs, segs, kl int, out, seg, step pixelStep) {
	s, t, g := b.s, b.t, &b.s.g
	iy := oy*g.StrideH - g.PadTop + b.kh*g.DilH
	ix := b.r.w.o0*g.StrideW - g.PadLeft
	t.a0 = ((n*g.H+iy)*g.W+ix)*g.C + b.gap
	t.outs, t.segs, t.kl = outs, segs, kl
	t.aout, t.aseg, t.astep = out.x, seg.x, step.x
	t.b = s.dy[((n*g.OH+oy)*g.OW+b.r.w.o0)*g.F+b.col:]
	t.bout, t.bseg, t.bstep = out.dy, seg.dy, step.dy
	if s.pack && outs*segs*kl <= s.depth {
		to := b.room
		for i := range outs {
			for j := range segs {
				packRows(s.kern, to, t.b[i*out.dy+j*seg.dy:], step.dy, t.cols, kl)
				to = to[kl*tileWidth:]
			}
		}
		t.b = b.room
		t.bout, t.bseg, t.bstep = segs*kl*tileWidth, kl*tileWidth, tileWidth
	}
	s.kern.byCol(t)
}
