package compute

type rowDotArgs struct {
	n, t, f int
	x, z, y []float32
}

// RowDot is y[n, t] = Σ_f x[n, f]·z[n, t, f], or with every x of its own row
// x[n, t, f]: each of t rows of z with the one row of x, or with its own.
//
//	x [n, f] or [n, t, f]   z [n, t, f]   y [n, t]
func RowDot(p *Pool, n, t, f int, x, z, y []float32) {
	mustLen("row products", n*t*f, len(z))
	mustLen("row products' output", n*t, len(y))
	For(p, n*t, max(1, heavyGrain/max(1, f)), rowDotArgs{n: n, t: t, f: f, x: x, z: z, y: y}, func(a *rowDotArgs, _ *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			a.y[i] = vec.dot(a.x[a.left(i)*a.f:][:a.f], a.z[i*a.f:][:a.f])
		}
	})
}

// left is the row of x that meets row i of z.
func (a *rowDotArgs) left(i int) int {
	if len(a.x) == len(a.z) {
		return i
	}
	return i / a.t
}

// RowDotBackward is dz[n, t] = dy[n, t]·x and dx = dy[n, t]·z[n, t], summed over
// t where x has one row. dx or dz may be nil.
func RowDotBackward(p *Pool, n, t, f int, x, z, dy, dx, dz []float32) {
	For(p, n, max(1, heavyGrain/max(1, t*f)), rowDotBack{rowDotArgs{n: n, t: t, f: f, x: x, z: z, y: dy}, dx, dz}, func(a *rowDotBack, _ *Worker, lo, hi int) {
		shared := len(a.x) != len(a.z)
		for k := lo; k < hi; k++ {
			if a.dx != nil && shared {
				clear(a.dx[k*a.f : (k+1)*a.f])
			}
			for i := k * a.t; i < (k+1)*a.t; i++ {
				g, at := a.y[i], a.left(i)
				if a.dz != nil {
					x, d := a.x[at*a.f:][:a.f], a.dz[i*a.f:][:a.f]
					for j, v := range x {
						d[j] = g * v
					}
				}
				if a.dx == nil {
					continue
				}
				z, d := a.z[i*a.f:][:a.f], a.dx[at*a.f:][:a.f]
				if !shared {
					clear(d)
				}
				for j, v := range z {
					d[j] += g * v
				}
			}
		}
	})
}

type rowDotBack struct {
	rowDotArgs
	dx, dz []float32
}
