package widget

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"
)

func TestNumbers(t *testing.T) {
	si := func(x float64) string { n, p := SI(x); return n + p }
	for _, c := range []struct{ got, want string }{
		{Group(11689512), "11,689,512"}, {Group(-1000), "-1,000"}, {Group(999), "999"}, {Group(0), "0"},
		{si(1.8141e9), "1.81G"}, {si(272474), "272k"}, {si(999950), "1.00M"}, {si(12), "12"}, {si(0.5), "0.50"}, {si(0), "0"},
		{Millions(442368), "0.44"}, {Millions(1814073344), "1,814.1"}, {Millions(40813184), "40.81"},
		{Bytes(62 << 20), "62 MB"}, {Bytes(1500 << 20), "1.5 GB"}, {Bytes(12), "12 B"}, {Bytes(1 << 10), "1.0 kB"},
		{Sci(0.021), "2.1e-2"}, {Sci(math.NaN()), "–"}, {Sci(0), "0"}, {Sci(3e-9), "3.0e-9"}, {Sci(123), "1.2e2"},
		{Percent(0.784, 1), "78.4 %"}, {Percent(math.NaN(), 0), "–"},
		{Duration(31 * time.Second), "0:31"}, {Duration(92 * time.Minute), "1 h 32 m"}, {Duration(76 * time.Hour), "3 d 4 h"},
		{Millis(800 * time.Microsecond), "0.8"}, {Millis(12 * time.Microsecond), "0.01"}, {Millis(250 * time.Millisecond), "250"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestWidths(t *testing.T) {
	trail := []float64{5, 4, 3, 2, 1, 0.5, math.NaN(), math.Inf(1), 1e-9}
	for w := 0; w < 40; w++ {
		for _, ascii := range []bool{false, true} {
			for _, share := range []float64{-1, 0, 1e-9, 0.3, 0.999, 1, 2, math.NaN()} {
				if got := lipgloss.Width(Line(share, w, ascii)); got != w {
					t.Fatalf("Line(%v, %d) is %d wide", share, w, got)
				}
			}
			for _, v := range [][]float64{nil, trail, trail[:1], {2, 2, 2}} {
				if got := lipgloss.Width(Spark(v, w, true, ascii)); got != w {
					t.Fatalf("Spark(%v, %d) is %d wide", v, w, got)
				}
			}
			for _, line := range Histogram([]int{1, 5, 9, 0, 2}, w, 2, ascii) {
				if got := lipgloss.Width(line); got != w {
					t.Fatalf("Histogram at %d is %d wide", w, got)
				}
			}
			c := Chart{Series: []Series{{X: []float64{0, 1, 2}, Y: []float64{2.3, math.NaN(), 0.6}}, {X: []float64{1}, Y: []float64{1}}}, ASCII: ascii}
			for h := 1; h < 6 && w > 0; h++ {
				lines := strings.Split(c.View(w, h), "\n")
				if len(lines) != h {
					t.Fatalf("Chart %d×%d has %d lines", w, h, len(lines))
				}
				for _, l := range lines {
					if lipgloss.Width(l) != w {
						t.Fatalf("Chart %d×%d has a line of %d", w, h, lipgloss.Width(l))
					}
				}
			}
		}
	}
}

func TestLineShowsSliver(t *testing.T) {
	for share, want := range map[float64]string{0: "    ", 1e-6: "╸   ", 0.5: "━━  ", 0.6: "━━╸ ", 1: "━━━━"} {
		if got := Line(share, 4, false); got != want {
			t.Errorf("%v: got %q, want %q", share, got, want)
		}
	}
}

func TestSparkFallsAndRises(t *testing.T) {
	if got := Spark([]float64{1e-3, 1e-2, 1e-1, 1}, 4, true, false); got != "▁▃▆█" {
		t.Errorf("got %q", got)
	}
	if got := Spark([]float64{1, 2}, 4, false, false); got != "  ▁█" {
		t.Errorf("got %q", got)
	}
}

func TestChartDrawsDiagonal(t *testing.T) {
	c := Chart{Series: []Series{{X: []float64{0, 1}, Y: []float64{0, 1}}}}
	got := strings.Split(c.View(10, 2), "\n")
	if !strings.HasPrefix(got[0], "1.00 │") || !strings.HasPrefix(got[1], "0.00 │") {
		t.Errorf("no scale: %q", got)
	}
	if strings.TrimSpace(got[0][strings.Index(got[0], "│"):]) == "│" {
		t.Errorf("nothing drawn above: %q", got)
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{"lenet5": "lenet5", "größe": "größe", "a\x1b[2Jb": "a?[2Jb", "a\nb\t\x07\u009b": "a?b???", "\xff": "?"} {
		if got := Plain(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
