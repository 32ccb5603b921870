package layers

import "layercake/compute"

// Dot is the product of two sequences, step by step: how alike two rows are.
//
//	a  [N, T, F], or [N, 1, F] for one row that meets all    b  [N, T, F]
//	y  [N, T]    y[t] = Σ_f a[t, f]·b[t, f]
//
// T·F multiply-adds a sample.
type Dot struct{}

var dotKind = &Kind{
	Name:    "dot",
	Short:   "dot",
	Family:  Flow,
	Summary: "how alike two rows of numbers are",
	Card: Card{
		What: "Multiplies two rows number by number and adds up. The sum is large where both point the same way, near zero where they have nothing to do with each other, below zero where they oppose. " +
			"One row may be held against many.",
		Formula: "y[t] = Σ_f a[t, f]·b[t, f]",
		Shapes:  "T×F or 1×F, and T×F → T",
		Params:  "none",
		Cost:    "T·F",
		When:    "Word vectors: is this word the company of that one? Search: which of these fits the question?",
		Instead: "concat and a dense layer: can learn any comparison, with 2F parameters and slower.",
		Source:  "Mikolov et al., Distributed representations of words and phrases and their compositionality, 2013",
	},
	New: func() Layer { return &Dot{} },
	Examples: []Example{
		{Layer: &Dot{}, In: []compute.Shape{{1, 5}, {4, 5}}},
		{Layer: &Dot{}, In: []compute.Shape{{3, 4}, {3, 4}}},
		{Layer: &Dot{}, In: []compute.Shape{{1, 1}, {1, 1}}},
	},
}

// Fields are none.
func (d *Dot) Fields() []Field { return nil }

// Label is empty: there is nothing to set.
func (d *Dot) Label() string { return "" }

// Plan takes two sequences of one width, the first as long as the second or of one step.
func (d *Dot) Plan(in []compute.Shape) (Plan, error) {
	if len(in) != 2 || len(in[0]) != 2 || len(in[1]) != 2 || in[0][1] != in[1][1] || in[0][0] != 1 && in[0][0] != in[1][0] {
		return Plan{}, &ShapeError{Got: in, Want: "two sequences of one width, the first of one step or as long as the second", Cure: "name both in from: [a, b]"}
	}
	t, f := in[1][0], in[1][1]
	return Plan{Out: compute.Shape{t}, MACs: int64(t) * int64(f), Reads: ReadsIn}, nil
}

// Forward multiplies row by row.
func (d *Dot) Forward(p *Pass) {
	s := p.In[1].Shape
	compute.RowDot(p.Pool, p.N, s[0], s[1], p.In[0].Data, p.In[1].Data, p.Out.Data)
}

// Backward gives each row the other one, by the gradient of their product.
func (d *Dot) Backward(p *Pass) {
	s := p.In[1].Shape
	compute.RowDotBackward(p.Pool, p.N, s[0], s[1], p.In[0].Data, p.In[1].Data, p.DOut.Data, p.wanted(0), p.wanted(1))
}

// account is a product for each number.
func (d *Dot) account(in []compute.Shape) string { return dots(in[1]...) }
