package model

import (
	"layercake/compute"
	"layercake/layers"
)

// run is one or several neighbouring steps that go forward as one.
type run struct {
	pattern *pattern // nil: a layer alone
	first   *step
	pass    *layers.Pass // of first
	steps   int          // how many

	relu  bool
	ceil  float32 // of relu, 0 none
	curve compute.Curve
	z     int // node whose output is added, -1 none
	last  int // node whose output is written
	zData []float32
	yData []float32
	folded
}

// pattern is one way to run neighbouring steps as one, to the same bits unless
// it says otherwise.
type pattern struct {
	name string
	// match says whether the steps from number k on are such, and how they run.
	match func(p phase, k int) (run, bool)
	run   func(r *run)
}

// forwardPatterns, those that take in the most first.
var forwardPatterns = []pattern{
	{"conv2d or dense, folded batchnorm, add or relu or both", matchFolded, runFolded},
	{"batchnorm, add, relu or not", matchNormAdd, runNormAdd},
	{"any layer that can, relu", matchReLU, runReLU},
}

// phase is a Program in its forward pass, or where it runs steps again for
// Backward: there some values lie elsewhere, and not every step runs.
type phase struct {
	*Program
	again bool
}

// fuse makes the list of runs: what can go as one, and the rest one by one.
// Views and inputs do not run.
func (p *Program) fuse() {
	p.runs = p.runs[:0]
	for k := 0; k < len(p.steps); {
		s := &p.steps[k]
		if s.layer == nil || s.view {
			k++
			continue
		}
		r := phase{p, false}.runAt(k)
		p.runs = append(p.runs, r)
		k += r.steps
	}
}

// runAt is the run that begins with step k.
func (p phase) runAt(k int) run {
	s := &p.steps[k]
	r := run{steps: 1, z: -1, last: s.node}
	if !p.o.plain {
		for i := range forwardPatterns {
			if m, ok := forwardPatterns[i].match(p, k); ok {
				r = m
				r.pattern = &forwardPatterns[i]
				break
			}
		}
	}
	r.first, r.pass = s, &s.fwd
	if p.again {
		r.pass = &s.again
	}
	return r
}

// bindRuns sets the windows of runs after those of steps.
func (p *Program) bindRuns() {
	for i := range p.runs {
		r := &p.runs[i]
		r.yData = p.value(r.last).Data
		if r.z >= 0 {
			r.zData = p.value(r.z).Data
		}
	}
	for i := range p.reruns {
		r := &p.reruns[i]
		r.yData = p.valueB(r.last).Data
		if r.z >= 0 {
			r.zData = p.valueB(r.z).Data
		}
	}
}

// forward runs r.
func (r *run) forward() {
	if r.pattern == nil {
		r.first.layer.Forward(r.pass)
		return
	}
	r.pattern.run(r)
}

// onlyFor reports whether step k+1 runs too and alone reads what step k puts out.
func (p phase) onlyFor(k int) bool {
	if k+1 >= len(p.steps) {
		return false
	}
	node := p.steps[k].node
	if next := &p.plan.nodes[p.steps[k+1].node]; p.again && (!next.again || next.segment != p.plan.nodes[node].segment) {
		return false
	}
	return p.readers[node] == 1 && node != p.plan.output && contains(p.g.Nodes[p.steps[k+1].node].In, node)
}

func contains(list []int, x int) bool {
	for _, v := range list {
		if v == x {
			return true
		}
	}
	return false
}

// countReaders counts, by node, how often others that run read its output.
func (p *Program) countReaders() {
	p.readers = make([]int32, len(p.g.Nodes))
	for k := range p.steps {
		for _, v := range p.g.Nodes[p.steps[k].node].In {
			p.readers[v]++
		}
	}
}

// reluAfter reports whether step k+1 is a relu that works in place on what
// step k puts out.
func (p phase) reluAfter(k int) bool {
	return p.onlyFor(k) && isReLU(p.steps[k+1].layer) && p.buffer(p.steps[k+1].node) == p.buffer(p.steps[k].node)
}

// clampAfter is reluAfter for relus with a ceiling too, which is zero for none.
func (p phase) clampAfter(k int) (ceil float32, ok bool) {
	if p.reluAfter(k) {
		return 0, true
	}
	if !p.onlyFor(k) || p.buffer(p.steps[k+1].node) != p.buffer(p.steps[k].node) {
		return 0, false
	}
	e, ok := p.steps[k+1].layer.(*layers.Elementwise)
	if !ok {
		return 0, false
	}
	act, _ := e.Function()
	return 6, act == compute.ActReLU6
}

// curveAfter reports whether step k+1 is an activation that works in place on
// what step k puts out, and which.
func (p phase) curveAfter(k int) (compute.Curve, bool) {
	if !p.onlyFor(k) || p.buffer(p.steps[k+1].node) != p.buffer(p.steps[k].node) {
		return compute.Curve{}, false
	}
	e, ok := p.steps[k+1].layer.(*layers.Elementwise)
	if !ok {
		return compute.Curve{}, false
	}
	act, alpha := e.Function()
	return compute.Curve{On: true, Act: act, Alpha: alpha}, true
}

func isReLU(l layers.Layer) bool {
	e, ok := l.(*layers.Elementwise)
	if !ok {
		return false
	}
	act, _ := e.Function()
	return act == compute.ActReLU
}

// sumAfter reports whether step k+1 adds what step k puts out to another
// node's output and to nothing else, and perhaps a relu follows. The run then
// covers k and those.
func (p phase) sumAfter(k int) (run, bool) {
	if !p.onlyFor(k) {
		return run{}, false
	}
	sum := &p.steps[k+1]
	in := p.g.Nodes[sum.node].In
	if _, ok := sum.layer.(*layers.Add); !ok || len(in) != 2 || in[0] == in[1] {
		return run{}, false
	}
	r := run{steps: 2, z: in[0], last: sum.node}
	if r.z == p.steps[k].node {
		r.z = in[1]
	}
	if p.reluAfter(k + 1) {
		r.steps, r.relu, r.last = 3, true, p.steps[k+2].node
	}
	return r, true
}

// buffer is where node i's output lies.
func (p phase) buffer(i int) int32 {
	if p.again {
		return p.plan.nodes[i].outB
	}
	return p.plan.nodes[i].out
}

// A layer that can apply a relu to its output as it stores it: one sweep less.

type reluFuser interface{ ForwardReLU(p *layers.Pass) }

func matchReLU(p phase, k int) (run, bool) {
	_, can := p.steps[k].layer.(reluFuser)
	return run{steps: 2, z: -1, last: p.steps[k].node, relu: true}, can && p.reluAfter(k)
}

func runReLU(r *run) { r.first.layer.(reluFuser).ForwardReLU(r.pass) }

// The end of a residual block: what is added lies ready when batch norm writes.

type addFuser interface {
	ForwardAdd(p *layers.Pass, z, y []float32, relu bool)
}

func matchNormAdd(p phase, k int) (run, bool) {
	r, ok := p.sumAfter(k)
	if _, can := p.steps[k].layer.(addFuser); !ok || !can {
		return run{}, false
	}
	// The sum is made when the norm would be: its memory must be one that
	// is in use by then, and not what the norm reads in training.
	node, y := p.steps[k].node, p.buffer(r.last)
	ok = y == p.buffer(node) || y == p.buffer(r.z)
	return r, ok && (!p.o.Train || y != p.buffer(p.g.Nodes[node].In[0]))
}

func runNormAdd(r *run) {
	r.first.layer.(addFuser).ForwardAdd(r.pass, r.zData, r.yData, r.relu)
}
