package compute

// sweep is a convolution as a product over runs of memory: for every output
// pixel the inputs under one row of taps lie side by side, channels last, and
// one row of the image after the other. A kernel gets the address of that run
// for each of its rows; no image is copied or unfolded. The forward pass is
// one sweep, the data gradient one for each phase of the stride, grouped
// convolutions one for each group.
type sweep struct {
	kern *gemmKernel
	n    int  // images
	h, w axis // rows, columns

	in                      []float32
	in0                     int // first channel
	inImage, inRow, inPixel int // distances
	c                       int // channels that are summed

	out                        []float32
	out0                       int // first pixel and channel
	outImage, outRow, outPixel int
	f                          int // channels that are made

	// Tap (th, tw) has its weights at w0 + th·wH·wRow + tw·wW·wTap: wStep apart
	// for the c summed channels and side by side for the f made ones, or, back,
	// the other way round.
	weights                       []float32
	w0, wRow, wTap, wStep, wH, wW int
	back                          bool

	bias      []float32
	add, relu bool
	ceil      float32
	curve     Curve
	kept      []float32 // the weights in panels, if they are laid out already

	regions    []region
	aoff, coff []int32   // of the pixels of a group of images, region by region
	group      int       // images in the tables
	packed     []float32 // all panels; nil when tasks pack their own
	panels     int       // panels a task
	colGroups  int       // tasks side by side
	rows       int       // pixels of a group that a task does, where it does not do all
	chunks     int       // tasks of a group, one below the other
}

const (
	convRows   = 192 // pixels between changes of panel
	convGroup  = 128 // pixels that a group of images should have
	convImages = 12  // images that fill tiles of one pixel each
	convLocal  = 512 // up to so many pixels tasks pack their own panels
)

// taps is one block of the sum: taps h0 to h1 of the rows and w0 to w1 of the
// columns, channels c0 to c1.
type taps struct{ h0, h1, w0, w1, c0, c1 int }

func (b taps) depth() int { return (b.h1 - b.h0) * (b.w1 - b.w0) * (b.c1 - b.c0) }

// joined says that the inputs under a row of taps are one run.
func (s *sweep) joined() bool { return s.c == s.inPixel && s.w.dil == 1 }

// nextBlock is the block after b, which has the zero value at the start; ok is
// false at the end. A block has at most kcMost steps and goes through memory in
// runs with equal gaps.
func (s *sweep) nextBlock(b taps) (next taps, ok bool) {
	row := s.w.taps * s.c
	switch {
	case s.h.taps == 0 || s.w.taps == 0:
		return b, false
	case row <= kcMost && s.joined():
		if b.h1 == s.h.taps {
			return b, false
		}
		h1 := b.h1 + max(1, (blockEnd(b.h1*row, s.h.taps*row, kcMost)-b.h1*row)/row)
		return taps{b.h1, min(h1, s.h.taps), 0, s.w.taps, 0, s.c}, true
	case s.c <= kcMost:
		next = taps{b.h0, b.h1, b.w1, 0, 0, s.c}
		if b.w1 == s.w.taps || b.h1 == 0 {
			if b.h1 == s.h.taps {
				return b, false
			}
			next.h0, next.h1, next.w0 = b.h1, b.h1+1, 0
		}
		w1 := next.w0 + max(1, (blockEnd(next.w0*s.c, row, kcMost)-next.w0*s.c)/s.c)
		next.w1 = min(w1, s.w.taps)
		return next, true
	default:
		next = taps{b.h0, b.h1, b.w0, b.w1, b.c1, 0}
		if b.c1 == s.c || b.h1 == 0 {
			next.c0 = 0
			next.w0, next.w1 = b.w1, b.w1+1
			if b.w1 == s.w.taps || b.h1 == 0 {
				if b.h1 == s.h.taps {
					return b, false
				}
				next.h0, next.h1, next.w0, next.w1 = b.h1, b.h1+1, 0, 1
			}
		}
		next.c1 = blockEnd(next.c0, s.c, kcMost)
		return next, true
	}
}

// run does the sweep on p's threads.
func (s *sweep) run(p *Pool) {
	if s.n == 0 || s.h.out == 0 || s.w.out == 0 {
		return
	}
	if set := winogradFor(s.kern); set.fast && s.winogradFits() && winogradPays(s.n, s.h, s.w, s.c, s.f) {
		s.winograd(p, set, nil)
		return
	}
	s.plain(p)
}

// plain does the sweep as products of the images themselves.
func (s *sweep) plain(p *Pool) {
	shared := borrowWorker()
	defer returnWorker(shared)
	s.regions = shared.cutRegions(s.h, s.w)
	pixels := s.h.out * s.w.out
	all := (s.f + tileWidth - 1) / tileWidth
	depth := s.h.taps * s.w.taps * s.c
	work := s.n * pixels * depth * s.f
	if work < mulInline {
		p = nil
	}
	if s.kept != nil {
		s.packed = s.kept
		s.group = s.imageGroup(pixels)
		s.blocks(p, pixels, all, depth)
		return
	}
	if s.n*pixels <= convLocal && all >= 4 {
		s.group = s.n
		s.panels = max(1, min(all/4, mulTask/max(1, s.n*pixels*depth*tileWidth)))
		s.packed = nil
	} else {
		s.group = s.imageGroup(pixels)
		s.panels = all
		s.pack(p, shared, all, depth)
		if groups := (s.n + s.group - 1) / s.group; groups < 8 {
			s.blocks(p, pixels, all, depth)
			return
		}
	}
	s.colGroups = (all + s.panels - 1) / s.panels
	s.tables(shared, s.group*pixels)
	groups := (s.n + s.group - 1) / s.group
	grain := max(1, mulTask/max(1, work/(groups*s.colGroups)))
	// Whole rows of tasks, so that a chunk keeps its panels.
	grain = min(grain, max(1, groups*s.colGroups/8))
	For(p, groups*s.colGroups, grain, *s, sweepTask)
}

// imageGroup is how many images are done together: regions of one pixel should
// fill a tile, the images stay in the cache.
func (s *sweep) imageGroup(pixels int) int {
	fit := convBytes / (4 * (s.inImage + s.outImage))
	return min(s.n, max(1, convGroup/pixels, min(fit, convImages, s.n/8)))
}

// pack lays out the weights in panels of sixteen columns, unless they lie so
// already.
func (s *sweep) pack(p *Pool, shared *Worker, all, depth int) {
	if !s.back && s.f == tileWidth && s.wStep == tileWidth && s.w0 == 0 {
		s.packed = s.weights
		return
	}
	s.packed = shared.Scratch(max(1, all*depth*tileWidth))
	if depth > 0 {
		For(p, all*s.h.taps, max(1, 8192/(depth/s.h.taps*tileWidth)), *s, sweepPack)
	}
}

// sweepPack packs the weights of one row of taps of one panel at a time.
func sweepPack(s *sweep, w *Worker, lo, hi int) {
	row := s.w.taps * s.c * tileWidth
	for i := lo; i < hi; i++ {
		j, th := i/s.h.taps, i%s.h.taps
		s.packBlock(s.packed[i*row:(i+1)*row], j*tileWidth, taps{th, th + 1, 0, s.w.taps, 0, s.c})
	}
}

// packBlock packs the weights of a block for the columns from col.
func (s *sweep) packBlock(dst []float32, col int, b taps) {
	cols := min(tileWidth, s.f-col)
	k := b.c1 - b.c0
	for th := b.h0; th < b.h1; th++ {
		for tw := b.w0; tw < b.w1; tw++ {
			at := s.w0 + th*s.wH*s.wRow + tw*s.wW*s.wTap
			if s.back {
				s.kern.pack(dst, s.weights[at+col*s.wStep+b.c0:], s.wStep, cols, k)
			} else {
				packRows(s.kern, dst, s.weights[at+b.c0*s.wStep+col:], s.wStep, cols, k)
			}
			dst = dst[k*tileWidth:]
		}
	}
}

// tables fills in where the pixels of a group of images begin in the input
// (at tap 0, which may lie outside) and in the output.
func (s *sweep) tables(shared *Worker, n int) {
	off := shared.Offsets(2 * n)
	s.aoff, s.coff = off[:n], off[n:]
	for i := range s.regions {
		r := &s.regions[i]
		r.row *= s.group
		k := r.row
		for img := range s.group {
			for oy := r.h.o0; oy < r.h.o1; oy++ {
				a := img*s.inImage + (oy*s.h.stride-s.h.pad)*s.inRow + (r.w.o0*s.w.stride-s.w.pad)*s.inPixel + s.in0
				c := img*s.outImage + oy*s.outRow + r.w.o0*s.outPixel + s.out0
				for range r.w.o1 - r.w.o0 {
					s.aoff[k], s.coff[k] = int32(a), int32(c)
					k++
					a += s.w.stride * s.inPixel
					c += s.outPixel
				}
			}
		}
	}
}

// sweepTask does groups of images, each for a range of panels.
func sweepTask(s *sweep, w *Worker, lo, hi int) {
	for i := lo; i < hi; i++ {
		img := i / s.colGroups * s.group
		j0 := i % s.colGroups * s.panels * tileWidth
		j1 := min(j0+s.panels*tileWidth, s.f)
		s.images(w, img, min(s.group, s.n-img), j0, j1)
	}
	w.tile = tile{}
}

// images does n images from img and columns j0 to j1.
func (s *sweep) images(w *Worker, img, n, j0, j1 int) {
	t := &w.tile
	*t = tile{a: s.in[img*s.inImage:], outs: 1, bstep: tileWidth}
	out := s.out[img*s.outImage:]
	for b, ok := s.nextBlock(taps{}); ok || b == (taps{}); b, ok = s.nextBlock(b) {
		if s.packed == nil {
			for j := j0; j < j1; j += tileWidth {
				t.b = w.Scratch(b.depth() * tileWidth)
				s.packBlock(t.b, j, b)
				panel := t.b
				for i := range s.regions {
					r := &s.regions[i]
					t.aoff, t.coff = s.aoff[r.row:], s.coff[r.row:]
					s.strip(t, r, b, b, panel, out, n*r.pixels(), j)
				}
			}
		} else {
			whole := taps{0, s.h.taps, 0, s.w.taps, 0, s.c}
			step := whole.depth() * tileWidth
			for i := range s.regions {
				r := &s.regions[i]
				m := n * r.pixels()
				for m0 := 0; m0 < m; m0 += convRows {
					for j := j0; j < j1; j += tileWidth {
						t.aoff, t.coff = s.aoff[r.row+m0:], s.coff[r.row+m0:]
						s.strip(t, r, b, whole, s.packed[j/tileWidth*step:], out, min(convRows, m-m0), j)
					}
				}
			}
		}
		if !ok {
			break
		}
	}
	if s.curve.On {
		for i := range n {
			s.bend(img+i, 0, s.h.out, 0, s.w.out, j0, j1)
		}
	}
}

// strip adds block b to m pixels of region r, those that t's tables begin with,
// in columns j to j+16. panel holds the weights of the block has.
func (s *sweep) strip(t *tile, r *region, b, has taps, panel, out []float32, m, j int) {
	h0, h1 := max(r.h.t0, b.h0), min(r.h.t1, b.h1)
	w0, w1 := max(r.w.t0, b.w0), min(r.w.t1, b.w1)
	t.m, t.cols = m, min(tileWidth, s.f-j)
	t.c = out[j:]
	var first, last bool
	if r.empty() {
		// No tap hits the image: what is left is the end of the sum.
		if b.h0 > 0 || b.w0 > 0 || b.c0 > 0 {
			return
		}
		first, last = true, true
		t.segs, t.kl = 0, 0
	} else {
		if h0 >= h1 || w0 >= w1 {
			return
		}
		first = h0 == r.h.t0 && w0 == r.w.t0 && b.c0 == 0
		last = h1 == r.h.t1 && w1 == r.w.t1 && b.c1 == s.c
		c := has.c1 - has.c0
		t.a0 = h0*s.h.dil*s.inRow + w0*s.w.dil*s.inPixel + b.c0
		t.b = panel[(((h0-has.h0)*(has.w1-has.w0)+w0-has.w0)*c+b.c0-has.c0)*tileWidth:]
		if s.joined() && b.c1-b.c0 == s.c {
			t.segs, t.kl = h1-h0, (w1-w0)*s.c
			t.aseg, t.bseg = s.h.dil*s.inRow, (has.w1-has.w0)*c*tileWidth
		} else {
			t.segs, t.kl = w1-w0, b.c1-b.c0
			t.aseg, t.bseg = s.w.dil*s.inPixel, c*tileWidth
		}
	}
	t.add = s.add || !first
	t.relu, t.ceil = s.relu && last, s.ceil
	t.bias = nil
	if last && s.bias != nil {
		t.bias = s.bias[j:]
	}
	s.kern.byRow(t)
}
