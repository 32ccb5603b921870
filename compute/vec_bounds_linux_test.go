package compute

import (
	"syscall"
	"testing"
	"unsafe"
)

// paged is n elements that begin where a page that nobody may touch ends, or
// end where one begins: a vector that reaches out of them ends the test.
func paged[E byte | float32](t *testing.T, n int, end bool) []E {
	t.Helper()
	if n == 0 {
		return nil
	}
	page := syscall.Getpagesize()
	width := int(unsafe.Sizeof(E(0)))
	size := (n*width + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(m); err != nil {
			t.Error(err)
		}
	})
	guard, first := m[:page], page
	if end {
		guard, first = m[size:], size-n*width
	}
	if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return unsafe.Slice((*E)(unsafe.Pointer(&m[first])), n)
}

// Nothing is read or written outside of the slices, not even without effect.
func TestSweepsStayInside(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		for _, n := range []int{1, 2, 3, 5, 6, 7, 8, 9, 13, 31, 33, 63, 100} {
			sweepsInside(t, n, false)
			sweepsInside(t, n, true)
		}
	})
}

func sweepsInside(t *testing.T, n int, end bool) {
	room := func(n int) []float32 { return paged[float32](t, n, end) }
	a, b, c, d, keep := room(n), room(n), room(n), room(n), paged[byte](t, n, end)
	Add(nil, a, b, c)
	AddReLU(nil, a, b, c)
	Mul(nil, a, b, c)
	MulAddTo(nil, a, b, c)
	Scale(nil, 2, a, b)
	for act := range actCount {
		ActForward(nil, act, 1, a, b)
		ActBackward(nil, act, 1, a, a, b, c)
	}
	DropoutForward(nil, 1, 0.5, a, b, keep)
	DropoutBackward(nil, 0.5, a, b, keep)
	Moments(nil, a)
	SumSquares(nil, a)
	vec.dot(a, b)
	vec.sum(a)
	Finite(nil, a)
	SGDStep(nil, whole(n), a, b, nil, 1, 0, 0, 0, false, 1, nil)
	SGDStep(nil, whole(n), a, b, c, 1, 1, 0, 0, false, 1, nil)
	SGDStep(nil, whole(n), a, b, c, 1, 1, 0, 0, true, 1, nil)
	AdamStep(nil, whole(n), a, b, c, d, 1, 0.9, 0.999, 1e-8, 0, 0, true, 1, 1, 1, nil)
	Softmax(nil, 1, n, a, b)
	LogSoftmax(nil, 1, n, a, b)
	for _, rows := range []int{1, 2, 3, 4, 5, 9} {
		x, y, z := room(rows*n), room(rows*n), room(rows*n)
		ColumnSum(nil, rows, n, x, a, true)
		DeadColumns(nil, rows, n, x)
		BatchNormForward(nil, rows, n, x, a, b, y, c, d, nil, nil, 1, 1)
		BatchNormReLUForward(nil, rows, n, x, a, b, y, c, d, nil, nil, 1, 1)
		BatchNormBackward(nil, rows, n, x, a, b, c, y, z, nil, nil)
		BatchNormAddForward(nil, rows, n, x, a, b, z, y, c, d, nil, nil, 1, 1, false)
		BatchNormAddForward(nil, rows, n, x, a, b, z, y, c, d, nil, nil, 1, 1, true)
		BatchNormReLUBackward(nil, rows, n, x, a, b, c, d, y, z, nil, nil)
		BatchNormMaskBackward(nil, rows, n, x, a, b, c, y, z, z, x, nil, nil)
		mean, inv := room(rows), room(rows)
		LayerNormForward(nil, rows, n, x, a, b, y, mean, inv, 1)
		LayerNormBackward(nil, rows, n, x, a, mean, inv, y, z, c, d)
		RMSNormForward(nil, rows, n, x, a, y, inv, 1)
		RMSNormBackward(nil, rows, n, x, a, inv, y, z, c)
		GroupNormForward(nil, 1, rows, n, 1, nil, x, a, b, y, c, d, 1)
		GroupNormBackward(nil, 1, rows, n, 1, nil, x, a, c, d, y, z, nil, nil)
		PReLU(nil, rows, n, x, a, y)
		PReLUBackward(nil, rows, n, x, a, y, z, c)
		ColumnScale(nil, rows, n, x, a, y)
		ColumnScaleBackward(nil, rows, n, x, a, y, z, c)
		SoftmaxBackward(nil, rows, n, x, y, z)
		LogSoftmaxBackward(nil, rows, n, x, y, z)
		GLU(nil, ActSiLU, rows, n, room(2*rows*n), y)
		GlobalAvgForward(nil, 1, rows, n, nil, x, a)
		GlobalAvgBackward(nil, 1, rows, n, nil, a, x)
	}
	for _, g := range poolingCases {
		g.C = n
		x, y, marks := room(g.in()), room(g.out()), paged[byte](t, g.out(), end)
		MaxPoolForward(nil, &g, x, y, nil)
		MaxPoolForward(nil, &g, x, y, marks)
		MaxPoolBackward(nil, &g, y, marks, x)
		AvgPoolForward(nil, &g, x, y)
		AvgPoolBackward(nil, &g, y, x)
	}
}
