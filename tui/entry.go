package tui

import (
	"unicode"

	tea "github.com/charmbracelet/bubbletea"
)

// entry is a line of text being typed.
type entry struct {
	text []rune
	at   int // the cursor stands before text[at]
}

func newEntry(text string) entry { return entry{[]rune(text), len([]rune(text))} }

func (e *entry) String() string { return string(e.text) }

func (e *entry) set(text string) { *e = newEntry(text) }

// key takes a key and says whether it changed or moved anything.
func (e *entry) key(m tea.KeyMsg) bool {
	switch m.String() {
	case "backspace", "ctrl+h":
		if e.at > 0 {
			e.text = append(e.text[:e.at-1:e.at-1], e.text[e.at:]...)
			e.at--
		}
	case "delete":
		if e.at < len(e.text) {
			e.text = append(e.text[:e.at:e.at], e.text[e.at+1:]...)
		}
	case "left":
		e.at = max(e.at-1, 0)
	case "right":
		e.at = min(e.at+1, len(e.text))
	case "home", "ctrl+a":
		e.at = 0
	case "end", "ctrl+e":
		e.at = len(e.text)
	case "ctrl+u":
		e.text, e.at = e.text[e.at:], 0
	case "ctrl+w":
		i := e.at
		for i > 0 && e.text[i-1] == ' ' {
			i--
		}
		for i > 0 && e.text[i-1] != ' ' {
			i--
		}
		e.text, e.at = append(e.text[:i:i], e.text[e.at:]...), i
	default:
		if m.Type != tea.KeyRunes && m.Type != tea.KeySpace || m.Alt {
			return false
		}
		var in []rune
		for _, r := range m.Runes {
			if unicode.IsPrint(r) {
				in = append(in, r)
			}
		}
		e.text = append(e.text[:e.at:e.at], append(in, e.text[e.at:]...)...)
		e.at += len(in)
	}
	return true
}

// view draws the text with its cursor, the cursor's part where w is short.
func (e *entry) view(t *theme, w int) string {
	from := max(e.at-w+2, 0)
	return t.strong.Render(string(e.text[from:e.at])) + t.accent.Render("▏") + t.strong.Render(string(e.text[e.at:]))
}
