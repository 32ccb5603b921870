package compute

type gateArgs struct {
	hw, c      int
	x, gate, y []float32
}

// ScaleColumns is y = x·gate, each sample's columns by factors of its own. y
// may be x.
//
//	x, y [n, hw, c]   gate [n, c]
func ScaleColumns(p *Pool, n, hw, c int, x, gate, y []float32) {
	a := gateArgs{hw: hw, c: c, x: x, gate: gate, y: y}
	For(p, n*hw, max(1, 8192/max(1, c)), a, func(a *gateArgs, _ *Worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			gate := a.gate[r/a.hw*a.c:][:a.c]
			x, y := a.x[r*a.c:][:a.c], a.y[r*a.c:][:a.c]
			for j, g := range gate {
				y[j] = x[j] * g
			}
		}
	})
}

// ScaleColumnsGate is the gradient of ScaleColumns' factors: dgate = Σ dy·x
// over hw, row by row. That of x is ScaleColumns of dy.
//
//	x, dy [n, hw, c]   dgate [n, c]
func ScaleColumnsGate(p *Pool, n, hw, c int, x, dy, dgate []float32) {
	a := gateArgs{hw: hw, c: c, x: x, gate: dgate, y: dy}
	For(p, n, max(1, 8192/max(1, hw*c)), a, func(a *gateArgs, _ *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			sum := a.gate[i*a.c:][:a.c]
			clear(sum)
			for r := i * a.hw; r < (i+1)*a.hw; r++ {
				x, dy := a.x[r*a.c:][:a.c], a.y[r*a.c:][:a.c]
				for j := range sum {
					sum[j] += dy[j] * x[j]
				}
			}
		}
	})
}
