package compute

// A depthwise convolution has one filter for each channel, so there is no
// product of matrices in it: pixels and weights are multiplied channel by
// channel along the fast axis.

type depthwiseArgs struct {
	kern    *gemmKernel
	g       Conv
	x, w, y []float32
	e       Epilogue
	sums    []float32
	parts   int
}

// rowGrain is how many rows of pixels make a chunk.
func (g *Conv) rowGrain() int {
	return max(1, mulTask/8/max(1, g.OW*g.C*g.KH*g.KW))
}

func depthwiseForward(kern *gemmKernel, p *Pool, g *Conv, x, w, y []float32, e Epilogue) {
	if hasDepthwise(kern) && g.C%8 == 0 {
		s := g.forwardSweep(kern, x, w, y, e)
		s.c, s.f = g.C, g.C
		s.depthwise(p)
		return
	}
	For(p, g.N*g.OH, g.rowGrain(), depthwiseArgs{kern: kern, g: *g, x: x, w: w, y: y, e: e}, depthwiseRows)
}

// depthwiseRows makes output rows lo to hi of all images.
func depthwiseRows(a *depthwiseArgs, w *Worker, lo, hi int) {
	g := &a.g
	c := g.C
	for row := lo; row < hi; row++ {
		n, oy := row/g.OH, row%g.OH
		y := a.y[row*g.OW*c : (row+1)*g.OW*c]
		a.begin(y)
		h0, h1 := g.rowAxis().valid(oy)
		for kh := h0; kh < h1; kh++ {
			iy := oy*g.StrideH - g.PadTop + kh*g.DilH
			for kw := range g.KW {
				o0, o1 := g.colAxis().reach(kw)
				if o0 == o1 {
					continue
				}
				ix := o0*g.StrideW - g.PadLeft + kw*g.DilW
				a.kern.mulAdd(y[o0*c:], c, a.x[((n*g.H+iy)*g.W+ix)*c:], g.StrideW*c, a.w[(kh*g.KW+kw)*c:], 0, c, o1-o0)
			}
		}
		a.finish(y)
	}
}

// begin puts what products are added to into a row of pixels: the bias, and
// what was there or zeros.
func (a *depthwiseArgs) begin(y []float32) {
	bias := a.e.Bias
	switch {
	case a.e.Add && bias != nil:
		for c := a.g.C; len(y) > 0; y = y[c:] {
			vec.add(y[:c], y[:c], bias[:c])
		}
	case bias != nil:
		copy(y, bias[:a.g.C])
		for n := a.g.C; n < len(y); n *= 2 {
			copy(y[n:], y[:n])
		}
	case !a.e.Add:
		clear(y)
	}
}

// finish ends a row of pixels.
func (a *depthwiseArgs) finish(y []float32) {
	switch {
	case a.e.ReLU && a.e.Ceil != 0:
		for i, v := range y {
			y[i] = a.e.clamp(v)
		}
	case a.e.ReLU:
		vec.relu(y, y)
	}
	if a.e.Curve.On {
		a.e.Curve.bend(y)
	}
}

func depthwiseData(kern *gemmKernel, p *Pool, g *Conv, dy, w, dx []float32, add bool) {
	For(p, g.N*g.H, g.rowGrain(), depthwiseArgs{kern: kern, g: *g, x: dx, w: w, y: dy, e: Epilogue{Add: add}}, depthwiseDataRows)
}

// depthwiseDataRows makes rows lo to hi of dx of all images.
func depthwiseDataRows(a *depthwiseArgs, w *Worker, lo, hi int) {
	g := &a.g
	c := g.C
	for row := lo; row < hi; row++ {
		n, iy := row/g.H, row%g.H
		dx := a.x[row*g.W*c : (row+1)*g.W*c]
		if !a.e.Add {
			clear(dx)
		}
		for kh := range g.KH {
			oy := iy + g.PadTop - kh*g.DilH
			if oy < 0 || oy%g.StrideH != 0 || oy/g.StrideH >= g.OH {
				continue
			}
			oy /= g.StrideH
			for kw := range g.KW {
				o0, o1 := g.colAxis().reach(kw)
				if o0 == o1 {
					continue
				}
				ix := o0*g.StrideW - g.PadLeft + kw*g.DilW
				a.kern.mulAdd(dx[ix*c:], g.StrideW*c, a.y[((n*g.OH+oy)*g.OW+o0)*c:], c, a.w[(kh*g.KW+kw)*c:], 0, c, o1-o0)
			}
		}
	}
}

func depthwiseWeights(kern *gemmKernel, p *Pool, g *Conv, x, dy, dw []float32, add bool) {
	shared := borrowWorker()
	defer returnWorker(shared)
	size := g.KH * g.KW * g.C
	a := depthwiseArgs{kern: kern, g: *g, x: x, w: dw, y: dy, parts: min(g.N, weightParts)}
	a.sums = shared.Scratch(a.parts * size)
	For(p, a.parts, 1, a, depthwisePart)
	if !add {
		clear(dw[:size])
	}
	for q := range a.parts {
		vec.add(dw[:size], dw[:size], a.sums[q*size:(q+1)*size])
	}
}

// depthwisePart sums the weight gradients of one part of the batch.
func depthwisePart(a *depthwiseArgs, w *Worker, lo, hi int) {
	g := &a.g
	c := g.C
	size := g.KH * g.KW * c
	for q := lo; q < hi; q++ {
		sum := a.sums[q*size : (q+1)*size]
		clear(sum)
		for row := q * g.N / a.parts * g.OH; row < (q+1)*g.N/a.parts*g.OH; row++ {
			n, oy := row/g.OH, row%g.OH
			h0, h1 := g.rowAxis().valid(oy)
			for kh := h0; kh < h1; kh++ {
				iy := oy*g.StrideH - g.PadTop + kh*g.DilH
				for kw := range g.KW {
					o0, o1 := g.colAxis().reach(kw)
					if o0 == o1 {
						continue
					}
					ix := o0*g.StrideW - g.PadLeft + kw*g.DilW
					a.kern.mulAdd(sum[(kh*g.KW+kw)*c:], 0, a.x[((n*g.H+iy)*g.W+ix)*c:], g.StrideW*c,
						a.y[(row*g.OW+o0)*c:], c, c, o1-o0)
				}
			}
		}
	}
}
