package layers

import "layercake/compute"

// projections are queries, keys and values in one buffer: of self-attention
// they lie side by side, a row a step; otherwise the queries of all samples
// come first, then keys and values side by side.
type projections struct {
	q, k, v compute.Heads
	// all of it, the rows of keys and values, and how far their rows are apart
	data, kv []float32
	step     int
}

// lay cuts data, which has room for n samples.
func (s attentionSizes) lay(n int, data []float32) projections {
	if !s.cross {
		step := s.w + 2*s.k
		return projections{
			q: compute.Heads{Data: data, Sample: s.tq * step, Step: step},
			k: compute.Heads{Data: data[s.w:], Sample: s.tq * step, Step: step},
			v: compute.Heads{Data: data[s.w+s.k:], Sample: s.tq * step, Step: step},

			data: data, kv: data[s.w:], step: step,
		}
	}
	kv := data[n*s.tq*s.w:]
	return projections{
		q: compute.Heads{Data: data, Sample: s.tq * s.w, Step: s.w},
		k: compute.Heads{Data: kv, Sample: s.tk * 2 * s.k, Step: 2 * s.k},
		v: compute.Heads{Data: kv[s.k:], Sample: s.tk * 2 * s.k, Step: 2 * s.k},

		data: data, kv: kv, step: 2 * s.k,
	}
}

// bias is the place of in_proj_bias among the parameters, if there is one.
func (s attentionSizes) bias() int {
	if s.packed {
		return 1
	}
	return 3
}

// out is the place of out_proj.weight among the parameters; its bias follows.
func (a *Attention) out(s attentionSizes) int {
	if a.Bias {
		return s.bias() + 1
	}
	return s.bias()
}

// inputWeight is one of the matrices that project.
type inputWeight struct {
	param, at, step int // parameter, first column, columns in all
	n, k            int // columns used, rows
}

// weights are those for queries, keys and values.
func (s attentionSizes) weights() (q, k, v inputWeight) {
	if s.packed {
		all := s.w + 2*s.k
		return inputWeight{0, 0, all, s.w, s.f}, inputWeight{0, s.w, all, s.k, s.f}, inputWeight{0, s.w + s.k, all, s.k, s.f}
	}
	return inputWeight{0, 0, s.w, s.w, s.f}, inputWeight{1, 0, s.k, s.k, s.m}, inputWeight{2, 0, s.k, s.k, s.m}
}

// products are weights as they are multiplied: all at once with one input, those
// of keys and values at once with two of one width.
func (s attentionSizes) products() (q, k, v inputWeight) {
	q, k, v = s.weights()
	switch {
	case !s.cross:
		q.n = q.step
	case s.packed:
		k.n *= 2
	}
	return q, k, v
}

// each calls f for every product of the input projections: in[i] with w, its
// results being columns at, at+1, … of the bias and lying in y, step apart.
func (s attentionSizes) each(x projections, f func(i int, w inputWeight, at int, y []float32, step int)) {
	q, k, v := s.products()
	switch {
	case !s.cross:
		f(0, q, 0, x.data, x.step)
	case s.packed:
		f(0, q, 0, x.data, s.w)
		f(1, k, s.w, x.kv, x.step)
	default:
		f(0, q, 0, x.data, s.w)
		f(1, k, s.w, x.kv, x.step)
		f(1, v, s.w+s.k, x.kv[s.k:], x.step)
	}
}

// parts are the attention of a pass, its projections and what its heads saw.
// Outside of training they lie in Scratch; with Carry, keys and values in Carry.
func (a *Attention) parts(p *Pass, s attentionSizes) (t compute.Attention, x projections, o compute.Heads) {
	data, seen := p.saved(0), p.saved(1)
	if data == nil {
		n := p.N * s.projected()
		data, seen = p.Scratch[:n], p.Scratch[n:]
	}
	x = s.lay(p.N, data)
	o = compute.Heads{Data: seen, Sample: s.tq * s.w, Step: s.w}
	t = compute.Attention{N: p.N, Heads: s.heads, KVHeads: s.kvHeads, Tq: s.tq, Tk: s.tk, D: s.d, DV: s.d,
		Scale: attentionScale(s.d), Causal: a.Causal, Lens: p.In[0].Lens, Seed: p.Seed}
	if s.cross {
		t.Lens = p.In[1].Lens
	}
	if s.mask >= 0 {
		t.Mask = p.In[s.mask].Data
	}
	if p.Train {
		t.Dropout = float32(a.Dropout)
	}
	switch {
	case p.Carry == nil:
	case s.cross:
		x.kv, x.k.Data, x.v.Data = p.Carry, p.Carry, p.Carry[s.k:]
	case a.Causal:
		t.Start, t.Tk = p.Start, p.Start+s.tq
	}
	return t, x, o
}

// project makes queries, keys and values. With Carry it gives back where those
// of earlier calls lie too; a memory is projected at Start = 0 and then known.
func (a *Attention) project(p *Pass, s attentionSizes, x projections) projections {
	var bias []float32
	if a.Bias {
		bias = p.Params[s.bias()]
	}
	s.each(x, func(i int, w inputWeight, at int, y []float32, step int) {
		if i == 1 && p.Carry != nil && p.Start > 0 {
			return
		}
		e := compute.Epilogue{}
		if bias != nil {
			e.Bias = bias[at : at+w.n]
		}
		compute.Gemm(p.Pool, false, false, p.N*p.In[i].Shape[0], w.n, w.k, p.In[i].Data, w.k, p.Params[w.param][w.at:], w.step, y, step, e)
	})
	if a.Rotary {
		compute.Rotate(p.Pool, x.q, p.N, s.tq, s.heads, s.d, p.Start, 1)
		compute.Rotate(p.Pool, x.k, p.N, s.tk, s.kvHeads, s.d, p.Start, 1)
	}
	if p.Carry != nil && !s.cross && a.Causal {
		x.k = p.remember(x.k, s.tq, s.k, 0, 2*s.k)
		x.v = p.remember(x.v, s.tq, s.k, s.k, 2*s.k)
	}
	return x
}

// Forward projects, attends head by head, and projects what the heads saw.
func (a *Attention) Forward(p *Pass) {
	s := a.of(p)
	t, x, o := a.parts(p, s)
	x = a.project(p, s, x)
	t.Forward(p.Pool, x.q, x.k, x.v, o, p.saved(2))
	out := a.out(s)
	e := compute.Epilogue{}
	if a.Bias {
		e.Bias = p.Params[out+1]
	}
	compute.Gemm(p.Pool, false, false, p.N*s.tq, s.w, s.w, o.Data, s.w, p.Params[out], s.w, p.Out.Data, s.w, e)
}

// Backward goes the same way back: output projection, heads, input projections.
func (a *Attention) Backward(p *Pass) {
	s := a.of(p)
	t, x, o := a.parts(p, s)
	n, out := p.N*s.projected(), a.out(s)
	rows := p.N * s.tq
	dx := s.lay(p.N, p.Scratch[:n])
	do := o
	do.Data = p.Scratch[n:][:rows*s.w]
	dy := p.DOut.Data

	if d := p.grad(out); d != nil {
		compute.Gemm(p.Pool, true, false, s.w, s.w, rows, o.Data, s.w, dy, s.w, d, s.w, compute.Epilogue{Add: !p.Fresh})
	}
	if a.Bias {
		if d := p.grad(out + 1); d != nil {
			compute.ColumnSum(p.Pool, rows, s.w, dy, d, !p.Fresh)
		}
	}
	compute.Gemm(p.Pool, false, true, rows, s.w, s.w, dy, s.w, p.Params[out], s.w, do.Data, s.w, compute.Epilogue{})

	g := compute.AttentionGrad{Q: x.q, K: x.k, V: x.v, O: o, Stats: p.Saved[2], DO: do, DQ: dx.q, DK: dx.k, DV: dx.v, Partial: p.Scratch[n+rows*s.w:]}
	if s.mask >= 0 {
		g.DMask = p.wanted(s.mask)
		if g.DMask != nil && !p.adds(s.mask) {
			clear(g.DMask)
		}
	}
	t.Backward(p.Pool, g)
	if a.Rotary {
		compute.Rotate(p.Pool, dx.q, p.N, s.tq, s.heads, s.d, p.Start, -1)
		compute.Rotate(p.Pool, dx.k, p.N, s.tk, s.kvHeads, s.d, p.Start, -1)
	}
	a.unproject(p, s, dx)
}

// Room is that of the largest of the weights' gradients.
func (a *Attention) Room(n int, in []compute.Shape) int {
	s := a.sizes(len(in), in[0], in[min(1, len(in)-1)])
	q, k, _ := s.products()
	return max(compute.SumRoom(s.w, s.w, n*s.tq), compute.SumRoom(q.k, q.n, n*s.tq), compute.SumRoom(k.k, k.n, n*s.tk))
}

// unproject is the gradient of the input projections; d holds that of their results.
func (a *Attention) unproject(p *Pass, s attentionSizes, d projections) {
	if a.Bias {
		if db := p.grad(s.bias()); db != nil {
			if s.cross {
				compute.ColumnSum(p.Pool, p.N*s.tq, s.w, d.data[:p.N*s.tq*s.w], db[:s.w], !p.Fresh)
				compute.ColumnSum(p.Pool, p.N*s.tk, 2*s.k, d.kv, db[s.w:], !p.Fresh)
			} else {
				compute.ColumnSum(p.Pool, p.N*s.tq, d.step, d.data, db, !p.Fresh)
			}
		}
	}
	var begun [2]bool
	s.each(d, func(i int, w inputWeight, _ int, dy []float32, step int) {
		rows := p.N * p.In[i].Shape[0]
		if dw := p.grad(w.param); dw != nil {
			compute.Gemm(p.Pool, true, false, w.k, w.n, rows, p.In[i].Data, w.k, dy, step, dw[w.at:], w.step, compute.Epilogue{Add: !p.Fresh})
		}
		if dx := p.wanted(i); dx != nil {
			add := p.adds(i) || begun[i]
			compute.Gemm(p.Pool, false, true, rows, w.k, w.n, dy, step, p.Params[w.param][w.at:], w.step, dx, w.k, compute.Epilogue{Add: add})
			begun[i] = true
		}
	})
}

// AttentionSize is how large a map is; see Attender.
func (a *Attention) AttentionSize(p *Pass) (heads, tq, tk int) {
	t, _, _ := a.parts(p, a.of(p))
	return t.Heads, t.Tq, t.Tk
}

// AttentionMap is dst [heads, Tq, Tk], the shares of a sample; see Attender.
func (a *Attention) AttentionMap(p *Pass, sample int, dst []float32) {
	s := a.of(p)
	t, x, _ := a.parts(p, s)
	if p.saved(0) == nil || p.Carry != nil { // keys of earlier calls lie in Carry
		x = a.project(p, s, x)
	}
	t.Weights(p.Pool, x.q, x.k, sample, dst)
}
