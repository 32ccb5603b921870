package tui

import (
	"testing"

	"github.com/charmbracelet/lipgloss"
)

// The quick count agrees with the general one for every sign by itself, and
// in mixed and coloured text.
func TestCells(t *testing.T) {
	for r := rune(0x20); r < 0x3100; r++ {
		if s := "a" + string(r) + "b"; cells(s) != lipgloss.Width(s) {
			t.Errorf("%q (U+%04X) takes %d cells, counted as %d", r, r, lipgloss.Width(s)-2, cells(s)-2)
		}
	}
	for _, s := range []string{"", "abc", "\x1b[1;38;2;1;2;3mred\x1b[0m", "3×3 · 32 /2", "✓ valid", "▸ ▾", "é", "e\u0301", "日本語", "👩‍🚀", "a\x1b[2Kb", "\x1b[", "\x1b]0;title\x07x", "two\nlines", "\ttab"} {
		if got, want := cells(s), lipgloss.Width(s); got != want {
			t.Errorf("cells(%q) = %d, wants %d", s, got, want)
		}
	}
}
