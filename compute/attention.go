package compute

import "math"

// Attention is scaled dot-product attention (Vaswani et al., Attention is all
// you need, 2017) over heads, without its passes' memory. For each sample and
// head, with q, k and v the head's rows,
//
//	s[i, j] = Scale·q[i]·k[j] + mask[i, j]
//	w[i, j] = exp(s[i, j]) / Σ_j exp(s[i, j])      over the keys j that i sees
//	o[i]    = Σ_j drop(w[i, j])·v[j]
//
//	q [N, Tq, Heads·D]   k [N, Tk, KVHeads·D]   v [N, Tk, KVHeads·DV]   o [N, Tq, Heads·DV]
//
// The weights are never all in memory: they are made block by block, each
// block's share of o is put right when a later block has a larger maximum, and
// the backward pass makes them again from two numbers a row (Dao et al.,
// FlashAttention, 2022). So memory grows with Tq and Tk, not with their
// product.
//
// Head h reads keys and values of head h·KVHeads/Heads: grouped queries
// (Ainslie et al., GQA, 2023). A row that sees no key has o = 0 and no gradient.
type Attention struct {
	N              int
	Heads, KVHeads int // KVHeads divides Heads
	Tq, Tk         int
	D, DV          int // width of a head: of queries and keys, of values
	Scale          float32
	// Causal hides keys behind position Start+i from row i.
	Causal bool
	Start  int
	// Lens are the keys used of each sample, counted from Start on; nil: all Tk.
	Lens []int32
	// Mask is added to the scores: [N, Tq, Tk], the same for all heads; nil: none.
	// −Inf hides a key.
	Mask []float32
	// Dropout is the share of the weights that is dropped, by a hash of Seed and
	// the weight's place; the others grow by 1/(1−Dropout).
	Dropout float32
	Seed    uint64
}

// Heads is where the heads of a sequence lie: head h of step t of sample n
// begins at Data[n·Sample + t·Step + h·width], so that queries, keys and values
// may lie side by side in one buffer.
type Heads struct {
	Data         []float32
	Sample, Step int
}

// at is the memory from head h of step t of sample n on.
func (x *Heads) at(n, t, h, width int) []float32 {
	return x.Data[n*x.Sample+t*x.Step+h*width:]
}

const (
	attnRows  = 96  // queries of a block
	attnKeys  = 128 // keys of a block
	attnGroup = 24  // rows, or keys, along the diagonal that share a length of sum
	attnStep  = attnKeys + tileWidth
	// attnTasks is how many tasks suffice: with fewer pairs of a sample and a
	// head, sequences are cut.
	attnTasks = 8
	// attnChunks is how many chunks of tasks suffice.
	attnChunks = 64
)

// attention is an Attention at work.
type attention struct {
	Attention
	kern       *gemmKernel
	q, k, v, o Heads
	stats      []float32 // [N, Heads, Tq, 2] of each row; nil: not kept
	key        dropoutKey
	parts      int // tasks that a sequence is cut into

	// of the backward pass
	do, dq, dk, dv Heads
	dmask          []float32
	partial        []float32 // [parts, N, Tq, Heads·D] gradients of queries where parts > 1
}

// keys is how many keys of sample n there are.
func (a *Attention) keys(n int) int {
	if a.Lens == nil {
		return a.Tk
	}
	return max(0, min(a.Tk, a.Start+int(a.Lens[n])))
}

// limit is how many of the first keys row i sees; it is at least 1 where there are keys.
func (a *Attention) limit(i, keys int) int {
	if a.Causal {
		return min(keys, a.Start+i+1)
	}
	return keys
}

// firstRow is the first row from lo on that sees key j.
func (a *Attention) firstRow(lo, j int) int {
	if a.Causal {
		return max(lo, j-a.Start)
	}
	return lo
}

// cut is how many tasks share length steps of each of n pairs, and how many
// steps each has, of blocks of block.
func cut(n, length, block int) (parts, steps int) {
	blocks := (length + block - 1) / block
	parts = max(1, min((attnTasks+n-1)/n, blocks))
	steps = (blocks + parts - 1) / parts * block
	return (length + steps - 1) / steps, steps
}

// Forward writes o and, for Backward, stats [N, Heads, Tq, 2] unless it is nil:
// the largest score of each row, and 1/Σ_j exp(s[i, j] − largest).
func (a Attention) Forward(p *Pool, q, k, v, o Heads, stats []float32) {
	if a.N*a.Tq == 0 {
		return
	}
	t := attention{Attention: a, kern: kernelInUse, q: q, k: k, v: v, o: o, stats: stats}
	if a.Dropout > 0 {
		t.key = newDropoutKey(a.Seed, a.Dropout)
	}
	t.parts, _ = cut(a.N*a.KVHeads, a.Tq, attnRows)
	tasks := a.N * a.KVHeads * t.parts
	For(p, tasks, max(1, tasks/attnChunks), t, attentionForward)
}

func attentionForward(a *attention, w *Worker, lo, hi int) {
	_, size := cut(a.N*a.KVHeads, a.Tq, attnRows)
	x := attnProducts{kern: a.kern, t: &w.tile}
	x.steps(w, min(attnRows, a.Tq), a.D, a.o.Step)
	for t := lo; t < hi; t++ {
		i0 := t % a.parts * size
		g := t / a.parts % a.KVHeads
		a.forward(w, &x, t/a.parts/a.KVHeads, g, i0, min(i0+size, a.Tq))
	}
}

// forward works out rows lo to hi of the heads that share keys g of sample n.
func (a *attention) forward(w *Worker, x *attnProducts, n, g, lo, hi int) {
	group := a.Heads / a.KVHeads
	h0 := g * group
	keys := a.keys(n)
	if keys == 0 {
		for h := h0; h < h0+group; h++ {
			for i := lo; i < hi; i++ {
				clear(a.o.at(n, i, h, a.DV)[:a.DV])
			}
			if a.stats != nil {
				clear(a.stats[(n*a.Heads+h)*a.Tq*2:][2*lo : 2*hi])
			}
		}
		return
	}
	count := hi - lo
	m := lend(w, attnRows*a.D, attnKeys*a.D, attnKeys*roundUp(a.DV, tileWidth), attnRows*attnStep, group*count, group*count)
	qr, kt, vc, s, tops, sums := m[0], m[1], m[2], m[3], m[4], m[5]
	rows, out := x.off[0], x.off[1]

	last := a.limit(hi-1, keys)
	for k0 := 0; k0 < last; k0 += attnKeys {
		k1 := min(k0+attnKeys, last)
		x.turn(kt, a.k.at(n, k0, g, a.D), a.k.Step, k1-k0, a.D, a.D)
		x.pack(vc, a.v.at(n, k0, g, a.DV), a.v.Step, k1-k0, a.DV, 1)
		for h := h0; h < h0+group; h++ {
			for b := lo; b < hi; b += attnRows {
				i0, i1 := a.firstRow(b, k0), min(b+attnRows, hi)
				if i0 >= i1 {
					continue
				}
				scaleRows(qr, a.D, a.q.at(n, i0, h, a.D), a.q.Step, i1-i0, a.D, a.Scale)
				a.scores(x, s, qr, rows, kt, a.D, i0, i1, k0, min(k1, a.limit(i1-1, keys)))
				at := (h-h0)*count - lo + i0
				a.weigh(w, s, n, h, i0, i1, k0, k1, tops[at:], sums[at:])
				for i := i0; i < i1; i += attnGroup {
					m := min(attnGroup, i1-i)
					x.byRow(m, min(k1, a.limit(i+m-1, keys))-k0, s[(i-i0)*attnStep:], x.block, vc, attnKeys,
						a.DV, a.o.at(n, i, h, a.DV), out, k0 > 0)
				}
			}
		}
	}
	for h := h0; h < h0+group; h++ {
		for i := lo; i < hi; i++ {
			at := (h-h0)*count + i - lo
			o := a.o.at(n, i, h, a.DV)[:a.DV]
			top, inverse := tops[at], float32(0)
			if sum := sums[at]; sum != 0 {
				inverse = 1 / sum
				vec.scale(o, o, inverse)
			} else {
				top = 0
				clear(o)
			}
			if a.stats != nil {
				at := ((n*a.Heads+h)*a.Tq + i) * 2
				a.stats[at], a.stats[at+1] = top, inverse
			}
		}
	}
}

// scores is s = A·B for rows i0 to i1, those of a from its start on, d wide,
// and keys k0 to k1 in turned panels b. What Causal hides is left out or wrong.
func (a *attention) scores(x *attnProducts, s, rows []float32, off []int32, b []float32, d, i0, i1, k0, k1 int) {
	for j := k0; j < k1; j += tileWidth {
		i := a.firstRow(i0, j) - i0
		if i >= i1-i0 {
			break
		}
		x.byRow(i1-i0-i, d, rows[int(off[i]):], off, b[(j-k0)*d:], 0, min(tileWidth, k1-j),
			s[i*attnStep+j-k0:], x.block, false)
	}
}

// weigh turns scores into weights that are yet to be divided by their sum:
// s = exp(s − top), top being the largest of its row so far. What o and sums
// hold of earlier keys is put right for it.
func (a *attention) weigh(w *Worker, s []float32, n, h, i0, i1, k0, k1 int, tops, sums []float32) {
	for i := i0; i < i1; i++ {
		row, limit := a.seen(s, n, i, i0, k0, k1)
		r := i - i0
		top := vec.maxOf(row)
		if k0 > 0 {
			top = max(top, tops[r])
		}
		from := top
		if top < -math.MaxFloat32 {
			from = 0 // all is hidden so far: exp(−∞ − 0) is the 0 that it has to be
		}
		sum := vec.weightSum(row, row, from)
		if k0 > 0 {
			if sums[r] != 0 && top != tops[r] {
				c := float32(math.Exp(float64(tops[r] - top)))
				sums[r] *= c
				o := a.o.at(n, i, h, a.DV)[:a.DV]
				vec.scale(o, o, c)
			}
			sum += sums[r]
		}
		tops[r], sums[r] = top, sum
		if a.Dropout > 0 {
			a.drop(w, row[:limit], row[:limit], n, h, i, k0)
		}
	}
}

// seen are the scores of row i with the mask added. The first limit are those of
// keys that it sees; −∞ follows up to a multiple of eight, and then zeros to
// where the products of its group end.
func (a *attention) seen(s []float32, n, i, i0, k0, k1 int) (row []float32, limit int) {
	limit = a.limit(i, k1) - k0
	s = s[(i-i0)*attnStep:][:attnStep]
	whole := roundUp(limit, 8)
	if a.Mask != nil {
		vec.add(s[:limit], s[:limit], a.Mask[(n*a.Tq+i)*a.Tk+k0:][:limit])
	}
	for j := limit; j < whole; j++ {
		s[j] = hidden
	}
	if end := min(limit+attnGroup, k1-k0); end > whole {
		clear(s[whole:end])
	}
	return s[:whole], limit
}

var hidden = float32(math.Inf(-1))

// drop is dst = row with some of its weights dropped and the others grown, the
// first being that of key k0. It returns which are kept.
func (a *attention) drop(w *Worker, dst, row []float32, n, h, i, k0 int) []byte {
	keep := w.Bytes(len(row))
	start := ((n*a.Heads+h)*a.Tq+i)*a.Tk + k0
	vec.dropout(dst, row, keep, a.key, uint32(start), keepScale(a.Dropout))
	return keep
}

// Weights writes the weights of sample n to dst [Heads, Tq, Tk], zeros where
// nothing is seen, as they are without dropout.
func (a Attention) Weights(p *Pool, q, k Heads, n int, dst []float32) {
	keys := a.keys(n)
	clear(dst[:a.Heads*a.Tq*a.Tk])
	for h := range a.Heads {
		s := dst[h*a.Tq*a.Tk:][:a.Tq*a.Tk]
		g := h * a.KVHeads / a.Heads
		Gemm(p, false, true, a.Tq, keys, a.D, q.at(n, 0, h, a.D), q.Step, k.at(n, 0, g, a.D), k.Step, s, a.Tk, Epilogue{})
		for i := range a.Tq {
			row := s[i*a.Tk:][:keys]
			limit := a.limit(i, keys)
			clear(row[limit:])
			row = row[:limit]
			vec.scale(row, row, a.Scale)
			if a.Mask != nil {
				vec.add(row, row, a.Mask[(n*a.Tq+i)*a.Tk:][:limit])
			}
			Softmax(nil, 1, limit, row, row)
		}
	}
}
