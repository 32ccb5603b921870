package tui

import (
	"errors"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/train"
)

// staleWords say that another network is on the desk than the one that trains.
const staleWords = "this run trains an earlier version of the network; R trains the present one"

// findings are what there is to say of the run, what matters most first: what
// ended it, what is wrong, that it trains an earlier network, that all is well.
func (s *trainScreen) findings() []train.Finding {
	p := s.snap()
	var out, well []train.Finding
	say := func(level, what string) {
		if what != "" {
			out = append(out, train.Finding{Level: level, Node: -1, What: what})
		}
	}
	if f := s.failure(); f != nil {
		out = append(out, *f)
	} else {
		for _, f := range p.Verdict {
			if f.Level == "good" {
				well = append(well, f)
			} else {
				out = append(out, f)
			}
		}
		if len(p.Verdict) == 0 {
			what := earlyWords
			if p.Step == 0 {
				what = firstWords
			}
			well = []train.Finding{{Level: levelNote, Node: -1, What: what}}
		}
	}
	say("wrong", p.Problem)
	if s.stale() {
		say("warn", staleWords)
	}
	out = append(out, well...)
	say(levelNote, s.d.run.fitted)
	return out
}

// levelNote is the level of what is neither good nor bad.
const levelNote = "note"

// verdict is the findings in at most h lines: the first whole, with why and cure,
// the others as far as they go. What is cut off is a key away.
func (s *trainScreen) verdict(w, h int) []string {
	t, list := s.d.theme, s.findings()
	var out []string
	for i := range list {
		f := list[i]
		lines := findingLines(t, &f, w)
		if i == 0 && len(lines) > h || i > 0 && len(out)+len(lines) > h {
			f.Why = "" // the cure is worth more
			lines = findingLines(t, &f, w)
		}
		if i > 0 && len(out)+len(lines) > h {
			f.Cure = ""
			lines = findingLines(t, &f, w)
		}
		if i > 0 && len(out)+len(lines) > h {
			break
		}
		out = append(out, lines...)
	}
	if len(out) > h && h > 0 {
		const more = 9
		out = out[:h]
		out[h-1] = fit(out[h-1], w-more-1) + " " + t.accent.Render("V") + t.dim.Render("  whole")
	}
	return out
}

// verdictNeeds is how many lines of w cells the first finding takes, whole.
func (s *trainScreen) verdictNeeds(w int) int {
	list := s.findings()
	return len(findingLines(s.d.theme, &list[0], w))
}

// verdictColumn is the verdict with a title, and the figures of the last test.
func (s *trainScreen) verdictColumn(w, h int) []string {
	t := s.d.theme
	head, words := t.strong.Render("verdict"), metricWords(t, s.snap(), w)
	var out []string
	switch {
	case words == "":
	case cells(head)+2+cells(words) <= w:
		head = spread(head, words, w)
	default:
		out = append(out, words)
	}
	out = append(out, head)
	return append(out, s.verdict(w, h-len(out))...)
}

// why lays everything that was found over the screen, whole.
func (s *trainScreen) why() tea.Cmd {
	return s.d.lay(&page{d: s.d, key: "V", title: "verdict", lines: func(w int) []string {
		var out []string
		for _, f := range s.findings() {
			if len(out) > 0 {
				out = append(out, "")
			}
			out = append(out, findingLines(s.d.theme, &f, w)...)
		}
		return out
	}})
}

// What is said before anything is found.
const (
	firstWords = "the first step is under way: nothing is measured yet"
	earlyWords = "too early to say: the first steps are wild"
)

// failure is what ended the run, as a finding; nil where it did not fail.
func (s *trainScreen) failure() *train.Finding {
	r, p := s.d.run, s.snap()
	if r == nil || p == nil || !r.ended || r.err == nil {
		return nil
	}
	var diverged *train.DivergedError
	if !errors.As(r.err, &diverged) {
		return &train.Finding{Level: "wrong", Node: -1, What: sentence(r.err)}
	}
	f := &train.Finding{
		Level: "wrong", Node: -1,
		What: fmt.Sprintf("step %d: %s%s", diverged.Step, diverged.What, diverged.Where),
		Why:  "each step overshot, and the next one was longer still, until the numbers ended.",
		Cure: fmt.Sprintf("lower the learning rate (%s), to %s say, or set clip.", rateWords(diverged.LR), rateWords(diverged.LR/10)),
	}
	if loss := p.Curves.TrainLoss; len(loss) > 0 && p.Loss > 2*loss[0] {
		f.Why = fmt.Sprintf("each step overshot, and the next one was longer still: the loss went from %s to %s.", lossFigure(loss[0]), lossFigure(p.Loss))
	}
	return f
}

func findingLines(t *theme, f *train.Finding, w int) []string {
	out := hang(levelStyle(t, f.Level), t.text, levelSign(f.Level), f.What, w)
	if f.Level == levelNote {
		out = hang(t.dim, t.dim, "·", f.What, w)
	}
	if f.Why != "" {
		out = append(out, hang(t.dim, t.dim, " ", "Why: "+f.Why, w)...)
	}
	if f.Cure != "" {
		out = append(out, hang(t.accent, t.text, " ", "Cure: "+f.Cure, w)...)
	}
	return out
}

// hang sets a sign before wrapped text.
func hang(signed, text ink, sign, words string, w int) []string {
	var out []string
	for i, l := range wrap(words, w-2) {
		if i > 0 {
			sign = " "
		}
		out = append(out, signed.Render(sign)+" "+text.Render(l))
	}
	return out
}
