package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/model"
	"layercake/train"
)

// trainScreen watches a run: the same stack with live columns, curves and
// verdict below, the selected row's figures beside it.
type trainScreen struct {
	d     *desk
	w, h  int
	lower lowerPart
	asked struct { // the learning rate that was last asked for
		lr   float64
		step int
	}
}

// lowerPart is what lies under the stack.
type lowerPart uint8

const (
	lowerUsual    lowerPart = iota // curves where there are lines for them
	lowerNone                      // the stack alone
	lowerLoss                      // curves, the loss where one has room
	lowerAccuracy                  // … the accuracy
	lowerDetail                    // the selected row's figures
)

func newTrainScreen(d *desk) *trainScreen { return &trainScreen{d: d} }

func (s *trainScreen) Init() tea.Cmd {
	s.d.draft = nil
	s.d.stack.show(s.graph())
	s.fitStack()
	return nil
}

func (s *trainScreen) Typing() bool { return false }

// graph is the network of the run, of the desk before there is one.
func (s *trainScreen) graph() *model.Graph {
	if r := s.d.run; r != nil && (r.live() || r.have) {
		return r.graph
	}
	return s.d.graph
}

// snap is the run's last snapshot, nil before the first.
func (s *trainScreen) snap() *train.Snapshot {
	if r := s.d.run; r != nil && r.have {
		return &r.snap
	}
	return nil
}

// stale says that the network on the desk is another than the run's.
func (s *trainScreen) stale() bool {
	if r := s.d.run; r != nil && (r.live() || r.have) {
		return r.of != s.d.spec()
	}
	return false
}

func (s *trainScreen) Update(msg tea.Msg) (Screen, tea.Cmd) {
	switch m := msg.(type) {
	case sizeMsg:
		s.w, s.h = m.w, m.h
		s.fitStack()
	case tea.MouseMsg:
		s.fitStack() // the verdict may have grown
		l := s.layout(s.w, s.h)
		if m.Y < l.stackH {
			s.d.stack.mouse(m, 0, l.stackW)
		}
	}
	return s, nil
}

// trainLayout shares the body: the detail beside the stack where there is
// width, curves and verdict below where there are lines.
type trainLayout struct {
	stackW, stackH int
	rightW         int // 0: no detail beside the stack
	rightLow       int // lines of verdict under the detail, without the rule
	lowerH         int // lines under the stack, without the rule
	lower          lowerPart
	verdictH       int // lines of verdict under all that, without the rule; 0: at the right
}

// planLines is how many lines there are to say what would be trained.
const planLines = 12

// detailLines are what the selected row's figures take beside the stack.
const detailLines = 23

// watchFrom is the width from which the selected row's detail stands beside
// the stack while training.
const watchFrom = 120

func (s *trainScreen) layout(w, h int) trainLayout {
	l := trainLayout{stackW: w, lower: s.lower}
	if w >= watchFrom {
		l.rightW = min(max(w*32/100, 40), 60)
		l.stackW = w - l.rightW - 1
		if l.lower == lowerDetail {
			l.lower = lowerUsual
		}
	}
	if l.lower == lowerUsual {
		l.lower = lowerNone
		if h >= 25 || s.snap() == nil {
			l.lower = lowerLoss
		}
	}
	if l.lower != lowerNone {
		// What a short network leaves free is the curves', folded or not, as far as
		// the detail can spare it.
		spare := min(h-len(s.d.stack.rows)-2, h*60/100)
		if w >= watchFrom {
			spare = min(spare, h-1-detailLines)
		}
		l.lowerH = max(min(max(h*36/100, 8), 18), spare)
	}
	switch {
	case s.snap() == nil:
		l.lowerH = min(max(h*55/100, 10), planLines)
	case l.lower == lowerDetail:
		l.lowerH = min(max(h*55/100, 10), 16)
	}
	l.stackH = h
	if l.lowerH > 0 {
		l.stackH -= l.lowerH + 1
	}
	switch {
	case s.snap() == nil:
		l.rightLow = l.lowerH
	case l.rightW > 0:
		// What is wrong is the heart of the screen: the detail gives way to it.
		need := 1 + s.verdictNeeds(l.rightW-3)
		if words := metricWords(s.d.theme, s.snap(), l.rightW-3); cells("verdict")+2+cells(words) > l.rightW-3 {
			need++
		}
		l.rightLow = max(l.lowerH, min(max(need, verdictLeast), h-1-detailLeast))
	case l.lower != lowerDetail:
		l.verdictH = max(min(max(s.verdictNeeds(w-2), verdictLeast), l.stackH-1-rowsLeast), 2)
		l.stackH -= l.verdictH + 1
	}
	return l
}

// The least lines of verdict, where there are so many, of detail and of rows
// beside a long one.
const verdictLeast, detailLeast, rowsLeast = 3, 9, 7

// fitStack tells the stack how many rows are in sight.
func (s *trainScreen) fitStack() { s.d.stack.setHeight(s.layout(s.w, s.h).stackH - 1) }

// Split is where the line between stack and detail meets the frame.
func (s *trainScreen) Split(w, h int) int {
	if l := s.layout(w, h); l.rightW > 0 {
		return l.stackW
	}
	return -1
}

func (s *trainScreen) View(w, h int) string {
	t := s.d.theme
	l := s.layout(w, h)
	out := s.d.stack.view(t, l.stackW, l.stackH, trainColumns(t, s.d.stack, s.graph(), s.snap(), s.d.pace.peak))
	if l.lowerH > 0 {
		out = append(out, t.rule(l.stackW))
		switch {
		case s.snap() == nil:
			out = append(out, box(margin(s.plan(l.stackW-3)), l.stackW, l.lowerH)...)
		case l.lower == lowerDetail:
			out = append(out, box(margin(s.detail(w-3, l.lowerH)), w, l.lowerH)...)
		default:
			out = append(out, s.curves(l.stackW, l.lowerH, l.lower)...)
		}
	}
	if l.rightW > 0 {
		out = s.besideStack(out, l, h)
	}
	if l.verdictH > 0 {
		out = append(out, t.rule(w))
		out = append(out, box(margin(s.verdict(w-2, l.verdictH)), w, l.verdictH)...)
	}
	return strings.Join(box(out, w, h), "\n")
}

// besideStack sets detail and verdict beside what is at the left; each side has
// its own rule across.
func (s *trainScreen) besideStack(left []string, l trainLayout, h int) []string {
	t := s.d.theme
	ruleAt := h
	if l.rightLow > 0 {
		ruleAt = h - l.rightLow - 1
	}
	right := box(margin(s.detail(l.rightW-3, ruleAt)), l.rightW, ruleAt)
	if l.rightLow > 0 {
		right = append(right, t.rule(l.rightW))
		if s.snap() != nil {
			right = append(right, margin(s.verdictColumn(l.rightW-3, l.rightLow))...)
		}
		right = box(right, l.rightW, h)
	}
	out := make([]string, h)
	for y := range out {
		sign := "│"
		switch across := y == l.stackH && l.lowerH > 0; {
		case across && y == ruleAt:
			sign = "┼"
		case across:
			sign = "┤"
		case y == ruleAt:
			sign = "├"
		}
		out[y] = left[y] + t.faint.Render(sign) + right[y]
	}
	return out
}

// margin sets lines off from what is left of them.
func margin(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = " " + l
	}
	return out
}
