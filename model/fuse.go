package model

import (
	"layercake/compute"
	"layercake/layers"
)

// run is one or several neighbouring steps that go forward as one.
type run struct {
	pattern *pattern // nil: a layer alone
	first   *step
	steps   int // how many

	relu  bool
	ceil  float32 // of relu, 0 none
	z     int     // node whose output is added, -1 none
	last  int     // node whose output is written
	zData []float32
	yData []float32
	folded
}

// pattern is one way to run neighbouring steps as one, to the same bits unless
// it says otherwise.
type pattern struct {
	name string
	// match says whether the steps from number k on are such, and how they run.
	match func(p *Program, k int) (run, bool)
	run   func(r *run)
}

// forwardPatterns, those that take in the most first.
var forwardPatterns = []pattern{
	{"conv2d or dense, folded batchnorm, add or relu or both", matchFolded, runFolded},
	{"batchnorm, add, relu or not", matchNormAdd, runNormAdd},
	{"any layer that can, relu", matchReLU, runReLU},
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
		r := run{first: s, steps: 1, z: -1, last: s.node}
		if !p.o.plain {
			for i := range forwardPatterns {
				if m, ok := forwardPatterns[i].match(p, k); ok {
					r = m
					r.first, r.pattern = s, &forwardPatterns[i]
					break
				}
			}
		}
		p.runs = append(p.runs, r)
		k += r.steps
	}
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
}

// forward runs r.
func (r *run) forward() {
	if r.pattern == nil {
		r.first.layer.Forward(&r.first.fwd)
		return
	}
	r.pattern.run(r)
}

// onlyFor reports whether step k+1 is there and alone reads what step k puts out.
func (p *Program) onlyFor(k int) bool {
	if k+1 >= len(p.steps) {
		return false
	}
	node := p.steps[k].node
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
func (p *Program) reluAfter(k int) bool {
	return p.onlyFor(k) && isReLU(p.steps[k+1].layer) &&
		p.plan.nodes[p.steps[k+1].node].out == p.plan.nodes[p.steps[k].node].out
}

// clampAfter is reluAfter for relus with a ceiling too, which is zero for none.
func (p *Program) clampAfter(k int) (ceil float32, ok bool) {
	if p.reluAfter(k) {
		return 0, true
	}
	if !p.onlyFor(k) || p.plan.nodes[p.steps[k+1].node].out != p.plan.nodes[p.steps[k].node].out {
		return 0, false
	}
	e, ok := p.steps[k+1].layer.(*layers.Elementwise)
	if !ok {
		return 0, false
	}
	act, _ := e.Function()
	return 6, act == compute.ActReLU6
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
func (p *Program) sumAfter(k int) (run, bool) {
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
func (p *Program) buffer(i int) int32 { return p.plan.nodes[i].out }

// A layer that can apply a relu to its output as it stores it: one sweep less.

type reluFuser interface{ ForwardReLU(p *layers.Pass) }

func matchReLU(p *Program, k int) (run, bool) {
	_, can := p.steps[k].layer.(reluFuser)
	return run{steps: 2, z: -1, last: p.steps[k].node, relu: true}, can && p.reluAfter(k)
}

func runReLU(r *run) { r.first.layer.(reluFuser).ForwardReLU(&r.first.fwd) }

// The end of a residual block: what is added lies ready when batch norm writes.

type addFuser interface {
	ForwardAdd(p *layers.Pass, z, y []float32, relu bool)
}

func matchNormAdd(p *Program, k int) (run, bool) {
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
	r.first.layer.(addFuser).ForwardAdd(&r.first.fwd, r.zData, r.yData, r.relu)
}
