package tui

import (
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
)

// fit makes s, styled or not, exactly w cells: cut with an ellipsis or filled
// up at the right.
func fit(s string, w int) string {
	if w <= 0 {
		return ""
	}
	n := lipgloss.Width(s)
	if n > w {
		s = ansi.Truncate(s, w, "…")
		n = lipgloss.Width(s)
	}
	return s + strings.Repeat(" ", w-n)
}

// fitRight is fit with the filling at the left, for numbers.
func fitRight(s string, w int) string {
	if n := lipgloss.Width(s); n < w {
		return strings.Repeat(" ", w-n) + s
	}
	return fit(s, w)
}

// cells is how wide s is on the screen.
func cells(s string) int { return lipgloss.Width(s) }

// spread sets left and right at the two ends of w cells. What does not fit is
// cut from the right part first, which goes whole when it has no room.
func spread(left, right string, w int) string {
	l, r := lipgloss.Width(left), lipgloss.Width(right)
	if l+2+r > w {
		if w-l-2 < 8 {
			return fit(left, w)
		}
		right = fit(right, w-l-2)
		r = w - l - 2
	}
	return left + strings.Repeat(" ", max(w-l-r, 0)) + right
}

// box makes exactly h lines of exactly w cells.
func box(lines []string, w, h int) []string {
	out := make([]string, max(h, 0))
	for i := range out {
		s := ""
		if i < len(lines) {
			s = lines[i]
		}
		out[i] = fit(s, w)
	}
	return out
}

// beside sets two boxes of equal height side by side with a line between.
func beside(t *theme, left, right []string) []string {
	bar := t.faint.Render("│")
	out := make([]string, len(left))
	for i := range left {
		out[i] = left[i] + bar + right[i]
	}
	return out
}

// wrap breaks plain text into lines of at most w cells, at spaces.
func wrap(text string, w int) []string {
	if w < 1 {
		return nil
	}
	var lines []string
	for _, para := range strings.Split(strings.TrimSpace(text), "\n") {
		lines = append(lines, strings.Split(ansi.Wrap(para, w, ""), "\n")...)
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// over lays a panel on a frame, its upper left corner at column x, row y. The
// frame steps back: all of it is faint.
func over(t *theme, frame, panel []string, x, y int) []string {
	out := make([]string, len(frame))
	for i, l := range frame {
		out[i] = ansi.Strip(l)
	}
	for i, p := range panel {
		at := y + i
		if at < 0 || at >= len(out) {
			continue
		}
		w := lipgloss.Width(p)
		out[at] = t.faint.Render(ansi.Truncate(out[at], x, "")) + p + t.faint.Render(ansi.TruncateLeft(out[at], x+w, ""))
	}
	for i := range out {
		if i < y || i >= y+len(panel) {
			out[i] = t.faint.Render(out[i])
		}
	}
	return out
}

// framed puts a border with a title around lines, w×h cells in all.
func framed(t *theme, title string, lines []string, w, h int) []string {
	title = " " + title + " "
	top := t.faint.Render("╭─") + t.strong.Render(title) +
		t.faint.Render(strings.Repeat("─", max(w-3-lipgloss.Width(title), 0))+"╮")
	out := []string{top}
	side := t.faint.Render("│")
	for _, l := range box(lines, w-4, h-2) {
		out = append(out, side+" "+l+" "+side)
	}
	return append(out, t.faint.Render("╰"+strings.Repeat("─", max(w-2, 0))+"╯"))
}
