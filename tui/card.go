package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/compute"
	"layercake/layers"
	"layercake/model"
)

// kindOf is the kind of a row's layer, nil for a group or an input.
func kindOf(r *model.Row) *layers.Kind { return layers.Lookup(r.Kind) }

// cardPanel shows the whole card of a kind of layer.
type cardPanel struct {
	d            *desk
	kind         *layers.Kind
	top          int
	params, macs string // of the selected layer, written out
}

// card lays the selected layer's card over the screen.
func (b *buildScreen) card() tea.Cmd {
	r := b.d.stack.row()
	if r == nil {
		return nil
	}
	k := kindOf(r)
	if k == nil {
		b.d.say("a " + r.Kind + " has no card: choose a layer")
		return nil
	}
	c := &cardPanel{d: b.d, kind: k}
	c.params, c.macs = account(b.d.shown(), r)
	return b.d.lay(c)
}

// account writes out what the row's layer has and costs, with its own numbers;
// empty where the row is a group or refused.
func account(g *model.Graph, r *model.Row) (params, macs string) {
	if r.Node < 0 || r.Node >= len(g.Nodes) || g.Nodes[r.Node].Layer == nil {
		return "", ""
	}
	n := &g.Nodes[r.Node]
	var in []compute.Shape
	for _, i := range n.In {
		in = append(in, g.Nodes[i].Plan.Out)
	}
	return layers.Account(n.Layer, in)
}

func (c *cardPanel) Init() tea.Cmd { return nil }
func (c *cardPanel) Typing() bool  { return false }
func (c *cardPanel) Title() string { return c.kind.Name + " · " + string(c.kind.Family) }
func (c *cardPanel) Size(w, h int) (int, int) {
	pw := min(w, 84)
	return pw, min(len(c.text(pw-4))+2, h)
}

var cardKeys = []keyBinding[cardPanel]{
	{keys: []string{"esc", "w", "enter", "q"}, foot: "back", do: func(c *cardPanel) tea.Cmd { c.d.remove(); return nil }},
	{keys: []string{"down", "j"}, foot: "down", do: func(c *cardPanel) tea.Cmd { c.top++; return nil }},
	{keys: []string{"up", "k"}, foot: "up", do: func(c *cardPanel) tea.Cmd { c.top = max(c.top-1, 0); return nil }},
}

func (c *cardPanel) Keys() []command { return bind(cardKeys, c) }

func (c *cardPanel) Update(msg tea.Msg) (Screen, tea.Cmd) {
	if m, ok := msg.(tea.MouseMsg); ok {
		switch m.Button {
		case tea.MouseButtonWheelDown:
			c.top++
		case tea.MouseButtonWheelUp:
			c.top = max(c.top-1, 0)
		}
	}
	return c, nil
}

func (c *cardPanel) text(w int) []string {
	t := c.d.theme
	card := c.kind.Card
	var out []string
	for _, p := range []struct{ head, text string }{
		{"", c.kind.Summary},
		{"What it does", card.What}, {"Formula", card.Formula}, {"Shapes", card.Shapes},
		{"Parameters", card.Params}, {"", here(c.params)}, {"Cost", card.Cost}, {"", here(c.macs)}, {"When", card.When},
		{"Instead", card.Instead}, {"Source", card.Source},
	} {
		if p.text == "" {
			continue
		}
		if p.head != "" {
			out = append(out, "", t.accent.Render(p.head))
		}
		for _, l := range wrap(p.text, w-2) {
			out = append(out, " "+t.text.Render(l))
		}
	}
	return out
}

// here begins a sum of the selected layer's own numbers.
func here(sum string) string {
	if sum == "" {
		return ""
	}
	return "here: " + sum
}

func (c *cardPanel) View(w, h int) string {
	lines := c.text(w)
	return strings.Join(box(lines[min(c.top, max(len(lines)-h, 0)):], w, h), "\n")
}
