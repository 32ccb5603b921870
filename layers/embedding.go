package layers

import (
	"fmt"
	"math"

	"layercake/compute"
)

// Embedding looks up a learnt vector for each token.
//
//	x       [N, T]           ids from 0 to below Tokens
//	weight  [Tokens, Width]  normal, of deviation Deviation
//	y       [N, T, Width]    y[t] = weight[x[t]], times √Width with Scale
//
// The row of token Padding, if that is not −1, starts at zero, stands for zeros
// whatever it holds, and gets no gradient. No multiply-adds: the rows are copied.
type Embedding struct {
	Tokens  int
	Width   int
	Padding int
	Scale   bool
	// Deviation is how far the first rows spread; 0 stands for 1, PyTorch's own.
	Deviation float64
}

var embeddingKind = &Kind{
	Name:    "embedding",
	Short:   "embed",
	Family:  Features,
	Summary: "a learnt vector for each token",
	Card: Card{
		What: "A table with one row of numbers for each word, letter or other token. A token is replaced by its row, and the rows are learnt: " +
			"tokens that are used alike end up with rows that are near each other. A token that only fills short sequences up may be named as padding: its row is zero and stays so.",
		Formula: "y[t] = W[x[t]], times √width with scale; 0 for the padding",
		Shapes:  "T → T×width",
		Params:  "tokens·width, with weight decay",
		Cost:    "no multiply-adds: rows are copied",
		When:    "As the first layer of every network that reads tokens. An unembedding with share: NAME scores tokens by the same rows.",
		Instead: "Nothing: it equals one-hot vectors and a dense layer without bias, at 1/tokens of the work.",
		Source:  "Bengio et al., A neural probabilistic language model, 2003; times √width: Vaswani et al., Attention is all you need, 2017",
	},
	New: func() Layer { return &Embedding{Tokens: 256, Width: 64, Padding: -1, Deviation: 1} },
	Examples: []Example{
		{Layer: &Embedding{Tokens: 5, Width: 3, Padding: -1}, In: []compute.Shape{{4}}},
		{Layer: &Embedding{Tokens: 40, Width: 1, Padding: -1}, In: []compute.Shape{{6}}},
		{Layer: &Embedding{Tokens: 2, Width: 4, Padding: -1}, In: []compute.Shape{{1}}},
		{Layer: &Embedding{Tokens: 3, Width: 5, Padding: 1}, In: []compute.Shape{{7}}},
		{Layer: &Embedding{Tokens: 4, Width: 9, Padding: 0, Scale: true}, In: []compute.Shape{{5}}},
	},
}

// Fields are the settings.
func (e *Embedding) Fields() []Field {
	return []Field{
		{Name: "tokens", Help: "how many different tokens there are", Ptr: &e.Tokens, Min: 1, Max: 1 << 24},
		{Name: "width", Help: "numbers in each token's row", Ptr: &e.Width, Min: 1, Max: 1 << 20},
		{Name: "padding", Help: "the token that fills short sequences up: zeros; -1 for none", Ptr: &e.Padding, Min: -1, Max: 1<<24 - 1},
		{Name: "scale", Help: "multiply the rows by √width", Ptr: &e.Scale},
		{Name: "deviation", Help: "how far rows spread around 0 at first: 1 as PyTorch, 0.02 as GPT-2", Ptr: &e.Deviation, Min: 1e-6, Max: 100},
	}
}

// Label is the size of the table.
func (e *Embedding) Label() string { return fmt.Sprintf("%d × %d", e.Tokens, e.Width) }

// Plan takes a flat input of token ids.
func (e *Embedding) Plan(in []compute.Shape) (Plan, error) {
	const want = "one flat input of token ids"
	s, err := one(in, want)
	if err != nil {
		return Plan{}, err
	}
	if len(s) != 1 {
		return Plan{}, &ShapeError{Got: in, Want: want, Cure: "put it first in a network with a token input"}
	}
	if e.Tokens < 1 {
		return Plan{}, badSetting(in, "tokens", e.Tokens, 1)
	}
	if e.Width < 1 {
		return Plan{}, badSetting(in, "width", e.Width, 1)
	}
	if e.Padding < -1 || e.Padding >= e.Tokens {
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("a padding from 0 to %d, or -1 for none, not %d", e.Tokens-1, e.Padding), Cure: "set padding to -1"}
	}
	if _, ok := product(maxElements, e.Tokens, e.Width); !ok {
		return Plan{}, tooLarge(in, "weight", "use fewer tokens or a smaller width")
	}
	if _, ok := product(maxElements, s[0], e.Width); !ok {
		return Plan{}, tooLarge(in, "output", "use a smaller width or shorter sequences")
	}
	init := Init{Kind: InitNormal, Value: e.Deviation}
	if e.Deviation == 0 {
		init.Value = 1
	}
	if e.Padding >= 0 {
		init.Zeros = [2]int{e.Padding * e.Width, (e.Padding + 1) * e.Width}
	}
	return Plan{
		Out:    compute.Shape{s[0], e.Width},
		Params: []Param{{Name: "weight", Shape: compute.Shape{e.Tokens, e.Width}, Init: init, Decay: true}},
		Reads:  ReadsIn,
		Tokens: true, WritesGrads: true,
	}, nil
}

// table is how ids are looked up.
func (e *Embedding) table() compute.Table {
	t := compute.Table{Tokens: e.Tokens, Width: e.Width, Padding: e.Padding, Scale: 1}
	if e.Scale {
		t.Scale = float32(math.Sqrt(float64(e.Width)))
	}
	return t
}

// Forward copies rows.
func (e *Embedding) Forward(p *Pass) {
	compute.Gather(p.Pool, e.table(), p.In[0].Data, p.Params[0], p.Out.Data)
}

// Backward adds each gradient to its token's row; rows of no token get none. Ids
// have no gradient.
func (e *Embedding) Backward(p *Pass) {
	if dw := p.grad(0); dw != nil {
		compute.Scatter(p.Pool, e.table(), p.In[0].Data, p.DOut.Data, dw, !p.Fresh)
	}
}
