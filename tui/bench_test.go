package tui

import (
	"context"
	"slices"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/presets"
)

// What one key costs from its message to the finished frame, on the largest
// preset: moving, and typing into a form, which resolves the network anew.
func BenchmarkKey(b *testing.B) {
	for _, c := range []struct {
		name  string
		first []string
		key   rune
	}{{"move", nil, 'j'}, {"type", []string{"e"}, '1'}} {
		b.Run(c.name+"/resnet50/200x60", func(b *testing.B) {
			s, err := presets.Spec("resnet50")
			if err != nil {
				b.Fatal(err)
			}
			a := newApp(context.Background(), Options{Spec: s}, plainTheme(false))
			a.Update(tea.WindowSizeMsg{Width: 200, Height: 60})
			openAll(a.desk.stack)
			for _, k := range c.first {
				a.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)})
			}
			for i := 0; b.Loop(); i++ {
				m := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{c.key}}
				if i%2 == 1 && c.name == "type" {
					m = tea.KeyMsg{Type: tea.KeyBackspace}
				}
				a.Update(m)
				a.View()
			}
		})
	}
}

// openAll opens every group.
func openAll(s *stack) {
	for s.foldAll(); slices.ContainsFunc(s.lines, func(l line) bool { return l.fold == "▸" && s.rows[l.row].Kind != "add" }); {
		s.foldAll()
	}
}
