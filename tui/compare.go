package tui

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/model"
)

// compareScreen sets networks side by side: the one on the desk and those
// that were picked, rows aligned, differences marked.
type compareScreen struct {
	d      *desk
	w, h   int
	of     []*model.Graph // what table was made of
	table  model.Comparison
	lines  []compareLine
	open   map[string]bool // groups that show their rows, by place
	cursor int
	top    int
	runs   *runsList // shown in place of the networks; nil: they are
}

// compareLine is one drawn line of the table.
type compareLine struct {
	row   model.ComparisonRow
	depth int
	place string // "3/1": which row of which group
	open  bool
}

func newCompareScreen(d *desk) *compareScreen {
	return &compareScreen{d: d, open: map[string]bool{}}
}

func (c *compareScreen) Init() tea.Cmd {
	c.d.draft = nil
	c.refresh()
	return nil
}

func (c *compareScreen) Typing() bool { return false }

// graphs are the networks compared: the desk's first.
func (c *compareScreen) graphs() []*model.Graph {
	out := []*model.Graph{c.d.graph}
	for _, g := range c.d.compare {
		if g.Spec != c.d.graph.Spec {
			out = append(out, g)
		}
	}
	return out
}

// refresh aligns anew where the networks are others than before.
func (c *compareScreen) refresh() {
	gs := c.graphs()
	same := len(gs) == len(c.of)
	for i := 0; same && i < len(gs); i++ {
		same = gs[i] == c.of[i]
	}
	if same {
		return
	}
	c.of = gs
	c.table = model.Compare(gs...)
	c.layout()
}

// layout makes lines of the rows and what is opened.
func (c *compareScreen) layout() {
	c.lines = c.lines[:0]
	var add func(rows []model.ComparisonRow, depth int, place string)
	add = func(rows []model.ComparisonRow, depth int, place string) {
		for i, r := range rows {
			at := fmt.Sprintf("%s%d", place, i)
			l := compareLine{row: r, depth: depth, place: at, open: r.Group && c.open[at]}
			c.lines = append(c.lines, l)
			if l.open {
				add(c.table.Under(r), depth+1, at+"/")
			}
		}
	}
	add(c.table.Rows, 0, "")
	c.cursor = max(min(c.cursor, len(c.lines)-1), 0)
	c.keepInView()
}

func (c *compareScreen) Update(msg tea.Msg) (Screen, tea.Cmd) {
	switch m := msg.(type) {
	case sizeMsg:
		c.w, c.h = m.w, m.h
		c.keepInView()
	case tea.MouseMsg:
		if c.runs == nil {
			c.mouse(m)
		}
	case runsReadMsg:
		c.hear(m)
	}
	c.refresh()
	return c, nil
}

func (c *compareScreen) mouse(m tea.MouseMsg) {
	switch {
	case m.Button == tea.MouseButtonWheelDown:
		c.move(3)
	case m.Button == tea.MouseButtonWheelUp:
		c.move(-3)
	case m.Button == tea.MouseButtonLeft && m.Action == tea.MouseActionPress:
		k := c.first(c.rowsH(c.h)) + m.Y - 1
		if m.Y < 1 || m.Y > c.rowsH(c.h) || k >= len(c.lines) {
			return
		}
		if k == c.cursor {
			c.toggle()
		}
		c.cursor = k
		c.keepInView()
	}
}

// compareKeys are Compare's.
var compareKeys = []keyBinding[compareScreen]{
	{keys: []string{"a"}, foot: "add", help: "add a preset or a file to compare with", do: (*compareScreen).add},
	{keys: []string{"x", "d"}, foot: "remove", help: "take a network away from the comparison", do: (*compareScreen).drop,
		when: func(c *compareScreen) bool { return len(c.of) > 1 }},
	{keys: []string{"enter"}, foot: "open", help: "open or fold the block", do: func(c *compareScreen) tea.Cmd { return c.toggle() }},
	{keys: []string{"N"}, foot: "next", help: "go to the next row that differs", do: (*compareScreen).next,
		when: func(c *compareScreen) bool { return len(c.of) > 1 }},
	{keys: []string{"o"}, foot: "take", help: "put one of the networks on the desk", do: (*compareScreen).take,
		when: func(c *compareScreen) bool { return len(c.of) > 1 }},
	{keys: []string{"r"}, foot: "runs", help: "compare runs that are kept", do: (*compareScreen).showRuns},
	{keys: []string{"z"}, help: "open all blocks, or fold all", do: (*compareScreen).foldAll},
	{keys: []string{"j", "down"}, help: "next row", do: func(c *compareScreen) tea.Cmd { return c.move(1) }},
	{keys: []string{"k", "up"}, help: "row before", do: func(c *compareScreen) tea.Cmd { return c.move(-1) }},
	{keys: []string{"l", "right"}, help: "open the block, go into it", do: (*compareScreen).into},
	{keys: []string{"h", "left"}, help: "fold the block, or the one around the row", do: (*compareScreen).fold},
	{keys: []string{"g", "home"}, help: "first row", do: func(c *compareScreen) tea.Cmd { return c.move(-len(c.lines)) }},
	{keys: []string{"G", "end"}, help: "last row", do: func(c *compareScreen) tea.Cmd { return c.move(len(c.lines)) }},
	{keys: []string{"pgdown", "ctrl+d"}, help: "half a page down", do: func(c *compareScreen) tea.Cmd { return c.move(max(c.rowsH(c.h)/2, 1)) }},
	{keys: []string{"pgup", "ctrl+u"}, help: "half a page up", do: func(c *compareScreen) tea.Cmd { return c.move(-max(c.rowsH(c.h)/2, 1)) }},
	{keys: []string{"u"}, help: "undo the last change of the network", do: func(c *compareScreen) tea.Cmd { return c.after(c.d.undo()) }},
	{keys: []string{"ctrl+r"}, help: "redo what was undone", do: func(c *compareScreen) tea.Cmd { return c.after(c.d.redo()) }},
}

func (c *compareScreen) Keys() []command {
	if c.runs != nil {
		return bind(runsKeys, c)
	}
	return bind(compareKeys, c)
}

func (c *compareScreen) after(cmd tea.Cmd) tea.Cmd {
	c.refresh()
	return cmd
}

// add lets the user pick another network.
func (c *compareScreen) add() tea.Cmd {
	return c.d.choose("compare with", func(s *model.Spec, _ string) {
		c.d.compare = append(c.d.compare, model.Resolve(s))
		c.refresh()
	})
}

// drop takes the only other network away, or asks which.
func (c *compareScreen) drop() tea.Cmd {
	if len(c.of) == 2 {
		return c.remove(1)
	}
	return c.which("take away", c.remove)
}

func (c *compareScreen) remove(i int) tea.Cmd {
	gone := c.of[i]
	var kept []*model.Graph
	for _, g := range c.d.compare {
		if g != gone {
			kept = append(kept, g)
		}
	}
	c.d.compare = kept
	c.refresh()
	return nil
}

// which asks for one of the other networks.
func (c *compareScreen) which(title string, then func(i int) tea.Cmd) tea.Cmd {
	var items []pickItem
	for _, g := range c.of[1:] {
		items = append(items, pickItem{name: g.Name, text: g.Spec.About, right: bothFigures(g), short: oneFigure(g)})
	}
	return c.d.lay(newPicker(c.d, title, title, items, func(i int) tea.Cmd { return then(i + 1) }))
}

// take puts one of the other networks on the desk; the desk's stays compared.
func (c *compareScreen) take() tea.Cmd {
	put := func(i int) tea.Cmd {
		g := c.of[i]
		return c.d.guard("put "+g.Name+" on the desk", func() tea.Cmd {
			c.remove(i)
			c.d.compare = append([]*model.Graph{c.d.graph}, c.d.compare...)
			c.d.load(g.Spec, g.Spec.File)
			c.refresh()
			return nil
		})
	}
	if len(c.of) == 2 {
		return put(1)
	}
	return c.which("put on the desk", put)
}

func (c *compareScreen) toggle() tea.Cmd {
	if c.cursor < len(c.lines) && c.lines[c.cursor].row.Group {
		l := c.lines[c.cursor]
		c.open[l.place] = !l.open
		c.layout()
	}
	return nil
}

func (c *compareScreen) into() tea.Cmd {
	if c.cursor >= len(c.lines) || !c.lines[c.cursor].row.Group {
		return nil
	}
	if c.lines[c.cursor].open {
		return c.move(1)
	}
	return c.toggle()
}

// fold closes the group under the cursor, or the one around it.
func (c *compareScreen) fold() tea.Cmd {
	if c.cursor >= len(c.lines) {
		return nil
	}
	l := c.lines[c.cursor]
	if !l.open {
		i := strings.LastIndexByte(l.place, '/')
		if i < 0 {
			return nil
		}
		for k := range c.lines {
			if c.lines[k].place == l.place[:i] {
				c.cursor = k
			}
		}
	}
	return c.toggle()
}

func (c *compareScreen) foldAll() tea.Cmd {
	any := len(c.open) > 0
	clear(c.open)
	for again := !any; again; {
		again = false
		for _, l := range c.lines {
			if l.row.Group && !l.open {
				c.open[l.place], again = true, true
			}
		}
		c.layout()
	}
	c.layout()
	return nil
}

// next goes to the next row that differs, from the last to the first again.
func (c *compareScreen) next() tea.Cmd {
	for i := range c.lines {
		if k := (c.cursor + 1 + i) % len(c.lines); c.lines[k].row.Differs {
			c.cursor = k
			c.keepInView()
			return nil
		}
	}
	c.d.say("the networks are the same")
	return nil
}

func (c *compareScreen) move(n int) tea.Cmd {
	c.cursor = max(min(c.cursor+n, len(c.lines)-1), 0)
	c.keepInView()
	return nil
}

// rowsH is how many lines there are for rows in a body of h.
func (c *compareScreen) rowsH(h int) int { return max(h-1-c.footH(), 1) }

// footH is how many lines totals and bars take, with the rule.
func (c *compareScreen) footH() int { return 4 + 1 + len(c.of) }

func (c *compareScreen) first(h int) int {
	top := min(c.top, max(len(c.lines)-h, 0))
	if c.cursor >= top+h {
		top = c.cursor - h + 1
	}
	return max(min(top, c.cursor), 0)
}

func (c *compareScreen) keepInView() {
	if c.h > 0 {
		c.top = c.first(c.rowsH(c.h))
	}
}
