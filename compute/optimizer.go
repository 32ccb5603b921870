package compute

import "math"

// SweepStats are the sums of squares that an optimizer's sweep passes by: of
// the gradient as it came, of the weights after the step, and of the step.
// A sweep adds to them.
type SweepStats struct{ Grad2, Weight2, Update2 float64 }

type sgdArgs struct {
	lr, momentum, decay, gscale float32
	nesterov, stats             bool
}

type adamArgs struct {
	lr, beta1, beta2, eps, decay, gscale float32
	// shrink is the factor on the weights of decoupled decay, 1 for none;
	// step = lr/bc1, root = 1/√bc2.
	shrink, step, root float32
	stats              bool
}

type sgdSweep struct {
	w, g, v []float32
	c       sgdArgs
	part    []float64
	grain   int
}

// SGDStep is one step of stochastic gradient descent over a parameter, in
// PyTorch's form (Sutskever et al., On the importance of initialization and
// momentum, 2013, has another scale of v):
//
//	g ← gscale·g + decay·w
//	v ← momentum·v + g
//	w ← w − lr·v          with nesterov: w − lr·(g + momentum·v)
//
// v is nil without momentum. The gradient is cleared as it is read. stats nil
// leaves the sums out.
func SGDStep(p *Pool, w, g, v []float32, lr, momentum, decay float32, nesterov bool, gscale float32, stats *SweepStats) {
	mustLen("SGD's gradient", len(w), len(g))
	if v != nil {
		mustLen("SGD's velocity", len(w), len(v))
	}
	if len(w) == 0 {
		return
	}
	chunk := reduceGrain(len(w))
	part := partials.take(3 * ((len(w) + chunk - 1) / chunk))
	c := sgdArgs{lr, momentum, decay, gscale, nesterov, stats != nil}
	For(p, len(w), chunk, sgdSweep{w, g, v, c, part, chunk}, func(t *sgdSweep, _ *Worker, lo, hi int) {
		part := t.part[3*(lo/t.grain):][:3]
		for i := lo; i < hi; i += sumBlock {
			j := min(i+sumBlock, hi)
			var v []float32
			if t.v != nil {
				v = t.v[i:j]
			}
			g2, w2, u2 := vec.sgd(t.w[i:j], t.g[i:j], v, &t.c)
			part[0] += float64(g2)
			part[1] += float64(w2)
			part[2] += float64(u2)
		}
	})
	stats.add(part)
	partials.give(part)
}

// add takes in the sums of the chunks, in order.
func (s *SweepStats) add(part []float64) {
	if s == nil {
		return
	}
	for ; len(part) >= 3; part = part[3:] {
		s.Grad2 += part[0]
		s.Weight2 += part[1]
		s.Update2 += part[2]
	}
}

type adamSweep struct {
	w, g, m, v []float32
	c          adamArgs
	part       []float64
	grain      int
}

// AdamStep is one step of Adam (Kingma and Ba, 2014) over a parameter:
//
//	g ← gscale·g + decay·w          decoupled: w ← w − lr·decay·w instead
//	m ← beta1·m + (1−beta1)·g       v ← beta2·v + (1−beta2)·g²
//	w ← w − lr·(m/bc1)/(√(v/bc2) + eps)
//
// bc1 = 1−beta1ᵗ and bc2 = 1−beta2ᵗ at step t, counted from 1. decoupled is
// AdamW (Loshchilov and Hutter, 2017). The gradient is cleared as it is read.
// stats nil leaves the sums out.
func AdamStep(p *Pool, w, g, m, v []float32, lr, beta1, beta2, eps, decay float32, decoupled bool, bc1, bc2, gscale float32, stats *SweepStats) {
	mustLen("Adam's memories", len(w), len(g), len(m), len(v))
	if len(w) == 0 {
		return
	}
	chunk := reduceGrain(len(w))
	part := partials.take(3 * ((len(w) + chunk - 1) / chunk))
	c := adamArgs{lr: lr, beta1: beta1, beta2: beta2, eps: eps, decay: decay, gscale: gscale, shrink: 1,
		step: lr / bc1, root: float32(1 / math.Sqrt(float64(bc2))), stats: stats != nil}
	if decoupled {
		c.decay, c.shrink = 0, 1-lr*decay
	}
	For(p, len(w), chunk, adamSweep{w, g, m, v, c, part, chunk}, func(t *adamSweep, _ *Worker, lo, hi int) {
		part := t.part[3*(lo/t.grain):][:3]
		for i := lo; i < hi; i += sumBlock {
			j := min(i+sumBlock, hi)
			g2, w2, u2 := vec.adam(t.w[i:j], t.g[i:j], t.m[i:j], t.v[i:j], &t.c)
			part[0] += float64(g2)
			part[1] += float64(w2)
			part[2] += float64(u2)
		}
	})
	stats.add(part)
	partials.give(part)
}

func sgdGeneric(w, g, v []float32, c *sgdArgs) (g2, w2, u2 float32) {
	g = g[:len(w)]
	for i, old := range w {
		raw := g[i]
		g[i] = 0
		d := c.gscale*raw + c.decay*old
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
		if c.stats {
			g2 += raw * raw
			w2 += w[i] * w[i]
			u2 += u * u
		}
	}
	return g2, w2, u2
}

func adamGeneric(w, g, m, v []float32, c *adamArgs) (g2, w2, u2 float32) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i, old := range w {
		raw := g[i]
		g[i] = 0
		d := c.gscale*raw + c.decay*old
		m[i] += (1 - c.beta1) * (d - m[i])
		v[i] = c.beta2*v[i] + (1-c.beta2)*d*d
		root := float32(math.Sqrt(float64(v[i])))*c.root + c.eps
		w[i] = c.shrink*old - c.step*m[i]/root
		if c.stats {
			u := w[i] - old
			g2 += raw * raw
			w2 += w[i] * w[i]
			u2 += u * u
		}
	}
	return g2, w2, u2
}
