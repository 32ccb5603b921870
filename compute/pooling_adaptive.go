package compute

// Adaptive is the geometry of a pooling whose output size is given and whose
// windows follow from it: output row i of OH covers the rows from ⌊i·H/OH⌋ to
// below ⌈(i+1)·H/OH⌉, columns likewise. Windows may overlap and differ by a row.
type Adaptive struct{ N, H, W, C, OH, OW int }

func (g *Adaptive) in() int  { return g.N * g.H * g.W * g.C }
func (g *Adaptive) out() int { return g.N * g.OH * g.OW * g.C }

// window is the window of output (oh, ow).
func (g *Adaptive) window(oh, ow int) poolWindow {
	h0, h1 := portion(oh, g.H, g.OH)
	w0, w1 := portion(ow, g.W, g.OW)
	return poolWindow{kh: h1 - h0, kw: w1 - w0, row: g.W * g.C, c: g.C, stride: w1 - w0, h0: h0, w0: w0}
}

// portion is part i of parts of n.
func portion(i, n, parts int) (from, to int) {
	return i * n / parts, ((i+1)*n + parts - 1) / parts
}

// imageGrain is the number of images of a chunk: windows may overlap, so a
// gradient is never shared below an image.
func (g *Adaptive) imageGrain() int { return max(1, heavyGrain/max(1, g.H*g.W*g.C)) }

// rowGrain is the number of output rows of a chunk.
func (g *Adaptive) rowGrain() int { return max(1, heavyGrain/max(1, g.H*g.W*g.C/max(1, g.OH))) }

type adaptiveArgs struct {
	g            Adaptive
	x, y, dy, dx []float32
	max          bool
}

// AdaptiveForward is y = the mean of each window, or with largest its largest
// value; a NaN wins.
//
//	x [N, H, W, C]   y [N, OH, OW, C]
func AdaptiveForward(p *Pool, g *Adaptive, largest bool, x, y []float32) {
	mustLen("adaptive pooling's input", g.in(), len(x))
	mustLen("adaptive pooling's output", g.out(), len(y))
	For(p, g.N*g.OH, g.rowGrain(), adaptiveArgs{g: *g, x: x, y: y, max: largest}, func(t *adaptiveArgs, _ *Worker, lo, hi int) {
		g := &t.g
		for r := lo; r < hi; r++ {
			image := t.x[r/g.OH*g.H*g.W*g.C:][:g.H*g.W*g.C]
			for ow := range g.OW {
				w := g.window(r%g.OH, ow)
				x, y := image[(w.h0*g.W+w.w0)*g.C:], t.y[(r*g.OW+ow)*g.C:][:g.C]
				if t.max {
					vec.maxPool(w, x, y, nil)
				} else {
					vec.avgPool(w, x, y, 1/float32(w.kh*w.kw))
				}
			}
		}
	})
}

// AdaptiveAvgBackward spreads each output's gradient evenly over its window.
// It writes dx whole.
//
//	dy [N, OH, OW, C]   dx [N, H, W, C]
func AdaptiveAvgBackward(p *Pool, g *Adaptive, dy, dx []float32) {
	adaptiveBackward(p, g, adaptiveArgs{g: *g, dy: dy, dx: dx})
}

// AdaptiveMaxBackward gives each output's gradient to the first place of its
// window that holds the largest value, which it looks for. It writes dx whole.
//
//	x, dx [N, H, W, C]   y, dy [N, OH, OW, C]
func AdaptiveMaxBackward(p *Pool, g *Adaptive, x, y, dy, dx []float32) {
	mustLen("adaptive pooling's input", g.in(), len(x))
	mustLen("adaptive pooling's output", g.out(), len(y))
	adaptiveBackward(p, g, adaptiveArgs{g: *g, x: x, y: y, dy: dy, dx: dx, max: true})
}

func adaptiveBackward(p *Pool, g *Adaptive, t adaptiveArgs) {
	mustLen("adaptive pooling's gradient", g.out(), len(t.dy))
	mustLen("adaptive pooling's input gradient", g.in(), len(t.dx))
	For(p, g.N, g.imageGrain(), t, func(t *adaptiveArgs, _ *Worker, lo, hi int) {
		g := &t.g
		size := g.H * g.W * g.C
		clear(t.dx[lo*size : hi*size])
		for r := lo * g.OH; r < hi*g.OH; r++ {
			for ow := range g.OW {
				w := g.window(r%g.OH, ow)
				at := r/g.OH*size + (w.h0*g.W+w.w0)*g.C
				end := (r/g.OH + 1) * size
				o := (r*g.OW + ow) * g.C
				if t.max {
					w.giveToFirst(t.x[at:end], t.y[o:o+g.C], t.dy[o:o+g.C], t.dx[at:end])
				} else {
					vec.avgPoolGrad(w, t.dy[o:o+g.C], t.dx[at:end], 1/float32(w.kh*w.kw))
				}
			}
		}
	})
}
