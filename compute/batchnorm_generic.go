package compute

// normalized is one element of batch norm's output. The product is rounded, so
// that a machine that can multiply and add in one comes to the same bits
// wherever this is written out.
func normalized(d, scale, beta float32) float32 { return float32(d*scale) + beta }

func normalizeAddGeneric(mean, scale, beta, x, z, y []float32, rows int) {
	c := len(mean)
	scale, beta = scale[:c], beta[:c]
	for ; rows > 0; rows-- {
		xr, zr, yr := x[:c], z[:c], y[:c]
		for j := range mean {
			yr[j] = normalized(xr[j]-mean[j], scale[j], beta[j]) + zr[j]
		}
		x, z, y = x[c:], z[c:], y[c:]
	}
}

func normalizeAddReLUGeneric(mean, scale, beta, x, z, y []float32, rows int) {
	normalizeAddGeneric(mean, scale, beta, x, z, y, rows)
	y = y[:len(mean)*rows]
	reluGeneric(y, y)
}

func colGradReLUGeneric(s, q, mean, scale, beta, x, dy []float32, rows int) {
	c := len(s)
	q, mean, scale, beta = q[:c], mean[:c], scale[:c], beta[:c]
	for ; rows > 0; rows-- {
		xr, dr := x[:c], dy[:c]
		for j := range s {
			d := xr[j] - mean[j]
			if normalized(d, scale[j], beta[j]) > 0 {
				s[j] += dr[j]
				q[j] += dr[j] * d
			}
		}
		x, dy = x[c:], dy[c:]
	}
}

func colGradMaskGeneric(s, q, mean, x, y, dy, dm []float32, rows int) {
	n := len(s) * rows
	reluGradGeneric(dm[:n], y, dy)
	colGradGeneric(s, q, mean, x, dm, rows)
}

func normGradReLUGeneric(n normGradArgs, x, dy, dx []float32, rows int) {
	c := len(n.mean)
	mean, scale, beta, a, b := n.mean, n.scale[:c], n.beta[:c], n.a[:c], n.b[:c]
	for ; rows > 0; rows-- {
		xr, yr, dr := x[:c], dy[:c], dx[:c]
		for j := range mean {
			d, g := xr[j]-mean[j], yr[j]
			if !(normalized(d, scale[j], beta[j]) > 0) {
				g = 0
			}
			dr[j] = scale[j] * (g - a[j] - d*b[j])
		}
		x, dy, dx = x[c:], dy[c:], dx[c:]
	}
}
