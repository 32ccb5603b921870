package tui

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
)

// fit makes s, styled or not, exactly w cells: cut with an ellipsis or filled
// up at the right.
func fit(s string, w int) string {
	if w <= 0 {
		return ""
	}
	n := cells(s)
	if n > w {
		s = ansi.Truncate(s, w, "…")
		n = cells(s)
	}
	return s + strings.Repeat(" ", w-n)
}

// fitRight is fit with the filling at the left, for numbers.
func fitRight(s string, w int) string {
	if n := cells(s); n < w {
		return strings.Repeat(" ", w-n) + s
	}
	return fit(s, w)
}

// cells is how wide s is on the screen. Text of signs that are known to take
// one cell is counted here, some ten times faster than the general way, since
// a frame asks a thousand times.
func cells(s string) int {
	n := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\x1b':
			end := sequence(s[i:])
			if end == 0 {
				return lipgloss.Width(s)
			}
			i += end
			continue
		case c < ' ' || c == 0x7f:
			return lipgloss.Width(s)
		case c < utf8.RuneSelf:
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if !oneCell(r) {
				return lipgloss.Width(s)
			}
			i += size
		}
		n++
	}
	return n
}

// sequence is the length of the colour sequence that s begins with, ESC [ … m;
// 0 for any other.
func sequence(s string) int {
	if len(s) < 3 || s[1] != '[' {
		return 0
	}
	for i := 2; i < len(s); i++ {
		switch c := s[i]; {
		case c == 'm':
			return i + 1
		case c != ';' && c != ':' && (c < '0' || c > '9'):
			return 0
		}
	}
	return 0
}

// oneCell says that r takes one cell by itself and joins no neighbour: accented
// Latin, Greek letters, dashes and quotes, arrows, mathematical signs, lines
// and blocks, braille.
func oneCell(r rune) bool {
	switch {
	case r >= 0xa1 && r < 0x300 && r != 0xad, r >= 0x391 && r < 0x3ff,
		r >= 0x2010 && r < 0x2028, r >= 0x2030 && r < 0x203c, r >= 0x2070 && r < 0x20a0,
		r >= 0x2190 && r < 0x2194, r >= 0x2200 && r < 0x2300, r >= 0x2500 && r < 0x25aa, r >= 0x2800 && r < 0x2900:
		return true
	}
	return strings.ContainsRune("▲▸▾▶●✓✗", r)
}

// spread sets left and right at the two ends of w cells. What does not fit is
// cut from the right part first, which goes whole when it has no room.
func spread(left, right string, w int) string {
	l, r := cells(left), cells(right)
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
		w := cells(p)
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
		t.faint.Render(strings.Repeat("─", max(w-3-cells(title), 0))+"╮")
	out := []string{top}
	side := t.faint.Render("│")
	for _, l := range box(lines, w-4, h-2) {
		out = append(out, side+" "+l+" "+side)
	}
	return append(out, t.faint.Render("╰"+strings.Repeat("─", max(w-2, 0))+"╯"))
}
