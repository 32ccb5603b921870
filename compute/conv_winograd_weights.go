package compute

// winogradGradient is the weight gradient by Winograd's convolution.
type winogradGradient struct {
	kern   *gemmKernel
	set    *winograd
	g      Conv
	dw     []float32
	add    bool // to dw
	tiles  winogradTiles
	panels int

	// Few tiles: the inputs of all, transformed; a task does whole panels.
	v []float32
	// Many tiles: every task sums a part of them for all panels.
	parts int
	sums  []float32 // [parts][panels][36][c][16]
}

const (
	winoParts    = 16  // parts of the tiles at most
	winoPart     = 64  // tiles of a part at least
	winoSumRows  = 16  // rows of dw that are finished together
	winoAllTiles = 128 // so few tiles are transformed once for all
)

// winogradFits says whether Winograd's convolution can make the gradient of
// the weights.
func (g *Conv) winogradFits() bool {
	return g.KH == 3 && g.KW == 3 && g.StrideH == 1 && g.StrideW == 1 && g.DilH == 1 && g.DilW == 1 &&
		g.Groups == 1 && g.C%8 == 0 && g.F%8 == 0 && g.N > 0 && g.OH > 0 && g.OW > 0
}

func winogradWeightsWith(kern *gemmKernel, set *winograd, p *Pool, g *Conv, x, dy, dw []float32, add bool) {
	shared := borrowWorker()
	defer returnWorker(shared)
	s := winogradGradient{kern: kern, set: set, g: *g, dw: dw, add: add}
	t := &s.tiles
	t.cut(g.N, g.OH, g.OW)
	t.padTop, t.padLeft = g.PadTop, g.PadLeft
	t.in = winogradImages{x, g.H, g.W, g.H * g.W * g.C, g.W * g.C, g.C}
	t.out = winogradImages{dy, g.OH, g.OW, g.OH * g.OW * g.F, g.OW * g.F, g.F}
	t.channels, t.filters = g.C, g.F
	if 36*t.count*g.C*g.F < mulInline {
		p = nil
	}
	s.panels = (g.F + tileWidth - 1) / tileWidth
	margin := max(g.C, tileWidth)
	if t.count <= winoAllTiles && s.panels >= 4 {
		t.apart = t.count*g.C + tileWidth
		room := shared.Scratch(36*t.apart + margin)
		s.v, t.inMargin = room[:36*t.apart], room[36*t.apart:]
		clear(t.inMargin)
		For(p, t.count, max(1, t.count/16), s, winogradSumInputs)
		For(p, s.panels, 1, s, winogradSumPanels)
		return
	}
	s.parts = winogradParts(t.count)
	t.step = max(12, winoBytes/4/(36*(g.C+tileWidth)))
	t.apart = g.C*tileWidth + tileWidth
	size := s.parts * s.panels * 36 * t.apart
	room := shared.Scratch(size + margin)
	s.sums, t.inMargin = room[:size], room[size:]
	clear(t.inMargin)
	For(p, s.parts, 1, s, winogradSumParts)
	For(p, s.panels*((g.C+winoSumRows-1)/winoSumRows), max(1, 64/s.parts), s, winogradSumFinish)
}

// winogradSumInputs transforms the inputs of tiles lo to hi.
func winogradSumInputs(s *winogradGradient, w *Worker, lo, hi int) {
	s.tiles.inputs(s.set, w, s.v[lo*s.g.C:], s.tiles.apart, lo, hi)
	w.squares = winogradSquares{}
}

// winogradSumPanels does whole sums for panels lo to hi.
func winogradSumPanels(s *winogradGradient, w *Worker, lo, hi int) {
	t := &s.tiles
	depth := min(s.g.C, winoDepth)
	uApart, zApart := depth*tileWidth+tileWidth, t.count*tileWidth+tileWidth
	room := w.Scratch((36+9)*uApart + 36*zApart)
	u, room := room[:36*uApart], room[36*uApart:]
	dw, z := room[:9*uApart], room[9*uApart:]
	for j := lo; j < hi; j++ {
		s.gradients(w, z, zApart, 0, t.count, j)
		for c0 := 0; c0 < s.g.C; {
			c1 := blockEnd(c0, s.g.C, depth)
			s.multiply(w, s.v[c0:], t.apart, z, zApart, u, uApart, c1-c0, t.count, j, false)
			s.finish(u, uApart, dw, uApart, j, c0, c1)
			c0 = c1
		}
	}
	w.tile, w.squares = tile{}, winogradSquares{}
}

// winogradSumParts sums parts lo to hi of the tiles.
func winogradSumParts(s *winogradGradient, w *Worker, lo, hi int) {
	t := &s.tiles
	vApart, zApart := t.step*s.g.C+tileWidth, t.step*tileWidth+tileWidth
	room := w.Scratch(36 * (vApart + zApart))
	v, z := room[:36*vApart], room[36*vApart:]
	size := 36 * t.apart
	for q := lo; q < hi; q++ {
		first, last := q*t.count/s.parts, (q+1)*t.count/s.parts
		for t0 := first; t0 < last; t0 += t.step {
			t1 := min(t0+t.step, last)
			t.inputs(s.set, w, v, vApart, t0, t1)
			for j := range s.panels {
				s.gradients(w, z, zApart, t0, t1, j)
				u := s.sums[(q*s.panels+j)*size:]
				s.multiply(w, v, vApart, z, zApart, u, t.apart, s.g.C, t1-t0, j, t0 > first)
			}
		}
	}
	w.tile, w.squares = tile{}, winogradSquares{}
}

// winogradSumFinish adds up the parts and finishes blocks lo to hi of rows, in
// panel after panel.
func winogradSumFinish(s *winogradGradient, w *Worker, lo, hi int) {
	apart := s.tiles.apart
	const rows = winoSumRows * tileWidth
	room := w.Scratch((36 + 9) * (rows + tileWidth))
	u, dw := room[:36*(rows+tileWidth)], room[36*(rows+tileWidth):]
	blocks := (s.g.C + winoSumRows - 1) / winoSumRows
	for i := lo; i < hi; i++ {
		j, c0 := i/blocks, i%blocks*winoSumRows
		c1 := min(c0+winoSumRows, s.g.C)
		n := (c1 - c0) * tileWidth
		for k := range 36 {
			sum := u[k*(rows+tileWidth):][:n]
			from := (j*36+k)*apart + c0*tileWidth
			copy(sum, s.sums[from:from+n])
			for q := 1; q < s.parts; q++ {
				from += s.panels * 36 * apart
				vec.add(sum, sum, s.sums[from:from+n])
			}
		}
		s.finish(u, rows+tileWidth, dw, rows+tileWidth, j, c0, c1)
	}
}

// gradients transforms the gradients of tiles t0 to t1 in panel j to z.
func (s *winogradGradient) gradients(w *Worker, z []float32, apart, t0, t1, j int) {
	col := j * tileWidth
	cols := min(tileWidth, s.g.F-col)
	q := &w.squares
	s.tiles.out.whole(&q.out, winoSide)
	for i := t0; i < t1; i++ {
		img, y, x := s.tiles.place(i)
		tab, shift := s.tiles.out.square(&q.edge, &q.out, winoSide, img, y, x, col, &s.tiles.inMargin[0])
		s.set.grad(&z[(i-t0)*tileWidth], apart, tab, shift, cols)
	}
}

// multiply makes the 36 products of c channels and panel j, summed over n
// tiles: inputs v, gradients z, sums u.
func (s *winogradGradient) multiply(w *Worker, v []float32, vApart int, z []float32, zApart int, u []float32, uApart, c, n, j int, add bool) {
	off := w.Offsets(2 * c)
	t := &w.tile
	*t = tile{m: c, cols: min(tileWidth, s.g.F-j*tileWidth), aoff: off[:c], coff: off[c:], outs: 1, segs: 1, kl: n,
		astep: s.g.C, bstep: tileWidth, add: add}
	for i := range c {
		t.aoff[i], t.coff[i] = int32(i), int32(i*tileWidth)
	}
	for q := range 36 {
		t.a, t.b, t.c = v[q*vApart:], z[q*zApart:], u[q*uApart:]
		s.kern.byCol(t)
	}
}

// finish transforms the sums of channels c0 to c1 of panel j, and writes them to
// dw or adds them.
func (s *winogradGradient) finish(u []float32, uApart int, dw []float32, dwApart, j, c0, c1 int) {
	s.set.sums(&dw[0], dwApart, &u[0], uApart, (c1-c0)*tileWidth)
	col := j * tileWidth
	cols := min(tileWidth, s.g.F-col)
	for k := range 9 {
		s.kern.settle(s.dw[(k*s.g.C+c0)*s.g.F+col:], s.g.F, dw[k*dwApart:], c1-c0, cols, s.add)
	}
}
