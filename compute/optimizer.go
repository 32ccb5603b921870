package compute

import "math"

// Part is one parameter's stretch of the arenas that an optimizer sweeps over:
// elements From up to To, in rising order, gaps allowed. Decay says that it is a
// weight, not a bias or a norm's scale: weight decay may tell them apart.
type Part struct {
	From, To int
	Decay    bool
}

// SweepStats are the sums of squares that an optimizer's sweep passes by: of
// the gradient as it came, of the weights after the step, and of the step.
type SweepStats struct{ Grad2, Weight2, Update2 float64 }

type sgdArgs struct {
	lr, momentum, decay, gscale float32
	nesterov                    bool
}

type adamArgs struct {
	beta2, eps, decay, gscale float32
	// take1 = 1−beta1 and take2 = 1−beta2, rounded once: in float32 the difference
	// 1 − 0.999 is off by a part in 80,000. shrink is the factor on the weights of
	// decoupled decay, 1 for none; step = lr/bc1, root = 1/√bc2.
	take1, take2, shrink, step, root float32
}

// optimizerSweep is a sweep over all parameters at once, in chunks of the arena
// that know nothing of where a parameter ends: however many small ones there
// are, threads meet once, and each comes by the same weights at every step.
type optimizerSweep struct {
	parts      []Part
	w, g, m, v []float32
	adam       bool
	sgdOf      [2]sgdArgs  // of biases, of weights
	adamOf     [2]adamArgs // the same
	sums       []float64   // three a piece; nil without statistics
	grain      int
}

// sweepGrain is the chunk of a sweep over n elements: at most 256, for their
// number bounds the memory of the sums.
func sweepGrain(n int) int {
	const least = 1 << 13
	return max(least, (n+256*least-1)/(256*least)*least)
}

// SGDStep is one step of stochastic gradient descent over all parts, in
// PyTorch's form (Sutskever et al., On the importance of initialization and
// momentum, 2013, has another scale of v):
//
//	g ← gscale·g + decay·w
//	v ← momentum·v + g
//	w ← w − lr·v          with nesterov: w − lr·(g + momentum·v)
//
// v is nil without momentum. decay is for parts with Decay, biasDecay for the
// others. g is left as it is. stats, one a part, are written; nil leaves the sums out.
func SGDStep(p *Pool, parts []Part, w, g, v []float32, lr, momentum, decay, biasDecay float32, nesterov bool, gscale float32, stats []SweepStats) {
	mustLen("SGD's gradient", len(w), len(g))
	if v != nil {
		mustLen("SGD's velocity", len(w), len(v))
	}
	s := optimizerSweep{parts: parts, w: w, g: g, v: v}
	s.sgdOf = [2]sgdArgs{{lr, momentum, biasDecay, gscale, nesterov}, {lr, momentum, decay, gscale, nesterov}}
	s.run(p, stats)
}

// AdamStep is one step of Adam (Kingma and Ba, 2014) over all parts:
//
//	g ← gscale·g + decay·w          decoupled: w ← w − lr·decay·w instead
//	m ← beta1·m + (1−beta1)·g       v ← beta2·v + (1−beta2)·g²
//	w ← w − lr·(m/bc1)/(√(v/bc2) + eps)
//
// bc1 = 1−beta1ᵗ and bc2 = 1−beta2ᵗ at step t, counted from 1. decoupled is
// AdamW (Loshchilov and Hutter, 2017). decay, biasDecay, g and stats are as SGDStep's.
func AdamStep(p *Pool, parts []Part, w, g, m, v []float32, lr float32, beta1, beta2 float64, eps, decay, biasDecay float32, decoupled bool, bc1, bc2 float64, gscale float32, stats []SweepStats) {
	mustLen("Adam's memories", len(w), len(g), len(m), len(v))
	s := optimizerSweep{parts: parts, w: w, g: g, m: m, v: v, adam: true}
	for i, d := range [2]float32{biasDecay, decay} {
		a := adamArgs{beta2: float32(beta2), eps: eps, decay: d, gscale: gscale, take1: float32(1 - beta1), take2: float32(1 - beta2),
			shrink: 1, step: float32(float64(lr) / bc1), root: float32(1 / math.Sqrt(bc2))}
		if decoupled {
			a.decay, a.shrink = 0, 1-lr*d
		}
		s.adamOf[i] = a
	}
	s.run(p, stats)
}

// run sweeps. Part k within chunk c is piece k + c: going on along the arena
// raises one of them or both, so that no two pieces have one number.
func (s optimizerSweep) run(p *Pool, stats []SweepStats) {
	if len(s.parts) == 0 {
		return
	}
	n := s.parts[len(s.parts)-1].To
	s.grain = sweepGrain(n)
	if stats != nil {
		mustLen("an optimizer's sums", len(s.parts), len(stats))
		s.sums = partials.take(3 * (len(s.parts) + (n+s.grain-1)/s.grain))
	}
	For(p, n, s.grain, s, sweepParts)
	if stats == nil {
		return
	}
	for k, q := range s.parts {
		stats[k] = SweepStats{}
		for c := q.From / s.grain; c*s.grain < q.To; c++ {
			sum := s.sums[3*(k+c):][:3]
			stats[k].Grad2 += sum[0]
			stats[k].Weight2 += sum[1]
			stats[k].Update2 += sum[2]
		}
	}
	partials.give(s.sums)
}

// sweepParts goes over what lies from lo to hi of each part.
func sweepParts(s *optimizerSweep, _ *Worker, lo, hi int) {
	first, end := 0, len(s.parts)
	for first < end {
		if mid := (first + end) / 2; s.parts[mid].To <= lo {
			first = mid + 1
		} else {
			end = mid
		}
	}
	for k := first; k < len(s.parts) && s.parts[k].From < hi; k++ {
		q := s.parts[k]
		var sums []float64
		if s.sums != nil {
			sums = s.sums[3*(k+lo/s.grain):][:3]
		}
		s.piece(max(lo, q.From), min(hi, q.To), q.Decay, sums)
	}
}

// piece goes over elements lo to hi, which are of one part.
func (s *optimizerSweep) piece(lo, hi int, decay bool, sums []float64) {
	which := 0
	if decay {
		which = 1
	}
	for i := lo; i < hi; i += sumBlock {
		j := min(i+sumBlock, hi)
		var g2, w2, u2 float32
		switch {
		case s.adam:
			g2, w2, u2 = vec.adam(s.w[i:j], s.g[i:j], s.m[i:j], s.v[i:j], &s.adamOf[which])
		case s.v != nil:
			g2, w2, u2 = vec.sgd(s.w[i:j], s.g[i:j], s.v[i:j], &s.sgdOf[which])
		default:
			g2, w2, u2 = vec.sgd(s.w[i:j], s.g[i:j], nil, &s.sgdOf[which])
		}
		if sums != nil {
			sums[0] += float64(g2)
			sums[1] += float64(w2)
			sums[2] += float64(u2)
		}
	}
}

func sgdGeneric(w, g, v []float32, c *sgdArgs) (g2, w2, u2 float32) {
	g = g[:len(w)]
	for i, old := range w {
		d := c.gscale*g[i] + c.decay*old
		if v != nil {
			v[i] = c.momentum*v[i] + d
			if c.nesterov {
				d += c.momentum * v[i]
			} else {
				d = v[i]
			}
		}
		u := c.lr * d
		w[i] = old - u
		g2 += g[i] * g[i]
		w2 += w[i] * w[i]
		u2 += u * u
	}
	return g2, w2, u2
}

func adamGeneric(w, g, m, v []float32, c *adamArgs) (g2, w2, u2 float32) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i, old := range w {
		d := c.gscale*g[i] + c.decay*old
		m[i] += c.take1 * (d - m[i])
		v[i] = c.beta2*v[i] + c.take2*d*d
		root := float32(math.Sqrt(float64(v[i])))*c.root + c.eps
		w[i] = c.shrink*old - c.step*m[i]/root
		u := w[i] - old
		g2 += g[i] * g[i]
		w2 += w[i] * w[i]
		u2 += u * u
	}
	return g2, w2, u2
}
