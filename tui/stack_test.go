package tui

import (
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/model"
	"layercake/presets"
)

// lines are the stack's lines as text: gutter, fold mark, row name.
func stackLines(s *stack) string {
	var b strings.Builder
	for _, l := range s.lines {
		b.WriteString(l.gutter + l.fold + s.rows[l.row].Name + "\n")
	}
	return b.String()
}

func TestStackLayout(t *testing.T) {
	s := drive(t, smallNet, 120, 40).a.desk.stack
	want := `input
stem
norm1
relu1
▾stage1
  ▾stage1/1
    ╭ stage1/1/conv1
    │ stage1/1/norm1
    │ stage1/1/relu1
    │ stage1/1/conv2
    │ stage1/1/norm2
    ╰ ▸stage1/1/add
    stage1/1/relu2
  ▾stage1/2
    ╭ stage1/2/conv1
    │ stage1/2/norm1
    │ stage1/2/relu1
    │ stage1/2/conv2
    │ stage1/2/norm2
    ╰ stage1/2/add
    stage1/2/relu2
global1
head
`
	got := stackLines(s)
	if got != want {
		t.Errorf("the stack is\n%swants\n%s", got, want)
	}
	s.selectName("stage1")
	s.toggle()
	if got := stackLines(s); strings.Contains(got, "stage1/") || !strings.Contains(got, "▸stage1\n") {
		t.Errorf("with stage1 folded the stack is\n%s", got)
	}
	s.selectName("stage1/2/conv2")
	if s.row().Name != "stage1" {
		t.Errorf("a row folded away is selected as %s, wants its block stage1", s.row().Name)
	}
	s.open()
	s.selectName("stage1/2/conv2")
	if s.row().Name != "stage1/2/conv2" {
		t.Errorf("selected %s, wants stage1/2/conv2", s.row().Name)
	}
	s.fold() // the skip around the row
	if got := stackLines(s); strings.Contains(got, "stage1/2/conv2") || !strings.Contains(got, "stage1/1/conv2") {
		t.Errorf("with the second skip folded the stack is\n%s", got)
	}
}

// A network starts as open as fits: the whole of it is in sight, outer groups
// and first repetitions come first, and a taller terminal shows more, until
// somebody folds by hand.
func TestStackOpensWhatFits(t *testing.T) {
	for _, c := range []struct {
		preset string
		h      int
		opened []string
		closed []string
	}{
		{"lenet5", 24, nil, nil},
		{"resnet20", 26, []string{"stage1"}, []string{"stage2", "stage3"}},
		{"resnet20", 40, []string{"stage1", "stage1/1", "stage2/1"}, []string{"stage1/2", "stage3"}},
		{"resnet20", 100, []string{"stage1/3", "stage2/3", "stage3/3"}, nil},
		{"inception-cifar", 60, []string{"mixed1", "mixed2"}, nil},
	} {
		s, err := presets.Spec(c.preset)
		if err != nil {
			t.Fatal(err)
		}
		d := drive(t, string(s.YAML()), 120, c.h)
		st := d.a.desk.stack
		if len(st.lines) > st.height {
			t.Errorf("%s in %d lines: %d rows are open and %d fit", c.preset, c.h, len(st.lines), st.height)
		}
		for i := range st.rows {
			r := &st.rows[i]
			if slices.Contains(c.opened, r.Name) && r.Group && st.isFolded(i) || slices.Contains(c.closed, r.Name) && !st.isFolded(i) {
				t.Errorf("%s in %d lines: %s folded %v, wants %v", c.preset, c.h, r.Name, st.isFolded(i), !st.isFolded(i))
			}
		}
	}
	s, err := presets.Spec("resnet20")
	if err != nil {
		t.Fatal(err)
	}
	d := drive(t, string(s.YAML()), 120, 24)
	st := d.a.desk.stack
	few := len(st.lines)
	d.send(tea.WindowSizeMsg{Width: 120, Height: 60})
	many := len(st.lines)
	d.selectRow("stage1")
	d.press(" ")
	folded := len(st.lines)
	d.send(tea.WindowSizeMsg{Width: 120, Height: 100})
	if many <= few || folded >= many || len(st.lines) != folded {
		t.Errorf("%d rows in 24 lines, %d in 60, %d with stage1 folded, %d in 100: wants more, fewer, as many", few, many, folded, len(st.lines))
	}
}

// Enter edits whatever the row is, space opens and folds, and the footer says so.
func TestEnterEditsSpaceFolds(t *testing.T) {
	d := drive(t, "name: attending\ninput: [6, 8]\nlayers:\n  - block: {name: body, repeat: 2, layers: [transformerencoder: {heads: 2, ff: 16}]}\n", 120, 40)
	b := d.a.screens[0].(*buildScreen)
	for _, name := range []string{"body", "body/1/encoder1"} {
		d.selectRow(name)
		d.sees("enter edit", "space fold")
		n := len(d.a.desk.stack.lines)
		d.press("enter")
		if b.form == nil {
			t.Fatalf("enter on %s opens no form", name)
		}
		d.press("esc", " ")
		if got := len(d.a.desk.stack.lines); got >= n {
			t.Errorf("space on %s leaves %d rows of %d", name, got, n)
		}
		d.sees("space unfold")
		d.press(" ")
	}
}

func TestStackScrolls(t *testing.T) {
	s := drive(t, smallNet, 120, 40).a.desk.stack
	s.setHeight(5)
	for range 30 {
		s.move(1)
		if f := s.first(5); s.cursor < f || s.cursor >= f+5 {
			t.Fatalf("line %d is out of sight: lines %d to %d are drawn", s.cursor, f, f+4)
		}
	}
	if s.row().Name != "head" {
		t.Errorf("the last row is %s, wants head", s.row().Name)
	}
	s.move(-2)
	if f := s.first(5); f != len(s.lines)-5 {
		t.Errorf("moving within sight scrolls: first line %d, wants %d", f, len(s.lines)-5)
	}
}

func TestFitColumns(t *testing.T) {
	cols := []column{{width: 10}, {width: 8, rank: 1, grow: 5}, {width: 6, rank: 2}}
	for _, c := range []struct {
		w    int
		name int
		kept int
		grow int
	}{
		{nameMin + 12, nameMin, 1, 0},
		{nameMin + 21, nameMin + 9, 1, 0},
		{nameMin + 22, nameMin, 2, 0},
		{nameMin + 30, nameMin, 3, 0},
		{nameMax + 30 + 3, nameMax, 3, 3},
		{nameMax + 90, nameMax, 3, 5},
	} {
		name, kept, widths := fitColumns(c.w, cols)
		if name != c.name || len(kept) != c.kept {
			t.Errorf("in %d cells: name %d and %d columns, wants %d and %d", c.w, name, len(kept), c.name, c.kept)
		}
		if c.kept > 1 && widths[1] != 8+c.grow {
			t.Errorf("in %d cells the second column is %d wide, wants %d", c.w, widths[1], 8+c.grow)
		}
	}
}

// Cursor and folds survive an edit elsewhere.
func TestStackStaysPut(t *testing.T) {
	d := drive(t, smallNet, 120, 40)
	s := d.a.desk.stack
	s.selectName("stage1/1")
	s.toggle()
	d.selectRow("norm1")
	d.press("D")
	if strings.Contains(stackLines(s), "stage1/1/conv1") {
		t.Error("an edit elsewhere opens a folded block")
	}
	if got := s.row().Name; got != "norm2" {
		t.Errorf("after duplicate the cursor is on %s, wants the copy norm2", got)
	}
	d.press("u")
	if got := s.row().Name; got != "norm1" && got != "relu1" {
		t.Errorf("after undo the cursor is on %s, wants it where the change was", got)
	}
}

// Of every preset, opened and folded: brackets close, and each row has its line
// exactly once, but for open skips, which are their bracket.
func TestStackOfPresets(t *testing.T) {
	for _, p := range presets.List() {
		t.Run(p.Name, func(t *testing.T) {
			spec, err := presets.Spec(p.Name)
			if err != nil {
				t.Fatal(err)
			}
			s := newStack()
			s.fresh(model.Resolve(spec))
			for range 3 {
				text := stackLines(s)
				if a, z := strings.Count(text, "╭"), strings.Count(text, "╰"); a != z {
					t.Errorf("%d brackets begin and %d end:\n%s", a, z, text)
				}
				seen := map[int]bool{}
				hidden := 0 // depth below which rows are folded away, 0: none
				for _, l := range s.lines {
					if seen[l.row] {
						t.Errorf("row %s is drawn twice", s.rows[l.row].Name)
					}
					seen[l.row] = true
				}
				for i := range s.rows {
					r := &s.rows[i]
					if hidden > 0 && r.Depth >= hidden {
						continue
					}
					hidden = 0
					if r.Group && s.isFolded(i) {
						hidden = r.Depth + 1
					}
					if !seen[i] && !s.isSilent(i) {
						t.Errorf("row %s is not drawn", r.Name)
					}
				}
				s.foldAll()
			}
		})
	}
}
