package compute

import (
	"fmt"
	"math"
	"testing"
)

// rowSizes are rows × columns around the vectors and the blocks.
var rowSizes = [][2]int{{1, 1}, {3, 1}, {2, 2}, {5, 7}, {4, 8}, {3, 9}, {9, 15}, {2, 16}, {7, 33}, {300, 128}, {70, 1003}}

// normWant is layer norm (or root mean square norm) of rows and its gradient,
// in float64.
type normWant struct{ y, dx, dgamma, dbeta []float64 }

func normByHand(rows, c int, x, gamma, beta, dy []float32, eps float64, centred bool) normWant {
	w := normWant{make([]float64, rows*c), make([]float64, rows*c), make([]float64, c), make([]float64, c)}
	for r := range rows {
		mean, square := 0., 0.
		if centred {
			for j := range c {
				mean += float64(x[r*c+j]) / float64(c)
			}
		}
		for j := range c {
			square += math.Pow(float64(x[r*c+j])-mean, 2)
		}
		inv := 1 / math.Sqrt(square/float64(c)+eps)
		sum, slope := 0., 0.
		for j := range c {
			hat, d := (float64(x[r*c+j])-mean)*inv, float64(dy[r*c+j])
			w.y[r*c+j] = hat * float64(gamma[j])
			if centred {
				w.y[r*c+j] += float64(beta[j])
				sum += d * float64(gamma[j])
			}
			slope += d * float64(gamma[j]) * hat
			w.dgamma[j] += d * hat
			w.dbeta[j] += d
		}
		for j := range c {
			hat := (float64(x[r*c+j]) - mean) * inv
			w.dx[r*c+j] = inv * (float64(gamma[j])*float64(dy[r*c+j]) - sum/float64(c) - hat*slope/float64(c))
		}
	}
	return w
}

func TestRowNorms(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, s := range rowSizes {
			for _, centred := range []bool{true, false} {
				t.Run(fmt.Sprint(s, centred), func(t *testing.T) { checkRowNorm(t, s[0], s[1], centred) })
			}
		}
	})
}

func checkRowNorm(t *testing.T, rows, c int, centred bool) {
	const eps = 1e-3
	n := rows * c
	x, dy, gamma, beta := randoms(1, n), randoms(2, n), randoms(3, c), randoms(4, c)
	for i := range x {
		x[i] += 5 // far from zero, so that sums of squares about zero would show
	}
	want := normByHand(rows, c, x, gamma, beta, dy, eps, centred)
	y, dx, spare := make([]float32, n), make([]float32, n), make([]float32, n)
	mean, inv, dgamma, dbeta := make([]float32, rows), make([]float32, rows), make([]float32, c), make([]float32, c)
	backward := func(dy, dx, dgamma, dbeta []float32) {
		if centred {
			LayerNormBackward(nil, rows, c, x, gamma, mean, inv, dy, dx, dgamma, dbeta)
		} else {
			RMSNormBackward(nil, rows, c, x, gamma, inv, dy, dx, dgamma)
		}
	}
	forward := func(x, gamma, beta, y, mean, inv []float32) {
		if centred {
			LayerNormForward(nil, rows, c, x, gamma, beta, y, mean, inv, eps)
		} else {
			RMSNormForward(nil, rows, c, x, gamma, y, inv, eps)
		}
	}
	forward(x, gamma, beta, y, mean, inv)
	within(t, "output", y, want.y, 1e-5, 1e-5)
	backward(dy, dx, dgamma, dbeta)
	within(t, "gradient", dx, want.dx, 1e-4, 3e-4)
	within(t, "gradient of gamma", dgamma, want.dgamma, 1e-4, 1e-4)
	if centred {
		within(t, "gradient of beta", dbeta, want.dbeta, 1e-4, 1e-4)
	}

	// Without what only training needs, and in place, the numbers are the same.
	copy(spare, x)
	forward(spare, gamma, beta, spare, nil, nil)
	sameBits(t, "output in place", spare, y)
	copy(spare, dy)
	backward(spare, spare, nil, nil)
	sameBits(t, "gradient in place", spare, dx)
	again := make([]float32, c)
	backward(dy, nil, again, nil)
	sameBits(t, "gradient of gamma alone", again, dgamma)

	// Nil factors are ones, and nil offsets zeros.
	ones, zeros := make([]float32, c), make([]float32, c)
	for i := range ones {
		ones[i] = 1
	}
	forward(x, ones, zeros, y, nil, nil)
	forward(x, nil, nil, spare, nil, nil)
	sameBits(t, "output without factors", spare, y)
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i, v := range want {
		if math.Float32bits(got[i]) != math.Float32bits(v) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], v)
		}
	}
}

// TestGroupNorm: a group is a row of layer norm once its channels are moved
// beside each other; rows past a sample's length have no part.
func TestGroupNorm(t *testing.T) {
	const eps = 1e-3
	eachVectors(t, func(t *testing.T) {
		for _, s := range []struct{ n, hw, c, groups int }{
			{1, 1, 1, 1}, {2, 1, 6, 3}, {3, 7, 6, 2}, {2, 40, 4, 4}, {2, 5, 8, 1}, {2, 300, 3, 3}, {1, 4000, 16, 4}, {2, 3, 300, 5},
		} {
			for _, padded := range []bool{false, true} {
				t.Run(fmt.Sprint(s, padded), func(t *testing.T) { checkGroupNorm(t, s.n, s.hw, s.c, s.groups, padded, eps) })
			}
		}
	})
}

func checkGroupNorm(t *testing.T, n, hw, c, groups int, padded bool, eps float64) {
	x, dy, gamma, beta := randoms(1, n*hw*c), randoms(2, n*hw*c), randoms(3, c), randoms(4, c)
	var lens []int32
	if padded {
		for i := range n {
			lens = append(lens, int32((hw+i)/2)) // 0 where hw is 1
		}
	}
	want := normWant{make([]float64, n*hw*c), make([]float64, n*hw*c), make([]float64, c), make([]float64, c)}
	width := c / groups
	for i := range n {
		rows := used(lens, i, hw)
		if rows == 0 {
			continue
		}
		for g := 0; g < c; g += width {
			var row [4][]float32
			for r := range rows {
				for j := g; j < g+width; j++ {
					at := (i*hw+r)*c + j
					for k, v := range []float32{x[at], gamma[j], beta[j], dy[at]} {
						row[k] = append(row[k], v)
					}
				}
			}
			part := normByHand(1, rows*width, row[0], row[1], row[2], row[3], eps, true)
			for r := range rows {
				for j := range width {
					at, k := (i*hw+r)*c+g+j, r*width+j
					want.y[at], want.dx[at] = part.y[k], part.dx[k]
					want.dgamma[g+j] += part.dgamma[k]
					want.dbeta[g+j] += part.dbeta[k]
				}
			}
		}
	}
	y, dx := randoms(5, n*hw*c), randoms(6, n*hw*c)
	mean, inv, dgamma, dbeta := make([]float32, n*c), make([]float32, n*c), make([]float32, c), make([]float32, c)
	GroupNormForward(nil, n, hw, c, groups, lens, x, gamma, beta, y, mean, inv, float32(eps))
	within(t, "output", y, want.y, 1e-4, 1e-5)
	GroupNormBackward(nil, n, hw, c, groups, lens, x, gamma, mean, inv, dy, dx, dgamma, dbeta)
	within(t, "gradient", dx, want.dx, 1e-3, 3e-4)
	within(t, "gradient of gamma", dgamma, want.dgamma, 1e-4, 1e-3)
	within(t, "gradient of beta", dbeta, want.dbeta, 1e-4, 1e-3)
	if !padded && groups == c {
		copy(x, dy)
		GroupNormBackward(nil, n, hw, c, groups, lens, y, nil, mean, inv, x, x, nil, nil)
		GroupNormBackward(nil, n, hw, c, groups, lens, y, nil, mean, inv, dy, dx, nil, nil)
		sameBits(t, "gradient in place", x, dx)
	}
}

// TestBatchNormPadded: batch norm of padded sequences is that of the steps
// that count, laid end to end.
func TestBatchNormPadded(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, s := range []struct {
			hw, c int
			lens  []int32
		}{{4, 3, []int32{2, 4, 0}}, {1, 1, []int32{0, 1}}, {70, 5, []int32{70, 33, 1}}, {3, 300, []int32{3, 2}}, {2, 2, []int32{0, 0}}} {
			n, hw, c := len(s.lens), s.hw, s.c
			x, dy, gamma, beta := randoms(1, n*hw*c), randoms(2, n*hw*c), randoms(3, c), randoms(4, c)
			var xs, dys []float32
			for i, l := range s.lens {
				xs = append(xs, x[i*hw*c:][:int(l)*c]...)
				dys = append(dys, dy[i*hw*c:][:int(l)*c]...)
			}
			rows := len(xs) / c
			columns := func() [6][]float32 {
				var v [6][]float32
				for i := range v {
					v[i] = make([]float32, c)
				}
				return v
			}
			a, b := columns(), columns()
			ys, dxs := make([]float32, len(xs)), make([]float32, len(xs))
			BatchNormForward(nil, rows, c, xs, gamma, beta, ys, a[0], a[1], a[2], a[3], 1e-3, 0.1)
			BatchNormBackward(nil, rows, c, xs, gamma, a[0], a[1], dys, dxs, a[4], a[5])
			y, dx := randoms(5, n*hw*c), randoms(6, n*hw*c)
			BatchNormPaddedForward(nil, n, hw, c, s.lens, x, gamma, beta, nil, y, b[0], b[1], b[2], b[3], 1e-3, 0.1, false)
			BatchNormPaddedBackward(nil, n, hw, c, s.lens, x, gamma, b[0], b[1], dy, dx, b[4], b[5])
			if rows > 0 {
				checkPaddedFusions(t, n, hw, c, s.lens, x, gamma, beta, dy)
			}
			at := 0
			wantY, wantDX := make([]float32, n*hw*c), make([]float32, n*hw*c)
			for i, l := range s.lens {
				copy(wantY[i*hw*c:], ys[at:at+int(l)*c])
				copy(wantDX[i*hw*c:], dxs[at:at+int(l)*c])
				at += int(l) * c
			}
			within(t, "output", y, wide(wantY), 1e-4, 1e-5)
			within(t, "gradient", dx, wide(wantDX), 1e-3, 1e-4)
			for i, what := range []string{"mean", "deviation", "running mean", "running variance", "gradient of gamma", "gradient of beta"} {
				if rows > 0 {
					within(t, what, b[i], wide(a[i]), 1e-4, 1e-5)
				}
			}
		}
	})
}

// checkPaddedFusions holds the fused passes to those one after the other.
func checkPaddedFusions(t *testing.T, n, hw, c int, lens []int32, x, gamma, beta, dy []float32) {
	t.Helper()
	z := randoms(7, n*hw*c)
	y, want, dm, dx, dxWant := make([]float32, len(z)), make([]float32, len(z)), make([]float32, len(z)), make([]float32, len(z)), make([]float32, len(z))
	mean, inv := make([]float32, c), make([]float32, c)
	forward := func(z, y []float32, relu bool) {
		BatchNormPaddedForward(nil, n, hw, c, lens, x, gamma, beta, z, y, mean, inv, nil, nil, 1e-3, 0.1, relu)
	}
	forward(nil, want, false)
	AddReLU(nil, want, z, want)
	forward(z, y, true)
	sameBits(t, "output with sum and relu", y, want)
	BatchNormPaddedMaskBackward(nil, n, hw, c, lens, x, gamma, mean, inv, y, dy, dm, dx, nil, nil)
	ActBackward(nil, ActReLU, 0, nil, y, dy, want)
	sameBits(t, "gradient behind relu", dm, want)
	BatchNormPaddedBackward(nil, n, hw, c, lens, x, gamma, mean, inv, want, dxWant, nil, nil)
	sameBits(t, "gradient through a mask", dx, dxWant)

	forward(nil, want, false)
	add := make([]float32, len(z))
	Add(nil, want, z, add)
	forward(z, y, false)
	sameBits(t, "output with a sum", y, add)
	ActForward(nil, ActReLU, 0, want, want)
	forward(nil, y, true)
	sameBits(t, "output with relu", y, want)
	BatchNormPaddedReLUBackward(nil, n, hw, c, lens, x, gamma, beta, mean, inv, dy, dx, nil, nil)
	ActBackward(nil, ActReLU, 0, nil, y, dy, want)
	BatchNormPaddedBackward(nil, n, hw, c, lens, x, gamma, mean, inv, want, dxWant, nil, nil)
	sameBits(t, "gradient through relu", dx, dxWant)
}
