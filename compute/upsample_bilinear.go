package compute

// between says which two of n source pixels an enlarged pixel lies between, and
// its share of the second: pixel o of n·scale stands at (o + ½)/scale − ½ of the
// source, and what lies beyond the outer pixels takes their value.
func between(o, n, scale int) (i, j int, t float32) {
	at := max(0, (float32(o)+0.5)/float32(scale)-0.5)
	i = min(int(at), n-1)
	return i, min(i+1, n-1), at - float32(i)
}

// BilinearForward enlarges an image sh times down and sw times across; each
// pixel is a mean of the four around it, weighted by nearness.
//
//	x [n, h, w, c]   y [n, h·sh, w·sw, c]
//	y[p, q] = (1−s)·((1−t)·x[i, k] + t·x[i, l]) + s·((1−t)·x[j, k] + t·x[j, l])
func BilinearForward(p *Pool, n, h, w, c, sh, sw int, x, y []float32) {
	mustLen("bilinear enlargement's input", n*h*w*c, len(x))
	mustLen("bilinear enlargement's output", n*h*sh*w*sw*c, len(y))
	a := bilinearArgs{h, upsampleArgs{w: w, c: c, sh: sh, sw: sw, x: x, y: y}}
	For(p, n*h*sh, max(1, heavyGrain/max(1, w*sw*c)), a, func(a *bilinearArgs, _ *Worker, lo, hi int) {
		c, out := a.c, a.w*a.sw
		for r := lo; r < hi; r++ {
			i, j, s := between(r%(a.h*a.sh), a.h, a.sh)
			image := r / (a.h * a.sh) * a.h
			above, below := a.x[(image+i)*a.w*c:][:a.w*c], a.x[(image+j)*a.w*c:][:a.w*c]
			row := a.y[r*out*c:][:out*c]
			for q := range out {
				k, l, t := between(q, a.w, a.sw)
				y := row[q*c:][:c]
				x0, x1, x2, x3 := above[k*c:][:c], above[l*c:][:c], below[k*c:][:c], below[l*c:][:c]
				for f := range y {
					up, down := x0[f]+t*(x1[f]-x0[f]), x2[f]+t*(x3[f]-x2[f])
					y[f] = up + s*(down-up)
				}
			}
		}
	})
}

type bilinearArgs struct {
	h int
	upsampleArgs
}

// BilinearBackward is the gradient of BilinearForward: each pixel gathers from
// the enlarged ones that it had a share in, row by row. It is written to dx or
// added to what is there.
//
//	dy [n, h·sh, w·sw, c]   dx [n, h, w, c]
func BilinearBackward(p *Pool, n, h, w, c, sh, sw int, dy, dx []float32, add bool) {
	mustLen("bilinear enlargement's gradient", n*h*sh*w*sw*c, len(dy))
	mustLen("bilinear enlargement's input gradient", n*h*w*c, len(dx))
	a := bilinearArgs{h, upsampleArgs{w: w, c: c, sh: sh, sw: sw, x: dx, y: dy, add: add}}
	For(p, n*h, max(1, heavyGrain/max(1, w*c*sh*sw)), a, func(a *bilinearArgs, _ *Worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			dx := a.x[r*a.w*a.c:][:a.w*a.c]
			if !a.add {
				clear(dx)
			}
			in := r % a.h
			// No enlarged row further away lies next to this one.
			for o := max(0, (in-1)*a.sh); o < min(a.h*a.sh, (in+2)*a.sh); o++ {
				i, j, s := between(o, a.h, a.sh)
				share := float32(0)
				if i == in {
					share = 1 - s
				}
				if j == in {
					share += s
				}
				if share != 0 {
					row := (r/a.h*a.h*a.sh + o) * a.w * a.sw * a.c
					a.gather(dx, a.y[row:][:a.w*a.sw*a.c], share)
				}
			}
		}
	})
}

// gather adds share times an enlarged row of gradients to the row dx.
func (a *bilinearArgs) gather(dx, dy []float32, share float32) {
	c := a.c
	for q := range a.w * a.sw {
		k, l, t := between(q, a.w, a.sw)
		first, second := share*(1-t), share*t
		left, right := dx[k*c:][:c], dx[l*c:][:c]
		for f, d := range dy[q*c:][:c] {
			left[f] += first * d
			right[f] += second * d
		}
	}
}
