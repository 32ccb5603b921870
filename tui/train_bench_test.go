package tui

import (
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"layercake/model"
	"layercake/presets"
)

// One frame of Train at its widest, in true colour, of a deep network with
// every block open: what each snapshot costs the screen.
func BenchmarkTrainFrame(b *testing.B) {
	s, err := presets.Spec("resnet20")
	if err != nil {
		b.Fatal(err)
	}
	r := lipgloss.NewRenderer(nil)
	r.SetColorProfile(termenv.TrueColor)
	a := newApp(b.Context(), Options{Spec: s}, themeFor(r, false))
	a.Init()
	a.Update(tea.WindowSizeMsg{Width: 200, Height: 60})
	g := model.Resolve(s)
	a.desk.graph = g
	a.desk.run = &runState{of: g.Spec, graph: g, have: true, snap: step1200(g), cancel: func() {}}
	a.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{'2'}})
	openAll(a.desk.stack)
	for b.Loop() {
		if len(a.View()) == 0 {
			b.Fatal("nothing is drawn")
		}
	}
}
