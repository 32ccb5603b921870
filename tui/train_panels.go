package tui

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"layercake/layers"
	"layercake/model"
	"layercake/train"
	"layercake/tui/widget"
)

// twoCurves says that loss and accuracy stand side by side in w cells.
func twoCurves(w int) bool { return w >= 76 }

// curves draws loss and accuracy in w×h cells, or the one asked for.
func (s *trainScreen) curves(w, h int, which lowerPart) []string {
	p := s.snap()
	accurate := slices.ContainsFunc(p.Curves.TrainAccuracy, func(x float64) bool { return !math.IsNaN(x) }) || len(p.Curves.TrainAccuracy) == 0
	switch {
	case !accurate || !twoCurves(w) && which != lowerAccuracy:
		return s.lossCurve(w, h)
	case !twoCurves(w):
		return s.accuracyCurve(w, h)
	}
	half := (w - 1) / 2
	return beside(s.d.theme, s.lossCurve(half, h), s.accuracyCurve(w-half-1, h))
}

func (s *trainScreen) lossCurve(w, h int) []string {
	p := s.snap()
	low, high := niceRange(0.02, usual(p.Curves.TrainLoss), usual(p.Curves.TestLoss))
	more := ""
	if s.w < watchFrom { // else they stand beside the curves
		more = metricWords(s.d.theme, p, w)
	}
	return s.curve(w, h, curveData{
		title: "loss", train: p.Curves.TrainLoss, test: p.Curves.TestLoss, low: low, high: high,
		figure: func(x float64) string { return lossFigure(x) },
		nowIs:  p.Loss, testIs: p.TestLoss, more: more,
	})
}

func (s *trainScreen) accuracyCurve(w, h int) []string {
	p := s.snap()
	low, high := niceRange(0.1, p.Curves.TrainAccuracy, p.Curves.TestAccuracy)
	return s.curve(w, h, curveData{
		title: "accuracy", train: p.Curves.TrainAccuracy, test: p.Curves.TestAccuracy, low: max(low, 0), high: min(high, 1),
		figure: func(x float64) string { return widget.Percent(x, 0) },
		nowIs:  p.Accuracy, testIs: p.TestAccuracy, percent: true,
	})
}

// curveData is one figure's course in training and in tests.
type curveData struct {
	title         string
	train, test   []float64
	low, high     float64
	figure        func(float64) string
	nowIs, testIs float64
	percent       bool
	more          string // behind the present figures, where there is room
}

// curve draws a title with the present figures, the chart, and a line with
// its steps.
func (s *trainScreen) curve(w, h int, c curveData) []string {
	t, p := s.d.theme, s.snap()
	one, two := "━", "┅"
	if t.ascii {
		one, two = "*", "o"
	}
	now := func(x float64) string {
		if c.percent {
			return widget.Percent(x, 1)
		}
		return lossFigure(x)
	}
	head := " " + t.strong.Render(fit(c.title, 8)) + " " + t.bar.Render(one+" train ") + t.text.Render(fit(now(c.nowIs), 7)) +
		" " + t.second.Render(two+" test ") + t.text.Render(now(c.testIs))
	if c.more != "" && cells(head)+3+cells(c.more) <= w {
		head += "   " + c.more
	}
	out := []string{head}
	if h < 4 {
		return box(out, w, h)
	}
	last := 1
	if n := len(p.Curves.TrainStep); n > 0 {
		last = p.Curves.TrainStep[n-1]
	}
	end := niceAbove(float64(max(last, p.Step, 10)))
	if p.Steps > 0 {
		end = min(end, float64(p.Steps))
	}
	dots := 2 * w
	chart := widget.Chart{
		Series: []widget.Series{
			{X: widget.Resample(steps(p.Curves.TrainStep), dots), Y: widget.Resample(c.train, dots), Style: t.bar.Style},
			{X: steps(p.Curves.TestStep), Y: c.test, Style: t.second.Style, Dashed: true},
		},
		Low: c.low, High: c.high, XLow: 0, XMax: end,
		Format: func(y float64) string { return fitRight(c.figure(y), 6) },
		Axis:   t.dim.Style, ASCII: t.ascii,
	}
	for _, l := range strings.Split(chart.View(w-2, h-2), "\n") {
		out = append(out, " "+l)
	}
	foot := "step " + widget.Group(int64(end))
	out = append(out, t.dim.Render(fitRight("0", 10)+fitRight(foot, w-11)))
	return box(out, w, h)
}

func steps(x []int) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// usual is a list without the few values that lie far above all others, such as
// the first ones of a learning rate that is too high: the curve leaves the chart
// there, and the rest of it can be read.
func usual(list []float64) []float64 {
	const few, far = 10, 4 // one in ten; so many times the others' range
	if len(list) < 2*few {
		return list
	}
	sorted := make([]float64, 0, len(list))
	for _, x := range list {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			sorted = append(sorted, x)
		}
	}
	slices.Sort(sorted)
	if len(sorted) < 2*few {
		return list
	}
	n := len(sorted) - len(sorted)/few
	if low, high, top := sorted[0], sorted[n-1], sorted[len(sorted)-1]; top-low <= far*(high-low) {
		return list
	}
	return sorted[:n]
}

// niceRange is a range around all values whose ends are round, so that the
// scale moves seldom; at least so wide.
func niceRange(least float64, lists ...[]float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, l := range lists {
		for _, x := range l {
			if !math.IsNaN(x) && !math.IsInf(x, 0) {
				low, high = min(low, x), max(high, x)
			}
		}
	}
	if low > high {
		return 0, 1
	}
	step := math.Pow(10, math.Floor(math.Log10(max(high-low, least))))
	for _, k := range []float64{0.5, 0.2} {
		if (high-low)/step < 10*k/2 {
			step *= k
			break
		}
	}
	low, high = math.Floor(low/step)*step, math.Ceil(high/step)*step
	if high <= low {
		high = low + step
	}
	return low, high
}

// niceAbove is the next round number from x.
func niceAbove(x float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(max(x, 1))))
	for _, k := range []float64{1, 1.5, 2, 3, 4, 6, 8} {
		if x <= k*p {
			return k * p
		}
	}
	return 10 * p
}

// metricWords are the figures of the last test beside loss and accuracy, as
// many as fit w cells; "" where there are none.
func metricWords(t *theme, p *train.Snapshot, w int) string {
	if len(p.Metrics) == 0 {
		return ""
	}
	parts := []string{t.second.Render("test")}
	for _, m := range p.Metrics {
		parts = append(parts, metricWord(t, m))
	}
	return fitParts(parts, "  ", w)
}

// metricWord is one figure with its name; shares are percentages.
func metricWord(t *theme, m train.Metric) string {
	value := lossFigure(m.Value)
	if m.Share() {
		value = widget.Percent(m.Value, 1)
	}
	return t.dim.Render(m.Name+" ") + t.strong.Render(value)
}

// detail are the selected row's live figures, in two columns where lines are few.
func (s *trainScreen) detail(w, h int) []string {
	t, p, r := s.d.theme, s.snap(), s.d.stack.row()
	if r == nil {
		return []string{"", t.dim.Render("nothing is stacked yet")}
	}
	head := t.of(r.Family).Bold(true).Render(r.Kind) + "   " + t.dim.Render(r.Name)
	if p == nil {
		return append([]string{"", head, ""}, rowFigures(t, s.graph(), r, s.d.figs)...)
	}
	x := statsOf(s.graph(), s.graph().GradientMACs(), p, r)
	var pictures []string
	if r.Node >= 0 && r.Node < len(p.Layers) {
		pictures = histograms(t, &p.Layers[r.Node], &x, w, h)
	}
	const left = 40
	if h >= 14 || w < 2*left-4 {
		out := append([]string{"", head, ""}, pictures...)
		return squeeze(append(out, s.rowLines(r, &x, w)...), h)
	}
	out := []string{head}
	right := s.rowLines(r, &x, w-left)
	for i := range max(len(pictures), len(right)) {
		a, b := "", ""
		if i < len(pictures) {
			a = pictures[i]
		}
		if i < len(right) {
			b = right[i]
		}
		out = append(out, fit(a, left)+b)
	}
	return out
}

// squeeze leaves out empty lines, the last ones first, until the rest fits h.
func squeeze(lines []string, h int) []string {
	for i := len(lines) - 1; i >= 0 && len(lines) > h; i-- {
		if lines[i] == "" {
			lines = slices.Delete(lines, i, i+1)
		}
	}
	return lines
}

// rowLines are a row's figures, one a line, and what is wrong with it.
func (s *trainScreen) rowLines(r *model.Row, x *rowStats, w int) []string {
	t, p := s.d.theme, s.snap()
	line := func(name, value, more string) string {
		return t.dim.Render(fit(name, 10)) + value + t.dim.Render(more)
	}
	var out []string
	if x.trained {
		trail := ""
		if n := len(x.trail); n > 0 {
			trail = short(x.trail[0]) + " → " + short(x.trail[n-1])
		}
		spark := widget.Spark(x.trail, min(w, len(x.trail)), true, t.ascii)
		out = append(out, t.dim.Render("gradient norm so far  ")+t.text.Render(trail), t.good.Render(spark), "",
			line("gradient", t.strong.Render(widget.Sci(x.grad)), fmt.Sprintf("   %s per weight", short(x.grad/math.Sqrt(float64(max(x.weights, 1)))))),
			line("update", t.strong.Render(widget.Sci(x.update)), "   of the weights"))
	}
	if !math.IsNaN(x.dead) {
		out = append(out, line("dead", t.strong.Render(widget.Percent(x.dead, 1)), "   of the units"))
	}
	if x.forward+x.backward > 0 {
		batch := float64(batchOf(s.graph().Spec))
		out = append(out, line("forward", t.strong.Render(fit(widget.Millis(x.forward)+" ms", 9)), flops(x.forwardMACs, batch, x.forward)),
			line("backward", t.strong.Render(fit(widget.Millis(x.backward)+" ms", 9)), flops(x.backwardMACs, batch, x.backward)))
		out = append(out, s.shares(x)...)
	}
	out = append(out, "")
	if f := findingAt(p, r, false); f != nil {
		if s.w >= watchFrom { // the verdict below says the rest
			return append(out, levelStyle(t, f.Level).Render(levelSign(f.Level)+" "+f.Word)+t.dim.Render("   the verdict below says why"))
		}
		return append(out, findingLines(t, f, w)...)
	}
	if x.trained && len(p.Verdict) > 0 {
		out = append(out, t.good.Render("✓ ")+t.text.Render("nothing wrong here"))
	}
	return out
}

func flops(macs, batch float64, d time.Duration) string {
	if x := gigaflops(macs, batch, d); x > 0 {
		return fitRight(short(x), 5) + " GFLOP/s"
	}
	return ""
}

// shares is the line with a row's share of all layers' time, and of what the
// threads can do at most.
func (s *trainScreen) shares(x *rowStats) []string {
	t, p := s.d.theme, s.snap()
	all := time.Duration(0)
	for i := range p.Layers {
		all += p.Layers[i].Forward + p.Layers[i].Backward
	}
	took := x.forward + x.backward
	if all == 0 {
		return nil
	}
	out := t.dim.Render(fit("share", 10)) + t.strong.Render(widget.Percent(float64(took)/float64(all), 0)) + t.dim.Render(" of step")
	speed := gigaflops(x.forwardMACs+x.backwardMACs, float64(batchOf(s.graph().Spec)), took)
	if speed > 0 && s.d.pace.peak > 0 {
		out += "   " + t.strong.Render(widget.Percent(speed/s.d.pace.peak, 0)) + t.dim.Render(" of peak")
	}
	return []string{out}
}

// histograms draws a node's weights, gradients and outputs side by side, the
// size of a typical element below each.
func histograms(t *theme, l *train.LayerStats, x *rowStats, w, h int) []string {
	cell := 8 // two bins a cell
	if w >= 60 && h >= 14 {
		cell = 16
	}
	root := math.Sqrt(float64(max(x.weights, 1)))
	var names, sizes string
	var rows [3]string
	for _, h := range []struct {
		name  string
		of    *train.Histogram
		style ink
		size  string
	}{
		{"weights", &l.Weights, t.bar, "rms " + short(x.weight/root)},
		{"gradients", &l.Grads, t.second, "rms " + short(x.grad/root)},
		{"outputs", &l.Acts, t.good, "σ " + short(l.ActStd)},
	} {
		if len(h.of.Counts) == 0 {
			continue
		}
		for i, line := range widget.Histogram(h.of.Counts, cell, len(rows), t.ascii) {
			rows[i] += h.style.Render(line) + strings.Repeat(" ", 4)
		}
		names += t.dim.Render(fit(h.name, cell+4))
		sizes += t.dim.Render(fit(h.size, cell+4))
	}
	if names == "" {
		return nil
	}
	return []string{names, rows[0], rows[1], rows[2], sizes, ""}
}

// plan says what would be trained before there is a run.
func (s *trainScreen) plan(w int) []string {
	t, d := s.d.theme, s.d
	line := func(name, value, more string) string {
		return fit(t.dim.Render(fit(name, 10))+t.text.Render(value)+t.dim.Render(more), w)
	}
	if d.run.live() {
		return []string{"", t.accent.Render("▶ ") + t.text.Render(d.run.stage)}
	}
	if len(d.spec().Layers) == 0 {
		return []string{t.text.Render("Nothing is stacked yet."), "  " + t.accent.Render("1") + t.dim.Render("  goes back to Build, ") + t.accent.Render("a") + t.dim.Render(" there adds a layer")}
	}
	if err := d.graph.Err; err != nil {
		return append(hang(t.bad, t.bad, "✗", "this network cannot run yet: "+sentence(err), w), "  "+t.accent.Render("1")+t.dim.Render("  goes back to Build"))
	}
	var out []string
	if r := d.run; r != nil && r.err != nil {
		out = append(hang(t.bad, t.bad, "✗", sentence(r.err), w), "")
	}
	out = append(out, t.strong.Render("what would be trained"))
	ts := d.spec().Train
	name := dataOf(d.spec())
	samples, more := 0, ""
	if e := entryOf(name); e != nil {
		samples = e.Train
		more = "   " + e.Title
		if e.Train > 0 {
			more += fmt.Sprintf(", %s to train on, %s to test with", widget.Group(int64(e.Train)), widget.Group(int64(e.Test)))
		}
	}
	batch, epochs := batchOf(d.spec()), ts.Epochs
	if epochs == 0 && ts.Steps == 0 {
		epochs = defaultEpochs
	}
	out = append(out, line("data", name, more))
	length := fmt.Sprintf("%d epochs", epochs)
	if ts.Steps > 0 {
		length = widget.Group(int64(ts.Steps)) + " steps"
	}
	perEpoch := ""
	if samples > 0 {
		n := (samples + batch - 1) / batch
		perEpoch = fmt.Sprintf("   %s steps an epoch", widget.Group(int64(n)))
	}
	out = append(out, line("length", length+fmt.Sprintf(", batch %d", batch), perEpoch))
	out = append(out, line("optimizer", namedWords(ts.Optimizer, defaultOptimizer), ""))
	out = append(out, line("schedule", namedWords(ts.Schedule, defaultSchedule), ""))
	if ts.Loss.Kind != "" {
		out = append(out, line("loss", namedWords(ts.Loss, ""), ""))
	}
	if len(ts.Augment) > 0 {
		out = append(out, line("augment", settingWords(ts.Augment), ""))
	}
	out = append(out, line("memory", widget.Bytes(d.figs.memory), "   of the process at this batch, the data left out"))
	if took := d.pace.epoch(d.figs); took > 0 {
		out = append(out, line("time", "≈ "+spanWords(took)+" an epoch", "   estimated by a short try, or by the last run"))
	}
	out = append(out, t.accent.Render(fit("space", 10))+t.text.Render("starts")+t.dim.Render("; i on Build changes these"))
	return out
}

func namedWords(n model.Named, byDefault string) string {
	if n.Kind == "" {
		return byDefault
	}
	if len(n.Settings) == 0 {
		return n.Kind
	}
	return n.Kind + "  " + settingWords(n.Settings)
}

func settingWords(list []model.Setting) string {
	var w []string
	for _, s := range list {
		w = append(w, s.Key+" "+valueWords(s.Value))
	}
	return strings.Join(w, ", ")
}

func valueWords(v layers.Value) string { return strings.Join(v, "×") }
