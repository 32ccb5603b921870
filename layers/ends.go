package layers

import (
	"fmt"
	"strconv"

	"layercake/compute"
)

// Ends is how many zero steps border a sequence: a number a side, "same" (at
// stride s the output is ⌈T/s⌉ long), "causal" (all of them before, so that no
// output sees a later step) or "valid" (none).
type Ends struct {
	Same, Causal  bool
	Before, After int
}

// value is how files and forms write e.
func (e *Ends) value() Value {
	switch {
	case e.Same:
		return Value{"same"}
	case e.Causal:
		return Value{"causal"}
	case e.Before == e.After:
		return Value{strconv.Itoa(e.Before)}
	}
	return Value{strconv.Itoa(e.Before), strconv.Itoa(e.After)}
}

// set reads what files and forms write.
func (e *Ends) set(f Field, v Value) error {
	if len(v) == 1 {
		switch v[0] {
		case "same":
			*e = Ends{Same: true}
			return nil
		case "causal":
			*e = Ends{Causal: true}
			return nil
		case "valid":
			*e = Ends{}
			return nil
		}
	}
	n, err := f.integers(v, 1, 2)
	if err != nil {
		return fmt.Errorf("%w (or same, causal or valid)", err)
	}
	*e = Ends{Before: n[0], After: n[len(n)-1]}
	return nil
}

// around is the padding in numbers for a kernel that spans that many steps. An
// odd zero of "same" goes behind, as PyTorch has it.
func (e Ends) around(span int) (before, after int) {
	switch {
	case e.Same:
		return (span - 1) / 2, span - 1 - (span-1)/2
	case e.Causal:
		return span - 1, 0
	}
	return e.Before, e.After
}

// reach is a kernel that slides over a sequence, worked out.
type reach struct {
	span, before, after, out int
}

// slideAlong works out a kernel over a sequence for a Plan: it refuses what
// does not fit.
func slideAlong(in []compute.Shape, kernel, stride, dilation int, pad Ends, ceil bool) (reach, error) {
	switch {
	case kernel < 1:
		return reach{}, badSetting(in, "kernel", kernel, 1)
	case stride < 1:
		return reach{}, badSetting(in, "stride", stride, 1)
	case dilation < 1:
		return reach{}, badSetting(in, "dilation", dilation, 1)
	case min(pad.Before, pad.After) < 0:
		return reach{}, badSetting(in, "padding", min(pad.Before, pad.After), 0)
	}
	r := along(in[0][0], kernel, stride, dilation, pad, ceil)
	if r.out < 1 {
		cure := "use a smaller kernel or more padding"
		if dilation > 1 {
			cure = "use a smaller kernel, less dilation or more padding"
		}
		return reach{}, &ShapeError{
			Got: in,
			Want: fmt.Sprintf("a sequence that the kernel fits in: %d steps are more than the padded sequence's %d",
				r.span, in[0][0]+r.before+r.after),
			Cure: cure,
		}
	}
	return r, nil
}

// along is slideAlong for settings that Plan has let through.
func along(steps, kernel, stride, dilation int, pad Ends, ceil bool) reach {
	r := reach{span: (kernel-1)*dilation + 1}
	r.before, r.after = pad.around(r.span)
	r.out = places(steps, r.before, r.after, r.span, stride, ceil)
	return r
}

// sequence is the only input of a layer that takes sequences.
func sequence(in []compute.Shape, cure string) (compute.Shape, error) {
	s, err := one(in, "one sequence T×F")
	if err != nil {
		return nil, err
	}
	if len(s) != 2 {
		return nil, &ShapeError{Got: in, Want: "one sequence T×F", Cure: cure}
	}
	return s, nil
}
