package compute

import "math"

// cellRows are the operands of a cell for a few rows and units. A row's gates
// lie units apart; its next row is gatesRow on in gates, statesRow in h and dh,
// units in c and dc.
type cellRows struct {
	units, gatesRow, statesRow int

	gates      []float32
	h, hLast   []float32
	c, cLast   []float32 // of the LSTM, with tanh = tanh(c)
	tanh       []float32
	dh, dhLast []float32 // dhLast gets what the GRU's state owes straight to the last one
	dc         []float32 // gradient of c, then of cLast
}

// cellLoops are the cells forward, or backward, for units from to n of so many
// rows.
type cellLoops [CellGRU + 1]func(c *cellRows, rows, from, n int)

// skip makes the states of samples that are done.
func (c *cellRows) skip(cell Cell, rows, n int) {
	for i := range rows {
		clear(c.h[i*c.statesRow:][:n])
		if cell == CellLSTM {
			copy(c.c[i*c.units:][:n], c.cLast[i*c.units:][:n])
			clear(c.tanh[i*c.units:][:n])
		}
	}
}

// skipGrad makes the gradients of samples that are done.
func (c *cellRows) skipGrad(cell Cell, rows, n int) {
	for i := range rows {
		for g := range cell.Gates() {
			clear(c.gates[i*c.gatesRow+g*c.units:][:n])
		}
		if cell == CellLSTM {
			clear(c.dc[i*c.units:][:n])
		}
	}
}

var cellGeneric = cellLoops{
	CellTanh: func(c *cellRows, rows, from, n int) {
		for i := range rows {
			a, h := c.gates[i*c.gatesRow:][from:n], c.h[i*c.statesRow:][from:n]
			for j, v := range a {
				h[j] = float32(math.Tanh(float64(v)))
			}
		}
	},
	CellReLU: func(c *cellRows, rows, from, n int) {
		for i := range rows {
			a, h := c.gates[i*c.gatesRow:][from:n], c.h[i*c.statesRow:][from:n]
			for j, v := range a {
				h[j] = max(v, 0)
			}
		}
	},
	CellLSTM: func(c *cellRows, rows, from, n int) {
		for i := range rows {
			in, forget, g, out := c.gateRow(i, from, n)
			h, cell, last, tanh := c.h[i*c.statesRow:][from:n], c.c[i*c.units:][from:n], c.cLast[i*c.units:][from:n], c.tanh[i*c.units:][from:n]
			for j := range h {
				in[j] = float32(sigmoid(float64(in[j])))
				forget[j] = float32(sigmoid(float64(forget[j])))
				g[j] = float32(math.Tanh(float64(g[j])))
				out[j] = float32(sigmoid(float64(out[j])))
				cell[j] = forget[j]*last[j] + in[j]*g[j]
				tanh[j] = float32(math.Tanh(float64(cell[j])))
				h[j] = out[j] * tanh[j]
			}
		}
	},
	CellGRU: func(c *cellRows, rows, from, n int) {
		for i := range rows {
			reset, update, next, own := c.gateRow(i, from, n)
			h, last := c.h[i*c.statesRow:][from:n], c.hLast[i*c.statesRow:][from:n]
			for j := range h {
				reset[j] = float32(sigmoid(float64(reset[j])))
				update[j] = float32(sigmoid(float64(update[j])))
				next[j] = float32(math.Tanh(float64(next[j] + reset[j]*own[j])))
				h[j] = next[j] + update[j]*(last[j]-next[j])
			}
		}
	},
}

// gateRow are row i's four gates.
func (c *cellRows) gateRow(i, from, n int) (a, b, d, e []float32) {
	g := c.gates[i*c.gatesRow:]
	return g[from:n], g[c.units:][from:n], g[2*c.units:][from:n], g[3*c.units:][from:n]
}

var cellGradGeneric = cellLoops{
	CellTanh: func(c *cellRows, rows, from, n int) {
		for i := range rows {
			a, h, dh := c.gates[i*c.gatesRow:][from:n], c.h[i*c.statesRow:][from:n], c.dh[i*c.statesRow:][from:n]
			for j, v := range h {
				a[j] = dh[j] * (1 - v*v)
			}
		}
	},
	CellReLU: func(c *cellRows, rows, from, n int) {
		for i := range rows {
			reluGradGeneric(c.gates[i*c.gatesRow:][from:n], c.h[i*c.statesRow:][from:n], c.dh[i*c.statesRow:][from:n])
		}
	},
	CellLSTM: func(c *cellRows, rows, from, n int) {
		for i := range rows {
			in, forget, g, out := c.gateRow(i, from, n)
			dh, last := c.dh[i*c.statesRow:][from:n], c.cLast[i*c.units:][from:n]
			tanh, dc := c.tanh[i*c.units:][from:n], c.dc[i*c.units:][from:n]
			for j, d := range dh {
				di, df, dg, do := in[j], forget[j], g[j], out[j]
				e := dc[j] + d*do*(1-tanh[j]*tanh[j])
				dc[j] = e * df
				in[j] = e * dg * (di * (1 - di))
				forget[j] = e * last[j] * (df * (1 - df))
				g[j] = e * di * (1 - dg*dg)
				out[j] = d * tanh[j] * (do * (1 - do))
			}
		}
	},
	CellGRU: func(c *cellRows, rows, from, n int) {
		for i := range rows {
			reset, update, next, own := c.gateRow(i, from, n)
			last := c.hLast[i*c.statesRow:][from:n]
			dh, dLast := c.dh[i*c.statesRow:][from:n], c.dhLast[i*c.statesRow:][from:n]
			for j, d := range dh {
				r, z, v := reset[j], update[j], next[j]
				dLast[j] += d * z
				dn := d * (1 - z) * (1 - v*v)
				reset[j] = dn * own[j] * (r * (1 - r))
				update[j] = d * (last[j] - v) * (z * (1 - z))
				next[j] = dn
				own[j] = dn * r
			}
		}
	},
}

type orderArgs struct {
	n, t, f int
	used    int // steps on the side of time
	x, y    []float32
}

// SamplesToSteps reorders the first used steps of n sequences by time.
//
//	x [n, t, f]   y [used, n, f]
func SamplesToSteps(p *Pool, n, t, used, f int, x, y []float32) {
	a := orderArgs{n, t, f, used, x, y}
	For(p, n*used, max(1, grain/max(1, f)), a, func(a *orderArgs, _ *Worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			copy(a.y[r*a.f:][:a.f], a.x[(r%a.n*a.t+r/a.n)*a.f:])
		}
	})
}

// StepsToSamples is the way back; steps from used on become zeros.
//
//	x [used, n, f]   y [n, t, f]
func StepsToSamples(p *Pool, n, t, used, f int, x, y []float32) {
	a := orderArgs{n, t, f, used, x, y}
	For(p, n*t, max(1, grain/max(1, f)), a, func(a *orderArgs, _ *Worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			y := a.y[r*a.f:][:a.f]
			if s := r % a.t; s < a.used {
				copy(y, a.x[(s*a.n+r/a.t)*a.f:])
			} else {
				clear(y)
			}
		}
	})
}
