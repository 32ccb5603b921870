package compute

import (
	"math/rand/v2"
	"testing"
)

// TestFillRowsAndMaskSteps writes whole rows and nothing beside them.
func TestFillRowsAndMaskSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, s := range [][3]int{{1, 1, 1}, {3, 4, 5}, {2, 3000, 33}} {
		n, steps, c := s[0], s[1], s[2]
		row, _ := fenced(t, r, c)
		y, check := fenced(t, r, n*steps*c)
		FillRows(nil, n*steps, c, row, y)
		for i, v := range y {
			if v != row[i%c] {
				t.Fatalf("%v: element %d is %v, want %v", s, i, v, row[i%c])
			}
		}
		check()
		lens := make([]int32, n)
		for i := range lens {
			lens[i] = int32(i * 2 % (steps + 1))
		}
		x, _ := fenced(t, r, n*steps*c)
		before := append([]float32(nil), x...)
		MaskSteps(nil, n, steps, c, lens, x, y)
		MaskSteps(nil, n, steps, c, lens, x, x)
		for i, v := range y {
			want := before[i]
			if i/c%steps >= int(lens[i/c/steps]) {
				want = 0
			}
			if v != want || x[i] != want {
				t.Fatalf("%v: element %d is %v and in place %v, want %v", s, i, v, x[i], want)
			}
		}
		check()
	}
}
