package tui

import (
	"errors"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/model"
	"layercake/train"
)

// timed is a driver whose tries of a network count, and give what speed says.
func timed(t *testing.T, speed func(*model.Graph) (train.Speed, error)) (d *driver, tries *int) {
	tries = new(int)
	d = drive(t, smallNet, 120, 40)
	d.a.desk.opts.Measure = func(g *model.Graph) (train.Speed, error) { *tries++; return speed(g) }
	d.send(tea.WindowSizeMsg{Width: 120, Height: 40})
	return d, tries
}

// The estimate is samples times multiply-adds over the rate that was tried.
func TestEstimate(t *testing.T) {
	const rate = 1e9
	d, tries := timed(t, func(*model.Graph) (train.Speed, error) { return train.Speed{Peak: 100, MACs: rate}, nil })
	if *tries != 1 || d.a.desk.pace.peak != 100 {
		t.Fatalf("%d tries, a peak of %v; wants one try and 100", *tries, d.a.desk.pace.peak)
	}
	g := d.a.desk.graph
	training, test := samplesOf(g.Spec)
	want := (float64(training)*float64(g.TrainMACs()) + float64(test)*float64(g.MACs())) / rate
	if got := d.a.desk.pace.epoch(d.a.desk.figs).Seconds(); got < want*0.999 || got > want*1.001 {
		t.Errorf("an epoch is estimated to %v s, want %v", got, want)
	}
	d.sees("≈ " + spanWords(time.Duration(want*1e9)) + "/epoch")
	d.press("2").sees("≈ "+spanWords(time.Duration(want*1e9))+" an epoch", "estimated by a short try")

	// While a number is typed its change stands there, and nothing is tried.
	d.press("1")
	d.selectRow("stem")
	d.press("e", "type:5")
	d.sees("an epoch", "≈ +")
	if *tries != 1 {
		t.Errorf("%d tries while typing, want still 1", *tries)
	}
	d.press("esc")

	// A network of far more multiply-adds is tried for itself.
	d.press("e", "type:64", "enter")
	if *tries != 2 {
		t.Errorf("%d tries, want one more for a much larger network", *tries)
	}

	// Data whose size nobody knows yet has a rate and no epoch.
	d.press("i", "type:flowers.csv", "enter")
	if d.a.desk.spec().Train.Data != "flowers.csv" {
		t.Fatalf("the data is %q", d.a.desk.spec().Train.Data)
	}
	d.sees("samples/s")
}

// What cannot be tried leaves no estimate, and is not tried again and again;
// what is too large is estimated by a small network.
func TestEstimateRefused(t *testing.T) {
	d, tries := timed(t, func(*model.Graph) (train.Speed, error) { return train.Speed{}, errors.New("no") })
	d.press("j", "j", "k")
	if *tries != 1 || d.a.desk.pace.words(d.a.desk.figs) != "" {
		t.Errorf("%d tries and %q, want one and nothing", *tries, d.a.desk.pace.words(d.a.desk.figs))
	}
	d, tries = timed(t, func(g *model.Graph) (train.Speed, error) {
		if g.Name == "small" {
			return train.Speed{}, train.ErrTooLarge
		}
		return train.Speed{MACs: 5e9}, nil
	})
	if *tries != 2 || d.a.desk.pace.macs != 5e9 {
		t.Errorf("%d tries and a rate of %v, want the small preset's 5e9 after two", *tries, d.a.desk.pace.macs)
	}
}

// A run knows better than a try, and none begins beside it.
func TestEstimateFromRun(t *testing.T) {
	d := watched(t, 120, 40)
	tries := 0
	desk := d.a.desk
	desk.opts.Measure = func(*model.Graph) (train.Speed, error) { tries++; return train.Speed{MACs: 1}, nil }
	snap := desk.run.snap
	desk.watchPace(desk.run)
	if want := snap.SamplesPerSecond * float64(desk.graph.TrainMACs()); desk.pace.macs != want {
		t.Errorf("the rate is %v, want the run's %v", desk.pace.macs, want)
	}
	desk.pace.macs = 0
	if cmd := desk.tryPace(); cmd != nil || tries != 0 {
		t.Error("a network is tried while another trains")
	}
}

func TestSpanWords(t *testing.T) {
	for _, c := range []struct {
		seconds float64
		want    string
	}{{0.004, "<0.01 s"}, {0.06, "0.06 s"}, {0.43, "0.4 s"}, {9.9, "9.9 s"}, {12.4, "12 s"}, {99, "99 s"}, {130, "2.2 min"}, {5000, "83 min"}, {7200, "2.0 h"}, {1e9, "277,777 h"}} {
		if got := spanWords(time.Duration(c.seconds * 1e9)); got != c.want {
			t.Errorf("%v s is %q, want %q", c.seconds, got, c.want)
		}
	}
}
