package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/layers"
	"layercake/model"
)

// toggleDetail shows or hides the detail where it is not beside the stack.
func (b *buildScreen) toggleDetail() tea.Cmd {
	b.detail = !b.detail
	b.fitStack()
	return nil
}

// fieldsOf are the settings of a row's layer as they stand.
func (b *buildScreen) fieldsOf(r *model.Row) []layers.Field {
	if g := b.d.shown(); r.Node >= 0 && r.Node < len(g.Nodes) && g.Nodes[r.Node].Layer != nil {
		return g.Nodes[r.Node].Layer.Fields()
	}
	return nil
}

// settingLines are the selected row's settings, to read.
func (b *buildScreen) settingLines(r *model.Row, w int) []string {
	t := b.d.theme
	var out []string
	for _, f := range b.fieldsOf(r) {
		s := " " + t.dim.Render(fit(f.Name, 13)) + t.strong.Render(strings.Join(f.Get(), ", "))
		if f.Unit != "" {
			s += t.dim.Render(" " + f.Unit)
		}
		out = append(out, s)
	}
	return out
}
