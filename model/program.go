package model

import (
	"fmt"
	"hash/fnv"
	"time"
	"unsafe"

	"layercake/compute"
	"layercake/layers"
)

// Options are what a program depends on beside its graph.
type Options struct {
	Batch int    // most samples at a time, at least 1
	Train bool   // room for gradients; without it only Forward(n, false) runs
	Seed  uint64 // of first weights and dropout
	Pool  *compute.Pool
	// Logits leaves a last softmax out, so that Output is what goes into it:
	// the loss then takes both in one step, exactly.
	Logits bool
	// InputGrads makes gradients of the inputs too (InputGrad).
	InputGrads bool
	// Context, where above 0, makes a program that runs sequences step by step: its
	// graph has sequences of length 1, Forward goes on where the last one stopped
	// (SetStart, ResetCarry), and layers have room for so many positions.
	Context int
	// Frozen says which nodes' parameters get no gradient; nil: none.
	Frozen []bool
	// LendInputs gives inputs no memory: LendInput says where samples lie.
	LendInputs bool
	// Recompute keeps only the borders of segments from Forward to Backward and
	// makes the rest again, to the same bits, where that takes less memory. It costs
	// up to one more forward pass a step.
	Recompute bool

	// once says, with Context, which nodes see their sequences whole and depend on
	// nothing that comes step by step: they run at position 0 alone.
	once  []bool
	plain bool  // no fusion, every value and gradient apart: for tests
	cuts  []cut // of planOptions, for tests
}

// Program is a Graph bound to memory for a batch. Parameters, state,
// gradients and activations are windows into arenas laid out once; see
// memoryPlan. Forward and Backward walk flat lists and allocate nothing. A
// Program belongs to one goroutine.
type Program struct {
	g    *Graph
	o    Options
	plan memoryPlan

	n     int // samples of the last Forward
	train bool
	step  uint64

	steps   []step         // nodes that the output depends on, in running order
	at      []int32        // by node: its step, -1 none
	grads   []gradAct      // backward, in order
	inputs  []int          // nodes
	runs    []run          // forward, in order: steps fused or alone
	reruns  []run          // those of Backward, with Recompute
	readers []int32        // by node: how often steps read its output
	folds   map[int]folded // by step, after Fold
	scratch []float32      // for weights while Fold packs them
	fresh   bool           // gradients of parameters are of no use any more
	owned   []ParamRef
	state   []ParamRef
	params  []float32 // arenas
	dparams []float32
	stateA  []float32
	arena   []float32
	lent    []lentRoom // by buffer, with LendInputs
	moved   bool       // an input lies elsewhere than steps believe
	marks   []byte
	sequence

	observe func(node int, out compute.Tensor)
	timing  bool
	timeF   []time.Duration
	timeB   []time.Duration
}

// lentRoom is a buffer that is not in the arena.
type lentRoom struct {
	is bool
	x  []float32
}

// ParamRef is one parameter or state tensor at its place.
type ParamRef struct {
	Node int    // that owns it
	Name string // "stage2/1/conv1.weight"
	layers.Param
	Offset int // of Data among all parameters, or all state
	Data   []float32
	Grad   []float32 // nil for state, without training, and where frozen
}

// step is one node with its memory.
type step struct {
	node  int
	layer layers.Layer // nil for an input
	view  bool
	hash  uint64 // of seed and name, for Pass.Seed
	fwd   layers.Pass
	again layers.Pass // forward once more, for Backward
	bwd   layers.Pass
}

// gradAct is a gradOp bound to memory.
type gradAct struct {
	gradOp
	step    int32
	rerun   int32     // of opForward: number in reruns
	x, y, z []float32 // dst, a, b
	relu    int32     // step of the relu whose gradient is taken in, -1 none
	first   bool      // no act before it touches the gradients of its parameters
	masks   bool      // the gradient behind the relu is written too
}

// Compile binds g to memory. It refuses, before anything is allocated, a graph with
// an error and with a *MemoryError what does not fit the machine. First weights
// are those of each Param's Init, drawn from the stream of seed and the
// parameter's name.
func Compile(g *Graph, o Options) (*Program, error) {
	p, err := prepare(g, o)
	if err != nil {
		return nil, err
	}
	if need, have := p.plan.Bytes(), compute.MachineMemory(); need > have {
		return nil, &MemoryError{
			Network: g.Name, Batch: o.Batch, Train: o.Train, Have: have,
			Need: need, Params: p.plan.ParamBytes(), Activations: p.plan.ActivationBytes(),
		}
	}
	p.params = alignedFloats(p.plan.params)
	p.stateA = alignedFloats(p.plan.state)
	if o.Train {
		p.dparams = alignedFloats(p.plan.params)
		p.fresh = true
	}
	p.refer()
	p.initialize()
	p.bind()
	return p, nil
}

// Inference is a program of the same graph that shares p's parameters and
// state and has a small arena of its own: for testing while p trains. It sees every
// change of p's weights at once, or with Fold at each Fold.
func (p *Program) Inference(batch int, pool *compute.Pool) (*Program, error) {
	o := p.o
	o.Batch, o.Pool, o.Train, o.InputGrads, o.Frozen, o.Context, o.once = batch, pool, false, false, nil, 0, nil
	q, err := prepare(p.g, o)
	if err != nil {
		return nil, err
	}
	if need, have := satAdd(p.plan.Bytes(), q.plan.ActivationBytes()), compute.MachineMemory(); need > have {
		return nil, &MemoryError{
			Network: p.g.Name, Batch: batch, Have: have,
			Need: need, Params: p.plan.ParamBytes(), Activations: need - p.plan.ParamBytes(),
		}
	}
	q.params, q.stateA = p.params, p.stateA
	q.refer()
	q.bind()
	return q, nil
}

// prepare checks and plans.
func prepare(g *Graph, o Options) (*Program, error) {
	if g.Err != nil {
		return nil, g.Err
	}
	if len(g.Nodes) == 0 {
		return nil, fmt.Errorf("%s: a network without layers, wants at least one: add a layer", g.Name)
	}
	if o.Batch < 1 {
		return nil, fmt.Errorf("%s: batch is %d, wants at least 1", g.Name, o.Batch)
	}
	p := &Program{g: g, o: o}
	p.plan = planProgram(g, planOptions{
		batch: o.Batch, train: o.Train, logits: o.Logits,
		inputGrads: o.InputGrads, frozen: o.Frozen, lendInputs: o.LendInputs, context: o.Context, once: o.once,
		recompute: o.Recompute, cuts: o.cuts, apart: o.plain,
	})
	return p, nil
}

// alignedFloats is n zeros that start on a cache line.
func alignedFloats(n int64) []float32 {
	if n == 0 {
		return nil
	}
	x := compute.Alloc(int(n + line))
	skip := 0
	if r := uintptr(unsafe.Pointer(unsafe.SliceData(x))) % lineBytes; r != 0 {
		skip = int(lineBytes-r) / 4
	}
	return x[skip : skip+int(n) : skip+int(n)]
}

// refer lists the parameters and the state in node order.
func (p *Program) refer() {
	for i := range p.g.Nodes {
		node, q := &p.g.Nodes[i], &p.plan.nodes[i]
		if int(q.owner) != i || node.Layer == nil {
			continue
		}
		at := q.params
		for _, t := range node.Plan.Params {
			n := int64(t.Shape.Size())
			r := ParamRef{Node: i, Name: node.Name + "." + t.Name, Param: t, Offset: int(at), Data: p.params[at : at+n : at+n]}
			if p.dparams != nil && !(i < len(p.o.Frozen) && p.o.Frozen[i]) {
				r.Grad = p.dparams[at : at+n : at+n]
			}
			p.owned = append(p.owned, r)
			at += roundUp(n, line)
		}
		at = q.state
		for _, t := range node.Plan.State {
			n := int64(t.Shape.Size())
			p.state = append(p.state, ParamRef{Node: i, Name: node.Name + "." + t.Name, Param: t, Offset: int(at), Data: p.stateA[at : at+n : at+n]})
			at += roundUp(n, line)
		}
	}
}

// initialize gives parameters and state their first values. Each tensor has
// its own stream, so they may be drawn side by side.
func (p *Program) initialize() {
	type job struct {
		refs [2][]ParamRef
		seed uint64
	}
	j := job{refs: [2][]ParamRef{p.owned, p.state}, seed: p.o.Seed}
	compute.For(p.o.Pool, len(p.owned)+len(p.state), 1, j, func(j *job, _ *compute.Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			refs, k := j.refs[0], i
			if k >= len(refs) {
				refs, k = j.refs[1], k-len(refs)
			}
			r := &refs[k]
			r.Init.Fill(r.Data, layers.Stream(j.seed, r.Name))
		}
	})
}

// bind makes the arena, the steps and their passes.
func (p *Program) bind() {
	p.arena = alignedFloats(p.plan.arena)
	p.marks = make([]byte, p.plan.marksArena)
	if p.o.LendInputs {
		p.lent = make([]lentRoom, len(p.plan.buffers))
		for i := range p.g.Nodes {
			if b := p.plan.nodes[i].out; p.g.Nodes[i].Layer == nil && b >= 0 {
				p.lent[b].is = true
			}
		}
	}
	if p.carry == nil { // else another program's
		p.carry = alignedFloats(p.plan.carry)
	}
	if p.o.Train {
		compute.ReserveRoom(p.g.kernelRoom(p.o.Batch))
	}
	p.at = make([]int32, len(p.g.Nodes))
	p.timeF = make([]time.Duration, len(p.g.Nodes))
	p.timeB = make([]time.Duration, len(p.g.Nodes))

	params := make([][][]float32, len(p.g.Nodes))
	grads := make([][][]float32, len(p.g.Nodes))
	state := make([][][]float32, len(p.g.Nodes))
	for _, r := range p.owned {
		params[r.Node] = append(params[r.Node], r.Data)
		grads[r.Node] = append(grads[r.Node], r.Grad)
	}
	for _, r := range p.state {
		state[r.Node] = append(state[r.Node], r.Data)
	}
	for i := range p.g.Nodes {
		node, q := &p.g.Nodes[i], &p.plan.nodes[i]
		p.at[i] = -1
		if node.Layer == nil {
			p.inputs = append(p.inputs, i)
		}
		if !q.used {
			continue
		}
		p.at[i] = int32(len(p.steps))
		s := step{node: i, layer: node.Layer, view: node.Plan.View, hash: nodeHash(p.o.Seed, node.Name)}
		in := make([]compute.Tensor, len(node.In))
		pass := layers.Pass{
			Pool: p.o.Pool, In: in,
			Params: params[q.owner], State: state[q.owner], Grads: grads[q.owner],
			Saved: make([][]float32, len(node.Plan.Saved)),
		}
		s.fwd = pass
		if p.plan.recomputes() { // what Backward reads may lie elsewhere
			pass.In, pass.Saved = make([]compute.Tensor, len(node.In)), make([][]float32, len(node.Plan.Saved))
		}
		s.again, s.bwd = pass, pass
		s.again.Again = true
		if q.backward {
			s.bwd.DIn = make([]compute.Tensor, len(in))
			s.bwd.Add = make([]bool, len(in))
			if q.din >= 0 {
				copy(s.bwd.Add, p.plan.add[q.din:])
			}
		}
		p.steps = append(p.steps, s)
	}
	p.followLens()
	p.countReaders()
	p.fuse()
	p.listGrads()
	p.fuseBackward()
	p.markFirst()
	p.resize(p.o.Batch)
}

// listGrads lists the acts of Backward. Of those that run steps again, neighbours
// go as one where they do in Forward.
func (p *Program) listGrads() {
	for i := 0; i < len(p.plan.ops); i++ {
		op := p.plan.ops[i]
		a := gradAct{gradOp: op, step: p.at[op.node]}
		if op.kind == opForward {
			a.rerun = int32(len(p.reruns))
			r := phase{p, true}.runAt(int(a.step))
			p.reruns = append(p.reruns, r)
			i += r.steps - 1
		}
		p.grads = append(p.grads, a)
	}
}

// markFirst finds the acts that may write gradients of parameters where those
// after them, of nodes with the same parameters, have to add.
func (p *Program) markFirst() {
	seen := make([]bool, len(p.g.Nodes))
	for k := range p.grads {
		a := &p.grads[k]
		if a.kind != opLayer {
			continue
		}
		owner := p.plan.nodes[p.steps[a.step].node].owner
		a.first = !seen[owner]
		seen[owner] = true
	}
}

// nodeHash is the part of Pass.Seed that stays.
func nodeHash(seed uint64, name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return mix(h.Sum64() ^ mix(seed))
}

// mix is the finalizer of splitmix64 (Steele, Lea and Flood, Fast splittable
// pseudorandom number generators, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// resize sets every window to n samples.
func (p *Program) resize(n int) {
	p.n, p.moved = n, false
	for k := range p.steps {
		s := &p.steps[k]
		node, q := &p.g.Nodes[s.node], &p.plan.nodes[s.node]
		for j, v := range node.In {
			s.fwd.In[j], s.bwd.In[j] = p.value(v), p.valueB(v)
		}
		s.fwd.N, s.again.N, s.bwd.N = n, n, n
		s.fwd.Out, s.bwd.Out = p.value(s.node), p.valueB(s.node)
		p.bindSaved(s.fwd.Saved, node, q.saved, n)
		p.bindSaved(s.bwd.Saved, node, q.savedB, n)
		context := contextOf(s.node, p.o.Context, p.o.once)
		if size := int64(carrySize(&node.Plan, context)); size > 0 {
			end := q.carry + size*int64(n)
			s.fwd.Carry, s.fwd.Context = p.carry[q.carry:end:end], context
			s.bwd.Carry, s.bwd.Context = s.fwd.Carry, context
			if q.carryA >= 0 {
				s.again.Carry, s.again.Context = p.window(q.carryA, int(size)*n), context
			}
		}
		s.fwd.Marks, s.bwd.Marks = p.marksAt(node, q.marks, n), p.marksAt(node, q.marksB, n)
		s.again.Out, s.again.Marks = s.bwd.Out, s.bwd.Marks
		if size := node.Plan.Scratch.At(n); q.scratch >= 0 {
			s.fwd.Scratch = p.window(q.scratch, size)
			if q.scratchB >= 0 {
				s.bwd.Scratch = p.window(q.scratchB, size)
			}
			if q.scratchA >= 0 {
				s.again.Scratch = p.window(q.scratchA, size)
			}
		}
		if !q.backward {
			continue
		}
		s.bwd.DOut = p.gradient(s.node)
		for j, v := range node.In {
			s.bwd.DIn[j] = compute.Tensor{Shape: p.g.Nodes[v].Plan.Out}
			if q.din >= 0 {
				if b := p.plan.din[int(q.din)+j]; b >= 0 {
					s.bwd.DIn[j].Data = p.window(b, n*p.g.Nodes[v].Plan.Out.Size())
				}
			}
		}
	}
	for k := range p.grads {
		a := &p.grads[k]
		if a.kind != opAdd && a.kind != opCopy {
			continue
		}
		a.x, a.y = p.window(a.dst, n*a.size), p.window(a.a, n*a.size)
		if a.b >= 0 {
			a.z = p.window(a.b, n*a.size)
		}
	}
	p.bindRuns()
}

// bindSaved sets the windows of what a node saves for n samples into buffer b.
func (p *Program) bindSaved(saved [][]float32, node *Node, b int32, n int) {
	if b < 0 {
		return
	}
	at := p.plan.buffers[b].offset
	for j, r := range node.Plan.Saved {
		saved[j] = p.floats(at, r.At(n))
		at += roundUp(int64(r.At(p.o.Batch)), line)
	}
}

// marksAt is the window of a node's marks for n samples in buffer b.
func (p *Program) marksAt(node *Node, b int32, n int) []byte {
	if b < 0 {
		return nil
	}
	at, size := p.plan.marks[b].offset, int64(node.Plan.Marks.At(n))
	return p.marks[at : at+size : at+size]
}

func (p *Program) floats(at int64, n int) []float32 {
	return p.arena[at : at+int64(n) : at+int64(n)]
}

func (p *Program) window(b int32, n int) []float32 {
	if p.lent != nil && p.lent[b].is {
		if x := p.lent[b].x; n <= len(x) {
			return x[:n:n]
		}
		return nil // until somebody lends enough
	}
	return p.floats(p.plan.buffers[b].offset, n)
}

// value is node i's output for the samples of the last Forward.
func (p *Program) value(i int) compute.Tensor {
	shape := p.g.Nodes[i].Plan.Out
	return compute.Tensor{Shape: shape, Data: p.window(p.plan.nodes[i].out, p.n*shape.Size())}
}

// valueB is node i's output as Backward finds it.
func (p *Program) valueB(i int) compute.Tensor {
	shape := p.g.Nodes[i].Plan.Out
	return compute.Tensor{Shape: shape, Data: p.window(p.plan.nodes[i].outB, p.n*shape.Size())}
}

// gradient is the gradient of node i's output; no data where nobody wants it.
func (p *Program) gradient(i int) compute.Tensor {
	shape := p.g.Nodes[i].Plan.Out
	t := compute.Tensor{Shape: shape}
	if b := p.plan.nodes[i].dout; b >= 0 {
		t.Data = p.window(b, p.n*shape.Size())
	}
	return t
}
