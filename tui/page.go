package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// page is a panel of text to read: a card, a verdict, what the columns say.
type page struct {
	d     *desk
	title string
	key   string               // that opened it and closes it
	lines func(w int) []string // the text in w cells
	top   int                  // the first line in sight
}

// pageWidth is how wide lines are at most: longer ones are hard to read.
const pageWidth = 84

func (p *page) Init() tea.Cmd { return nil }
func (p *page) Typing() bool  { return false }
func (p *page) Title() string { return p.title }
func (p *page) Size(w, h int) (int, int) {
	pw := min(w, pageWidth)
	return pw, min(len(p.lines(pw-4))+2, h)
}

func (p *page) Keys() []command {
	last := len(p.lines(pageWidth)) * pageWidth // more than there are at any width
	out := []command{{keys: []string{"esc", p.key, "enter", "q"}, foot: "back", do: func() tea.Cmd { p.d.remove(); return nil }}}
	for _, k := range []struct {
		keys []string
		foot string
		by   int
	}{
		{[]string{"down", "j"}, "down", 1}, {[]string{"up", "k"}, "up", -1},
		{[]string{"pgdown", "ctrl+d", " "}, "", p.d.bodyH / 2}, {[]string{"pgup", "ctrl+u"}, "", -p.d.bodyH / 2},
		{[]string{"G", "end"}, "", last}, {[]string{"g", "home"}, "", -last},
	} {
		out = append(out, command{keys: k.keys, foot: k.foot, do: func() tea.Cmd { p.scroll(k.by); return nil }})
	}
	return out
}

func (p *page) Update(msg tea.Msg) (Screen, tea.Cmd) {
	if m, ok := msg.(tea.MouseMsg); ok {
		switch m.Button {
		case tea.MouseButtonWheelDown:
			p.scroll(1)
		case tea.MouseButtonWheelUp:
			p.scroll(-1)
		}
	}
	return p, nil
}

// scroll moves the text by so many lines, to its ends at most.
func (p *page) scroll(by int) {
	_, _, w, h := placed(p, p.d.bodyW, p.d.bodyH)
	p.top = max(min(p.top+by, len(p.lines(w-4))-(h-2)), 0)
}

func (p *page) View(w, h int) string {
	lines := p.lines(w)
	top := min(p.top, max(len(lines)-h, 0))
	out := box(lines[top:], w, h)
	if top+h < len(lines) && h > 1 {
		t := p.d.theme
		out[h-1] = fit(t.accent.Render("↓")+t.dim.Render(" more"), w)
	}
	return strings.Join(out, "\n")
}
