package compute

// Curve is an activation that a product's outputs go through while they lie in
// the cache. The zero value is none.
type Curve struct {
	On    bool
	Act   Act
	Alpha float32 // as ActForward has it
}

// bend is y = a(y).
func (c *Curve) bend(y []float32) { vec.act[c.Act](y, y, c.Alpha) }

type curveArgs struct {
	Curve
	y      []float32
	cols   int
	stride int
}

// sweep bends the first cols columns of rows rows, stride apart: for products that
// have no better place for it.
func (c Curve) sweep(p *Pool, rows, cols int, y []float32, stride int) {
	switch {
	case !c.On || cols == 0:
	case cols == stride:
		ActForward(p, c.Act, c.Alpha, y[:rows*cols], y[:rows*cols])
	default:
		For(p, rows, max(1, c.Act.grain()/cols), curveArgs{c, y, cols, stride}, func(t *curveArgs, _ *Worker, lo, hi int) {
			for r := lo; r < hi; r++ {
				t.bend(t.y[r*t.stride:][:t.cols])
			}
		})
	}
}

// bend puts a rectangle of an image's output pixels through the curve, in columns
// j0 to j1: row by row where these are all columns.
func (s *sweep) bend(img, y0, y1, x0, x1, j0, j1 int) {
	run, pixels := j1-j0, x1-x0
	if run == s.outPixel {
		run, pixels = run*pixels, 1
	}
	for y := y0; y < y1; y++ {
		at := img*s.outImage + y*s.outRow + x0*s.outPixel + s.out0 + j0
		for range pixels {
			s.curve.bend(s.out[at : at+run])
			at += s.outPixel
		}
	}
}

// bendPixels puts the pixels that begin at coff in out through the curve, in columns
// j0 to j1: neighbours in one go where these are all columns.
func (s *sweep) bendPixels(out []float32, coff []int32, j0, j1 int) {
	run := j1 - j0
	for k := 0; k < len(coff); {
		first, end := int(coff[k])+j0, int(coff[k])+j1
		for k++; run == s.outPixel && k < len(coff) && int(coff[k]) == end; k++ {
			end += run
		}
		s.curve.bend(out[first:end])
	}
}

// bendTiles puts tiles t0 to t1 through the curve, in columns j0 to j1.
func (g *winogradSweep) bendTiles(t0, t1, j0, j1 int) {
	for i := t0; i < t1 && g.curve.On; i++ {
		img, y, x := g.tiles.place(i)
		g.bend(img, y, min(y+winoSide, g.h.out), x, min(x+winoSide, g.w.out), j0, j1)
	}
}
