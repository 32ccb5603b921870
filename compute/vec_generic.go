package compute

import "math"

// genericVectors are the inner loops in plain Go: always compiled, and what
// every other set is tested against.
var genericVectors = vectors{
	name:          "generic",
	turn:          turnGeneric,
	rowTimes:      rowTimesGeneric,
	add:           plusGeneric,
	addReLU:       plusReLUGeneric,
	mul:           timesGeneric,
	mulAdd:        timesAddGeneric,
	scale:         scaleGeneric,
	relu:          reluGeneric,
	reluGrad:      reluGradGeneric,
	act:           actGeneric,
	actGrad:       actGradGeneric,
	dropout:       dropoutGeneric,
	dropoutGrad:   dropoutGradGeneric,
	sum:           sumGeneric,
	finite:        finiteGeneric,
	sumSquares:    sumSquaresGeneric,
	moments:       momentsGeneric,
	dot:           dotGeneric,
	colSum:        colSumGeneric,
	colMax:        colMaxGeneric,
	colMoments:    colMomentsGeneric,
	colGrad:       colGradGeneric,
	normalize:     normalizeGeneric,
	normalizeReLU: normalizeReLUGeneric,
	normGrad:      normGradGeneric,

	normalizeAdd:     normalizeAddGeneric,
	normalizeAddReLU: normalizeAddReLUGeneric,
	colGradReLU:      colGradReLUGeneric,
	colGradMask:      colGradMaskGeneric,
	normGradReLU:     normGradReLUGeneric,

	rowNorm:     rowNormGeneric,
	rowNormGrad: rowNormGradGeneric,
	rowRMS:      rowRMSGeneric,
	rowRMSGrad:  rowRMSGradGeneric,
	groupGrad:   groupGradGeneric,
	prelu:       preluGeneric,
	preluGrad:   preluGradGeneric,
	softmaxGrad: softmaxGradGeneric,
	shift:       shiftGeneric,
	addScaled:   addScaledGeneric,

	maxOf:          maxOfGeneric,
	expSum:         expSumGeneric,
	weightSum:      expSumGeneric,
	weightSlopes:   weightSlopesGeneric,
	sgd:            sgdGeneric,
	adam:           adamGeneric,
	maxPool:        maxPoolGeneric,
	maxPoolGrad:    maxPoolGradGeneric,
	maxPoolRow:     maxPoolRowGeneric,
	maxPoolRowGrad: maxPoolRowGradGeneric,
	avgPool:        avgPoolGeneric,
	avgPoolGrad:    avgPoolGradGeneric,
	cell:           cellGeneric,
	cellGrad:       cellGradGeneric,
}

func plusGeneric(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func plusReLUGeneric(dst, a, b []float32) {
	plusGeneric(dst, a, b)
	reluGeneric(dst, dst)
}

func timesGeneric(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func timesAddGeneric(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] += a[i] * b[i]
	}
}

func scaleGeneric(dst, x []float32, s float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = s * x[i]
	}
}

func reluGeneric(y, x []float32) {
	x = x[:len(y)]
	for i, v := range x {
		if v < 0 {
			v = 0
		}
		y[i] = v
	}
}

func reluGradGeneric(dx, y, dy []float32) {
	y, dy = y[:len(dx)], dy[:len(dx)]
	for i := range dx {
		d := dy[i]
		if !(y[i] > 0) {
			d = 0
		}
		dx[i] = d
	}
}

func sumGeneric(x []float32) float32 {
	var a, b, c, d float32
	for len(x) >= 4 {
		a += x[0]
		b += x[1]
		c += x[2]
		d += x[3]
		x = x[4:]
	}
	for _, v := range x {
		a += v
	}
	return (a + b) + (c + d)
}

func finiteGeneric(x []float32) bool {
	const exponent = 0x7f800000
	for _, v := range x {
		if math.Float32bits(v)&exponent == exponent {
			return false
		}
	}
	return true
}

func sumSquaresGeneric(x []float32) float32 { return dotGeneric(x, x) }

// rowTimesGeneric takes four rows at a time, so that y is seldom loaded.
func rowTimesGeneric(y, a, b []float32, step int) {
	clear(y)
	n := len(y)
	for len(a) >= 4 {
		b0, b1, b2, b3 := b[:n], b[step:][:n], b[2*step:][:n], b[3*step:][:n]
		for j, v := range y {
			v += a[0] * b0[j]
			v += a[1] * b1[j]
			v += a[2] * b2[j]
			y[j] = v + a[3]*b3[j]
		}
		if a = a[4:]; len(a) > 0 {
			b = b[4*step:]
		}
	}
	for p, s := range a {
		for j, v := range b[p*step:][:n] {
			y[j] += s * v
		}
	}
}

func dotGeneric(x, y []float32) float32 {
	y = y[:len(x)]
	var a, b, c, d float32
	for len(x) >= 4 && len(y) >= 4 {
		a += x[0] * y[0]
		b += x[1] * y[1]
		c += x[2] * y[2]
		d += x[3] * y[3]
		x, y = x[4:], y[4:]
	}
	for i, v := range x {
		a += v * y[i]
	}
	return (a + b) + (c + d)
}

func momentsGeneric(x []float32, mean float32) (s, q float32) {
	var s1, q1 float32
	for len(x) >= 2 {
		d, e := x[0]-mean, x[1]-mean
		s += d
		q += d * d
		s1 += e
		q1 += e * e
		x = x[2:]
	}
	for _, v := range x {
		d := v - mean
		s += d
		q += d * d
	}
	return s + s1, q + q1
}

func colSumGeneric(acc, x []float32, rows int) {
	c := len(acc)
	for ; rows > 0; rows-- {
		for j, v := range x[:c] {
			acc[j] += v
		}
		x = x[c:]
	}
}

func colMaxGeneric(acc, x []float32, rows int) {
	c := len(acc)
	for ; rows > 0; rows-- {
		for j, v := range x[:c] {
			if v > acc[j] {
				acc[j] = v
			}
		}
		x = x[c:]
	}
}

func colMomentsGeneric(s, q, mean, x []float32, rows int) {
	c := len(s)
	q, mean = q[:c], mean[:c]
	for ; rows > 0; rows-- {
		row := x[:c]
		for j := range s {
			d := row[j] - mean[j]
			s[j] += d
			q[j] += d * d
		}
		x = x[c:]
	}
}

func colGradGeneric(s, q, mean, x, dy []float32, rows int) {
	c := len(s)
	q, mean = q[:c], mean[:c]
	for ; rows > 0; rows-- {
		xr, dr := x[:c], dy[:c]
		for j := range s {
			s[j] += dr[j]
			q[j] += dr[j] * (xr[j] - mean[j])
		}
		x, dy = x[c:], dy[c:]
	}
}

func normalizeGeneric(mean, scale, beta, x, y []float32, rows int) {
	c := len(mean)
	scale, beta = scale[:c], beta[:c]
	for ; rows > 0; rows-- {
		xr, yr := x[:c], y[:c]
		for j := range mean {
			yr[j] = normalized(xr[j]-mean[j], scale[j], beta[j])
		}
		x, y = x[c:], y[c:]
	}
}

func normalizeReLUGeneric(mean, scale, beta, x, y []float32, rows int) {
	normalizeGeneric(mean, scale, beta, x, y, rows)
	y = y[:len(mean)*rows]
	reluGeneric(y, y)
}

func normGradGeneric(n normGradArgs, x, dy, dx []float32, rows int) {
	c := len(n.mean)
	mean, scale, a, b := n.mean, n.scale[:c], n.a[:c], n.b[:c]
	for ; rows > 0; rows-- {
		xr, yr, dr := x[:c], dy[:c], dx[:c]
		for j := range mean {
			dr[j] = scale[j] * (yr[j] - a[j] - (xr[j]-mean[j])*b[j])
		}
		x, dy, dx = x[c:], dy[c:], dx[c:]
	}
}

func maxOfGeneric(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m
}

func weightSlopesGeneric(w, d []float32, shift float32) {
	expSumGeneric(w, w, shift)
	timesGeneric(d, d, w)
}

func expSumGeneric(y, x []float32, shift float32) float32 {
	y = y[:len(x)]
	var s float64
	for i, v := range x {
		e := float32(math.Exp(float64(v - shift)))
		y[i] = e
		s += float64(e)
	}
	return float32(s)
}

func turnGeneric(dst []float32, dstep int, src []float32, sstep, rows, cols int) {
	for p := range cols {
		to, k := dst[p*dstep:][:rows], p
		for j := range to {
			to[j] = src[k]
			k += sstep
		}
	}
}
