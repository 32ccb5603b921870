package compute

// Conv is the geometry of a convolution. Images are channels last.
//
//	x  [N, H, W, C]
//	w  [KH, KW, C/Groups, F]
//	y  [N, OH, OW, F]     OH = ⌊(H + PadTop + PadBottom − DilH·(KH−1) − 1)/StrideH⌋ + 1
//
// Output channel f reads the input channels of group f / (F/Groups).
type Conv struct {
	N, H, W, C                           int
	F, KH, KW                            int
	StrideH, StrideW                     int
	PadTop, PadBottom, PadLeft, PadRight int
	DilH, DilW                           int
	Groups                               int
	OH, OW                               int
}

// each calls f for every product of the convolution: offsets of one input
// element, one weight and one output element.
func (g *Conv) each(f func(x, w, y int)) {
	cg, fg := g.C/g.Groups, g.F/g.Groups
	for n := 0; n < g.N; n++ {
		for oy := 0; oy < g.OH; oy++ {
			for ox := 0; ox < g.OW; ox++ {
				for ky := 0; ky < g.KH; ky++ {
					iy := oy*g.StrideH - g.PadTop + ky*g.DilH
					if iy < 0 || iy >= g.H {
						continue
					}
					for kx := 0; kx < g.KW; kx++ {
						ix := ox*g.StrideW - g.PadLeft + kx*g.DilW
						if ix < 0 || ix >= g.W {
							continue
						}
						for c := 0; c < g.C; c++ {
							xo := ((n*g.H+iy)*g.W+ix)*g.C + c
							wo := ((ky*g.KW+kx)*cg + c%cg) * g.F
							yo := ((n*g.OH+oy)*g.OW + ox) * g.F
							for j := c / cg * fg; j < (c/cg+1)*fg; j++ {
								f(xo, wo+j, yo+j)
							}
						}
					}
				}
			}
		}
	}
}

// ConvForward is y = relu?(x ∗ w + bias + (y if Add)); the bias has one value
// an output channel.
func ConvForward(p *Pool, g *Conv, x, w, y []float32, e Epilogue) {
	if !e.Add {
		clear(y[:g.N*g.OH*g.OW*g.F])
	}
	g.each(func(i, j, k int) { y[k] += x[i] * w[j] })
	for i := range y[:g.N*g.OH*g.OW*g.F] {
		if e.Bias != nil {
			y[i] += e.Bias[i%g.F]
		}
		if e.ReLU {
			y[i] = max(y[i], 0)
		}
	}
}

// ConvBackwardData writes, or with add adds to, dx: the gradient of the input
// where dy is the gradient of the output.
func ConvBackwardData(p *Pool, g *Conv, dy, w, dx []float32, add bool) {
	if !add {
		clear(dx[:g.N*g.H*g.W*g.C])
	}
	g.each(func(i, j, k int) { dx[i] += dy[k] * w[j] })
}

// ConvBackwardWeights adds the gradient of the weights to dw.
func ConvBackwardWeights(p *Pool, g *Conv, x, dy, dw []float32) {
	g.each(func(i, j, k int) { dw[j] += x[i] * dy[k] })
}
