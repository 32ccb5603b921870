package compute

type upsampleArgs struct {
	w, c, sh, sw int
	x, y         []float32
	add          bool
}

// UpsampleForward repeats every pixel sh times down and sw times across
// (nearest neighbour).
//
//	x [n, h, w, c]   y [n, h·sh, w·sw, c]
func UpsampleForward(p *Pool, n, h, w, c, sh, sw int, x, y []float32) {
	a := upsampleArgs{w: w, c: c, sh: sh, sw: sw, x: x, y: y}
	For(p, n*h, max(1, 8192/max(1, w*c*sh*sw)), a, func(a *upsampleArgs, _ *Worker, lo, hi int) {
		row := a.w * a.sw * a.c
		for r := lo; r < hi; r++ {
			first := a.y[r*a.sh*row:][:row]
			for i := 0; i < a.w; i++ {
				pixel := a.x[(r*a.w+i)*a.c:][:a.c]
				for k := 0; k < a.sw; k++ {
					copy(first[(i*a.sw+k)*a.c:][:a.c], pixel)
				}
			}
			for k := 1; k < a.sh; k++ {
				copy(a.y[(r*a.sh+k)*row:][:row], first)
			}
		}
	})
}

// UpsampleBackward is the gradient of UpsampleForward: each pixel gets the sum
// over its copies, written to dx or added to what is there.
//
//	dy [n, h·sh, w·sw, c]   dx [n, h, w, c]
func UpsampleBackward(p *Pool, n, h, w, c, sh, sw int, dy, dx []float32, add bool) {
	a := upsampleArgs{w: w, c: c, sh: sh, sw: sw, x: dx, y: dy, add: add}
	For(p, n*h, max(1, 8192/max(1, w*c*sh*sw)), a, func(a *upsampleArgs, _ *Worker, lo, hi int) {
		row := a.w * a.sw * a.c
		for r := lo; r < hi; r++ {
			if !a.add {
				clear(a.x[r*a.w*a.c:][:a.w*a.c])
			}
			for k := 0; k < a.sh*a.sw; k++ {
				from := a.y[(r*a.sh+k/a.sw)*row:][:row]
				for i := 0; i < a.w; i++ {
					to := a.x[(r*a.w+i)*a.c:][:a.c]
					for j, v := range from[(i*a.sw+k%a.sw)*a.c:][:a.c] {
						to[j] += v
					}
				}
			}
		}
	})
}
