package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// recurrentCase is a recurrence over random numbers.
type recurrentCase struct {
	cell           Cell
	n, units, t    int
	lens           []int32
	reverse, fresh bool
	asItIs         bool      // forward with weights that are not packed
	u              []float32 // weights of the state
	runs           [2]Recurrence
}

var recurrentCases = []recurrentCase{
	{cell: CellTanh, n: 1, units: 1, t: 1},
	{cell: CellTanh, n: 5, units: 17, t: 4, lens: []int32{4, 0, 2, 1, 3}},
	{cell: CellReLU, n: 3, units: 8, t: 3, reverse: true},
	{cell: CellLSTM, n: 2, units: 7, t: 3, fresh: true},
	{cell: CellLSTM, n: recurrentRows + 1, units: 33, t: 3},
	{cell: CellLSTM, n: 4, units: 24, t: 5, lens: []int32{5, 2, 2, 4}, reverse: true, fresh: true},
	{cell: CellLSTM, n: 2, units: 129, t: 2},
	{cell: CellGRU, n: 2, units: 7, t: 3, fresh: true},
	{cell: CellGRU, n: recurrentRows + 1, units: 33, t: 3},
	{cell: CellGRU, n: 4, units: 24, t: 5, lens: []int32{5, 2, 2, 4}, reverse: true, fresh: true},
	{cell: CellGRU, n: 2, units: 400, t: 2},
	{cell: CellTanh, n: 1, units: 9, t: 3, asItIs: true},
	{cell: CellLSTM, n: 1, units: rowStrip + 1, t: 3, lens: []int32{2}, asItIs: true},
	{cell: CellLSTM, n: 1, units: 200, t: 2, reverse: true, fresh: true, asItIs: true},
	{cell: CellGRU, n: 1, units: rowStrip - 1, t: 3, asItIs: true},
	{cell: CellGRU, n: 1, units: 130, t: 2, fresh: true, asItIs: true},
}

func (c *recurrentCase) String() string {
	return fmt.Sprintf("cell=%d,n=%d,units=%d,t=%d,lens=%v,reverse=%v,packed=%v", c.cell, c.n, c.units, c.t, c.lens, c.reverse, !c.asItIs)
}

// fill gives c numbers of its own and packs the weights.
func (c *recurrentCase) fill(t testing.TB) (check func()) {
	r := rand.New(rand.NewPCG(3, uint64(c.units)))
	var checks []func()
	make := func(n int, scale float64) []float32 {
		x, f := fenced(t, r, n)
		checks = append(checks, f)
		for i := range x {
			x[i] *= float32(scale)
		}
		return x
	}
	c.u = make(c.units*c.units*c.cell.Products(), 1/math.Sqrt(float64(c.units)))
	w := Recurrence{
		Cell: c.cell, N: c.n, Units: c.units, Steps: c.t, Lens: c.lens, Reverse: c.reverse, Fresh: c.fresh,
		GatesRow: c.cell.Gates()*c.units + 3, StatesRow: c.units + 5, CellsStep: c.n * c.units,
		Bias: make(c.units, 1),
	}
	w.Gates = make(c.t*c.n*w.GatesRow, 1)
	w.States, w.DStates = make((c.t+2)*c.n*w.StatesRow, 1), make((c.t+2)*c.n*w.StatesRow, 1)
	w.Cells, w.Tanh = make((c.t+2)*w.CellsStep, 1), make((c.t+2)*w.CellsStep, 1)
	w.DCells = make(w.CellsStep, 0)
	if c.fresh {
		clear(w.States)
		clear(w.Cells)
	}
	w.Weights = make(PackRecurrentSize(c.cell, c.units), 1)
	PackRecurrent(nil, c.cell, c.units, c.u, w.Weights, false)
	c.runs = [2]Recurrence{w}
	return func() {
		for _, f := range checks {
			f()
		}
	}
}

// plainCell is a recurrence of one sample in float64, step by step.
type plainCell struct {
	*recurrentCase
	r            Recurrence
	sample       int
	gates, h, dh [][]float64 // by step, by block
	c            [][]float64
}

func doubles(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func (c *recurrentCase) plain(sample int) *plainCell {
	p := &plainCell{recurrentCase: c, r: c.runs[0], sample: sample}
	for t := range c.t {
		p.gates = append(p.gates, doubles(p.r.gates(t, sample)[:c.cell.Gates()*c.units]))
	}
	for b := range c.t + 2 {
		at := (b*c.n + sample) * p.r.StatesRow
		p.h = append(p.h, doubles(p.r.States[at:][:c.units]))
		p.dh = append(p.dh, doubles(p.r.DStates[at:][:c.units]))
		p.c = append(p.c, doubles(p.r.Cells[(b*c.n+sample)*c.units:][:c.units]))
	}
	return p
}

func (p *plainCell) done(t int) bool { return p.lens != nil && t >= int(p.lens[p.sample]) }

// order is the steps in the order in which they are taken.
func (p *plainCell) order() (steps []int) {
	for t := range p.t {
		steps = append(steps, t)
	}
	if p.reverse {
		slices.Reverse(steps)
	}
	return steps
}

func (p *plainCell) forward() {
	h, cols := p.units, p.units*p.cell.Products()
	for _, t := range p.order() {
		before := p.r.before(t)
		if p.done(t) {
			clear(p.h[t+1])
			copy(p.c[t+1], p.c[before])
			continue
		}
		g := p.gates[t]
		if p.cell == CellGRU {
			for j := range h {
				g[3*h+j] = float64(p.r.Bias[j])
			}
		}
		for i, v := range p.h[before] {
			for j := range cols {
				q := j / h
				g[p.cell.place(q)*h+j%h] += v * float64(p.u[i*cols+j])
			}
		}
		for j := range h {
			switch p.cell {
			case CellTanh:
				p.h[t+1][j] = math.Tanh(g[j])
			case CellReLU:
				p.h[t+1][j] = math.Max(g[j], 0)
			case CellLSTM:
				i, f, n, o := sigmoid(g[j]), sigmoid(g[h+j]), math.Tanh(g[2*h+j]), sigmoid(g[3*h+j])
				g[j], g[h+j], g[2*h+j], g[3*h+j] = i, f, n, o
				p.c[t+1][j] = f*p.c[before][j] + i*n
				p.h[t+1][j] = o * math.Tanh(p.c[t+1][j])
			case CellGRU:
				r, z := sigmoid(g[j]), sigmoid(g[h+j])
				n := math.Tanh(g[2*h+j] + r*g[3*h+j])
				g[j], g[h+j], g[2*h+j] = r, z, n
				p.h[t+1][j] = (1-z)*n + z*p.h[before][j]
			}
		}
	}
}

func (p *plainCell) backward() {
	h, cols := p.units, p.units*p.cell.Products()
	steps := p.order()
	slices.Reverse(steps)
	dc := make([]float64, h)
	for _, t := range steps {
		g, dh, before := p.gates[t], p.dh[t+1], p.r.before(t)
		if p.done(t) {
			clear(g)
			clear(dc)
			continue
		}
		for j, d := range dh {
			switch p.cell {
			case CellTanh:
				g[j] = d * (1 - p.h[t+1][j]*p.h[t+1][j])
			case CellReLU:
				g[j] = 0
				if p.h[t+1][j] > 0 {
					g[j] = d
				}
			case CellLSTM:
				i, f, n, o := g[j], g[h+j], g[2*h+j], g[3*h+j]
				th := math.Tanh(p.c[t+1][j])
				e := dc[j] + d*o*(1-th*th)
				dc[j] = e * f
				g[j], g[h+j], g[2*h+j], g[3*h+j] = e*n*i*(1-i), e*p.c[before][j]*f*(1-f), e*i*(1-n*n), d*th*o*(1-o)
			case CellGRU:
				r, z, n, own := g[j], g[h+j], g[2*h+j], g[3*h+j]
				p.dh[before][j] += d * z
				dn := d * (1 - z) * (1 - n*n)
				g[j], g[h+j], g[2*h+j], g[3*h+j] = dn*own*r*(1-r), d*(p.h[before][j]-n)*z*(1-z), dn, dn*r
			}
		}
		for i := range h {
			for j := range cols {
				p.dh[before][i] += g[p.cell.place(j/h)*h+j%h] * float64(p.u[i*cols+j])
			}
		}
	}
}

// TestRecurrent compares both ways with plain loops in float64.
func TestRecurrent(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, c := range recurrentCases {
			t.Run(c.String(), func(t *testing.T) {
				check := c.fill(t)
				r := c.runs[0]
				var plain []*plainCell
				for i := range c.n {
					plain = append(plain, c.plain(i))
					plain[i].forward()
				}
				if c.asItIs && PlainRecurrent(c.n) {
					c.runs[0].Plain, c.runs[0].Weights = true, c.u
				}
				RecurrentForward(nil, c.runs, 0, c.t)
				c.runs[0] = r
				for i, p := range plain {
					for k := range c.t {
						if !p.done(k) {
							within(t, "gates", r.gates(k, i)[:len(p.gates[k])], p.gates[k], 1e-5, 1e-5)
						}
						within(t, "states", r.States[((k+1)*c.n+i)*r.StatesRow:][:c.units], p.h[k+1], 1e-5, 1e-5)
						if c.cell == CellLSTM {
							within(t, "cells", r.Cells[((k+1)*c.n+i)*c.units:][:c.units], p.c[k+1], 1e-5, 1e-5)
						}
					}
					p.backward()
				}
				PackRecurrent(nil, c.cell, c.units, c.u, r.Weights, true)
				RecurrentBackward(nil, c.runs)
				for i, p := range plain {
					for k := range c.t {
						within(t, "gradients of gates", r.gates(k, i)[:len(p.gates[k])], p.gates[k], 1e-4, 2e-5)
					}
				}
				check()
			})
		}
	})
}

// TestRecurrentThreads wants the same bits for any number of threads, and for
// both directions beside each other as for each alone.
func TestRecurrentThreads(t *testing.T) {
	for _, cell := range []Cell{CellTanh, CellLSTM, CellGRU} {
		var want []float32
		for _, threads := range []int{1, 2, 3} {
			p := NewPool(threads)
			a := recurrentCase{cell: cell, n: 50, units: 70, t: 6}
			a.fill(t)
			b := recurrentCase{cell: cell, n: 50, units: 70, t: 6, reverse: true}
			b.fill(t)
			if threads == 1 {
				for _, c := range []*recurrentCase{&a, &b} {
					RecurrentForward(p, c.runs, 0, c.t)
					PackRecurrent(p, cell, c.units, c.u, c.runs[0].Weights, true)
					RecurrentBackward(p, c.runs)
				}
			} else {
				both := [2]Recurrence{a.runs[0], b.runs[0]}
				RecurrentForward(p, both, 0, a.t)
				for _, c := range []*recurrentCase{&a, &b} {
					PackRecurrent(p, cell, c.units, c.u, c.runs[0].Weights, true)
				}
				RecurrentBackward(p, both)
			}
			p.Close()
			got := slices.Concat(a.runs[0].Gates, a.runs[0].States, b.runs[0].Gates, b.runs[0].States, a.runs[0].DStates)
			if threads == 1 {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("cell %d: %d threads give other numbers than one", cell, threads)
			}
		}
	}
}

// A single sample's weights are shared out by units, to the same bits.
func TestRecurrentPlainThreads(t *testing.T) {
	if !PlainRecurrent(1) {
		t.Skip("this machine packs the weights of a single sample too")
	}
	for _, cell := range []Cell{CellTanh, CellLSTM, CellGRU} {
		var want []float32
		for _, threads := range []int{1, 2, 3} {
			p := NewPool(threads)
			c := recurrentCase{cell: cell, n: 1, units: 300, t: 3}
			c.fill(t)
			c.runs[0].Plain, c.runs[0].Weights = true, c.u
			RecurrentForward(p, c.runs, 0, c.t)
			p.Close()
			if got := slices.Concat(c.runs[0].Gates, c.runs[0].States); want == nil {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("cell %d: %d threads give other numbers than one", cell, threads)
			}
		}
	}
}

// TestStepsAndSamples turns sequences to the order of time and back.
func TestStepsAndSamples(t *testing.T) {
	const n, steps, used, f = 3, 4, 3, 2
	x := make([]float32, n*steps*f)
	for i := range x {
		x[i] = float32(i + 1)
	}
	y, back := make([]float32, used*n*f), make([]float32, len(x))
	SamplesToSteps(nil, n, steps, used, f, x, y)
	StepsToSamples(nil, n, steps, used, f, y, back)
	for i := range n {
		for s := range steps {
			for j := range f {
				at := (i*steps+s)*f + j
				want := x[at]
				if s >= used {
					want = 0
				} else if got := y[(s*n+i)*f+j]; got != want {
					t.Errorf("step %d of sample %d is %v, want %v", s, i, got, want)
				}
				if back[at] != want {
					t.Errorf("back at sample %d, step %d: %v, want %v", i, s, back[at], want)
				}
			}
		}
	}
}
