package compute

import "math"

type bnStatsArgs struct {
	columns
	x, dy, mean []float32
	part        []float64 // two rows of c a chunk

	// dy is the gradient behind a relu: its input is worked out again from
	// these, or y is its output and dm takes what is left of dy.
	relu              bool
	istd, gamma, beta []float32
	y, dm             []float32
}

type bnApplyArgs struct {
	columns
	x, y                    []float32
	z                       []float32 // added at the end; nil for none
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
	batchNorm(p, rows, c, x, gamma, beta, nil, y, mean, invstd, runMean, runVar, eps, momentum, false)
}

// BatchNormReLUForward is BatchNormForward and then y = max(y, 0), to the
// same bits, in one sweep less.
func BatchNormReLUForward(p *Pool, rows, c int, x, gamma, beta, y, mean, invstd, runMean, runVar []float32, eps, momentum float32) {
	batchNorm(p, rows, c, x, gamma, beta, nil, y, mean, invstd, runMean, runVar, eps, momentum, true)
}

func batchNorm(p *Pool, rows, c int, x, gamma, beta, z, y, mean, invstd, runMean, runVar []float32, eps, momentum float32, relu bool) {
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
	t := bnApplyArgs{columns: k, x: x, y: y, z: z, mean: mean, gamma: gamma, beta: beta, istd: invstd, relu: relu}
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
	t.spreadOrClear(mean, t.mean)
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
	t.spreadOrClear(beta, t.beta)
	rows := (hi - lo) / t.fold
	mid := lo + rows*t.fold
	if t.z != nil {
		normalize := vec.normalizeAdd
		if t.relu {
			normalize = vec.normalizeAddReLU
		}
		normalize(mean, scale, beta, t.x[lo*c:mid*c], t.z[lo*c:mid*c], t.y[lo*c:mid*c], rows)
		normalize(mean[:c], scale[:c], beta[:c], t.x[mid*c:hi*c], t.z[mid*c:hi*c], t.y[mid*c:hi*c], hi-mid)
		return
	}
	normalize := vec.normalize
	if t.relu {
		normalize = vec.normalizeReLU
	}
	normalize(mean, scale, beta, t.x[lo*c:mid*c], t.y[lo*c:mid*c], rows)
	normalize(mean[:c], scale[:c], beta[:c], t.x[mid*c:hi*c], t.y[mid*c:hi*c], hi-mid)
}

// BatchNormInfer normalizes by the running mean and variance:
// y = gamma·(x−runMean)/√(runVar+eps) + beta. y may be x; gamma and beta may
// be nil.
func BatchNormInfer(p *Pool, rows, c int, x, gamma, beta, y, runMean, runVar []float32, eps float32) {
	batchNormInfer(p, rows, c, x, gamma, beta, nil, y, runMean, runVar, eps, false)
}

// BatchNormReLUInfer is BatchNormInfer and then y = max(y, 0), to the same
// bits, in one sweep less.
func BatchNormReLUInfer(p *Pool, rows, c int, x, gamma, beta, y, runMean, runVar []float32, eps float32) {
	batchNormInfer(p, rows, c, x, gamma, beta, nil, y, runMean, runVar, eps, true)
}

func batchNormInfer(p *Pool, rows, c int, x, gamma, beta, z, y, runMean, runVar []float32, eps float32, relu bool) {
	mustLen("batch norm", rows*c, len(x), len(y))
	mustLen("batch norm's columns", c, len(runMean), len(runVar))
	k := newColumns(rows, c)
	t := bnApplyArgs{columns: k, x: x, y: y, z: z, mean: runMean, gamma: gamma, beta: beta, istd: runVar, eps: eps, infer: true, relu: relu}
	For(p, rows, k.block, t, bnApply)
}

type bnGradArgs struct {
	columns
	x, dy, dx         []float32
	mean, istd, gamma []float32
	beta              []float32
	relu              bool      // dy is the gradient behind a relu
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
	t := bnGradArgs{x: x, dy: dy, dx: dx, mean: mean, istd: invstd, gamma: gamma}
	batchNormBackward(p, rows, c, t, bnStatsArgs{x: x, dy: dy, mean: mean}, dgamma, dbeta)
}

// batchNormBackward sums as s says, then applies as t says. It fills in the rest of both.
func batchNormBackward(p *Pool, rows, c int, t bnGradArgs, s bnStatsArgs, dgamma, dbeta []float32) {
	mustLen("batch norm's gradient", rows*c, len(t.x), len(t.dy))
	mustLen("batch norm's columns", c, len(t.mean), len(t.istd))
	if rows == 0 || c == 0 {
		return
	}
	k := newColumns(rows, c)
	part := partials.take(k.chunks * 2 * c)
	s.columns, s.part = k, part
	For(p, rows, k.chunk, s, bnGradSums)
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
			dgamma[j] += float32(sums[c+j] * float64(t.istd[j]))
		}
	}
	if t.dx != nil {
		mustLen("batch norm's gradient", rows*c, len(t.dx))
		t.columns, t.sums, t.total = k, sums, float64(rows)
		For(p, rows, k.block, t, bnGradApply)
	}
	partials.give(part)
}

// bnGradSums adds up dy and dy·(x−mean) down the columns of a chunk.
func bnGradSums(t *bnStatsArgs, w *Worker, lo, hi int) {
	c, wide := t.c, t.wide()
	part := t.part[2*(lo/t.chunk)*c:][:2*c]
	room := w.Scratch(5*wide + c)
	s, q, mean, scale, beta := room[:wide], room[wide:2*wide], room[2*wide:3*wide], room[3*wide:4*wide], room[4*wide:5*wide]
	t.spreadWide(mean, t.mean)
	if t.relu {
		narrow := room[5*wide:]
		bnScale(narrow, t.istd, t.gamma)
		t.spreadWide(scale, narrow)
		t.spreadOrClear(beta, t.beta)
	}
	for r := lo; r < hi; r += t.block {
		end := min(r+t.block, hi)
		rows, rest := (end-r)/t.fold, (end-r)%t.fold
		clear(s)
		clear(q)
		t.gradSums(s, q, mean, scale, beta, r*c, (end-rest)*c, rows)
		foldRows(s, c)
		foldRows(q, c)
		t.gradSums(s[:c], q[:c], mean[:c], scale[:c], beta[:c], (end-rest)*c, end*c, rest)
		for j := range c {
			part[j] += float64(s[j])
			part[c+j] += float64(q[j])
		}
	}
}

// gradSums adds up elements lo to hi, which are rows rows as long as s.
func (t *bnStatsArgs) gradSums(s, q, mean, scale, beta []float32, lo, hi, rows int) {
	switch {
	case t.y != nil:
		vec.colGradMask(s, q, mean, t.x[lo:hi], t.y[lo:hi], t.dy[lo:hi], t.dm[lo:hi], rows)
	case t.relu:
		vec.colGradReLU(s, q, mean, scale, beta, t.x[lo:hi], t.dy[lo:hi], rows)
	default:
		vec.colGrad(s, q, mean, t.x[lo:hi], t.dy[lo:hi], rows)
	}
}

// bnGradApply writes dx for the rows of a chunk.
func bnGradApply(t *bnGradArgs, w *Worker, lo, hi int) {
	c, wide := t.c, t.wide()
	room := w.Scratch(5*wide + 3*c)
	v := normGradArgs{mean: room[:wide], scale: room[wide : 2*wide], beta: room[2*wide : 3*wide], a: room[3*wide : 4*wide], b: room[4*wide : 5*wide]}
	tmp := room[5*wide:]
	scale, a, b := tmp[:c], tmp[c:2*c], tmp[2*c:]
	bnScale(scale, t.istd, t.gamma)
	for j := range scale {
		i := float64(t.istd[j])
		a[j] = float32(t.sums[j] / t.total)
		b[j] = float32(t.sums[c+j] * i * i / t.total)
	}
	t.spreadWide(v.mean, t.mean)
	t.spreadWide(v.scale, scale)
	t.spreadWide(v.a, a)
	t.spreadWide(v.b, b)
	grad := vec.normGrad
	if t.relu {
		t.spreadOrClear(v.beta, t.beta)
		grad = vec.normGradReLU
	}
	rows := (hi - lo) / t.fold
	mid := lo + rows*t.fold
	grad(v, t.x[lo*c:mid*c], t.dy[lo*c:mid*c], t.dx[lo*c:mid*c], rows)
	v = normGradArgs{v.mean[:c], v.scale[:c], v.beta[:c], v.a[:c], v.b[:c]}
	grad(v, t.x[mid*c:hi*c], t.dy[mid*c:hi*c], t.dx[mid*c:hi*c], hi-mid)
}

// bnScale is scale = istd·gamma; gamma may be nil, for 1.
func bnScale(scale, istd, gamma []float32) {
	for j := range scale {
		scale[j] = istd[j]
		if gamma != nil {
			scale[j] *= gamma[j]
		}
	}
}

// spreadOrClear is spreadWide, or zeros where v is nil.
func (k columns) spreadOrClear(dst, v []float32) {
	if v == nil {
		clear(dst)
		return
	}
	k.spreadWide(dst, v)
}
