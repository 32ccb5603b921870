package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/layers"
	"layercake/model"
	"layercake/train"
	"layercake/tui/widget"
)

// attentionPanel shows what a node attends to in one sample, head by head, as
// the run goes on: rows are the steps that ask, columns those that are looked at.
type attentionPanel struct {
	d      *desk
	run    *runState
	nodes  []int // of the graph, that attend
	at     int   // of nodes
	sample int
	of     int // samples there are
	head   int // 0: the mean of all, then each
	query  int // the chosen row
	have   *train.Attention
	// problem is why there is no map; "" when all is well.
	problem string
}

// attentionMsg brings a map made from a checkpoint.
type attentionMsg struct {
	to  *attentionPanel
	at  train.Look
	got *train.Attention
	err error
}

// attenders are the nodes of g that can say what they attend to.
func attenders(g *model.Graph) []int {
	var out []int
	for i := range g.Nodes {
		if _, ok := g.Nodes[i].Layer.(layers.Attender); ok {
			out = append(out, i)
		}
	}
	return out
}

// attention lays the map over the screen: of the selected row, of the first
// node in it that attends, or of the next one below.
func (s *trainScreen) attention() tea.Cmd {
	r := s.d.run
	if r == nil || r.set == nil {
		s.d.say("the data is still being made")
		return nil
	}
	p := &attentionPanel{d: s.d, run: r, nodes: attenders(r.graph), of: train.SamplesToLookAt(r.set)}
	if row := s.d.stack.row(); row != nil {
		from := row.Nodes[0]
		p.at = max(slices.IndexFunc(p.nodes, func(n int) bool { return n >= from }), 0)
	}
	return tea.Batch(s.d.lay(p), p.ask())
}

func (p *attentionPanel) Init() tea.Cmd { return nil }
func (p *attentionPanel) Typing() bool  { return false }
func (p *attentionPanel) Title() string { return "attention" }

// Size leaves room for a row and a column of names around the map.
func (p *attentionPanel) Size(w, h int) (int, int) {
	if p.have == nil || p.have.Problem != "" {
		return min(w, 84), min(h, 12)
	}
	rows, cols := len(p.have.Queries), len(p.have.Keys)
	_, names := p.names(w - 4)
	cell := p.cell(w-4-names, cols)
	return min(max(names+cols*cell+6, 84), w), min(rows+8, h)
}

var attentionKeys = []keyBinding[attentionPanel]{
	{keys: []string{"esc", "m", "q"}, foot: "back", help: "back to the stack", do: (*attentionPanel).leave},
	{keys: []string{"right", "l"}, foot: "head", help: "next head", do: func(p *attentionPanel) tea.Cmd { return p.turn(1) }},
	{keys: []string{"left", "h"}, help: "head before", do: func(p *attentionPanel) tea.Cmd { return p.turn(-1) }},
	{keys: []string{"n"}, foot: "sample", help: "next sample", do: func(p *attentionPanel) tea.Cmd { return p.another(1) }},
	{keys: []string{"N", "p"}, help: "sample before", do: func(p *attentionPanel) tea.Cmd { return p.another(-1) }},
	{keys: []string{"tab"}, foot: "layer", help: "next layer that attends", do: func(p *attentionPanel) tea.Cmd { return p.step(1) }},
	{keys: []string{"shift+tab"}, help: "layer before", do: func(p *attentionPanel) tea.Cmd { return p.step(-1) }},
	{keys: []string{"down", "j"}, foot: "row", help: "next row", do: func(p *attentionPanel) tea.Cmd { p.choose(p.query + 1); return nil }},
	{keys: []string{"up", "k"}, help: "row before", do: func(p *attentionPanel) tea.Cmd { p.choose(p.query - 1); return nil }},
	{keys: []string{" "}, foot: "pause", help: "pause the run and go on", do: (*attentionPanel).rest},
}

func (p *attentionPanel) Keys() []command {
	own := bind(attentionKeys, p)
	if p.of < 2 || len(p.nodes) < 2 || !p.run.live() {
		own = slices.DeleteFunc(own, func(c command) bool {
			return p.of < 2 && strings.HasPrefix(c.help, "next sample") || len(p.nodes) < 2 && strings.HasPrefix(c.help, "next layer") ||
				!p.run.live() && c.foot == "pause"
		})
	}
	return own
}

func (p *attentionPanel) Update(msg tea.Msg) (Screen, tea.Cmd) {
	switch m := msg.(type) {
	case attentionMsg:
		if m.to == p && m.at == p.look() {
			p.have, p.problem = m.got, ""
			if m.err != nil {
				p.problem = sentence(m.err)
			}
			p.choose(p.query)
		}
	case tea.MouseMsg:
		switch m.Button {
		case tea.MouseButtonWheelDown:
			p.choose(p.query + 1)
		case tea.MouseButtonWheelUp:
			p.choose(p.query - 1)
		}
	}
	return p, nil
}

// heard takes the map of a snapshot of the run, where it is the one asked for.
func (p *attentionPanel) heard(a *train.Attention) {
	if a != nil && a.Look == p.look() {
		p.have = a
		p.choose(p.query)
	}
}

func (p *attentionPanel) look() train.Look {
	return train.Look{Node: p.nodes[p.at], Sample: p.sample}
}

// ask has the run make maps from now on; of one that has ended the checkpoint
// makes one.
func (p *attentionPanel) ask() tea.Cmd {
	p.have, p.problem = nil, ""
	r := p.run
	switch {
	case r.live() && r.run != nil:
		r.run.Look(p.look())
		return nil
	case r.snap.Saved == "":
		p.problem = "the run has ended and is not kept on disk: there are no weights to look with. R trains anew"
		return nil
	}
	dir, set, at := r.snap.Saved, r.set, p.look()
	return func() tea.Msg {
		k, err := train.ReadCheckpoint(dir)
		if err != nil {
			return attentionMsg{p, at, nil, err}
		}
		got, err := train.LookAt(k, set, at)
		return attentionMsg{p, at, got, err}
	}
}

func (p *attentionPanel) leave() tea.Cmd {
	if p.run.live() && p.run.run != nil {
		p.run.run.LookAway()
	}
	p.d.remove()
	return nil
}

func (p *attentionPanel) rest() tea.Cmd {
	switch r := p.run; {
	case !r.live() || r.run == nil:
	case r.have && r.snap.Phase == train.Paused:
		r.run.Continue()
	default:
		r.run.Pause()
	}
	return nil
}

func (p *attentionPanel) turn(n int) tea.Cmd {
	if p.have != nil && p.have.Map.Heads > 0 {
		views := p.views()
		p.head = ((p.head+n)%views + views) % views
	}
	return nil
}

// views are the heads, and where there are several their mean.
func (p *attentionPanel) views() int {
	if p.have.Map.Heads < 2 {
		return 1
	}
	return p.have.Map.Heads + 1
}

func (p *attentionPanel) another(n int) tea.Cmd {
	p.sample = ((p.sample+n)%p.of + p.of) % p.of
	return p.ask()
}

func (p *attentionPanel) step(n int) tea.Cmd {
	p.at = ((p.at+n)%len(p.nodes) + len(p.nodes)) % len(p.nodes)
	p.head = 0
	return p.ask()
}

func (p *attentionPanel) choose(query int) {
	if p.have != nil {
		p.query = max(min(query, len(p.have.Queries)-1), 0)
	}
}

// share is how much query q takes of key k in the head that is shown.
func (p *attentionPanel) share(q, k int) float64 {
	m := &p.have.Map
	if p.head > 0 || m.Heads == 1 {
		return float64(m.At(max(p.head-1, 0), q, k))
	}
	sum := 0.0
	for h := range m.Heads {
		sum += float64(m.At(h, q, k))
	}
	return sum / float64(m.Heads)
}

// shades are the signs of a share, from so much up among evenKeys keys. Among
// more, of which each can have less, from as much less; so the scale stays the
// same while a map changes.
var shades = []struct {
	from        float64
	sign, ascii string
}{{0.5, "█", "#"}, {0.25, "▓", "%"}, {0.1, "▒", "+"}, {0.03, "░", "-"}, {1e-3, "·", "."}}

const evenKeys = 16

// scale is what the shades' shares are multiplied by for so many keys.
func scale(keys int) float64 { return min(1, evenKeys/float64(max(keys, 1))) }

func (p *attentionPanel) shade(x float64) string {
	by := scale(len(p.have.Keys))
	for _, s := range shades {
		if x >= s.from*by {
			if p.d.theme.ascii {
				return s.ascii
			}
			return s.sign
		}
	}
	return " "
}

// token is a step's name as it is shown: a space has a sign.
func token(name string) string {
	switch name {
	case " ":
		return "␣"
	case "\n":
		return "↵"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}

// names are the rows' names and how wide the widest is in a panel of w cells.
func (p *attentionPanel) names(w int) ([]string, int) {
	out, most := make([]string, len(p.have.Queries)), 1
	for i, n := range p.have.Queries {
		out[i] = token(n)
		most = max(most, cells(out[i]))
	}
	return out, min(most, max(w/6, 4))
}

// cell is how wide one column is where there is room for cols of them in w.
func (p *attentionPanel) cell(w, cols int) int {
	if cols == 0 {
		return 1
	}
	return max(min((w-2)/cols, 3), 1)
}

func (p *attentionPanel) View(w, h int) string {
	t := p.d.theme
	n := &p.run.graph.Nodes[p.nodes[p.at]]
	head := t.of(n.Kind.Family).Bold(true).Render(n.Name)
	if p.have == nil || p.have.Problem != "" || p.problem != "" {
		words, ink := "waiting for the run to make the map", t.dim
		switch {
		case p.problem != "":
			words, ink = "✗ "+p.problem, t.bad
		case p.have != nil:
			words, ink = "✗ "+p.have.Problem, t.bad
		}
		out := []string{head, ""}
		for _, l := range wrap(words, w) {
			out = append(out, ink.Render(l))
		}
		return strings.Join(box(out, w, h), "\n")
	}
	a := p.have
	which := "all heads, their mean"
	switch {
	case a.Map.Heads == 1:
		which = "one head"
	case p.head > 0:
		which = fmt.Sprintf("head %d of %d", p.head, a.Map.Heads)
	}
	line := func(name, value string) string { return t.dim.Render(name) + t.strong.Render(value) }
	out := []string{fitParts([]string{head, t.strong.Render(which), line("sample ", strconv.Itoa(p.sample+1)) + t.dim.Render(" of "+widget.Group(int64(p.of))),
		line("step ", widget.Group(int64(a.Step)))}, "   ", w), ""}

	rows, names := p.names(w)
	keys := len(a.Keys)
	cell := p.cell(w-names, keys)
	shown := min((w-names-2)/cell, keys) // columns from the left that have room
	from := 0
	if shown < keys { // around the largest share of the chosen row
		best := p.best(p.query, 1)[0]
		from = max(min(best-shown/2, keys-shown), 0)
	}
	top := strings.Repeat(" ", names+2)
	for k := from; k < from+shown; k++ {
		top += fit(columnName(a.Keys[k], k+1, cell), cell)
	}
	out = append(out, t.dim.Render(top))

	room := max(h-len(out)-4, 1)
	first := scroll(len(rows), p.query, room)
	for q := first; q < min(first+room, len(rows)); q++ {
		label, ink := t.dim, t.bar
		if q == p.query {
			label, ink = t.accent, t.second
		}
		var b strings.Builder
		for k := from; k < from+shown; k++ {
			b.WriteString(strings.Repeat(p.shade(p.share(q, k)), cell))
		}
		s := label.Render(fitRight(rows[q], names)) + "  " + ink.Render(b.String())
		if q == p.query {
			s = t.selected(fit(s, w))
		}
		out = append(out, s)
	}
	out = box(out, w, h-3)
	return strings.Join(box(append(out, "", p.words(w), p.legend(w)), w, h), "\n")
}

// columnName is what stands over column n in so many cells: of a token as much as
// fits, of numbers every fifth where all would run together.
func columnName(name string, n, cell int) string {
	name = token(name)
	if name != strconv.Itoa(n) {
		return string([]rune(name)[:min(max(cell-1, 1), len([]rune(name)))])
	}
	switch {
	case cells(name) < cell:
		return name
	case n%5 == 0 && cells(name) <= cell:
		return name
	case n%10 == 0 && cell == 1:
		return strconv.Itoa(n / 10 % 10)
	}
	return ""
}

// best are the n keys that query q takes most of, the most first.
func (p *attentionPanel) best(q, n int) []int {
	keys := make([]int, len(p.have.Keys))
	for k := range keys {
		keys[k] = k
	}
	slices.SortStableFunc(keys, func(a, b int) int {
		switch x, y := p.share(q, a), p.share(q, b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	if len(keys) == 0 {
		return []int{0}
	}
	return keys[:min(n, len(keys))]
}

// words say in figures what the chosen row looks at.
func (p *attentionPanel) words(w int) string {
	t, a := p.d.theme, p.have
	if len(a.Queries) == 0 || len(a.Keys) == 0 {
		return t.dim.Render("the sample has no steps")
	}
	place := func(names []string, i int) string {
		if name := token(names[i]); name != strconv.Itoa(i+1) {
			return t.strong.Render(name) + t.dim.Render(fmt.Sprintf(" at %d", i+1))
		}
		return t.strong.Render(strconv.Itoa(i + 1))
	}
	parts := []string{place(a.Queries, p.query) + t.dim.Render(" looks at")}
	for _, k := range p.best(p.query, 6) {
		if x := p.share(p.query, k); x > 0 {
			parts = append(parts, place(a.Keys, k)+" "+t.accent.Render(widget.Percent(x, 0)))
		}
	}
	return fitParts(parts, "   ", w)
}

func (p *attentionPanel) legend(w int) string {
	t := p.d.theme
	by := scale(len(p.have.Keys))
	var parts []string
	for i := len(shades) - 1; i >= 0; i-- {
		words := " from " + widget.Percent(shades[i].from*by, 0)
		if i == len(shades)-1 {
			words = " less"
		}
		parts = append(parts, t.bar.Render(p.shade(shades[i].from*by))+t.dim.Render(words))
	}
	return fitParts(append(parts, t.dim.Render("rows ask, columns answer")), "   ", w)
}
