package layers

import (
	"fmt"

	"layercake/compute"
)

// The axes of images, sequences and vectors, by name.
const (
	axisFeatures = "features"
	axisTime     = "time"
	axisChannels = "channels"
	axisRows     = "rows"
	axisColumns  = "columns"
)

// Slice keeps a range along one axis: Start to below Stop. Numbers below 0 count
// from the end, as in Python; Stop 0 is the end.
//
//	x [N, …]   y the same with Stop − Start along the axis
//
// No parameters, no multiply-adds.
type Slice struct {
	Axis        string
	Start, Stop int
}

var sliceKind = &Kind{
	Name:    "slice",
	Short:   "slice",
	Family:  Flow,
	Summary: "a range along one axis",
	Card: Card{
		What: "Keeps a range along one axis and drops the rest: some of the features, the first steps, a window of the image. " +
			"Numbers below 0 count from the end. What is dropped gets a gradient of 0.",
		Formula: "y[i] = x[start + i], along the axis",
		Shapes:  "axis time: T×F → (stop − start)×F; channels: C×H×W → (stop − start)×H×W",
		Params:  "none",
		Cost:    "no multiply-adds; one copy of what is kept",
		When:    "To split what one layer made into parts with different uses, to look at the last steps only, or to crop an image before it joins another.",
		Instead: "timepool for a single step as a vector; a pool or a stride where every second element should go.",
		Source:  "none: it is arithmetic on indices",
	},
	New: func() Layer { return &Slice{Axis: axisFeatures} },
	Examples: []Example{
		{Layer: &Slice{Axis: axisFeatures}, In: []compute.Shape{{4}}},
		{Layer: &Slice{Axis: axisFeatures, Start: 1, Stop: 3}, In: []compute.Shape{{5}}},
		{Layer: &Slice{Axis: axisFeatures, Start: -2}, In: []compute.Shape{{3, 5}}},
		{Layer: &Slice{Axis: axisTime, Start: 1, Stop: -1}, In: []compute.Shape{{5, 2}}},
		{Layer: &Slice{Axis: axisChannels, Start: 1, Stop: 2}, In: []compute.Shape{{3, 2, 4}}},
		{Layer: &Slice{Axis: axisRows, Start: 1}, In: []compute.Shape{{2, 3, 2}}},
		{Layer: &Slice{Axis: axisColumns, Start: 1, Stop: 3}, In: []compute.Shape{{2, 3, 4}}},
	},
}

// Fields are the settings.
func (l *Slice) Fields() []Field {
	const most = 1 << 20
	return []Field{
		{Name: "axis", Help: "the axis that is cut", Ptr: &l.Axis, Options: []string{axisFeatures, axisTime, axisChannels, axisRows, axisColumns}},
		{Name: "start", Help: "the first that is kept, counted from 0; below 0 from the end", Ptr: &l.Start, Min: -most, Max: most},
		{Name: "stop", Help: "the first that is not kept; below 0 from the end; auto is the end", Ptr: &l.Stop, Min: -most, Max: most, Optional: true},
	}
}

// Label is the axis and the range.
func (l *Slice) Label() string {
	to := ""
	if l.Stop != 0 {
		to = fmt.Sprint(l.Stop)
	}
	return fmt.Sprintf("%s %d:%s", l.Axis, l.Start, to)
}

// axis is the axis of a shape that has a name; −1 if it has none of that name.
func namedAxis(s compute.Shape, name string) int {
	switch {
	case len(s) == 1 && name == axisFeatures, len(s) == 2 && name == axisTime, len(s) == 3 && name == axisChannels:
		return 0
	case len(s) == 2 && name == axisFeatures, len(s) == 3 && name == axisRows:
		return 1
	case len(s) == 3 && name == axisColumns:
		return 2
	}
	return -1
}

// bounds are Start and Stop counted from the start of an axis of n.
func (l *Slice) bounds(n int) (from, to int) {
	from, to = l.Start, l.Stop
	if from < 0 {
		from += n
	}
	if to <= 0 {
		to += n
	}
	return from, to
}

// Plan refuses an axis that the input does not have, and ranges out of it.
func (l *Slice) Plan(in []compute.Shape) (Plan, error) {
	s, err := one(in, "one vector, sequence or image")
	if err != nil {
		return Plan{}, err
	}
	axis := namedAxis(s, l.Axis)
	if axis < 0 {
		cure := "set axis to features"
		switch len(s) {
		case 2:
			cure = "set axis to time or features"
		case 3:
			cure = "set axis to channels, rows or columns"
		}
		return Plan{}, &ShapeError{Got: in, Want: "an input with an axis of " + l.Axis, Cure: cure}
	}
	from, to := l.bounds(s[axis])
	if from < 0 || to > s[axis] || from >= to {
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("a range within 0 to %d, not %d to %d", s[axis], from, to), Cure: "set start and stop inside of the axis"}
	}
	out := append(compute.Shape(nil), s...)
	out[axis] = to - from
	return Plan{Out: out, View: out.Equal(s), AcrossTime: l.Axis == axisTime, AddsGrad: true}, nil
}

// cut is the range as columns of a matrix: rows of width, of which some from
// at are kept.
func (l *Slice) cut(s compute.Shape) (rows, width, at, kept int) {
	axis := namedAxis(s, l.Axis)
	memory := memoryAxes(len(s))
	rows, width = 1, 1
	behind := false
	for _, a := range memory[:len(s)] {
		switch {
		case behind:
			width *= s[a]
		case a == axis:
			behind = true
		default:
			rows *= s[a]
		}
	}
	from, to := l.bounds(s[axis])
	return rows, width * s[axis], from * width, (to - from) * width
}

// Forward copies the range.
func (l *Slice) Forward(p *Pass) {
	rows, width, at, kept := l.cut(p.In[0].Shape)
	compute.CopyColumns(p.Pool, p.N*rows, p.In[0].Data, at, width, kept, p.Out.Data, 0, kept, false)
}

// Backward copies the gradient into the range, with zeros around it.
func (l *Slice) Backward(p *Pass) {
	dx := p.wanted(0)
	if dx == nil {
		return
	}
	rows, width, at, kept := l.cut(p.In[0].Shape)
	if !p.adds(0) {
		compute.Fill(p.Pool, dx, 0)
	}
	compute.CopyColumns(p.Pool, p.N*rows, p.DOut.Data, 0, kept, kept, dx, at, width, p.adds(0))
}
