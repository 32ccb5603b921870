package compute

// tileByRowGeneric is gemmKernel.byRow in plain Go, the yardstick of the others.
func tileByRowGeneric(t *tile) {
	var sum [tileWidth]float32
	for i := range t.m {
		sum = [tileWidth]float32{}
		for r := range t.planes() {
			for s := range t.segs {
				o := t.a0 + int(t.aoff[i]) + r*t.aout + s*t.aseg
				t.multiply(&sum, t.a[o:o+t.kl], 1, t.b[r*t.bout+s*t.bseg:])
			}
		}
		t.store(i, &sum)
	}
}

// tileByColGeneric is gemmKernel.byCol in plain Go.
func tileByColGeneric(t *tile) {
	var sum [tileWidth]float32
	for i := range t.m {
		sum = [tileWidth]float32{}
		for r := range t.planes() {
			for s := range t.segs {
				o := t.a0 + int(t.aoff[i]) + r*t.aout + s*t.aseg
				t.multiply(&sum, t.a[o:o+(t.kl-1)*t.astep+1], t.astep, t.b[r*t.bout+s*t.bseg:])
			}
		}
		t.store(i, &sum)
	}
}

func (t *tile) planes() int {
	if t.segs == 0 {
		return 0
	}
	return t.outs
}

// multiply adds one segment of a row of A, its elements astep apart, times its
// rows of B.
func (t *tile) multiply(sum *[tileWidth]float32, a []float32, astep int, b []float32) {
	for q := range t.kl {
		v := a[q*astep]
		if t.cols == tileWidth {
			addScaled16(sum, (*[tileWidth]float32)(b[q*t.bstep:]), v)
			continue
		}
		for j, w := range b[q*t.bstep : q*t.bstep+t.cols] {
			sum[j] += v * w
		}
	}
}

func addScaled16(sum, b *[tileWidth]float32, v float32) {
	for j := 0; j < tileWidth; j += 4 {
		sum[j] += v * b[j]
		sum[j+1] += v * b[j+1]
		sum[j+2] += v * b[j+2]
		sum[j+3] += v * b[j+3]
	}
}

// store finishes row i: bias, what was there, relu.
func (t *tile) store(i int, sum *[tileWidth]float32) {
	o := int(t.coff[i])
	c := t.c[o : o+t.cols]
	for j := range c {
		s := sum[j]
		if t.bias != nil {
			s += t.bias[j]
		}
		if t.add {
			s += c[j]
		}
		if t.relu && s < 0 {
			s = 0
		}
		if t.relu && t.ceil != 0 && s > t.ceil {
			s = t.ceil
		}
		c[j] = s
	}
}

// packGeneric is gemmKernel.pack in plain Go.
func packGeneric(dst, src []float32, sstep, cols, k int) {
	for j := 0; j < tileWidth; j++ {
		if j >= cols {
			for p := 0; p < k; p++ {
				dst[p*tileWidth+j] = 0
			}
			continue
		}
		for p, v := range src[j*sstep : j*sstep+k] {
			dst[p*tileWidth+j] = v
		}
	}
}

// packRowsGeneric is gemmKernel.packA in plain Go.
func packRowsGeneric(dst, src []float32, sstep, rows, k int) {
	if k <= 0 {
		return
	}
	_ = dst[k*rows-1]
	for i := range rows {
		for p, v := range src[i*sstep : i*sstep+k] {
			dst[p*rows+i] = v
		}
	}
}

// copyColsGeneric is gemmKernel.copyA in plain Go.
func copyColsGeneric(dst []float32, dstep int, src []float32, sstep, rows, panels, k int) {
	for p := range k {
		for q := range panels {
			copy(dst[q*dstep+p*rows:q*dstep+(p+1)*rows], src[p*sstep+q*rows:])
		}
	}
}

// copyRowsGeneric is gemmKernel.copy in plain Go.
func copyRowsGeneric(dst []float32, dstep int, src []float32, sstep, panels, k int) {
	for p := range k {
		for q := range panels {
			*(*[tileWidth]float32)(dst[q*dstep+p*tileWidth:]) = *(*[tileWidth]float32)(src[p*sstep+q*tileWidth:])
		}
	}
}

// copyRunsGeneric is gemmKernel.copyRuns in plain Go.
func copyRunsGeneric(dst []float32, dstep int, src []float32, sstep, n, k int) {
	for p := range k {
		copy(dst[p*dstep:p*dstep+n], src[p*sstep:])
	}
}

// addRowsGeneric is gemmKernel.add in plain Go.
func addRowsGeneric(dst []float32, dstep int, src []float32, k int) {
	for p := range k {
		d, s := (*[tileWidth]float32)(dst[p*dstep:]), (*[tileWidth]float32)(src[p*tileWidth:])
		for j := range d {
			d[j] += s[j]
		}
	}
}

// mulAddRowsGeneric is gemmKernel.mulAdd in plain Go.
func mulAddRowsGeneric(dst []float32, dstep int, a []float32, astep int, b []float32, bstep int, n, rows int) {
	for r := range rows {
		x, y := a[r*astep:][:n], b[r*bstep:][:n]
		for i := range dst[r*dstep:][:n] {
			dst[r*dstep+i] += x[i] * y[i]
		}
	}
}
