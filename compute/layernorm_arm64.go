//go:build arm64 && !noasm

package compute

import "math"

// The norms of rows are made of NEON's other loops, a stretch of a row at a
// time, which stays in the level-1 cache.

// constants fills a stretch with one number.
func constants(v *[normStretch]float32, number float32) {
	for i := range v {
		v[i] = number
	}
}

func rowNormStretches(x, gamma, beta, y, mean, inv []float32, eps float32) {
	c := len(gamma)
	var m, s [normStretch]float32
	for r := range inv {
		x, y := x[r*c:][:c], y[r*c:][:c]
		var all spread
		for i := 0; i < c; i += sumBlock {
			all.merge(neonSpread(x[i:min(i+sumBlock, c)]))
		}
		mean[r] = float32(all.mean)
		inv[r] = float32(1 / math.Sqrt(all.m2/all.n+float64(eps)))
		constants(&m, mean[r])
		for lo := 0; lo < c; lo += normStretch {
			hi := min(lo+normStretch, c)
			scaleNEON(s[:hi-lo], gamma[lo:hi], inv[r])
			normalizeNEON(m[:hi-lo], s[:hi-lo], beta[lo:hi], x[lo:hi], y[lo:hi], 1)
		}
	}
}

// neonSpread is spreadOf by NEON's loops, whichever set is in use.
func neonSpread(x []float32) spread {
	n := float64(len(x))
	mean := sumNEON(x) / float32(len(x))
	s, q := momentsNEON(x, mean)
	return spread{n, float64(mean) + float64(s)/n, max(0, float64(q)-float64(s)*float64(s)/n)}
}

func rowRMSStretches(x, gamma, y, inv []float32, eps float32) {
	c := len(gamma)
	for r := range inv {
		x, y := x[r*c:][:c], y[r*c:][:c]
		var square float64
		for i := 0; i < c; i += sumBlock {
			square += float64(sumSquaresNEON(x[i:min(i+sumBlock, c)]))
		}
		inv[r] = float32(1 / math.Sqrt(square/float64(c)+float64(eps)))
		scaleNEON(y, x, inv[r])
		mulNEON(y, y, gamma)
	}
}

func rowNormGradStretches(x, gamma, mean, inv, dy, dx, dgamma, dbeta []float32) {
	rowGradStretches(x, gamma, mean, inv, dy, dx, dgamma, dbeta)
}

func rowRMSGradStretches(x, gamma, inv, dy, dx, dgamma []float32) {
	rowGradStretches(x, gamma, nil, inv, dy, dx, dgamma, nil)
}

// rowGradStretches is the gradient of a norm of rows; mean is nil for a root mean
// square.
func rowGradStretches(x, gamma, mean, inv, dy, dx, dgamma, dbeta []float32) {
	c := len(gamma)
	var m, s, zero, a, b, hat, g [normStretch]float32
	for r := range inv {
		x, dy, dx := x[r*c:][:c], dy[r*c:][:c], dx[r*c:][:c]
		if mean != nil {
			constants(&m, mean[r])
		}
		constants(&s, inv[r])
		var sum, slope float64
		for lo := 0; lo < c; lo += normStretch {
			hi := min(lo+normStretch, c)
			n := hi - lo
			normalizeNEON(m[:n], s[:n], zero[:n], x[lo:hi], hat[:n], 1)
			mulAddNEON(dgamma[lo:hi], dy[lo:hi], hat[:n])
			mulNEON(g[:n], gamma[lo:hi], dy[lo:hi])
			slope += float64(dotNEON(g[:n], hat[:n]))
			if mean != nil {
				addNEON(dbeta[lo:hi], dbeta[lo:hi], dy[lo:hi])
				sum += float64(sumNEON(g[:n]))
			}
		}
		constants(&a, float32(sum/float64(c)))
		constants(&b, float32(slope/float64(c)))
		for lo := 0; lo < c; lo += normStretch {
			hi := min(lo+normStretch, c)
			n := hi - lo
			normalizeNEON(m[:n], s[:n], zero[:n], x[lo:hi], hat[:n], 1)
			mulNEON(g[:n], gamma[lo:hi], dy[lo:hi])
			// inv·(g − a − (hat − 0)·b)
			normGradNEON(zero[:n], s[:n], a[:n], b[:n], hat[:n], g[:n], dx[lo:hi], 1)
		}
	}
}
