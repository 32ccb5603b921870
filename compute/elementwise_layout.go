package compute

type columnsArgs struct {
	src, dst             []float32
	srcOff, srcStride    int
	dstOff, dstStride, w int
	add                  bool
}

// CopyColumns copies width columns of each of rows rows:
// dst[r·dstStride+dstOff+j] = src[r·srcStride+srcOff+j], or += with add.
// Concatenation over channels is one call an input, its gradient the same
// call turned round.
func CopyColumns(p *Pool, rows int, src []float32, srcOff, srcStride, width int, dst []float32, dstOff, dstStride int, add bool) {
	if width <= 0 {
		return
	}
	t := columnsArgs{src, dst, srcOff, srcStride, dstOff, dstStride, width, add}
	For(p, rows, max(1, grain/width), t, func(t *columnsArgs, _ *Worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			s := t.src[r*t.srcStride+t.srcOff:][:t.w]
			d := t.dst[r*t.dstStride+t.dstOff:][:t.w]
			if t.add {
				vec.add(d, d, s)
			} else {
				copy(d, s)
			}
		}
	})
}

// FillRows puts the same row into each of rows rows.
//
//	row [cols]   dst [rows, cols]
func FillRows(p *Pool, rows, cols int, row, dst []float32) {
	mustLen("fill with a row", cols, len(row))
	mustLen("fill with a row", rows*cols, len(dst))
	t := columnsArgs{src: row, dst: dst, w: cols}
	For(p, rows, max(1, grain/max(1, cols)), t, func(t *columnsArgs, _ *Worker, lo, hi int) {
		d := t.dst[lo*t.w : hi*t.w]
		copy(d, t.src)
		for n := t.w; n > 0 && n < len(d); n *= 2 {
			copy(d[n:], d[:n])
		}
	})
}

// MaskSteps is y = x, with zeros in the steps past each sample's length. y may
// be x.
//
//	x, y [n, t, c]   lens [n]
func MaskSteps(p *Pool, n, t, c int, lens []int32, x, y []float32) {
	a := stepsArgs{t: t, c: c, lens: lens, x: x, dx: y}
	mustLen("mask of steps", n*t*c, len(x), len(y))
	mustLen("mask of steps: lengths", n, len(lens))
	For(p, n, a.grain(), a, func(a *stepsArgs, _ *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			x, y := a.x[i*a.t*a.c:][:a.t*a.c], a.dx[i*a.t*a.c:][:a.t*a.c]
			used := a.used(i) * a.c
			if len(y) > 0 && &x[0] != &y[0] {
				copy(y[:used], x)
			}
			clear(y[used:])
		}
	})
}

// NHWCToNCHW turns channels-last images into channels-first ones.
//
//	x [n, h, w, c]   y [n, c, h, w]
func NHWCToNCHW(p *Pool, n, h, w, c int, x, y []float32) { transpose(p, n, h*w, c, x, y, false) }

// NCHWToNHWC turns channels-first images into channels-last ones, or adds
// them to what is there.
//
//	x [n, c, h, w]   y [n, h, w, c]
func NCHWToNHWC(p *Pool, n, c, h, w int, x, y []float32, add bool) {
	transpose(p, n, c, h*w, x, y, add)
}

// transpose is y[i] = x[i]ᵀ for n matrices of r rows and q columns.
func transpose(p *Pool, n, r, q int, x, y []float32, add bool) {
	Permute(p, n, &Permutation{Dims: [3]int{1, q, r}, Strides: [3]int{r * q, 1, q}}, x, y, add)
}

type subsampleArgs struct {
	x, y                              []float32
	h, w, c, stride, oh, ow, cOut, at int
}

func newSubsample(n, h, w, c, stride, cOut int, x, y []float32) subsampleArgs {
	oh, ow := (h+stride-1)/stride, (w+stride-1)/stride
	mustLen("subsample's input", n*h*w*c, len(x))
	mustLen("subsample's output", n*oh*ow*cOut, len(y))
	if cOut < c {
		panic("compute: subsample to fewer channels than it got")
	}
	return subsampleArgs{x, y, h, w, c, stride, oh, ow, cOut, (cOut - c) / 2}
}

// SubsampleForward is the shortcut without weights (option A of He et al.,
// Deep residual learning, 2015): every stride-th pixel, and zero channels on
// both sides of the channels, (cOut−c)/2 of them in front.
//
//	x [n, h, w, c]   y [n, ⌈h/stride⌉, ⌈w/stride⌉, cOut]
func SubsampleForward(p *Pool, n, h, w, c, stride, cOut int, x, y []float32) {
	t := newSubsample(n, h, w, c, stride, cOut, x, y)
	row := max(1, t.ow*cOut)
	For(p, n*t.oh, max(1, grain/row), t, func(t *subsampleArgs, _ *Worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			i, oh := r/t.oh, r%t.oh
			src := t.x[(i*t.h+oh*t.stride)*t.w*t.c:]
			dst := t.y[r*t.ow*t.cOut:][:t.ow*t.cOut]
			for ow := 0; ow < t.ow; ow++ {
				d := dst[ow*t.cOut:][:t.cOut]
				clear(d[:t.at])
				copy(d[t.at:t.at+t.c], src[ow*t.stride*t.c:][:t.c])
				clear(d[t.at+t.c:])
			}
		}
	})
}

// SubsampleBackward is the gradient of SubsampleForward. It writes dx whole.
//
//	dy [n, ⌈h/stride⌉, ⌈w/stride⌉, cOut]   dx [n, h, w, c]
func SubsampleBackward(p *Pool, n, h, w, c, stride, cOut int, dy, dx []float32) {
	t := newSubsample(n, h, w, c, stride, cOut, dx, dy)
	For(p, n*h, max(1, grain/max(1, w*c)), t, func(t *subsampleArgs, _ *Worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			i, ih := r/t.h, r%t.h
			d := t.x[r*t.w*t.c:][:t.w*t.c]
			clear(d)
			if ih%t.stride != 0 {
				continue
			}
			src := t.y[(i*t.oh+ih/t.stride)*t.ow*t.cOut:]
			for ow := 0; ow < t.ow; ow++ {
				copy(d[ow*t.stride*t.c:][:t.c], src[ow*t.cOut+t.at:][:t.c])
			}
		}
	})
}
