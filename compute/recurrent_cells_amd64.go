//go:build amd64 && !noasm

package compute

var cellAVX2 = cellLoops{
	CellTanh: tanhRows,
	CellReLU: cellGeneric[CellReLU],
	CellLSTM: func(c *cellRows, rows, from, n int) {
		if v := c.vectors(rows, from, n); v > 0 {
			lstmAVX2(&c.gates[from], &c.c[from], &c.cLast[from], rows, v, c.units, c.gatesRow, c.statesRow)
			lstmOutAVX2(&c.gates[from], &c.h[from], &c.c[from], &c.tanh[from], rows, v, c.units, c.gatesRow, c.statesRow)
			from += 8 * v
		}
		if from < n {
			cellGeneric[CellLSTM](c, rows, from, n)
		}
	},
	CellGRU: func(c *cellRows, rows, from, n int) {
		if v := c.vectors(rows, from, n); v > 0 {
			gruAVX2(&c.gates[from], rows, v, c.units, c.gatesRow, c.statesRow)
			gruOutAVX2(&c.gates[from], &c.h[from], &c.hLast[from], rows, v, c.units, c.gatesRow, c.statesRow)
			from += 8 * v
		}
		if from < n {
			cellGeneric[CellGRU](c, rows, from, n)
		}
	},
}

var cellGradAVX2 = cellLoops{
	CellTanh: tanhGradRows,
	CellReLU: cellGradGeneric[CellReLU],
	CellLSTM: func(c *cellRows, rows, from, n int) {
		if v := c.vectors(rows, from, n); v > 0 {
			_, _ = c.dh[(rows-1)*c.statesRow+n-1], c.dc[(rows-1)*c.units+n-1]
			lstmGradAVX2(&c.gates[from], &c.dh[from], &c.dc[from], &c.cLast[from], &c.tanh[from], rows, v, c.units, c.gatesRow, c.statesRow)
			from += 8 * v
		}
		if from < n {
			cellGradGeneric[CellLSTM](c, rows, from, n)
		}
	},
	CellGRU: func(c *cellRows, rows, from, n int) {
		if v := c.vectors(rows, from, n); v > 0 {
			_, _ = c.dh[(rows-1)*c.statesRow+n-1], c.dhLast[(rows-1)*c.statesRow+n-1]
			gruGradAVX2(&c.gates[from], &c.dh[from], &c.dhLast[from], &c.hLast[from], rows, v, c.units, c.gatesRow, c.statesRow)
			from += 8 * v
		}
		if from < n {
			cellGradGeneric[CellGRU](c, rows, from, n)
		}
	},
}

// vectors is how many whole vectors there are in units from to n. It panics
// where forward's operands are too short.
func (c *cellRows) vectors(rows, from, n int) int {
	last := (rows-1)*c.statesRow + n - 1
	_, _, _ = c.gates[(rows-1)*c.gatesRow+3*c.units+n-1], c.h[last], c.hLast[last]
	if c.c != nil {
		last = (rows-1)*c.units + n - 1
		_, _, _ = c.c[last], c.cLast[last], c.tanh[last]
	}
	return (n - from) / 8
}

func tanhRows(c *cellRows, rows, from, n int) {
	for i := range rows {
		actTanhAVX2(c.h[i*c.statesRow:][from:n], c.gates[i*c.gatesRow:][from:n], 0)
	}
}

func tanhGradRows(c *cellRows, rows, from, n int) {
	for i := range rows {
		gradTanhAVX2(c.gates[i*c.gatesRow:][from:n], c.h[i*c.statesRow:][from:n], c.dh[i*c.statesRow:][from:n], 0)
	}
}
