package layers

import "layercake/compute"

// ClassToken puts one learnt step in front of a sequence.
//
//	x       [N, T, F]
//	weight  [F]            normal, deviation 0.02
//	y       [N, T+1, F]    y[0] = weight, y[t+1] = x[t]
//
// What follows takes every step for used, whatever the samples' lengths. No
// multiply-adds.
type ClassToken struct{}

var classTokenKind = &Kind{
	Name:    "classtoken",
	Short:   "classtok",
	Family:  Sequence,
	Summary: "one learnt step in front of a sequence",
	Card: Card{
		What: "Puts a step of learnt numbers, the same for every sample, in front of the sequence. Attention lets it gather from all other steps what the answer needs; " +
			"at the end that first step alone is read.",
		Formula: "y = [w; x₀; x₁; …]",
		Shapes:  "T×F → (T+1)×F",
		Params:  "F, without weight decay",
		Cost:    "no multiply-adds; one copy, and one step more for every layer behind it",
		When:    "In front of the encoder of a vision transformer or a text classifier, with timepool: {take: first} behind it.",
		Instead: "timepool: {take: mean} behind the encoder does as well in most networks, needs no parameters, and heeds the lengths of padded samples, which this cannot.",
		Source:  "Devlin et al., BERT: pre-training of deep bidirectional transformers, 2018; for images Dosovitskiy et al., An image is worth 16×16 words, 2020",
	},
	New: func() Layer { return &ClassToken{} },
	Examples: []Example{
		{Layer: &ClassToken{}, In: []compute.Shape{{3, 4}}},
		{Layer: &ClassToken{}, In: []compute.Shape{{1, 1}}},
	},
}

// Fields are none.
func (c *ClassToken) Fields() []Field { return nil }

// Label is empty: there is nothing to set.
func (c *ClassToken) Label() string { return "" }

// Plan takes sequences.
func (c *ClassToken) Plan(in []compute.Shape) (Plan, error) {
	s, err := sequence(in, "put tokens before it to make a sequence of an image")
	if err != nil {
		return Plan{}, err
	}
	return Plan{
		Out:      compute.Shape{s[0] + 1, s[1]},
		Params:   []Param{{Name: "weight", Shape: compute.Shape{s[1]}, Init: Init{Kind: InitNormal, Value: 0.02}}},
		Scratch:  Room{PerSample: s[1]},
		AddsGrad: true,
	}, nil
}

// Forward copies the learnt step, then the sequence.
func (c *ClassToken) Forward(p *Pass) {
	s := p.In[0].Shape
	size := s[0] * s[1]
	for i := range p.N {
		copy(p.Out.Data[i*(size+s[1]):][:s[1]], p.Params[0])
	}
	compute.CopyColumns(p.Pool, p.N, p.In[0].Data, 0, size, size, p.Out.Data, s[1], size+s[1], false)
}

// Backward adds the first step's gradients up, and copies the others.
func (c *ClassToken) Backward(p *Pass) {
	s := p.In[0].Shape
	size := s[0] * s[1]
	if dw := p.grad(0); dw != nil {
		first := p.Scratch[:p.N*s[1]]
		compute.CopyColumns(p.Pool, p.N, p.DOut.Data, 0, size+s[1], s[1], first, 0, s[1], false)
		compute.ColumnSum(p.Pool, p.N, s[1], first, dw, true)
	}
	if dx := p.wanted(0); dx != nil {
		compute.CopyColumns(p.Pool, p.N, p.DOut.Data, s[1], size+s[1], size, dx, 0, size, p.adds(0))
	}
}
