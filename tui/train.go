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
	lowerH         int // lines under the stack, without the rule
	lower          lowerPart
	verdictH       int // lines of verdict under all that, without the rule
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
	if l.rightW == 0 && s.snap() != nil && l.lower != lowerDetail {
		l.verdictH = 2
		l.stackH -= l.verdictH + 1
	}
	return l
}

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
	if l.rightW > 0 {
		out = beside(t, out, box(margin(s.detail(l.rightW-3, l.stackH)), l.rightW, l.stackH))
	}
	if l.lowerH > 0 {
		out = append(out, crossing(t, w, s.Split(w, h), "┼"))
		switch {
		case s.snap() == nil:
			plan := box(margin(s.plan(l.stackW-3)), l.stackW, l.lowerH)
			if l.rightW > 0 {
				plan = beside(t, plan, box(nil, l.rightW, l.lowerH))
			}
			out = append(out, plan...)
		case l.lower == lowerDetail:
			out = append(out, box(margin(s.detail(w-3, l.lowerH)), w, l.lowerH)...)
		default:
			curves := s.curves(l.stackW, l.lowerH, l.lower)
			if l.rightW > 0 {
				curves = beside(t, curves, box(margin(s.verdict(l.rightW-3, l.lowerH)), l.rightW, l.lowerH))
			}
			out = append(out, curves...)
		}
	}
	if l.verdictH > 0 {
		out = append(out, t.rule(w))
		out = append(out, box(margin(s.verdictShort(w-2, l.verdictH)), w, l.verdictH)...)
	}
	return strings.Join(box(out, w, h), "\n")
}

// margin sets lines off from what is left of them.
func margin(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = " " + l
	}
	return out
}
