package model

import "layercake/layers"

// normGradFuser is a layer whose Backward can take in that of a relu behind it.
type normGradFuser interface {
	// BackwardReLU: the relu reads the layer's output, dy is its gradient.
	BackwardReLU(p *layers.Pass, dy []float32)
	// BackwardMasked: y is the relu's output, dy its gradient. What passes the
	// relu is to be written to p.DOut, for others read it.
	BackwardMasked(p *layers.Pass, y, dy []float32)
}

// fuseBackward joins acts of a relu and of the batch norm before it, to the
// same bits. The relu may read the norm, or a sum that does: sums hand their
// gradient down without an act of their own.
func (p *Program) fuseBackward() {
	for i := range p.grads {
		p.grads[i].relu = -1
	}
	if p.o.plain {
		return
	}
	kept := p.grads[:0]
	for i := 0; i < len(p.grads); i++ {
		a := p.grads[i]
		if i+1 < len(p.grads) && p.joins(&a, &p.grads[i+1]) {
			next := p.grads[i+1]
			relu, norm := p.steps[a.step].node, p.steps[next.step].node
			next.relu = a.step
			next.masks = p.g.Nodes[relu].In[0] != norm || p.readers[norm] != 1
			a = next
			i++
		}
		kept = append(kept, a)
	}
	p.grads = kept
}

// joins reports whether a is a relu's act, b a batch norm's, and what a writes
// is what b reads.
func (p *Program) joins(a, b *gradAct) bool {
	if a.kind != opLayer || b.kind != opLayer {
		return false
	}
	relu, norm := &p.steps[a.step], &p.steps[b.step]
	if _, ok := norm.layer.(normGradFuser); !ok || !isReLU(relu.layer) {
		return false
	}
	din := p.plan.nodes[relu.node].din
	return din >= 0 && !p.plan.add[din] && p.plan.din[din] >= 0 &&
		p.plan.din[din] == p.plan.nodes[norm.node].dout &&
		p.g.Nodes[relu.node].Plan.Out.Size() == p.g.Nodes[norm.node].Plan.Out.Size()
}
