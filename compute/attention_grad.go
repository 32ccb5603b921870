package compute

// AttentionGrad is what Attention's backward pass reads and writes. Q, K, V, O
// and Stats are those of Forward; DO is the gradient of O. DQ, DK and DV are
// written, and left out where their Data is nil; to DMask [N, Tq, Tk] is added
// unless it is nil.
type AttentionGrad struct {
	Q, K, V, O Heads
	Stats      []float32
	DO         Heads
	DQ, DK, DV Heads
	DMask      []float32
	// Partial is as long as Partial says.
	Partial []float32
}

// Partial is how many floats Backward needs beside its results: gradients of
// the queries, where the keys of few samples are shared out. mask says whether
// a gradient of the mask is wanted. It is 0 for large N, and at most
// AttentionPartial for any.
func (a Attention) Partial(mask bool) int {
	if parts, _ := a.keyParts(mask); parts > 1 {
		return parts * a.N * a.Tq * a.Heads * a.D
	}
	return 0
}

// AttentionPartial bounds Partial for all N: kv heads work apart, and mask says
// whether they may have to work together on a gradient of the mask.
func AttentionPartial(tq, tk, heads, kvHeads, d int, mask bool) int {
	most := 0
	for n := 1; n < attnTasks; n++ {
		a := Attention{N: n, Heads: heads, KVHeads: kvHeads, Tq: tq, Tk: tk, D: d}
		most = max(most, a.Partial(mask))
	}
	return most
}

// keyParts is how the keys are cut in the backward pass.
func (a *Attention) keyParts(mask bool) (parts, steps int) {
	if mask {
		return cut(a.N, a.Tk, attnKeys)
	}
	return cut(a.N*a.KVHeads, a.Tk, attnKeys)
}

// Backward is the gradient of Forward. With w made again from Stats, and
// δ[i] = do[i]·o[i],
//
//	dv[j] = Σ_i drop(w[i, j])·do[i]
//	ds[i, j] = w[i, j]·(drop(do[i]·v[j]) − δ[i])
//	dq[i] = Scale·Σ_j ds[i, j]·k[j]     dk[j] = Scale·Σ_i ds[i, j]·q[i]
//
// A task has a sample, the heads that share keys and some of the keys, whose
// gradients are its own. The shares of dq of several tasks are added in order.
func (a Attention) Backward(p *Pool, g AttentionGrad) {
	if a.N*a.Tk == 0 {
		return
	}
	t := attention{Attention: a, kern: kernelInUse, q: g.Q, k: g.K, v: g.V, o: g.O, stats: g.Stats,
		do: g.DO, dq: g.DQ, dk: g.DK, dv: g.DV, dmask: g.DMask}
	if a.Dropout > 0 {
		t.key = newDropoutKey(a.Seed, a.Dropout)
	}
	t.parts, _ = a.keyParts(g.DMask != nil)
	tasks := a.N * t.parts
	if g.DMask == nil {
		tasks *= a.KVHeads
	}
	if t.parts > 1 {
		t.partial = g.Partial[:a.Partial(g.DMask != nil)]
	}
	For(p, tasks, max(1, tasks/attnChunks), t, attentionBackward)
	if t.parts > 1 && g.DQ.Data != nil {
		For(p, a.N*a.Tq, max(1, heavyGrain/(a.Heads*a.D)), t, attentionQueries)
	}
}

func attentionBackward(a *attention, w *Worker, lo, hi int) {
	_, size := a.keyParts(a.dmask != nil)
	// Queries' gradients may go to a buffer of their own, see backward.
	step := a.dq.Step
	if a.parts > 1 {
		step = a.Heads * a.D
	}
	x := attnProducts{kern: a.kern, t: &w.tile}
	x.steps(w, max(min(attnRows, a.Tq), min(attnKeys, a.Tk)), a.D, a.deep(), step, a.dk.Step, a.dv.Step)
	for t := lo; t < hi; t++ {
		part := t % a.parts
		j0 := part * size
		j1 := min(j0+size, a.Tk)
		if a.dmask != nil {
			for g := range a.KVHeads {
				a.backward(w, &x, t/a.parts, g, part, j0, j1)
			}
			continue
		}
		a.backward(w, &x, t/a.parts/a.KVHeads, t/a.parts%a.KVHeads, part, j0, j1)
	}
}

// attentionQueries adds up the parts of rows lo to hi of dq.
func attentionQueries(a *attention, w *Worker, lo, hi int) {
	wide := a.Heads * a.D
	for r := lo; r < hi; r++ {
		d := a.dq.at(r/a.Tq, r%a.Tq, 0, a.D)[:wide]
		copy(d, a.partial[r*wide:][:wide])
		for part := 1; part < a.parts; part++ {
			vec.add(d, d, a.partial[(part*a.N*a.Tq+r)*wide:][:wide])
		}
	}
}

// deep is the room for a row of gradients of o in a block: one number more than
// values are wide, −δ, that meets a row of ones.
func (a *attention) deep() int { return roundUp(a.DV+1, 8) }

// backward works out what keys lo to hi of group g of sample n add to.
func (a *attention) backward(w *Worker, x *attnProducts, n, g, part, lo, hi int) {
	group := a.Heads / a.KVHeads
	h0 := g * group
	dq := a.dq
	if dq.Data != nil && a.parts > 1 {
		dq = Heads{Data: a.partial[part*a.N*a.Tq*a.Heads*a.D:], Sample: a.Tq * a.Heads * a.D, Step: a.Heads * a.D}
	}
	a.dk.clear(n, lo, hi, g, 1, a.D)
	a.dv.clear(n, lo, hi, g, 1, a.DV)
	keys := a.keys(n)
	hi = min(hi, keys)
	// The first block of keys writes the gradients of all queries that see it.
	if lo >= hi || a.firstRow(0, lo) > 0 {
		dq.clear(n, 0, a.Tq, h0, group, a.D)
	}
	if lo >= hi {
		return
	}

	deep, orow := a.DV+1, a.deep()
	// Gradients of o are divided by the sums of rows at once, and with them all that
	// is made of them; so weights need not be.
	drops := 0
	if a.Dropout > 0 {
		drops = attnRows * attnStep
	}
	m := lend(w, attnRows*a.D, attnRows*orow, attnKeys*a.D, attnKeys*roundUp(a.D, tileWidth), attnKeys*deep,
		attnRows*attnStep, attnRows*attnStep, drops, group*a.Tq)
	qr, or, kt, kc, vt, s, d, e, delta := m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8]
	for i := range group * a.Tq {
		h := h0 + i/a.Tq
		delta[i] = vec.dot(a.do.at(n, i%a.Tq, h, a.DV)[:a.DV], a.o.at(n, i%a.Tq, h, a.DV)[:a.DV]) * a.stats[((n*a.Heads+h0)*a.Tq+i)*2+1]
	}

	for k0 := lo; k0 < hi; k0 += attnKeys {
		k1 := min(k0+attnKeys, hi)
		keyRows := a.k.at(n, k0, g, a.D)
		x.turn(kt, keyRows, a.k.Step, k1-k0, a.D, a.D)
		x.turn(vt, a.v.at(n, k0, g, a.DV), a.v.Step, k1-k0, a.DV, deep)
		if dq.Data != nil {
			x.pack(kc, keyRows, a.k.Step, k1-k0, a.D, a.Scale)
		}
		for h := h0; h < h0+group; h++ {
			for b := 0; b < a.Tq; b += attnRows {
				i0, i1 := a.firstRow(b, k0), min(b+attnRows, a.Tq)
				if i0 >= i1 {
					continue
				}
				scaleRows(qr, a.D, a.q.at(n, i0, h, a.D), a.q.Step, i1-i0, a.D, a.Scale)
				for i := i0; i < i1; i++ {
					row := or[(i-i0)*orow:][:deep]
					vec.scale(row[:a.DV], a.do.at(n, i, h, a.DV)[:a.DV], a.stats[((n*a.Heads+h)*a.Tq+i)*2+1])
					row[a.DV] = -delta[(h-h0)*a.Tq+i]
				}
				end := min(k1, a.limit(i1-1, keys))
				a.scores(x, s, qr, x.off[0], kt, a.D, i0, i1, k0, end)
				a.scores(x, d, or, x.off[1], vt, deep, i0, i1, k0, end)
				kept := a.slopes(w, s, d, e, delta[(h-h0)*a.Tq:], n, h, i0, i1, k0, end)
				if dq.Data != nil {
					for i := i0; i < i1; i += attnGroup {
						m := min(attnGroup, i1-i)
						x.byRow(m, min(end, a.limit(i+m-1, keys))-k0, d[(i-i0)*attnStep:], x.block, kc, attnKeys,
							a.D, dq.at(n, i, h, a.D), x.off[2], k0 > lo)
					}
				}
				for j := k0; j < end; j += attnGroup {
					m := min(attnGroup, end-j)
					i := a.firstRow(i0, j)
					at := (i-i0)*attnStep + j - k0
					if a.dv.Data != nil {
						x.byCol(m, i1-i, kept[at:], or[(i-i0)*orow:], orow, a.DV, a.dv.at(n, j, g, a.DV), x.off[4])
					}
					if a.dk.Data != nil {
						x.byCol(m, i1-i, d[at:], qr[(i-i0)*a.D:], a.D, a.D, a.dk.at(n, j, g, a.D), x.off[3])
					}
				}
			}
		}
	}
}

// slopes turns scores s into exp(s − largest), and d, which is do·vᵀ − δ divided
// by the row's sum, into the gradients of the scores. It returns s as it was after
// dropout. delta is divided as well.
func (a *attention) slopes(w *Worker, s, d, e, delta []float32, n, h, i0, i1, k0, k1 int) []float32 {
	kept := s
	if a.Dropout > 0 {
		kept = e
	}
	stats := a.stats[(n*a.Heads+h)*a.Tq*2:]
	for i := i0; i < i1; i++ {
		row, limit := a.seen(s, n, i, i0, k0, k1)
		at := (i - i0) * attnStep
		end := max(len(row), min(limit+attnGroup, k1-k0))
		slope := d[at:][:len(row)]
		if a.Dropout == 0 {
			vec.weightSlopes(row, slope, stats[2*i])
		} else {
			vec.weightSum(row, row, stats[2*i])
			keep := a.drop(w, e[at:][:limit], row[:limit], n, h, i, k0)
			clear(e[at+limit : at+end])
			grown := keepScale(a.Dropout)
			for j, k := range keep {
				if k != 0 {
					slope[j] = (slope[j]+delta[i])*grown - delta[i]
				} else {
					slope[j] = -delta[i]
				}
			}
			vec.mul(slope, slope, row)
		}
		clear(d[at+limit : at+end])
		if a.dmask != nil {
			sum := a.dmask[(n*a.Tq+i)*a.Tk+k0:][:limit]
			vec.add(sum, sum, slope[:limit])
		}
	}
	return kept
}

// clear zeroes count heads from h on of steps lo to hi of sample n.
func (x *Heads) clear(n, lo, hi, h, count, width int) {
	if x.Data == nil {
		return
	}
	for t := lo; t < hi; t++ {
		clear(x.at(n, t, h, width)[:count*width])
	}
}
