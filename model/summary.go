package model

import (
	"sort"

	"layercake/compute"
)

// Params is the number of trainable numbers; shared ones count once.
func (g *Graph) Params() int64 {
	var n int64
	for i := range g.Nodes {
		n = satAdd(n, g.Nodes[i].paramCount())
	}
	return n
}

// MACs are the multiply-adds of convolutions, matrix products and attention
// products for one sample, forward: what torchvision's tables call GFLOPS.
func (g *Graph) MACs() int64 {
	var n int64
	for i := range g.Nodes {
		n = satAdd(n, g.Nodes[i].Plan.MACs)
	}
	return n
}

// GradientMACs are the multiply-adds of each node's backward pass for one
// sample. A product has two factors, and the gradient by each costs as much as
// the product; nobody works out the one by the data, or by anything that
// nothing to be trained comes before.
func (g *Graph) GradientMACs() []int64 {
	out := make([]int64, len(g.Nodes))
	wanted := make([]bool, len(g.Nodes)) // somebody wants the gradient of its output
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Layer == nil {
			continue
		}
		trained, before := len(n.Plan.Params) > 0, false
		for _, v := range n.In {
			before = before || wanted[v]
		}
		wanted[i] = trained || before
		switch {
		case before:
			out[i] = satMul(2, n.Plan.MACs)
		case trained:
			out[i] = n.Plan.MACs
		}
	}
	return out
}

// TrainMACs are the multiply-adds of one training step, forward and backward,
// for one sample.
func (g *Graph) TrainMACs() int64 {
	total := g.MACs()
	for _, n := range g.GradientMACs() {
		total = satAdd(total, n)
	}
	return total
}

// ActivationBytes is the size of all layers' outputs for a batch, each counted
// once and none shared: what the usual counters call forward size. The memory
// that a run takes is TrainBytes.
func (g *Graph) ActivationBytes(batch int) int64 {
	var n int64
	for i := range g.Nodes {
		n = satAdd(n, g.Nodes[i].activationBytes())
	}
	return satMul(n, int64(batch))
}

// processBytes is what a training process holds beside what it trains: code that
// has run, Go's runtime and stacks, what kernels scratch on. It was fitted to the
// peaks of `bench train` on Linux, two threads; docs/performance.md has them.
const processBytes = 12 << 20

// borrower is a layer whose kernels borrow memory beside Scratch and what each
// worker has: about so many floats for the passes of n samples.
type borrower interface {
	Room(n int, in []compute.Shape) int
}

// kernelRoom is the most floats that kernels borrow for one node's training.
func (g *Graph) kernelRoom(batch int) int {
	room := 0
	var in []compute.Shape
	for i := range g.Nodes {
		n := &g.Nodes[i]
		l, ok := n.Layer.(borrower)
		if !ok {
			continue
		}
		in = in[:0]
		for _, j := range n.In {
			in = append(in, g.Nodes[j].Plan.Out)
		}
		room = max(room, l.Room(batch, in))
	}
	return room
}

// TrainBytes is the memory of a process that trains with a batch: weights and
// gradients, the optimizer's slots (none for plain SGD, one with momentum, two
// for Adam), running statistics, activations as the memory plan lays them out, a
// batch in use and the next, and processBytes. It follows the training section's
// recompute. The data set is not in it. 0 for a graph that was refused.
func (g *Graph) TrainBytes(batch, slots int) int64 {
	if g.Err != nil {
		return 0
	}
	m := planProgram(g, planOptions{batch: batch, train: true, logits: true, lendInputs: true, recompute: g.recomputes()})
	n := satAdd(m.Bytes(), satMul(satMul(4, int64(slots)), g.Params()))
	n = satAdd(n, satMul(4, int64(g.kernelRoom(batch))))
	return satAdd(n, satAdd(satMul(2, g.BatchBytes(batch)), processBytes))
}

// recomputes reports whether the file asks for less memory at the price of time.
func (g *Graph) recomputes() bool { return g.Spec != nil && g.Spec.Train.Recompute }

// BatchBytes is the memory of one batch of inputs.
func (g *Graph) BatchBytes(batch int) int64 {
	var n int64
	for _, in := range g.Inputs {
		n = satAdd(n, shapeSize(in.Shape))
	}
	return satMul(satMul(4, n), int64(batch))
}

// Share is one kind's part of something.
type Share struct {
	Kind   string
	Short  string
	Params int64
	MACs   int64
	Count  int
}

// ParamsByKind lists the kinds that have parameters, largest first.
func (g *Graph) ParamsByKind() []Share {
	at := map[string]int{}
	var out []Share
	for i := range g.Nodes {
		n := &g.Nodes[i]
		c := n.paramCount()
		if c == 0 {
			continue
		}
		j, ok := at[n.Kind.Name]
		if !ok {
			j = len(out)
			at[n.Kind.Name] = j
			out = append(out, Share{Kind: n.Kind.Name, Short: n.Kind.Short})
		}
		out[j].Params = satAdd(out[j].Params, c)
		out[j].MACs = satAdd(out[j].MACs, n.Plan.MACs)
		out[j].Count++
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Params > out[j].Params })
	return out
}

// Depth counts the layers with weights and products (convolutions, dense,
// recurrent, attention) on the longest way from an input to the output: the 20 of ResNet-20.
func (g *Graph) Depth() int {
	depth := make([]int, len(g.Nodes))
	most := 0
	for i := range g.Nodes {
		n := &g.Nodes[i]
		for _, j := range n.In {
			depth[i] = max(depth[i], depth[j])
		}
		if n.Plan.MACs > 0 && len(n.Plan.Params) > 0 {
			depth[i]++
		}
		most = max(most, depth[i])
	}
	if g.Output >= 0 {
		return depth[g.Output]
	}
	return most
}

// Receptive is the receptive field, in the input's pixels or steps, of the last
// layer that still has places, rows and columns of an image or steps of a
// sequence: -1 where it sees the whole input, 0 where no layer sees more than
// one place.
func (g *Graph) Receptive() [2]int {
	for i := len(g.Rows) - 1; i >= 0; i-- {
		r := &g.Rows[i]
		if r.Group || len(r.Out) < 2 {
			continue
		}
		if r.Receptive == [2]int{1, 1} {
			break
		}
		return r.Receptive
	}
	return [2]int{}
}
