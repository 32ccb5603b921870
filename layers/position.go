package layers

import (
	"fmt"

	"layercake/compute"
)

const (
	sinusoidal = "sinusoidal"
	learned    = "learned"
)

// Position adds to each step of a sequence a row of numbers that says where it stands.
//
//	x, y  [N, T, F]
//	table [Length, F]  normal, deviation Deviation; only where Kind is learned
//
//	sinusoidal  y[t, 2i] = x[t, 2i] + sin(t/10000^(2i/F)),  y[t, 2i+1] = x[t, 2i+1] + cos(t/10000^(2i/F))
//	learned     y[t] = x[t] + table[t]
//
// No multiply-adds. Positions are counted from Pass.Start on.
type Position struct {
	Kind      string
	Length    int
	Deviation float64
}

var positionKind = &Kind{
	Name:    "position",
	Short:   "position",
	Family:  Sequence,
	Summary: "tells each step where it stands",
	Card: Card{
		What: "Attention and averages do not see in which order steps come: shuffled words give the same sums. This layer adds to every step " +
			"a pattern of numbers that differs from place to place, either a fixed one, of waves from short to long as the hands of a clock, or one row a place that is learnt.",
		Formula: "sinusoidal: y[t, 2i] = x[t, 2i] + sin(t/10000^(2i/F)), y[t, 2i+1] = x[t, 2i+1] + cos(t/10000^(2i/F)); learned: y[t] = x[t] + table[t]",
		Shapes:  "T×F unchanged; learned: T at most length",
		Params:  "sinusoidal: none; learned: length·F, with weight decay",
		Cost:    "no multiply-adds are counted; T·F additions",
		When:    "Right behind the embedding of every network that attends. Learned rows where the length is fixed, as GPT and BERT have them; waves where sequences may be longer than those seen.",
		Instead: "attention with rotary: it turns queries and keys by their place instead, needs no length and no parameters, and mostly does better on long texts. Recurrent layers need no positions.",
		Source:  "Vaswani et al., Attention is all you need, 2017; learned: Gehring et al., Convolutional sequence to sequence learning, 2017",
	},
	New: func() Layer { return &Position{Kind: sinusoidal, Length: 1024, Deviation: 0.02} },
	Examples: []Example{
		{Layer: &Position{Kind: sinusoidal, Length: 1, Deviation: 0.02}, In: []compute.Shape{{5, 6}}},
		{Layer: &Position{Kind: sinusoidal, Length: 8}, In: []compute.Shape{{3, 5}}},
		{Layer: &Position{Kind: learned, Length: 4, Deviation: 1}, In: []compute.Shape{{4, 3}}},
		{Layer: &Position{Kind: learned, Length: 7, Deviation: 0.02}, In: []compute.Shape{{3, 2}}, Lens: [][]int{{2, 3, 0}}},
		{Layer: &Position{Kind: learned, Length: 1, Deviation: 0.5}, In: []compute.Shape{{1, 1}}},
	},
}

// Fields are the settings.
func (l *Position) Fields() []Field {
	return []Field{
		{Name: "kind", Help: "fixed waves, or a learnt row a place", Ptr: &l.Kind, Options: []string{sinusoidal, learned}},
		{Name: "length", Help: "places that are learnt; no sequence may be longer", Ptr: &l.Length, Min: 1, Max: 1 << 24},
		{Name: "deviation", Help: "how far learnt rows spread around 0 at first (GPT-2 has 0.02)", Ptr: &l.Deviation, Min: 0, Max: 100},
	}
}

// Label is the kind, and the length that is learnt.
func (l *Position) Label() string {
	if l.Kind == learned {
		return fmt.Sprintf("learned %d", l.Length)
	}
	return "waves"
}

// Plan takes a sequence, no longer than what is learnt.
func (l *Position) Plan(in []compute.Shape) (Plan, error) {
	s, err := sequence(in, "put an embedding or a reshape before it")
	if err != nil {
		return Plan{}, err
	}
	switch l.Kind {
	case sinusoidal:
		return Plan{Out: s, InPlace: true, PassesGrad: true, AddsGrad: true}, nil
	case learned:
	default:
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("kind sinusoidal or learned, not %q", l.Kind), Cure: "set kind"}
	}
	if l.Length < 1 {
		return Plan{}, badSetting(in, "length", l.Length, 1)
	}
	if s[0] > l.Length {
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("at most length %d steps", l.Length), Cure: "set length higher, or use kind sinusoidal"}
	}
	if _, ok := product(maxElements, l.Length, s[1]); !ok {
		return Plan{}, tooLarge(in, "table", "set length lower")
	}
	return Plan{
		Out: s,
		Params: []Param{{Name: "weight", Shape: compute.Shape{l.Length, s[1]},
			Init: Init{Kind: InitNormal, Value: l.Deviation}, Decay: true}},
		InPlace:   true,
		AddsGrad:  true,
		Positions: l.Length,
	}, nil
}

// Forward adds the positions.
func (l *Position) Forward(p *Pass) {
	x, t, f := p.In[0].Data, p.In[0].Shape[0], p.In[0].Shape[1]
	if l.Kind == learned {
		compute.AddTable(p.Pool, p.N, x, p.Params[0][p.Start*f:][:t*f], p.Out.Data)
		return
	}
	compute.AddSinusoids(p.Pool, p.N, t, f, p.Start, x, p.Out.Data)
}

// Backward hands the gradient on, and adds it to the rows that were used.
func (l *Position) Backward(p *Pass) {
	if l.Kind == learned {
		if d := p.grad(0); d != nil {
			t, f := p.In[0].Shape[0], p.In[0].Shape[1]
			compute.ColumnSum(p.Pool, p.N, t*f, p.DOut.Data, d[p.Start*f:][:t*f], true)
		}
	}
	switch dx := p.wanted(0); {
	case dx == nil:
	case p.adds(0):
		compute.AddTo(p.Pool, dx, p.DOut.Data)
	default:
		copyUnlessSame(p.Pool, dx, p.DOut.Data)
	}
}
