package model

import "layercake/layers"

// memoryPlan says where everything that a program needs lies and in which
// order gradients are made. It is a pure function of the graph and a few
// options and holds no memory of its own: the builder asks for it on every
// key, Compile binds arenas to it.
//
// # Time
//
// With n nodes, node i runs forward at time i, the loss is taken at n, and node
// i runs backward at 2n−i, or where segments are run again as segments says. A
// buffer lives from the time of its first write to that of its last use, both
// included; two buffers whose lives overlap never share memory.
//
// # Values
//
// A value is what one node puts out. A view has its input's value. A layer
// that may work in place takes over an input's buffer when nobody reads the
// input's value later, forward or backward; the value is then gone.
//
// # Gradients
//
// They are made in reverse running order. A view and a sum hand their own
// gradient's buffer down, so several nodes may hold one buffer. Writing to a buffer is
// allowed only to its single holder; others copy first. A node's gradient is
// written by its last reader in running order and added to by the others, in
// reverse running order.
type memoryPlan struct {
	batch  int
	train  bool
	output int // node whose value is the program's output

	nodes   []nodePlan
	buffers []buffer // of float32
	marks   []buffer // of bytes
	ops     []gradOp // backward, in order
	din     []int32  // gradient buffers of inputs, node by node; -1 for none
	add     []bool   // beside din

	arena      int64 // float32s of buffers placed
	marksArena int64 // bytes
	carry      int64 // float32s kept from one Forward to the next
	params     int64 // float32s of all parameters, each on a 64-byte boundary
	state      int64
}

// nodePlan is one node's part: buffer numbers, -1 for none.
type nodePlan struct {
	used     bool  // the output depends on it
	backward bool  // a gradient reaches it and something before or in it wants one
	needs    bool  // its output's gradient is wanted
	again    bool  // runs forward a second time before its segment runs backward
	segment  int32 // where it recomputes
	out      int32
	dout     int32 // gradient of out when backward runs
	saved    int32
	marks    int32
	scratch  int32 // forward
	scratchB int32 // backward
	scratchA int32 // forward again
	// What the backward pass reads: those above, or what running again made.
	outB, savedB, marksB int32
	carryA               int32 // a copy of Carry as it was before the first run
	din                  int32 // first of its entries in memoryPlan.din
	owner                int32 // node whose parameters it uses: itself, or at the end of Share
	params               int64 // offset of its first parameter, if it owns any
	state                int64
	carry                int64 // offset of its Carry, if it has one
}

// buffer is room with a life. Sizes and offsets are in elements and multiples of its line.
type buffer struct {
	size     int64
	offset   int64
	from, to int32
}

// gradOp is one act of the backward pass.
type gradOp struct {
	kind gradOpKind
	node int32 // whose backward this belongs to
	// dst = a + b, or dst = a; size elements a sample.
	dst, a, b int32
	size      int
}

type gradOpKind uint8

const (
	opLayer   gradOpKind = iota // run node's Backward
	opAdd                       // dst = a + b
	opCopy                      // dst = a
	opForward                   // run node forward again
)

// planOptions are what a memory plan depends on beside the graph.
type planOptions struct {
	batch      int
	train      bool
	logits     bool   // stop before a last softmax
	inputGrads bool   // gradients of the inputs are wanted
	frozen     []bool // nodes whose parameters get no gradient; nil: none
	lendInputs bool   // inputs lie elsewhere
	context    int    // positions of a program that runs step by step; 0: it does not
	once       []bool // by node: runs in full before the first step, and keeps nothing
	recompute  bool   // do not keep what can be made again, where that takes less memory
	// cuts are where segments begin, in place of those that recompute finds: for tests.
	cuts []cut
	// apart gives every value and gradient memory of its own: the yardstick
	// that tests hold the real plan against.
	apart bool
}

// planMemory is the plan for training or using g on batch samples at a time.
func planMemory(g *Graph, batch int, train bool) memoryPlan {
	return planProgram(g, planOptions{batch: batch, train: train, logits: train})
}

// ActivationBytes is the memory of outputs, their gradients and what layers
// keep and scratch.
func (m *memoryPlan) ActivationBytes() int64 {
	return satAdd(satMul(m.arena, 4), m.marksArena)
}

// ParamBytes is the memory of parameters and state, and of gradients when training.
func (m *memoryPlan) ParamBytes() int64 {
	n := satAdd(m.params, m.state)
	if m.train {
		n = satAdd(n, m.params)
	}
	return satMul(n, 4)
}

// Bytes is everything that a program allocates; what an optimizer keeps is
// not in it.
func (m *memoryPlan) Bytes() int64 {
	return satAdd(satAdd(m.ActivationBytes(), m.ParamBytes()), satMul(m.carry, 4))
}

// line is the float32s, and lineBytes the bytes, to whose multiples buffers are rounded: a
// cache line, and a whole vector register of the widest kind.
const (
	line      = 16
	lineBytes = 64
)

// planner is a plan being made.
type planner struct {
	memoryPlan
	g    *Graph
	o    planOptions
	last int32 // time after everything

	segments

	// By content: one stretch of the life of a buffer between overwrites.
	contentOf []int32
	contents  []content
	held      []int32  // by buffer: nodes whose gradient it holds and that have not run backward
	after     []gradOp // of the node at hand: what follows its layer
	grad      []int32  // by node: buffer with its gradient so far, -1 none
}

// content is what must be known of a value before it may be overwritten.
type content struct {
	lastReader int32 // forward
	backward   bool  // read by some backward pass
	pinned     bool  // the network's input or output
}

func planProgram(g *Graph, o planOptions) memoryPlan {
	if o.recompute && o.train && len(g.Nodes) > 0 {
		return planSegments(g, o)
	}
	p := newPlanner(g, o).lives(o.cuts)
	if o.train && o.cuts == nil {
		p = cheaper(p)
	}
	return p.place()
}

// newPlanner finds which nodes run, and when.
func newPlanner(g *Graph, o planOptions) *planner {
	p := &planner{g: g, o: o}
	p.batch, p.train = o.batch, o.train
	p.nodes = make([]nodePlan, len(g.Nodes))
	if len(g.Nodes) > 0 {
		p.output = outputNode(g, o.logits)
		p.markNodes()
	}
	return p
}

// lives settles which buffers there are and when each is in use, in segments if
// there are cuts.
func (p *planner) lives(cuts []cut) *planner {
	if len(p.nodes) == 0 {
		return p
	}
	p.buffers = make([]buffer, 0, 4*len(p.nodes))
	p.placeParams()
	p.placeCarry()
	p.setTimes(cuts)
	p.forward()
	if p.o.train {
		p.backward()
	}
	return p
}

// place gives the buffers their places.
func (p *planner) place() memoryPlan {
	p.arena = placeBuffers(p.buffers, p.o.apart)
	p.marksArena = placeBuffers(p.marks, p.o.apart)
	return p.memoryPlan
}

// bound is the least memory in which the buffers have room, in bytes.
func (p *planner) bound() int64 {
	return satAdd(satMul(4, liveBound(p.buffers)), liveBound(p.marks))
}

// outputNode is the node whose value a program puts out.
func outputNode(g *Graph, logits bool) int {
	out := g.Output
	if out < 0 || out >= len(g.Nodes) {
		out = len(g.Nodes) - 1
	}
	if node := &g.Nodes[out]; logits && node.Kind != nil && node.Kind.Name == "softmax" {
		return node.In[0]
	}
	return out
}

// markNodes finds which nodes run forward and backward.
func (p *planner) markNodes() {
	nodes := p.g.Nodes
	p.nodes[p.output].used = true
	for i := p.output; i >= 0; i-- {
		if p.nodes[i].used {
			for _, v := range nodes[i].In {
				p.nodes[v].used = true
			}
		}
	}
	for i := range nodes {
		q := &p.nodes[i]
		*q = nodePlan{used: q.used, out: -1, dout: -1, saved: -1, marks: -1, scratch: -1, scratchB: -1, scratchA: -1,
			din: -1, outB: -1, savedB: -1, marksB: -1, carryA: -1}
		q.owner = int32(ownerOf(p.g, i))
		if !q.used || !p.train {
			continue
		}
		if nodes[i].Layer == nil {
			q.needs = p.o.inputGrads && !readAsTokens(p.g, i)
			continue
		}
		q.needs = len(nodes[i].Plan.Params) > 0 && !p.isFrozen(int(q.owner))
		for _, v := range nodes[i].In {
			q.needs = q.needs || p.nodes[v].needs
		}
		q.backward = q.needs
	}
}

func (p *planner) isFrozen(node int) bool { return node < len(p.o.frozen) && p.o.frozen[node] }

// ownerOf follows Share to the node that has parameters of its own.
func ownerOf(g *Graph, i int) int {
	for range len(g.Nodes) {
		s := g.Nodes[i].Share
		if s < 0 || s == i || g.Nodes[i].Layer == nil {
			return i
		}
		i = s
	}
	return i
}

// readAsTokens reports whether input i holds token ids.
func readAsTokens(g *Graph, i int) bool {
	k := 0
	for j := 0; j < i; j++ {
		if g.Nodes[j].Layer == nil {
			k++
		}
	}
	return k < len(g.Inputs) && g.Inputs[k].Tokens > 0
}

// placeParams lays parameters and state out in node order.
func (p *planner) placeParams() {
	for i := range p.g.Nodes {
		q := &p.nodes[i]
		if int(q.owner) != i {
			continue
		}
		q.params, q.state = p.params, p.state
		for _, t := range p.g.Nodes[i].Plan.Params {
			p.params = satAdd(p.params, roundUp(shapeSize(t.Shape), line))
		}
		for _, t := range p.g.Nodes[i].Plan.State {
			p.state = satAdd(p.state, roundUp(shapeSize(t.Shape), line))
		}
	}
}

// placeCarry lays out what layers keep from one Forward to the next.
func (p *planner) placeCarry() {
	for i := range p.g.Nodes {
		if !p.nodes[i].used {
			continue
		}
		p.nodes[i].carry = p.carry
		size := satMul(int64(carrySize(&p.g.Nodes[i].Plan, contextOf(i, p.o.context, p.o.once))), int64(p.batch))
		p.carry = satAdd(p.carry, roundUp(size, line))
	}
}

// contextOf is the context for node i of a program with one.
func contextOf(i, context int, once []bool) int {
	if once != nil && once[i] {
		return 0
	}
	return context
}

// carrySize is the float32s that a layer keeps for a sample in a program with
// room for so many positions.
func carrySize(plan *layers.Plan, context int) int {
	if context < 1 && !plan.Carry.Always {
		return 0
	}
	return plan.Carry.At(context)
}
