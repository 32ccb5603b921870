package tui

import (
	"strings"
	"testing"
)

func TestEntry(t *testing.T) {
	for _, c := range []struct {
		start string
		keys  []string
		want  string
		at    int
	}{
		{"", []string{"a", "b"}, "ab", 2},
		{"ab", []string{"left", "x"}, "axb", 2},
		{"ab", []string{"home", "delete"}, "b", 0},
		{"ab", []string{"backspace", "backspace", "backspace"}, "", 0},
		{"ab cd", []string{"ctrl+w"}, "ab ", 3},
		{"ab cd", []string{"left", "ctrl+u"}, "d", 0},
		{"ab", []string{"home", "left", "end", "right", " ", "é"}, "ab é", 4},
	} {
		e := newEntry(c.start)
		for _, k := range c.keys {
			if !e.key(keyMsg(t, k)) {
				t.Errorf("%q: key %s is not taken", c.start, k)
			}
		}
		if e.String() != c.want || e.input.Position() != c.at {
			t.Errorf("%q after %v: %q with the cursor at %d, want %q at %d", c.start, c.keys, e.String(), e.input.Position(), c.want, c.at)
		}
	}
	e := newEntry("x")
	if e.key(keyMsg(t, "f1")) || e.String() != "x" {
		t.Error("a function key is taken as text")
	}
}

// What is typed at the end of a long text stays in sight.
func TestEntryScrolls(t *testing.T) {
	e := newEntry(strings.Repeat("a", 50) + "z")
	v := e.view(plainTheme(false), 20)
	if !strings.Contains(v, "z▏") || cells(v) > 20 {
		t.Errorf("in 20 cells the field shows %q", v)
	}
}

func TestStep(t *testing.T) {
	for _, c := range []struct {
		value   string
		decimal bool
		n       int
		want    string
	}{
		{"3", false, 1, "4"}, {"0", false, -1, "0"}, {"9", false, 1, "9"}, {"3, 5", false, 1, "4, 6"},
		{"auto", false, 1, "1"}, {"same", false, -1, "same"}, {"abc", false, 1, "abc"},
		{"0.01", true, 1, "0.02"}, {"0.01", true, -1, "0.009"}, {"0.5", true, 1, "0.6"}, {"1", true, -1, "0.9"}, {"9", true, 1, "9"},
	} {
		f := field{step: true, decimal: c.decimal, max: 9, value: newEntry(c.value)}
		f.bump(c.n)
		if got := f.value.String(); got != c.want {
			t.Errorf("%s by %+d is %s, wants %s", c.value, c.n, got, c.want)
		}
	}
}
