package model

import "layercake/compute"

// sequence is the part of a Program that knows of lengths, positions and of
// what is carried from one Forward to the next.
type sequence struct {
	carry  []float32
	lensOf []int32   // by node: the input whose lengths its output has, -1 none
	lens   [][]int32 // by input: room for the lengths of a batch; nil until given
	padded []bool    // by input: lens counts
	told   bool      // some step still knows lengths
	start  int       // position that the next Forward begins at
}

// followLens finds which nodes put out sequences that are padded as an input
// is: those whose first input is, and that keep its number of steps.
func (p *Program) followLens() {
	nodes := p.g.Nodes
	p.lensOf = make([]int32, len(nodes))
	p.lens, p.padded = make([][]int32, len(p.inputs)), make([]bool, len(p.inputs))
	k := int32(0)
	for i := range nodes {
		p.lensOf[i] = -1
		node := &nodes[i]
		out := node.Plan.Out
		if node.Layer == nil {
			if len(out) == 2 || len(out) == 1 && p.g.Inputs[k].Tokens > 0 {
				p.lensOf[i] = k
			}
			k++
			continue
		}
		if len(node.In) == 0 || len(out) != 2 || node.Plan.DropsLens {
			continue
		}
		if in := nodes[node.In[0]].Plan.Out; len(in) > 0 && in[0] == out[0] {
			p.lensOf[i] = p.lensOf[node.In[0]]
		}
	}
}

// SetLens gives how many steps of each sample of input k are used in the next
// Forward and from then on; nil says all. It copies lens.
func (p *Program) SetLens(k int, lens []int32) {
	p.padded[k] = lens != nil
	if lens == nil {
		return
	}
	if p.lens[k] == nil {
		p.lens[k] = make([]int32, p.o.Batch)
	}
	copy(p.lens[k], lens)
}

// tellLens has every pass know the lengths of its samples.
func (p *Program) tellLens() {
	some := false
	for _, padded := range p.padded {
		some = some || padded
	}
	if !some && !p.told {
		return
	}
	p.told = some
	for i := range p.steps {
		s := &p.steps[i]
		for j, v := range p.g.Nodes[s.node].In {
			lens := p.lensAt(v)
			s.fwd.In[j].Lens, s.bwd.In[j].Lens = lens, lens
			if s.bwd.DIn != nil {
				s.bwd.DIn[j].Lens = lens
			}
		}
		lens := p.lensAt(s.node)
		s.fwd.Out.Lens, s.again.Out.Lens, s.bwd.Out.Lens, s.bwd.DOut.Lens = lens, lens, lens, lens
	}
}

// lensAt are the lengths of what node i puts out; nil: all are full.
func (p *Program) lensAt(i int) []int32 {
	k := p.lensOf[i]
	if k < 0 || !p.padded[k] {
		return nil
	}
	return p.lens[k][:p.n]
}

// SetStart says at which position of their sequences the next Forward's samples
// begin, in a program with Options.Context.
func (p *Program) SetStart(position int) {
	p.start = position
	for i := range p.steps {
		if !p.done(p.steps[i].node) {
			p.steps[i].fwd.Start = position
		}
	}
}

// done reports whether a node has run when the first step did, and is not run again.
func (p *Program) done(node int) bool { return p.start > 0 && p.o.once != nil && p.o.once[node] }

// ResetCarry forgets what layers kept: the next Forward begins anew.
func (p *Program) ResetCarry() { compute.Fill(p.o.Pool, p.carry, 0) }

// CarryArena holds what layers keep from one Forward to the next; empty where
// none does.
func (p *Program) CarryArena() []float32 { return p.carry }
