package compute

import "math"

type bnStatsArgs struct {
	columns
	x, dy, mean []float32
	part        []float64 // two rows of c a chunk
}

type bnApplyArgs struct {
	columns
	x, y                    []float32
	mean, gamma, beta, istd []float32
	eps                     float32
	infer, relu             bool
}

// BatchNormForward normalizes each column by the batch's own mean and
// variance (Ioffe and Szegedy, Batch normalization, 2015):
//
//	y = gamma·(x−mean)/√(var+eps) + beta,   var = Σ(x−mean)²/rows
//
//	x, y [rows, c]   gamma, beta, mean, invstd, runMean, runVar [c]
//
// mean and invstd = 1/√(var+eps) are kept for the backward pass. The running
// values move by momentum towards the mean and the unbiased variance
// Σ(x−mean)²/(rows−1), as in PyTorch; nil leaves them out. gamma and beta may
// be nil, for 1 and 0. x is kept: y must be other memory.
func BatchNormForward(p *Pool, rows, c int, x, gamma, beta, y, mean, invstd, runMean, runVar []float32, eps, momentum float32) {
	batchNorm(p, rows, c, x, gamma, beta, y, mean, invstd, runMean, runVar, eps, momentum, false)
}

// BatchNormReLUForward is BatchNormForward and then y = max(y, 0), to the
// same bits, in one sweep less.
func BatchNormReLUForward(p *Pool, rows, c int, x, gamma, beta, y, mean, invstd, runMean, runVar []float32, eps, momentum float32) {
	batchNorm(p, rows, c, x, gamma, beta, y, mean, invstd, runMean, runVar, eps, momentum, true)
}

func batchNorm(p *Pool, rows, c int, x, gamma, beta, y, mean, invstd, runMean, runVar []float32, eps, momentum float32, relu bool) {
	mustLen("batch norm", rows*c, len(x), len(y))
	mustLen("batch norm's columns", c, len(mean), len(invstd))
	if rows == 0 || c == 0 {
		return
	}
	k := newColumns(rows, c)
	part := partials.take(k.chunks * 2 * c)
	For(p, rows, k.chunk, bnStatsArgs{columns: k, x: x, part: part}, bnMoments)
	for j := range c {
		var all spread
		for i := range k.chunks {
			n := float64(min(k.chunk, rows-i*k.chunk))
			all.merge(spread{n, part[2*i*c+j], part[(2*i+1)*c+j]})
		}
		mean[j] = float32(all.mean)
		invstd[j] = float32(1 / math.Sqrt(all.m2/all.n+float64(eps)))
		if runMean != nil {
			unbiased := all.m2 / max(1, all.n-1)
			runMean[j] += momentum * (float32(all.mean) - runMean[j])
			runVar[j] += momentum * (float32(unbiased) - runVar[j])
		}
	}
	partials.give(part)
	t := bnApplyArgs{columns: k, x: x, y: y, mean: mean, gamma: gamma, beta: beta, istd: invstd, relu: relu}
	For(p, rows, k.block, t, bnApply)
}

// bnMoments puts the mean and the sum of squares around it of each column of
// a chunk into its partials.
func bnMoments(t *bnStatsArgs, w *Worker, lo, hi int) {
	c, wide := t.c, t.wide()
	part := t.part[2*(lo/t.chunk)*c:][:2*c]
	room := w.Scratch(3*wide + c)
	s, q, mean, narrow := room[:wide], room[wide:2*wide], room[2*wide:3*wide], room[3*wide:]
	n := float64(0)
	for r := lo; r < hi; r += t.block {
		end := min(r+t.block, hi)
		m := float64(end - r)
		rows, rest := (end-r)/t.fold, (end-r)%t.fold
		block, tail := t.x[r*c:end*c], t.x[(end-rest)*c:end*c]
		clear(s)
		vec.colSum(s, block, rows)
		foldRows(s, c)
		vec.colSum(s[:c], tail, rest)
		for j := range narrow {
			narrow[j] = s[j] / float32(m)
		}
		t.spreadWide(mean, narrow)
		clear(s)
		clear(q)
		vec.colMoments(s, q, mean, block, rows)
		foldRows(s, c)
		foldRows(q, c)
		vec.colMoments(s[:c], q[:c], mean[:c], tail, rest)
		for j := range narrow {
			sj, qj := float64(s[j]), float64(q[j])
			all := spread{n, part[j], part[c+j]}
			all.merge(spread{m, float64(narrow[j]) + sj/m, max(0, qj-sj*sj/m)})
			part[j], part[c+j] = all.mean, all.m2
		}
		n += m
	}
}

// foldRows adds all groups of c values of a folded row onto the first.
func foldRows(s []float32, c int) {
	for i := c; i < len(s); i += c {
		vec.add(s[:c], s[:c], s[i:i+c])
	}
}

// bnApply is y = (x−mean)·gamma·istd + beta for the rows of a chunk.
func bnApply(t *bnApplyArgs, w *Worker, lo, hi int) {
	c, wide := t.c, t.wide()
	room := w.Scratch(3*wide + c)
	mean, scale, beta, tmp := room[:wide], room[wide:2*wide], room[2*wide:3*wide], room[3*wide:]
	t.spreadWide(mean, t.mean)
	for j := range tmp {
		s := t.istd[j]
		if t.infer {
			s = float32(1 / math.Sqrt(float64(s)+float64(t.eps)))
		}
		if t.gamma != nil {
			s *= t.gamma[j]
		}
		tmp[j] = s
	}
	t.spreadWide(scale, tmp)
	if t.beta != nil {
		t.spreadWide(beta, t.beta)
	} else {
		clear(beta)
	}
	normalize := vec.normalize
	if t.relu {
		normalize = vec.normalizeReLU
	}
	rows := (hi - lo) / t.fold
	normalize(mean, scale, beta, t.x[lo*c:hi*c], t.y[lo*c:hi*c], rows)
	if mid := lo + rows*t.fold; mid < hi {
		normalize(mean[:c], scale[:c], beta[:c], t.x[mid*c:hi*c], t.y[mid*c:hi*c], hi-mid)
	}
}

// BatchNormInfer normalizes by the running mean and variance:
// y = gamma·(x−runMean)/√(runVar+eps) + beta. y may be x; gamma and beta may
// be nil.
func BatchNormInfer(p *Pool, rows, c int, x, gamma, beta, y, runMean, runVar []float32, eps float32) {
	batchNormInfer(p, rows, c, x, gamma, beta, y, runMean, runVar, eps, false)
}

// BatchNormReLUInfer is BatchNormInfer and then y = max(y, 0), to the same
// bits, in one sweep less.
func BatchNormReLUInfer(p *Pool, rows, c int, x, gamma, beta, y, runMean, runVar []float32, eps float32) {
	batchNormInfer(p, rows, c, x, gamma, beta, y, runMean, runVar, eps, true)
}

func batchNormInfer(p *Pool, rows, c int, x, gamma, beta, y, runMean, runVar []float32, eps float32, relu bool) {
	mustLen("batch norm", rows*c, len(x), len(y))
	mustLen("batch norm's columns", c, len(runMean), len(runVar))
	k := newColumns(rows, c)
	t := bnApplyArgs{columns: k, x: x, y: y, mean: runMean, gamma: gamma, beta: beta, istd: runVar, eps: eps, infer: true, relu: relu}
	For(p, rows, k.block, t, bnApply)
}

type bnGradArgs struct {
	columns
	x, dy, dx         []float32
	mean, istd, gamma []float32
	sums              []float64 // Σdy, then Σdy·(x−mean)
	total             float64
}

// BatchNormBackward is the gradient of BatchNormForward. With x̂ = (x−mean)·invstd,
//
//	dbeta += Σdy   dgamma += Σdy·x̂   dx = gamma·invstd·(dy − Σdy/rows − x̂·Σ(dy·x̂)/rows)
//
//	x, dy, dx [rows, c]   gamma, mean, invstd, dgamma, dbeta [c]
//
// dgamma, dbeta and gamma may be nil; dx may be dy, or nil if nobody wants it.
func BatchNormBackward(p *Pool, rows, c int, x, gamma, mean, invstd, dy, dx, dgamma, dbeta []float32) {
	mustLen("batch norm's gradient", rows*c, len(x), len(dy))
	mustLen("batch norm's columns", c, len(mean), len(invstd))
	if rows == 0 || c == 0 {
		return
	}
	k := newColumns(rows, c)
	part := partials.take(k.chunks * 2 * c)
	For(p, rows, k.chunk, bnStatsArgs{columns: k, x: x, dy: dy, mean: mean, part: part}, bnGradSums)
	sums := part[:2*c]
	for i := 1; i < k.chunks; i++ {
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
		mustLen("batch norm's gradient", rows*c, len(dx))
		For(p, rows, k.block, bnGradArgs{k, x, dy, dx, mean, invstd, gamma, sums, float64(rows)}, bnGradApply)
	}
	partials.give(part)
}

// bnGradSums adds up dy and dy·(x−mean) down the columns of a chunk.
func bnGradSums(t *bnStatsArgs, w *Worker, lo, hi int) {
	c, wide := t.c, t.wide()
	part := t.part[2*(lo/t.chunk)*c:][:2*c]
	room := w.Scratch(3 * wide)
	s, q, mean := room[:wide], room[wide:2*wide], room[2*wide:]
	t.spreadWide(mean, t.mean)
	for r := lo; r < hi; r += t.block {
		end := min(r+t.block, hi)
		rows, rest := (end-r)/t.fold, (end-r)%t.fold
		clear(s)
		clear(q)
		vec.colGrad(s, q, mean, t.x[r*c:end*c], t.dy[r*c:end*c], rows)
		foldRows(s, c)
		foldRows(q, c)
		vec.colGrad(s[:c], q[:c], mean[:c], t.x[(end-rest)*c:end*c], t.dy[(end-rest)*c:end*c], rest)
		for j := range c {
			part[j] += float64(s[j])
			part[c+j] += float64(q[j])
		}
	}
}

// bnGradApply writes dx for the rows of a chunk.
func bnGradApply(t *bnGradArgs, w *Worker, lo, hi int) {
	c, wide := t.c, t.wide()
	room := w.Scratch(4*wide + 3*c)
	v := normGradArgs{mean: room[:wide], scale: room[wide : 2*wide], a: room[2*wide : 3*wide], b: room[3*wide : 4*wide]}
	tmp := room[4*wide:]
	scale, a, b := tmp[:c], tmp[c:2*c], tmp[2*c:]
	for j := range scale {
		i := float64(t.istd[j])
		scale[j] = t.istd[j]
		if t.gamma != nil {
			scale[j] *= t.gamma[j]
		}
		a[j] = float32(t.sums[j] / t.total)
		b[j] = float32(t.sums[c+j] * i * i / t.total)
	}
	t.spreadWide(v.mean, t.mean)
	t.spreadWide(v.scale, scale)
	t.spreadWide(v.a, a)
	t.spreadWide(v.b, b)
	rows := (hi - lo) / t.fold
	vec.normGrad(v, t.x[lo*c:hi*c], t.dy[lo*c:hi*c], t.dx[lo*c:hi*c], rows)
	if mid := lo + rows*t.fold; mid < hi {
		v.mean, v.scale, v.a, v.b = v.mean[:c], v.scale[:c], v.a[:c], v.b[:c]
		vec.normGrad(v, t.x[mid*c:hi*c], t.dy[mid*c:hi*c], t.dx[mid*c:hi*c], hi-mid)
	}
}
