package layers

import "layercake/compute"

// RNN is the plain recurrent layer: h = f(x·W_ih + b_ih + h₋·W_hh + b_hh) with
// tanh or relu for f. Shapes, initial values and cost are those of Recurrent
// with G = 1.
type RNN struct {
	Activation string
	Recurrent
}

var rnnKind = &Kind{
	Name:    "rnn",
	Short:   "rnn",
	Family:  Sequence,
	Summary: "reads step by step; each state follows from the last",
	Card: Card{
		What: "Reads a sequence one step at a time. The state after a step is a weighted sum of the input and of the state before, put through tanh (or relu). " +
			"Since every step multiplies by the same weights, what was read long ago fades, and so does the gradient that would teach the net to keep it; " +
			"or, where the weights are large, it explodes.",
		Formula: "h = f(x·W + b + h₋·U + c), f = tanh or relu",
		Shapes:  "T×F → T×H, or H with return: last; 2H for H if bidirectional",
		Params:  "H·(F + H) + 2·H a layer; F is H (2H if bidirectional) from the second layer on; twice that if bidirectional. Weight decay takes the weights, not the biases",
		Cost:    "T·(F·H + H·H) a layer, twice that if bidirectional; padded steps are counted",
		When:    "To see what recurrence is, and for short sequences whose last few steps say all. Clip the gradient, above all with relu.",
		Instead: "gru or lstm remember for hundreds of steps where this one forgets after a dozen; they take three and four times the weights and work.",
		Source:  "Elman, Finding structure in time, 1990; why it forgets: Bengio, Simard and Frasconi, Learning long-term dependencies with gradient descent is difficult, 1994",
	},
	New: func() Layer { return &RNN{"tanh", defaultRecurrent()} },
	Examples: append(recurrentExamples(func(r Recurrent) Layer { return &RNN{"tanh", r} }),
		Example{Layer: &RNN{"relu", Recurrent{Units: 4, Layers: 1, Return: wholeSequence, Bias: true}}, In: []compute.Shape{{3, 3}}},
		Example{Layer: &RNN{"relu", Recurrent{Units: 2, Layers: 2, Return: lastStep, Bidirectional: true}}, In: []compute.Shape{{3, 3}}, Lens: [][]int{{3, 1, 2}}},
	),
}

// Fields are the settings.
func (r *RNN) Fields() []Field {
	return append(r.fields(), Field{Name: "activation", Help: "what the sum is put through", Ptr: &r.Activation, Options: []string{"tanh", "relu"}})
}

// Label is the size of the state.
func (r *RNN) Label() string {
	if r.Activation == "relu" {
		return r.label() + " relu"
	}
	return r.label()
}

func (r *RNN) cell() compute.Cell {
	if r.Activation == "relu" {
		return compute.CellReLU
	}
	return compute.CellTanh
}

// Plan takes one sequence.
func (r *RNN) Plan(in []compute.Shape) (Plan, error) { return r.plan(r.cell(), in) }

// Forward goes through time.
func (r *RNN) Forward(p *Pass) { r.forward(p, r.cell()) }

// Backward goes back through all of it.
func (r *RNN) Backward(p *Pass) { r.backward(p, r.cell()) }

// Room is that of the weights' gradients.
func (r *RNN) Room(n int, in []compute.Shape) int { return r.room(r.cell(), n, in) }

// account is that of gates and steps.
func (r *RNN) account(in []compute.Shape) string { return r.Recurrent.account(r.cell(), in) }
