//go:build arm64 && !noasm

package compute

// The loops of vec_functions_arm64.s: exponentials, and activations made of them.
// vec.go says what each computes.

//go:noescape
func actLeakyReLUNEON(y, x []float32, alpha float32)

//go:noescape
func gradLeakyReLUNEON(dx, in, dy []float32, alpha float32)

//go:noescape
func actReLU6NEON(y, x []float32, alpha float32)

//go:noescape
func gradReLU6NEON(dx, in, dy []float32, alpha float32)

//go:noescape
func actELUNEON(y, x []float32, alpha float32)

//go:noescape
func gradELUNEON(dx, in, dy []float32, alpha float32)

//go:noescape
func actSELUNEON(y, x []float32, alpha float32)

//go:noescape
func gradSELUNEON(dx, in, dy []float32, alpha float32)

//go:noescape
func actGELUNEON(y, x []float32, alpha float32)

//go:noescape
func gradGELUNEON(dx, in, dy []float32, alpha float32)

//go:noescape
func actGELUTanhNEON(y, x []float32, alpha float32)

//go:noescape
func gradGELUTanhNEON(dx, in, dy []float32, alpha float32)

//go:noescape
func actSiLUNEON(y, x []float32, alpha float32)

//go:noescape
func gradSiLUNEON(dx, in, dy []float32, alpha float32)

//go:noescape
func actSigmoidNEON(y, x []float32, alpha float32)

//go:noescape
func gradSigmoidNEON(dx, in, dy []float32, alpha float32)

//go:noescape
func actTanhNEON(y, x []float32, alpha float32)

//go:noescape
func gradTanhNEON(dx, in, dy []float32, alpha float32)

//go:noescape
func actSoftplusNEON(y, x []float32, alpha float32)

//go:noescape
func gradSoftplusNEON(dx, in, dy []float32, alpha float32)

//go:noescape
func actHardSigmoidNEON(y, x []float32, alpha float32)

//go:noescape
func gradHardSigmoidNEON(dx, in, dy []float32, alpha float32)

//go:noescape
func actHardSwishNEON(y, x []float32, alpha float32)

//go:noescape
func gradHardSwishNEON(dx, in, dy []float32, alpha float32)

//go:noescape
func maxOfNEON(x []float32) float32

//go:noescape
func expSumNEON(y, x []float32, shift float32) float32

//go:noescape
func weightSumNEON(y, x []float32, shift float32) float32

//go:noescape
func weightSlopesNEON(w, d []float32, shift float32)

//go:noescape
func softmaxGradNEON(dx, y, dy []float32, d float32)

//go:noescape
func shiftNEON(y, x []float32, s float32)

//go:noescape
func addScaledNEON(dst, a, b []float32, s float32)

//go:noescape
func timesZeroNEON(x []float32) float32

// withFunctions puts them into a set.
func withFunctions(v vectors) vectors {
	v.act[ActLeakyReLU], v.actGrad[ActLeakyReLU] = actLeakyReLUNEON, gradLeakyReLUNEON
	v.act[ActReLU6], v.actGrad[ActReLU6] = actReLU6NEON, gradReLU6NEON
	v.act[ActELU], v.actGrad[ActELU] = actELUNEON, gradELUNEON
	v.act[ActSELU], v.actGrad[ActSELU] = actSELUNEON, gradSELUNEON
	v.act[ActGELU], v.actGrad[ActGELU] = actGELUNEON, gradGELUNEON
	v.act[ActGELUTanh], v.actGrad[ActGELUTanh] = actGELUTanhNEON, gradGELUTanhNEON
	v.act[ActSiLU], v.actGrad[ActSiLU] = actSiLUNEON, gradSiLUNEON
	v.act[ActSigmoid], v.actGrad[ActSigmoid] = actSigmoidNEON, gradSigmoidNEON
	v.act[ActTanh], v.actGrad[ActTanh] = actTanhNEON, gradTanhNEON
	v.act[ActSoftplus], v.actGrad[ActSoftplus] = actSoftplusNEON, gradSoftplusNEON
	v.act[ActHardSigmoid], v.actGrad[ActHardSigmoid] = actHardSigmoidNEON, gradHardSigmoidNEON
	v.act[ActHardSwish], v.actGrad[ActHardSwish] = actHardSwishNEON, gradHardSwishNEON
	v.maxOf = maxOfNEON
	v.expSum = expSumNEON
	v.weightSum = weightSumNEON
	v.weightSlopes = weightSlopesNEON
	v.softmaxGrad = softmaxGradNEON
	v.shift = shiftNEON
	v.addScaled = addScaledNEON
	v.finite = func(x []float32) bool { return timesZeroNEON(x) == 0 }
	v.cell[CellTanh], v.cellGrad[CellTanh] = tanhRows, tanhGradRows
	v.cell[CellLSTM] = lstmRows
	v.cell[CellGRU] = gruRows
	return v
}

func tanhRows(c *cellRows, rows, from, n int) {
	for i := range rows {
		actTanhNEON(c.h[i*c.statesRow:][from:n], c.gates[i*c.gatesRow:][from:n], 0)
	}
}

func tanhGradRows(c *cellRows, rows, from, n int) {
	for i := range rows {
		gradTanhNEON(c.gates[i*c.gatesRow:][from:n], c.h[i*c.statesRow:][from:n], c.dh[i*c.statesRow:][from:n], 0)
	}
}

// The gates of a row lie in the nearest cache from one sweep to the next.

func lstmRows(c *cellRows, rows, from, n int) {
	for i := range rows {
		in, forget, g, out := c.gateRow(i, from, n)
		h, cell, last, tanh := c.h[i*c.statesRow:][from:n], c.c[i*c.units:][from:n], c.cLast[i*c.units:][from:n], c.tanh[i*c.units:][from:n]
		actSigmoidNEON(in, in, 0)
		actSigmoidNEON(forget, forget, 0)
		actTanhNEON(g, g, 0)
		actSigmoidNEON(out, out, 0)
		mulNEON(cell, forget, last)
		mulAddNEON(cell, in, g)
		actTanhNEON(tanh, cell, 0)
		mulNEON(h, out, tanh)
	}
}

func gruRows(c *cellRows, rows, from, n int) {
	for i := range rows {
		reset, update, next, own := c.gateRow(i, from, n)
		h, last := c.h[i*c.statesRow:][from:n], c.hLast[i*c.statesRow:][from:n]
		actSigmoidNEON(reset, reset, 0)
		actSigmoidNEON(update, update, 0)
		mulAddNEON(next, reset, own)
		actTanhNEON(next, next, 0)
		addScaledNEON(h, last, next, -1)
		mulNEON(h, h, update)
		addNEON(h, h, next)
	}
}
