package tui

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"layercake/train"
	"layercake/tui/widget"
)

func levelSign(level string) string {
	switch level {
	case "wrong":
		return "✗"
	case "warn":
		return "▲"
	}
	return "✓"
}

func levelStyle(t *theme, level string) ink {
	switch level {
	case "wrong":
		return t.bad
	case "warn":
		return t.warn
	}
	return t.good
}

// phaseSign is how a phase looks beside its word.
func phaseSign(t *theme, p *train.Snapshot) string {
	switch p.Phase {
	case train.Paused:
		return t.warn.Render("‖")
	case train.Ended:
		switch p.Reason {
		case train.Failed:
			return t.bad.Render("✗")
		case train.Stopped:
			return t.warn.Render("■")
		}
		return t.good.Render("✓")
	}
	return t.accent.Render("▶")
}

// fitParts joins the parts that fit w cells, the first ones before the others.
func fitParts(parts []string, gap string, w int) string {
	var kept []string
	for _, p := range parts {
		if p != "" && width(append(kept, p), gap) <= w {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, gap)
}

// Header says how far the run is, in place of the network's figures.
func (s *trainScreen) Header(w int) string {
	t := s.d.theme
	p := s.snap()
	if p == nil {
		return ""
	}
	epoch := phaseSign(t, p) + t.dim.Render(" epoch ") + t.strong.Render(fmt.Sprint(p.Epoch))
	if p.Epochs > 0 {
		epoch += t.dim.Render(fmt.Sprintf("/%d", p.Epochs))
	}
	parts := []string{epoch, lossWords(t, "loss ", p.Loss), accuracyWords(t, "test ", p.TestAccuracy)}
	if math.IsNaN(p.TestAccuracy) {
		parts[2] = lossWords(t, "test ", p.TestLoss)
	}
	if len(p.Metrics) > 0 { // the first one, where there is room for all
		with := []string{epoch, speed(t, p), parts[1], parts[2], metricWord(t, p.Metrics[0])}
		if width(with, "   ") <= w {
			return strings.Join(with, "   ")
		}
	}
	if line := fitParts([]string{epoch, parts[1], parts[2], speed(t, p)}, "   ", w); cells(line) <= w && strings.Contains(line, "samples/s") {
		return strings.Join([]string{epoch, speed(t, p), parts[1], parts[2]}, "   ") // as it reads best
	}
	return fitParts(parts, "   ", w)
}

func speed(t *theme, p *train.Snapshot) string {
	x := "–"
	if p.SamplesPerSecond > 0 {
		x = widget.Group(int64(math.Round(p.SamplesPerSecond)))
	}
	return t.strong.Render(fitRight(x, 7)) + t.dim.Render(" samples/s")
}

// lossWords writes a loss with its name, the same width while it is below 10.
func lossWords(t *theme, name string, x float64) string {
	return t.dim.Render(name) + t.strong.Render(fit(lossFigure(x), 5))
}

func lossFigure(x float64) string {
	switch {
	case math.IsNaN(x):
		return "–"
	case math.Abs(x) >= 100 || math.Abs(x) < 5e-4 && x != 0:
		return short(x)
	case math.Abs(x) >= 10:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.3f", x)
}

func accuracyWords(t *theme, name string, x float64) string {
	if math.IsNaN(x) {
		return t.dim.Render(name) + t.strong.Render(fit("–", 4)) + "  "
	}
	n, unit, _ := strings.Cut(widget.Percent(x, 1), " ")
	return t.dim.Render(name) + t.strong.Render(fitRight(n, 5)) + t.dim.Render(" "+unit)
}

// Status is the line of progress: phase, epoch, what is left.
func (s *trainScreen) Status(w int) string {
	t, r, p := s.d.theme, s.d.run, s.snap()
	switch {
	case r.live() && r.stage != "":
		return t.accent.Render("▶ ") + t.text.Render(r.stage)
	case r != nil && r.ended && r.err != nil && p != nil:
		return fitParts([]string{t.bad.Render("✗ failed") + t.dim.Render(" after ") + t.strong.Render(widget.Group(int64(p.Step))) + t.dim.Render(" steps"),
			t.accent.Render("R") + t.dim.Render(" trains anew"), t.dim.Render(sentence(r.err))}, "   ", w)
	case r != nil && r.ended && r.err != nil:
		return t.bad.Render("✗ " + sentence(r.err))
	case p == nil:
		return ""
	case r.ended:
		return fitParts(s.endWords(p), "   ", w)
	}
	share := 0.0
	if p.PerEpoch > 0 {
		share = float64(p.StepInEpoch) / float64(p.PerEpoch)
	}
	phase := phaseSign(t, p) + " " + t.text.Render(fit(string(p.Phase), 9))
	if w >= 100 {
		phase += t.dim.Render(" epoch ") + t.strong.Render(fitRight(fmt.Sprint(p.Epoch), len(fmt.Sprint(p.Epochs)))) + t.dim.Render(fmt.Sprintf("/%d", p.Epochs))
	}
	barW := 8
	if w >= 100 {
		barW = 20
	}
	bar := t.good.Render(strings.TrimRight(widget.Line(share, barW, t.ascii), " "))
	bar += t.faint.Render(strings.Repeat("─", barW-cells(bar))) + t.text.Render(fitRight(fmt.Sprintf("%.0f", 100*share), 4)) + t.dim.Render(" %")
	parts := []string{phase + " " + bar, left(t, p.EpochLeft, "left in epoch"), left(t, p.Left, "in all"),
		t.dim.Render("lr ") + t.strong.Render(rateWords(p.LR)), t.dim.Render("step ") + t.strong.Render(widget.Group(int64(p.Step)))}
	return fitParts(parts, "   ", w)
}

func left(t *theme, d time.Duration, words string) string {
	if d <= 0 {
		return t.dim.Render(fitRight("–", 5) + " " + words)
	}
	span := widget.Duration(d)
	return t.strong.Render(fitRight(span, max(5, cells(span)))) + t.dim.Render(" "+words)
}

// endWords says how the run ended.
func (s *trainScreen) endWords(p *train.Snapshot) []string {
	t := s.d.theme
	word := p.Reason
	if word == "" {
		word = "ended"
	}
	head := phaseSign(t, p) + " " + t.text.Render(word) + t.dim.Render(" after ") + t.strong.Render(widget.Group(int64(p.Step))) + t.dim.Render(" steps, ") +
		t.strong.Render(widget.Duration(p.Elapsed))
	parts := []string{head}
	switch {
	case !math.IsNaN(p.TestAccuracy):
		parts = append(parts, accuracyWords(t, "test accuracy ", p.TestAccuracy))
	case !math.IsNaN(p.TestLoss):
		parts = append(parts, lossWords(t, "test loss ", p.TestLoss))
	}
	for _, m := range p.Metrics {
		parts = append(parts, metricWord(t, m))
	}
	switch {
	case s.resumable():
		parts = append(parts, t.accent.Render("space")+t.dim.Render(" goes on"), t.accent.Render("R")+t.dim.Render(" trains anew"))
	default:
		parts = append(parts, t.accent.Render("R")+t.dim.Render(" trains anew"))
	}
	if p.Saved != "" {
		parts = append(parts, t.dim.Render("kept: "+filepath.Base(p.Saved)))
	} else {
		parts = append(parts, t.dim.Render("not kept on disk"))
	}
	return parts
}
