package compute

// ActNone is the identity, for GLU alone.
const ActNone Act = -1

type gluArgs struct {
	act          Act
	c            int
	x, y, dy, dx []float32
}

// GLU is y = a·f(b), where a and b are the two halves of each row of x
// (Dauphin et al., Language modeling with gated convolutional networks, 2016;
// Shazeer, GLU variants improve transformer, 2020). f is an activation without
// a parameter, or ActNone.
//
//	x [rows, 2c]   y [rows, c]
func GLU(p *Pool, f Act, rows, c int, x, y []float32) {
	mustLen("glu", 2*rows*c, len(x))
	mustLen("glu's output", rows*c, len(y))
	For(p, rows, rowGrain(2*c), gluArgs{act: f, c: c, x: x, y: y}, func(t *gluArgs, _ *Worker, lo, hi int) {
		c := t.c
		for r := lo; r < hi; r++ {
			a, b, y := t.x[2*r*c:][:c], t.x[(2*r+1)*c:][:c], t.y[r*c:][:c]
			if t.act != ActNone {
				vec.act[t.act](y, b, 0)
				b = y
			}
			vec.mul(y, a, b)
		}
	})
}

// GLUBackward is the gradient of GLU: da = dy·f(b), db = dy·a·f′(b), beside
// each other in dx.
//
//	x, dx [rows, 2c]   dy [rows, c]
func GLUBackward(p *Pool, f Act, rows, c int, x, dy, dx []float32) {
	mustLen("glu's gradient", 2*rows*c, len(x), len(dx))
	mustLen("glu's gradient of the output", rows*c, len(dy))
	For(p, rows, rowGrain(2*c), gluArgs{act: f, c: c, x: x, dy: dy, dx: dx}, func(t *gluArgs, w *Worker, lo, hi int) {
		c := t.c
		room := w.Scratch(2 * c)
		h, tmp := room[:c], room[c:]
		for r := lo; r < hi; r++ {
			a, b, dy := t.x[2*r*c:][:c], t.x[(2*r+1)*c:][:c], t.dy[r*c:][:c]
			da, db := t.dx[2*r*c:][:c], t.dx[(2*r+1)*c:][:c]
			if t.act == ActNone {
				vec.mul(da, dy, b)
				vec.mul(db, dy, a)
				continue
			}
			vec.act[t.act](h, b, 0)
			vec.mul(da, dy, h)
			vec.mul(tmp, dy, a)
			if t.act.ReadsInput() {
				h = b
			}
			vec.actGrad[t.act](db, h, tmp, 0)
			h = room[:c]
		}
	})
}
