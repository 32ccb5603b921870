package compute

import (
	"fmt"
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

// TestPermute puts three axes into all six orders, with and without adding.
func TestPermute(t *testing.T) {
	eachVectors(t, testPermute)
}

func testPermute(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	pool := NewPool(3)
	defer pool.Close()
	for _, s := range [][3]int{{1, 1, 1}, {2, 3, 4}, {17, 5, 33}, {40, 1, 200}, {8, 16, 24}, {1, 530, 31}, {31, 25, 47}} {
		strides := [3]int{s[1] * s[2], s[2], 1}
		for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
			const n = 2
			var g Permutation
			for a, from := range order {
				g.Dims[a], g.Strides[a] = s[from], strides[from]
			}
			x, _ := fenced(t, r, n*g.size())
			y, check := fenced(t, r, n*g.size())
			for _, add := range []bool{false, true} {
				before := append([]float32(nil), y...)
				Permute(pool, n, &g, x, y, add)
				check()
				at := 0
				for i := range n {
					for a := range g.Dims[0] {
						for b := range g.Dims[1] {
							for c := range g.Dims[2] {
								want := x[i*g.size()+a*g.Strides[0]+b*g.Strides[1]+c*g.Strides[2]]
								if add {
									want += before[at]
								}
								if y[at] != want {
									t.Fatalf("%v in order %v, add %v: element %d is %v, want %v", s, order, add, at, y[at], want)
								}
								at++
							}
						}
					}
				}
			}
		}
	}
}

// BenchmarkPermute turns the two axes of sequences over, and images to channels
// first, on two threads.
func BenchmarkPermute(b *testing.B) {
	p := NewPool(2)
	defer p.Close()
	for _, s := range [][3]int{{32, 128, 256}, {32, 197, 768}, {1, 1024, 1024}, {64, 1024, 16}} {
		n, rows, cols := s[0], s[1], s[2]
		x, y := randoms(1, n*rows*cols), randoms(2, n*rows*cols)
		g := &Permutation{Dims: [3]int{1, cols, rows}, Strides: [3]int{0, 1, cols}}
		bench(b, fmt.Sprint(s), 8*len(x), func() { Permute(p, n, g, x, y, false) })
		bench(b, fmt.Sprint(s, " added"), 12*len(x), func() { Permute(p, n, g, x, y, true) })
	}
}
