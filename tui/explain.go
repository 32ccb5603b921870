package tui

import (
	tea "github.com/charmbracelet/bubbletea"
)

// remark explains one thing on a screen.
type remark struct{ name, text string }

// explain lays over the screen what its columns say, those too that the width
// leaves out, and what more there is.
func (d *desk) explain(cols []column, more ...remark) tea.Cmd {
	var list []remark
	for _, c := range cols {
		list = append(list, remark{c.title, c.help})
	}
	list = append(list, more...)
	return d.lay(&page{d: d, key: "E", title: "what the columns say", lines: func(w int) []string {
		t := d.theme
		const names = 12
		var out []string
		for _, r := range list {
			name := r.name
			for _, l := range wrap(r.text, w-names) {
				out = append(out, t.accent.Render(fit(name, names))+t.text.Render(l))
				name = ""
			}
		}
		return out
	}})
}

// explain says what the columns, the curves and the verdict are.
func (s *trainScreen) explain() tea.Cmd {
	return s.d.explain(trainColumns(s.d.theme, s.d.stack, s.graph(), s.snap(), s.d.pace.peak),
		remark{"loss", "what training makes small: how far the outputs are from what is wanted, in the mean of a batch. Guessing among k classes has a loss of ln k: 2.303 for ten. Where the loss in training goes on falling while that in tests rises, samples are learnt by heart."},
		remark{"accuracy", "the share of samples whose class comes out highest. train: of the samples that it learns from; test: of samples that it never learns from, once an epoch."},
		remark{"verdict", "what the figures of all rows say together, the worst first: what was found, why that happens, what would cure it. V shows it whole, ! goes to its row."},
	)
}
