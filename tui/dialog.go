package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// dialog asks one thing: by keys, or by a line of text.
type dialog struct {
	d       *desk
	title   string
	text    string // the question, a sentence or two
	answers []command
	asks    bool // has a text field
	entry   entry
	accept  func(text string) tea.Cmd // of the text field
	problem string                    // why the last answer was refused
	more    func(tea.Msg)             // hears messages that an answer brings later
}

func (q *dialog) Init() tea.Cmd { return nil }
func (q *dialog) Typing() bool  { return q.asks }
func (q *dialog) Title() string { return q.title }

func (q *dialog) Size(w, h int) (int, int) {
	pw := min(w, 64)
	n := len(wrap(q.text, pw-4)) + 4
	if !q.asks {
		n += len(q.answers)
	}
	if q.problem != "" {
		n += 1 + len(wrap("✗ "+q.problem, pw-4))
	}
	return pw, min(n+1, h)
}

// Keys of a question are its answers and esc; nothing else works meanwhile.
func (q *dialog) Keys() []command {
	back := command{keys: []string{"esc"}, foot: "back", do: func() tea.Cmd { q.d.remove(); return nil }}
	if q.asks {
		return []command{{keys: []string{"enter"}, foot: "accept", do: q.enter}, back}
	}
	var out []command
	for _, a := range q.answers {
		do := a.do
		a.do = func() tea.Cmd { q.d.remove(); return do() }
		out = append(out, a)
	}
	return append(out, back)
}

func (q *dialog) enter() tea.Cmd {
	q.problem = ""
	return q.accept(strings.TrimSpace(q.entry.String()))
}

func (q *dialog) Update(msg tea.Msg) (Screen, tea.Cmd) {
	if m, ok := msg.(tea.KeyMsg); ok && q.asks {
		q.problem = ""
		q.entry.key(m)
	} else if q.more != nil {
		q.more(msg)
	}
	return q, nil
}

func (q *dialog) View(w, h int) string {
	t := q.d.theme
	var out []string
	for _, l := range wrap(q.text, w) {
		out = append(out, t.text.Render(l))
	}
	out = append(out, "")
	if q.asks {
		out = append(out, t.accent.Render("› ")+q.entry.view(t, w-3))
	} else {
		for _, a := range q.answers {
			out = append(out, "  "+t.accent.Render(fit(keyName(a.keys[0]), 7))+t.text.Render(a.help))
		}
		out = append(out, "  "+t.accent.Render(fit("esc", 7))+t.text.Render("stay here"))
	}
	if q.problem != "" {
		out = append(out, "")
		for _, l := range wrap("✗ "+q.problem, w) {
			out = append(out, t.bad.Render(l))
		}
	}
	return strings.Join(box(out, w, h), "\n")
}

// newQuitDialog asks before work is lost.
func newQuitDialog(d *desk) *dialog {
	q := &dialog{d: d, title: "quit"}
	leave := func() tea.Cmd { d.quit = true; return nil }
	var what []string
	if d.run.live() {
		keep := "what it has learnt is not kept: no folder for runs is set."
		if d.opts.RunDir != nil {
			keep = "it is stopped, and kept, so that it can be resumed."
		}
		what = append(what, "A run is training; "+keep)
	}
	if d.dirty() {
		what = append(what, d.title()+" has changes that are not saved.")
		q.answers = append(q.answers, command{keys: []string{"s", "y"}, foot: "save", help: "save and quit", do: func() tea.Cmd { return d.saveThen(leave) }})
		q.answers = append(q.answers, command{keys: []string{"d", "n"}, foot: "drop", help: "quit without saving", do: leave})
	} else {
		q.answers = append(q.answers, command{keys: []string{"enter", "y"}, foot: "quit", help: "quit", do: leave})
	}
	q.text = strings.Join(what, " ")
	return q
}
