package model

import (
	"layercake/compute"
	"layercake/layers"
)

// fusion says how a step runs forward.
type fusion uint8

const (
	alone       fusion = iota
	withReLU           // its layer applies the relu that follows
	fusedBefore        // done by the step before it
)

// reluFuser is a layer that can apply a relu to its output as it stores it:
// the same bits as Forward and then relu, one sweep over memory less.
type reluFuser interface{ ForwardReLU(p *layers.Pass) }

// fuse finds steps that can run as one. A relu that works in place on the output
// of a layer that can apply it is left to that layer. Backward is not touched:
// a relu reads its output alone, which is the same.
func (p *Program) fuse() {
	p.fused = make([]fusion, len(p.steps))
	if p.o.plain {
		return
	}
	for k := 1; k < len(p.steps); k++ {
		s, before := &p.steps[k], &p.steps[k-1]
		node := &p.g.Nodes[s.node]
		if !isReLU(s.layer) || node.In[0] != before.node {
			continue
		}
		_, can := before.layer.(reluFuser)
		if can && p.plan.nodes[s.node].out == p.plan.nodes[before.node].out {
			p.fused[k-1], p.fused[k] = withReLU, fusedBefore
		}
	}
}

func isReLU(l layers.Layer) bool {
	e, ok := l.(*layers.Elementwise)
	if !ok {
		return false
	}
	act, _ := e.Function()
	return act == compute.ActReLU
}

// forwardStep runs step k, which is no view and not done before.
func (p *Program) forwardStep(k int, f fusion) {
	s := &p.steps[k]
	if f == withReLU {
		s.layer.(reluFuser).ForwardReLU(&s.fwd)
		return
	}
	s.layer.Forward(&s.fwd)
}
