package tui

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"layercake/internal/golden"
	"layercake/train"
)

// keptRun is a run's log: its accuracy climbs towards top by epochs.
func keptRun(dir, network string, epochs int, top float64) train.Log {
	l := train.Log{Dir: dir, Start: train.EventStart{Event: "start", Network: network, Data: "digits", Params: 61706}}
	for e := 1; e <= epochs; e++ {
		a := top * float64(e) / float64(e+1)
		l.Epochs = append(l.Epochs, train.EventEpoch{Event: "epoch", Epoch: e, Step: 100 * e, TestAccuracy: train.Number(a), TestLoss: train.Number(1 - a)})
	}
	return l
}

func comparedRuns(t *testing.T, w, h int, logs ...train.Log) *driver {
	t.Helper()
	d := compared(t, w, h, 0)
	d.a.desk.opts.RunsDir = t.TempDir()
	d.press("r")
	d.send(runsReadMsg{d.a.screens[2].(*compareScreen).runs, logs})
	return d
}

func TestRunsScreens(t *testing.T) {
	logs := []train.Log{
		keptRun("runs/lenet5-20260102-101500", "lenet5", 8, 0.99), keptRun("runs/mlp-20260102-100500", "mlp", 5, 0.9),
		keptRun("runs/linear-20260102-100000", "linear", 3, 0.7), keptRun("runs/a", "a", 1, 0.5), keptRun("runs/b", "b", 2, 0.4),
	}
	for _, size := range []struct {
		name string
		w, h int
	}{{"80x24", 80, 24}, {"120x40", 120, 40}, {"30x8", 30, 8}} {
		t.Run(size.name, func(t *testing.T) { golden.Equal(t, comparedRuns(t, size.w, size.h, logs...).view()) })
	}
	for _, size := range [][2]int{{60, 16}, {80, 24}, {200, 60}} {
		for _, keys := range [][]string{{}, {"v"}, {"G", " "}, {" ", "j", " ", "j", " ", "j", " "}} {
			d := comparedRuns(t, size[0], size[1], logs...).press(keys...)
			d.view()
			d.a.desk.theme.ascii = true
			for i, r := range d.view() {
				if r > 126 {
					t.Errorf("%v %v: %q at byte %d is no ASCII", size, keys, r, i)
					break
				}
			}
		}
	}
}

// Runs are read from their folder; what is none is passed over.
func TestRunsAreRead(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"kept", "empty", "foreign"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	log := keptRun("", "lenet5", 2, 0.97)
	var text []byte
	for _, e := range []any{log.Start, log.Epochs[0], log.Epochs[1]} {
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		text = append(append(text, line...), '\n')
	}
	for name, text := range map[string][]byte{"kept": text, "foreign": []byte("no log\n")} {
		if err := os.WriteFile(filepath.Join(dir, name, "log.jsonl"), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := compared(t, 100, 30, 0)
	d.a.desk.opts.RunsDir = dir
	d.press("r")
	d.sees("kept", "1 of 1 runs drawn", "64.67 %")
	d.press(" ")
	d.sees("0 of 1 runs drawn")
	d.press("r")
	d.sees("on the desk")
	d.a.desk.opts.RunsDir = ""
	d.press("r")
	d.sees("no folder for them is set")
}

// Runs on other data are not drawn at first, and one without accuracy says what draws it.
func TestRunsThatCompareAreDrawnAtFirst(t *testing.T) {
	adding := keptRun("runs/adding", "adding-lstm", 2, 0.5)
	adding.Start.Data = "adding"
	for i := range adding.Epochs {
		adding.Epochs[i].TestAccuracy = train.Number(math.NaN())
	}
	lenet, mlp := keptRun("runs/lenet5", "lenet5", 2, 0.97), keptRun("runs/mlp", "mlp", 2, 0.9)
	d := comparedRuns(t, 100, 30, lenet, adding, mlp)
	d.sees("2 of 3 runs drawn", "test accuracy")
	d.press("j", " ").sees("3 of 3 runs drawn", "1 without accuracy")
	d.press("v").sees("3 of 3 runs drawn", "test loss")
	if strings.Contains(d.view(), "without accuracy") {
		t.Error("the loss has a run without accuracy")
	}
	comparedRuns(t, 100, 30, adding, lenet).sees("1 of 2 runs drawn", "test loss")
}
