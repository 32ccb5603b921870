package compute

type gateArgs struct {
	hw, c      int
	x, gate, y []float32
}

// ScaleColumns is y = x·gate, each sample's columns by factors of its own. y
// may be x.
//
//	x, y [n, hw, c]   gate [n, c]
func ScaleColumns(p *Pool, n, hw, c int, x, gate, y []float32) {
	a := gateArgs{hw: hw, c: c, x: x, gate: gate, y: y}
	For(p, n*hw, max(1, 8192/max(1, c)), a, func(a *gateArgs, _ *Worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			vec.mul(a.y[r*a.c:][:a.c], a.x[r*a.c:][:a.c], a.gate[r/a.hw*a.c:][:a.c])
		}
	})
}

// ScaleColumnsGate is the gradient of ScaleColumns' factors: dgate = Σ dy·x
// over hw, row by row. That of x is ScaleColumns of dy.
//
//	x, dy [n, hw, c]   dgate [n, c]
func ScaleColumnsGate(p *Pool, n, hw, c int, x, dy, dgate []float32) {
	a := gateArgs{hw: hw, c: c, x: x, gate: dgate, y: dy}
	For(p, n, max(1, 8192/max(1, hw*c)), a, func(a *gateArgs, _ *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			sum := a.gate[i*a.c:][:a.c]
			clear(sum)
			for r := i * a.hw; r < (i+1)*a.hw; r++ {
				vec.mulAdd(sum, a.y[r*a.c:][:a.c], a.x[r*a.c:][:a.c])
			}
		}
	})
}

type columnScaleArgs struct {
	columns
	x, scale, y, dy, dx []float32
	part                []float64
}

// ColumnScale is y = x·scale, each column by a factor of its own. y may be x
// if no backward pass follows.
//
//	x, y [rows, c]   scale [c]
func ColumnScale(p *Pool, rows, c int, x, scale, y []float32) {
	mustLen("column scale", rows*c, len(x), len(y))
	mustLen("column scale's factors", c, len(scale))
	a := columnScaleArgs{columns: newColumns(rows, c), x: x, scale: scale, y: y}
	For(p, rows, a.block, a, func(a *columnScaleArgs, w *Worker, lo, hi int) {
		scale := w.Scratch(a.wide())
		a.spreadWide(scale, a.scale)
		mulPeriodic(a.y[lo*a.c:hi*a.c], a.x[lo*a.c:hi*a.c], scale)
	})
}

// mulPeriodic is dst = x·f, f being repeated as often as it takes.
func mulPeriodic(dst, x, f []float32) {
	for i := 0; i < len(dst); i += len(f) {
		end := min(i+len(f), len(dst))
		vec.mul(dst[i:end], x[i:end], f[:end-i])
	}
}

// ColumnScaleBackward is the gradient of ColumnScale: dx = dy·scale, dscale +=
// Σ dy·x. dx and dscale may be nil; dx may be dy.
func ColumnScaleBackward(p *Pool, rows, c int, x, scale, dy, dx, dscale []float32) {
	mustLen("column scale's gradient", rows*c, len(x), len(dy))
	if rows == 0 || c == 0 {
		return
	}
	a := columnScaleArgs{columns: newColumns(rows, c), x: x, scale: scale, dy: dy, dx: dx}
	if dscale != nil {
		a.part = partials.take(a.chunks * c)
	}
	For(p, rows, a.chunk, a, columnScaleGrad)
	if dscale == nil {
		return
	}
	for j := range dscale {
		var s float64
		for i := j; i < len(a.part); i += c {
			s += a.part[i]
		}
		dscale[j] += float32(s)
	}
	partials.give(a.part)
}

func columnScaleGrad(a *columnScaleArgs, w *Worker, lo, hi int) {
	c, wide := a.c, a.wide()
	room := w.Scratch(2 * wide)
	scale, acc := room[:wide], room[wide:]
	a.spreadWide(scale, a.scale)
	for r := lo; r < hi; r += a.block {
		end := min(r+a.block, hi)
		dy := a.dy[r*c : end*c]
		if a.part != nil {
			clear(acc)
			x := a.x[r*c : end*c]
			for i := 0; i < len(dy); i += wide {
				to := min(i+wide, len(dy))
				vec.mulAdd(acc[:to-i], x[i:to], dy[i:to])
			}
			a.foldInto(a.part[lo/a.chunk*c:], acc)
		}
		if a.dx != nil {
			mulPeriodic(a.dx[r*c:end*c], dy, scale)
		}
	}
}

type dropColumnsArgs struct {
	columns
	x, y []float32
	keep []byte
	key  dropoutKey
	s    float32
	draw bool
}

// DropColumns is y = x/(1−rate) for the columns of each sample that are kept
// and 0 for the others, each dropped with probability rate by a hash of seed and
// its index (Tompson et al., Efficient object localization using convolutional
// networks, 2014). With one column a sample is dropped as a whole. keep is 1 or
// 0 for each column. y may be x.
//
//	x, y [n, hw, c]   keep [n, c]
func DropColumns(p *Pool, seed uint64, rate float32, n, hw, c int, x, y []float32, keep []byte) {
	a := dropColumnsArgs{x: x, y: y, keep: keep, key: newDropoutKey(seed, rate), s: keepScale(rate), draw: true}
	dropColumns(p, n, hw, c, a)
}

// DropColumnsBackward is dx = dy/(1−rate) where keep is 1, 0 elsewhere. dx may
// be dy.
func DropColumnsBackward(p *Pool, rate float32, n, hw, c int, dy, dx []float32, keep []byte) {
	dropColumns(p, n, hw, c, dropColumnsArgs{x: dy, y: dx, keep: keep, s: keepScale(rate)})
}

func dropColumns(p *Pool, n, hw, c int, a dropColumnsArgs) {
	mustLen("dropping columns", n*hw*c, len(a.x), len(a.y))
	mustLen("the mask of columns", n*c, len(a.keep))
	a.columns = newSamples(n, hw, c)
	For(p, n, max(1, heavyGrain/max(1, hw*c)), a, func(a *dropColumnsArgs, w *Worker, lo, hi int) {
		factor := w.Scratch(a.wide() + a.c)
		wide, one := factor[:a.wide()], factor[a.wide():]
		size := a.chunk * a.c
		for i := lo; i < hi; i++ {
			keep := a.keep[i*a.c:][:a.c]
			for j := range keep {
				if a.draw {
					keep[j] = 1
					if a.key.hash(uint32(i*a.c+j)) < a.key.drop {
						keep[j] = 0
					}
				}
				one[j] = a.s * float32(keep[j])
			}
			a.spreadWide(wide, one)
			mulPeriodic(a.y[i*size:(i+1)*size], a.x[i*size:(i+1)*size], wide)
		}
	})
}
