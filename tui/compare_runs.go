package tui

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/layers"
	"layercake/train"
	"layercake/tui/widget"
)

// runsList is Compare's other side: kept runs, their tests as curves in one chart.
type runsList struct {
	logs   []train.Log
	read   bool
	drawn  map[string]bool // folders whose curve is drawn
	loss   bool            // draw the test loss in place of the accuracy
	cursor int
}

// runsReadMsg brings the runs that are kept.
type runsReadMsg struct {
	to   *runsList
	logs []train.Log
}

// drawnAtFirst is how many curves are drawn at first: those of the newest runs on
// the newest one's data, since other figures do not compare.
const drawnAtFirst = 4

// showRuns reads the kept runs, newest first, off the UI goroutine.
func (c *compareScreen) showRuns() tea.Cmd {
	dir := c.d.opts.RunsDir
	if dir == "" {
		c.d.say("no runs are kept: no folder for them is set")
		return nil
	}
	list := &runsList{drawn: map[string]bool{}}
	c.runs = list
	return func() tea.Msg {
		entries, _ := os.ReadDir(dir) // no folder: no runs
		type found struct {
			log  train.Log
			when int64
		}
		var all []found
		for _, e := range entries {
			log, err := train.ReadLog(filepath.Join(dir, e.Name()))
			info, statErr := e.Info()
			if err != nil || statErr != nil || len(log.Epochs) == 0 {
				continue // no run, or none that was tested
			}
			all = append(all, found{log, info.ModTime().UnixNano()})
		}
		slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(b.when, a.when) })
		msg := runsReadMsg{to: list}
		for _, f := range all {
			msg.logs = append(msg.logs, f.log)
		}
		return msg
	}
}

// hear takes the runs, unless another list has been asked for since.
func (c *compareScreen) hear(m runsReadMsg) {
	if m.to != c.runs {
		return
	}
	c.runs.logs, c.runs.read = m.logs, true
	drawn := 0
	for _, l := range m.logs {
		if drawn < drawnAtFirst && l.Start.Data == m.logs[0].Start.Data {
			c.runs.drawn[l.Dir] = true
			drawn++
		}
	}
	c.runs.loss = len(m.logs) > 0 && !hasAccuracy(m.logs[0])
}

// hasAccuracy reports whether a run's answers can be right or wrong.
func hasAccuracy(l train.Log) bool {
	return !math.IsNaN(float64(l.Epochs[len(l.Epochs)-1].TestAccuracy))
}

// runsKeys are Compare's while it shows runs.
var runsKeys = []keyBinding[compareScreen]{
	{keys: []string{" ", "enter"}, foot: "draw", help: "draw the run's curve, or take it away", do: (*compareScreen).drawRun},
	{keys: []string{"v"}, foot: "loss", help: "test loss in place of test accuracy, and back", do: func(c *compareScreen) tea.Cmd { c.runs.loss = !c.runs.loss; return nil }},
	{keys: []string{"r", "esc"}, foot: "networks", help: "back to the networks", do: func(c *compareScreen) tea.Cmd { c.runs = nil; return nil }},
	{keys: []string{"j", "down"}, help: "next run", do: func(c *compareScreen) tea.Cmd { return c.runs.move(1) }},
	{keys: []string{"k", "up"}, help: "run before", do: func(c *compareScreen) tea.Cmd { return c.runs.move(-1) }},
	{keys: []string{"g", "home"}, help: "first run", do: func(c *compareScreen) tea.Cmd { return c.runs.move(-len(c.runs.logs)) }},
	{keys: []string{"G", "end"}, help: "last run", do: func(c *compareScreen) tea.Cmd { return c.runs.move(len(c.runs.logs)) }},
}

func (l *runsList) move(n int) tea.Cmd {
	l.cursor = max(min(l.cursor+n, len(l.logs)-1), 0)
	return nil
}

// count is how many runs are to be drawn, and how many of them have nothing to draw.
func (l *runsList) count() (drawn, without int) {
	for _, log := range l.logs {
		if l.drawn[log.Dir] {
			drawn++
			if !l.loss && !hasAccuracy(log) {
				without++
			}
		}
	}
	return drawn, without
}

func (c *compareScreen) drawRun() tea.Cmd {
	if l := c.runs; l.cursor < len(l.logs) {
		dir := l.logs[l.cursor].Dir
		l.drawn[dir] = !l.drawn[dir]
	}
	return nil
}

// runStyles are the curves' colours in turn; every other curve is dashed too.
func runStyles(t *theme) []ink {
	return []ink{t.bar, t.second, t.good, t.of(layers.Flow), t.of(layers.Sequence), t.text}
}

// viewRuns draws the chart over the list.
func (c *compareScreen) viewRuns(w, h int) string {
	t, l := c.d.theme, c.runs
	if !l.read || len(l.logs) == 0 {
		text := "reading the runs"
		if l.read {
			text = "no run has been kept and tested yet: Train makes one, and 'layercake train'"
		}
		return strings.Join(box([]string{"", "  " + t.dim.Render(text)}, w, h), "\n")
	}
	styles := runStyles(t)
	chart := widget.Chart{Axis: t.dim.Style, ASCII: t.ascii}
	what, end := "test accuracy", 1.0
	var values [][]float64
	order := map[string]int{}
	for _, log := range l.logs {
		if !l.drawn[log.Dir] {
			continue
		}
		order[log.Dir] = len(chart.Series)
		s := widget.Series{X: []float64{}, Style: styles[len(chart.Series)%len(styles)].Style, Dashed: len(chart.Series)%2 == 1}
		for _, e := range log.Epochs {
			y := float64(e.TestAccuracy)
			if l.loss {
				y = float64(e.TestLoss)
			}
			s.X, s.Y = append(s.X, float64(e.Epoch)), append(s.Y, y)
			end = max(end, float64(e.Epoch))
		}
		values = append(values, s.Y)
		chart.Series = append(chart.Series, s)
	}
	chart.Format = func(y float64) string { return fitRight(widget.Percent(y, 1), 7) }
	chart.Low, chart.High = niceRange(0.02, values...)
	if l.loss {
		what = "test loss"
		chart.Format = func(y float64) string { return fitRight(lossFigure(y), 7) }
	} else {
		chart.High = min(chart.High, 1)
	}
	chart.XLow, chart.XMax = 1, end
	listH := min(len(l.logs)+1, max(h/2, 4))
	out := []string{" " + t.strong.Render(what) + t.dim.Render(fmt.Sprintf("   epoch 1 to %.0f", end))}
	for _, line := range strings.Split(chart.View(w-2, max(h-listH-2, 1)), "\n") {
		out = append(out, " "+line)
	}
	out = append(out, t.rule(w))

	line := func(mark, name, data, params, epochs, acc, loss string) string {
		return mark + " " + fit(name, max(w-58, 18)) + "  " + fit(data, 12) + fitRight(params, 12) + fitRight(epochs, 8) + fitRight(acc, 10) + fitRight(loss, 9)
	}
	out = append(out, t.dim.Render(fit(line("   ", "run", "data", "params", "epochs", "accuracy", "loss"), w)))
	from := scroll(len(l.logs), l.cursor, listH-1)
	for i := from; i < len(l.logs) && len(out) < h; i++ {
		log := l.logs[i]
		last := log.Epochs[len(log.Epochs)-1]
		mark, name := "   ", t.dim
		if k, ok := order[log.Dir]; ok {
			sign := "━"
			switch {
			case t.ascii:
				sign = string("*ox+"[k%4])
			case k%2 == 1:
				sign = "┅"
			}
			mark, name = " "+styles[k%len(styles)].Render(sign)+" ", styles[k%len(styles)]
		}
		if i == l.cursor {
			mark = t.accent.Render("▌") + strings.TrimPrefix(mark, " ")
		}
		accuracy := ""
		if x := float64(last.TestAccuracy); !math.IsNaN(x) {
			accuracy = widget.Percent(x, 2)
		}
		s := fit(line(mark, name.Render(widget.Plain(filepath.Base(log.Dir))), t.text.Render(widget.Plain(filepath.Base(log.Start.Data))), t.text.Render(widget.Group(log.Start.Params)),
			t.text.Render(fmt.Sprint(len(log.Epochs))), t.strong.Render(accuracy), t.text.Render(lossFigure(float64(last.TestLoss)))), w)
		if i == l.cursor {
			s = t.selected(s)
		}
		out = append(out, s)
	}
	return strings.Join(box(out, w, h), "\n")
}
