package train

import (
	"testing"
	"time"

	"layercake/model"
	"layercake/presets"
)

// BenchmarkStatistics is what the figures of the screen cost: a step that is
// watched and the one after it, whose nodes are timed, beside plain steps of
// the same process, and the share of a run's time that goes to them at the pace at
// which it takes them.
func BenchmarkStatistics(b *testing.B) {
	for _, name := range []string{"mlp", "lenet5", "resnet20", "gpt-nano", "char-lstm"} {
		b.Run(name, func(b *testing.B) {
			spec, err := presets.Spec(name)
			if err != nil {
				b.Fatal(err)
			}
			section := spec.Train
			section.Augment, section.Batch = nil, min(64, section.Batch)
			g := model.Resolve(model.SetTrain(spec, section))
			c, err := FromSpec(g, Noise(g, 4*section.Batch), Overrides{Steps: 1 << 30})
			if err != nil {
				b.Fatal(err)
			}
			s, err := NewStepper(c)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			w := newWatcher(s.t)
			step := func(w *watcher) time.Duration {
				start := time.Now()
				if err := s.t.step(w); err != nil {
					b.Fatal(err)
				}
				return time.Since(start)
			}
			for range 3 {
				step(w)
				step(nil)
			}
			var plain, watched, timed, pace time.Duration
			for b.Loop() {
				w.plain = step(nil)
				took := step(w)
				plain, watched, pace = plain+w.plain, watched+took, pace+w.rest(took)
				s.t.prog.Timing(true)
				timed += step(nil)
				w.times(s.t)
			}
			ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 / float64(b.N) }
			b.ReportMetric(0, "ns/op") // of three different steps: no figure of anything
			b.ReportMetric(ms(plain), "ms/plain")
			b.ReportMetric(ms(watched), "ms/watched")
			b.ReportMetric(ms(timed), "ms/timed")
			b.ReportMetric(100*float64(watched+timed-2*plain)/float64(pace+watched+timed), "%/run")
		})
	}
}
