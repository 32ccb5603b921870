package layers

import "layercake/compute"

// carver cuts memory into pieces.
type carver []float32

func (c *carver) take(n int) []float32 {
	x := (*c)[:n:n]
	*c = (*c)[n:]
	return x
}

// recurrentPass is one forward or backward pass.
type recurrentPass struct {
	*Recurrent
	recurrentSizes
	p       *Pass
	cell    compute.Cell
	n       int
	t, used int // steps of the input, and of the longest sample
	lens    []int32

	scratch, saved carver
	x              []float32 // the input by time: [used, n, in]
	packed, sums   [2][]float32
}

func (r *Recurrent) begin(p *Pass, cell compute.Cell) recurrentPass {
	in := p.In[0]
	v := recurrentPass{Recurrent: r, recurrentSizes: r.sizes(cell, in.Shape[1]), p: p, cell: cell, n: p.N, t: in.Shape[0], lens: in.Lens}
	v.used = v.t
	if v.lens != nil {
		v.used = 0
		for _, l := range v.lens[:v.n] {
			v.used = max(v.used, int(l))
		}
	}
	v.scratch = p.Scratch
	for d := range v.directions {
		v.packed[d] = v.scratch.take(compute.PackRecurrentSize(cell, v.units))
		v.sums[d] = v.scratch.take(v.row)
	}
	v.x = v.scratch.take(v.used * v.n * v.in)
	compute.SamplesToSteps(p.Pool, v.n, v.t, v.used, v.in, in.Data, v.x)
	if p.Train {
		v.saved = p.Saved[0]
	}
	return v
}

// layerMemory is what one layer keeps.
type layerMemory struct {
	states, dropped    []float32
	gates, cells, tanh [2][]float32
}

// layer cuts a layer's memory out of m.
func (v *recurrentPass) layer(m *carver, l int) (k layerMemory) {
	k.states = m.take((v.used + 2) * v.n * v.wide)
	for d := range v.directions {
		k.gates[d] = m.take(v.used * v.n * v.row)
		k.cells[d] = m.take(v.cells * (v.used + 2) * v.n * v.units)
		k.tanh[d] = m.take(v.cells * (v.used + 2) * v.n * v.units)
	}
	if v.drops() && l < v.layers-1 {
		k.dropped = m.take(v.used * v.n * v.wide)
	}
	return k
}

// output is what the layer above reads: [used, n, wide].
func (v *recurrentPass) output(k *layerMemory) []float32 {
	if k.dropped != nil {
		return k.dropped
	}
	return k.states[v.n*v.wide:][:v.used*v.n*v.wide]
}

// run is one direction at work in k.
func (v *recurrentPass) run(k *layerMemory, d int) compute.Recurrence {
	r := compute.Recurrence{
		Cell: v.cell, N: v.n, Units: v.units, Steps: v.used, Lens: v.lens, Reverse: d == 1, Fresh: d == 1 || v.p.Carry == nil,
		Gates: k.gates[d], GatesRow: v.row, States: k.states[d*v.units:], StatesRow: v.wide,
		Cells: k.cells[d], Tanh: k.tanh[d], Weights: v.packed[d],
	}
	if v.p.Train {
		r.CellsStep = v.n * v.units
	}
	return r
}

func (r *Recurrent) forward(p *Pass, cell compute.Cell) {
	v := r.begin(p, cell)
	var k layerMemory
	var spare []float32
	block := v.used
	if !p.Train {
		// Two layers' states change places; gates and cells serve all layers.
		block = min(v.used, evalBlock)
		k.states = v.scratch.take((v.used + 2) * v.n * v.wide)
		if v.layers > 1 {
			spare = v.scratch.take((v.used + 2) * v.n * v.wide)
		}
		for d := range v.directions {
			k.gates[d] = v.scratch.take(block * v.n * v.row)
			k.cells[d] = v.scratch.take(v.cells * v.n * v.units)
			k.tanh[d] = v.scratch.take(v.cells * v.n * v.units)
		}
	}
	x := v.x
	for l := range v.layers {
		if p.Train {
			k = v.layer(&v.saved, l)
		}
		v.forwardLayer(&k, l, x, block)
		if k.dropped != nil {
			size := len(k.dropped)
			compute.DropoutForward(p.Pool, v.seed(l), float32(v.Dropout), k.states[v.n*v.wide:][:size], k.dropped, p.Marks[l*size:][:size])
		}
		x = v.output(&k)
		if !p.Train && l < v.layers-1 {
			k.states, spare = spare, k.states
		}
	}
	v.answer(&k, x)
}

// seed is that of the dropout above layer l.
func (v *recurrentPass) seed(l int) uint64 { return v.p.Seed + uint64(l)*0x9e3779b97f4a7c15 }

// forwardLayer runs layer l over x, block steps at a time.
func (v *recurrentPass) forwardLayer(k *layerMemory, l int, x []float32, block int) {
	var runs [2]compute.Recurrence
	for d := range v.directions {
		runs[d] = v.run(k, d)
		first := v.first(l, d)
		if runs[d].Plain = !v.p.Train && compute.PlainRecurrent(v.n); runs[d].Plain {
			runs[d].Weights = v.p.Params[first+1]
		} else {
			compute.PackRecurrent(v.p.Pool, v.cell, v.units, v.p.Params[first+1], v.packed[d], false)
		}
		if v.Bias {
			sum := v.sums[d][:v.cols]
			both := v.cols // where the two biases meet; the gru's n keeps them apart
			if v.cell == compute.CellGRU {
				both = 2 * v.units
				runs[d].Bias = v.p.Params[first+3][both:]
			}
			copy(sum, v.p.Params[first+2])
			for i, b := range v.p.Params[first+3][:both] {
				sum[i] += b
			}
		}
	}
	v.start(k, l)
	width := v.width(l)
	for from := 0; from < v.used; from += block {
		to := min(from+block, v.used)
		for d := range v.directions {
			a := from
			if d == 1 {
				a = v.used - to
			}
			runs[d].First = a
			e := compute.Epilogue{}
			if v.Bias {
				e.Bias = v.sums[d][:v.cols]
			}
			compute.Gemm(v.p.Pool, false, false, (to-from)*v.n, v.cols, width, x[a*v.n*width:], width,
				v.p.Params[v.first(l, d)], v.cols, k.gates[d], v.row, e)
		}
		compute.RecurrentForward(v.p.Pool, runs, from, to)
	}
	v.keep(k, l)
}

// start writes the states and cells before the first step: zeros, or what
// the last call left.
func (v *recurrentPass) start(k *layerMemory, l int) {
	end := 0 // block in which the way back starts
	if v.p.Train {
		end = (v.used + 1) * v.n * v.units
	}
	clear(k.states[:v.n*v.wide])
	clear(k.states[(v.used+1)*v.n*v.wide:])
	if v.cells > 0 {
		clear(k.cells[0][:v.n*v.units])
		if v.directions == 2 {
			clear(k.cells[1][end:][:v.n*v.units])
		}
	}
	if v.p.Carry == nil {
		return
	}
	for i := range v.n {
		c := v.carried(i, l)
		copy(k.states[i*v.wide:], c[:v.units])
		if v.cells > 0 {
			copy(k.cells[0][i*v.units:], c[v.units:])
		}
	}
}

// keep leaves the last states and cells to the next call.
func (v *recurrentPass) keep(k *layerMemory, l int) {
	if v.p.Carry == nil {
		return
	}
	for i := range v.n {
		c := v.carried(i, l)
		last := v.last(i)
		copy(c, k.states[(last*v.n+i)*v.wide:][:v.units])
		if v.cells > 0 {
			if !v.p.Train {
				last = 0
			}
			copy(c[v.units:], k.cells[0][(last*v.n+i)*v.units:][:v.units])
		}
	}
}

// carried is sample i's part of Carry for layer l: its state, then its cells.
func (v *recurrentPass) carried(i, l int) []float32 {
	size := (1 + v.cells) * v.units
	return v.p.Carry[(i*v.layers+l)*size:][:size]
}

// last is the block of states after sample i's last used step.
func (v *recurrentPass) last(i int) int {
	if v.lens != nil {
		return int(v.lens[i])
	}
	return v.used
}

// answer writes Out from the top layer's output.
func (v *recurrentPass) answer(k *layerMemory, y []float32) {
	out := v.p.Out.Data
	if v.Return == wholeSequence {
		compute.StepsToSamples(v.p.Pool, v.n, v.t, v.used, v.wide, y, out)
		return
	}
	for i := range v.n {
		o := out[i*v.wide:][:v.wide]
		copy(o[:v.units], k.states[(v.last(i)*v.n+i)*v.wide:])
		copy(o[v.units:], k.states[(v.n+i)*v.wide+v.units:][:v.wide-v.units])
	}
}

func (r *Recurrent) backward(p *Pass, cell compute.Cell) {
	v := r.begin(p, cell)
	dy := v.scratch.take((v.used + 2) * v.n * v.wide)
	dcells := v.scratch.take(v.n * v.wide)
	v.question(dy)
	var below layerMemory
	for l := v.layers - 1; l >= 0; l-- {
		m := v.saved
		var k layerMemory
		for i := range l + 1 {
			below, k = k, v.layer(&m, i)
		}
		x := v.x
		if l > 0 {
			x = v.output(&below)
		}
		v.backwardLayer(&k, l, dy, dcells)
		v.weightGrads(&k, l, x)
		v.inputGrad(&k, l, dy)
		if l > 0 && below.dropped != nil {
			size := len(below.dropped)
			d := dy[v.n*v.wide:][:size]
			compute.DropoutBackward(p.Pool, float32(v.Dropout), d, d, p.Marks[(l-1)*size:][:size])
		}
	}
}

// question turns DOut into the gradients of the top layer's states.
func (v *recurrentPass) question(dy []float32) {
	rows := v.n * v.wide
	dout := v.p.DOut.Data
	if v.Return == wholeSequence {
		compute.SamplesToSteps(v.p.Pool, v.n, v.t, v.used, v.wide, dout, dy[rows:])
		return
	}
	compute.Fill(v.p.Pool, dy[rows:][:v.used*rows], 0)
	for i := range v.n {
		if v.last(i) == 0 {
			continue
		}
		o := dout[i*v.wide:][:v.wide]
		copy(dy[(v.last(i)*v.n+i)*v.wide:], o[:v.units])
		copy(dy[(v.n+i)*v.wide+v.units:][:v.wide-v.units], o[v.units:])
	}
}

// backwardLayer goes through time and leaves the gradients of all gates.
func (v *recurrentPass) backwardLayer(k *layerMemory, l int, dy, dcells []float32) {
	var runs [2]compute.Recurrence
	clear(dcells)
	for d := range v.directions {
		runs[d] = v.run(k, d)
		runs[d].DStates = dy[d*v.units:]
		runs[d].DCells = dcells[d*v.n*v.units:]
		compute.PackRecurrent(v.p.Pool, v.cell, v.units, v.p.Params[v.first(l, d)+1], v.packed[d], true)
	}
	compute.RecurrentBackward(v.p.Pool, runs)
}

// room is what the largest of the weights' gradients borrows.
func (r *Recurrent) room(cell compute.Cell, n int, in []compute.Shape) int {
	s := r.sizes(cell, in[0][1])
	rows := n * in[0][0]
	room := max(compute.SumRoom(s.units, s.own, rows), compute.SumRoom(s.units, s.cols-s.own, rows))
	for l := range min(s.layers, 2) {
		room = max(room, compute.SumRoom(s.width(l), s.cols, rows))
	}
	return room
}

// weightGrads adds the gradients of layer l's weights and biases, each one
// product or sum over all steps.
func (v *recurrentPass) weightGrads(k *layerMemory, l int, x []float32) {
	p, rows, width := v.p, v.used*v.n, v.width(l)
	add := compute.Epilogue{Add: true}
	for d := range v.directions {
		first, gates := v.first(l, d), k.gates[d]
		if dw := p.grad(first); dw != nil {
			compute.Gemm(p.Pool, true, false, width, v.cols, rows, x, width, gates, v.row, dw, v.cols, add)
		}
		own := v.own
		if dw := p.grad(first + 1); dw != nil {
			before := k.states[2*d*v.n*v.wide+d*v.units:]
			compute.Gemm(p.Pool, true, false, v.units, own, rows, before, v.wide, gates, v.row, dw, v.cols, add)
			if own < v.cols {
				compute.Gemm(p.Pool, true, false, v.units, v.units, rows, before, v.wide, gates[v.cols:], v.row, dw[own:], v.cols, add)
			}
		}
		if !v.Bias || p.grad(first+2) == nil && p.grad(first+3) == nil {
			continue
		}
		sum := v.sums[d]
		compute.ColumnSum(p.Pool, rows, v.row, gates, sum, false)
		if db := p.grad(first + 2); db != nil {
			compute.AddTo(p.Pool, db, sum[:v.cols])
		}
		if db := p.grad(first + 3); db != nil {
			compute.AddTo(p.Pool, db[:own], sum[:own])
			compute.AddTo(p.Pool, db[own:], sum[v.row-(v.cols-own):])
		}
	}
}

// inputGrad is dx = Σ dgates·Wᵀ over the directions: into dy for the layer
// below, or into DIn.
func (v *recurrentPass) inputGrad(k *layerMemory, l int, dy []float32) {
	width := v.width(l)
	dx := dy[v.n*v.wide:]
	if l == 0 {
		dx = v.x
		if v.p.wanted(0) == nil {
			return
		}
	}
	for d := range v.directions {
		compute.Gemm(v.p.Pool, false, true, v.used*v.n, width, v.cols, k.gates[d], v.row, v.p.Params[v.first(l, d)], v.cols,
			dx, width, compute.Epilogue{Add: d > 0})
	}
	if l == 0 {
		compute.StepsToSamples(v.p.Pool, v.n, v.t, v.used, v.in, dx, v.p.wanted(0))
	}
}
