package cli

import (
	"fmt"
	"math"
	"strings"

	"layercake/compute"
	"layercake/train"
	"layercake/tui/widget"
)

// engine is what lines of bench are compared with: the kernel in use, and the
// most that the threads can do with it.
type engine struct {
	threads int
	pool    *compute.Pool
	best    float64 // GFLOP/s, of all measurements so far
}

func newEngine(threads int) *engine {
	pool := compute.NewPool(threads)
	e := &engine{threads: pool.Threads(), pool: pool}
	// Now and then the system runs both threads on one core for as long as one
	// measurement takes; all of three in a row would be strange.
	for range 3 {
		e.under(0)
	}
	return e
}

func (e *engine) close() { e.pool.Close() }

// ceiling holds the peak that a line's figure is a share of.
type ceiling struct {
	Peak   train.Number `json:"peak_gflops"`
	Share  train.Number `json:"share_of_peak"`
	Kernel string       `json:"kernel"`
}

// under measures the peak once more, since clocks change, and says what share
// of the highest so far gflops is. Without a peak, as for plain Go, both are unknown.
func (e *engine) under(gflops float64) ceiling {
	e.best = max(e.best, compute.PeakGFLOPS(e.pool))
	c := ceiling{Peak: train.Number(e.best), Share: train.Number(gflops / e.best), Kernel: compute.KernelName()}
	if e.best == 0 {
		c.Peak, c.Share = train.Number(math.NaN()), train.Number(math.NaN())
	}
	return c
}

// share writes Share as tables have it: "87 %".
func (c ceiling) share() string { return widget.Percent(float64(c.Share), 0) }

// title says what a table was measured with.
func (e *engine) title() string {
	threads := threadWords(e.threads)
	peak := "peak unknown"
	if e.best > 0 {
		peak = fmt.Sprintf("peak %.0f GFLOP/s, multiply-adds between registers", e.best)
	}
	return strings.Join([]string{compute.KernelName(), threads, peak}, ", ")
}
