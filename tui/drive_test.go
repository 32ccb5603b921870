package tui

import (
	"context"
	"io"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"

	"layercake/model"
)

// smallNet is what the tests build on: a stem, a repeated block with a skip, a head.
const smallNet = `name: small
input: [1, 8, 8]
blocks:
  basic:
    settings: {filters: 4, stride: 1}
    layers:
      - residual:
          shortcut: projection
          layers:
            - conv2d: {filters: $filters, kernel: 3, stride: $stride, padding: same, bias: false}
            - batchnorm
            - relu
            - conv2d: {filters: $filters, kernel: 3, padding: same, bias: false}
            - batchnorm
      - relu
layers:
  - conv2d: {name: stem, filters: 4, kernel: 3, padding: same, bias: false}
  - batchnorm
  - relu
  - block: {name: stage1, repeat: 2, use: basic, with: {filters: 8}, first: {stride: 2}}
  - globalavgpool
  - dense: {name: head, units: 10}
train: {data: digits, batch: 32, epochs: 2, optimizer: {sgd: {lr: 0.1, momentum: 0.9}}}
`

// driver sends an app messages and runs its commands in place, one after the
// other, as tea.Program does on goroutines.
type driver struct {
	t *testing.T
	a *app
}

func drive(t *testing.T, text string, w, h int) *driver {
	t.Helper()
	s, err := model.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	d := &driver{t, newApp(context.Background(), Options{Spec: s, Machine: "generic · 1 thread"}, plainTheme(false))}
	d.run(d.a.Init())
	d.send(tea.WindowSizeMsg{Width: w, Height: h})
	return d
}

func (d *driver) send(msg tea.Msg) {
	_, cmd := d.a.Update(msg)
	d.run(cmd)
}

func (d *driver) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch m := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range m {
			d.run(c)
		}
	case tea.QuitMsg:
	default:
		d.send(m)
	}
}

// press sends keys by their names; "type:words" sends the letters.
func (d *driver) press(keys ...string) *driver {
	for _, k := range keys {
		if text, ok := strings.CutPrefix(k, "type:"); ok {
			for _, r := range text {
				d.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
			}
			continue
		}
		d.send(keyMsg(d.t, k))
	}
	return d
}

// keyMsg is the message of a key by the name that tea gives it.
func keyMsg(t *testing.T, name string) tea.KeyMsg {
	t.Helper()
	if r := []rune(name); len(r) == 1 && name != " " {
		return tea.KeyMsg{Type: tea.KeyRunes, Runes: r}
	}
	for k := tea.KeyType(-200); k < 200; k++ {
		if k != tea.KeyRunes && (tea.Key{Type: k}).String() == name {
			return tea.KeyMsg{Type: k, Runes: map[bool][]rune{true: {' '}}[name == " "]}
		}
	}
	t.Fatalf("there is no key %q", name)
	return tea.KeyMsg{}
}

// view is the frame, checked to be exactly as large as the terminal.
func (d *driver) view() string {
	d.t.Helper()
	v := d.a.View()
	lines := strings.Split(v, "\n")
	if len(lines) != d.a.h {
		d.t.Errorf("the frame has %d lines, wants %d:\n%s", len(lines), d.a.h, v)
	}
	for i, l := range lines {
		if n := lipgloss.Width(l); n != d.a.w {
			d.t.Errorf("line %d of the frame is %d cells wide, wants %d: %q", i, n, d.a.w, l)
		}
	}
	return v
}

// screen is the front screen by itself, at the size that the frame leaves it.
func (d *driver) screen() string {
	return d.a.screens[d.a.shown].View(d.a.w, d.a.frame().body)
}

func (d *driver) sees(words ...string) {
	d.t.Helper()
	v := d.view()
	for _, w := range words {
		if !strings.Contains(v, w) {
			d.t.Errorf("%q is not on the screen:\n%s", w, v)
		}
	}
}

// yaml is the network on the desk.
func (d *driver) yaml() string { return string(d.a.desk.spec().YAML()) }

// selectRow puts the cursor on the row of that name.
func (d *driver) selectRow(name string) {
	d.t.Helper()
	for i, r := range d.a.desk.stack.rows {
		if r.Name == name {
			d.a.desk.stack.selectRow(i)
			return
		}
	}
	d.t.Fatalf("there is no row %s", name)
}

// plainTheme has no colour at all, as in a file or under NO_COLOR.
func plainTheme(ascii bool) *theme {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.Ascii)
	r.SetHasDarkBackground(true)
	return themeFor(r, ascii)
}
