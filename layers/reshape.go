package layers

import (
	"fmt"

	"layercake/compute"
)

// Reshape gives the same numbers another shape. They are read and laid out in
// the order C×H×W that other frameworks use; since images lie channels last in
// memory, that moves them unless neither side is an image of several channels
// and pixels.
//
//	x [N, …]   y [N, Shape]   one axis of Shape may be −1: what is left for it
//
// No parameters, no multiply-adds.
type Reshape struct{ Shape compute.Shape }

var reshapeKind = &Kind{
	Name:    "reshape",
	Short:   "reshape",
	Family:  Flow,
	Summary: "the same numbers under another shape",
	Card: Card{
		What: "Reads all numbers in order, channel by channel and row by row, and lays them out in another shape of the same size. " +
			"One axis may be −1: it becomes what is left.",
		Formula: "y[k] = x[k], counted along the last axis first",
		Shapes:  "any → the shape that is asked for, of as many elements",
		Params:  "none",
		Cost:    "no multiply-adds; at most one copy",
		When:    "To make images of vectors in decoders and generators, and sequences of images.",
		Instead: "flatten, when a vector is wanted.",
		Source:  "none: it is arithmetic on indices",
	},
	New: func() Layer { return &Reshape{Shape: compute.Shape{-1}} },
	Examples: []Example{
		{Layer: &Reshape{compute.Shape{3, 2, 2}}, In: []compute.Shape{{12}}},
		{Layer: &Reshape{compute.Shape{-1, 4}}, In: []compute.Shape{{3, 2, 4}}},
		{Layer: &Reshape{compute.Shape{2, -1, 3}}, In: []compute.Shape{{3, 2, 4}}},
		{Layer: &Reshape{compute.Shape{6, 2}}, In: []compute.Shape{{3, 4}}},
		{Layer: &Reshape{compute.Shape{-1}}, In: []compute.Shape{{1, 3, 2}}},
	},
}

// Fields are the settings.
func (r *Reshape) Fields() []Field {
	return []Field{{Name: "shape", Help: "axes of the output; one may be -1, which is what is left", Ptr: &r.Shape, Min: -1, Max: 1 << 24}}
}

// Label is the shape.
func (r *Reshape) Label() string { return r.Shape.String() }

// Plan refuses a shape of another size.
func (r *Reshape) Plan(in []compute.Shape) (Plan, error) {
	s, err := one(in, "one input")
	if err != nil {
		return Plan{}, err
	}
	size := s.Size()
	bad := &ShapeError{Got: in, Want: fmt.Sprintf("as many elements as %v has, not %d", r.Shape, size), Cure: "set one axis of shape to -1"}
	out := append(compute.Shape(nil), r.Shape...)
	known, free := int64(1), -1
	for i, d := range out {
		switch {
		case d == -1 && free < 0:
			free = i
			continue
		case d < 1:
			bad.Want, bad.Cure = fmt.Sprintf("a shape of numbers above 0, with at most one -1, not %v", r.Shape), "write the axes out"
			return Plan{}, bad
		}
		var ok bool
		if known, ok = product(maxElements, int(known), d); !ok {
			return Plan{}, bad
		}
	}
	if free >= 0 {
		out[free] = size / int(known)
		known *= int64(out[free])
	}
	if len(out) < 1 || len(out) > 3 || known != int64(size) {
		return Plan{}, bad
	}
	plan := Plan{Out: out, AcrossTime: true, DropsLens: true, View: s.Equal(out) || !channelsMatter(s) && !channelsMatter(out)}
	if channelsMatter(s) && channelsMatter(out) {
		plan.Scratch = Room{PerSample: size}
	}
	return plan, nil
}

// channelsMatter says whether memory order and C×H×W differ.
func channelsMatter(s compute.Shape) bool { return len(s) == 3 && s[0] > 1 && s[1]*s[2] > 1 }

// Forward goes through channels-first order.
func (r *Reshape) Forward(p *Pass) { reorder(p, p.In[0], p.Out) }

// Backward goes the same way back.
func (r *Reshape) Backward(p *Pass) {
	if p.wanted(0) != nil {
		reorder(p, p.DOut, compute.Tensor{Shape: p.In[0].Shape, Data: p.DIn[0].Data})
	}
}

// reorder copies x to y so that both agree in channels-first order.
func reorder(p *Pass, x, y compute.Tensor) {
	s, t := x.Shape, y.Shape
	switch {
	case channelsMatter(s) && channelsMatter(t):
		compute.NHWCToNCHW(p.Pool, p.N, s[1], s[2], s[0], x.Data, p.Scratch)
		compute.NCHWToNHWC(p.Pool, p.N, t[0], t[1], t[2], p.Scratch, y.Data, false)
	case channelsMatter(s):
		compute.NHWCToNCHW(p.Pool, p.N, s[1], s[2], s[0], x.Data, y.Data)
	case channelsMatter(t):
		compute.NCHWToNHWC(p.Pool, p.N, t[0], t[1], t[2], x.Data, y.Data, false)
	default:
		copyUnlessSame(p.Pool, y.Data, x.Data)
	}
}
