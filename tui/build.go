package tui

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/model"
	"layercake/tui/widget"
)

// buildScreen is where the network is made: the stack at the left, the
// selected row's settings and card at the right.
type buildScreen struct {
	d      *desk
	w, h   int
	detail bool  // on narrow terminals: show the detail under the stack
	form   *form // open settings, nil otherwise
}

func newBuildScreen(d *desk) *buildScreen { return &buildScreen{d: d} }

func (b *buildScreen) Init() tea.Cmd {
	b.d.stack.show(b.d.shown())
	return nil
}

func (b *buildScreen) Typing() bool { return b.form != nil }

func (b *buildScreen) Keys() []command {
	if b.form != nil {
		return bind(formKeys, b)
	}
	own := bind(buildKeys, b)
	if i := b.d.stack.index(); i >= 0 && b.d.stack.rows[i].Group && !b.d.stack.isFolded(i) {
		for k := range own {
			if own[k].foot == "unfold" {
				own[k].foot = "fold"
			}
		}
	}
	return append(own, without(bind(stackKeys, b.d.stack), own)...)
}

func (b *buildScreen) Update(msg tea.Msg) (Screen, tea.Cmd) {
	switch m := msg.(type) {
	case sizeMsg:
		b.w, b.h = m.w, m.h
		b.fitStack()
	case tea.KeyMsg:
		if b.form != nil && b.form.key(m) {
			b.tryForm()
		}
	case tea.MouseMsg:
		return b, b.mouse(m)
	}
	return b, nil
}

func (b *buildScreen) mouse(m tea.MouseMsg) tea.Cmd {
	l := b.layout(b.w, b.h)
	if m.Y >= l.stackH || b.form != nil {
		return nil
	}
	b.d.stack.mouse(m, 0, l.stackW)
	return nil
}

// buildLayout shares the body: detail beside the stack where there is width,
// under it where it is asked for.
type buildLayout struct {
	stackW, stackH   int
	detailW, detailH int
	beside           bool
}

// wideFrom is the width from which the detail stands beside the stack.
const wideFrom = 100

func (b *buildScreen) layout(w, h int) buildLayout {
	if w >= wideFrom {
		right := min(max(w*34/100, 38), 56)
		return buildLayout{stackW: w - right - 1, stackH: h, detailW: right, detailH: h, beside: true}
	}
	if b.form == nil && !b.detail && h < 40 {
		return buildLayout{stackW: w, stackH: h}
	}
	under := min(max(h*55/100, 9), 24)
	if b.form != nil && len(b.form.fields) > under-8 {
		under = max(min(len(b.form.fields)+8, h-6), under)
	}
	return buildLayout{stackW: w, stackH: h - under - 1, detailW: w, detailH: under}
}

// fitStack tells the stack how many rows are in sight.
func (b *buildScreen) fitStack() { b.d.stack.setHeight(b.layout(b.w, b.h).stackH - 1) }

// Split is where the line between stack and detail meets the frame.
func (b *buildScreen) Split(w, h int) int {
	if l := b.layout(w, h); l.beside {
		return l.stackW
	}
	return -1
}

func (b *buildScreen) View(w, h int) string {
	d := b.d
	l := b.layout(w, h)
	stack := d.stack.view(d.theme, l.stackW, l.stackH, buildColumns(d.theme, d.shown()))
	if l.detailH == 0 {
		return strings.Join(box(stack, w, h), "\n")
	}
	text := l.detailW - 3 // a cell free at the edge
	if b.form != nil {
		text++
	}
	detail := box(b.detailLines(text, l.detailH), l.detailW-2, l.detailH)
	for i := range detail {
		detail[i] = "  " + detail[i]
	}
	if l.beside {
		return strings.Join(box(beside(d.theme, stack, detail), w, h), "\n")
	}
	return strings.Join(box(append(append(stack, d.theme.rule(w)), detail...), w, h), "\n")
}

// buildColumns are what Build shows of each row.
func buildColumns(t *theme, g *model.Graph) []column {
	most := int64(1)
	for i := range g.Rows {
		if !g.Rows[i].Group {
			most = max(most, g.Rows[i].Params)
		}
	}
	total := max(g.Params(), 1)
	return []column{
		{title: "output", width: 11,
			help: "the shape of what the row puts out for one sample: channels×height×width of an image, length×features of a sequence.", cell: func(_ int, r *model.Row, w int) string {
				if r.Out == nil {
					return ""
				}
				if r.Params == 0 && !r.Group {
					return t.dim.Render(r.Out.String())
				}
				return t.text.Render(r.Out.String())
			}},
		{title: "params", width: 10, right: true,
			help: "how many numbers the row learns: weights, biases, scales. A block's are those of all its rows.", cell: func(_ int, r *model.Row, w int) string {
				if r.Params == 0 {
					return ""
				}
				return t.text.Render(widget.Group(r.Params))
			}},
		{title: "share", width: 6, grow: 18, rank: 1,
			help: "the row's share of all parameters.", cell: func(_ int, r *model.Row, w int) string {
				if r.Params == 0 {
					return ""
				}
				return t.bar.Render(widget.Line(float64(r.Params)/float64(total), w, false))
			}},
		{title: "MACs", width: 9, right: true, rank: 2,
			help: "multiply-adds of convolutions, matrix products and attention, in millions, for one sample forward; training takes some three times that.", cell: func(_ int, r *model.Row, w int) string {
				if r.MACs == 0 {
					return ""
				}
				return t.text.Render(widget.Millions(r.MACs)) + t.dim.Render(" M")
			}},
		{title: "memory", width: 8, right: true, rank: 3,
			help: "what the outputs of the row take for one sample, in float32.", cell: func(_ int, r *model.Row, w int) string {
				if r.Activation == 0 {
					return ""
				}
				n, unit, _ := strings.Cut(widget.Bytes(r.Activation), " ")
				return t.text.Render(n) + t.dim.Render(" "+unit)
			}},
		{title: "sees", width: 12, right: true, rank: 4,
			help: "the receptive field: how wide a piece of the input one output can depend on.", cell: func(_ int, r *model.Row, w int) string {
				if r.Receptive[0] == 0 || r.Kind == model.InputKind {
					return ""
				}
				return t.dim.Render(reach(r.Receptive, len(g.Inputs) > 0 && len(g.Inputs[0].Shape) == 3))
			}},
	}
}

// detailLines are the selected row's settings or the open form, what the row
// is, and the beginning of its card, as far as h lines go.
func (b *buildScreen) detailLines(w, h int) []string {
	t := b.d.theme
	if b.form != nil {
		return b.form.lines(t, w, h)
	}
	r := b.d.stack.handle()
	if r == nil {
		return []string{"", t.dim.Render("Nothing is stacked yet."), "", t.accent.Render("a") + t.text.Render("  adds the first layer")}
	}
	out := []string{"", t.of(r.Family).Bold(true).Render(r.Kind) + "   " + t.dim.Render(r.Name), ""}
	out = append(out, b.settingLines(r, w)...)
	if from := b.d.stack.says[b.d.stack.at(r)].reads; from != "" {
		out = append(out, fit(" "+t.dim.Render(fit("reads", 13))+t.text.Render(from), w))
	}
	if r.Kind == model.InputKind {
		out = append(out, "")
		out = append(out, b.dataLines(w)...)
	}
	if len(b.d.spec().Layers) == 0 {
		out = append(out, " "+t.accent.Render("a")+t.dim.Render("  adds the first layer"))
	}
	problem := r.Problem
	if problem == nil {
		problem = b.d.stack.row().Problem
	}
	if problem != nil {
		out = append(out, "")
		for _, l := range wrap("✗ "+sentence(problem), w-1) {
			out = append(out, t.bad.Render(l))
		}
		if what, _ := b.d.cure(); what != "" {
			out = append(out, "  "+t.accent.Render("f")+"  "+t.text.Render(what))
		}
	}
	out = append(out, "")
	out = append(out, rowFigures(t, b.d.shown(), r, b.d.figs)...)
	if r.Group && kindOf(r) == nil {
		out = append(out, b.groupLines(r, w)...)
	}
	if k := kindOf(r); k != nil && k.Card.What != "" {
		out = append(out, "", t.dim.Render("What it does"))
		for _, l := range wrap(k.Card.What, w-2) {
			out = append(out, " "+t.text.Render(l))
		}
		if k.Card.When != "" {
			out = append(out, "", t.dim.Render("When"))
			for _, l := range wrap(k.Card.When, w-2) {
				out = append(out, " "+t.text.Render(l))
			}
		}
		more := " " + t.accent.Render("w") + t.dim.Render("  the whole card")
		if len(out) >= h {
			out = append(out[:max(h-1, 0)], more)
		} else {
			out = append(out, more)
		}
	}
	return out
}

// rowFigures are a row's costs, one a line.
func rowFigures(t *theme, g *model.Graph, r *model.Row, f figures) []string {
	line := func(name, value, more string) string {
		return " " + t.dim.Render(fit(name, 13)) + value + t.dim.Render(more)
	}
	out := []string{}
	if in := inputsOf(g, r); len(in) > 0 {
		out = append(out, line("input", t.text.Render(strings.Join(in, ", ")), ""))
	}
	if r.Out != nil {
		out = append(out, line("output", t.text.Render(r.Out.String()), ""))
	}
	if r.Params > 0 {
		share := ""
		if f.params > 0 {
			share = fmt.Sprintf("   %s of all", widget.Percent(float64(r.Params)/float64(f.params), 1))
		}
		out = append(out, line("parameters", t.text.Render(widget.Group(r.Params)), share))
	}
	if r.MACs > 0 {
		out = append(out, line("MACs", amount(t, r.MACs, ""), "   a sample"))
	}
	if r.Activation > 0 {
		out = append(out, line("outputs", size(t, r.Activation), "   a sample"))
	}
	if r.Receptive[0] != 0 && r.Kind != model.InputKind {
		out = append(out, line("sees", t.text.Render(reach(r.Receptive, f.image)), ""))
	}
	return out
}

// explain says what the columns are.
func (b *buildScreen) explain() tea.Cmd {
	return b.d.explain(buildColumns(b.d.theme, b.d.shown()))
}
