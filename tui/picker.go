package tui

import (
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/sahilm/fuzzy"
)

// picker is a panel with a list to choose from; typing narrows it.
type picker struct {
	d      *desk
	title  string
	action string // what enter does, for the footer: "insert"
	items  []pickItem
	wait   string // shown instead of an empty list that is still to come
	eager  bool   // take the best as soon as it has come
	query  entry
	hits   []int // of items
	cursor int   // of hits
	w, h   int   // wanted size, 0 for the usual
	choose func(i int) tea.Cmd
	more   func(tea.Msg) // hears messages that bring items later
}

// pickItem is one line of a picker.
type pickItem struct {
	group string // heading; items of a group follow one another
	name  string
	text  string // what it is
	more  string // … at length, below the list; "" is text
	right string // figures or keys at the right edge
	short string // in place of right where cells are few; "" leaves right
	style *ink
}

func newPicker(d *desk, title, action string, items []pickItem, choose func(i int) tea.Cmd) *picker {
	p := &picker{d: d, title: title, action: action, items: items, choose: choose}
	p.filter()
	return p
}

func (p *picker) Init() tea.Cmd { return nil }
func (p *picker) Typing() bool  { return true }
func (p *picker) Title() string { return p.title }

func (p *picker) Size(w, h int) (int, int) {
	pw, ph := 84, 30
	if p.w > 0 {
		pw, ph = p.w, p.h
	}
	if w < 84 {
		pw = w
	}
	return min(pw, w), min(ph, h)
}

// pickItems makes the list searchable: names first, then what they are.
type pickItems []pickItem

func (s pickItems) String(i int) string { return s[i].name }
func (s pickItems) Len() int            { return len(s) }

// filter finds the items whose name begins with what is typed, then those that
// match it fuzzily, best first, then those whose description has it.
func (p *picker) filter() {
	p.hits = p.hits[:0]
	p.cursor = 0
	q := strings.TrimSpace(p.query.String())
	if q == "" {
		for i := range p.items {
			p.hits = append(p.hits, i)
		}
		return
	}
	seen := map[int]bool{}
	low := strings.ToLower(q)
	for i, it := range p.items {
		if strings.HasPrefix(strings.ToLower(it.name), low) {
			p.hits = append(p.hits, i)
			seen[i] = true
		}
	}
	for _, m := range fuzzy.FindFrom(q, pickItems(p.items)) {
		if !seen[m.Index] {
			p.hits = append(p.hits, m.Index)
			seen[m.Index] = true
		}
	}
	for i, it := range p.items {
		if !seen[i] && strings.Contains(strings.ToLower(it.text+" "+it.more+" "+it.group+" "+it.right), low) {
			p.hits = append(p.hits, i)
		}
	}
}

var pickerKeys = []keyBinding[picker]{
	{keys: []string{"enter"}, foot: "choose", do: (*picker).take},
	{keys: []string{"esc"}, foot: "back", do: func(p *picker) tea.Cmd { p.d.remove(); return nil }},
	{keys: []string{"up", "ctrl+k"}, do: func(p *picker) tea.Cmd { return p.move(-1) }},
	{keys: []string{"down", "ctrl+j", "tab"}, foot: "next", do: func(p *picker) tea.Cmd { return p.move(1) }},
	{keys: []string{"pgup"}, do: func(p *picker) tea.Cmd { return p.move(-10) }},
	{keys: []string{"pgdown"}, do: func(p *picker) tea.Cmd { return p.move(10) }},
}

func (p *picker) Keys() []command {
	c := bind(pickerKeys, p)
	c[0].foot = p.action
	return c
}

func (p *picker) move(n int) tea.Cmd {
	p.cursor = max(min(p.cursor+n, len(p.hits)-1), 0)
	return nil
}

func (p *picker) take() tea.Cmd {
	if len(p.items) == 0 && p.wait != "" {
		p.eager = true // fingers were faster than the list
		return nil
	}
	if p.cursor >= len(p.hits) {
		return nil
	}
	p.d.remove()
	return p.choose(p.hits[p.cursor])
}

func (p *picker) Update(msg tea.Msg) (Screen, tea.Cmd) {
	switch m := msg.(type) {
	case tea.KeyMsg:
		if !p.eager && p.query.key(m) {
			p.filter()
		}
	default:
		if p.more != nil {
			p.more(msg)
		}
		if p.eager && len(p.items) > 0 {
			p.eager = false
			return p, p.take()
		}
	case tea.MouseMsg:
		switch {
		case m.Button == tea.MouseButtonWheelDown:
			p.move(1)
		case m.Button == tea.MouseButtonWheelUp:
			p.move(-1)
		case m.Button == tea.MouseButtonLeft && m.Action == tea.MouseActionPress:
			w, h := p.Size(p.d.bodyW-4, p.d.bodyH)
			lines, at := p.lines()
			from := scroll(len(lines), at, h-4-p.widths(w-4).foot)
			if y := from + m.Y - 2; m.Y >= 2 && y < len(lines) && lines[y].hit >= 0 {
				p.cursor = lines[y].hit
				return p, p.take()
			}
		}
	}
	return p, nil
}

// pickLine is one drawn line: a heading, or a hit.
type pickLine struct {
	heading string
	hit     int
}

// lines are the hits with their headings, and the line of the cursor.
// Searching mixes the groups, so then there are no headings.
func (p *picker) lines() (out []pickLine, at int) {
	group, searching := "", strings.TrimSpace(p.query.String()) != ""
	for k, i := range p.hits {
		if g := p.items[i].group; g != group && !searching {
			group = g
			if len(out) > 0 {
				out = append(out, pickLine{hit: -1})
			}
			out = append(out, pickLine{heading: g, hit: -1})
		}
		if k == p.cursor {
			at = len(out)
		}
		out = append(out, pickLine{hit: k})
	}
	return out, at
}

// scroll is the first of n lines drawn in h so that line at is well in sight.
func scroll(n, at, h int) int {
	if at < 2 || n <= h {
		return 0
	}
	return max(min(at-h/2, n-h), 0)
}

// roomyPicker is the width from which a list has room for all figures.
const roomyPicker = 90

// pickWidths are the cells of a list's columns, and the lines below it that
// say the chosen item's whole text where lines of the list must cut theirs.
type pickWidths struct{ name, text, right, foot int }

func (p *picker) widths(w int) pickWidths {
	x := pickWidths{name: 10}
	cut, longest, told := 0, 0, false
	for i := range p.items {
		it := &p.items[i]
		x.name, x.right = max(x.name, cells(it.name)), max(x.right, cells(it.figures(w)))
		cut, longest = max(cut, cells(it.text)), max(longest, cells(it.whole()))
		told = told || it.more != ""
	}
	x.name = min(x.name, w/2)
	if x.text = w - 2 - x.name - 2; x.right > 0 {
		x.text -= 2 + x.right
	}
	if x.text = max(x.text, 0); cut > x.text || told {
		x.foot = 2
		if longest > w-1 {
			x.foot = 3
		}
	}
	return x
}

// whole is all that is said of the item.
func (it *pickItem) whole() string {
	if it.more != "" {
		return it.more
	}
	return it.text
}

// figures are what a list of w cells has room for.
func (it *pickItem) figures(w int) string {
	if w < roomyPicker && it.short != "" {
		return it.short
	}
	return it.right
}

// cutWords shortens a text to w cells, between two words.
func cutWords(text string, w int) string {
	if cells(text) <= w {
		return text
	}
	cut := fit(text, w)
	if at := strings.LastIndexByte(cut, ' '); at > len(cut)/2 {
		cut = strings.TrimRight(cut[:at], " ,;:") + " …"
	}
	return cut
}

func (p *picker) View(w, h int) string {
	t := p.d.theme
	out := []string{t.accent.Render("› ") + p.query.view(t, w-4), t.rule(w)}
	if len(p.items) == 0 && p.wait != "" {
		out = append(out, t.dim.Render(p.wait))
	} else if len(p.hits) == 0 {
		out = append(out, t.dim.Render("nothing is called that: backspace takes a letter away"))
	}
	described := slices.ContainsFunc(p.items, func(it pickItem) bool { return it.text != "" })
	x := p.widths(w)
	room := max(h-2-x.foot, 1)
	lines, at := p.lines()
	from := scroll(len(lines), at, room)
	for _, l := range lines[from:min(from+room, len(lines))] {
		if l.hit < 0 {
			out = append(out, t.dim.Render(l.heading))
			continue
		}
		it := &p.items[p.hits[l.hit]]
		style := t.text
		if it.style != nil {
			style = *it.style
		}
		mark := "  "
		if l.hit == p.cursor {
			mark = t.accent.Render("▌") + " "
		}
		name, right := x.name, x.right
		if !described {
			right = cells(it.figures(w))
			name = w - 4 - right
		}
		s := mark + style.Render(fit(it.name, name)) + "  "
		if described && x.text > 8 {
			s += t.dim.Render(cutWords(it.text, x.text))
		}
		s = fit(s, w-right) + t.dim.Render(fitRight(it.figures(w), right))
		if l.hit == p.cursor {
			s = t.selected(s)
		}
		out = append(out, s)
	}
	out = box(out, w, h-x.foot)
	if x.foot > 0 {
		out = append(out, t.rule(w))
		if p.cursor < len(p.hits) {
			for _, l := range wrap(p.items[p.hits[p.cursor]].whole(), w-1) {
				out = append(out, " "+t.text.Render(l))
			}
		}
	}
	return strings.Join(box(out, w, h), "\n")
}
