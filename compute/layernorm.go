package compute

import "math"

type layerNormArgs struct {
	rows, c             int
	x, gamma, beta, y   []float32
	mean, invstd        []float32
	eps                 float32
	dy, dx, dgam, dbeta []float32
}

// LayerNormForward normalizes each row by its own mean and variance (Ba,
// Kiros and Hinton, Layer normalization, 2016):
//
//	y = gamma·(x−mean)/√(var+eps) + beta,   var = Σ(x−mean)²/c
//
//	x, y [rows, c]   gamma, beta [c]   mean, invstd [rows]
//
// mean and invstd = 1/√(var+eps) are kept for the backward pass; both may be
// nil. y may be x if no backward pass follows.
func LayerNormForward(p *Pool, rows, c int, x, gamma, beta, y, mean, invstd []float32, eps float32) {
	a := layerNormArgs{c: c, x: x, gamma: gamma[:c], beta: beta[:c], y: y, mean: mean, invstd: invstd, eps: eps}
	For(p, rows, normGrain(c), a, func(a *layerNormArgs, _ *Worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			x, y := a.x[r*a.c:(r+1)*a.c], a.y[r*a.c:(r+1)*a.c]
			var sum, square float64
			for _, v := range x {
				sum += float64(v)
			}
			mean := sum / float64(a.c)
			for _, v := range x {
				d := float64(v) - mean
				square += d * d
			}
			inv := float32(1 / math.Sqrt(square/float64(a.c)+float64(a.eps)))
			m := float32(mean)
			for j, v := range x {
				y[j] = a.gamma[j]*((v-m)*inv) + a.beta[j]
			}
			if a.mean != nil {
				a.mean[r], a.invstd[r] = m, inv
			}
		}
	})
}

// normGrain is the rows of a chunk of about 8192 elements.
func normGrain(c int) int { return max(1, 8192/max(1, c)) }

// LayerNormBackward is the gradient of LayerNormForward. With
// x̂ = (x−mean)·invstd and g = gamma·dy,
//
//	dx = invstd·(g − Σg/c − x̂·Σ(g·x̂)/c)   dgamma += Σdy·x̂   dbeta += Σdy
//
// dx, dgamma and dbeta may be nil; dx may be dy.
func LayerNormBackward(p *Pool, rows, c int, x, gamma, mean, invstd, dy, dx, dgamma, dbeta []float32) {
	a := layerNormArgs{rows: rows, c: c, x: x, gamma: gamma[:c], mean: mean, invstd: invstd, dy: dy, dx: dx, dgam: dgamma, dbeta: dbeta}
	if dgamma != nil || dbeta != nil {
		// A chunk of columns is one worker's for all rows, so the order of the
		// sums does not depend on who works.
		For(p, c, 32, a, layerNormParams)
	}
	if dx != nil {
		For(p, rows, normGrain(c), a, layerNormInput)
	}
}

func layerNormParams(a *layerNormArgs, _ *Worker, lo, hi int) {
	for r := 0; r < a.rows; r++ {
		x, dy := a.x[r*a.c+lo:r*a.c+hi], a.dy[r*a.c+lo:r*a.c+hi]
		m, inv := a.mean[r], a.invstd[r]
		if a.dgam != nil {
			g := a.dgam[lo:hi]
			for j, v := range x {
				g[j] += dy[j] * ((v - m) * inv)
			}
		}
		if a.dbeta != nil {
			b := a.dbeta[lo:hi]
			for j, v := range dy {
				b[j] += v
			}
		}
	}
}

func layerNormInput(a *layerNormArgs, _ *Worker, lo, hi int) {
	for r := lo; r < hi; r++ {
		x, dy, dx := a.x[r*a.c:(r+1)*a.c], a.dy[r*a.c:(r+1)*a.c], a.dx[r*a.c:(r+1)*a.c]
		m, inv := a.mean[r], a.invstd[r]
		var sum, along float64
		for j, v := range x {
			g := float64(a.gamma[j] * dy[j])
			sum += g
			along += g * float64((v-m)*inv)
		}
		s, t := float32(sum/float64(a.c)), float32(along/float64(a.c))
		for j, v := range x {
			dx[j] = inv * (a.gamma[j]*dy[j] - s - (v-m)*inv*t)
		}
	}
}
