package tui

import (
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/model"
)

// stack is the network as rows: one stack for all screens, so that cursor,
// folds and scrolling stay put when the screen changes. A screen only says
// which columns stand beside the rows.
type stack struct {
	rows   []model.Row
	says   []said          // of rows, by index
	lines  []line          // what is not folded away
	folds  map[string]bool // by somebody's hand
	closed map[string]bool // … and where no hand was: what there was no room for
	fitted bool            // closed has been worked out
	cursor int             // line
	mark   int             // line where a range starts, -1 without one
	top    int             // first line drawn
	height int             // lines that the screen last had for rows
}

// line is one drawn row.
type line struct {
	row    int
	gutter string // brackets and indentation left of the title
	fold   string // ▸ ▾ or ""
	skips  bool   // folded, with a residual inside
	wrong  bool   // refused, or folded with a refused row inside
}

// said is what a row's item says beside its settings.
type said struct {
	name  string // that somebody gave it
	reads string // what it reads beside the row above, or in its place
}

type gutterKind uint8

const (
	indent  gutterKind = iota // two cells
	bracket                   // two cells with ╭ │ ╰
)

// column is one thing shown about each row.
type column struct {
	title string
	width int  // cells, without the gap of two before it
	grow  int  // may be so much wider where there is room
	right bool // aligned right
	// rank says what goes first where the width is short: the highest. 0 stays.
	rank int
	// cell is at most w cells wide, styled or not.
	cell func(i int, r *model.Row, w int) string
	help string // what it says, for who asks
}

func newStack() *stack { return &stack{folds: map[string]bool{}, mark: -1} }

// show takes the rows of g. Cursor and folds stay with the rows of the same name.
func (s *stack) show(g *model.Graph) {
	name := ""
	if r := s.row(); r != nil {
		name = r.Name
	}
	at := s.cursor
	s.rows, s.says = g.Rows, saidBy(g)
	s.layout()
	s.cursor = min(at, len(s.lines)-1)
	if name != "" && (s.row() == nil || s.row().Name != name) {
		s.selectName(name)
	}
	s.cursor = max(s.cursor, 0)
	s.keepInView()
}

// saidBy gathers names and references from the items of g's rows.
func saidBy(g *model.Graph) []said {
	out := make([]said, len(g.Rows))
	for i := range g.Rows {
		r := &g.Rows[i]
		if r.Part || r.Item == nil || r.Kind == model.GroupBlock || r.Title == "path" {
			continue // a block's name is its label
		}
		if it, err := g.Spec.At(r.Item); err == nil && it.Kind == r.Kind {
			if strings.TrimRight(it.Name, "0123456789") != r.Title { // "decoder1" says nothing new
				out[i].name = it.Name
			}
			others := slices.DeleteFunc(slices.Clone(it.From), func(from string) bool { return from == "." })
			out[i].reads = strings.Join(others, ", ")
		}
	}
	return out
}

// fresh forgets folds and cursor: another network has come.
func (s *stack) fresh(g *model.Graph) {
	*s = stack{folds: map[string]bool{}, mark: -1, height: s.height}
	s.show(g)
	if s.height > 0 {
		s.openWhatFits()
	}
	s.cursor = max(slices.IndexFunc(s.lines, func(l line) bool { return s.rows[l.row].Kind != model.InputKind }), 0)
}

// isFolded says whether the row hides its children.
func (s *stack) isFolded(i int) bool {
	r := &s.rows[i]
	if f, ok := s.folds[r.Name]; ok {
		return f
	}
	if r.Kind == model.GroupResidual { // its bracket takes no line
		return false
	}
	if r.Kind == "add" { // what is on a skip's way round: a look away
		return true
	}
	return s.closed[r.Name]
}

// openWhatFits folds as few groups as it takes to have the whole network in
// sight: from the top down, outer groups before inner ones, and of what is
// repeated the first repetition before the others. What comes later, by an
// edit, is open.
func (s *stack) openWhatFits() {
	name := ""
	if r := s.row(); r != nil {
		name = r.Name
	}
	s.fitted, s.closed = true, map[string]bool{}
	deepest := 0
	for i := range s.rows {
		if r := &s.rows[i]; r.Group && r.Kind != model.GroupResidual {
			s.closed[r.Name] = true
			deepest = max(deepest, r.Depth)
		}
	}
	open := func(i int) {
		opened := s.unveil(i)
		if len(opened) == 0 {
			return
		}
		if s.layout(); len(s.lines) <= s.height {
			return
		}
		for _, name := range opened {
			s.closed[name] = true
		}
	}
	for depth := range deepest + 1 {
		for i := range s.rows {
			if r := &s.rows[i]; r.Depth == depth && !(s.isRepetition(i) && r.Repeat > 1) && s.isVisible(i) {
				open(i)
			}
		}
	}
	for i := range s.rows {
		if s.isVisible(i) {
			open(i)
		}
	}
	s.layout()
	s.cursor = max(min(s.cursor, len(s.lines)-1), 0)
	if name != "" {
		s.selectName(name)
	}
	s.keepInView()
}

// unveil opens group i and what says nothing while it is folded: the first
// repetition, the paths side by side, a group that is all there is in it. It
// names what it has opened.
func (s *stack) unveil(i int) (opened []string) {
	r := &s.rows[i]
	if !r.Group || !s.closed[r.Name] {
		return nil
	}
	delete(s.closed, r.Name)
	opened = append(opened, r.Name)
	children, last := 0, s.lastChild(i)
	for j := i + 1; j <= last; j++ {
		if s.rows[j].Parent != i {
			continue
		}
		children++
		if s.rows[j].Title == "path" || s.isRepetition(j) && s.rows[j].Repeat == 1 || j == last && children == 1 {
			opened = append(opened, s.unveil(j)...)
		}
	}
	return opened
}

// isVisible says that no group around row i is folded.
func (s *stack) isVisible(i int) bool {
	for p := s.rows[i].Parent; p >= 0; p = s.rows[p].Parent {
		if s.isFolded(p) {
			return false
		}
	}
	return true
}

// refit lets the folds follow the terminal's size, as long as nobody has
// folded anything by hand.
func (s *stack) refit() { s.fitted = len(s.folds) > 0 }

// isRepetition tells the row of one repetition from the row of its block.
func (s *stack) isRepetition(i int) bool {
	r := &s.rows[i]
	return r.Group && r.Repeat > 0 && r.Parent >= 0 && r.Item.Equal(s.rows[r.Parent].Item)
}

// isSilent is an open residual: its bracket says it, so it has no line of its own.
func (s *stack) isSilent(i int) bool {
	r := &s.rows[i]
	return r.Group && r.Kind == model.GroupResidual && r.Problem == nil && !s.isFolded(i) && s.lastChild(i) > i
}

// lastChild is the last row directly in group i, or i.
func (s *stack) lastChild(i int) int {
	last := i
	for j := i + 1; j < len(s.rows) && s.rows[j].Depth > s.rows[i].Depth; j++ {
		if s.rows[j].Parent == i {
			last = j
		}
	}
	return last
}

// hasSkip says that a residual lies somewhere in group i.
func (s *stack) hasSkip(i int) bool {
	for j := i + 1; j < len(s.rows) && s.rows[j].Depth > s.rows[i].Depth; j++ {
		if s.rows[j].Kind == model.GroupResidual {
			return true
		}
	}
	return false
}

// hasProblem says that group i or a row in it is refused.
func (s *stack) hasProblem(i int) bool {
	for j := i; j < len(s.rows) && (j == i || s.rows[j].Depth > s.rows[i].Depth); j++ {
		if s.rows[j].Problem != nil {
			return true
		}
	}
	return false
}

// layout makes lines from rows and folds.
func (s *stack) layout() {
	s.lines = s.lines[:0]
	type level struct {
		row  int
		kind gutterKind
		last int  // last child, for brackets
		on   bool // its bracket has begun
	}
	var levels []level
	for i := 0; i < len(s.rows); i++ {
		r := &s.rows[i]
		for len(levels) > 0 && s.rows[levels[len(levels)-1].row].Depth >= r.Depth {
			levels = levels[:len(levels)-1]
		}
		folded := r.Group && s.isFolded(i)
		silent := !folded && s.isSilent(i)
		if !silent {
			var g strings.Builder
			for k := range levels {
				l := &levels[k]
				switch {
				case l.kind == indent || i > l.last: // behind the end: what an open add has inside
					g.WriteString("  ")
				case !l.on:
					l.on = true
					g.WriteString("╭ ")
				case i == l.last:
					g.WriteString("╰ ")
				default:
					g.WriteString("│ ")
				}
			}
			mark := ""
			if r.Group && s.lastChild(i) > i {
				mark = "▾"
				if folded {
					mark = "▸"
				}
			}
			s.lines = append(s.lines, line{row: i, gutter: g.String(), fold: mark, skips: folded && s.hasSkip(i),
				wrong: r.Problem != nil || folded && s.hasProblem(i)})
		}
		if !r.Group {
			continue
		}
		if folded {
			for i+1 < len(s.rows) && s.rows[i+1].Depth > r.Depth {
				i++
			}
			continue
		}
		kind := indent
		if silent {
			kind = bracket
		}
		levels = append(levels, level{row: i, kind: kind, last: s.lastChild(i)})
	}
}

// row is the selected row, nil in an empty stack.
func (s *stack) row() *model.Row {
	if s.cursor < 0 || s.cursor >= len(s.lines) {
		return nil
	}
	return &s.rows[s.lines[s.cursor].row]
}

// index is the selected row's place in Graph.Rows, -1 in an empty stack.
func (s *stack) index() int {
	if s.row() == nil {
		return -1
	}
	return s.lines[s.cursor].row
}

// handle is the group that the selected row stands for: for the row that
// closes a skip's bracket the skip, for a part of a composite that, otherwise
// the row itself.
func (s *stack) handle() *model.Row {
	r := s.row()
	for r != nil && r.Part && r.Parent >= 0 {
		r = &s.rows[r.Parent]
	}
	if r == nil || r.Parent < 0 {
		return r
	}
	if p := &s.rows[r.Parent]; s.isSilent(r.Parent) && s.lastChild(r.Parent) == s.index() {
		return p
	}
	return r
}

// selected is the first and last selected row: a range, or twice the cursor.
func (s *stack) selected() (from, to *model.Row) {
	if s.row() == nil {
		return nil, nil
	}
	if s.mark < 0 || s.mark >= len(s.lines) {
		return s.row(), s.row()
	}
	lo, hi := min(s.mark, s.cursor), max(s.mark, s.cursor)
	return &s.rows[s.lines[lo].row], &s.rows[s.lines[hi].row]
}

// selectRow puts the cursor on row i, opening the groups around it.
func (s *stack) selectRow(i int) {
	if i < 0 || i >= len(s.rows) {
		return
	}
	opened := false
	for p := s.rows[i].Parent; p >= 0; p = s.rows[p].Parent {
		if s.isFolded(p) {
			s.folds[s.rows[p].Name] = false
			opened = true
		}
	}
	if opened {
		s.layout()
	}
	if s.isSilent(i) {
		i = s.lastChild(i)
	}
	for k, l := range s.lines {
		if l.row == i {
			s.cursor = k
			break
		}
	}
	s.keepInView()
}

// selectName puts the cursor on the row of that name, or on the nearest
// folded group around it.
func (s *stack) selectName(name string) bool {
	for k, l := range s.lines {
		if s.rows[l.row].Name == name {
			s.cursor = k
			s.keepInView()
			return true
		}
	}
	best, at := 0, -1
	for k, l := range s.lines {
		n := s.rows[l.row].Name
		if strings.HasPrefix(name, n+"/") && len(n) > best {
			best, at = len(n), k
		}
	}
	if at >= 0 {
		s.cursor = at
		s.keepInView()
	}
	return at >= 0
}

// selectPath puts the cursor on the row that edits go to at path, in the same
// repetition as now where there are several.
func (s *stack) selectPath(path model.Path) {
	if path == nil {
		return
	}
	near, best := 0, -1
	here := ""
	if r := s.row(); r != nil {
		here = r.Name
	}
	for i := range s.rows {
		if !path.Equal(s.rows[i].Item) {
			continue
		}
		if n := commonPrefix(here, s.rows[i].Name); best < 0 || n > near {
			near, best = n, i
		}
	}
	s.selectRow(best)
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// move goes n lines down, up where n is negative.
func (s *stack) move(n int) {
	s.cursor = max(min(s.cursor+n, len(s.lines)-1), 0)
	s.keepInView()
}

// setHeight says how many lines there are for rows.
func (s *stack) setHeight(h int) {
	s.height = h
	if !s.fitted && h > 0 && len(s.rows) > 0 {
		s.openWhatFits()
	}
	s.keepInView()
}

// first is the first line drawn where h lines are: the cursor is always in sight.
func (s *stack) first(h int) int {
	top := min(s.top, max(len(s.lines)-h, 0))
	if s.cursor >= top+h {
		top = s.cursor - h + 1
	}
	return max(min(top, s.cursor), 0)
}

func (s *stack) keepInView() {
	if s.height > 0 {
		s.top = s.first(s.height)
	}
}

// click selects the line at row y of the drawn stack (0: the first row below
// the titles), and folds or opens a group that was selected already.
func (s *stack) click(y int) {
	k := s.first(s.height) + y
	if y < 0 || k >= len(s.lines) {
		return
	}
	if k == s.cursor {
		s.toggle()
		return
	}
	s.cursor = k
	s.keepInView()
}

// toggle folds or opens the selected group.
func (s *stack) toggle() tea.Cmd {
	if r := s.row(); r != nil && r.Group {
		s.setFold(r, !s.isFolded(s.index()))
	}
	return nil
}

func (s *stack) at(r *model.Row) int {
	return slices.IndexFunc(s.rows, func(x model.Row) bool { return x.Name == r.Name && x.Group == r.Group })
}

func (s *stack) setFold(r *model.Row, folded bool) {
	i := s.at(r)
	s.folds[r.Name] = folded
	s.mark = -1
	s.layout()
	s.selectRow(i)
}

// open opens the selected group, or goes into an open one.
func (s *stack) open() tea.Cmd {
	r := s.row()
	if r == nil || !r.Group {
		return nil
	}
	if s.isFolded(s.index()) {
		s.setFold(r, false)
	} else {
		s.move(1)
	}
	return nil
}

// fold closes the selected group, or the one around the selected row.
func (s *stack) fold() tea.Cmd {
	r := s.row()
	if r == nil {
		return nil
	}
	if !r.Group || s.isFolded(s.index()) {
		if r.Parent < 0 {
			return nil
		}
		r = &s.rows[r.Parent]
	}
	s.setFold(r, true)
	return nil
}

// foldAll folds every group, or opens all where all are folded.
func (s *stack) foldAll() tea.Cmd {
	name, any := "", false
	if r := s.row(); r != nil {
		name = r.Name
	}
	for _, l := range s.lines {
		any = any || l.fold == "▾"
	}
	for i := range s.rows {
		if s.rows[i].Group {
			s.folds[s.rows[i].Name] = any && s.rows[i].Kind != model.GroupResidual
		}
	}
	s.mark = -1
	s.layout()
	s.cursor = min(s.cursor, max(len(s.lines)-1, 0))
	s.selectName(name)
	s.keepInView()
	return nil
}

// markRange starts a range at the cursor, or ends it.
func (s *stack) markRange() tea.Cmd {
	if s.mark >= 0 {
		s.mark = -1
	} else {
		s.mark = s.cursor
	}
	return nil
}

// stackKeys move in the stack, on every screen that shows it.
var stackKeys = []keyBinding[stack]{
	{keys: []string{"j", "down"}, help: "next row", do: func(s *stack) tea.Cmd { s.move(1); return nil }},
	{keys: []string{"k", "up"}, help: "row before", do: func(s *stack) tea.Cmd { s.move(-1); return nil }},
	{keys: []string{"l", "right"}, help: "open the block, go into it", do: (*stack).open},
	{keys: []string{"h", "left"}, help: "fold the block, or the one around the row", do: (*stack).fold},
	{keys: []string{"z"}, help: "fold all blocks, or open all", do: (*stack).foldAll},
	{keys: []string{"g", "home"}, help: "first row", do: func(s *stack) tea.Cmd { s.move(-len(s.lines)); return nil }},
	{keys: []string{"G", "end"}, help: "last row", do: func(s *stack) tea.Cmd { s.move(len(s.lines)); return nil }},
	{keys: []string{"pgdown", "ctrl+d"}, help: "half a page down", do: func(s *stack) tea.Cmd { s.move(max(s.height/2, 1)); return nil }},
	{keys: []string{"pgup", "ctrl+u"}, help: "half a page up", do: func(s *stack) tea.Cmd { s.move(-max(s.height/2, 1)); return nil }},
}

// mouse handles the wheel and clicks where the stack's titles are on line y
// and it is w cells wide from the left edge. It says whether the event was its.
func (s *stack) mouse(m tea.MouseMsg, y, w int) bool {
	if m.X >= w {
		return false
	}
	switch {
	case m.Button == tea.MouseButtonWheelDown:
		s.move(3)
	case m.Button == tea.MouseButtonWheelUp:
		s.move(-3)
	case m.Button == tea.MouseButtonLeft && m.Action == tea.MouseActionPress:
		s.click(m.Y - y - 1)
	default:
		return false
	}
	return true
}
