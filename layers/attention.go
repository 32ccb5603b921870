package layers

import (
	"fmt"

	"layercake/compute"
)

// Attention is multi-head attention with its projections.
//
//	x  [N, Tq, F]    memory [N, Tk, M], or x itself where there is no second input
//	q = x·Wq + bq    k = memory·Wk + bk    v = memory·Wv + bv
//	y = concat over heads h of softmax(q_h·k_hᵀ/√d + mask)·v_h, times Wo, + bo
//	y  [N, Tq, W]    W is Width, or F; d = W/Heads
//
// Weights are named and packed as PyTorch's MultiheadAttention has them:
//
//	in_proj_weight  [F, W+2K]  Wq, Wk, Wv side by side, K = KVHeads·d; uniform ±√(6/(F+W+2K))
//	in_proj_bias    [W+2K]     zeros
//	out_proj.weight [W, W]     uniform ±1/√W
//	out_proj.bias   [W]        zeros
//
// and where the memory has another width than x: q_proj_weight [F, W],
// k_proj_weight and v_proj_weight [M, K], each uniform ±√(6/(in+out)). Deviation and
// OutDeviation make them normal instead.
//
// With KVHeads below Heads, Heads/KVHeads neighbours share keys and values. Rotary turns
// queries and keys by their place (compute.Rotate). Mask makes the last input
// Tq×Tk numbers that are added to the scores of every head. Padded keys are
// not seen. Dropout drops shares in training.
//
// Tq·F·W + Tk·M·2K + Tq·W² + 2·W·Tq·Tk multiply-adds a sample; causal, the last
// term is W·T·(T+1). Kept for the backward pass: queries, keys, values, what
// the heads saw, and two numbers for each row and head.
type Attention struct {
	Heads   int
	KVHeads int // 0: as many as Heads
	Width   int // 0: that of the input
	Causal  bool
	Bias    bool
	Dropout float64
	Rotary  bool
	Mask    bool
	// Deviation and OutDeviation, where above 0, are those of the normal numbers
	// that the input projections and the output's start with.
	Deviation, OutDeviation float64
}

var attentionKind = &Kind{
	Name:    "attention",
	Short:   "attention",
	Family:  Sequence,
	Summary: "each step gathers from the steps that matter to it",
	Card: Card{
		What: "Every step asks a question (query) and offers a label (key) and a content (value). A step's answer is the mix of all contents, each weighted by how well its label fits the question. " +
			"Several heads do this side by side, each with questions of its own. With a second input the labels and contents come from there: so a translation looks at its source.",
		Formula: "y = concat_h(softmax(q_h·k_hᵀ/√d)·v_h)·Wo + bo, [q k v] = x·W + b, d = W/heads; causal: step i sees steps 1…i",
		Shapes:  "Tq×F, and memory Tk×M where given → Tq×W",
		Params:  "(F + 1)·(W + 2K) + (W + 1)·W with K = W·kv_heads/heads; F·(4F + 4) for the usual W = K = F. Weight decay takes the weights, not the biases",
		Cost:    "Tq·F·W + Tk·M·2K + Tq·W² for the projections, 2·W·Tq·Tk for queries with keys and shares with values; causal W·T·(T+1): only pairs that are seen count",
		When:    "Wherever what matters to a step may stand far from it: text, code, music, patches of an image. It trains on all steps at once.",
		Instead: "lstm or gru: T·8·F² multiply-adds whatever the length, and little memory when generating, but step by step and forgetful. conv1d sees only neighbours. kv_heads below heads shrinks the memory of generation by their ratio and loses little.",
		Source:  "Vaswani et al., Attention is all you need, 2017; grouped queries: Ainslie et al., GQA, 2023; rotary: Su et al., RoFormer, 2021; in blocks: Dao et al., FlashAttention, 2022",
	},
	New: func() Layer { return &Attention{Heads: 4, Bias: true} },
	Examples: []Example{
		{Layer: &Attention{Heads: 2, Bias: true}, In: []compute.Shape{{5, 4}}},
		{Layer: &Attention{Heads: 4, Bias: true}, In: []compute.Shape{{2, 8}}},
		{Layer: &Attention{Heads: 2, Bias: true, Causal: true}, In: []compute.Shape{{5, 4}}},
		{Layer: &Attention{Heads: 1}, In: []compute.Shape{{1, 1}}},
		{Layer: &Attention{Heads: 4, KVHeads: 2, Bias: true, Causal: true, Rotary: true}, In: []compute.Shape{{4, 8}}},
		{Layer: &Attention{Heads: 2, KVHeads: 1, Width: 6}, In: []compute.Shape{{3, 5}}},
		{Layer: &Attention{Heads: 3, Width: 6, Bias: true, Rotary: true}, In: []compute.Shape{{4, 3}}},
		{Layer: &Attention{Heads: 2, Bias: true}, In: []compute.Shape{{4, 4}, {3, 4}}},
		{Layer: &Attention{Heads: 2, Bias: true}, In: []compute.Shape{{3, 4}, {3, 6}}},
		{Layer: &Attention{Heads: 2, KVHeads: 1}, In: []compute.Shape{{2, 4}, {5, 3}}},
		{Layer: &Attention{Heads: 2, Bias: true, Mask: true}, In: []compute.Shape{{4, 4}, {4, 4}}},
		{Layer: &Attention{Heads: 2, Mask: true}, In: []compute.Shape{{3, 4}, {5, 4}, {3, 5}}},
		{Layer: &Attention{Heads: 2, Bias: true}, In: []compute.Shape{{4, 4}}, Lens: [][]int{{3, 4, 0}}},
		{Layer: &Attention{Heads: 2, Bias: true, Causal: true}, In: []compute.Shape{{4, 4}}, Lens: [][]int{{2, 4, 1}}},
		{Layer: &Attention{Heads: 2, Bias: true}, In: []compute.Shape{{3, 4}, {4, 4}}, Lens: [][]int{{3, 1, 2}, {2, 0, 4}}},
		{Layer: &Attention{Heads: 2, Bias: true, Dropout: 0.3}, In: []compute.Shape{{6, 4}}},
	},
}

// Fields are the settings.
func (a *Attention) Fields() []Field {
	return []Field{
		{Name: "heads", Help: "parts that look for themselves", Ptr: &a.Heads, Min: 1, Max: 1 << 16},
		{Name: "kv_heads", Help: "keys and values shared by groups of heads; auto: one for each", Ptr: &a.KVHeads, Min: 0, Max: 1 << 16, Optional: true},
		{Name: "width", Help: "width of all heads together and of the output; auto: the input's", Ptr: &a.Width, Min: 0, Max: maxAttentionWidth, Optional: true},
		{Name: "causal", Help: "no step sees a later one", Ptr: &a.Causal},
		{Name: "bias", Help: "add learnt constants to all projections", Ptr: &a.Bias},
		{Name: "dropout", Help: "share of the weights dropped in training", Ptr: &a.Dropout, Min: 0, Max: 0.99},
		{Name: "rotary", Help: "turn queries and keys by their place", Ptr: &a.Rotary},
		{Name: "mask", Help: "the last input, Tq×Tk, is added to the scores", Ptr: &a.Mask},
		{Name: "deviation", Help: "input projections start normal, this far around 0 (GPT-2 has 0.02); 0: uniform", Ptr: &a.Deviation, Min: 0, Max: 100},
		{Name: "out_deviation", Help: "the same of the output's projection", Ptr: &a.OutDeviation, Min: 0, Max: 100},
	}
}

// Label is the number of heads.
func (a *Attention) Label() string { return headsLabel(a.Heads, a.KVHeads, a.Causal) }

// attentionSizes are the sizes that follow from settings and inputs.
type attentionSizes struct {
	tq, tk, f, m   int // steps and widths of x and of the memory
	heads, kvHeads int
	d, w, k        int // of a head, of all queries, of all keys
	cross          bool
	packed         bool // Wq, Wk and Wv are one matrix
	mask           int  // the input that is one; −1: none
}

// sizes works them out for n inputs, of which x is the first and y the second.
func (a *Attention) sizes(n int, x, y compute.Shape) attentionSizes {
	s := attentionSizes{tq: x[0], tk: x[0], f: x[1], m: x[1], heads: a.Heads, kvHeads: a.KVHeads, w: a.Width, mask: -1}
	if a.Mask {
		n--
		s.mask = n
	}
	if n == 2 {
		s.cross, s.tk, s.m = true, y[0], y[1]
	}
	if s.kvHeads == 0 {
		s.kvHeads = s.heads
	}
	if s.w == 0 {
		s.w = s.f
	}
	s.d = s.w / s.heads
	s.k = s.kvHeads * s.d
	s.packed = s.f == s.m
	return s
}

// of is sizes for a pass.
func (a *Attention) of(p *Pass) attentionSizes {
	return a.sizes(len(p.In), p.In[0].Shape, p.In[min(1, len(p.In)-1)].Shape)
}

// projected is the floats a sample of queries, keys and values.
func (s attentionSizes) projected() int { return s.tq*s.w + 2*s.tk*s.k }

// Plan takes a sequence, a memory if there is one, and a mask if one is set.
func (a *Attention) Plan(in []compute.Shape) (Plan, error) {
	if err := a.check(in); err != nil {
		return Plan{}, err
	}
	s := a.sizes(len(in), in[0], in[min(1, len(in)-1)])
	if s.w > maxAttentionWidth {
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("a width of at most %d", maxAttentionWidth), Cure: "set width lower"}
	}
	switch {
	case s.w%s.heads != 0:
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("a width that heads %d divides, not %d", s.heads, s.w), Cure: "set heads to a divisor of the width, or set width"}
	case s.heads%s.kvHeads != 0:
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("kv_heads that divides heads %d, not %d", s.heads, s.kvHeads), Cure: "set kv_heads to a divisor of heads, or to auto"}
	case a.Rotary && s.d%2 != 0:
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("heads of an even width for rotary, not %d", s.d), Cure: "set heads so that width/heads is even"}
	case s.mask >= 0 && !in[s.mask].Equal(compute.Shape{s.tq, s.tk}):
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("a mask of %d×%d as the last input", s.tq, s.tk), Cure: "give it a mask of that shape, or set mask to false"}
	}
	if _, ok := product(maxElements, max(s.tq, s.tk), s.w+2*s.k); !ok {
		return Plan{}, tooLarge(in, "output", "use a smaller width or shorter sequences")
	}
	if _, ok := product(maxElements, max(s.f, s.m), s.w+2*s.k); !ok {
		return Plan{}, tooLarge(in, "weight", "use a smaller width")
	}
	plan := Plan{Out: compute.Shape{s.tq, s.w}, Reads: ReadsIn, AddsGrad: true, WritesGrads: true, Window: Window{Global: true}}
	for _, sizes := range [][]int{{s.tq, s.f, s.w}, {2, s.tk, s.m, s.k}, {s.tq, s.w, s.w}} {
		macs, ok := product(maxMACs, sizes...)
		if !ok {
			return Plan{}, tooLarge(in, "work", "use a smaller width or shorter sequences")
		}
		plan.MACs += macs
	}
	macs, ok := attentionMACs(s.tq, s.tk, 2*s.w, a.Causal)
	if !ok {
		return Plan{}, tooLarge(in, "work", "use shorter sequences")
	}
	plan.MACs += macs
	plan.Params = a.params(s)
	plan.Saved = []Room{{PerSample: s.projected()}, {PerSample: s.tq * s.w}, {PerSample: 2 * s.heads * s.tq}}
	plan.Scratch = Room{
		PerSample: s.projected() + s.tq*s.w,
		Fixed:     compute.AttentionPartial(s.tq, s.tk, s.heads, s.kvHeads, s.d, a.Mask),
	}
	switch {
	case a.Mask || !s.cross && !a.Causal:
		plan.AcrossTime = true
	case s.cross:
		plan.Whole = []int{1}
		plan.Carry.PerSample = 2 * s.tk * s.k
	default:
		plan.Carry.PerPosition = 2 * s.k
	}
	return plan, nil
}

// check refuses inputs and settings that sizes cannot be worked out for.
func (a *Attention) check(in []compute.Shape) error {
	want, most := "a sequence T×F, or two: queries and a memory", 2
	if a.Mask {
		want, most = "a sequence T×F, or queries and a memory, and a mask Tq×Tk", 3
	}
	if len(in) < most-1 || len(in) > most {
		return &ShapeError{Got: in, Want: want, Cure: "name its inputs in from: [X, MEMORY], or set mask to what they are"}
	}
	if err := whole(in); err != nil {
		return err
	}
	for _, s := range in {
		if len(s) != 2 {
			return &ShapeError{Got: in, Want: want, Cure: "put an embedding or a reshape before it"}
		}
	}
	cross := len(in) == most
	switch {
	case a.Heads < 1:
		return badSetting(in, "heads", a.Heads, 1)
	case a.KVHeads < 0:
		return badSetting(in, "kv_heads", a.KVHeads, 0)
	case a.Width < 0:
		return badSetting(in, "width", a.Width, 0)
	case a.Heads > maxAttentionWidth || a.KVHeads > a.Heads:
		return &ShapeError{Got: in, Want: fmt.Sprintf("at most %d heads, and no more kv_heads than heads", maxAttentionWidth), Cure: "set heads and kv_heads lower"}
	case !(a.Dropout >= 0 && a.Dropout < 1):
		return &ShapeError{Got: in, Want: fmt.Sprintf("a dropout from 0 to below 1, not %g", a.Dropout), Cure: "set dropout to 0.1"}
	case !(a.Deviation >= 0 && a.OutDeviation >= 0):
		return &ShapeError{Got: in, Want: "deviations of 0 or more", Cure: "set deviation and out_deviation to 0.02, or to 0"}
	case cross && a.Causal:
		return &ShapeError{Got: in, Want: "one sequence for causal, as a memory has no order in common with it", Cure: "set causal to false"}
	case cross && a.Rotary:
		return &ShapeError{Got: in, Want: "one sequence for rotary, as places in a memory do not compare with its own", Cure: "set rotary to false"}
	}
	return nil
}

// params are the weights in PyTorch's order.
func (a *Attention) params(s attentionSizes) []Param {
	weight := func(name string, in, out int) Param {
		return Param{Name: name, Shape: compute.Shape{in, out}, Exchange: []int{1, 0},
			Init: Init{Kind: InitGlorot, FanIn: in, FanOut: out}.deviated(a.Deviation), Decay: true}
	}
	zeros := func(name string, n int) Param {
		return Param{Name: name, Shape: compute.Shape{n}, Init: Init{Kind: InitConstant}}
	}
	var all []Param
	if s.packed {
		all = append(all, weight("in_proj_weight", s.f, s.w+2*s.k))
	} else {
		all = append(all, weight("q_proj_weight", s.f, s.w), weight("k_proj_weight", s.m, s.k), weight("v_proj_weight", s.m, s.k))
	}
	if a.Bias {
		all = append(all, zeros("in_proj_bias", s.w+2*s.k))
	}
	out := weight("out_proj.weight", s.w, s.w)
	out.Init = Init{Kind: InitTorch, FanIn: s.w}.deviated(a.OutDeviation)
	all = append(all, out)
	if a.Bias {
		all = append(all, zeros("out_proj.bias", s.w))
	}
	return all
}

// account are queries, keys and values, the output's projection, and the
// products with keys and with values.
func (a *Attention) account(in []compute.Shape) string {
	s := a.sizes(len(in), in[0], in[min(1, len(in)-1)])
	return fmt.Sprintf("%s + %s + %s + %s", dots(s.tq, s.f, s.w), dots(2, s.tk, s.m, s.k), dots(s.tq, s.w, s.w), accountPairs(s.tq, s.tk, 2*s.w, a.Causal))
}
