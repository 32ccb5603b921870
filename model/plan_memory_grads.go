package model

// backward works out, in reverse running order, where each gradient comes to
// lie and what has to be added or copied.
func (p *planner) backward() {
	nodes := p.g.Nodes
	n := len(nodes)
	p.grad = make([]int32, n)
	edges := 0
	for i := range nodes {
		p.grad[i] = -1
		edges += len(nodes[i].In)
	}
	p.held = make([]int32, len(p.buffers), len(p.buffers)+2*n)
	p.ops = make([]gradOp, 0, n+n/4)
	p.din = make([]int32, 0, edges)
	p.add = make([]bool, 0, edges)

	if !p.nodes[p.output].needs {
		return
	}
	p.grad[p.output] = p.newGrad(p.output, int32(n))
	p.held[p.grad[p.output]] = 1
	p.nodes[p.output].dout = p.grad[p.output]
	for i := p.output; i >= 0; i-- {
		p.runSegmentAgain(i)
		b := p.grad[i]
		if b < 0 {
			p.nodes[i].backward = false // nothing that the output depends on smoothly
			continue
		}
		p.nodes[i].dout = b
		if nodes[i].Layer == nil {
			p.reach(b, p.last) // an input's gradient, which the caller asked for
			continue
		}
		p.reach(b, p.backwardTime(i))
		if !p.nodes[i].backward {
			continue
		}
		if nodes[i].Plan.View || nodes[i].Plan.PassesGrad {
			p.handDown(i, b)
		} else {
			p.runBackward(i, b)
		}
		p.held[b]--
	}
}

// newGrad is a new buffer for a gradient of node v's output.
func (p *planner) newGrad(v int, from int32) int32 {
	p.held = append(p.held, 0)
	return p.newBuffer(p.outSize(v), from, from)
}

// take makes buffer b the gradient of node v, in place of what v had.
func (p *planner) take(v int, b int32) {
	if old := p.grad[v]; old >= 0 {
		p.held[old]--
	}
	p.grad[v] = b
	p.held[b]++
}

// op adds an act of node's backward on gradients of v's output.
func (p *planner) op(kind gradOpKind, node int, v int, dst, a, b int32) {
	p.ops = append(p.ops, p.act(kind, node, v, dst, a, b))
}

func (p *planner) act(kind gradOpKind, node int, v int, dst, a, b int32) gradOp {
	at := p.backwardTime(node)
	for _, x := range [3]int32{dst, a, b} {
		if x >= 0 {
			p.reach(x, at)
		}
	}
	return gradOp{kind: kind, node: int32(node), dst: dst, a: a, b: b, size: p.g.Nodes[v].Plan.Out.Size()}
}

// handDown gives node i's gradient, which lies in b, to all of its inputs.
func (p *planner) handDown(i int, b int32) {
	in := p.g.Nodes[i].In
	for k, v := range in {
		if !p.nodes[v].needs {
			continue
		}
		have := p.grad[v]
		switch {
		case have < 0 && !p.o.apart:
			p.take(v, b)
		case have < 0:
			p.take(v, p.newGrad(v, p.backwardTime(i)))
			p.op(opCopy, i, v, p.grad[v], b, -1)
		case p.held[have] == 1 && have != b:
			p.op(opAdd, i, v, have, have, b)
		case k == len(in)-1 && p.held[b] == 1 && !p.o.apart:
			p.op(opAdd, i, v, b, b, have)
			p.take(v, b)
		default:
			own := p.newGrad(v, p.backwardTime(i))
			p.op(opAdd, i, v, own, have, b)
			p.take(v, own)
		}
	}
}

// runBackward gives the inputs of node i, whose gradient lies in b, buffers for
// its Backward to write or add to.
func (p *planner) runBackward(i int, b int32) {
	node, at := &p.g.Nodes[i], p.backwardTime(i)
	p.nodes[i].din = int32(len(p.din))
	p.after = p.after[:0]
	for k, v := range node.In {
		if !p.nodes[v].needs || node.Plan.Tokens {
			p.din, p.add = append(p.din, -1), append(p.add, false)
			continue
		}
		have := p.grad[v]
		again := false // the same node read twice: one call may not do both
		for _, w := range node.In[:k] {
			again = again || w == v
		}
		// DIn[0] may lie on DOut when nobody else holds it and the other
		// inputs' gradients have been seen to lie elsewhere.
		inPlace := k == 0 && (node.Plan.InPlace || node.Plan.GradInPlace) && p.held[b] == 1 && !p.o.apart && p.outSize(v) == p.outSize(i)
		switch {
		case have < 0:
			to := b
			if !inPlace {
				to = p.newGrad(v, at)
			}
			p.take(v, to)
			p.din, p.add = append(p.din, to), append(p.add, false)
		case node.Plan.AddsGrad && !again:
			if p.held[have] > 1 {
				own := p.newGrad(v, at)
				p.op(opCopy, i, v, own, have, -1)
				p.take(v, own)
				have = own
			}
			p.reach(have, at)
			p.din, p.add = append(p.din, have), append(p.add, true)
		default:
			part := b
			if !inPlace {
				part = p.newGrad(v, at)
			}
			p.din, p.add = append(p.din, part), append(p.add, false)
			if p.held[have] == 1 {
				p.after = append(p.after, p.act(opAdd, i, v, have, have, part))
			} else {
				p.after = append(p.after, p.act(opAdd, i, v, part, part, have))
				p.take(v, part)
			}
		}
	}
	p.op(opLayer, i, i, -1, b, -1)
	p.ops = append(p.ops, p.after...)
}
