package compute

import "math"

func rowNormGeneric(x, gamma, beta, y, mean, inv []float32, eps float32) {
	c := len(gamma)
	beta = beta[:c]
	for r := range inv {
		x, y := x[r*c:][:c], y[r*c:][:c]
		var sum, square float64
		for _, v := range x {
			sum += float64(v)
		}
		m := sum / float64(c)
		for _, v := range x {
			d := float64(v) - m
			square += d * d
		}
		mean[r] = float32(m)
		inv[r] = float32(1 / math.Sqrt(square/float64(c)+float64(eps)))
		for j, v := range x {
			y[j] = gamma[j]*((v-mean[r])*inv[r]) + beta[j]
		}
	}
}

func rowNormGradGeneric(x, gamma, mean, inv, dy, dx, dgamma, dbeta []float32) {
	c := len(gamma)
	dgamma, dbeta = dgamma[:c], dbeta[:c]
	for r := range inv {
		x, dy, dx := x[r*c:][:c], dy[r*c:][:c], dx[r*c:][:c]
		m, s := mean[r], inv[r]
		var sum, slope float64
		for j, v := range x {
			hat := (v - m) * s
			dgamma[j] += dy[j] * hat
			dbeta[j] += dy[j]
			g := float64(gamma[j] * dy[j])
			sum += g
			slope += g * float64(hat)
		}
		a, b := float32(sum/float64(c)), float32(slope/float64(c))
		for j, v := range x {
			dx[j] = s * (gamma[j]*dy[j] - a - (v-m)*s*b)
		}
	}
}

func rowRMSGeneric(x, gamma, y, inv []float32, eps float32) {
	c := len(gamma)
	for r := range inv {
		x, y := x[r*c:][:c], y[r*c:][:c]
		var square float64
		for _, v := range x {
			square += float64(v) * float64(v)
		}
		inv[r] = float32(1 / math.Sqrt(square/float64(c)+float64(eps)))
		for j, v := range x {
			y[j] = gamma[j] * (v * inv[r])
		}
	}
}

func rowRMSGradGeneric(x, gamma, inv, dy, dx, dgamma []float32) {
	c := len(gamma)
	dgamma = dgamma[:c]
	for r, s := range inv {
		x, dy, dx := x[r*c:][:c], dy[r*c:][:c], dx[r*c:][:c]
		var slope float64
		for j, v := range x {
			hat := v * s
			dgamma[j] += dy[j] * hat
			slope += float64(gamma[j]*dy[j]) * float64(hat)
		}
		b := float32(slope / float64(c))
		for j, v := range x {
			dx[j] = s * (gamma[j]*dy[j] - v*s*b)
		}
	}
}

func groupGradGeneric(n normGradArgs, x, dy, dx []float32, rows int) {
	c := len(n.mean)
	mean, scale, a, b := n.mean, n.scale[:c], n.a[:c], n.b[:c]
	for ; rows > 0; rows-- {
		xr, yr, dr := x[:c], dy[:c], dx[:c]
		for j := range mean {
			dr[j] = scale[j]*yr[j] - a[j] - (xr[j]-mean[j])*b[j]
		}
		x, dy, dx = x[c:], dy[c:], dx[c:]
	}
}

func preluGeneric(slope, x, y []float32, rows int) {
	c := len(slope)
	for ; rows > 0; rows-- {
		xr, yr := x[:c], y[:c]
		for j, v := range xr {
			if v < 0 {
				v *= slope[j]
			}
			yr[j] = v
		}
		x, y = x[c:], y[c:]
	}
}

func preluGradGeneric(acc, slope, x, dy, dx []float32, rows int) {
	c := len(acc)
	slope = slope[:c]
	for ; rows > 0; rows-- {
		xr, yr, dr := x[:c], dy[:c], dx[:c]
		for j, v := range xr {
			d := yr[j]
			if !(v > 0) {
				acc[j] += d * v
				d *= slope[j]
			}
			dr[j] = d
		}
		x, dy, dx = x[c:], dy[c:], dx[c:]
	}
}

func softmaxGradGeneric(dx, y, dy []float32, d float32) {
	y, dy = y[:len(dx)], dy[:len(dx)]
	for j := range dx {
		dx[j] = y[j] * (dy[j] - d)
	}
}

func shiftGeneric(y, x []float32, s float32) {
	x = x[:len(y)]
	for j := range y {
		y[j] = x[j] - s
	}
}

func addScaledGeneric(dst, a, b []float32, s float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for j := range dst {
		dst[j] = a[j] + s*b[j]
	}
}
