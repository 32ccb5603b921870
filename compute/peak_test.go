package compute

import (
	"math"
	"testing"
)

// TestPeak: a kernel that can measure itself does.
func TestPeak(t *testing.T) {
	eachKernel(t, func(t *testing.T, k *gemmKernel) {
		got := k.peak(nil, 1)
		if k.chains == nil {
			if got != 0 {
				t.Errorf("%v GFLOP/s, but nothing measures them", got)
			}
			return
		}
		if !(got > 0) || math.IsInf(got, 1) {
			t.Errorf("%v GFLOP/s", got)
		}
	})
}

func BenchmarkPeak(b *testing.B) {
	p := NewPool(1)
	defer p.Close()
	for b.Loop() {
		b.ReportMetric(PeakGFLOPS(p), "GFLOP/s")
	}
}
