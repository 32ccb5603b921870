package tui

import (
	"errors"
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/model"
	"layercake/presets"
	"layercake/train"
	"layercake/tui/widget"
)

// pace is how fast this machine trains, for the estimates on Build and the
// shares of the peak on Train: from a short try of the network on the desk, and
// from runs as soon as there is one.
type pace struct {
	peak  float64     // GFLOP/s of the threads at most; 0 unknown
	macs  float64     // multiply-adds a second of training; 0 unknown
	of    int64       // multiply-adds a sample of the network that macs was seen at
	tried *model.Spec // the last network that was tried
	busy  bool        // a try is going on
}

// paceMsg is the end of a try.
type paceMsg struct {
	of    int64
	speed train.Speed
	err   error
}

// A network is tried anew when its multiply-adds have changed by this factor:
// until then its own rate says more than a try while somebody types.
const paceHolds = 2

// tryPace begins a try, off the UI goroutine, where one is due: never beside a run.
func (d *desk) tryPace() tea.Cmd {
	p, macs := &d.pace, d.figs.trainMACs
	measure := d.opts.Measure
	if measure == nil || p.busy || d.run.live() || d.graph.Err != nil || macs == 0 || p.tried == d.graph.Spec {
		return nil
	}
	if p.macs > 0 && macs < paceHolds*p.of && p.of < paceHolds*macs {
		return nil
	}
	p.busy, p.tried = true, d.graph.Spec
	g, known := d.graph, p.macs > 0
	return func() tea.Msg {
		speed, err := measure(g)
		if errors.Is(err, train.ErrTooLarge) && !known { // a small one says something too
			if s, e := presets.Spec(presets.Default); e == nil {
				speed, err = measure(model.Resolve(s))
			}
		}
		return paceMsg{macs, speed, err}
	}
}

// tookPace takes in the end of a try. One that failed leaves what was known:
// estimates are a help, and training says itself what is wrong.
func (d *desk) tookPace(m paceMsg) {
	d.pace.busy = false
	d.pace.peak = max(d.pace.peak, m.speed.Peak)
	if m.err == nil && !d.run.live() {
		d.pace.macs, d.pace.of = m.speed.MACs, m.of
	}
}

// watchPace takes the rate from a run, which knows better than a try.
func (d *desk) watchPace(r *runState) {
	s := &r.snap
	if s.Phase != train.Training || s.SamplesPerSecond <= 0 || s.Elapsed < time.Second {
		return
	}
	if macs := r.graph.TrainMACs(); macs > 0 {
		d.pace.macs, d.pace.of = s.SamplesPerSecond*float64(macs), macs
	}
}

// epoch is the time that an epoch and its test will take; 0 unknown.
func (p *pace) epoch(f figures) time.Duration {
	if p.macs == 0 || f.trainSamples == 0 {
		return 0
	}
	macs := float64(f.trainSamples)*float64(f.trainMACs) + float64(f.testSamples)*float64(f.macs)
	return time.Duration(min(macs/p.macs, 1e9) * float64(time.Second))
}

// words are the estimate: "≈ 12 s/epoch", or "≈ 650 samples/s" where nobody
// knows yet how many samples there are; "" for none.
func (p *pace) words(f figures) string {
	switch {
	case p.macs == 0 || f.trainMACs == 0:
		return ""
	case f.trainSamples == 0:
		x, prefix := widget.SI(p.macs / float64(f.trainMACs))
		return strings.TrimSpace("≈ "+x+" "+prefix) + " samples/s"
	}
	return "≈ " + spanWords(p.epoch(f)) + "/epoch"
}

// spanWords writes a time in two digits and the unit that suits it: 0.4 s,
// 12 s, 3.5 min, 40 h.
func spanWords(d time.Duration) string {
	x, unit := d.Seconds(), "s"
	switch {
	case x >= 100*60:
		x, unit = x/3600, "h"
	case x >= 100:
		x, unit = x/60, "min"
	}
	switch {
	case x < 0.01:
		return "<0.01 " + unit
	case x < 0.1:
		return fmt.Sprintf("%.2f %s", x, unit)
	case x < 9.95:
		return fmt.Sprintf("%.1f %s", x, unit)
	case x < 9999.5:
		return fmt.Sprintf("%.0f %s", x, unit)
	}
	return widget.Group(int64(x)) + " " + unit
}
