package compute

import "fmt"

// Weights that many passes share are laid out once: in panels of sixteen
// columns, each a run of memory that the kernels read from end to end,
//
//	[panel][KH·KW][C][16]
//
// or, for 3×3 filters over larger images, transformed for Winograd's
// convolution. Where few pixels meet many weights, packing them anew in every
// pass is a sixth of the time, since a panel's rows lie far apart.

// PackedLen is how many floats PackConv writes; 0 says that g has nothing to
// win by it. It does not depend on N.
func (g *Conv) PackedLen() int { return g.packedLen(kernelInUse) }

func (g *Conv) packedLen(kern *gemmKernel) int {
	panels := (g.F + tileWidth - 1) / tileWidth
	switch {
	case g.Groups > 1:
		return 0
	case g.keptWinograd(kern):
		return panels * 36 * winogradApart(g.C)
	}
	return panels * g.KH * g.KW * g.C * tileWidth
}

// PackConv lays out w for ConvForwardPacked.
func PackConv(p *Pool, g *Conv, w, packed []float32) {
	packConvWith(kernelInUse, p, g, w, packed)
}

// ConvForwardPacked is ConvForward with weights that PackConv laid out for the
// same kernel and a Conv that differs at most in N.
func ConvForwardPacked(p *Pool, g *Conv, x, packed, y []float32, e Epilogue) {
	convPackedWith(kernelInUse, p, g, x, packed, y, e)
}

func packConvWith(kern *gemmKernel, p *Pool, g *Conv, w, packed []float32) {
	if n := g.packedLen(kern); n == 0 || len(packed) < n || len(w) < g.KH*g.KW*g.C*g.F {
		panic(fmt.Sprintf("compute: packing %d weights of %+v to %d, wants %d", len(w), *g, len(packed), n))
	}
	s := g.forwardSweep(kern, nil, w, nil, Epilogue{})
	panels := (g.F + tileWidth - 1) / tileWidth
	if g.keptWinograd(kern) {
		q := winogradSweep{sweep: s, set: winogradFor(kern), transformed: packed}
		q.tiles.apart = winogradApart(g.C)
		For(p, panels, 1, q, winogradFilters)
		return
	}
	s.packed = packed
	For(p, panels*g.KH, max(1, 8192/(g.KW*g.C*tileWidth)), s, sweepPack)
}

func convPackedWith(kern *gemmKernel, p *Pool, g *Conv, x, packed, y []float32, e Epilogue) {
	g.checkImages(x, y)
	if g.N == 0 || g.OH == 0 || g.OW == 0 {
		return
	}
	s := g.forwardSweep(kern, x, nil, y, e)
	if g.keptWinograd(kern) {
		s.winograd(p, winogradFor(kern), packed)
		return
	}
	s.kept = packed
	s.run(p)
}

const convTasks = 16 // so many tasks are enough to share

// blocks does the sweep with packed panels, in tasks that are rectangles of
// pixels and panels: a group of few images has pixels enough to share.
func (s *sweep) blocks(p *Pool, pixels, all, depth int) {
	groups := (s.n + s.group - 1) / s.group
	m := s.group * pixels
	parts := (m + convRows - 1) / convRows
	s.rows = min(m, roundUp((m+parts-1)/parts, 6))
	s.chunks = (m + s.rows - 1) / s.rows
	tasks := groups * s.chunks
	s.panels = all
	if tasks < convTasks {
		least := mulTask / max(1, s.rows*depth*tileWidth)
		s.panels = max(1, min(all, max(least, all*tasks/convTasks)))
	}
	s.colGroups = (all + s.panels - 1) / s.panels
	grain := max(1, mulTask/max(1, s.rows*depth*s.panels*tileWidth))
	For(p, tasks*s.colGroups, min(grain, max(1, tasks*s.colGroups/8)), *s, sweepBlockTask)
}

// sweepBlockTask does rectangles lo to hi.
func sweepBlockTask(s *sweep, w *Worker, lo, hi int) {
	pixels := s.h.out * s.w.out
	whole := taps{0, s.h.taps, 0, s.w.taps, 0, s.c}
	step := whole.depth() * tileWidth
	t := &w.tile
	var r0, r1 int
	var aoff, coff []int32
	for i := lo; i < hi; i++ {
		q := i / s.colGroups
		img := q / s.chunks * s.group
		n := min(s.group, s.n-img)
		j0 := i % s.colGroups * s.panels * tileWidth
		j1 := min(j0+s.panels*tileWidth, s.f)
		if i == lo || i%s.colGroups == 0 {
			r0 = q % s.chunks * s.rows
			r1 = min(r0+s.rows, n*pixels)
			off := w.Offsets(2 * max(0, r1-r0))
			aoff, coff = off[:len(off)/2], off[len(off)/2:]
			s.offsets(aoff, coff, n, r0)
		}
		if r0 >= r1 {
			continue
		}
		*t = tile{a: s.in[img*s.inImage:], outs: 1, bstep: tileWidth}
		out := s.out[img*s.outImage:]
		for b, ok := s.nextBlock(taps{}); ok || b == (taps{}); b, ok = s.nextBlock(b) {
			for k := range s.regions {
				r := &s.regions[k]
				from, to := max(r0, r.row*n), min(r1, (r.row+r.pixels())*n)
				if from >= to {
					continue
				}
				t.aoff, t.coff = aoff[from-r0:], coff[from-r0:]
				for j := j0; j < j1; j += tileWidth {
					s.strip(t, r, b, whole, s.packed[j/tileWidth*step:], out, to-from, j)
				}
			}
			if !ok {
				break
			}
		}
		if s.curve.On {
			s.bendPixels(out, coff, j0, j1)
		}
	}
	*t = tile{}
}

// offsets fills in where pixels of n images begin, as tables does for a whole
// group: from number first on, region by region and image by image.
func (s *sweep) offsets(aoff, coff []int32, n, first int) {
	k := 0
	for i := range s.regions {
		r := &s.regions[i]
		wide, pixels := r.w.o1-r.w.o0, r.pixels()
		for at := max(0, first+k-r.row*n); at < pixels*n && k < len(aoff); {
			img, oy, ox := at/pixels, r.h.o0+at%pixels/wide, r.w.o0+at%wide
			a := img*s.inImage + (oy*s.h.stride-s.h.pad)*s.inRow + (ox*s.w.stride-s.w.pad)*s.inPixel + s.in0
			c := img*s.outImage + oy*s.outRow + ox*s.outPixel + s.out0
			run := min(r.w.o1-ox, len(aoff)-k)
			for range run {
				aoff[k], coff[k] = int32(a), int32(c)
				k++
				a += s.w.stride * s.inPixel
				c += s.outPixel
			}
			at += run
		}
	}
}
