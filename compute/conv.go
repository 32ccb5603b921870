package compute

import "fmt"

// Conv is the geometry of a convolution. Images are channels last.
//
//	x  [N, H, W, C]
//	w  [KH, KW, C/Groups, F]
//	y  [N, OH, OW, F]     OH = ⌊(H + PadTop + PadBottom − DilH·(KH−1) − 1)/StrideH⌋ + 1
//
// Output channel f reads the input channels of group f / (F/Groups). Padding
// is zero and costs nothing: products with it are left out.
type Conv struct {
	N, H, W, C                           int
	F, KH, KW                            int
	StrideH, StrideW                     int
	PadTop, PadBottom, PadLeft, PadRight int
	DilH, DilW                           int
	Groups                               int
	OH, OW                               int
}

// ConvForward is y = relu?(x ∗ w + bias + (y if Add)) as Epilogue has it; the bias has one value
// an output channel.
func ConvForward(p *Pool, g *Conv, x, w, y []float32, e Epilogue) {
	convForwardWith(kernelInUse, p, g, x, w, y, e)
}

// ConvBackwardData writes, or with add adds to, dx: the gradient of the input
// where dy is the gradient of the output.
//
//	dx[n, i, j, c] = Σ dy[n, oy, ox, f]·w[kh, kw, c, f]   over all kh, kw, f with
//	                 oy·StrideH − PadTop + kh·DilH = i,  ox·StrideW − PadLeft + kw·DilW = j
func ConvBackwardData(p *Pool, g *Conv, dy, w, dx []float32, add bool) {
	convDataWith(kernelInUse, p, g, dy, w, dx, add)
}

// ConvBackwardWeights writes the gradient of the weights to dw, or with add adds it.
//
//	dw[kh, kw, c, f] = Σ x[n, oy·StrideH − PadTop + kh·DilH, ox·StrideW − PadLeft + kw·DilW, c]·dy[n, oy, ox, f]
func ConvBackwardWeights(p *Pool, g *Conv, x, dy, dw []float32, add bool) {
	convWeightsWith(kernelInUse, p, g, x, dy, dw, add)
}

// rows and columns of the forward sweep.
func (g *Conv) rowAxis() axis {
	return axis{out: g.OH, in: g.H, taps: g.KH, stride: g.StrideH, pad: g.PadTop, dil: g.DilH}
}

func (g *Conv) colAxis() axis {
	return axis{out: g.OW, in: g.W, taps: g.KW, stride: g.StrideW, pad: g.PadLeft, dil: g.DilW}
}

// pointwise says that every pixel is a product of its own.
func (g *Conv) pointwise() bool {
	return g.KH == 1 && g.KW == 1 && g.StrideH == 1 && g.StrideW == 1 && g.Groups == 1 &&
		g.PadTop == 0 && g.PadLeft == 0 && g.PadBottom == 0 && g.PadRight == 0
}

// depthwise says that every channel has filters of its own, one each.
func (g *Conv) depthwise() bool { return g.Groups > 1 && g.Groups == g.C && g.C == g.F }

// check panics when the lengths or the geometry do not fit together.
func (g *Conv) check(x, w, y []float32) {
	if g.Groups < 1 || g.C%g.Groups != 0 || g.F%g.Groups != 0 {
		panic(fmt.Sprintf("compute: convolution of %d to %d channels in %d groups", g.C, g.F, g.Groups))
	}
	g.checkImages(x, y)
	if len(w) < g.KH*g.KW*g.C/g.Groups*g.F {
		panic(fmt.Sprintf("compute: convolution %+v with %d weights", *g, len(w)))
	}
}

func (g *Conv) checkImages(x, y []float32) {
	if len(x) < g.N*g.H*g.W*g.C || len(y) < g.N*g.OH*g.OW*g.F {
		panic(fmt.Sprintf("compute: convolution %+v with %d inputs, %d outputs", *g, len(x), len(y)))
	}
}

func convForwardWith(kern *gemmKernel, p *Pool, g *Conv, x, w, y []float32, e Epilogue) {
	g.check(x, w, y)
	if g.pointwise() {
		gemmWith(kern, p, false, false, g.N*g.H*g.W, g.F, g.C, x, g.C, w, g.F, y, g.F, e)
		e.Curve.sweep(p, g.N*g.H*g.W, g.F, y, g.F)
		return
	}
	if g.depthwise() {
		depthwiseForward(kern, p, g, x, w, y, e)
		return
	}
	s := g.forwardSweep(kern, x, w, y, e)
	cg, fg := s.c, s.f
	for q := range g.Groups {
		s.in0, s.out0, s.w0 = q*cg, q*fg, q*fg
		if e.Bias != nil {
			s.bias = e.Bias[q*fg : (q+1)*fg]
		}
		s.run(p)
	}
}

// forwardSweep is the forward pass of the first group.
func (g *Conv) forwardSweep(kern *gemmKernel, x, w, y []float32, e Epilogue) sweep {
	cg, fg := g.C/g.Groups, g.F/g.Groups
	return sweep{
		kern: kern, n: g.N, h: g.rowAxis(), w: g.colAxis(),
		in: x, inImage: g.H * g.W * g.C, inRow: g.W * g.C, inPixel: g.C, c: cg,
		out: y, outImage: g.OH * g.OW * g.F, outRow: g.OW * g.F, outPixel: g.F, f: fg,
		weights: w, wStep: g.F, wTap: cg * g.F, wRow: g.KW * cg * g.F, wH: 1, wW: 1,
		bias: e.Bias, add: e.Add, relu: e.ReLU, ceil: e.Ceil, curve: e.Curve,
	}
}

// convDataWith runs the convolution backwards, as a sweep over dy with stride
// one. With a stride s the pixels of dx fall into s·s phases, each of which
// meets its own taps only: a sweep each, and no products with zeros.
func convDataWith(kern *gemmKernel, p *Pool, g *Conv, dy, w, dx []float32, add bool) {
	g.check(dx, w, dy)
	if g.pointwise() {
		gemmWith(kern, p, false, true, g.N*g.H*g.W, g.C, g.F, dy, g.F, w, g.F, dx, g.C, Epilogue{Add: add})
		return
	}
	fast := g.depthwise() && hasDepthwise(kern) && g.C%8 == 0
	if g.depthwise() && !fast {
		depthwiseData(kern, p, g, dy, w, dx, add)
		return
	}
	cg, fg := g.C/g.Groups, g.F/g.Groups
	for py := range min(g.StrideH, g.H) {
		h, firstH, stepH := g.rowAxis().phase(py)
		for px := range min(g.StrideW, g.W) {
			v, firstW, stepW := g.colAxis().phase(px)
			if add && (h.taps == 0 || v.taps == 0) {
				continue
			}
			s := sweep{
				kern: kern, n: g.N, h: h, w: v,
				in: dy, inImage: g.OH * g.OW * g.F, inRow: g.OW * g.F, inPixel: g.F, c: fg,
				out: dx, outImage: g.H * g.W * g.C, outRow: g.StrideH * g.W * g.C, outPixel: g.StrideW * g.C, f: cg,
				weights: w, wStep: g.F, wTap: cg * g.F, wRow: g.KW * cg * g.F, wH: -stepH, wW: -stepW, back: true,
				add: add,
			}
			if fast {
				s.c, s.f = g.C, g.C
				s.w0, s.out0 = firstH*s.wRow+firstW*s.wTap, (py*g.W+px)*g.C
				s.depthwise(p)
				continue
			}
			for q := range g.Groups {
				s.in0, s.w0 = q*fg, firstH*s.wRow+firstW*s.wTap+q*fg
				s.out0 = (py*g.W+px)*g.C + q*cg
				s.run(p)
			}
		}
	}
}
