package compute

import "math"

// BatchNormAddForward is BatchNormForward and then y += z, with relu
// max(y + z, 0), to the same bits, in one sweep instead of three: the end of a
// residual block. z [rows, c] may be y; x is kept, so y must be other memory.
func BatchNormAddForward(p *Pool, rows, c int, x, gamma, beta, z, y, mean, invstd, runMean, runVar []float32, eps, momentum float32, relu bool) {
	mustLen("batch norm's summand", rows*c, len(z))
	batchNorm(p, rows, c, x, gamma, beta, z, y, mean, invstd, runMean, runVar, eps, momentum, relu)
}

// BatchNormAddInfer is BatchNormInfer and then y += z, with relu
// max(y + z, 0), to the same bits. y may be x or z.
func BatchNormAddInfer(p *Pool, rows, c int, x, gamma, beta, z, y, runMean, runVar []float32, eps float32, relu bool) {
	mustLen("batch norm's summand", rows*c, len(z))
	batchNormInfer(p, rows, c, x, gamma, beta, z, y, runMean, runVar, eps, relu)
}

// BatchNormReLUBackward is the gradient of BatchNormReLUForward: that of relu
// and then BatchNormBackward, to the same bits, in two sweeps instead of
// three. Where relu let nothing through is worked out again from x, so y is
// not read. gamma and beta must be as they were in the forward pass. dx may be dy.
func BatchNormReLUBackward(p *Pool, rows, c int, x, gamma, beta, mean, invstd, dy, dx, dgamma, dbeta []float32) {
	t := bnGradArgs{x: x, dy: dy, dx: dx, mean: mean, istd: invstd, gamma: gamma, beta: beta, relu: true}
	batchNormBackward(p, rows, c, t, bnStatsArgs{x: x, dy: dy, mean: mean, relu: true, istd: invstd, gamma: gamma, beta: beta}, dgamma, dbeta)
}

// BatchNormMaskBackward is the gradient through a relu whose output was y, dm =
// dy where y > 0 and 0 elsewhere, and then BatchNormBackward of dm, to the same
// bits, in two sweeps instead of three. Between relu and batch norm may stand a
// sum, whose other side takes dm too.
//
//	y, dy, dm [rows, c]   dm may be dy, dx may be dm; the rest as for BatchNormBackward
func BatchNormMaskBackward(p *Pool, rows, c int, x, gamma, mean, invstd, y, dy, dm, dx, dgamma, dbeta []float32) {
	mustLen("batch norm's gradient behind relu", rows*c, len(y), len(dy), len(dm))
	t := bnGradArgs{x: x, dy: dm, dx: dx, mean: mean, istd: invstd, gamma: gamma}
	batchNormBackward(p, rows, c, t, bnStatsArgs{x: x, dy: dy, mean: mean, y: y, dm: dm}, dgamma, dbeta)
}

// FoldBatchNorm works batch norm by its running values into the weights and
// the bias of the product before it:
//
//	s = gamma/√(runVar+eps)    wOut[i, j] = w[i, j]·s[j]    bOut[j] = (b[j] − runMean[j])·s[j] + beta[j]
//
//	w, wOut [rows, c]   b, bOut, gamma, beta, runMean, runVar [c]
//
// so that x·wOut + bOut is BatchNormInfer of x·w + b but for rounding (Jacob et
// al., Quantization and training of neural networks for efficient
// integer-arithmetic-only inference, 2017, section 3.2). b, gamma and beta may
// be nil, for 0, 1 and 0. wOut may be w, bOut may be b.
func FoldBatchNorm(p *Pool, rows, c int, w, b, gamma, beta, runMean, runVar []float32, eps float32, wOut, bOut []float32) {
	mustLen("folded batch norm", rows*c, len(w), len(wOut))
	mustLen("folded batch norm's columns", c, len(bOut), len(runMean), len(runVar))
	k := newColumns(rows, c)
	// The product alone is scaled, so mean and shift are none.
	For(p, rows, k.block, bnApplyArgs{columns: k, x: w, y: wOut, gamma: gamma, istd: runVar, eps: eps, infer: true}, bnApply)
	for j := range bOut {
		s := 1 / math.Sqrt(float64(runVar[j])+float64(eps))
		if gamma != nil {
			s *= float64(gamma[j])
		}
		at := -float64(runMean[j])
		if b != nil {
			at += float64(b[j])
		}
		at *= s
		if beta != nil {
			at += float64(beta[j])
		}
		bOut[j] = float32(at)
	}
}
