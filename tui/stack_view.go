package tui

import (
	"strings"

	"layercake/model"
)

// The column with the layers' names is at least and at most so wide.
const nameMin, nameMax = 26, 42

// nameLeast is how many cells a row's own name is worth showing in, cut.
const nameLeast = 6

// view draws the stack in w×h cells: a line of titles, then rows. Columns that
// do not fit beside the names are left out, the highest rank first.
func (s *stack) view(t *theme, w, h int, cols []column) []string {
	name, cols, widths := fitColumns(w-3, cols)
	out := make([]string, 0, h)
	var head strings.Builder
	head.WriteString("  " + fit("  layer", name))
	for k, c := range cols {
		head.WriteString("  ")
		if c.right {
			head.WriteString(fitRight(c.title, widths[k]))
		} else {
			head.WriteString(fit(c.title, widths[k]))
		}
	}
	out = append(out, t.dim.Render(fit(head.String(), w)))

	first := s.first(h - 1)
	lo, hi := s.cursor, s.cursor
	if s.mark >= 0 {
		lo, hi = min(s.mark, s.cursor), max(s.mark, s.cursor)
	}
	for k := first; k < len(s.lines) && len(out) < h; k++ {
		l := s.lines[k]
		r := &s.rows[l.row]
		var b strings.Builder
		chosen := k >= lo && k <= hi
		switch {
		case k == s.cursor:
			b.WriteString(t.accent.Render("▌"))
		case chosen:
			b.WriteString(t.accent.Render("│"))
		default:
			b.WriteByte(' ')
		}
		if l.wrong {
			b.WriteString(t.bad.Render("✗"))
		} else {
			b.WriteByte(' ')
		}
		b.WriteString(fit(s.title(t, l, r, name), name))
		for i, c := range cols {
			b.WriteString("  ")
			cell := c.cell(l.row, r, widths[i])
			if c.right {
				b.WriteString(fitRight(cell, widths[i]))
			} else {
				b.WriteString(fit(cell, widths[i]))
			}
		}
		text := fit(b.String(), w)
		if chosen {
			text = t.selected(text)
		}
		out = append(out, text)
	}
	for len(out) < h {
		out = append(out, strings.Repeat(" ", w))
	}
	return out
}

// title is the name column of one row in w cells: bracket, fold mark, what it
// is, what it reads, and its own name where there is room.
func (s *stack) title(t *theme, l line, r *model.Row, w int) string {
	gutter := t.of("flow").Render(l.gutter)
	fold := "  "
	if l.fold != "" {
		fold = t.dim.Render(l.fold) + " "
	}
	title := r.Title
	if r.Group {
		style := t.of(r.Family).Bold(true)
		if s.isRepetition(l.row) {
			style = t.of(r.Family)
		}
		text := gutter + fold + style.Render(fit(title, max(cells(title), 5))) + " " + t.text.Render(r.Label)
		if l.skips {
			text += t.dim.Render("  skip")
		}
		return s.aside(t, text, l.row, w)
	}
	label := t.text
	if r.Params == 0 && r.MACs == 0 {
		label = t.dim
	}
	if r.Problem != nil {
		label = t.bad
	}
	text := gutter + fold + t.of(r.Family).Render(fit(title, max(cells(title), 6))) + " " + label.Render(labelOf(r))
	return s.aside(t, text, l.row, w)
}

// labelOf is what stands behind a row's title: its settings, and its kind where the
// title is that of several.
func labelOf(r *model.Row) string {
	switch {
	case strings.HasPrefix(r.Kind, r.Title) || r.Label != "" && r.Title != "norm":
		return r.Label
	case r.Label == "":
		return r.Kind
	}
	return r.Kind + " " + r.Label
}

// aside puts what row i reads and its own name behind its title.
func (s *stack) aside(t *theme, title string, i, w int) string {
	x := &s.says[i]
	if x.reads != "" {
		title = strings.TrimRight(title, " ") + t.dim.Render("  ← "+x.reads)
	}
	if room := w - cells(title) - 2; x.name != "" && (cells(x.name) <= room || room >= nameLeast) {
		title += "  " + t.dim.Render(fit(x.name, min(cells(x.name), room)))
	}
	return title
}

// fitColumns shares w cells among the names and those columns that fit.
func fitColumns(w int, cols []column) (name int, kept []column, widths []int) {
	kept = append([]column(nil), cols...)
	need := func() int {
		n := 0
		for _, c := range kept {
			n += c.width + 2
		}
		return n
	}
	for nameMin+need() > w {
		worst := -1
		for i, c := range kept {
			if c.rank > 0 && (worst < 0 || c.rank > kept[worst].rank) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		kept = append(kept[:worst], kept[worst+1:]...)
	}
	name = max(min(w-need(), nameMax), 8)
	widths = make([]int, len(kept))
	spare := max(w-need()-name, 0)
	for i, c := range kept {
		more := min(c.grow, spare)
		widths[i] = c.width + more
		spare -= more
	}
	return name, kept, widths
}
