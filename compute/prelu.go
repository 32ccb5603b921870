package compute

type preluArgs struct {
	columns
	x, slope, y, dy, dx []float32
	part                []float64
}

// PReLU is y = x where x is above 0 and slope·x below, each column with its
// own slope (He et al., Delving deep into rectifiers, 2015). y may be x if no
// backward pass follows.
//
//	x, y [rows, c]   slope [c], or one for all
func PReLU(p *Pool, rows, c int, x, slope, y []float32) {
	mustLen("prelu", rows*c, len(x), len(y))
	a := preluArgs{columns: newColumns(rows, c), x: x, slope: slope, y: y}
	For(p, rows, a.block, a, func(a *preluArgs, w *Worker, lo, hi int) {
		slope := a.slopes(w.Scratch(a.wide()))
		mid := lo + (hi-lo)/a.fold*a.fold
		c := a.c
		vec.prelu(slope, a.x[lo*c:mid*c], a.y[lo*c:mid*c], (hi-lo)/a.fold)
		vec.prelu(slope[:c], a.x[mid*c:hi*c], a.y[mid*c:hi*c], hi-mid)
	})
}

// slopes are those of a folded row.
func (a *preluArgs) slopes(room []float32) []float32 {
	if len(a.slope) > 1 {
		a.spreadWide(room, a.slope)
		return room
	}
	return orFill(nil, room, a.slope[0])
}

// PReLUBackward is the gradient of PReLU:
//
//	dx = dy, or slope·dy where x is not above 0   dslope += Σ dy·min(x, 0)
//
// dx and dslope may be nil; dx may be dy.
func PReLUBackward(p *Pool, rows, c int, x, slope, dy, dx, dslope []float32) {
	mustLen("prelu's gradient", rows*c, len(x), len(dy))
	if rows == 0 || c == 0 {
		return
	}
	a := preluArgs{columns: newColumns(rows, c), x: x, slope: slope, dy: dy, dx: dx}
	a.part = partials.take(a.chunks * c)
	For(p, rows, a.chunk, a, preluGrad)
	if dslope != nil {
		for j := range c {
			var s float64
			for i := j; i < len(a.part); i += c {
				s += a.part[i]
			}
			if len(dslope) == 1 {
				// Over all columns in float64, so that one rounding is left.
				a.part[j] = s
				continue
			}
			dslope[j] += float32(s)
		}
		if len(dslope) == 1 {
			var s float64
			for _, v := range a.part[:c] {
				s += v
			}
			dslope[0] += float32(s)
		}
	}
	partials.give(a.part)
}

func preluGrad(a *preluArgs, w *Worker, lo, hi int) {
	c, wide := a.c, a.wide()
	part := a.part[lo/a.chunk*c:][:c]
	n := 2 * wide
	if a.dx == nil { // nobody wants it, but the sums come with it
		n += a.block * c
	}
	room := w.Scratch(n)
	slope, acc, spare := a.slopes(room[:wide]), room[wide:2*wide], room[2*wide:]
	for r := lo; r < hi; r += a.block {
		end := min(r+a.block, hi)
		x, dy, dx := a.x[r*c:end*c], a.dy[r*c:end*c], spare
		if a.dx != nil {
			dx = a.dx[r*c : end*c]
		}
		rows := (end - r) / a.fold
		clear(acc)
		vec.preluGrad(acc, slope, x, dy, dx, rows)
		at := rows * wide
		vec.preluGrad(acc[:c], slope[:c], x[at:], dy[at:], dx[at:], end-r-rows*a.fold)
		a.foldInto(part, acc)
	}
}
