package compute

import (
	"fmt"
	"testing"
)

// BenchmarkRecurrent is the part of a recurrent layer that goes step by step:
// batch 32, 64 steps, 256 units.
func BenchmarkRecurrent(b *testing.B) {
	const n, units, steps = 32, 256, 64
	pool := NewPool(0)
	defer pool.Close()
	for _, cell := range []Cell{CellTanh, CellLSTM, CellGRU} {
		c := recurrentCase{cell: cell, n: n, units: units, t: steps}
		c.fill(b)
		// Rows as far apart as in a layer, where they share places in the caches.
		c.runs[0].GatesRow, c.runs[0].StatesRow = cell.Gates()*units, units
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("cell=%d/%s", cell, name), func(b *testing.B) {
				for b.Loop() {
					f()
				}
				work := 2 * float64(n*steps*units*units*cell.Products()) * float64(b.N)
				b.ReportMetric(work/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
		run("forward", func() {
			RecurrentForward(pool, c.runs, 0, steps)
		})
		PackRecurrent(pool, cell, units, c.u, c.runs[0].Weights, true)
		// Gradients would grow from run to run, so they begin and stay at zero.
		clear(c.runs[0].Gates)
		clear(c.runs[0].DStates)
		run("backward", func() {
			RecurrentBackward(pool, c.runs)
		})
	}
}
