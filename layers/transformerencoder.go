package layers

import "layercake/compute"

// TransformerEncoder is one encoder layer of a transformer: self-attention, then
// two dense layers on each step, each half with a norm and a way round it.
//
//	pre   h = x + attention(norm(x))        y = h + ff(norm(h))
//	post  h = norm(x + attention(x))        y = norm(h + ff(h))
//	ff(h) = W₂·activation(W₁·h + b₁) + b₂;  swiglu: W₂·(a·silu(b)) + b₂ with [a, b] = W₁·h + b₁
//
//	x, y  [N, T, F]
//
// Causal, it is the layer of a decoder-only network, as GPT has it. Parts:
// norm1, attention, drop1, add1, norm2, ff1, the activation, dropff, ff2, drop2, add2; drops
// only where Dropout is set. First weights are those of the parts, unless Deviation is set.
// (Vaswani et al., Attention is all you need, 2017; pre-norm: Radford et al., 2019; swiglu:
// Shazeer, 2020.)
type TransformerEncoder struct {
	parts
	transformer
	Causal bool
}

func newEncoder(change func(e *TransformerEncoder)) *TransformerEncoder {
	e := &TransformerEncoder{transformer: newTransformer()}
	if change != nil {
		change(e)
	}
	return e
}

var transformerEncoderKind = &Kind{
	Name:    "transformerencoder",
	Short:   "encoder",
	Family:  Sequence,
	Summary: "self-attention and two dense layers, each with a skip",
	Card: Card{
		What: "Two halves. In the first every step gathers what it needs from the other steps; in the second a small two-layer network works on each step by itself. " +
			"Each half adds its result to what it was given, so that many such layers can be stacked, and a norm keeps the sums from growing. With causal no step sees a later one: that is a layer of GPT.",
		Formula: "pre: h = x + attention(norm(x)), y = h + ff(norm(h)); post: h = norm(x + attention(x)), y = norm(h + ff(h))",
		Shapes:  "T×F unchanged",
		Params:  "4F² + 4F for attention, 2·F·ff + ff + F for the dense layers, 4F for the norms: about 12·F² with ff = 4F. Weight decay leaves biases and norms out",
		Cost:    "T·(4F² + 2·F·ff) + 2·F·T² a sample; causal, F·T·(T+1) in place of 2·F·T²",
		When:    "Stacked 2 to 96 times, behind embedding and position: classify, tag or (causal) continue sequences; on patches, images.",
		Instead: "lstm for short sequences and little data; conv1d where only neighbours matter. norm: post, as first published, needs a warm-up of the learning rate; pre does not.",
		Source:  "Vaswani et al., Attention is all you need, 2017; norms first: Xiong et al., On layer normalization in the transformer architecture, 2020",
	},
	New: func() Layer { return newEncoder(nil) },
	Examples: []Example{
		{Layer: newEncoder(func(e *TransformerEncoder) { e.Heads, e.FF = 2, 6 }), In: []compute.Shape{{3, 4}}},
		{Layer: newEncoder(func(e *TransformerEncoder) { e.Heads, e.FF, e.Norm, e.Activation = 2, 6, postNorm, "relu" }), In: []compute.Shape{{3, 4}}},
		{Layer: newEncoder(func(e *TransformerEncoder) {
			e.Heads, e.KVHeads, e.FF, e.Causal, e.Activation, e.Normalize, e.Rotary, e.Bias = 2, 1, 5, true, swiglu, "rmsnorm", true, false
		}), In: []compute.Shape{{3, 4}}},
		{Layer: newEncoder(func(e *TransformerEncoder) {
			e.Heads, e.Dropout, e.Activation, e.Deviation, e.Depth = 1, 0.2, "gelu_tanh", 0.5, 3
		}), In: []compute.Shape{{2, 3}}},
	},
}

// Fields are the settings.
func (e *TransformerEncoder) Fields() []Field {
	return append(e.fields(), Field{Name: "causal", Help: "no step sees a later one", Ptr: &e.Causal})
}

// Label is heads and width.
func (e *TransformerEncoder) Label() string {
	if e.Causal {
		return e.label() + " causal"
	}
	return e.label()
}

// Plan is that of the parts.
func (e *TransformerEncoder) Plan(in []compute.Shape) (Plan, error) { return planParts(e, in) }

// Parts are both halves.
func (e *TransformerEncoder) Parts(in []compute.Shape) ([]Part, error) {
	if err := e.check(in, "one sequence T×F", 1); err != nil {
		return nil, err
	}
	var s stack
	h := e.half(&s, "1", "in", func(from string) string {
		return s.add("attention", attentionKind, e.attention(e.Causal, 2), from)
	})
	e.half(&s, "2", h, e.feed(&s, in[0][1], 2))
	return s.list, nil
}
