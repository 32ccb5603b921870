package layers

import "layercake/compute"

// GRU is a recurrent layer whose state is a mixture of the last one and a new
// one:
//
//	[r z] = σ(x·W_ih + b_ih + h₋·W_hh + b_hh)
//	n = tanh(x·W_in + b_in + r·(h₋·W_hn + b_hn))
//	h = (1 − z)·n + z·h₋
//
// The reset gate r acts on the product with the state, not on the state before
// it: PyTorch's form, which Keras calls reset_after. Shapes, initial values and
// cost are those of Recurrent with G = 3.
type GRU struct{ Recurrent }

var gruKind = &Kind{
	Name:    "gru",
	Short:   "gru",
	Family:  Sequence,
	Summary: "reads step by step, mixing its last state with a new one",
	Card: Card{
		What: "Reads a sequence one step at a time and carries a state h along. At each step it works out a new state n and moves only part of the way to it: " +
			"where the update gate z is 1 the old number stays, where it is 0 the new one takes its place. The reset gate r says how much of the old state n may look at. " +
			"This is PyTorch's form, in which r is applied after the product with the old state; Keras calls it reset_after=True. The paper applies it before.",
		Formula: "r, z = σ(x·W + b + h₋·U + c);  n = tanh(x·Wₙ + bₙ + r·(h₋·Uₙ + cₙ));  h = (1 − z)·n + z·h₋",
		Shapes:  "T×F → T×H, or H with return: last; 2H for H if bidirectional",
		Params:  "3·H·(F + H) + 6·H a layer; F is H (2H if bidirectional) from the second layer on; twice that if bidirectional. Weight decay takes the weights, not the biases",
		Cost:    "T·(F·3H + H·3H) a layer, twice that if bidirectional; padded steps are counted",
		When:    "Where an lstm would do and a quarter of the weights and time is worth saving: short texts, speech, series of measurements.",
		Instead: "lstm counts and remembers exactly over longer stretches, for a third more work. rnn takes a third of the work and forgets after a dozen steps or so.",
		Source:  "Cho et al., Learning phrase representations using RNN encoder-decoder for statistical machine translation, 2014",
	},
	New:      func() Layer { return &GRU{defaultRecurrent()} },
	Examples: recurrentExamples(func(r Recurrent) Layer { return &GRU{r} }),
}

// Fields are the settings.
func (g *GRU) Fields() []Field { return g.fields() }

// Label is the size of the state.
func (g *GRU) Label() string { return g.label() }

// Plan takes one sequence.
func (g *GRU) Plan(in []compute.Shape) (Plan, error) { return g.plan(compute.CellGRU, in) }

// Forward goes through time.
func (g *GRU) Forward(p *Pass) { g.forward(p, compute.CellGRU) }

// Backward goes back through all of it.
func (g *GRU) Backward(p *Pass) { g.backward(p, compute.CellGRU) }

// Room is that of the weights' gradients.
func (g *GRU) Room(n int, in []compute.Shape) int { return g.room(compute.CellGRU, n, in) }

// account is that of gates and steps.
func (g *GRU) account(in []compute.Shape) string { return g.Recurrent.account(compute.CellGRU, in) }
