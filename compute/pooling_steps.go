package compute

// A sequence of t steps is pooled over time into one row. Of a padded batch
// only the first lens[i] steps of sample i count; nil says all t.

type stepsArgs struct {
	t, c  int
	lens  []int32
	x, dx []float32 // [n, t, c]
	y, dy []float32 // [n, c]
}

// used is the number of steps of sample i that count.
func (a *stepsArgs) used(i int) int {
	if a.lens == nil {
		return a.t
	}
	return max(0, min(int(a.lens[i]), a.t))
}

// grain is the number of samples of a chunk.
func (a *stepsArgs) grain() int { return max(1, grain/max(1, a.t*a.c)) }

func (a *stepsArgs) check(n int, x, y []float32) {
	mustLen("pool over time: sequences", n*a.t*a.c, len(x))
	mustLen("pool over time: rows", n*a.c, len(y))
	if a.lens != nil {
		mustLen("pool over time: lengths", n, len(a.lens))
	}
}

// GlobalAvgForward is the mean of each channel over its image, or of each
// feature over the used steps of its sequence; 0 where none is used.
//
//	x [n, hw, c]   y [n, c]   lens [n] or nil
func GlobalAvgForward(p *Pool, n, hw, c int, lens []int32, x, y []float32) {
	a := stepsArgs{t: hw, c: c, lens: lens, x: x, y: y}
	a.check(n, x, y)
	For(p, n, a.grain(), a, func(a *stepsArgs, _ *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			y := a.y[i*a.c:][:a.c]
			clear(y)
			if used := a.used(i); used > 0 {
				vec.colSum(y, a.x[i*a.t*a.c:][:used*a.c], used)
				vec.scale(y, y, 1/float32(used))
			}
		}
	})
}

// GlobalAvgBackward spreads each channel's gradient evenly over what was
// averaged, and gives 0 to the rest.
//
//	dy [n, c]   dx [n, hw, c]   lens [n] or nil
func GlobalAvgBackward(p *Pool, n, hw, c int, lens []int32, dy, dx []float32) {
	a := stepsArgs{t: hw, c: c, lens: lens, dx: dx, dy: dy}
	a.check(n, dx, dy)
	For(p, n, a.grain(), a, func(a *stepsArgs, _ *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			dx := a.dx[i*a.t*a.c:][:a.t*a.c]
			used := a.used(i)
			clear(dx[used*a.c:])
			dx = dx[:used*a.c]
			if len(dx) == 0 {
				continue
			}
			vec.scale(dx[:a.c], a.dy[i*a.c:][:a.c], 1/float32(used))
			for n := a.c; n < len(dx); n *= 2 {
				copy(dx[n:], dx[:n])
			}
		}
	})
}

// GlobalMaxForward is the largest value of each channel of an image, or of
// each feature over the used steps of its sequence; 0 where none is used. A NaN
// wins.
//
//	x [n, hw, c]   y [n, c]   lens [n] or nil
func GlobalMaxForward(p *Pool, n, hw, c int, lens []int32, x, y []float32) {
	a := stepsArgs{t: hw, c: c, lens: lens, x: x, y: y}
	a.check(n, x, y)
	For(p, n, a.grain(), a, func(a *stepsArgs, _ *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			y, used := a.y[i*a.c:][:a.c], a.used(i)
			if used == 0 || len(y) == 0 {
				clear(y)
				continue
			}
			w := poolWindow{kh: 1, kw: used, row: used * a.c, c: a.c, stride: used}
			vec.maxPool(w, a.x[i*a.t*a.c:][:used*a.c], y, nil)
		}
	})
}

// GlobalMaxBackward gives each gradient to the first place that holds the
// largest value, which it looks for, and 0 to all others.
//
//	x, dx [n, hw, c]   y, dy [n, c]   lens [n] or nil
func GlobalMaxBackward(p *Pool, n, hw, c int, lens []int32, x, y, dy, dx []float32) {
	a := stepsArgs{t: hw, c: c, lens: lens, x: x, dx: dx, y: y, dy: dy}
	a.check(n, x, y)
	a.check(n, dx, dy)
	For(p, n, a.grain(), a, func(a *stepsArgs, _ *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			x, dx := a.x[i*a.t*a.c:][:a.t*a.c], a.dx[i*a.t*a.c:][:a.t*a.c]
			y, dy := a.y[i*a.c:][:a.c], a.dy[i*a.c:][:a.c]
			clear(dx)
			w := poolWindow{kh: 1, kw: a.used(i), row: len(x), c: a.c}
			w.giveToFirst(x, y, dy, dx)
		}
	})
}

// giveToFirst adds each channel's gradient to the first place of the window
// that holds the channel's value y.
func (w poolWindow) giveToFirst(x, y, dy, dx []float32) {
	for c, v := range y {
	search:
		for i := range w.kh {
			k := i*w.row + c
			for range w.kw {
				if x[k] == v {
					dx[k] += dy[c]
					break search
				}
				k += w.c
			}
		}
	}
}

// PickStepForward copies one step of each sequence: the first, or with last
// the last that is used. Zeros where none is used.
//
//	x [n, t, c]   y [n, c]   lens [n] or nil
func PickStepForward(p *Pool, n, t, c int, lens []int32, last bool, x, y []float32) {
	a := stepsArgs{t: t, c: c, lens: lens, x: x, y: y}
	a.check(n, x, y)
	For(p, n, max(1, grain/max(1, c)), pickArgs{a, last}, func(a *pickArgs, _ *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			y := a.y[i*a.c:][:a.c]
			if at := a.at(i); at >= 0 {
				copy(y, a.x[(i*a.t+at)*a.c:][:a.c])
			} else {
				clear(y)
			}
		}
	})
}

// PickStepBackward gives each gradient to the step that was copied, and 0 to
// all others.
//
//	dy [n, c]   dx [n, t, c]   lens [n] or nil
func PickStepBackward(p *Pool, n, t, c int, lens []int32, last bool, dy, dx []float32) {
	a := stepsArgs{t: t, c: c, lens: lens, dx: dx, dy: dy}
	a.check(n, dx, dy)
	For(p, n, a.grain(), pickArgs{a, last}, func(a *pickArgs, _ *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			clear(a.dx[i*a.t*a.c:][:a.t*a.c])
			if at := a.at(i); at >= 0 {
				copy(a.dx[(i*a.t+at)*a.c:][:a.c], a.dy[i*a.c:][:a.c])
			}
		}
	})
}

type pickArgs struct {
	stepsArgs
	last bool
}

// at is the step that is copied of sample i, −1 where none is used.
func (a *pickArgs) at(i int) int {
	used := a.used(i)
	if a.last || used == 0 {
		return used - 1
	}
	return 0
}
