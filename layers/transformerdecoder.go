package layers

import "layercake/compute"

// TransformerDecoder is one decoder layer of a transformer that reads a memory:
// causal self-attention, attention to the memory, then two dense layers, each
// part with a norm and a way round it as TransformerEncoder has them.
//
//	x, y    [N, T, F]
//	memory  [N, S, M]   what an encoder put out; its padding is not seen
//
// Parts: norm1, attention, drop1, add1, norm2, cross, drop2, add2, norm3, ff1,
// the activation, dropff, ff2, drop3, add3. (Vaswani et al., Attention is all
// you need, 2017.)
type TransformerDecoder struct {
	parts
	transformer
}

func newDecoder(change func(d *TransformerDecoder)) *TransformerDecoder {
	d := &TransformerDecoder{transformer: newTransformer()}
	if change != nil {
		change(d)
	}
	return d
}

var transformerDecoderKind = &Kind{
	Name:    "transformerdecoder",
	Short:   "decoder",
	Family:  Sequence,
	Summary: "attends to itself, then to an encoder's output",
	Card: Card{
		What: "Writes one sequence while it reads another. Each step first looks back at what was written so far, then at the whole source that an encoder has read, " +
			"and then a small network works on it. It reads two inputs: from: [., encoder].",
		Formula: "pre: a = x + attention(norm(x)), b = a + cross(norm(a), memory), y = b + ff(norm(b)); post: each norm behind its sum",
		Shapes:  "T×F and memory S×M → T×F",
		Params:  "8F² + 8F for both attentions with M = F, 2·F·ff + ff + F for the dense layers, 6F for the norms: about 16·F² with ff = 4F. Weight decay leaves biases and norms out",
		Cost:    "T·(6F² + 2·F·ff) + 2·S·F² + F·T·(T+1) + 2·F·T·S a sample with M = F",
		When:    "Translation and all else that turns one sequence into another of its own length.",
		Instead: "transformerencoder with causal: source and answer in one sequence, one kind of layer fewer, more steps to attend to.",
		Source:  "Vaswani et al., Attention is all you need, 2017",
	},
	New: func() Layer { return newDecoder(nil) },
	Examples: []Example{
		{Layer: newDecoder(func(d *TransformerDecoder) { d.Heads, d.FF = 2, 6 }), In: []compute.Shape{{3, 4}, {2, 4}}},
		{Layer: newDecoder(func(d *TransformerDecoder) { d.Heads, d.FF, d.Norm, d.Activation = 2, 5, postNorm, "relu" }), In: []compute.Shape{{2, 4}, {3, 6}}},
		{Layer: newDecoder(func(d *TransformerDecoder) { d.Heads, d.KVHeads, d.Activation, d.Dropout = 2, 1, swiglu, 0.1 }), In: []compute.Shape{{2, 4}, {2, 4}}},
	},
}

// Fields are the settings.
func (d *TransformerDecoder) Fields() []Field { return d.fields() }

// Label is heads and width.
func (d *TransformerDecoder) Label() string { return d.label() }

// Plan is that of the parts.
func (d *TransformerDecoder) Plan(in []compute.Shape) (Plan, error) { return planParts(d, in) }

// Parts are the three parts, one after the other.
func (d *TransformerDecoder) Parts(in []compute.Shape) ([]Part, error) {
	if err := d.check(in, "a sequence T×F and a memory S×M", 2); err != nil {
		return nil, err
	}
	var s stack
	a := d.half(&s, "1", "in", func(from string) string {
		return s.add("attention", attentionKind, d.attention(true, 3), from)
	})
	b := d.half(&s, "2", a, func(from string) string {
		cross := d.attention(false, 3)
		cross.Rotary = false // places in the source are no places in x
		return s.add("cross", attentionKind, cross, from, "in2")
	})
	d.half(&s, "3", b, d.feed(&s, in[0][1], 3))
	return s.list, nil
}
