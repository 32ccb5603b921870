//go:build amd64 && !noasm

package compute

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// vec is the set of inner loops in use.
var vec = vectorSets()[len(vectorSets())-1]

// vectorSets are the sets that this machine can run, the plain one first.
func vectorSets() []*vectors {
	sets := []*vectors{&genericVectors}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		sets = append(sets, &avx2Vectors)
	}
	return sets
}

// avx2Vectors are the loops of vec_amd64.s. They trust the lengths that they
// are given: functions here look at them where slices of several lengths meet.
var avx2Vectors = vectors{
	name:     "avx2",
	turn:     turnVectors,
	rowTimes: oneRowAVX2,
	add:      addAVX2,
	addReLU:  addReLUAVX2,
	mul:      mulAVX2,
	mulAdd:   productsAVX2,
	scale:    scaleAVX2,
	relu:     func(y, x []float32) { actReLUAVX2(y, x, 0) },
	reluGrad: func(dx, y, dy []float32) { gradReLUAVX2(dx, y, dy, 0) },
	act: [actCount]func(y, x []float32, alpha float32){
		ActReLU:        actReLUAVX2,
		ActLeakyReLU:   actLeakyReLUAVX2,
		ActReLU6:       actReLU6AVX2,
		ActELU:         actELUAVX2,
		ActSELU:        actSELUAVX2,
		ActGELU:        actGELUAVX2,
		ActGELUTanh:    actGELUTanhAVX2,
		ActSiLU:        actSiLUAVX2,
		ActSigmoid:     actSigmoidAVX2,
		ActTanh:        actTanhAVX2,
		ActSoftplus:    actSoftplusAVX2,
		ActHardSigmoid: actHardSigmoidAVX2,
		ActHardSwish:   actHardSwishAVX2,
	},
	actGrad: [actCount]func(dx, in, dy []float32, alpha float32){
		ActReLU:        gradReLUAVX2,
		ActLeakyReLU:   gradLeakyReLUAVX2,
		ActReLU6:       gradReLU6AVX2,
		ActELU:         gradELUAVX2,
		ActSELU:        gradSELUAVX2,
		ActGELU:        gradGELUAVX2,
		ActGELUTanh:    gradGELUTanhAVX2,
		ActSiLU:        gradSiLUAVX2,
		ActSigmoid:     gradSigmoidAVX2,
		ActTanh:        gradTanhAVX2,
		ActSoftplus:    gradSoftplusAVX2,
		ActHardSigmoid: gradHardSigmoidAVX2,
		ActHardSwish:   gradHardSwishAVX2,
	},
	dropout:       dropoutVectors,
	dropoutGrad:   dropoutGradVectors,
	sum:           sumAVX2,
	finite:        func(x []float32) bool { return timesZeroAVX2(x) == 0 },
	sumSquares:    sumSquaresAVX2,
	moments:       momentsAVX2,
	dot:           dotAVX2,
	colSum:        colSumAVX2,
	colMax:        colMaxAVX2,
	colMoments:    colMomentsAVX2,
	colGrad:       colGradAVX2,
	normalize:     normalizeAVX2,
	normalizeReLU: normalizeReLUAVX2,
	normGrad: func(n normGradArgs, x, dy, dx []float32, rows int) {
		normGradAVX2(n.mean, n.scale, n.a, n.b, x, dy, dx, rows)
	},
	normalizeAdd:     normalizeAddAVX2,
	normalizeAddReLU: normalizeAddReLUAVX2,
	colGradReLU:      colGradReLUAVX2,
	colGradMask:      colGradMaskAVX2,
	normGradReLU: func(n normGradArgs, x, dy, dx []float32, rows int) {
		normGradReLUAVX2(n.mean, n.scale, n.beta, n.a, n.b, x, dy, dx, rows)
	},
	rowNorm:     rowNormVectors,
	rowNormGrad: rowNormGradVectors,
	rowRMS:      rowRMSVectors,
	rowRMSGrad:  rowRMSGradVectors,
	groupGrad: func(n normGradArgs, x, dy, dx []float32, rows int) {
		groupGradAVX2(n.mean, n.scale, n.a, n.b, x, dy, dx, rows)
	},
	prelu:          preluAVX2,
	preluGrad:      preluGradAVX2,
	softmaxGrad:    softmaxGradAVX2,
	shift:          shiftAVX2,
	addScaled:      addScaledAVX2,
	maxOf:          maxOfAVX2,
	expSum:         expSumAVX2,
	weightSum:      weightSumAVX2,
	weightSlopes:   weightSlopesAVX2,
	sgd:            sgdVectors,
	adam:           adamVectors,
	maxPool:        maxPoolVectors,
	maxPoolGrad:    maxPoolGradVectors,
	maxPoolRow:     maxPoolRowVectors,
	maxPoolRowGrad: maxPoolRowGradVectors,
	avgPool:        avgPoolVectors,
	avgPoolGrad:    avgPoolGradVectors,
	cell:           cellAVX2,
	cellGrad:       cellGradAVX2,
}

// turnVectors goes by squares of eight in registers, and does what is left one by one.
func turnVectors(dst []float32, dstep int, src []float32, sstep, rows, cols int) {
	r8, c8 := rows&^7, cols&^7
	if r8 > 0 && c8 > 0 {
		_, _ = dst[(cols-1)*dstep+rows-1], src[(rows-1)*sstep+cols-1]
		for j := 0; j < r8; j += 8 {
			packEight(unsafe.SliceData(dst[j:]), dstep, unsafe.SliceData(src[j*sstep:]), sstep, c8/8)
		}
	} else {
		r8, c8 = 0, 0
	}
	if r8 < rows {
		turnGeneric(dst[r8:], dstep, src[r8*sstep:], sstep, rows-r8, cols)
	}
	if c8 < cols && r8 > 0 {
		turnGeneric(dst[c8*dstep:], dstep, src[c8:], sstep, r8, cols-c8)
	}
}

func dropoutVectors(y, x []float32, keep []byte, k dropoutKey, start uint32, s float32) {
	n := len(y) &^ 7
	dropoutAVX2(y[:n], x[:n], keep[:n], k.a, k.b, k.drop, start, s)
	dropoutGeneric(y[n:], x[n:], keep[n:], k, start+uint32(n), s)
}

func dropoutGradVectors(dx, dy []float32, keep []byte, s float32) {
	n := len(dx) &^ 7
	dropoutGradAVX2(dx[:n], dy[:n], keep[:n], s)
	dropoutGradGeneric(dx[n:], dy[n:], keep[n:], s)
}

// widestRow is the longest row that is summed in float32; a lane of an
// accumulator then takes 2048 elements.
const widestRow = 1 << 16

func rowNormVectors(x, gamma, beta, y, mean, inv []float32, eps float32) {
	if len(gamma) > widestRow {
		rowNormGeneric(x, gamma, beta, y, mean, inv, eps)
		return
	}
	rowNormAVX2(x, gamma, beta, y, mean, inv, eps, 1/float32(len(gamma)))
}

func rowNormGradVectors(x, gamma, mean, inv, dy, dx, dgamma, dbeta []float32) {
	if len(gamma) > widestRow {
		rowNormGradGeneric(x, gamma, mean, inv, dy, dx, dgamma, dbeta)
		return
	}
	rowNormGradAVX2(x, gamma, mean, inv, dy, dx, dgamma, dbeta, 1/float32(len(gamma)))
}

func rowRMSVectors(x, gamma, y, inv []float32, eps float32) {
	if len(gamma) > widestRow {
		rowRMSGeneric(x, gamma, y, inv, eps)
		return
	}
	rowRMSAVX2(x, gamma, y, inv, eps, 1/float32(len(gamma)))
}

func rowRMSGradVectors(x, gamma, inv, dy, dx, dgamma []float32) {
	if len(gamma) > widestRow {
		rowRMSGradGeneric(x, gamma, inv, dy, dx, dgamma)
		return
	}
	rowRMSGradAVX2(x, gamma, inv, dy, dx, dgamma, 1/float32(len(gamma)))
}

func sgdVectors(w, g, v []float32, c *sgdArgs) (g2, w2, u2 float32) {
	switch {
	case v == nil:
		return sgdPlainAVX2(w, g, c.lr, c.decay, c.gscale)
	case c.nesterov:
		return sgdNesterovAVX2(w, g, v, c.lr, c.momentum, c.decay, c.gscale)
	}
	return sgdMomentumAVX2(w, g, v, c.lr, c.momentum, c.decay, c.gscale)
}

func adamVectors(w, g, m, v []float32, c *adamArgs) (g2, w2, u2 float32) {
	return adamAVX2(w, g, m, v, c.gscale, c.decay, c.take1, c.beta2, c.take2, c.root, c.eps, c.shrink, c.step)
}

func maxPoolVectors(w poolWindow, x, y []float32, arg []byte) {
	_ = x[w.last(len(y))]
	if arg == nil {
		maxPoolAVX2(unsafe.SliceData(y), unsafe.SliceData(x), w.c, w.kh, w.kw, w.row)
		return
	}
	maxPoolMarksAVX2(unsafe.SliceData(y), unsafe.SliceData(arg), unsafe.SliceData(x), w.c, w.kh, w.kw, w.row, w.first, w.stride)
}

func maxPoolGradVectors(w poolWindow, dy []float32, arg []byte, dx []float32) {
	_, _ = dx[w.last(len(dy))], arg[len(dy)-1]
	n := len(dy) &^ 7
	if n > 0 {
		maxPoolGradAVX2(unsafe.SliceData(dx), unsafe.SliceData(arg), unsafe.SliceData(dy), n/8, w.c, w.kh, w.kw, w.row, w.first, w.stride)
	}
	if n < len(dy) {
		maxPoolGradGeneric(w, dy[n:], arg[n:], dx[n:])
	}
}

// wholePixels is how many of n output pixels may be treated in whole vectors:
// so many that what reaches beyond the last of them stays inside out floats
// of output and in floats of input.
func (w *poolWindow) wholePixels(n, step, out, in int) int {
	up := (w.c + 7) &^ 7
	in -= w.last(up) + 1
	if out < up || in < 0 {
		return 0
	}
	n = min(n, (out-up)/w.c+1)
	if step > 0 {
		n = min(n, in/step+1)
	}
	return n
}

func maxPoolRowVectors(w poolWindow, n, step int, x, y []float32, arg []byte) {
	whole := w.wholePixels(n, step, n*w.c, len(x))
	if whole > 0 {
		if arg == nil {
			maxPoolRowAVX2(unsafe.SliceData(y), unsafe.SliceData(x), whole, step, w.c, w.kh, w.kw, w.row)
		} else {
			maxPoolRowMarksAVX2(unsafe.SliceData(y), unsafe.SliceData(arg), unsafe.SliceData(x), whole, step, w.c, w.kh, w.kw, w.row, w.first, w.stride)
		}
	}
	for i := whole; i < n; i++ {
		var marks []byte
		if arg != nil {
			marks = arg[i*w.c:][:w.c]
		}
		maxPoolVectors(w, x[i*step:], y[i*w.c:][:w.c], marks)
	}
}

func maxPoolRowGradVectors(w poolWindow, n, step int, dy []float32, arg []byte, dx []float32) {
	whole := w.wholePixels(n, step, n*w.c, len(dx))
	if whole > 0 {
		maxPoolRowGradAVX2(unsafe.SliceData(dx), unsafe.SliceData(arg), unsafe.SliceData(dy), whole, step, w.c, w.kh, w.kw, w.row, w.first, w.stride)
	}
	for i := whole; i < n; i++ {
		maxPoolGradVectors(w, dy[i*w.c:][:w.c], arg[i*w.c:][:w.c], dx[i*step:])
	}
}

func avgPoolVectors(w poolWindow, x, y []float32, s float32) {
	_ = x[w.last(len(y))]
	n := len(y) &^ 7
	if n > 0 {
		avgPoolAVX2(unsafe.SliceData(y), unsafe.SliceData(x), n/8, w.c, w.kh, w.kw, w.row, s)
	}
	if n < len(y) {
		avgPoolGeneric(w, x[n:], y[n:], s)
	}
}

func avgPoolGradVectors(w poolWindow, dy, dx []float32, s float32) {
	_ = dx[w.last(len(dy))]
	n := len(dy) &^ 7
	if n > 0 {
		avgPoolGradAVX2(unsafe.SliceData(dx), unsafe.SliceData(dy), n/8, w.c, w.kh, w.kw, w.row, s)
	}
	if n < len(dy) {
		avgPoolGradGeneric(w, dy[n:], dx[n:], s)
	}
}

// last is the place of the last of c channels of the window.
func (w *poolWindow) last(c int) int { return (w.kh-1)*w.row + (w.kw-1)*w.c + c - 1 }
