package compute

import "math"

// Pooling is the geometry of a pooling layer: N images of H×W×C, a window of
// KH×KW that moves by the strides over the padded image, and OH×OW outputs.
// CountPad makes an average count the padding's zeros (PyTorch's
// count_include_pad).
type Pooling struct {
	N, H, W, C                           int
	KH, KW, StrideH, StrideW             int
	PadTop, PadBottom, PadLeft, PadRight int
	OH, OW                               int
	CountPad                             bool
}

func (g *Pooling) in() int  { return g.N * g.H * g.W * g.C }
func (g *Pooling) out() int { return g.N * g.OH * g.OW * g.C }

// rowGrain is the number of output rows of a chunk.
func (g *Pooling) rowGrain() int { return max(1, heavyGrain/max(1, g.OW*g.C)) }

// imageGrain is the number of images of a chunk: windows may overlap, so a
// gradient is never shared below an image.
func (g *Pooling) imageGrain() int { return max(1, heavyGrain/max(1, g.OH*g.OW*g.C)) }

// poolWindow is the part of one output's window that lies in the image.
type poolWindow struct {
	kh, kw int // rows and columns of it
	row    int // elements from one image row to the next
	c      int // channels
	first  int // number of its first tap within the whole window
	stride int // taps of a whole row of the window
	h0, w0 int // where it starts in the image
}

// window is the part of output (oh, ow)'s window inside the image.
func (g *Pooling) window(oh, ow int) poolWindow {
	h, w := oh*g.StrideH-g.PadTop, ow*g.StrideW-g.PadLeft
	h0, w0 := max(h, 0), max(w, 0)
	return poolWindow{
		kh: max(0, min(h+g.KH, g.H)-h0), kw: max(0, min(w+g.KW, g.W)-w0),
		row: g.W * g.C, c: g.C, stride: g.KW,
		first: (h0-h)*g.KW + w0 - w,
		h0:    h0, w0: w0,
	}
}

type poolArgs struct {
	g    Pooling
	x, y []float32
	arg  []byte
}

// MaxPoolForward is y = the largest value of each window; padding never wins.
// arg is its place in the window, kh·KW + kw, the first of equals; windows
// have at most 256 places. arg may be nil. A NaN wins, as in PyTorch.
//
//	x [N, H, W, C]   y, arg [N, OH, OW, C]
func MaxPoolForward(p *Pool, g *Pooling, x, y []float32, arg []byte) {
	mustLen("max pooling's input", g.in(), len(x))
	mustLen("max pooling's output", g.out(), len(y))
	if arg != nil {
		mustLen("max pooling's marks", g.out(), len(arg))
		if g.KH*g.KW > 256 {
			panic("compute: max pooling with a window of more than 256 places")
		}
	}
	For(p, g.N*g.OH, g.rowGrain(), poolArgs{*g, x, y, arg}, func(t *poolArgs, _ *Worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			maxPoolLine(t, r)
		}
	})
}

// maxPoolLine is row r of all images' output rows.
func maxPoolLine(t *poolArgs, r int) {
	g := &t.g
	image := t.x[r/g.OH*g.H*g.W*g.C:][:g.H*g.W*g.C]
	y, arg := t.y[r*g.OW*g.C:][:g.OW*g.C], t.arg
	if arg != nil {
		arg = arg[r*g.OW*g.C:][:g.OW*g.C]
	}
	from, to := g.inside()
	for ow := 0; ow < g.OW; ow++ {
		w := g.window(r%g.OH, ow)
		n := 1
		if ow == from && w.kh > 0 {
			n = to - from
		}
		out := y[ow*g.C:][:n*g.C]
		var marks []byte
		if arg != nil {
			marks = arg[ow*g.C:][:n*g.C]
		}
		switch {
		case w.kh == 0 || w.kw == 0: // the window lies in the padding
			for c := range out {
				out[c] = float32(math.Inf(-1))
			}
			clear(marks)
		case n > 1:
			vec.maxPoolRow(w, n, g.StrideW*g.C, image[(w.h0*g.W+w.w0)*g.C:], out, marks)
		default:
			vec.maxPool(w, image[(w.h0*g.W+w.w0)*g.C:], out, marks)
		}
		ow += n - 1
	}
}

// inside is the range of output columns whose windows lie inside the image
// from left to right.
func (g *Pooling) inside() (from, to int) {
	from = (g.PadLeft + g.StrideW - 1) / g.StrideW
	to = min(g.OW, (g.W-g.KW+g.PadLeft)/g.StrideW+1)
	if g.W < g.KW || to <= from {
		return -1, -1
	}
	return from, to
}

// MaxPoolBackward gives each output's gradient to the input that won. It
// writes dx whole.
//
//	dy, arg [N, OH, OW, C]   dx [N, H, W, C]
func MaxPoolBackward(p *Pool, g *Pooling, dy []float32, arg []byte, dx []float32) {
	mustLen("max pooling's gradient", g.out(), len(dy), len(arg))
	mustLen("max pooling's input gradient", g.in(), len(dx))
	For(p, g.N, g.imageGrain(), poolArgs{*g, dx, dy, arg}, func(t *poolArgs, _ *Worker, lo, hi int) {
		g := &t.g
		size := g.H * g.W * g.C
		from, to := g.inside()
		clear(t.x[lo*size : hi*size])
		if g.C < poolNarrow {
			maxPoolGradNarrow(t, lo, hi)
			return
		}
		for r := lo * g.OH; r < hi*g.OH; r++ {
			image := t.x[r/g.OH*size:][:size]
			for ow := 0; ow < g.OW; ow++ {
				w := g.window(r%g.OH, ow)
				if w.kh == 0 || w.kw == 0 {
					continue
				}
				n, at := 1, (r*g.OW+ow)*g.C
				if ow == from {
					n = to - from
				}
				vec.maxPoolRowGrad(w, n, g.StrideW*g.C, t.y[at:][:n*g.C], t.arg[at:][:n*g.C], image[(w.h0*g.W+w.w0)*g.C:])
				ow += n - 1
			}
		}
	})
}

// poolNarrow channels fill no vector: what one pixel stores the next reads half
// of, and waits for.
const poolNarrow = 8

// maxPoolGradNarrow is the gradient of images lo to hi, one value at a time.
func maxPoolGradNarrow(t *poolArgs, lo, hi int) {
	g := &t.g
	size, at := g.H*g.W*g.C, lo*g.OH*g.OW*g.C
	var places [256]int32 // from the window's first place
	for k := range g.KH * g.KW {
		places[k] = int32((k/g.KW*g.W + k%g.KW) * g.C)
	}
	for n := lo; n < hi; n++ {
		image := t.x[n*size:][:size]
		for oh := range g.OH {
			h := oh*g.StrideH - g.PadTop
			for ow := range g.OW {
				w := ow*g.StrideW - g.PadLeft
				dy, arg := t.y[at:][:g.C], t.arg[at:][:g.C]
				at += g.C
				if h+g.KH <= 0 || h >= g.H || w+g.KW <= 0 || w >= g.W {
					continue
				}
				first := (h*g.W + w) * g.C
				for c, d := range dy {
					image[first+int(places[arg[c]])+c] += d
				}
			}
		}
	}
}

func maxPoolGeneric(w poolWindow, x, y []float32, arg []byte) {
	for c := range y {
		best, at := float32(math.Inf(-1)), w.first
		for i := range w.kh {
			k := i*w.row + c
			for j := range w.kw {
				if v := x[k]; v > best || v != v {
					best, at = v, w.first+i*w.stride+j
				}
				k += w.c
			}
		}
		y[c] = best
		if arg != nil {
			arg[c] = byte(at)
		}
	}
}

func maxPoolRowGeneric(w poolWindow, n, step int, x, y []float32, arg []byte) {
	for i := range n {
		var marks []byte
		if arg != nil {
			marks = arg[i*w.c:][:w.c]
		}
		maxPoolGeneric(w, x[i*step:], y[i*w.c:][:w.c], marks)
	}
}

func maxPoolRowGradGeneric(w poolWindow, n, step int, dy []float32, arg []byte, dx []float32) {
	for i := range n {
		maxPoolGradGeneric(w, dy[i*w.c:][:w.c], arg[i*w.c:][:w.c], dx[i*step:])
	}
}

func maxPoolGradGeneric(w poolWindow, dy []float32, arg []byte, dx []float32) {
	for c, d := range dy {
		at := int(arg[c]) - w.first
		dx[at/w.stride*w.row+at%w.stride*w.c+c] += d
	}
}

// AvgPoolForward is y = the mean of each window: its sum over the number of
// its places inside the image, or with CountPad inside the padded image.
//
//	x [N, H, W, C]   y [N, OH, OW, C]
func AvgPoolForward(p *Pool, g *Pooling, x, y []float32) {
	mustLen("average pooling's input", g.in(), len(x))
	mustLen("average pooling's output", g.out(), len(y))
	For(p, g.N*g.OH, g.rowGrain(), poolArgs{g: *g, x: x, y: y}, func(t *poolArgs, _ *Worker, lo, hi int) {
		g := &t.g
		for r := lo; r < hi; r++ {
			image := t.x[r/g.OH*g.H*g.W*g.C:][:g.H*g.W*g.C]
			for ow := range g.OW {
				w := g.window(r%g.OH, ow)
				y := t.y[(r*g.OW+ow)*g.C:][:g.C]
				if w.kh == 0 || w.kw == 0 { // the window lies in the padding
					clear(y)
					continue
				}
				vec.avgPool(w, image[(w.h0*g.W+w.w0)*g.C:], y, g.share(w, r%g.OH, ow))
			}
		}
	})
}

// share is one over the number of places that an average counts.
func (g *Pooling) share(w poolWindow, oh, ow int) float32 {
	n := w.kh * w.kw
	if g.CountPad {
		// A window may reach past the padding where the output size was
		// rounded up: those places do not count.
		h, v := oh*g.StrideH, ow*g.StrideW
		n = (min(h+g.KH, g.PadTop+g.H+g.PadBottom) - h) * (min(v+g.KW, g.PadLeft+g.W+g.PadRight) - v)
	}
	if n <= 0 {
		return 0
	}
	return 1 / float32(n)
}

// AvgPoolBackward spreads each output's gradient evenly over its window. It
// writes dx whole.
//
//	dy [N, OH, OW, C]   dx [N, H, W, C]
func AvgPoolBackward(p *Pool, g *Pooling, dy, dx []float32) {
	mustLen("average pooling's gradient", g.out(), len(dy))
	mustLen("average pooling's input gradient", g.in(), len(dx))
	For(p, g.N, g.imageGrain(), poolArgs{g: *g, x: dx, y: dy}, func(t *poolArgs, _ *Worker, lo, hi int) {
		g := &t.g
		size := g.H * g.W * g.C
		clear(t.x[lo*size : hi*size])
		for r := lo * g.OH; r < hi*g.OH; r++ {
			image := t.x[r/g.OH*size:][:size]
			for ow := range g.OW {
				w := g.window(r%g.OH, ow)
				if w.kh == 0 || w.kw == 0 {
					continue
				}
				vec.avgPoolGrad(w, t.y[(r*g.OW+ow)*g.C:][:g.C], image[(w.h0*g.W+w.w0)*g.C:], g.share(w, r%g.OH, ow))
			}
		}
	})
}

func avgPoolGeneric(w poolWindow, x, y []float32, s float32) {
	for c := range y {
		var sum float32
		for i := range w.kh {
			for j := range w.kw {
				sum += x[i*w.row+j*w.c+c]
			}
		}
		y[c] = s * sum
	}
}

func avgPoolGradGeneric(w poolWindow, dy, dx []float32, s float32) {
	for i := range w.kh {
		for j := range w.kw {
			row := dx[i*w.row+j*w.c:][:len(dy)]
			for c, d := range dy {
				row[c] += s * d
			}
		}
	}
}
