package layers

import "layercake/compute"

// GLU splits the last axis in two halves a and b and lets b decide how much of
// a passes.
//
//	y = a·f(b)
//
//	x  [N, 2F], [N, T, 2F] or [N, H, W, 2C]    y  the same with F or C
//
// f is Activation. No parameters; no multiply-adds are counted.
type GLU struct{ Activation string }

var gluKind = &Kind{
	Name:    "glu",
	Short:   "glu",
	Family:  Activation,
	Summary: "one half of the features gates the other",
	Card: Card{
		What: "Cuts the features in two halves. The second goes through an activation and becomes a gate that the first is multiplied by. " +
			"The first half stays linear, so gradients pass where gates are open. With silu the pair is called SwiGLU, with gelu GeGLU, with relu ReGLU, with none bilinear.",
		Formula: "y = a·f(b), x = [a, b]",
		Shapes:  "2F → F, T×2F → T×F, 2C×H×W → C×H×W",
		Params:  "none",
		Cost:    "no multiply-adds are counted; what f costs for half of the elements. The dense layer before it needs twice the units: 2·in·2F in place of in·F multiply-adds for the same width behind",
		When: "In the middle of a transformer's feed-forward half: dense to 2·F, glu, dense back, with F about ⅔ of the usual width so that the cost stays the same. " +
			"Weights of other programs may name the gate first (gate·up in Llama): then their halves have to be swapped, gates last.",
		Instead: "gelu or relu: half the width before it, a little less accuracy at equal cost.",
		Source:  "Dauphin et al., Language modeling with gated convolutional networks, 2016; Shazeer, GLU variants improve transformer, 2020",
	},
	New: func() Layer { return &GLU{Activation: "sigmoid"} },
	Examples: []Example{
		{Layer: &GLU{Activation: "sigmoid"}, In: []compute.Shape{{10}}},
		{Layer: &GLU{Activation: "silu"}, In: []compute.Shape{{3, 8}}},
		{Layer: &GLU{Activation: "gelu"}, In: []compute.Shape{{6, 2, 2}}},
		{Layer: &GLU{Activation: "gelu_tanh"}, In: []compute.Shape{{2, 18}}},
		{Layer: &GLU{Activation: "relu"}, In: []compute.Shape{{1, 4}}},
		{Layer: &GLU{Activation: "none"}, In: []compute.Shape{{2}}},
	},
}

// gates are the words for f. A list, since words have an order in the form.
var gates = []struct {
	word string
	act  compute.Act
}{
	{"sigmoid", compute.ActSigmoid},
	{"silu", compute.ActSiLU},
	{"gelu", compute.ActGELU},
	{"gelu_tanh", compute.ActGELUTanh},
	{"relu", compute.ActReLU},
	{"none", compute.ActNone},
}

// Fields are the settings.
func (g *GLU) Fields() []Field {
	var words []string
	for _, k := range gates {
		words = append(words, k.word)
	}
	return []Field{{Name: "activation", Help: "what the gating half goes through; silu makes SwiGLU", Ptr: &g.Activation, Options: words}}
}

// Label is the gate's activation.
func (g *GLU) Label() string { return g.Activation }

// Plan takes vectors, sequences and images of an even number of features.
func (g *GLU) Plan(in []compute.Shape) (Plan, error) {
	s, err := oneToNormalize(in)
	if err != nil {
		return Plan{}, err
	}
	_, c := rows(s)
	if c%2 != 0 {
		return Plan{}, &ShapeError{Got: in, Want: "an even number of features or channels, to split in two", Cure: "give the layer before it an even number of units or filters"}
	}
	out := append(compute.Shape(nil), s...)
	if len(s) == 3 {
		out[0] = c / 2
	} else {
		out[len(s)-1] = c / 2
	}
	return Plan{Out: out, Reads: ReadsIn}, nil
}

// act is the function of the gate; sigmoid where nothing is said.
func (g *GLU) act() compute.Act {
	for _, k := range gates {
		if k.word == g.Activation {
			return k.act
		}
	}
	return compute.ActSigmoid
}

// Forward is a·f(b).
func (g *GLU) Forward(p *Pass) {
	n, c := rows(p.In[0].Shape)
	compute.GLU(p.Pool, g.act(), n*p.N, c/2, p.In[0].Data, p.Out.Data)
}

// Backward is da = dy·f(b), db = dy·a·f′(b).
func (g *GLU) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		n, c := rows(p.In[0].Shape)
		compute.GLUBackward(p.Pool, g.act(), n*p.N, c/2, p.In[0].Data, p.DOut.Data, dx)
	}
}
