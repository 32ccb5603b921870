package layers

import (
	"fmt"
	"math"

	"layercake/compute"
)

// DotAttention is attention without weights of its own: queries, keys and values
// come from three layers before it.
//
//	q  [N, Tq, F]  k  [N, Tk, F]  v  [N, Tk, G]    F and G are cut into Heads parts
//	y  [N, Tq, G]  y[i] = Σ_j softmax_j(q[i]·k[j]/√(F/Heads))·v[j]   head by head
//
// Causal: step i sees keys up to j = i. Padded keys are not seen. Two
// numbers a row are kept for the backward pass (see
// compute.Attention). Tq·Tk·(F+G) multiply-adds a sample; causal with T steps
// T·(T+1)/2·(F+G).
type DotAttention struct {
	Heads  int
	Causal bool
}

var dotAttentionKind = &Kind{
	Name:    "dotattention",
	Short:   "dotattn",
	Family:  Sequence,
	Summary: "looks values up by how well queries and keys agree",
	Card: Card{
		What: "Every query is compared with every key by a dot product. The results become shares that add up to 1, and the answer is the values, " +
			"mixed by these shares: a look-up in a table that finds what is similar, not only what is equal. Nothing is learnt here; the layers that make queries, keys and values learn.",
		Formula: "y = softmax(q·kᵀ/√d)·v, d = F/heads, each head by itself",
		Shapes:  "q Tq×F, k Tk×F, v Tk×G → Tq×G",
		Params:  "none",
		Cost:    "Tq·Tk·(F + G); causal, T steps each: T·(T+1)/2·(F + G)",
		When:    "To build attention of your own, with projections that attention does not have, or to read out a memory.",
		Instead: "attention has the projections too and is what transformers are made of: for (F·3F + F²)·T more multiply-adds.",
		Source:  "Vaswani et al., Attention is all you need, 2017; in blocks: Dao et al., FlashAttention, 2022",
	},
	New: func() Layer { return &DotAttention{Heads: 1} },
	Examples: []Example{
		{Layer: &DotAttention{Heads: 1}, In: []compute.Shape{{4, 3}, {5, 3}, {5, 2}}},
		{Layer: &DotAttention{Heads: 2, Causal: true}, In: []compute.Shape{{5, 4}, {5, 4}, {5, 6}}},
		{Layer: &DotAttention{Heads: 1}, In: []compute.Shape{{1, 1}, {1, 1}, {1, 1}}},
		{Layer: &DotAttention{Heads: 2}, In: []compute.Shape{{3, 4}, {6, 4}, {6, 4}}, Lens: [][]int{{}, {6, 2, 0}, {}}},
		{Layer: &DotAttention{Heads: 2, Causal: true}, In: []compute.Shape{{4, 2}, {4, 2}, {4, 2}}, Lens: [][]int{{4, 2, 1}, {4, 2, 1}, {4, 2, 1}}},
	},
}

// Fields are the settings.
func (a *DotAttention) Fields() []Field {
	return []Field{
		{Name: "heads", Help: "parts that look for themselves", Ptr: &a.Heads, Min: 1, Max: 1 << 16},
		{Name: "causal", Help: "no step sees a later one", Ptr: &a.Causal},
	}
}

// Label is the number of heads.
func (a *DotAttention) Label() string { return headsLabel(a.Heads, 0, a.Causal) }

func headsLabel(heads, kv int, causal bool) string {
	text := "1 head"
	if heads != 1 {
		text = fmt.Sprintf("%d heads", heads)
	}
	if kv > 0 && kv != heads {
		text = fmt.Sprintf("%d/%d heads", heads, kv)
	}
	if causal {
		text += " causal"
	}
	return text
}

// maxAttentionWidth bounds rows, so that places in a block of them stay small.
const maxAttentionWidth = 1 << 20

// Plan takes queries, keys and values that fit each other.
func (a *DotAttention) Plan(in []compute.Shape) (Plan, error) {
	const want = "queries Tq×F, keys Tk×F and values Tk×G"
	if len(in) != 3 {
		return Plan{}, &ShapeError{Got: in, Want: want, Cure: "name all three in from: [Q, K, V]"}
	}
	if err := whole(in); err != nil {
		return Plan{}, err
	}
	if a.Heads < 1 {
		return Plan{}, badSetting(in, "heads", a.Heads, 1)
	}
	q, k, v := in[0], in[1], in[2]
	if len(q) != 2 || len(k) != 2 || len(v) != 2 {
		return Plan{}, &ShapeError{Got: in, Want: want, Cure: "give it sequences"}
	}
	switch {
	case q[1] != k[1]:
		return Plan{}, &ShapeError{Got: in, Want: "queries as wide as keys", Cure: "make them by dense layers of as many units"}
	case k[0] != v[0]:
		return Plan{}, &ShapeError{Got: in, Want: "as many keys as values", Cure: "make both from the same sequence"}
	case q[1]%a.Heads != 0 || v[1]%a.Heads != 0:
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("widths that heads %d divides", a.Heads), Cure: "set heads to a divisor of both"}
	case max(q[1], v[1]) > maxAttentionWidth:
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("widths of at most %d", maxAttentionWidth), Cure: "put a dense layer before it"}
	}
	if _, ok := product(maxElements, q[0], v[1]); !ok {
		return Plan{}, tooLarge(in, "output", "use shorter sequences")
	}
	macs, ok := attentionMACs(q[0], k[0], q[1]+v[1], a.Causal)
	if !ok {
		return Plan{}, tooLarge(in, "work", "use shorter sequences")
	}
	plan := Plan{
		Out:     compute.Shape{q[0], v[1]},
		MACs:    macs,
		Saved:   []Room{{PerSample: 2 * a.Heads * q[0]}},
		Scratch: Room{Fixed: compute.AttentionPartial(q[0], k[0], a.Heads, a.Heads, q[1]/a.Heads, false)},
		Reads:   ReadsIn | ReadsOut,
		Window:  Window{Global: true},
	}
	if a.Causal && q[0] == k[0] {
		plan.Carry.PerPosition = k[1] + v[1]
	} else {
		plan.AcrossTime = true
	}
	return plan, nil
}

// attentionMACs are those of the products with keys and with values, width
// wide together.
func attentionMACs(tq, tk, width int, causal bool) (int64, bool) {
	all, ok := product(maxMACs, tq, tk, width)
	if !ok || !causal {
		return all, ok
	}
	// Row i sees the first min(i+1, tk) keys.
	rows := min(tq, tk)
	pairs := int64(rows)*int64(rows+1)/2 + int64(tq-rows)*int64(tk)
	return pairs * int64(width), true
}

// parts are the attention of a pass and its queries, keys and values. With Carry
// the keys and values of earlier calls come first.
func (a *DotAttention) parts(p *Pass) (t compute.Attention, q, k, v compute.Heads) {
	tq, tk, f, g := p.In[0].Shape[0], p.In[1].Shape[0], p.In[0].Shape[1], p.In[2].Shape[1]
	t = compute.Attention{N: p.N, Heads: a.Heads, KVHeads: a.Heads, Tq: tq, Tk: tk, D: f / a.Heads, DV: g / a.Heads,
		Scale: attentionScale(f / a.Heads), Causal: a.Causal, Lens: p.In[1].Lens}
	if t.Lens == nil {
		t.Lens = p.In[2].Lens
	}
	q = compute.Heads{Data: p.In[0].Data, Sample: tq * f, Step: f}
	k = compute.Heads{Data: p.In[1].Data, Sample: tk * f, Step: f}
	v = compute.Heads{Data: p.In[2].Data, Sample: tk * g, Step: g}
	if p.Carry != nil && a.Causal {
		t.Start, t.Tk = p.Start, p.Start+tk
		k = p.remember(k, tk, f, 0, f+g)
		v = p.remember(v, tk, g, f, f+g)
	}
	return t, q, k, v
}

// attentionScale is 1/√d.
func attentionScale(d int) float32 { return float32(1 / math.Sqrt(float64(d))) }

// remember copies steps rows of x, width wide, to where Carry has them from
// position Start on, at place at of its rows of row floats. It returns
// Carry's rows from position 0 on.
func (p *Pass) remember(x compute.Heads, steps, width, at, row int) compute.Heads {
	past := compute.Heads{Data: p.Carry[at:], Sample: p.Context * row, Step: row}
	for n := range p.N {
		for t := range steps {
			copy(past.Data[n*past.Sample+(p.Start+t)*row:][:width], x.Data[n*x.Sample+t*x.Step:][:width])
		}
	}
	return past
}

// Forward mixes the values.
func (a *DotAttention) Forward(p *Pass) {
	t, q, k, v := a.parts(p)
	t.Forward(p.Pool, q, k, v, flatHeads(p.Out), p.saved(0))
}

// flatHeads are the heads of a tensor that holds nothing else.
func flatHeads(x compute.Tensor) compute.Heads {
	return compute.Heads{Data: x.Data, Sample: x.Shape[0] * x.Shape[1], Step: x.Shape[1]}
}

// saved is buffer i of what is kept for the backward pass, nil outside of training.
func (p *Pass) saved(i int) []float32 {
	if i >= len(p.Saved) {
		return nil
	}
	return p.Saved[i]
}

// Backward is the gradient of queries, keys and values.
func (a *DotAttention) Backward(p *Pass) {
	t, q, k, v := a.parts(p)
	g := compute.AttentionGrad{Q: q, K: k, V: v, O: flatHeads(p.Out), Stats: p.Saved[0], DO: flatHeads(p.DOut), Partial: p.Scratch}
	for i, d := range []*compute.Heads{&g.DQ, &g.DK, &g.DV} {
		if p.wanted(i) != nil {
			*d = flatHeads(p.DIn[i])
		}
	}
	t.Backward(p.Pool, g)
}

// AttentionSize is how large a map is; see Attender.
func (a *DotAttention) AttentionSize(p *Pass) (heads, tq, tk int) {
	tq, tk = p.In[0].Shape[0], p.In[1].Shape[0]
	if p.Carry != nil && a.Causal {
		tk += p.Start
	}
	return a.Heads, tq, tk
}

// AttentionMap is dst [heads, Tq, Tk], the shares of a sample; see Attender.
func (a *DotAttention) AttentionMap(p *Pass, sample int, dst []float32) {
	t, q, k, _ := a.parts(p)
	t.Weights(p.Pool, q, k, sample, dst)
}

// Attender is a layer that can say what it attends to.
type Attender interface {
	Layer
	// AttentionSize is how many heads, queries and keys the map of a pass has.
	AttentionSize(p *Pass) (heads, tq, tk int)
	// AttentionMap writes to dst [heads, Tq, Tk] which share of each key's value
	// each query took of a sample, zeros where it sees none; Tk counts the steps of
	// Carry too. p is a pass whose Forward has run and whose inputs still hold. The
	// shares are worked out here: a network that nobody asks does not pay for them.
	AttentionMap(p *Pass, sample int, dst []float32)
}

// account are the products with keys and with values.
func (a *DotAttention) account(in []compute.Shape) string {
	return accountPairs(in[0][0], in[1][0], in[0][1]+in[2][1], a.Causal)
}

// accountPairs is attentionMACs written out: causal, the rows of a triangle.
func accountPairs(tq, tk, width int, causal bool) string {
	if !causal {
		return dots(tq, tk, width)
	}
	rows := min(tq, tk)
	out := fmt.Sprintf("%d·%d/2·%d", rows, rows+1, width)
	if tq > rows {
		out += " + " + dots(tq-rows, tk, width)
	}
	return out
}
