package model

import (
	"fmt"
	"time"
	"unsafe"

	"layercake/compute"
)

// Batch is the most samples that one Forward takes.
func (p *Program) Batch() int { return p.o.Batch }

// Inputs are the windows to write samples to before Forward, in the order of
// Graph.Inputs, with room for Batch samples: images as [N, H, W, C]. Forward
// leaves them as they are. An input that the output does not depend on has no data.
func (p *Program) Inputs() []compute.Tensor {
	in := make([]compute.Tensor, len(p.inputs))
	for k := range in {
		in[k] = p.inputRoom(k)
	}
	return in
}

// LendInput says where the samples of input k lie, laid out as Inputs are and
// untouched until after Backward: nothing is copied. It is for programs with
// Options.LendInputs, before each Forward for which they lie elsewhere.
func (p *Program) LendInput(k int, x []float32) {
	b := p.plan.nodes[p.inputs[k]].out
	if b < 0 {
		return // nothing depends on it
	}
	if l := &p.lent[b]; len(l.x) != len(x) || unsafe.SliceData(l.x) != unsafe.SliceData(x) {
		l.x, p.moved = x, true
	}
}

// Input is Inputs()[k], without garbage.
func (p *Program) Input(k int) compute.Tensor { return p.inputRoom(k) }

func (p *Program) inputRoom(k int) compute.Tensor {
	i := p.inputs[k]
	t := compute.Tensor{Shape: p.g.Nodes[i].Plan.Out}
	if b := p.plan.nodes[i].out; b >= 0 {
		t.Data = p.window(b, p.o.Batch*t.Shape.Size())
	}
	return t
}

// Output is what the network puts out for the samples of the last Forward. It
// is valid until Backward or the next Forward. With Options.Logits it is what feeds
// a last softmax.
func (p *Program) Output() compute.Tensor { return p.value(p.plan.output) }

// OutputGrad is where the loss writes its gradient by Output between Forward
// and Backward. It has no data when nothing is to be trained.
func (p *Program) OutputGrad() compute.Tensor { return p.gradient(p.plan.output) }

// InputGrad is the gradient of input k after Backward; without
// Options.InputGrads, and for token ids, it has no data.
func (p *Program) InputGrad(k int) compute.Tensor { return p.gradient(p.inputs[k]) }

// SetStep gives the step from which Pass.Seed is made: a step run again drops
// the same units.
func (p *Program) SetStep(step uint64) { p.step = step }

// Params are the trained tensors in node order, tied ones once.
func (p *Program) Params() []ParamRef { return p.owned }

// State are the tensors that are kept but not trained.
func (p *Program) State() []ParamRef { return p.state }

// ParamArena holds all parameters: those of Params in order, each on a
// 64-byte boundary, zeros between.
func (p *Program) ParamArena() []float32 { return p.params }

// GradArena holds all gradients, laid out as ParamArena; nil without training.
func (p *Program) GradArena() []float32 { return p.dparams }

// ClearGrads lets the gradients of parameters go: the next Backward writes them,
// those after it add. Until then GradArena holds what it held. It costs nothing.
func (p *Program) ClearGrads() { p.fresh = true }

// Bytes is the memory of all arenas.
func (p *Program) Bytes() int64 { return p.plan.Bytes() }

// ActivationBytes is the memory of outputs, their gradients and what layers keep.
func (p *Program) ActivationBytes() int64 { return p.plan.ActivationBytes() }

// Forward runs the network on the first n samples of Inputs. With train,
// batch statistics and dropout are on and Backward may follow.
func (p *Program) Forward(n int, train bool) {
	if n < 1 || n > p.o.Batch || train && !p.o.Train {
		panic(fmt.Sprintf("model: Forward(%d, %v) of a program for %d samples, Train %v", n, train, p.o.Batch, p.o.Train))
	}
	if n != p.n || p.moved {
		p.resize(n)
	}
	p.train = train
	p.tellLens()
	for k := range p.steps {
		s := &p.steps[k]
		s.fwd.Train, s.again.Train, s.bwd.Train = train, train, train
		s.fwd.Seed = mix(s.hash + p.step)
		s.again.Seed, s.bwd.Seed = s.fwd.Seed, s.fwd.Seed
		if train && s.again.Carry != nil {
			copy(s.again.Carry, s.fwd.Carry)
		}
	}
	if p.observe != nil {
		p.forwardObserved()
		return
	}
	for k := range p.runs {
		r := &p.runs[k]
		if p.done(r.first.node) {
			continue
		}
		if p.timing {
			start := time.Now()
			r.forward()
			p.timeF[r.first.node] += time.Since(start)
			continue
		}
		r.forward()
	}
}

// forwardObserved runs the steps one by one: everybody's output is to be seen.
func (p *Program) forwardObserved() {
	for k := range p.steps {
		s := &p.steps[k]
		if s.layer != nil && !s.view {
			start := time.Now()
			s.layer.Forward(&s.fwd)
			if p.timing {
				p.timeF[s.node] += time.Since(start)
			}
		}
		p.observe(s.node, s.fwd.Out)
	}
}

// Backward adds the gradients of the parameters by what OutputGrad holds to
// GradArena, or writes them after Compile and ClearGrads. It follows Forward(n, true), once.
func (p *Program) Backward() {
	if !p.train {
		panic("model: Backward without Forward for training")
	}
	p.train = false
	for k := range p.grads {
		a := &p.grads[k]
		if p.timing {
			start := time.Now()
			p.backwardAct(a)
			p.timeB[a.node] += time.Since(start)
			continue
		}
		p.backwardAct(a)
	}
	p.fresh = false
}

func (p *Program) backwardAct(a *gradAct) {
	switch a.kind {
	case opLayer:
		s := &p.steps[a.step]
		s.bwd.Fresh = p.fresh && a.first
		if s.bwd.Fresh && (p.o.plain || !p.g.Nodes[s.node].Plan.WritesGrads) {
			s.bwd.Fresh = false
			for _, g := range s.bwd.Grads {
				compute.Clear(p.o.Pool, g)
			}
		}
		if a.relu < 0 {
			s.layer.Backward(&s.bwd)
			return
		}
		norm, relu := s.layer.(normGradFuser), &p.steps[a.relu]
		if a.masks {
			norm.BackwardMasked(&s.bwd, relu.bwd.Out.Data, relu.bwd.DOut.Data)
			return
		}
		norm.BackwardReLU(&s.bwd, relu.bwd.DOut.Data)
	case opAdd:
		switch a.dst {
		case a.a:
			compute.AddTo(p.o.Pool, a.x, a.z)
		case a.b:
			compute.AddTo(p.o.Pool, a.x, a.y)
		default:
			compute.Add(p.o.Pool, a.y, a.z, a.x)
		}
	case opCopy:
		compute.Copy(p.o.Pool, a.x, a.y)
	case opForward:
		p.reruns[a.rerun].forward()
	}
}

// Observe has f called in every Forward with each node's output right after
// it is made, before anything may overwrite it: inputs and views too. Nil
// switches it off; it then costs nothing. Fused steps run one by one while
// observed.
func (p *Program) Observe(f func(node int, out compute.Tensor)) { p.observe = f }

// Timing starts or stops measuring nodes; starting sets NodeTimes to zero.
// Stopped it costs nothing.
func (p *Program) Timing(on bool) {
	if on && !p.timing {
		p.ResetTimes()
	}
	p.timing = on
}

// ResetTimes sets NodeTimes to zero.
func (p *Program) ResetTimes() {
	clear(p.timeF)
	clear(p.timeB)
}

// NodeTimes are the times spent in each node of the graph since Timing was
// switched on or reset. What was fused counts for the first node of it, what
// runs again for Backward to its backward time. The slices stay the program's.
func (p *Program) NodeTimes() (forward, backward []time.Duration) { return p.timeF, p.timeB }
