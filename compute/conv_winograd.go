package compute

import "math"

// Winograd's convolution F(4×4, 3×3) makes 4×4 outputs of a 3×3 filter from
// 36 products instead of 144 (Lavin and Gray, Fast algorithms for
// convolutional neural networks, 2016):
//
//	Y = Aᵀ·[ Σ (G·w·Gᵀ) ⊙ (Bᵀ·x·B) ]·A      sum over the channels of x
//
// The sum is, for each of the 36 values, a product of tiles × channels with
// channels × filters. Weight gradients take the same way back:
//
//	dw = Gᵀ·[ Σ (Bᵀ·x·B) ⊙ (A·dy·Aᵀ) ]·G    sum over the tiles of all images
//
// winograd_generic.go has the transforms and the points that they use.

const (
	winoSide  = 4         // of the outputs of a tile
	winoBytes = 256 << 10 // of transformed values that are worked on together
	winoMost  = 36        // tiles that are worked on together
	winoFew   = 64        // so few tiles do not pay for weights that leave the cache
	winoDepth = 128       // channels of weights that are transformed together by a task
)

// winogradImages is where the squares of values of a batch lie. Those outside
// the images are read from, or written to, margin.
type winogradImages struct {
	data              []float32
	h, w              int
	image, row, pixel int
}

// winogradSquares are tables of where the values of squares lie: of one at an
// edge; and of those inside, which differ in a shift alone, of inputs and of
// outputs.
type winogradSquares struct{ edge, in, out [36]*float32 }

// whole points tab at the side×side values of the first pixels, if the images
// are large enough to have a whole square.
func (m *winogradImages) whole(tab *[36]*float32, side int) {
	if m.h < side || m.w < side {
		return
	}
	for k := range side * side {
		tab[k] = &m.data[k/side*m.row+k%side*m.pixel]
	}
}

// square is a table of the side×side values from pixel (y, x) of an image, and
// how far behind what it points at element first of the pixels is.
func (m *winogradImages) square(edge, whole *[36]*float32, side, img, y, x, first int, margin *float32) (tab *[36]*float32, shift int) {
	at := img*m.image + y*m.row + x*m.pixel + first
	if y >= 0 && x >= 0 && y+side <= m.h && x+side <= m.w {
		return whole, at
	}
	k := 0
	for i := range side {
		from := at + i*m.row
		inside := uint(y+i) < uint(m.h)
		for j := range side {
			edge[k] = margin
			if inside && uint(x+j) < uint(m.w) {
				edge[k] = &m.data[from]
			}
			from += m.pixel
			k++
		}
	}
	return edge, 0
}

// winogradTiles is how the outputs of a batch are cut into tiles.
type winogradTiles struct {
	high, wide, count int
	padTop, padLeft   int
	in, out           winogradImages
	inFirst, outFirst int
	channels, filters int
	inMargin          []float32 // zeros
	step              int       // tiles worked on together
	apart             int       // from one of the 36 values of all tiles to the next
}

func (t *winogradTiles) cut(n, h, w int) {
	t.high, t.wide = (h+winoSide-1)/winoSide, (w+winoSide-1)/winoSide
	t.count = n * t.high * t.wide
}

// place is the image and the first output of tile i.
func (t *winogradTiles) place(i int) (img, y, x int) {
	return i / (t.high * t.wide), i / t.wide % t.high * winoSide, i % t.wide * winoSide
}

// inputs transforms the inputs of tiles t0 to t1 to v: value by value, apart
// floats apart, tile by tile.
func (t *winogradTiles) inputs(set *winograd, w *Worker, v []float32, apart, t0, t1 int) {
	q := &w.squares
	t.in.whole(&q.in, 6)
	for i := t0; i < t1; i++ {
		img, y, x := t.place(i)
		tab, shift := t.in.square(&q.edge, &q.in, 6, img, y-t.padTop, x-t.padLeft, t.inFirst, &t.inMargin[0])
		set.input(&v[(i-t0)*t.channels], apart, tab, shift, t.channels)
	}
}

// winogradSweep is a sweep by Winograd's convolution.
type winogradSweep struct {
	sweep
	set   *winograd
	tiles winogradTiles
	// Many tiles: the weights of all panels, transformed. Few: the inputs of
	// all tiles, and tasks transform the weights of their panels themselves.
	transformed []float32
	byPanel     bool
}

// keptWinograd is whether weights that are laid out once are transformed too,
// for any batch: where even one image has so many tiles that transforming them
// again for each task is not worth the memory saved.
func (g *Conv) keptWinograd(kern *gemmKernel) bool {
	h, w := g.rowAxis(), g.colAxis()
	tiles := ((g.OH + winoSide - 1) / winoSide) * ((g.OW + winoSide - 1) / winoSide)
	return winogradFor(kern).fast && g.winogradFits() && tiles > winoFew && winogradPays(1, h, w, g.C, g.F)
}

// winogradFits says whether a sweep is one that Winograd's convolution can do.
func (s *sweep) winogradFits() bool {
	return s.h.taps == 3 && s.w.taps == 3 && s.h.stride == 1 && s.w.stride == 1 && s.h.dil == 1 && s.w.dil == 1 &&
		s.c == s.inPixel && s.c%8 == 0 && s.f%8 == 0 && s.n > 0 && s.h.out > 0 && s.w.out > 0
}

// winogradPays says whether it takes less time than plain products, counted in
// multiply-adds at full speed.
func winogradPays(n int, h, w axis, c, f int) bool {
	plain := n * h.hits() * w.hits() * c * f
	tiles := n * ((h.out + winoSide - 1) / winoSide) * ((w.out + winoSide - 1) / winoSide)
	cost := 36*tiles*(c+5)*f + tiles*(180*c+140*f) + 120*c*f
	return tiles >= 6 && cost < plain
}

// hits is how many pairs of an output and a tap meet the input.
func (a axis) hits() int {
	n := 0
	for t := range a.taps {
		o0, o1 := a.reach(t)
		n += o1 - o0
	}
	return n
}

// winograd does the sweep on p's threads. ready are the weights transformed as
// winogradFilters does it, if they are kept.
func (s *sweep) winograd(p *Pool, set *winograd, ready []float32) {
	shared := borrowWorker()
	defer returnWorker(shared)
	g := winogradSweep{sweep: *s, set: set}
	t := &g.tiles
	t.cut(s.n, s.h.out, s.w.out)
	t.padTop, t.padLeft = s.h.pad, s.w.pad
	t.in = winogradImages{s.in, s.h.in, s.w.in, s.inImage, s.inRow, s.inPixel}
	t.out = winogradImages{s.out, s.h.out, s.w.out, s.outImage, s.outRow, s.outPixel}
	t.inFirst, t.outFirst = s.in0, s.out0
	t.channels, t.filters = s.c, s.f
	if 36*t.count*s.c*s.f < mulInline {
		p = nil
	}
	panels := (s.f + tileWidth - 1) / tileWidth
	t.step = max(12, min(winoMost, winoBytes/4/(36*(s.c+tileWidth)), t.count/8)) / 6 * 6
	g.byPanel = t.count <= winoFew && panels >= 4 && ready == nil
	if g.byPanel {
		t.apart = t.count*s.c + tileWidth
		room := shared.Scratch(36*t.apart + s.c)
		g.transformed, t.inMargin = room[:36*t.apart], room[36*t.apart:]
		clear(t.inMargin)
		For(p, t.count, max(1, t.count/16), g, winogradInputs)
		For(p, panels, 1, g, winogradPanels)
		return
	}
	t.apart = winogradApart(s.c)
	if ready != nil {
		g.transformed, t.inMargin = ready, shared.Scratch(s.c)
		clear(t.inMargin)
	} else {
		room := shared.Scratch(panels*36*t.apart + s.c)
		g.transformed, t.inMargin = room[:panels*36*t.apart], room[panels*36*t.apart:]
		clear(t.inMargin)
		For(p, panels, 1, g, winogradFilters)
	}
	For(p, (t.count+t.step-1)/t.step, 1, g, winogradBlocks)
}

// winogradInputs transforms the inputs of tiles lo to hi.
func winogradInputs(g *winogradSweep, w *Worker, lo, hi int) {
	g.tiles.inputs(g.set, w, g.transformed[lo*g.c:], g.tiles.apart, lo, hi)
	w.squares = winogradSquares{}
}

// winogradApart is how far one of the 36 values of a panel's transformed weights
// lies from the next.
func winogradApart(c int) int { return c*tileWidth + tileWidth }

// winogradFilters transforms the weights of panels lo to hi.
func winogradFilters(g *winogradSweep, w *Worker, lo, hi int) {
	apart := g.tiles.apart
	for j := lo; j < hi; j++ {
		g.filter(w.Scratch(9*apart), g.transformed[j*36*apart:], apart, j*tileWidth, 0, g.c)
	}
}

// filter transforms the weights of channels c0 to c1 for the columns from col.
func (g *winogradSweep) filter(room, u []float32, apart, col, c0, c1 int) {
	if g.kept != nil {
		tap := g.c * tileWidth
		g.set.weights(&u[0], apart, &g.kept[col*9*g.c+c0*tileWidth], tap, (c1-c0)*tileWidth)
		return
	}
	for th := range 3 {
		for tw := range 3 {
			g.packBlock(room[(th*3+tw)*apart:], col, taps{th, th + 1, tw, tw + 1, c0, c1})
		}
	}
	g.set.weights(&u[0], apart, &room[0], apart, (c1-c0)*tileWidth)
}

// winogradBlocks makes the outputs of blocks lo to hi of tiles.
func winogradBlocks(g *winogradSweep, w *Worker, lo, hi int) {
	t := &g.tiles
	vApart, mApart := t.step*g.c+tileWidth, t.step*tileWidth+tileWidth
	room := w.Scratch(36*(vApart+mApart) + tileWidth)
	v, m, margin := room[:36*vApart], room[36*vApart:36*(vApart+mApart)], room[36*(vApart+mApart):]
	clear(margin)
	for i := lo; i < hi; i++ {
		t0, t1 := i*t.step, min((i+1)*t.step, t.count)
		t.inputs(g.set, w, v, vApart, t0, t1)
		for j := 0; j < g.f; j += tileWidth {
			u := g.transformed[j/tileWidth*36*t.apart:]
			for c0 := 0; c0 < g.c; {
				c1 := blockEnd(c0, g.c, kcMost)
				g.multiply(w, v[c0:], vApart, u[c0*tileWidth:], t.apart, m, mApart, t1-t0, j, c1-c0, c0 > 0)
				c0 = c1
			}
			g.outputs(w, m, mApart, margin, t0, t1, j)
		}
		g.bendTiles(t0, t1, 0, g.f)
	}
	w.tile, w.squares = tile{}, winogradSquares{}
}

// winogradPanels makes the outputs of all tiles for panels lo to hi.
func winogradPanels(g *winogradSweep, w *Worker, lo, hi int) {
	t := &g.tiles
	depth := min(g.c, winoDepth)
	uApart, mApart := depth*tileWidth+tileWidth, t.count*tileWidth+tileWidth
	room := w.Scratch((9+36)*uApart + 36*mApart + tileWidth)
	weights, room := room[:9*uApart], room[9*uApart:]
	u, room := room[:36*uApart], room[36*uApart:]
	m, margin := room[:36*mApart], room[36*mApart:]
	clear(margin)
	for i := lo; i < hi; i++ {
		j := i * tileWidth
		for c0 := 0; c0 < g.c; {
			c1 := blockEnd(c0, g.c, depth)
			g.filter(weights, u, uApart, j, c0, c1)
			g.multiply(w, g.transformed[c0:], t.apart, u, uApart, m, mApart, t.count, j, c1-c0, c0 > 0)
			c0 = c1
		}
		g.outputs(w, m, mApart, margin, 0, t.count, j)
		g.bendTiles(0, t.count, j, min(j+tileWidth, g.f))
	}
	w.tile, w.squares = tile{}, winogradSquares{}
}

// multiply makes the 36 products of n tiles and k channels for the columns from
// col: inputs v, weights u, products m.
func (g *winogradSweep) multiply(w *Worker, v []float32, vApart int, u []float32, uApart int, m []float32, mApart, n, col, k int, add bool) {
	off := w.Offsets(2 * n)
	t := &w.tile
	*t = tile{m: n, cols: min(tileWidth, g.f-col), aoff: off[:n], coff: off[n:], outs: 1, segs: 1, kl: k, bstep: tileWidth, add: add}
	for i := range n {
		t.aoff[i], t.coff[i] = int32(i*g.c), int32(i*tileWidth)
	}
	for q := range 36 {
		t.a, t.b, t.c = v[q*vApart:], u[q*uApart:], m[q*mApart:]
		g.kern.byRow(t)
	}
}

// noBias is what is added where there is no bias.
var noBias [tileWidth]float32

// outputs transforms the products of tiles t0 to t1 to outputs and finishes
// them, for the columns from col.
func (g *winogradSweep) outputs(w *Worker, m []float32, apart int, margin []float32, t0, t1, col int) {
	bias, floor, ceil := &noBias[0], float32(math.Inf(-1)), float32(math.Inf(1))
	if g.bias != nil {
		bias = &g.bias[col]
	}
	if g.relu {
		floor = 0
		if g.ceil > 0 {
			ceil = g.ceil
		}
	}
	cols := min(tileWidth, g.f-col)
	q := &w.squares
	g.tiles.out.whole(&q.out, winoSide)
	for i := t0; i < t1; i++ {
		img, y, x := g.tiles.place(i)
		tab, shift := g.tiles.out.square(&q.edge, &q.out, winoSide, img, y, x, g.tiles.outFirst+col, &margin[0])
		g.set.output(tab, shift, &m[(i-t0)*tileWidth], apart, cols, bias, floor, ceil, g.add)
	}
}
