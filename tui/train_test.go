package tui

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/compute"
	"layercake/data"
	"layercake/internal/golden"
	"layercake/model"
	"layercake/train"
)

// watched is a screen with a literal run on it: step 1,200 of smallNet.
func watched(t *testing.T, w, h int) *driver {
	t.Helper()
	d := drive(t, smallNet, w, h)
	desk := d.a.desk
	desk.run = &runState{of: desk.graph.Spec, graph: desk.graph, data: "digits", have: true, snap: step1200(desk.graph), cancel: func() {}}
	desk.pace.peak = 5
	d.press("2")
	return d
}

// step1200 is a healthy run's snapshot, every figure made of the node's number.
func step1200(g *model.Graph) train.Snapshot {
	p := train.Snapshot{
		Phase: train.Training, Epoch: 4, Epochs: 10, Step: 1200, Steps: 3750, StepInEpoch: 75, PerEpoch: 375, Samples: 38400,
		Loss: 0.612, Accuracy: 0.81, LR: 0.1, GradNorm: 0.5, SamplesPerSecond: 5880, Elapsed: 65 * time.Second,
		EpochLeft: 31 * time.Second, Left: 92 * time.Minute, TestLoss: 0.58, TestAccuracy: 0.784, BestAccuracy: 0.79,
		Verdict: []train.Finding{{Level: "good", Node: -1, What: "gradients reach every layer: 0.12 at stem to 0.6 at head"}},
	}
	for k := range 60 {
		p.Curves.TrainStep = append(p.Curves.TrainStep, 20*(k+1))
		p.Curves.TrainLoss = append(p.Curves.TrainLoss, 0.5+1.8*math.Exp(-float64(k)/15))
		p.Curves.TrainAccuracy = append(p.Curves.TrainAccuracy, 0.85-0.75*math.Exp(-float64(k)/15))
	}
	for k := range 3 {
		p.Curves.TestStep = append(p.Curves.TestStep, 375*(k+1))
		p.Curves.TestLoss = append(p.Curves.TestLoss, 0.9-0.15*float64(k))
		p.Curves.TestAccuracy = append(p.Curves.TestAccuracy, 0.6+0.09*float64(k))
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		nan := math.NaN()
		l := train.LayerStats{Name: n.Name, GradNorm: nan, WeightNorm: nan, Update: nan, ActStd: 0.9, Dead: nan}
		if n.Kind != nil {
			l.Forward, l.Backward = time.Duration(100+10*i)*time.Microsecond, time.Duration(300+20*i)*time.Microsecond
			l.Acts = train.Histogram{Low: -1, High: 1, Counts: []int{0, 1, 2, 4, 8, 12, 15, 16, 16, 15, 12, 8, 4, 2, 1, 0}}
			if n.Kind.Name == "relu" {
				l.Dead = 0.03
			}
		}
		if len(n.Plan.Params) > 0 {
			l.Trainable = true
			l.GradNorm, l.WeightNorm, l.Update = 0.01*float64(i+1), 3, 1.1e-3
			l.Weights, l.Grads = l.Acts, l.Acts
			for k := range 12 {
				l.GradTrail = append(l.GradTrail, l.GradNorm*float64(13-k))
			}
		}
		p.Layers = append(p.Layers, l)
	}
	return p
}

// vanishing makes the run's verdict point at the stem and at a relu.
func vanishing(d *driver) {
	p := &d.a.desk.run.snap
	p.Verdict = []train.Finding{
		{Level: "wrong", Node: 1, Word: "vanish", What: "gradients vanish below stage1: 3e-9 at stem, 2e-2 at the head (×1e7 over 6 layers, no skip)",
			Why: "each layer shrinks them: 0.04 a layer.", Cure: "wrap each pair of layers in a residual skip (no parameters), or put a batchnorm after each."},
		{Level: "warn", Node: 3, Word: "dead", What: "61 % of the units of relu are dead", Why: "no gradient passes.", Cure: "lower the learning rate."},
	}
	p.Layers[1].GradNorm = 3e-9
}

func TestTrainScreens(t *testing.T) {
	for _, size := range []struct {
		name string
		w, h int
	}{{"80x24", 80, 24}, {"120x40", 120, 40}, {"30x8", 30, 8}} {
		t.Run("Before/"+size.name, func(t *testing.T) {
			golden.Equal(t, drive(t, smallNet, size.w, size.h).press("2").view())
		})
		t.Run("Run/"+size.name, func(t *testing.T) {
			golden.Equal(t, watched(t, size.w, size.h).view())
		})
		t.Run("Wrong/"+size.name, func(t *testing.T) {
			d := watched(t, size.w, size.h)
			vanishing(d)
			d.selectRow("stem")
			golden.Equal(t, d.view())
		})
	}
	t.Run("Detail/80x24", func(t *testing.T) { golden.Equal(t, watched(t, 80, 24).press("tab").view()) })
	t.Run("Run/200x60", func(t *testing.T) { golden.Equal(t, watched(t, 200, 60).view()) })
	t.Run("Curves/60x30", func(t *testing.T) { golden.Equal(t, watched(t, 60, 30).press("v").view()) })
}

// Every phase and every part fills every size exactly, and drawing changes nothing.
func TestTrainFrames(t *testing.T) {
	states := map[string]func(d *driver){
		"training": func(*driver) {},
		"nothing known": func(d *driver) {
			p := &d.a.desk.run.snap
			*p = train.Snapshot{Phase: train.Preparing, Epoch: 1, Loss: math.NaN(), Accuracy: math.NaN(), TestLoss: math.NaN(), TestAccuracy: math.NaN(), GradNorm: math.NaN()}
		},
		"paused": func(d *driver) { d.a.desk.run.snap.Phase = train.Paused },
		"wrong":  vanishing,
		"stale":  func(d *driver) { d.press("1", "j", "d", "2") },
		"making": func(d *driver) {
			d.a.desk.run = &runState{of: d.a.desk.graph.Spec, graph: d.a.desk.graph, stage: "preparing digits: 12 %"}
		},
		"refused":  func(d *driver) { d.send(runEndedMsg{d.a.desk.run, errTest}) },
		"unstored": func(d *driver) { d.a.desk.run.snap.Problem = "write checkpoint: no space left on device" },
		"finished": func(d *driver) {
			d.a.desk.run.snap.Phase, d.a.desk.run.snap.Reason = train.Ended, train.Finished
			d.send(runEndedMsg{d.a.desk.run, nil})
		},
		"regression": func(d *driver) {
			p := &d.a.desk.run.snap
			p.Accuracy, p.TestAccuracy = math.NaN(), math.NaN()
			for k := range p.Curves.TrainAccuracy {
				p.Curves.TrainAccuracy[k] = math.NaN()
			}
		},
	}
	states["measured"] = func(d *driver) {
		d.a.desk.run.snap.Metrics = []train.Metric{{Name: "exact", Value: 0.371}, {Name: "perplexity", Value: 1.8512}}
	}
	states["fitted"] = func(d *driver) {
		d.a.desk.run.fitted = "small: changed the input from 1×28×28 to 3×32×32 to fit the data"
	}
	for name, set := range states {
		t.Run(name, func(t *testing.T) {
			for _, size := range [][2]int{{60, 16}, {61, 17}, {79, 31}, {80, 24}, {99, 45}, {119, 30}, {120, 40}, {200, 60}} {
				for _, keys := range [][]string{{}, {"v"}, {"v", "v"}, {"tab"}, {"z", "j", "j"}, {"?"}} {
					d := watched(t, size[0], size[1])
					set(d)
					d.press(keys...)
					before := d.view()
					if d.view() != before {
						t.Errorf("%v %v: drawing twice gives two pictures", size, keys)
					}
					d.a.desk.theme.ascii = true
					for i, r := range d.view() {
						if r > 126 {
							t.Errorf("%v %v: %q at byte %d is no ASCII", size, keys, r, i)
							break
						}
					}
				}
			}
		})
	}
}

// What is wrong is said on the row, by sign and word, also on a folded block.
func TestRowsSayWhatIsWrong(t *testing.T) {
	d := watched(t, 80, 24)
	vanishing(d)
	d.sees("✗ vanish", "▲ dead", "3.0e-9")
	d.a.desk.run.snap.Verdict[0].Node = 5 // in stage1
	if strings.Contains(rowWith(d, "stage1"), "vanish") {
		t.Error("an open block says what its row says already")
	}
	d.selectRow("stage1")
	d.press("left")
	if !strings.Contains(rowWith(d, "stage1"), "✗ vanish") {
		t.Errorf("the folded block does not say what is wrong in it:\n%s", d.view())
	}
	d.press("!")
	if got, want := d.a.desk.stack.row().Node, 5; got != want {
		t.Errorf("! goes to node %d, wants %d", got, want)
	}
}

func rowWith(d *driver, word string) string {
	for _, l := range strings.Split(d.view(), "\n") {
		if strings.Contains(l, word) {
			return l
		}
	}
	return ""
}

// A group's figures are those of its gradients and weights as one vector.
func TestGroupFigures(t *testing.T) {
	d := watched(t, 80, 24)
	g, p := d.a.desk.graph, &d.a.desk.run.snap
	d.selectRow("stage1")
	r := d.a.desk.stack.row()
	got := statsOf(g, g.GradientMACs(), p, r)
	grad, step, weight, ms := 0.0, 0.0, 0.0, time.Duration(0)
	for i := r.Nodes[0]; i < r.Nodes[1]; i++ {
		l := p.Layers[i]
		ms += l.Forward + l.Backward
		if l.Trainable {
			grad += l.GradNorm * l.GradNorm
			weight += l.WeightNorm * l.WeightNorm
			step += math.Pow(l.Update*l.WeightNorm, 2)
		}
	}
	if math.Abs(got.grad-math.Sqrt(grad)) > 1e-12 || math.Abs(got.update-math.Sqrt(step/weight)) > 1e-12 || got.forward+got.backward != ms {
		t.Errorf("stage1 has gradient %v, update %v, time %v; wants %v, %v, %v",
			got.grad, got.update, got.forward+got.backward, math.Sqrt(grad), math.Sqrt(step/weight), ms)
	}
	d.selectRow("stem")
	stem := statsOf(g, g.GradientMACs(), p, d.a.desk.stack.row())
	if stem.backwardMACs != stem.forwardMACs {
		t.Errorf("the first layer's backward is counted with %v multiply-adds, wants %v: the data needs no gradient", stem.backwardMACs, stem.forwardMACs)
	}
}

// The network may change while a run goes on: the run's rows stay on Train.
func TestEditingWhileTraining(t *testing.T) {
	d := watched(t, 120, 40)
	rows := len(d.a.desk.stack.rows)
	d.press("1")
	d.selectRow("head")
	d.press("D", "2")
	if got := len(d.a.desk.stack.rows); got != rows {
		t.Errorf("Train shows %d rows, the run has %d", got, rows)
	}
	d.sees("an earlier version")
	d.press("u")
	if got := len(d.a.desk.stack.rows); got != rows {
		t.Errorf("after undo Train shows %d rows, wants %d", got, rows)
	}
	if strings.Contains(d.view(), "an earlier version") {
		t.Error("after undo the run still counts as an earlier version's")
	}
}

// Figures of the test beside its accuracy stand on Train wherever there is room.
func TestTrainShowsMetrics(t *testing.T) {
	for _, size := range [][2]int{{120, 40}, {200, 60}} {
		d := watched(t, size[0], size[1])
		if strings.Contains(d.view(), "perplexity") {
			t.Fatal("perplexity is shown where there is none")
		}
		d.a.desk.run.snap.Metrics = []train.Metric{{Name: "exact", Value: 0.371}, {Name: "perplexity", Value: 1.8512}}
		d.sees("exact 37.1 %")
		d.sees("perplexity 1.851")
	}
}

// A network is fitted to data of another shape, and Train says so.
func TestStartFitsTheNetwork(t *testing.T) {
	file := filepath.Join(t.TempDir(), "points.csv")
	var text strings.Builder
	text.WriteString("a,b,c,kind\n")
	for i := range 60 {
		fmt.Fprintf(&text, "%d,%d,%d,%s\n", i%3, i%5, i%7, [2]string{"left", "right"}[i%2])
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	spec, err := model.Parse("test.yaml", []byte("name: tiny\ninput: [2]\nlayers:\n  - dense: {units: 8}\n  - relu\n  - dense: {units: 5}\ntrain: {batch: 4, epochs: 1}\n"))
	if err != nil {
		t.Fatal(err)
	}
	spec.Train.Data = file
	d := &driver{t: t, a: newApp(t.Context(), Options{Spec: spec}, plainTheme(false))}
	d.send(tea.WindowSizeMsg{Width: 120, Height: 40})
	desk := d.a.desk
	desk.startTraining()
	progress := make(chan [2]int, 1)
	started, ok := desk.openAndStart(t.Context(), desk.run, progress, true)().(runStartedMsg)
	if !ok {
		t.Fatal("the run did not start: wants the network fitted to the file")
	}
	defer started.run.Stop()
	d.a.Update(started) // what it would wait for next is the run's to say
	d.a.Update(snapshotMsg{desk.run, <-started.run.Snapshots()})
	if in := desk.run.graph.Inputs[0].Shape; !in.Equal(compute.Shape{3}) || desk.run.graph.Classes() != 2 {
		t.Errorf("the run has input %s and %d classes, wants 3 and 2", in, desk.run.graph.Classes())
	}
	d.sees("the input from 2 to 3")
	if strings.Contains(d.view(), "an earlier version") || desk.dirty() {
		t.Error("the network on the desk counts as changed: fitting is the run's alone")
	}
}

func TestTrainKeyTables(t *testing.T) {
	for name, d := range map[string]*driver{"before": drive(t, smallNet, 80, 24).press("2"), "run": watched(t, 80, 24)} {
		seen := map[string]string{}
		for _, c := range d.a.keys() {
			for _, k := range c.keys {
				if was, ok := seen[k]; ok {
					t.Errorf("%s: key %q says %q and %q", name, k, was, c.help)
				}
				seen[k] = c.help
				keyMsg(t, k)
			}
		}
	}
}

func TestRateWords(t *testing.T) {
	for x, want := range map[float64]string{0.1: "0.1", 0.05: "0.05", 0.098281: "0.0983", 1: "1", 3e-5: "3.0e-5", 12.5: "12.5"} {
		if got := rateWords(x); got != want {
			t.Errorf("rateWords(%v) = %q, wants %q", x, got, want)
		}
	}
}

// A run that failed says so at every size: what, why, and the cure.
func TestFailedRunSaysWhy(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		d := watched(t, size[0], size[1])
		p := &d.a.desk.run.snap
		p.Verdict, p.Phase, p.Reason, p.Loss, p.Step = nil, train.Ended, train.Failed, 2.1e28, 15
		d.send(runEndedMsg{d.a.desk.run, &train.DivergedError{Step: 16, LR: 1.5, What: "the loss is NaN", Where: "; head is the first layer whose output is not finite"}})
		d.sees("step 16: the loss is NaN", "to 0.15 say", "failed after 15 steps", "R trains anew")
		if size[0] >= watchFrom {
			d.sees("2.1e28")
		}
		if strings.Contains(d.view(), "too early") {
			t.Error("a run that failed is called too early to judge")
		}
	}
}

// A few values far above all others do not flatten the curve.
func TestUsual(t *testing.T) {
	list := []float64{500, 90}
	for k := range 60 {
		list = append(list, 2.3-0.01*float64(k))
	}
	if _, high := niceRange(0.02, usual(list)); high > 3 {
		t.Errorf("the scale goes to %v for a curve from 2.3 down with two values far above", high)
	}
	if _, high := niceRange(0.02, usual(list[2:])); high < 2.3 {
		t.Errorf("the scale goes to %v and the curve begins at 2.3", high)
	}
}

func TestNiceRange(t *testing.T) {
	for _, c := range []struct{ least, lo, hi, low, high float64 }{
		{0.02, 0.61, 2.3, 0.5, 2.5}, {0.1, 0.1, 0.84, 0, 1}, {0.1, 0.97, 0.99, 0.9, 1}, {0.02, 2, 2, 2, 2.01},
	} {
		low, high := niceRange(c.least, []float64{c.lo, math.NaN(), c.hi})
		if low > c.lo || high < c.hi || high <= low || (high-low) > 4*max(c.hi-c.lo, c.least) {
			t.Errorf("niceRange(%v, %v..%v) = %v..%v, wants a little more than that", c.least, c.lo, c.hi, low, high)
		}
	}
}

// points is a set of separable points in the plane, in memory.
type points struct{ n int }

func (p points) Len() int            { return p.n }
func (p points) Sizes() data.Sizes   { return data.Sizes{X: []compute.Shape{{2}}, Labels: 1} }
func (p points) Image(int) []float32 { return nil }
func (p points) Label(i int) int     { return i % 2 }
func (p points) Fill(idx []int, to data.Samples) {
	x, labels := to.X[0], to.Labels
	for k, i := range idx {
		x[2*k], x[2*k+1] = float32(2*(i%2)-1)+0.1*float32(i%7), 0.05*float32(i%11)
		labels[k] = int32(i % 2)
	}
}

// The real program and a real run: one step, another rate, go on, stop. Every
// key waits for what the run says, never for time.
func TestTrainLive(t *testing.T) {
	a, r, run := tinyRun(t, "")
	stages := []stage{
		{when: func(r *runState) bool { return r.snap.Phase == train.Paused }, keys: "n"},
		{when: func(r *runState) bool { return r.snap.Phase == train.Paused && r.snap.Step == 1 }, keys: "l ctrl+u 0 . 2 5 enter"},
		{when: func(r *runState) bool { return r.snap.LR == 0.25 }, keys: "space"},
		{when: func(r *runState) bool { return r.snap.Step > 50 && strings.Contains(a.View(), "training") }, keys: "S"},
		{when: func(r *runState) bool { return r.ended }, keys: "q"},
	}
	if at := play(t, a, r, run, stages); at != len(stages) || r.err != nil || r.snap.Reason != train.Stopped || r.snap.LR != 0.25 {
		t.Errorf("got to stage %d of %d, err %v, reason %q, rate %v; wants the last, nil, stopped, 0.25", at, len(stages), r.err, r.snap.Reason, r.snap.LR)
	}
}

// A run that was stopped goes on from its checkpoint.
func TestStopAndGoOn(t *testing.T) {
	a, r, run := tinyRun(t, t.TempDir())
	stopped := 0
	stages := []stage{
		{when: func(r *runState) bool { return r.snap.Phase == train.Paused }, keys: "space"},
		{when: func(r *runState) bool { return r.snap.Step > 20 }, keys: "S"},
		{when: func(r *runState) bool { stopped = r.snap.Step; return r.ended && r.snap.Saved != "" }, keys: "space"},
		{when: func(r *runState) bool {
			if r.snap.Step < stopped {
				t.Errorf("the run goes on at step %d, it was stopped at %d", r.snap.Step, stopped)
			}
			return r.run != nil && r.snap.Step > stopped
		}, keys: "S"},
		{when: func(r *runState) bool { return r.ended }, keys: "q"},
	}
	if at := play(t, a, r, run, stages); at != len(stages) {
		t.Errorf("got to stage %d of %d, wants the last: stopped at step %d, the run is at %d, %s", at, len(stages), stopped, a.desk.run.snap.Step, a.desk.note.text)
	}
}

// tinyRun is a screen with a paused run of a few neurons, not yet announced.
func tinyRun(t *testing.T, dir string) (*app, *runState, *train.Run) {
	t.Helper()
	spec, err := model.Parse("test.yaml", []byte("name: tiny\ninput: [2]\nlayers:\n  - dense: {units: 8}\n  - relu\n  - dense: {units: 2}\ntrain: {batch: 4}\n"))
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(t.Context(), Options{Spec: spec}, plainTheme(false))
	set := &data.Set{Name: "points", Inputs: []data.Input{{Name: "input", Shape: compute.Shape{2}}}, Classes: []string{"left", "right"}, Train: points{64}, Test: points{16}}
	c, err := train.FromSpec(a.desk.graph, set, train.Overrides{Epochs: 1 << 20, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	c.Paused, c.Dir = true, dir
	run, err := train.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	r := &runState{of: a.desk.graph.Spec, graph: a.desk.graph, data: "points", stage: "preparing", set: set, cancel: func() {}}
	a.desk.run = r
	return a, r, run
}

// stage is what to wait for and what to press then.
type stage struct {
	when func(r *runState) bool
	keys string
}

// play runs the program through the stages and says how many it got through.
func play(t *testing.T, a *app, r *runState, run *train.Run, stages []stage) int {
	t.Helper()
	at := 0
	p := tea.NewProgram(player{a, stages, &at}, tea.WithInput(nil), tea.WithOutput(io.Discard), tea.WithoutSignalHandler(), tea.WithContext(t.Context()))
	go func() {
		p.Send(tea.WindowSizeMsg{Width: 120, Height: 40})
		p.Send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{'2'}})
		p.Send(runStartedMsg{r, r.set, run, r.graph, ""})
	}()
	if _, err := p.Run(); err != nil {
		t.Fatal(err)
	}
	return at
}

// player presses the next keys when the screen has heard what they wait for.
type player struct {
	*app
	stages []stage
	at     *int
}

func (w player) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	_, cmd := w.app.Update(msg)
	if *w.at == len(w.stages) || !w.desk.run.have || !w.stages[*w.at].when(w.desk.run) {
		return w, cmd
	}
	cmds := []tea.Cmd{cmd}
	for _, k := range strings.Fields(w.stages[*w.at].keys) {
		m := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		switch k {
		case "space":
			m = tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}}
		case "enter":
			m = tea.KeyMsg{Type: tea.KeyEnter}
		case "ctrl+u":
			m = tea.KeyMsg{Type: tea.KeyCtrlU}
		}
		_, c := w.app.Update(m)
		cmds = append(cmds, c)
	}
	*w.at++
	return w, tea.Batch(cmds...)
}

// TestVerdictsAreWhole: the longest verdict there is can be read to its end on the
// screen itself at the usual sizes, and behind a key at the smallest one.
func TestVerdictsAreWhole(t *testing.T) {
	long := train.Finding{
		Level: "wrong", Node: 1, Word: "vanish",
		What: "gradients vanish below section6/hidden_layer_6: 4.4e-7 at section1/hidden_layer_1, 0.285 at the head (×1e6 over 9 layers, no skip)",
		Why:  "each layer shrinks them: 0.188 a layer; a tanh passes little of a gradient on where its output is near 1 or −1.",
		Cure: "take relu or gelu in place of tanh, or wrap each pair of layers in a residual skip (no parameters), or put a batchnorm before each activation.",
	}
	words := strings.Fields(long.What + " Why: " + long.Why + " Cure: " + long.Cure)
	for _, size := range [][2]int{{80, 24}, {100, 30}, {120, 40}, {140, 30}, {200, 60}, {60, 16}} {
		d := watched(t, size[0], size[1])
		p := &d.a.desk.run.snap
		p.Verdict = []train.Finding{long, {Level: "warn", Node: 3, Word: "dead", What: "61 % of the units of relu are dead"}}
		p.Metrics = []train.Metric{{Name: "f1", Value: 0.018}, {Name: "perplexity", Value: 1.8512}}
		d.selectRow("stem")
		if size[1] == 16 {
			d.sees("whole")
			d.press("V")
			v := d.view()
			d.press("G")
			d.sees("61 % of the units")
			d.press("g")
			if d.view() != v {
				t.Errorf("%v: back at the beginning, the page looks otherwise", size)
			}
			continue
		}
		// The words stand in order, whatever lies beside them on a line.
		v, at := d.view(), 0
		for _, w := range words {
			i := strings.Index(v[at:], w)
			if i < 0 {
				t.Fatalf("%v: the verdict ends before %q:\n%s", size, w, d.view())
			}
			at += i + len(w)
		}
	}
}

// TestExplain: every column has its explanation, also those that the width leaves
// out; the page closes with the key that opened it.
func TestExplain(t *testing.T) {
	d := watched(t, 120, 60)
	before := d.view()
	d.press("E")
	for _, c := range trainColumns(d.a.desk.theme, d.a.desk.stack, d.a.desk.graph, nil, 0) {
		if c.help == "" {
			t.Errorf("nobody says what %s is", c.title)
		}
		d.sees(c.title)
	}
	d.sees("verdict", "ln k")
	if d.press("E"); d.view() != before {
		t.Error("E does not take back what E laid")
	}
	for _, c := range buildColumns(d.a.desk.theme, d.a.desk.graph) {
		if c.help == "" {
			t.Errorf("nobody says what %s is", c.title)
		}
	}
	d.press("1", "E")
	d.sees("receptive field")
}
