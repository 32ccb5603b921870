package compute

import "math"

// depthTile is a run of pixels of a depthwise convolution, or a part of the
// taps of one:
//
//	y[p·ystep + c] = clamp( bias[c] + Σ x[t][p·xstep + c]·w[t][c] + (y if add) )   t < 9
//
// for p < pixels and c < n. A nil bias is zero. Taps that are not there have
// weights that are zero, and those outside of the image inputs that are.
type depthTile struct {
	x, w         [depthTaps]*float32
	y, bias      *float32
	xstep, ystep int
	n, pixels    int
	floor, ceil  float32
	add          bool
}

const (
	depthTaps = 9
	// depthRun is how many inputs side by side a tile goes along: the other half
	// of their cache lines is to be there for the next eight channels.
	depthRun = 32
)

// depthwise does a sweep in which each of c channels is summed for itself.
func (s *sweep) depthwise(p *Pool) {
	if s.n == 0 || s.h.out == 0 || s.w.out == 0 {
		return
	}
	row := s.w.out * s.c * max(1, s.h.taps*s.w.taps)
	if s.n*s.h.out*row < mulInline {
		p = nil
	}
	For(p, s.n*s.h.out, max(1, mulTask/4/row), *s, depthwiseTask)
}

// depthwiseTask makes output rows lo to hi of all images.
func depthwiseTask(s *sweep, w *Worker, lo, hi int) {
	w.spans = s.w.spans(w.spans[:0])
	run := min(max(1, depthRun/s.w.stride), s.w.out)
	zeros := w.Scratch((run-1)*s.w.stride*s.inPixel + s.c)
	clear(zeros)
	for row := lo; row < hi; row++ {
		n, oy := row/s.h.out, row%s.h.out
		for _, v := range w.spans {
			for ox := v.o0; ox < v.o1; ox += run {
				s.depthPixels(n, oy, ox, min(run, v.o1-ox), v, zeros)
			}
		}
		if s.curve.On {
			s.bend(n, oy, oy+1, 0, s.w.out, 0, s.f)
		}
	}
}

// depthPixels makes outputs from (oy, ox) of image n on, which meet the same
// taps v of the columns: nine taps at a time.
func (s *sweep) depthPixels(n, oy, ox, pixels int, v span, zeros []float32) {
	t := depthTile{
		y:     &s.out[n*s.outImage+oy*s.outRow+ox*s.outPixel+s.out0],
		xstep: s.w.stride * s.inPixel, ystep: s.outPixel, n: s.c, pixels: pixels,
		floor: float32(math.Inf(-1)), ceil: float32(math.Inf(1)), add: s.add,
	}
	if s.bias != nil {
		t.bias = &s.bias[0]
	}
	h0, h1 := s.h.valid(oy)
	in := n*s.inImage + (oy*s.h.stride-s.h.pad)*s.inRow + (ox*s.w.stride-s.w.pad)*s.inPixel + s.in0
	all := s.h.taps * s.w.taps
	th, tw := 0, 0
	for first := 0; first == 0 || first < all; first += depthTaps {
		for k := range depthTaps {
			t.x[k], t.w[k] = &zeros[0], &zeros[0]
			if first+k >= all {
				continue
			}
			t.w[k] = &s.weights[s.w0+th*s.wH*s.wRow+tw*s.wW*s.wTap]
			if h0 <= th && th < h1 && v.t0 <= tw && tw < v.t1 {
				t.x[k] = &s.in[in+th*s.h.dil*s.inRow+tw*s.w.dil*s.inPixel]
			}
			if tw++; tw == s.w.taps {
				th, tw = th+1, 0
			}
		}
		if first+depthTaps >= all && s.relu {
			t.floor = 0
			if s.ceil > 0 {
				t.ceil = s.ceil
			}
		}
		depthwiseNine(&t)
		t.add, t.bias = true, nil
	}
}
