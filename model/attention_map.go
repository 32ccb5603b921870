package model

import (
	"fmt"

	"layercake/layers"
)

// AttentionMap says what a node attends to in one sample.
type AttentionMap struct {
	Heads, Tq, Tk int
	// Weights is [Heads, Tq, Tk]: the share that each query takes of each key's
	// value. A row adds up to 1, or to 0 where it sees no key.
	Weights []float32
}

// At is the share of key k in what query q of a head gathers.
func (m *AttentionMap) At(head, q, k int) float32 {
	return m.Weights[(head*m.Tq+q)*m.Tk+k]
}

// AttentionMap is the map of a node and a sample of the last Forward, without
// dropout. Nothing of it is kept while the network runs: between Forward for
// training and Backward it is made from what Backward needs; otherwise the samples
// run once more up to the node, and Output does not hold from then on. A network
// with recurrent state of its own is then read from where the last Forward ended. It allocates.
func (p *Program) AttentionMap(node, sample int) (AttentionMap, error) {
	if node < 0 || node >= len(p.g.Nodes) || p.at[node] < 0 {
		return AttentionMap{}, fmt.Errorf("%s: node %d does not run, wants one with attention", p.g.Name, node)
	}
	s := &p.steps[p.at[node]]
	layer, ok := s.layer.(layers.Attender)
	if !ok {
		kind := InputKind
		if k := p.g.Nodes[node].Kind; k != nil {
			kind = k.Name
		}
		return AttentionMap{}, fmt.Errorf("%s (%s): attends to nothing, wants a node with attention", p.g.Nodes[node].Name, kind)
	}
	if sample < 0 || sample >= p.n {
		return AttentionMap{}, fmt.Errorf("%s: sample %d is asked for, and the last batch has %d", p.g.Nodes[node].Name, sample, p.n)
	}
	if p.train && p.plan.nodes[node].again {
		return AttentionMap{}, fmt.Errorf("%s: what its map is made from is not kept from Forward to Backward, since the program recomputes: ask after Backward", p.g.Nodes[node].Name)
	}
	if !p.train {
		carry := append([]float32(nil), p.carry...)
		p.again(node)
		defer copy(p.carry, carry)
	}
	var m AttentionMap
	m.Heads, m.Tq, m.Tk = layer.AttentionSize(&s.fwd)
	m.Weights = make([]float32, m.Heads*m.Tq*m.Tk)
	layer.AttentionMap(&s.fwd, sample, m.Weights)
	return m, nil
}

// again runs the steps up to a node's once more, each by itself.
func (p *Program) again(node int) {
	for k := range p.steps {
		s := &p.steps[k]
		if s.layer != nil && !s.view {
			s.fwd.Train = false
			s.layer.Forward(&s.fwd)
		}
		if s.node == node {
			return
		}
	}
}
