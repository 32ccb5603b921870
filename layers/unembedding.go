package layers

import (
	"fmt"

	"layercake/compute"
)

// Unembedding scores each token by how well its row of a table fits.
//
//	x       [N, F] or [N, T, F]
//	weight  [Tokens, F]                  normal, of deviation Deviation
//	y       [N, Tokens] or [N, T, Tokens]   y = x·weightᵀ
//
// The table lies as an Embedding's does, so that a node may share that of the
// embedding it belongs to: the rows that tokens are read by are then the rows
// that they are told by. T·F·Tokens multiply-adds a sample forward, twice that
// backward.
type Unembedding struct {
	Tokens    int
	Deviation float64
}

var unembeddingKind = &Kind{
	Name:    "unembedding",
	Short:   "scores",
	Family:  Features,
	Summary: "scores of tokens by the rows of an embedding",
	Ties:    embeddingKind.Name,
	Card: Card{
		What: "The way back from numbers to words: every token has a row in a table, and its score is the product of that row with what the network has come to. " +
			"With share: NAME the table is the one that the embedding of that name reads tokens by. Each row then learns from both ends, and the network is smaller by a table.",
		Formula: "y = x·Eᵀ",
		Shapes:  "F → tokens; T×F → T×tokens",
		Params:  "tokens·F, with weight decay; none of its own with share",
		Cost:    "F·tokens a sample, T times that on a sequence",
		When:    "As the last layer of a network that tells tokens, tied to its embedding: with many tokens and little text that learns better.",
		Instead: "dense without bias: a table of its own. It starts by dense's rule and costs tokens·F more parameters, and no more work.",
		Source:  "Press and Wolf, Using the output embedding to improve language models, 2017",
	},
	New: func() Layer { return &Unembedding{Tokens: 256, Deviation: 0.02} },
	Examples: []Example{
		{Layer: &Unembedding{Tokens: 5, Deviation: 1}, In: []compute.Shape{{3, 4}}},
		{Layer: &Unembedding{Tokens: 17, Deviation: 0.5}, In: []compute.Shape{{9}}},
		{Layer: &Unembedding{Tokens: 1, Deviation: 1}, In: []compute.Shape{{2, 1}}},
	},
}

// Fields are the settings.
func (u *Unembedding) Fields() []Field {
	return []Field{
		{Name: "tokens", Help: "how many different tokens there are", Ptr: &u.Tokens, Min: 1, Max: 1 << 24},
		{Name: "deviation", Help: "how far rows spread around 0 at first; those of a shared table are its owner's", Ptr: &u.Deviation, Min: 1e-6, Max: 100},
	}
}

// Label is the number of scores.
func (u *Unembedding) Label() string { return fmt.Sprint(u.Tokens) }

// Plan takes vectors and sequences.
func (u *Unembedding) Plan(in []compute.Shape) (Plan, error) {
	const want = "one flat input, or a sequence T×F"
	s, err := one(in, want)
	if err != nil {
		return Plan{}, err
	}
	if u.Tokens < 1 {
		return Plan{}, badSetting(in, "tokens", u.Tokens, 1)
	}
	if len(s) < 1 || len(s) > 2 {
		return Plan{}, &ShapeError{Got: in, Want: want, Cure: "put a flatten before it"}
	}
	n, k := rows(s)
	out := append(compute.Shape(nil), s...)
	out[len(out)-1] = u.Tokens
	if _, ok := product(maxElements, out...); !ok {
		return Plan{}, tooLarge(in, "output", "use fewer tokens")
	}
	if _, ok := product(maxElements, k, u.Tokens); !ok {
		return Plan{}, tooLarge(in, "weight", "use fewer tokens or a smaller input")
	}
	macs, ok := product(maxMACs, n, k, u.Tokens)
	if !ok {
		return Plan{}, tooLarge(in, "work", "use fewer tokens or a smaller input")
	}
	return Plan{
		Out:      out,
		Params:   []Param{{Name: "weight", Shape: compute.Shape{u.Tokens, k}, Init: Init{Kind: InitNormal, Value: u.Deviation}, Decay: true}},
		MACs:     macs,
		Reads:    ReadsIn,
		AddsGrad: true, WritesGrads: true,
		Window: Window{Global: len(s) == 1}, // of a sequence each step is by itself
	}, nil
}

// Forward is y = x·weightᵀ.
func (u *Unembedding) Forward(p *Pass) {
	n, k := rows(p.In[0].Shape)
	n *= p.N
	compute.Gemm(p.Pool, false, true, n, u.Tokens, k, p.In[0].Data, k, p.Params[0], k, p.Out.Data, u.Tokens, compute.Epilogue{})
}

// Backward is dweight += dyᵀ·x, dx = dy·weight; with Fresh dweight is written.
func (u *Unembedding) Backward(p *Pass) {
	n, k := rows(p.In[0].Shape)
	n *= p.N
	dy := p.DOut.Data
	if dw := p.grad(0); dw != nil {
		compute.Gemm(p.Pool, true, false, u.Tokens, k, n, dy, u.Tokens, p.In[0].Data, k, dw, k, compute.Epilogue{Add: !p.Fresh})
	}
	if dx := p.wanted(0); dx != nil {
		compute.Gemm(p.Pool, false, false, n, k, u.Tokens, dy, u.Tokens, p.Params[0], k, dx, k, compute.Epilogue{Add: p.adds(0)})
	}
}

// Room is that of the weights' gradient.
func (u *Unembedding) Room(n int, in []compute.Shape) int {
	steps, k := rows(in[0])
	return compute.SumRoom(u.Tokens, k, n*steps)
}

// account is a product of steps, inputs and tokens.
func (u *Unembedding) account(in []compute.Shape) string {
	if n, k := rows(in[0]); n > 1 {
		return dots(n, k, u.Tokens)
	}
	return dots(in[0].Size(), u.Tokens)
}
