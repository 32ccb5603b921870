package compute

import "math"

// paddedArgs are batch norm's sweeps over samples of which only the first
// rows count.
type paddedArgs struct {
	stats bnStatsArgs // a chunk is a sample
	lens  []int32
	apply bnApplyArgs
	grad  bnGradArgs
}

// BatchNormPaddedForward is BatchNormForward for sequences padded to hw steps:
// the first lens[i] rows of sample i make the statistics and are normalized, and y
// is 0 in the others. Then z is added, where it is not nil, and with relu y =
// max(y, 0). y may be z.
//
//	x, y, z [n, hw, c]   gamma, beta, mean, invstd, runMean, runVar [c]
func BatchNormPaddedForward(p *Pool, n, hw, c int, lens []int32, x, gamma, beta, z, y, mean, invstd, runMean, runVar []float32, eps, momentum float32, relu bool) {
	mustLen("batch norm", n*hw*c, len(x), len(y))
	mustLen("batch norm's columns", c, len(mean), len(invstd))
	k := newSamples(n, hw, c)
	part := partials.take(2 * n * c)
	a := paddedArgs{stats: bnStatsArgs{columns: k, x: x, part: part}, lens: lens}
	For(p, n, 1, a, func(a *paddedArgs, w *Worker, i, _ int) {
		from := i * a.stats.chunk
		bnMoments(&a.stats, w, from, from+used(a.lens, i, a.stats.chunk))
	})
	for j := range c {
		var all spread
		for i := range n {
			if rows := used(lens, i, hw); rows > 0 {
				all.merge(spread{float64(rows), part[2*i*c+j], part[(2*i+1)*c+j]})
			}
		}
		mean[j] = float32(all.mean)
		invstd[j] = float32(1 / math.Sqrt(all.m2/max(1, all.n)+float64(eps)))
		if runMean != nil && all.n > 0 {
			unbiased := all.m2 / max(1, all.n-1)
			runMean[j] += momentum * (float32(all.mean) - runMean[j])
			runVar[j] += momentum * (float32(unbiased) - runVar[j])
		}
	}
	partials.give(part)
	a.apply = bnApplyArgs{columns: k, x: x, y: y, z: z, mean: mean, gamma: gamma, beta: beta, istd: invstd, relu: relu}
	For(p, n, 1, a, func(a *paddedArgs, w *Worker, i, _ int) {
		t := &a.apply
		from, last := i*t.chunk, (i+1)*t.chunk*t.c
		end := from + used(a.lens, i, t.chunk)
		bnApply(t, w, from, end)
		rest := t.y[end*t.c : last]
		switch {
		case t.z == nil:
			clear(rest)
		case t.relu:
			vec.relu(rest, t.z[end*t.c:last])
		default:
			copy(rest, t.z[end*t.c:last])
		}
	})
}

// BatchNormPaddedBackward is the gradient of BatchNormPaddedForward: that of
// BatchNormForward over the rows that count, and dx is 0 in the others.
func BatchNormPaddedBackward(p *Pool, n, hw, c int, lens []int32, x, gamma, mean, invstd, dy, dx, dgamma, dbeta []float32) {
	t := bnGradArgs{x: x, dy: dy, dx: dx, mean: mean, istd: invstd, gamma: gamma}
	batchNormPaddedBackward(p, n, hw, c, lens, t, bnStatsArgs{x: x, dy: dy, mean: mean}, dgamma, dbeta)
}

// BatchNormPaddedReLUBackward is to BatchNormPaddedBackward as
// BatchNormReLUBackward is to BatchNormBackward.
func BatchNormPaddedReLUBackward(p *Pool, n, hw, c int, lens []int32, x, gamma, beta, mean, invstd, dy, dx, dgamma, dbeta []float32) {
	t := bnGradArgs{x: x, dy: dy, dx: dx, mean: mean, istd: invstd, gamma: gamma, beta: beta, relu: true}
	batchNormPaddedBackward(p, n, hw, c, lens, t, bnStatsArgs{x: x, dy: dy, mean: mean, relu: true, istd: invstd, gamma: gamma, beta: beta}, dgamma, dbeta)
}

// BatchNormPaddedMaskBackward is to BatchNormPaddedBackward as
// BatchNormMaskBackward is to BatchNormBackward; dm is masked in all rows.
func BatchNormPaddedMaskBackward(p *Pool, n, hw, c int, lens []int32, x, gamma, mean, invstd, y, dy, dm, dx, dgamma, dbeta []float32) {
	mustLen("batch norm's gradient behind relu", n*hw*c, len(y), len(dy), len(dm))
	t := bnGradArgs{x: x, dy: dm, dx: dx, mean: mean, istd: invstd, gamma: gamma}
	batchNormPaddedBackward(p, n, hw, c, lens, t, bnStatsArgs{x: x, dy: dy, mean: mean, y: y, dm: dm}, dgamma, dbeta)
}

// batchNormPaddedBackward sums as s says, then applies as t says. It fills in
// the rest of both.
func batchNormPaddedBackward(p *Pool, n, hw, c int, lens []int32, t bnGradArgs, s bnStatsArgs, dgamma, dbeta []float32) {
	mustLen("batch norm's gradient", n*hw*c, len(t.x), len(t.dy))
	mustLen("batch norm's columns", c, len(t.mean), len(t.istd))
	k := newSamples(n, hw, c)
	part := partials.take(2 * (n + 1) * c)
	s.columns, s.part = k, part
	a := paddedArgs{stats: s, lens: lens}
	For(p, n, 1, a, func(a *paddedArgs, w *Worker, i, _ int) {
		s := &a.stats
		from, last := i*s.chunk, (i+1)*s.chunk*s.c
		end := from + used(a.lens, i, s.chunk)
		bnGradSums(s, w, from, end)
		if s.y != nil {
			vec.reluGrad(s.dm[end*s.c:last], s.y[end*s.c:last], s.dy[end*s.c:last])
		}
	})
	sums, total := part[2*n*c:], 0
	for i := range n {
		total += used(lens, i, hw)
		for j, v := range part[2*i*c:][:2*c] {
			sums[j] += v
		}
	}
	for j := range c {
		if dbeta != nil {
			dbeta[j] += float32(sums[j])
		}
		if dgamma != nil {
			dgamma[j] += float32(sums[c+j] * float64(t.istd[j]))
		}
	}
	if t.dx != nil {
		t.columns, t.sums, t.total = k, sums, float64(max(1, total))
		a.grad = t
		For(p, n, 1, a, func(a *paddedArgs, w *Worker, i, _ int) {
			t := &a.grad
			from := i * t.chunk
			end := from + used(a.lens, i, t.chunk)
			bnGradApply(t, w, from, end)
			clear(t.dx[end*t.c : (i+1)*t.chunk*t.c])
		})
	}
	partials.give(part)
}
