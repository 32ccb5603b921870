package tui

import (
	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"
)

// entry is a line of text being typed. The zero entry is empty.
type entry struct {
	input textinput.Model
	made  bool
}

func newEntry(text string) entry {
	var e entry
	e.set(text)
	return e
}

// ready makes the text input of a zero entry.
func (e *entry) ready() *textinput.Model {
	if !e.made {
		e.input, e.made = textinput.New(), true
		e.input.Focus()
	}
	return &e.input
}

func (e *entry) String() string { return e.input.Value() }

// set replaces the text; the cursor stands behind it.
func (e *entry) set(text string) {
	in := e.ready()
	in.SetValue(text)
	in.CursorEnd()
}

// key takes a key and says whether it is one of editing.
func (e *entry) key(m tea.KeyMsg) bool {
	in := e.ready()
	k := in.KeyMap
	if (m.Type != tea.KeyRunes && m.Type != tea.KeySpace || m.Alt) && !key.Matches(m, k.CharacterForward, k.CharacterBackward,
		k.WordForward, k.WordBackward, k.DeleteWordBackward, k.DeleteWordForward, k.DeleteAfterCursor, k.DeleteBeforeCursor,
		k.DeleteCharacterBackward, k.DeleteCharacterForward, k.LineStart, k.LineEnd) {
		return false
	}
	*in, _ = in.Update(m) // its command only makes the cursor blink
	return true
}

// view draws the text with its cursor, the cursor's part where w is short.
func (e *entry) view(t *theme, w int) string {
	text, at := []rune(e.ready().Value()), e.input.Position()
	from := max(at-w+2, 0)
	return t.strong.Render(string(text[from:at])) + t.accent.Render("▏") + t.strong.Render(string(text[at:]))
}
