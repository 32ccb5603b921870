package layers

import "layercake/compute"

// LSTM is a recurrent layer with a memory beside its state:
//
//	[i f g o] = x·W_ih + b_ih + h₋·W_hh + b_hh
//	c = σ(f)·c₋ + σ(i)·tanh(g)
//	h = σ(o)·tanh(c)
//
// Shapes, initial values and cost are those of Recurrent with G = 4.
type LSTM struct{ Recurrent }

var lstmKind = &Kind{
	Name:    "lstm",
	Short:   "lstm",
	Family:  Sequence,
	Summary: "reads step by step with a memory it opens and shuts",
	Card: Card{
		What: "Reads a sequence one step at a time and carries two rows of numbers along: a memory c and a state h. Three gates, numbers between 0 and 1 worked out from " +
			"the input and the last state, decide how much of the memory is kept (f), how much of what is new is written (i), and how much is shown (o). " +
			"What the memory keeps is added to and not multiplied anew at each step, so it and its gradient outlast hundreds of steps.",
		Formula: "[i f g o] = x·W + b + h₋·U + c₀;  c = σ(f)·c₋ + σ(i)·tanh(g);  h = σ(o)·tanh(c)",
		Shapes:  "T×F → T×H, or H with return: last; 2H for H if bidirectional",
		Params:  "4·H·(F + H) + 8·H a layer; F is H (2H if bidirectional) from the second layer on; twice that if bidirectional. Weight decay takes the weights, not the biases",
		Cost:    "T·(F·4H + H·4H) a layer, twice that if bidirectional; padded steps are counted",
		When:    "For sequences whose meaning hangs on what came long before: text by the letter, series of measurements, anything that arrives a step at a time.",
		Instead: "gru has three quarters of the weights and work and often does as well. Attention sees all steps at once and trains faster on long texts, at T²·F products " +
			"and with a memory that grows with every step it has read.",
		Source: "Hochreiter and Schmidhuber, Long short-term memory, 1997; with the forget gate of Gers, Schmidhuber and Cummins, Learning to forget, 2000",
	},
	New:      func() Layer { return &LSTM{defaultRecurrent()} },
	Examples: recurrentExamples(func(r Recurrent) Layer { return &LSTM{r} }),
}

// Fields are the settings.
func (l *LSTM) Fields() []Field { return l.fields() }

// Label is the size of the state.
func (l *LSTM) Label() string { return l.label() }

// Plan takes one sequence.
func (l *LSTM) Plan(in []compute.Shape) (Plan, error) { return l.plan(compute.CellLSTM, in) }

// Forward goes through time.
func (l *LSTM) Forward(p *Pass) { l.forward(p, compute.CellLSTM) }

// Backward goes back through all of it.
func (l *LSTM) Backward(p *Pass) { l.backward(p, compute.CellLSTM) }

// Room is that of the weights' gradients.
func (l *LSTM) Room(n int, in []compute.Shape) int { return l.room(compute.CellLSTM, n, in) }

// account is that of gates and steps.
func (l *LSTM) account(in []compute.Shape) string { return l.Recurrent.account(compute.CellLSTM, in) }
