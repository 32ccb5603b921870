package compute

import "time"

// peakRounds are the rounds of multiply-adds of one chunk, about 50 µs, and
// peakChunks the chunks of one thread in a pass; the fastest of peakPasses
// passes is the peak.
const (
	peakRounds = 1 << 14
	peakChunks = 20
	peakPasses = 20
)

// PeakGFLOPS measures what p's threads can do at most with the kernel in use,
// all at once: multiply-adds from registers to registers, each counted twice,
// in 10⁹ a second. It takes about 20 ms a thread and is 0, unknown, for the
// plain Go kernel. What is measured right after it is best compared with it,
// since clocks change.
func PeakGFLOPS(p *Pool) float64 { return kernelInUse.peak(p, peakPasses) }

func (kern *gemmKernel) peak(p *Pool, passes int) float64 {
	if kern.chains == nil {
		return 0
	}
	n := peakChunks * p.Threads()
	best := time.Duration(0)
	for range passes {
		start := time.Now()
		For(p, n, 1, kern, peakTask)
		if took := time.Since(start); best == 0 || took < best {
			best = took
		}
	}
	return 2 * float64(n*peakRounds*kern.perRun) / float64(best.Nanoseconds())
}

func peakTask(kern **gemmKernel, _ *Worker, lo, hi int) {
	for range hi - lo {
		// Factors that keep the bits of the sums changing.
		(*kern).chains(peakRounds, -0.9999999, 0.75)
	}
}
