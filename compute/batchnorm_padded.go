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
// is 0 in the others.
//
//	x, y [n, hw, c]   gamma, beta, mean, invstd, runMean, runVar [c]
func BatchNormPaddedForward(p *Pool, n, hw, c int, lens []int32, x, gamma, beta, y, mean, invstd, runMean, runVar []float32, eps, momentum float32) {
	mustLen("batch norm", n*hw*c, len(x), len(y))
	mustLen("batch norm's columns", c, len(mean), len(invstd))
	k := newSamples(n, hw, c)
	part := partials.take(2 * n * c)
	a := paddedArgs{stats: bnStatsArgs{columns: k, x: x, part: part}, lens: lens}
	For(p, n, 1, a, func(a *paddedArgs, w *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			from := i * a.stats.chunk
			bnMoments(&a.stats, w, from, from+used(a.lens, i, a.stats.chunk))
		}
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
	a.apply = bnApplyArgs{columns: k, x: x, y: y, mean: mean, gamma: gamma, beta: beta, istd: invstd}
	For(p, n, 1, a, func(a *paddedArgs, w *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			t := &a.apply
			from := i * t.chunk
			end := from + used(a.lens, i, t.chunk)
			bnApply(t, w, from, end)
			clear(t.y[end*t.c : (i+1)*t.chunk*t.c])
		}
	})
}

// BatchNormPaddedBackward is the gradient of BatchNormPaddedForward: that of
// BatchNormForward over the rows that count, and dx is 0 in the others.
func BatchNormPaddedBackward(p *Pool, n, hw, c int, lens []int32, x, gamma, mean, invstd, dy, dx, dgamma, dbeta []float32) {
	mustLen("batch norm's gradient", n*hw*c, len(x), len(dy))
	mustLen("batch norm's columns", c, len(mean), len(invstd))
	k := newSamples(n, hw, c)
	part := partials.take(2 * (n + 1) * c)
	a := paddedArgs{stats: bnStatsArgs{columns: k, x: x, dy: dy, mean: mean, part: part}, lens: lens}
	For(p, n, 1, a, func(a *paddedArgs, w *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			from := i * a.stats.chunk
			bnGradSums(&a.stats, w, from, from+used(a.lens, i, a.stats.chunk))
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
			dgamma[j] += float32(sums[c+j] * float64(invstd[j]))
		}
	}
	if dx != nil {
		a.grad = bnGradArgs{columns: k, x: x, dy: dy, dx: dx, mean: mean, istd: invstd, gamma: gamma, sums: sums, total: float64(max(1, total))}
		For(p, n, 1, a, func(a *paddedArgs, w *Worker, lo, hi int) {
			for i := lo; i < hi; i++ {
				t := &a.grad
				from := i * t.chunk
				end := from + used(a.lens, i, t.chunk)
				bnGradApply(t, w, from, end)
				clear(t.dx[end*t.c : (i+1)*t.chunk*t.c])
			}
		})
	}
	partials.give(part)
}
