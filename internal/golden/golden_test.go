package golden

import "testing"

func TestDifference(t *testing.T) {
	for _, c := range []struct {
		want, got string
		differs   bool
		line      int
	}{
		{"a\nb\n", "a\nb\n", false, 0},
		{"a\nb", "a\nc", true, 2},
		{"a", "a\nb", true, 2},
		{"a\nb", "a", true, 2},
		{"", "x", true, 1},
	} {
		differs, line, _, _ := difference(c.want, c.got)
		if differs != c.differs || line != c.line {
			t.Errorf("difference(%q, %q) = %v at line %d, want %v at line %d", c.want, c.got, differs, line, c.differs, c.line)
		}
	}
}
