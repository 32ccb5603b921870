package model

import (
	"layercake/compute"
	"layercake/layers"
)

// folded is what a product multiplies by when the batch norm behind it is
// folded into its weights: w as the layer lays them out, or packed, as its Pack does.
type folded struct {
	w, b   []float32
	packed bool
}

// productLayer is a layer that can run with other weights and another epilogue.
type productLayer interface {
	ForwardWith(p *layers.Pass, w, y []float32, e compute.Epilogue)
}

// packer is a product whose weights can be laid out once for many passes.
type packer interface {
	PackedLen(in compute.Shape) int
	Pack(pool *compute.Pool, in compute.Shape, w, packed []float32)
	ForwardPacked(p *layers.Pass, packed, y []float32, e compute.Epilogue)
}

// foldable is a layer that can be worked into the weights of a product before it.
type foldable interface {
	FoldInto(pool *compute.Pool, w, bias []float32, params, state [][]float32, wOut, bOut []float32)
}

// Fold works every batch norm right behind a conv2d or dense into a copy of
// that layer's weights and bias, as parameters and running statistics are now.
// From then on Forward runs them as one step, with the activation or the sum behind it
// where there is one: same outputs but for rounding, in fewer sweeps.
//
// The copies do not follow the parameters: whoever changes them, the training
// program that shares them included, calls Fold again before the next
// Forward. Until the first call nothing is folded, and while somebody observes
// every node runs by itself. Fold makes room for the copies at its first call, beside
// Bytes. It does nothing to a program that trains.
func (p *Program) Fold() {
	if p.o.Train || p.o.plain {
		return
	}
	if p.folds == nil {
		p.placeFolds()
		p.fuse()
		p.bindRuns()
	}
	for i := range p.steps {
		f, ok := p.folds[i]
		if !ok {
			continue
		}
		product, norm := &p.steps[i], &p.steps[i+1]
		var bias []float32
		if len(product.fwd.Params) > 1 {
			bias = product.fwd.Params[1]
		}
		w := f.w
		if f.packed {
			w = p.scratch[:len(product.fwd.Params[0])]
		}
		norm.layer.(foldable).FoldInto(p.o.Pool, product.fwd.Params[0], bias, norm.fwd.Params, norm.fwd.State, w, f.b)
		if f.packed {
			product.layer.(packer).Pack(p.o.Pool, product.fwd.In[0].Shape, w, f.w)
		}
	}
}

// foldSizes are the floats of all copies, each on a cache line of its own, and
// of room for the largest weights that are packed.
func (p *Program) foldSizes() (floats, room int64) {
	for k := range p.steps {
		if p.foldsAt(k) {
			w, b, plain := p.foldSize(k)
			floats = satAdd(floats, satAdd(roundUp(w, line), roundUp(b, line)))
			room = max(room, plain)
		}
	}
	return floats, room
}

// foldsAt reports whether step k is a product and step k+1 a batch norm that
// can be folded into it.
func (p *Program) foldsAt(k int) bool {
	f := phase{p, false}
	if p.o.Train || p.o.plain || !f.onlyFor(k) {
		return false
	}
	_, product := p.steps[k].layer.(productLayer)
	_, norm := p.steps[k+1].layer.(foldable)
	return product && norm && f.buffer(p.steps[k+1].node) == f.buffer(p.steps[k].node)
}

// foldSize are the floats of step k's weights as they are kept and of one bias
// for each of its channels. Plain is 0, or where the kept ones are packed what
// they take before.
func (p *Program) foldSize(k int) (w, b, plain int64) {
	node := &p.g.Nodes[p.steps[k].node]
	shape := node.Plan.Params[0].Shape
	w, b = shapeSize(shape), int64(shape[len(shape)-1])
	if q, ok := p.steps[k].layer.(packer); ok {
		if n := q.PackedLen(p.g.Nodes[node.In[0]].Plan.Out); n > 0 {
			return int64(n), b, w
		}
	}
	return w, b, 0
}

// placeFolds gives every product that a batch norm is folded into its copies.
func (p *Program) placeFolds() {
	p.folds = map[int]folded{}
	floats, room := p.foldSizes()
	arena := alignedFloats(floats)
	take := func(n int64) []float32 {
		x := arena[:n:n]
		arena = arena[roundUp(n, line):]
		return x
	}
	p.scratch = alignedFloats(room)
	for k := range p.steps {
		if p.foldsAt(k) {
			w, b, plain := p.foldSize(k)
			p.folds[k] = folded{take(w), take(b), plain > 0}
		}
	}
}

// A product, the batch norm folded into it, and what follows: an activation, or a
// sum and perhaps its relu, where the sum lies on what is added.

func matchFolded(p phase, k int) (run, bool) {
	f, ok := p.folds[k]
	if !ok {
		return run{}, false
	}
	norm := k + 1
	r, sum := p.sumAfter(norm)
	in := p.g.Nodes[p.steps[k].node].In[0]
	if sum && p.buffer(r.last) == p.buffer(r.z) && p.buffer(r.z) != p.buffer(in) {
		r.steps++
	} else {
		r = run{steps: 2, z: -1, last: p.steps[norm].node}
		if ceil, ok := p.clampAfter(norm); ok {
			r.steps, r.relu, r.ceil, r.last = 3, true, ceil, p.steps[norm+1].node
		} else if curve, ok := p.curveAfter(norm); ok {
			r.steps, r.curve, r.last = 3, curve, p.steps[norm+1].node
		}
	}
	r.folded = f
	return r, true
}

func runFolded(r *run) {
	e := compute.Epilogue{Bias: r.b, ReLU: r.relu, Ceil: r.ceil, Curve: r.curve, Add: r.z >= 0}
	if r.packed {
		r.first.layer.(packer).ForwardPacked(r.pass, r.w, r.yData, e)
		return
	}
	r.first.layer.(productLayer).ForwardWith(r.pass, r.w, r.yData, e)
}
