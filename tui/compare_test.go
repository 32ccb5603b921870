package tui

import (
	"strings"
	"testing"

	"layercake/internal/golden"
	"layercake/model"
)

// compared is Compare with smallNet and others that differ from it a little.
func compared(t *testing.T, w, h, others int) *driver {
	t.Helper()
	d := drive(t, smallNet, w, h)
	for i := range others {
		text := strings.Replace(smallNet, "name: small", "name: "+[]string{"wide", "deep", "bare"}[i], 1)
		text = strings.NewReplacer("with: {filters: 8}", "with: {filters: 16}", "repeat: 2", []string{"repeat: 2", "repeat: 5", "repeat: 1"}[i]).Replace(text)
		if i == 0 {
			text = strings.Replace(text, "  - dense: {name: head, units: 10}", "  - dense: {units: 32}\n  - relu\n  - dense: {name: head, units: 10}", 1)
		}
		s, err := model.Parse("other.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		d.a.desk.compare = append(d.a.desk.compare, model.Resolve(s))
	}
	return d.press("3")
}

func TestCompareScreens(t *testing.T) {
	for _, size := range []struct {
		name string
		w, h int
	}{{"80x24", 80, 24}, {"120x40", 120, 40}, {"30x8", 30, 8}} {
		for n, name := range []string{"One", "Two", "Three"} {
			t.Run(name+"/"+size.name, func(t *testing.T) { golden.Equal(t, compared(t, size.w, size.h, n).view()) })
		}
	}
	t.Run("Open/120x40", func(t *testing.T) { golden.Equal(t, compared(t, 120, 40, 1).press("N", "l").view()) })
}

func TestCompareFrames(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {61, 17}, {80, 24}, {99, 45}, {120, 40}, {200, 60}} {
		for n := range 4 {
			for _, keys := range [][]string{{}, {"z"}, {"G"}, {"z", "pgdown"}, {"x"}, {"?"}} {
				d := compared(t, size[0], size[1], n).press(keys...)
				before := d.view()
				if d.view() != before {
					t.Errorf("%v %d %v: drawing twice gives two pictures", size, n, keys)
				}
				d.a.desk.theme.ascii = true
				for i, r := range d.view() {
					if r > 126 {
						t.Errorf("%v %d %v: %q at byte %d is no ASCII", size, n, keys, r, i)
						break
					}
				}
			}
		}
	}
}

func TestCompareMoves(t *testing.T) {
	d := compared(t, 120, 40, 1)
	d.sees("rows differ", "≠", "wide")
	// Picking, taking away, and putting on the desk.
	d.press("x")
	if n := len(d.a.desk.compare); n != 0 {
		t.Errorf("after x %d networks are compared with, wants none", n)
	}
	d.press("a", "type:lenet5", "enter")
	d.sees("lenet5", "61,706")
	d.press("o")
	if got := d.a.desk.spec().Name; got != "lenet5" {
		t.Errorf("o puts %s on the desk, wants lenet5", got)
	}
	d.sees("small")
	// A group opens to its rows and folds again.
	d = compared(t, 120, 40, 1)
	rows := len(d.a.screens[2].(*compareScreen).lines)
	d.press("z")
	c := d.a.screens[2].(*compareScreen)
	if len(c.lines) <= rows {
		t.Errorf("z shows %d lines, wants more than %d", len(c.lines), rows)
	}
	d.press("z")
	if len(c.lines) != rows {
		t.Errorf("z twice shows %d lines, wants %d", len(c.lines), rows)
	}
}

func TestCompareKeyTable(t *testing.T) {
	seen := map[string]string{}
	for _, c := range compared(t, 80, 24, 2).a.keys() {
		for _, k := range c.keys {
			if was, ok := seen[k]; ok {
				t.Errorf("key %q says %q and %q", k, was, c.help)
			}
			seen[k] = c.help
			keyMsg(t, k)
		}
	}
}

func TestRelative(t *testing.T) {
	for _, c := range []struct {
		a, b int64
		want string
	}{{100, 9, "−91 %"}, {100, 100, "±0"}, {100, 150, "+50 %"}, {0, 4, "new"}, {4, 0, "gone"}, {1, 25, "×25"}, {1, 5000, ">×999"}} {
		if got := relative(c.a, c.b); got != c.want {
			t.Errorf("relative(%d, %d) = %q, wants %q", c.a, c.b, got, c.want)
		}
	}
}
