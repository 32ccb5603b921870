//go:build arm64 && !noasm

package compute

import "unsafe"

// vec is the set of inner loops in use.
var vec = &neonVectors

// vectorSets are the sets that this machine can run, the plain one first.
func vectorSets() []*vectors { return []*vectors{&genericVectors, &neonVectors} }

// neonVectors are the loops of vec_arm64.s and vec_functions_arm64.s, and those in plain Go where there
// are none. They trust the lengths that they are given.
var neonVectors = withFunctions(withNEON(genericVectors))

func withNEON(v vectors) vectors {
	v.name = "neon"
	v.add = addNEON
	v.addReLU = addReLUNEON
	v.mul = mulNEON
	v.mulAdd = mulAddNEON
	v.scale = scaleNEON
	v.relu = reluNEON
	v.reluGrad = reluGradNEON
	v.act[ActReLU] = func(y, x []float32, alpha float32) { reluNEON(y, x) }
	v.actGrad[ActReLU] = func(dx, in, dy []float32, alpha float32) { reluGradNEON(dx, in, dy) }
	v.sum = sumNEON
	v.sumSquares = sumSquaresNEON
	v.dot = dotNEON
	v.moments = momentsNEON
	v.colSum = colSumNEON
	v.colMax = colMaxNEON
	v.colMoments = colMomentsNEON
	v.colGrad = colGradNEON
	v.normalize = normalizeNEON
	v.normalizeReLU = normalizeReLUNEON
	v.normGrad = func(n normGradArgs, x, dy, dx []float32, rows int) {
		normGradNEON(n.mean, n.scale, n.a, n.b, x, dy, dx, rows)
	}
	v.normalizeAdd = normalizeAddStretches
	v.normalizeAddReLU = normalizeAddReLUStretches
	v.colGradReLU = colGradReLUStretches
	v.colGradMask = colGradMaskTwice
	v.normGradReLU = normGradReLUStretches
	v.rowNorm = rowNormStretches
	v.rowNormGrad = rowNormGradStretches
	v.rowRMS = rowRMSStretches
	v.rowRMSGrad = rowRMSGradStretches
	v.rowTimes = oneRowNEON
	v.turn = turnNEON
	v.avgPool = avgPoolNEON
	v.avgPoolGrad = avgPoolGradNEON
	v.sgd = sgdNEON
	v.adam = func(w, g, m, v []float32, c *adamArgs) (g2, w2, u2 float32) {
		return adamNEON(w, g, m, v, c.gscale, c.decay, c.take1, c.beta2, c.take2, c.root, c.eps, c.shrink, c.step)
	}
	return v
}

// turnNEON goes by squares of four in registers, and does what is left one by one.
func turnNEON(dst []float32, dstep int, src []float32, sstep, rows, cols int) {
	r4, c4 := rows&^3, cols&^3
	if r4 > 0 && c4 > 0 {
		_, _ = dst[(cols-1)*dstep+rows-1], src[(rows-1)*sstep+cols-1]
		for j := 0; j < r4; j += 4 {
			packFour(unsafe.SliceData(dst[j:]), dstep, unsafe.SliceData(src[j*sstep:]), sstep, c4/4)
		}
	} else {
		r4, c4 = 0, 0
	}
	if r4 < rows {
		turnGeneric(dst[r4:], dstep, src[r4*sstep:], sstep, rows-r4, cols)
	}
	if c4 < cols && r4 > 0 {
		turnGeneric(dst[c4*dstep:], dstep, src[c4:], sstep, r4, cols-c4)
	}
}

// avgPoolNEON adds the places of a window up in y, one after the other.
func avgPoolNEON(w poolWindow, x, y []float32, s float32) {
	clear(y)
	for i := range w.kh {
		for j := range w.kw {
			addNEON(y, y, x[i*w.row+j*w.c:][:len(y)])
		}
	}
	scaleNEON(y, y, s)
}

func avgPoolGradNEON(w poolWindow, dy, dx []float32, s float32) {
	for i := range w.kh {
		for j := range w.kw {
			row := dx[i*w.row+j*w.c:][:len(dy)]
			addScaledNEON(row, row, dy, s)
		}
	}
}

func sgdNEON(w, g, v []float32, c *sgdArgs) (g2, w2, u2 float32) {
	switch {
	case v == nil:
		return sgdPlainNEON(w, g, c.lr, c.decay, c.gscale)
	case c.nesterov:
		return sgdNesterovNEON(w, g, v, c.lr, c.momentum, c.decay, c.gscale)
	}
	return sgdMomentumNEON(w, g, v, c.lr, c.momentum, c.decay, c.gscale)
}

//go:noescape
func addNEON(dst, a, b []float32) // dst = a + b

//go:noescape
func addReLUNEON(dst, a, b []float32) // dst = max(a+b, 0)

//go:noescape
func mulNEON(dst, a, b []float32) // dst = a·b

//go:noescape
func mulAddNEON(dst, a, b []float32) // dst += a·b

//go:noescape
func scaleNEON(dst, x []float32, s float32) // dst = s·x

//go:noescape
func reluNEON(y, x []float32) // y = max(x, 0), NaN where x is

//go:noescape
func reluGradNEON(dx, y, dy []float32) // dx = dy where y > 0, else 0

//go:noescape
func sumNEON(x []float32) float32 // Σx

//go:noescape
func sumSquaresNEON(x []float32) float32 // Σx²

//go:noescape
func dotNEON(x, y []float32) float32 // Σx·y

//go:noescape
func momentsNEON(x []float32, mean float32) (s, q float32) // Σ(x−mean), Σ(x−mean)²

//go:noescape
func oneRowNEON(y, a, b []float32, step int) // y[j] = Σ_p a[p]·b[p·step + j]

// The following go down rows of a matrix x without gaps that has as many
// columns as their first slice has elements.

//go:noescape
func colSumNEON(acc, x []float32, rows int) // acc += x

//go:noescape
func colMaxNEON(acc, x []float32, rows int) // acc = max(acc, x), a NaN in x left out

//go:noescape
func colMomentsNEON(s, q, mean, x []float32, rows int) // s += x−mean, q += (x−mean)²

//go:noescape
func colGradNEON(s, q, mean, x, dy []float32, rows int) // s += dy, q += dy·(x−mean)

//go:noescape
func normalizeNEON(mean, scale, beta, x, y []float32, rows int) // y = (x−mean)·scale + beta

//go:noescape
func normalizeReLUNEON(mean, scale, beta, x, y []float32, rows int) // and then max(y, 0)

//go:noescape
func normGradNEON(mean, scale, a, b, x, dy, dx []float32, rows int) // dx = scale·(dy − a − (x−mean)·b)

// The optimizers' steps; sgdGeneric and adamGeneric say what they compute.

//go:noescape
func sgdPlainNEON(w, g []float32, lr, decay, gscale float32) (g2, w2, u2 float32)

//go:noescape
func sgdMomentumNEON(w, g, v []float32, lr, momentum, decay, gscale float32) (g2, w2, u2 float32)

//go:noescape
func sgdNesterovNEON(w, g, v []float32, lr, momentum, decay, gscale float32) (g2, w2, u2 float32)

// adamNEON: a1 is 1−beta1, a2 is 1−beta2.
//
//go:noescape
func adamNEON(w, g, m, v []float32, gscale, decay, a1, beta2, a2, root, eps, shrink, step float32) (g2, w2, u2 float32)
