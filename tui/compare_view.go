package tui

import (
	"fmt"
	"strings"

	"layercake/model"
	"layercake/tui/widget"
)

// Header leaves the line to the network on the desk.
func (c *compareScreen) Header(int) string { return "" }

// Status says how many rows differ.
func (c *compareScreen) Status(w int) string {
	t := c.d.theme
	if c.runs != nil {
		drawn, without := c.runs.count()
		text := t.dim.Render(fmt.Sprintf("%d of %d runs drawn", drawn, len(c.runs.logs)))
		if without > 0 {
			text += t.warn.Render("   ▲ ") + t.text.Render(fmt.Sprintf("%d without accuracy; ", without)) + t.accent.Render("v") + t.text.Render(" draws the loss")
		}
		return text
	}
	if len(c.of) < 2 {
		return t.accent.Render("a") + t.dim.Render(" adds a network to compare with; c on Build keeps the present one here")
	}
	n := 0
	for _, r := range c.table.Rows {
		if r.Differs {
			n++
		}
	}
	if n == 0 {
		return t.good.Render("✓ ") + t.text.Render("the networks are the same")
	}
	text := t.warn.Render("≠ ") + t.text.Render(fmt.Sprintf("%d of %d rows differ", n, len(c.table.Rows)))
	if hidden := len(c.of) - c.widths(w+2).shown; hidden > 0 {
		text += t.warn.Render(fmt.Sprintf("   ▲ %d of %d networks do not fit this width", hidden, len(c.of)))
	}
	return text
}

// compareWidths are the cells of one network's part of a line.
type compareWidths struct {
	name, out, params, macs int
	delta                   int // of the whole line, 0 for none
	shown                   int // networks that fit
}

func (c *compareScreen) widths(w int) compareWidths {
	x := compareWidths{params: 11, shown: len(c.of)}
	if len(c.of) == 2 {
		x.delta = 9
	}
	const nameLeast = 16
	for x.shown > 1 && (w-3-x.delta)/x.shown < nameLeast+x.params+3 {
		x.shown--
	}
	part := (w-3-x.delta)/x.shown - 3
	x.name = part - x.params - 1
	if x.name-12 >= nameLeast+4 {
		x.out = 11
		x.name -= 12
	}
	if x.name-10 >= nameLeast+4 {
		x.macs = 9
		x.name -= 10
	}
	x.name = min(x.name, 36)
	return x
}

func (c *compareScreen) View(w, h int) string {
	if c.runs != nil {
		return c.viewRuns(w, h)
	}
	t := c.d.theme
	x := c.widths(w)
	bar := " " + t.faint.Render("│") + " "
	join := func(mark string, parts []string, delta string) string {
		s := mark + strings.Join(parts, bar)
		if x.delta > 0 {
			s += bar + fitRight(delta, x.delta-3)
		}
		return s
	}
	part := func(name, out, params, macs string) string {
		s := fit(name, x.name)
		if x.out > 0 {
			s += " " + fit(out, x.out)
		}
		s += " " + fitRight(params, x.params)
		if x.macs > 0 {
			s += " " + fitRight(macs, x.macs)
		}
		return s
	}
	var parts []string
	for i, g := range c.of[:x.shown] {
		name := t.strong.Render(g.Name)
		if i == 0 && x.name >= cells(g.Name)+18 {
			name += t.dim.Render("  on the desk")
		}
		parts = append(parts, part("  "+name, t.dim.Render("output"), t.dim.Render("params"), t.dim.Render("MACs")))
	}
	out := []string{fit(join("   ", parts, t.dim.Render("Δ")), w)}

	n := c.rowsH(h)
	first := c.first(n)
	for k := first; k < len(c.lines) && k < first+n; k++ {
		l := c.lines[k]
		parts = parts[:0]
		for i := range c.of[:x.shown] {
			r := l.row.Cells[i]
			if r == nil {
				parts = append(parts, part(strings.Repeat("  ", l.depth+1)+t.dim.Render("·"), "", "", ""))
				continue
			}
			parts = append(parts, c.part(l, i, r, part))
		}
		mark := " "
		if l.row.Differs && len(c.of) > 1 {
			mark = t.warn.Render("≠")
		}
		if k == c.cursor {
			mark = t.accent.Render("▌") + mark + " "
		} else {
			mark = " " + mark + " "
		}
		s := fit(join(mark, parts, c.deltaWords(l.row)), w)
		if k == c.cursor {
			s = t.selected(s)
		}
		out = append(out, s)
	}
	out = box(out, w, 1+n)
	out = append(out, t.rule(w))
	out = append(out, c.totals(w, x, part, join)...)
	out = append(out, t.rule(w))
	out = append(out, c.kinds(w)...)
	return strings.Join(box(out, w, h), "\n")
}

// part is one network's cells of a line; what differs from the first
// network's has the warning's colour beside the line's sign.
func (c *compareScreen) part(l compareLine, i int, r *model.Row, part func(name, out, params, macs string) string) string {
	t := c.d.theme
	base := l.row.Cells[0]
	other := i > 0 && base != nil
	fold := "  "
	if r.Group {
		fold = "▸ "
		if l.open {
			fold = "▾ "
		}
	}
	label := t.text
	if r.Params == 0 && r.MACs == 0 {
		label = t.dim
	}
	name := strings.Repeat("  ", l.depth) + t.dim.Render(fold)
	title := t.of(r.Family)
	if other && r.Kind != base.Kind {
		title = t.warn
	}
	if other && r.Label != base.Label {
		label = t.warn
	}
	name += title.Render(fit(r.Title, max(cells(r.Title), 5))) + " " + label.Render(labelOf(r))
	quiet := t.dim
	if r.Params > 0 || r.Group {
		quiet = t.text
	}
	if other && !r.Out.Equal(base.Out) {
		quiet = t.warn
	}
	shape := ""
	if r.Out != nil {
		shape = quiet.Render(r.Out.String())
	}
	number := func(n, was int64, words string) string {
		switch {
		case other && n != was:
			return t.warn.Render(words)
		case n == 0:
			return ""
		}
		return t.text.Render(words)
	}
	var params, macs int64
	if other {
		params, macs = base.Params, base.MACs
	}
	return part(name, shape, number(r.Params, params, widget.Group(r.Params)), number(r.MACs, macs, widget.Millions(r.MACs)+" M"))
}

// deltaWords is how the second network's parameters are against the first's.
func (c *compareScreen) deltaWords(r model.ComparisonRow) string {
	t := c.d.theme
	if len(c.of) != 2 {
		return ""
	}
	var a, b int64
	if r.Cells[0] != nil {
		a = r.Cells[0].Params
	}
	if r.Cells[1] != nil {
		b = r.Cells[1].Params
	}
	if a == b {
		return ""
	}
	return t.text.Render(relative(a, b))
}

// relative is how much b is more or less than a, in six cells.
func relative(a, b int64) string {
	switch {
	case a == b:
		return "±0"
	case a == 0:
		return "new"
	case b == 0:
		return "gone"
	}
	r := float64(b) / float64(a)
	switch {
	case r >= 1000:
		return ">×999"
	case r >= 10:
		return fmt.Sprintf("×%.0f", r)
	case r >= 1:
		return fmt.Sprintf("+%.0f %%", 100*(r-1))
	}
	return fmt.Sprintf("−%.0f %%", 100*(1-r))
}

// totals are the networks' sums, a line each for parameters, MACs and depth.
func (c *compareScreen) totals(w int, x compareWidths, part func(name, out, params, macs string) string, join func(string, []string, string) string) []string {
	t := c.d.theme
	var params, macs, depth []string
	for i := range c.of[:x.shown] {
		k := c.table.Totals[i]
		params = append(params, part("  "+t.dim.Render("parameters"), "", t.strong.Render(widget.Group(k.Params)), ""))
		macs = append(macs, part("  "+t.dim.Render("MACs"), "", amount(t, k.MACs, ""), ""))
		depth = append(depth, part("  "+t.dim.Render("depth, outputs"), "", t.text.Render(fmt.Sprint(k.Depth))+t.dim.Render(", ")+size(t, k.Activation), ""))
	}
	delta := func(of func(model.Total) int64) string {
		if len(c.of) != 2 {
			return ""
		}
		return t.strong.Render(relative(of(c.table.Totals[0]), of(c.table.Totals[1])))
	}
	return []string{
		fit(join("   ", params, delta(func(k model.Total) int64 { return k.Params })), w),
		fit(join("   ", macs, delta(func(k model.Total) int64 { return k.MACs })), w),
		fit(join("   ", depth, ""), w),
	}
}

// kinds draws, one line a network, the share of each kind of layer in its
// parameters: a bar on one scale for all networks, then the words.
func (c *compareScreen) kinds(w int) []string {
	t := c.d.theme
	most, name := int64(1), 8
	for i, g := range c.of {
		most = max(most, c.table.Totals[i].Params)
		name = max(name, cells(g.Name))
	}
	name = min(name, 20)
	barW := max((w-name-6)/3, 8)
	// Neighbours differ in pattern as well as in colour; of four patterns and five
	// colours twenty kinds can be told apart.
	fills := []string{"█", "▓", "▒", "░"}
	if t.ascii {
		fills = []string{"#", "=", "+", "."}
	}
	styles := []ink{t.bar, t.second, t.good, t.accent, t.warn}
	order := map[string]int{} // kinds by first appearance: one look in all lines
	var out []string
	for i, g := range c.of {
		k := c.table.Totals[i]
		bar, words, used := "", []string(nil), 0
		sum := int64(0)
		for _, s := range k.ByKind {
			sum += s.Params
			end := int(float64(sum)/float64(most)*float64(barW) + 0.5)
			if _, known := order[s.Kind]; !known {
				order[s.Kind] = len(order)
			}
			n := order[s.Kind]
			fill, style := fills[n%len(fills)], styles[n%len(styles)]
			bar += style.Render(strings.Repeat(fill, max(end-used, 0)))
			used = max(end, used)
			words = append(words, style.Render(fill)+" "+t.text.Render(s.Short)+" "+t.dim.Render(widget.Percent(float64(s.Params)/float64(max(k.Params, 1)), 0)))
		}
		out = append(out, fit("  "+t.strong.Render(fit(g.Name, name))+"  "+fit(bar, barW)+"  "+fitParts(words, "   ", w-name-barW-6), w))
	}
	return out
}
