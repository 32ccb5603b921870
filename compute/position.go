package compute

import "math"

// positionBase is the base of the angles of Vaswani et al. and Su et al.
const positionBase = 10000

// angles writes the cosine and sine of t·base^(−2i/width) for i < len(cos).
func angles(cos, sin []float32, t, width int) {
	shrink := math.Pow(positionBase, -2/float64(width))
	rate := 1.
	for i := range cos {
		s, c := math.Sincos(float64(t) * rate)
		cos[i], sin[i] = float32(c), float32(s)
		rate *= shrink
	}
}

type rotateArgs struct {
	x                     Heads
	n, heads, d, at, turn int
}

// Rotate turns each pair of neighbours (x[2i], x[2i+1]) of a head, in place, by
// the angle turn·(start+t)·10000^(−2i/d), t being its step (Su et al., RoFormer,
// 2021). A product of two rows so turned depends on how far apart they are and
// not on where. turn is 1, or −1 for the gradient.
//
//	x [n, t, heads·d], d even
func Rotate(p *Pool, x Heads, n, t, heads, d, start, turn int) {
	a := rotateArgs{x: x, n: n, heads: heads, d: d, at: start, turn: turn}
	For(p, t, max(1, heavyGrain/max(1, n*heads*d)), a, rotateSteps)
}

func rotateSteps(a *rotateArgs, w *Worker, lo, hi int) {
	m := lend(w, a.d/2, a.d/2)
	cos, sin := m[0], m[1]
	for t := lo; t < hi; t++ {
		angles(cos, sin, a.turn*(a.at+t), a.d)
		for n := range a.n {
			x := a.x.at(n, t, 0, a.d)[:a.heads*a.d]
			for ; len(x) > 0; x = x[a.d:] {
				head := x[:2*len(cos)]
				for i, c := range cos {
					u, v, s := head[2*i], head[2*i+1], sin[i]
					head[2*i], head[2*i+1] = c*u-s*v, s*u+c*v
				}
			}
		}
	}
}

type positionArgs struct {
	n, t, f, start int
	x, table, y    []float32
}

// AddSinusoids is y[t, 2i] = x[t, 2i] + sin(a), y[t, 2i+1] = x[t, 2i+1] + cos(a)
// with a = (start+t)·10000^(−2i/f) (Vaswani et al., Attention is all you need,
// 2017). y may be x.
//
//	x, y [n, t, f]
func AddSinusoids(p *Pool, n, t, f, start int, x, y []float32) {
	mustLen("sinusoids", n*t*f, len(x), len(y))
	a := positionArgs{n: n, t: t, f: f, start: start, x: x, y: y}
	For(p, t, max(1, heavyGrain/max(1, n*f)), a, addSinusoids)
}

func addSinusoids(a *positionArgs, w *Worker, lo, hi int) {
	half := (a.f + 1) / 2
	m := lend(w, half, half, 2*half)
	cos, sin, row := m[0], m[1], m[2]
	for t := lo; t < hi; t++ {
		angles(cos, sin, a.start+t, a.f)
		for i := range cos {
			row[2*i], row[2*i+1] = sin[i], cos[i]
		}
		for n := range a.n {
			at := (n*a.t + t) * a.f
			vec.add(a.y[at:at+a.f], a.x[at:at+a.f], row[:a.f])
		}
	}
}

// AddTable is y[n] = x[n] + table, the same for all n samples. y may be x.
//
//	x, y [n, size]   table [size]
func AddTable(p *Pool, n int, x, table, y []float32) {
	size := len(table)
	mustLen("table", n*size, len(x), len(y))
	For(p, n, max(1, grain/max(1, size)), positionArgs{f: size, x: x, table: table, y: y}, func(a *positionArgs, _ *Worker, lo, hi int) {
		for n := lo; n < hi; n++ {
			vec.add(a.y[n*a.f:][:a.f], a.x[n*a.f:][:a.f], a.table)
		}
	})
}
