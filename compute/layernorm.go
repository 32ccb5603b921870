package compute

type rowNormArgs struct {
	columns
	x, gamma, beta, y []float32
	mean, invstd      []float32
	eps               float32
	centred           bool
	dy, dx            []float32
	part              []float64 // dgamma and dbeta of each chunk
}

// LayerNormForward normalizes each row by its own mean and variance (Ba,
// Kiros and Hinton, Layer normalization, 2016):
//
//	y = gamma·(x−mean)/√(var+eps) + beta,   var = Σ(x−mean)²/c
//
//	x, y [rows, c]   gamma, beta [c]   mean, invstd [rows]
//
// mean and invstd = 1/√(var+eps) are kept for the backward pass; both may be
// nil. gamma and beta may be nil, for 1 and 0. y may be x if no backward pass
// follows.
func LayerNormForward(p *Pool, rows, c int, x, gamma, beta, y, mean, invstd []float32, eps float32) {
	rowNorms(p, rows, c, rowNormArgs{x: x, gamma: gamma, beta: beta, y: y, mean: mean, invstd: invstd, eps: eps, centred: true})
}

// RMSNormForward divides each row by its root mean square (Zhang and Sennrich,
// Root mean square layer normalization, 2019):
//
//	y = gamma·x/√(Σx²/c + eps)
//
//	x, y [rows, c]   gamma [c]   invrms [rows]
//
// invrms is kept for the backward pass and may be nil, as may gamma, for 1. y
// may be x if no backward pass follows.
func RMSNormForward(p *Pool, rows, c int, x, gamma, y, invrms []float32, eps float32) {
	rowNorms(p, rows, c, rowNormArgs{x: x, gamma: gamma, y: y, invstd: invrms, eps: eps})
}

func rowNorms(p *Pool, rows, c int, a rowNormArgs) {
	mustLen("a norm of rows", rows*c, len(a.x), len(a.y))
	if c == 0 {
		return
	}
	a.c = c
	a.block = max(1, heavyGrain/c)
	For(p, rows, a.block, a, func(a *rowNormArgs, w *Worker, lo, hi int) {
		c, n := a.c, hi-lo
		room := w.Scratch(2*c + 2*n)
		gamma := orFill(a.gamma, room[:c], 1)
		mean, invstd := room[2*c:2*c+n], room[2*c+n:]
		if a.invstd != nil {
			invstd = a.invstd[lo:hi]
		}
		x, y := a.x[lo*c:hi*c], a.y[lo*c:hi*c]
		if !a.centred {
			vec.rowRMS(x, gamma, y, invstd, a.eps)
			return
		}
		if a.mean != nil {
			mean = a.mean[lo:hi]
		}
		vec.rowNorm(x, gamma, orFill(a.beta, room[c:2*c], 0), y, mean, invstd, a.eps)
	})
}

// orFill is v, or where there is none, room full of one number.
func orFill(v, room []float32, number float32) []float32 {
	if v != nil {
		return v[:len(room)]
	}
	for i := range room {
		room[i] = number
	}
	return room
}

// LayerNormBackward is the gradient of LayerNormForward. With
// x̂ = (x−mean)·invstd and g = gamma·dy,
//
//	dx = invstd·(g − Σg/c − x̂·Σ(g·x̂)/c)   dgamma += Σdy·x̂   dbeta += Σdy
//
// gamma, dx, dgamma and dbeta may be nil; dx may be dy.
func LayerNormBackward(p *Pool, rows, c int, x, gamma, mean, invstd, dy, dx, dgamma, dbeta []float32) {
	rowNormGrads(p, rows, c, rowNormArgs{x: x, gamma: gamma, mean: mean, invstd: invstd, dy: dy, dx: dx, centred: true}, dgamma, dbeta)
}

// RMSNormBackward is the gradient of RMSNormForward. With x̂ = x·invrms and
// g = gamma·dy,
//
//	dx = invrms·(g − x̂·Σ(g·x̂)/c)   dgamma += Σdy·x̂
//
// gamma, dx and dgamma may be nil; dx may be dy.
func RMSNormBackward(p *Pool, rows, c int, x, gamma, invrms, dy, dx, dgamma []float32) {
	rowNormGrads(p, rows, c, rowNormArgs{x: x, gamma: gamma, invstd: invrms, dy: dy, dx: dx}, dgamma, nil)
}

func rowNormGrads(p *Pool, rows, c int, a rowNormArgs, dgamma, dbeta []float32) {
	mustLen("a norm's gradient", rows*c, len(a.x), len(a.dy))
	if rows == 0 || c == 0 {
		return
	}
	a.columns = newColumns(rows, c)
	a.part = partials.take(2 * c * a.chunks)
	For(p, rows, a.chunk, a, rowNormGrad)
	for i, d := range [2][]float32{dgamma, dbeta} {
		for j := range d {
			var s float64
			for k := i*c + j; k < len(a.part); k += 2 * c {
				s += a.part[k]
			}
			d[j] += float32(s)
		}
	}
	partials.give(a.part)
}

// rowNormGrad writes dx and the sums for gamma and beta over a chunk of rows,
// in float32 within a block.
func rowNormGrad(a *rowNormArgs, w *Worker, lo, hi int) {
	c := a.c
	part := a.part[2*c*(lo/a.chunk):][:2*c]
	n := 3 * c
	if a.dx == nil { // nobody wants it, but the sums come with it
		n += a.block * c
	}
	room := w.Scratch(n)
	gamma, sums, spare := orFill(a.gamma, room[:c], 1), room[c:3*c], room[3*c:]
	for r := lo; r < hi; r += a.block {
		end := min(r+a.block, hi)
		x, dy, dx := a.x[r*c:end*c], a.dy[r*c:end*c], spare
		if a.dx != nil {
			dx = a.dx[r*c : end*c]
		}
		clear(sums)
		if a.centred {
			vec.rowNormGrad(x, gamma, a.mean[r:end], a.invstd[r:end], dy, dx, sums[:c], sums[c:])
		} else {
			vec.rowRMSGrad(x, gamma, a.invstd[r:end], dy, dx, sums[:c])
		}
		for j, v := range sums {
			part[j] += float64(v)
		}
	}
}
