//go:build arm64 && !noasm

package compute

// The loops around batch norm that NEON has no routine of its own for are made
// of those that it has, a stretch of a row at a time, which stays in the
// level-1 cache.

const normStretch = 256

// stretches runs f over columns lo to hi of each row, of c columns, at offset at.
func stretches(c, rows int, f func(lo, hi, at int)) {
	for r := range rows {
		for lo := 0; lo < c; lo += normStretch {
			f(lo, min(lo+normStretch, c), r*c+lo)
		}
	}
}

func normalizeAddStretches(mean, scale, beta, x, z, y []float32, rows int) {
	var tmp [normStretch]float32
	stretches(len(mean), rows, func(lo, hi, at int) {
		n := hi - lo
		normalizeNEON(mean[lo:hi], scale[lo:hi], beta[lo:hi], x[at:at+n], tmp[:n], 1)
		addNEON(y[at:at+n], tmp[:n], z[at:at+n])
	})
}

func normalizeAddReLUStretches(mean, scale, beta, x, z, y []float32, rows int) {
	var tmp [normStretch]float32
	stretches(len(mean), rows, func(lo, hi, at int) {
		n := hi - lo
		normalizeNEON(mean[lo:hi], scale[lo:hi], beta[lo:hi], x[at:at+n], tmp[:n], 1)
		addReLUNEON(y[at:at+n], tmp[:n], z[at:at+n])
	})
}

func colGradReLUStretches(s, q, mean, scale, beta, x, dy []float32, rows int) {
	var tmp [normStretch]float32
	stretches(len(s), rows, func(lo, hi, at int) {
		n := hi - lo
		normalizeNEON(mean[lo:hi], scale[lo:hi], beta[lo:hi], x[at:at+n], tmp[:n], 1)
		reluGradNEON(tmp[:n], tmp[:n], dy[at:at+n])
		colGradNEON(s[lo:hi], q[lo:hi], mean[lo:hi], x[at:at+n], tmp[:n], 1)
	})
}

func colGradMaskTwice(s, q, mean, x, y, dy, dm []float32, rows int) {
	n := len(s) * rows
	reluGradNEON(dm[:n], y[:n], dy[:n])
	colGradNEON(s, q, mean, x, dm, rows)
}

func normGradReLUStretches(v normGradArgs, x, dy, dx []float32, rows int) {
	var tmp [normStretch]float32
	stretches(len(v.mean), rows, func(lo, hi, at int) {
		n := hi - lo
		normalizeNEON(v.mean[lo:hi], v.scale[lo:hi], v.beta[lo:hi], x[at:at+n], tmp[:n], 1)
		reluGradNEON(tmp[:n], tmp[:n], dy[at:at+n])
		normGradNEON(v.mean[lo:hi], v.scale[lo:hi], v.a[lo:hi], v.b[lo:hi], x[at:at+n], tmp[:n], dx[at:at+n], 1)
	})
}
