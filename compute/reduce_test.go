package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

func TestReductions(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, n := range append([]int{70 * grain}, sweepSizes...) {
			if n > 10*grain && testing.Short() {
				continue
			}
			x, _ := fenced(t, r, n)
			y, _ := fenced(t, r, n)
			x64, y64 := wide(x), wide(y)
			size := floats.Norm(x64, 2)*floats.Norm(y64, 2) + 1e-30
			near(t, fmt.Sprint("squares of ", n), SumSquares(nil, x), floats.Dot(x64, x64), 1e-6, 0)
			if n <= sumBlock { // longer ones are added up in float64
				near(t, fmt.Sprint("dot of ", n), float64(vec.dot(x, y)), floats.Dot(x64, y64), 0, 1e-6*size)
				near(t, fmt.Sprint("sum of ", n), float64(vec.sum(x)), floats.Sum(x64), 0, 1e-6*floats.Norm(x64, 1)+1e-30)
			}
			mean, variance := Moments(nil, x)
			if n == 0 {
				if mean != 0 || variance != 0 {
					t.Fatalf("moments of nothing are %v, %v", mean, variance)
				}
				continue
			}
			m, v := stat.PopMeanVariance(x64, nil)
			near(t, fmt.Sprint("mean of ", n), mean, m, 0, 1e-6)
			near(t, fmt.Sprint("variance of ", n), variance, v, 2e-6, 1e-12)
		}
	})
}

func TestMomentsFarFromZero(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		x := randoms(1, 100_003)
		for i := range x {
			x[i] += 1000
		}
		m, v := stat.PopMeanVariance(wide(x), nil)
		mean, variance := Moments(nil, x)
		near(t, "mean", mean, m, 1e-9, 0)
		near(t, "variance", variance, v, 1e-6, 0)
	})
}

func TestFinite(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, n := range sweepSizes {
			x := make([]float32, n)
			for i := range x {
				if i%3 != 0 {
					x[i] = float32(i)
				}
			}
			if !Finite(nil, x) {
				t.Fatalf("%d finite numbers are not", n)
			}
			for _, at := range []int{0, n / 2, n - 1} {
				for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
					if n == 0 {
						continue
					}
					old := x[at]
					x[at] = float32(bad)
					if Finite(nil, x) {
						t.Fatalf("%v at %d of %d was not seen", bad, at, n)
					}
					x[at] = old
				}
			}
		}
	})
}

// columnSizes are rows and columns: one, odd, folded, long, several chunks.
var columnSizes = [][2]int{{1, 1}, {2, 1}, {300, 1}, {5, 3}, {1000, 3}, {777, 10}, {64, 16}, {2051, 16}, {3000, 32},
	{9, 64}, {1025, 64}, {40, 255}, {33, 257}, {130, 512}, {3, 1000}, {2, 40000}, {70001, 3}}

func TestColumns(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, s := range columnSizes {
			rows, c := s[0], s[1]
			x, _ := fenced(t, r, rows*c)
			dst, check := fenced(t, r, c)
			want := make([]float64, c)
			dead := 0
			for j := range c {
				if j%4 == 1 { // a unit that never fires
					for i := range rows {
						x[i*c+j] = -max(x[i*c+j], 0)
					}
				}
				alive := false
				for i := range rows {
					v := x[i*c+j]
					want[j] += float64(v)
					alive = alive || v > 0
				}
				if !alive {
					dead++
				}
			}
			abs := 1e-6 * float64(rows)
			ColumnSum(nil, rows, c, x, dst, false)
			within(t, fmt.Sprint("columns of ", s), dst, want, 1e-6, abs)
			copy(dst, randoms(3, c))
			before := wide(dst)
			for j := range want {
				want[j] += before[j]
			}
			ColumnSum(nil, rows, c, x, dst, true)
			within(t, fmt.Sprint("columns added of ", s), dst, want, 1e-6, abs)
			check()
			if got := DeadColumns(nil, rows, c, x); got != dead {
				t.Fatalf("%v: %d dead columns, want %d", s, got, dead)
			}
		}
	})
}
