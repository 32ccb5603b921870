package compute

// axis is one direction of a sweep: output o meets input
//
//	i = o·stride − pad + t·dil
//
// with tap t, for those t < taps that have 0 ≤ i < in.
type axis struct{ out, in, taps, stride, pad, dil int }

// valid are the taps t0 ≤ t < t1 of output o that hit the input.
func (a axis) valid(o int) (t0, t1 int) {
	first := o*a.stride - a.pad
	t0 = max(0, -floorDiv(first, a.dil))
	t1 = min(a.taps, floorDiv(a.in-1-first, a.dil)+1)
	if t1 <= t0 {
		return 0, 0
	}
	return t0, t1
}

// reach are the outputs o0 ≤ o < o1 that tap t brings to the input.
func (a axis) reach(t int) (o0, o1 int) {
	first := t*a.dil - a.pad
	o0 = max(0, -floorDiv(first, a.stride))
	o1 = min(a.out, floorDiv(a.in-1-first, a.stride)+1)
	return o0, max(o0, o1)
}

// phase is the axis of the gradient: inputs r, r+stride, r+2·stride, ... of a,
// made from outputs of a by the taps that reach them. These are first,
// first−step, first−2·step, ...; taken downwards, the outputs of a run upwards.
func (a axis) phase(r int) (b axis, first, step int) {
	d := gcd(a.stride, a.dil)
	step = a.stride / d
	b = axis{out: (a.in - r + a.stride - 1) / a.stride, in: a.out, stride: 1, dil: a.dil / d}
	first = -1
	for t := range a.taps {
		if (r+a.pad-t*a.dil)%a.stride == 0 {
			first = t
			b.taps++
		}
	}
	if first < 0 {
		return b, 0, step
	}
	b.pad = -(r + a.pad - first*a.dil) / a.stride
	return b, first, step
}

// floorDiv is ⌊a/b⌋ for b > 0.
func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// span is a run of outputs that meet the same taps.
type span struct{ o0, o1, t0, t1 int }

// spans appends a's outputs, cut into runs.
func (a axis) spans(s []span) []span {
	for o := 0; o < a.out; o++ {
		t0, t1 := a.valid(o)
		if last := len(s) - 1; last >= 0 && s[last].o1 == o && s[last].t0 == t0 && s[last].t1 == t1 {
			s[last].o1++
			continue
		}
		s = append(s, span{o, o + 1, t0, t1})
	}
	return s
}

// region is a rectangle of output pixels that meet the same taps, so that one
// product serves them all: the inside of the image, its edges, its corners.
type region struct {
	h, w span
	row  int // where its pixels begin in the tables of offsets
}

func (r *region) pixels() int { return (r.h.o1 - r.h.o0) * (r.w.o1 - r.w.o0) }
func (r *region) empty() bool { return r.h.t1 == r.h.t0 || r.w.t1 == r.w.t0 }

// regions cuts the output of a sweep along two axes.
func (w *Worker) cutRegions(a, b axis) []region {
	w.spans = a.spans(w.spans[:0])
	n := len(w.spans)
	// A run must not go on from the last row's span.
	w.spans = append(w.spans, span{-1, -1, -1, -1})
	w.spans = b.spans(w.spans)
	w.regions = w.regions[:0]
	row := 0
	for _, h := range w.spans[:n] {
		for _, v := range w.spans[n+1:] {
			r := region{h: h, w: v, row: row}
			if r.empty() {
				r.h.t0, r.h.t1, r.w.t0, r.w.t1 = 0, 0, 0, 0
			}
			row += r.pixels()
			w.regions = append(w.regions, r)
		}
	}
	return w.regions
}
