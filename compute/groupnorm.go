package compute

import "math"

type groupNormArgs struct {
	stats  bnStatsArgs // a chunk is a sample
	groups int
	lens   []int32

	gamma, beta, y, mean, istd []float32
	eps                        float32
	dx                         []float32
}

// newSamples cuts n samples of hw rows so that a chunk is a sample.
func newSamples(n, hw, c int) columns {
	k := newColumns(hw, c)
	k.rows, k.chunk, k.chunks = n*hw, hw, n
	return k
}

// used is the number of rows of sample i that count.
func used(lens []int32, i, hw int) int {
	if lens == nil {
		return hw
	}
	return min(max(int(lens[i]), 0), hw)
}

// GroupNormForward normalizes the channels of each sample group by group (Wu
// and He, Group normalization, 2018), over all rows of the sample:
//
//	y = gamma·(x−mean)/√(var+eps) + beta
//
//	x, y [n, hw, c]   gamma, beta [c]   mean, invstd [n, c]
//
// Group g is the channels from g·c/groups; with as many groups as channels
// this is instance norm (Ulyanov, Vedaldi and Lempitsky, 2016). mean and invstd
// = 1/√(var+eps) are a group's, written once for each of its channels. gamma
// and beta may be nil, for 1 and 0. Where lens is not nil, only the first
// lens[i] rows of sample i count, and y is 0 in the others.
func GroupNormForward(p *Pool, n, hw, c, groups int, lens []int32, x, gamma, beta, y, mean, invstd []float32, eps float32) {
	mustLen("group norm", n*hw*c, len(x), len(y))
	mustLen("group norm's channels", n*c, len(mean), len(invstd))
	part := partials.take(2 * n * c)
	a := groupNormArgs{
		stats:  bnStatsArgs{columns: newSamples(n, hw, c), x: x, part: part},
		groups: groups, lens: lens, gamma: gamma, beta: beta, y: y, mean: mean, istd: invstd, eps: eps,
	}
	For(p, n, 1, a, func(a *groupNormArgs, w *Worker, i, _ int) { a.forward(w, i) })
	partials.give(part)
}

func (a *groupNormArgs) forward(w *Worker, i int) {
	s := &a.stats
	c, hw := s.c, s.chunk
	rows := used(a.lens, i, hw)
	lo, hi := i*hw, i*hw+rows
	bnMoments(s, w, lo, hi)
	part, mean, istd := s.part[2*i*c:][:2*c], a.mean[i*c:][:c], a.istd[i*c:][:c]
	for g, width := 0, c/a.groups; g < c; g += width {
		var all spread
		for j := g; j < g+width && rows > 0; j++ {
			all.merge(spread{float64(rows), part[j], part[c+j]})
		}
		inv := float32(1 / math.Sqrt(all.m2/max(1, all.n)+float64(a.eps)))
		for j := g; j < g+width; j++ {
			mean[j], istd[j] = float32(all.mean), inv
		}
	}
	bnApply(&bnApplyArgs{columns: s.columns, x: s.x, y: a.y, mean: mean, gamma: a.gamma, beta: a.beta, istd: istd}, w, lo, hi)
	clear(a.y[hi*c : (i+1)*hw*c])
}

// GroupNormBackward is the gradient of GroupNormForward. With x̂ =
// (x−mean)·invstd, g = gamma·dy, and means over a group of m elements,
//
//	dx = invstd·(g − Σg/m − x̂·Σ(g·x̂)/m)   dgamma += Σdy·x̂   dbeta += Σdy
//
// gamma, dx, dgamma and dbeta may be nil; dx may be dy. Rows past lens have no
// part in it, and their dx is 0.
func GroupNormBackward(p *Pool, n, hw, c, groups int, lens []int32, x, gamma, mean, invstd, dy, dx, dgamma, dbeta []float32) {
	mustLen("group norm's gradient", n*hw*c, len(x), len(dy))
	mustLen("group norm's channels", n*c, len(mean), len(invstd))
	part := partials.take(2 * n * c)
	a := groupNormArgs{
		stats:  bnStatsArgs{columns: newSamples(n, hw, c), x: x, dy: dy, part: part},
		groups: groups, lens: lens, gamma: gamma, mean: mean, istd: invstd, dx: dx,
	}
	For(p, n, 1, a, func(a *groupNormArgs, w *Worker, i, _ int) { a.backward(w, i) })
	for i := range n {
		for j := range c {
			if dbeta != nil {
				dbeta[j] += float32(part[2*i*c+j])
			}
			if dgamma != nil {
				dgamma[j] += float32(part[(2*i+1)*c+j] * float64(invstd[i*c+j]))
			}
		}
	}
	partials.give(part)
}

func (a *groupNormArgs) backward(w *Worker, i int) {
	s := a.stats
	c, hw := s.c, s.chunk
	rows := used(a.lens, i, hw)
	lo, hi := i*hw, i*hw+rows
	s.mean = a.mean[i*c:][:c]
	bnGradSums(&s, w, lo, hi)
	if a.dx == nil {
		return
	}
	part, istd, wide := s.part[2*i*c:][:2*c], a.istd[i*c:][:c], s.wide()
	room := w.Scratch(4*wide + 3*c)
	v := normGradArgs{mean: room[:wide], scale: room[wide : 2*wide], a: room[2*wide : 3*wide], b: room[3*wide : 4*wide]}
	tmp := room[4*wide:]
	scale, u, b := tmp[:c], tmp[c:2*c], tmp[2*c:]
	bnScale(scale, istd, a.gamma)
	for g, width := 0, c/a.groups; g < c; g += width {
		var sum, slope float64
		for j := g; j < g+width; j++ {
			sum += part[j] * float64(scale[j])
			slope += part[c+j] * float64(scale[j])
		}
		inv, m := float64(istd[g]), float64(max(1, rows*width))
		for j := g; j < g+width; j++ {
			u[j], b[j] = float32(sum/m), float32(slope*inv*inv/m)
		}
	}
	s.spreadWide(v.mean, s.mean)
	s.spreadWide(v.scale, scale)
	s.spreadWide(v.a, u)
	s.spreadWide(v.b, b)
	mid := lo + rows/s.fold*s.fold
	vec.groupGrad(v, s.x[lo*c:mid*c], s.dy[lo*c:mid*c], a.dx[lo*c:mid*c], rows/s.fold)
	v = normGradArgs{mean: v.mean[:c], scale: v.scale[:c], a: v.a[:c], b: v.b[:c]}
	vec.groupGrad(v, s.x[mid*c:hi*c], s.dy[mid*c:hi*c], a.dx[mid*c:hi*c], hi-mid)
	clear(a.dx[hi*c : (i+1)*hw*c])
}
