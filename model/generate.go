package model

import (
	"fmt"
	"slices"

	"layercake/compute"
)

// Generator writes a sequence of tokens on. It is told the tokens that stand
// there, one by one, and scores what may come next; which one does is up to its
// caller, with a Sampler or otherwise.
//
// A network that nothing but Carry ties from step to step is run step by step: its
// graph is resolved once more for sequences of length 1, and each token costs
// one step. What reads other inputs alone, as an encoder does, runs once, with the first
// token; attention to it keeps its keys and values. A network with any other tie
// over time, or that scores only the token behind its window, is run over its whole
// window for each token. Where steps are scored, the tokens begin at the window's left and the
// rest of it is padding; where only the next token is, they end at its right and
// zeros stand before them.
//
// Where attention remembers or positions are learnt, no more tokens are seen than
// the network's own length. Step by step, what is remembered begins anew with the
// last half of them once it is full, read in one run; a whole window loses its oldest token.
//
// Parameters and state are the program's own: what training changes in them holds
// from the next token on, though what was carried up to there stays as it was.
// Both belong to the same goroutine.
type Generator struct {
	p       *Program
	half    *Program // reads half a room of tokens at once, into p's memory; nil: they go one by one
	input   int      // that is written on
	steps   int      // of the window; 1 step by step
	width   int      // scores of a step
	room    int      // tokens seen at most; 0: any number
	ids     []int32
	n       int  // tokens seen
	stepped bool // each token costs one step and no whole window
	given   bool // another input has changed since the last token
	every   bool // each step is scored
	lens    [1]int32
}

// Generator makes one that writes input on, for a network that reads tokens there
// and puts out as many scores as there are tokens: of each step T×V, or of the next token V. A last softmax
// is left out.
func (p *Program) Generator(input int, pool *compute.Pool) (*Generator, error) {
	if input < 0 || input >= len(p.g.Inputs) {
		return nil, fmt.Errorf("%s: has %s, and input %d is to be written on", p.g.Name, counted(len(p.g.Inputs), "input"), input+1)
	}
	in := &p.g.Inputs[input]
	if in.Tokens < 1 || len(in.Shape) != 1 {
		return nil, fmt.Errorf("%s: %s is %s of numbers, wants token ids to write on: give the input tokens and a length", p.g.Name, in.Name, in.Shape)
	}
	g := &Generator{input: input, steps: in.Shape[0], width: in.Tokens, room: in.Shape[0]}
	out := p.g.Nodes[outputNode(p.g, true)].Plan.Out
	g.every = len(out) == 2 && out[0] == g.steps
	if !(g.every || len(out) == 1) || out[len(out)-1] != g.width {
		return nil, fmt.Errorf("%s: puts out %s, wants %d×%d, scores of each step's next token, or %d, those of the one next token: end it with dense: {units: %d}",
			p.g.Name, out, g.steps, g.width, g.width, g.width)
	}
	if !p.plan.nodes[p.inputs[input]].used {
		return nil, fmt.Errorf("%s: its output does not depend on %s, wants a network that reads what it writes on", p.g.Name, in.Name)
	}
	var err error
	if q := p.stepByStep(input, pool); q != nil {
		g.p, g.stepped, g.steps = q, true, 1
		if len(p.g.Inputs) == 1 && !bounded(q) {
			g.room = 0
		}
		if half := g.room / 2; half > 1 && len(p.g.Inputs) == 1 {
			g.half = p.several(half, q, pool)
		}
	} else if g.p, err = p.sharing(p.g, 1, 0, nil, pool); err != nil {
		return nil, err
	}
	need, have := satAdd(p.plan.Bytes(), g.p.plan.ActivationBytes()), compute.MachineMemory()
	if need > have {
		return nil, &MemoryError{
			Network: p.g.Name, Batch: 1, Have: have,
			Need: need, Params: p.plan.ParamBytes(), Activations: need - p.plan.ParamBytes(),
		}
	}
	g.p.adopt(p)
	if g.half != nil && satAdd(need, g.half.plan.ActivationBytes()) > have {
		g.half = nil
	}
	if g.half != nil {
		g.half.carry = g.p.carry
		g.half.adopt(p)
	}
	g.ids = make([]int32, g.room)
	return g, nil
}

// sharing prepares a program of g that is to take p's parameters, for scores.
func (p *Program) sharing(g *Graph, batch, context int, once []bool, pool *compute.Pool) (*Program, error) {
	o := p.o
	o.Batch, o.Context, o.once, o.Pool, o.Logits = batch, context, once, pool, true
	o.Train, o.InputGrads, o.Frozen, o.LendInputs = false, false, nil, false
	return prepare(g, o)
}

// adopt takes p's parameters and state, which lie alike, and binds q.
func (q *Program) adopt(p *Program) {
	q.params, q.stateA = p.params, p.stateA
	q.refer()
	q.bind()
}

// stepByStep prepares a program of p's network for sequences of length 1 at an
// input; nil where the steps of the network are tied by more than Carry.
func (p *Program) stepByStep(input int, pool *compute.Pool) *Program {
	length := p.g.Inputs[input].Shape[0]
	spec, err := SetInput(p.g.Spec, input, compute.Shape{1}, p.g.Inputs[input].Tokens)
	if err != nil {
		return nil
	}
	g := Resolve(spec)
	if g.Err != nil || len(g.Nodes) != len(p.g.Nodes) {
		return nil
	}
	fed := reachedFrom(g, p.inputs[input])
	once := make([]bool, len(fed))
	for i := range once {
		once[i] = !fed[i]
	}
	q, err := p.sharing(g, 1, length, once, pool)
	if err != nil {
		return nil
	}
	for i := range g.Nodes {
		long, short := &p.g.Nodes[i], &g.Nodes[i]
		if !sameParams(long, short) {
			return nil
		}
		if q.plan.nodes[i].used && fed[i] && long.Layer != nil && !long.goesStepwise(short, fed, length) {
			return nil
		}
	}
	return q
}

// several prepares a program of p's network, which has one input, that takes so
// many steps at once and leaves to q what q would have kept of them one by one;
// nil where the two do not lie alike.
func (p *Program) several(steps int, q *Program, pool *compute.Pool) *Program {
	spec, err := SetInput(p.g.Spec, 0, compute.Shape{steps}, p.g.Inputs[0].Tokens)
	if err != nil {
		return nil
	}
	g := Resolve(spec)
	if g.Err != nil || len(g.Nodes) != len(p.g.Nodes) {
		return nil
	}
	r, err := p.sharing(g, 1, q.o.Context, q.o.once, pool)
	if err != nil || r.plan.carry != q.plan.carry {
		return nil
	}
	for i := range g.Nodes {
		n, plan := &g.Nodes[i], &r.plan.nodes[i]
		if !sameParams(&p.g.Nodes[i], n) || plan.used != q.plan.nodes[i].used || plan.carry != q.plan.nodes[i].carry {
			return nil
		}
		if out := n.Plan.Out; plan.used && n.Layer != nil && (len(out) != 2 || out[0] != steps) {
			return nil
		}
	}
	return r
}

// reachedFrom says which nodes depend on one of them, itself included.
func reachedFrom(g *Graph, from int) []bool {
	reached := make([]bool, len(g.Nodes))
	reached[from] = true
	for i := range g.Nodes {
		for _, v := range g.Nodes[i].In {
			reached[i] = reached[i] || reached[v]
		}
	}
	return reached
}

// goesStepwise reports whether short, which is n for one step, does with what it
// carries all that n does over length steps. fed says what comes step by step;
// all else is there before the first step, and only a layer that keeps what it needs of it
// may read it.
func (n *Node) goesStepwise(short *Node, fed []bool, length int) bool {
	for j, v := range n.In {
		if fed[v] == slices.Contains(n.Plan.Whole, j) {
			return false
		}
	}
	if n.Plan.AcrossTime || len(n.Plan.Whole) > 0 && n.Plan.Carry.PerSample == 0 {
		return false
	}
	a, b := n.Plan.Out, short.Plan.Out
	return len(a) == 2 && len(b) == 2 && a[0] == length && b[0] == 1 && a[1] == b[1]
}

// sameParams reports whether two nodes have parameters and state alike.
func sameParams(a, b *Node) bool {
	if a.Name != b.Name || a.Share != b.Share || len(a.Plan.Params) != len(b.Plan.Params) || len(a.Plan.State) != len(b.Plan.State) {
		return false
	}
	for k := range a.Plan.Params {
		if !a.Plan.Params[k].Shape.Equal(b.Plan.Params[k].Shape) {
			return false
		}
	}
	for k := range a.Plan.State {
		if !a.Plan.State[k].Shape.Equal(b.Plan.State[k].Shape) {
			return false
		}
	}
	return true
}

// bounded reports whether a program sees only so many positions.
func bounded(p *Program) bool {
	for i := range p.g.Nodes {
		plan := &p.g.Nodes[i].Plan
		if p.plan.nodes[i].used && (plan.Positions > 0 || plan.Carry.PerPosition > 0) {
			return true
		}
	}
	return false
}

// Context is how many tokens are seen at most; 0: any number.
func (g *Generator) Context() int { return g.room }

// Len is how many tokens are seen now.
func (g *Generator) Len() int { return g.n }

// Reset forgets all tokens.
func (g *Generator) Reset() {
	g.n = 0
	g.p.ResetCarry()
}

// replay reads ids from the beginning. They may be those of the generator itself.
func (g *Generator) replay(ids []int32) {
	g.Reset()
	if g.half != nil && len(ids) == g.half.g.Inputs[0].Shape[0] {
		x := g.half.Input(0).Data
		for i, id := range ids {
			x[i] = float32(id)
		}
		g.half.Forward(1, false)
		g.n = copy(g.ids, ids)
		return
	}
	for _, id := range ids {
		g.step(id) // writes where it has read before
	}
}

// Give says what another input k holds: its numbers, of which the first steps
// are used (all of them where steps is negative). It is for networks that read
// a source beside what they write, and holds for the tokens seen already too.
func (g *Generator) Give(k int, x []float32, steps int) {
	g.given = true
	copy(g.p.Input(k).Data, x)
	if steps < 0 {
		g.p.SetLens(k, nil)
		return
	}
	g.p.SetLens(k, []int32{int32(steps)})
}

// Next reads one token more and scores the one behind it. The scores are valid until the
// next call. The token is below the input's Tokens.
func (g *Generator) Next(token int32) []float32 {
	if token < 0 || int(token) >= g.width {
		panic(fmt.Sprintf("model: token %d of %d", token, g.width))
	}
	if g.stepped {
		return g.step(token)
	}
	if g.n == g.room {
		g.n = copy(g.ids, g.ids[1:])
	}
	g.ids[g.n] = token
	g.n++
	return g.window()
}

// step runs the one step that a token is.
func (g *Generator) step(token int32) []float32 {
	if g.given {
		g.given = false
		g.replay(g.ids[:g.n])
	}
	if g.room > 0 {
		if g.n == g.room {
			g.replay(g.ids[g.room-g.room/2:])
		}
		g.ids[g.n] = token
	}
	in := g.p.Input(g.input).Data
	in[0] = float32(token)
	g.p.SetStart(g.n)
	g.p.Forward(1, false)
	g.n++
	return g.p.Output().Data
}

// window runs the network over all tokens seen.
func (g *Generator) window() []float32 {
	x := g.p.Input(g.input).Data
	clear(x)
	at := 0
	if !g.every {
		at = g.steps - g.n
	}
	for i, id := range g.ids[:g.n] {
		x[at+i] = float32(id)
	}
	if g.every {
		g.lens[0] = int32(g.n)
		g.p.SetLens(g.input, g.lens[:])
	}
	g.p.ResetCarry() // of layers that go on from batch to batch
	g.p.Forward(1, false)
	y := g.p.Output().Data
	if g.every {
		return y[(g.n-1)*g.width:][:g.width]
	}
	return y
}

// AttentionMap says what a node attends to at the last token: of all tokens seen
// so far, a row a step of the window, or step by step the last token's row alone.
func (g *Generator) AttentionMap(node int) (AttentionMap, error) { return g.p.AttentionMap(node, 0) }
