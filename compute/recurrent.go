package compute

// Cell is the rule by which a recurrent layer makes its next state from the
// last one, h₋, and an input x. σ is the sigmoid, a gate's a stands for
// x·W + b + h₋·U + c with weights of its own:
//
//	CellTanh  h = tanh(a)
//	CellReLU  h = max(a, 0)
//	CellLSTM  c = σ(f)·c₋ + σ(i)·tanh(g)     h = σ(o)·tanh(c)
//	CellGRU   n = tanh(x·W + b + σ(r)·(h₋·U + c))     h = n + σ(z)·(h₋ − n)
//
// In the memory of gates a unit has one number for each gate: i f g o of the
// LSTM, r z n of the GRU, and the GRU's fourth is h₋·U + c of n. Weights have
// the first ones alone, in this order, which is PyTorch's.
type Cell int

const (
	CellTanh Cell = iota
	CellReLU
	CellLSTM
	CellGRU
)

// Gates is how many numbers a unit has in the memory of gates.
func (c Cell) Gates() int {
	if c < CellLSTM {
		return 1
	}
	return 4
}

// Products is how many columns of the weights a unit has.
func (c Cell) Products() int {
	switch c {
	case CellLSTM:
		return 4
	case CellGRU:
		return 3
	}
	return 1
}

// place is where in the memory of gates product q goes, and where its gradient
// is found: only the GRU's third is not kept with what came from the input.
func (c Cell) place(q int) int {
	if c == CellGRU && q == 2 {
		return 3
	}
	return q
}

// Recurrence is one direction of a recurrent layer over N sequences of Steps
// steps. Memory is ordered by time, then sample, so that a step's rows follow
// each other. States have a block of rows in front of the first step and one
// behind the last: the step's own state is in block t+1, and the one it
// starts from in block t, or t+2 if time runs backward.
//
// A sample is done after Lens steps, if that is not nil: from there on its
// states are 0, its cells stay as they are, and no gradient comes from there.
// Backward in time that makes it start at its last used step.
type Recurrence struct {
	Cell     Cell
	N, Units int
	Steps    int
	Lens     []int32
	Reverse  bool
	Fresh    bool // the state before the first step is zeros

	Gates     []float32 // [Steps from First on, N, GatesRow]; x·W + b before, activations after, at last gradients
	GatesRow  int       // at least Gates·Units
	First     int
	States    []float32 // [Steps+2, N, StatesRow], of which Units columns
	StatesRow int
	Cells     []float32 // of the LSTM: [Steps+2, N, Units], or [N, Units] if CellsStep is 0
	Tanh      []float32 // tanh of the cells, the same
	CellsStep int       // N·Units or 0

	Weights []float32 // packed by PackRecurrent, or with Plain [Units, Products·Units] as they came
	Plain   bool      // forward only, and where PlainRecurrent says so
	Bias    []float32 // the GRU's c of n, or nil

	DStates []float32 // as States, of the same distance between rows
	DCells  []float32 // [N, Units], zeros before the last step
}

// recurrentGroup is the number of units whose gates are worked out together from
// packed weights, and recurrentRows that of samples.
const (
	recurrentGroup = tileWidth
	recurrentRows  = 16
)

// PackRecurrentSize is how many floats the weights of a state of so many units
// take when they are packed.
func PackRecurrentSize(cell Cell, units int) int {
	return roundUp(units, recurrentGroup) * units * cell.Products()
}

// PlainRecurrent says that n samples need no packed weights to go forward: a single
// one uses each weight once a step, and reads it where it lies.
func PlainRecurrent(n int) bool { return n == 1 }

// group is the number of units whose gates are worked out together.
func (r *Recurrence) group() int {
	if r.Plain {
		return rowStrip
	}
	return recurrentGroup
}

type packRecurrentArgs struct {
	kern     *gemmKernel
	products int
	units    int
	w, dst   []float32
	backward bool
}

// PackRecurrent copies w into the order in which RecurrentForward, or
// RecurrentBackward, reads it: sixteen units at a time.
//
//	w [units, Products·units]
func PackRecurrent(p *Pool, cell Cell, units int, w, dst []float32, backward bool) {
	a := packRecurrentArgs{kernelInUse, cell.Products(), units, w, dst, backward}
	For(p, roundUp(units, recurrentGroup)/recurrentGroup, 1, a, func(a *packRecurrentArgs, _ *Worker, lo, hi int) {
		row := a.products * a.units
		for g := lo; g < hi; g++ {
			u := g * recurrentGroup
			cols := min(recurrentGroup, a.units-u)
			dst := a.dst[u*row:][:recurrentGroup*row]
			if a.backward {
				a.kern.pack(dst, a.w[u*row:], row, cols, row)
				continue
			}
			for q := range a.products {
				packRows(a.kern, dst[q*recurrentGroup*a.units:], a.w[q*a.units+u:], row, cols, a.units)
			}
		}
	})
}

// recurrentArgs is a stretch of steps of one or two directions. A strand is
// one direction of the samples of a block: strands know nothing of each other.
type recurrentArgs struct {
	kern     *gemmKernel
	runs     [2]Recurrence
	backward bool
	from, to int // steps, counted in the direction of each
	blocks   int // of rows
	groups   int // of units
	strands  int
}

// RecurrentForward takes steps from to to, counted in the order in which they
// are taken, of one direction, or of two beside each other: the second is left
// out if its Steps is 0. Both have the same sizes.
//
// It writes States and Cells, and turns Gates into their activations.
func RecurrentForward(p *Pool, runs [2]Recurrence, from, to int) {
	recurrent(p, runs, false, from, to)
}

// RecurrentBackward takes all steps back. DStates holds the gradients of the
// states but for what they owe to later steps, which is added; DCells is
// changed. Gates become the gradients of what they were made from.
func RecurrentBackward(p *Pool, runs [2]Recurrence) {
	recurrent(p, runs, true, 0, runs[0].Steps)
}

// recurrent shares work in one of two ways, to the same bits. Where threads
// can have as many strands each, every strand goes through all steps by itself:
// no thread waits for others, and a state stays with the core that made it. Else
// the threads share the units of all strands, and meet after each step.
func recurrent(p *Pool, runs [2]Recurrence, backward bool, from, to int) {
	r := &runs[0]
	a := recurrentArgs{kern: kernelInUse, runs: runs, backward: backward, from: from, to: to}
	a.blocks = (r.N + recurrentRows - 1) / recurrentRows
	units, task := r.group(), mulTask/4
	if r.Plain {
		task = rowTask
	}
	a.groups = (r.Units + units - 1) / units
	a.strands = a.blocks
	if runs[1].Steps > 0 {
		a.strands *= 2
	}
	group := min(r.N, recurrentRows) * r.Units * units * r.Cell.Products()
	threads := p.Threads()
	if group*a.groups*a.strands*(to-from) < mulInline {
		p = nil
	}
	if a.strands%threads == 0 || a.strands >= 4*threads {
		For(p, a.strands, 1, a, func(a *recurrentArgs, w *Worker, lo, hi int) {
			for i := lo; i < hi; i++ {
				for step := a.from; step < a.to; step++ {
					a.step(w, step, i, 0, a.groups)
				}
			}
		})
		return
	}
	if group*a.groups*a.strands < mulInline {
		p = nil
	}
	for step := from; step < to; step++ {
		a.from = step
		For(p, a.strands*a.groups, max(1, task/max(group, 1)), a, func(a *recurrentArgs, w *Worker, lo, hi int) {
			for i := lo; i < hi; {
				first := i % a.groups
				end := min(a.groups, first+hi-i)
				a.step(w, a.from, i/a.groups, first, end)
				i += end - first
			}
		})
	}
}

// step is one step of a strand for some groups of units.
func (a *recurrentArgs) step(w *Worker, step, strand, first, end int) {
	r := &a.runs[strand/a.blocks]
	row := strand % a.blocks * recurrentRows
	rows := min(recurrentRows, r.N-row)
	start := step == 0
	if a.backward {
		step = r.Steps - 1 - step
	}
	t := step
	if r.Reverse {
		t = r.Steps - 1 - t
	}
	group := r.group()
	for u := first * group; u < min(end*group, r.Units); u += group {
		units := min(group, r.Units-u)
		if a.backward {
			r.backward(a.kern, w, t, start, row, rows, u, units)
		} else {
			r.forward(a.kern, w, t, start && r.Fresh, row, rows, u, units)
		}
	}
}

// before is the block of states that step t starts from.
func (r *Recurrence) before(t int) int {
	if r.Reverse {
		return t + 2
	}
	return t
}

func (r *Recurrence) gates(t, row int) []float32 {
	return r.Gates[((t-r.First)*r.N+row)*r.GatesRow:]
}

// product is c (+)= A·B for rows of one panel.
//
//	A [rows, k]   panel [k, 16]   c [rows, cols]
func (r *Recurrence) product(kern *gemmKernel, t *tile, a []float32, k int, panel, c, bias []float32, add bool) {
	t.a, t.c, t.bias, t.add = a, c, nil, add
	t.outs, t.segs, t.bstep = 1, 1, tileWidth
	if k == 0 {
		t.segs, t.kl, t.bias = 0, 0, bias
		kern.byRow(t)
	}
	for k0 := 0; k0 < k; {
		k1 := blockEnd(k0, k, kcMost)
		t.a0, t.kl, t.b = k0, k1-k0, panel[k0*tileWidth:]
		if k1 == k {
			t.bias = bias
		}
		kern.byRow(t)
		t.add = true
		k0 = k1
	}
}

// plain is c (+)= a·U for product q of some units of a single row.
func (r *Recurrence) plain(w *Worker, a []float32, q, unit int, c, bias []float32, add bool) {
	y := c
	if add {
		y = w.Scratch(len(c))
	}
	vec.rowTimes(y, a, r.Weights[q*r.Units+unit:], r.Cell.Products()*r.Units)
	if bias != nil {
		vec.add(y, y, bias[:len(y)])
	}
	if add {
		vec.add(c, c, y)
	}
}

// offsets makes a tile for rows that lie so far apart in A and C.
func (r *Recurrence) offsets(w *Worker, rows, cols, arow, crow int) *tile {
	off := w.Offsets(2 * rows)
	t := &w.tile
	*t = tile{aoff: off[:rows], coff: off[rows:], m: rows, cols: cols}
	for i := range rows {
		t.aoff[i], t.coff[i] = int32(i*arow), int32(i*crow)
	}
	return t
}

// forward is step t for some rows and units: gates += h₋·U, then the cell.
func (r *Recurrence) forward(kern *gemmKernel, w *Worker, t int, zeros bool, row, rows, unit, units int) {
	last := r.States[(r.before(t)*r.N+row)*r.StatesRow:]
	gates := r.gates(t, row)[unit:]
	tl := r.offsets(w, rows, units, r.StatesRow, r.GatesRow)
	products := r.Cell.Products()
	if r.over(t, row, rows) {
		products = 0 // nobody reads the gates
	}
	for q := range products {
		apart := r.Cell.place(q) != q // starts from nothing, not from the input's part
		var bias []float32
		k := r.Units
		if apart && r.Bias != nil {
			bias = r.Bias[unit:r.Units]
		}
		if zeros {
			if !apart {
				continue
			}
			k = 0
		}
		if r.Plain {
			r.plain(w, last[:k], q, unit, gates[r.Cell.place(q)*r.Units:][:units], bias, !apart)
			continue
		}
		panel := r.Weights[(unit*products+q*recurrentGroup)*r.Units:]
		r.product(kern, tl, last, k, panel, gates[r.Cell.place(q)*r.Units:], bias, !apart)
	}
	*tl = tile{}
	for end := row + rows; row < end; row += rows {
		var done bool
		done, rows = r.alike(t, row, end)
		w.cell = r.cellRows(t, row, unit)
		if done {
			w.cell.skip(r.Cell, rows, units)
		} else {
			vec.cell[r.Cell](&w.cell, rows, 0, units)
		}
	}
	w.cell = cellRows{}
}

// backward is step t for some rows and units: the state's gradient gets what
// it owes to the gates of the step after, dgates·Uᵀ, then the cell.
func (r *Recurrence) backward(kern *gemmKernel, w *Worker, t int, last bool, row, rows, unit, units int) {
	after := t + 1
	if r.Reverse {
		after = t - 1
	}
	if !last && !r.over(after, row, rows) { // else the gradients of those gates are zeros
		gates := r.gates(after, row)
		to := r.DStates[((t+1)*r.N+row)*r.StatesRow+unit:]
		panel := r.Weights[unit*r.Cell.Products()*r.Units:]
		tl := r.offsets(w, rows, units, r.GatesRow, r.StatesRow)
		if r.Cell == CellGRU {
			r.product(kern, tl, gates, 2*r.Units, panel, to, nil, true)
			r.product(kern, tl, gates[3*r.Units:], r.Units, panel[2*r.Units*tileWidth:], to, nil, true)
		} else {
			r.product(kern, tl, gates, r.Cell.Products()*r.Units, panel, to, nil, true)
		}
		*tl = tile{}
	}
	for end := row + rows; row < end; row += rows {
		var done bool
		done, rows = r.alike(t, row, end)
		w.cell = r.cellRows(t, row, unit)
		if done {
			w.cell.skipGrad(r.Cell, rows, units)
		} else {
			vec.cellGrad[r.Cell](&w.cell, rows, 0, units)
		}
	}
	w.cell = cellRows{}
}

// over reports whether so many rows from row on are all done at step t.
func (r *Recurrence) over(t, row, rows int) bool {
	done, n := r.alike(t, row, row+rows)
	return done && n == rows
}

// alike is how many rows from row on are all done at step t, or all not.
func (r *Recurrence) alike(t, row, end int) (done bool, rows int) {
	if r.Lens == nil {
		return false, end - row
	}
	done = t >= int(r.Lens[row])
	n := row + 1
	for n < end && (t >= int(r.Lens[n])) == done {
		n++
	}
	return done, n - row
}

// cellRows is what the cell of one step looks at, from one row and unit on.
func (r *Recurrence) cellRows(t, row, unit int) cellRows {
	at := func(block int) int { return (block*r.N+row)*r.StatesRow + unit }
	before := r.before(t)
	c := cellRows{
		units: r.Units, gatesRow: r.GatesRow, statesRow: r.StatesRow,
		gates: r.gates(t, row)[unit:], h: r.States[at(t+1):], hLast: r.States[at(before):],
	}
	if r.DStates != nil {
		c.dh, c.dhLast = r.DStates[at(t+1):], r.DStates[at(before):]
	}
	if r.Cell == CellLSTM {
		own := row*r.Units + unit
		c.c, c.cLast = r.Cells[(t+1)*r.CellsStep+own:], r.Cells[before*r.CellsStep+own:]
		c.tanh = r.Tanh[(t+1)*r.CellsStep+own:]
		if r.DCells != nil {
			c.dc = r.DCells[own:]
		}
	}
	return c
}
