package layers

import (
	"errors"
	"fmt"

	"layercake/compute"
)

// pooled is what max and average pools have in common: a window over an image
// that leaves the channels alone.
type pooled struct {
	Kernel  Pair
	Stride  Pair // zero: as the kernel, so that windows do not overlap
	Padding Padding
	Ceil    bool // a last window may reach out of the padded image
}

func (v *pooled) fields() []Field {
	return []Field{
		{Name: "kernel", Help: "rows and columns of the window", Unit: "px", Ptr: &v.Kernel, Min: 1, Max: 1 << 12},
		{Name: "stride", Help: "pixels from one window to the next; auto is the kernel", Unit: "px", Ptr: &v.Stride, Min: 1, Max: 1 << 12, Optional: true},
		{Name: "padding", Help: "border around the image: a number, same or valid", Unit: "px", Ptr: &v.Padding, Min: 0, Max: 1 << 12},
		{Name: "ceil", Help: "round the output size up: a last window may reach out of the image", Ptr: &v.Ceil},
	}
}

func (v *pooled) stride() Pair {
	if v.Stride == (Pair{}) {
		return v.Kernel
	}
	return v.Stride
}

func (v *pooled) label() string { return times(v.Kernel) + over(v.stride()) }

func (v *pooled) plan(in []compute.Shape) (Plan, error) {
	s, err := image(in)
	if shape := (*ShapeError)(nil); len(in) == 1 && len(in[0]) == 2 && errors.As(err, &shape) {
		shape.Cure = "use pool1d on sequences"
	}
	if err != nil {
		return Plan{}, err
	}
	w, err := slideOver(in, v.Kernel, v.stride(), Pair{1, 1}, v.Padding, v.Ceil)
	if err != nil {
		return Plan{}, err
	}
	if max(w.top, w.bottom) >= v.Kernel[0] || max(w.left, w.right) >= v.Kernel[1] {
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("padding smaller than the kernel %s, so that every window sees the image", times(v.Kernel)),
			Cure: "use less padding or a larger kernel"}
	}
	if _, ok := product(maxElements, s[0], w.outH, w.outW); !ok {
		return Plan{}, tooLarge(in, "output", "use a larger stride")
	}
	return Plan{Out: compute.Shape{s[0], w.outH, w.outW}, Window: w.reach()}, nil
}

func (v *pooled) geometry(n int, in compute.Shape) compute.Pooling {
	w := slide(in[1], in[2], v.Kernel, v.stride(), Pair{1, 1}, v.Padding, v.Ceil)
	return compute.Pooling{
		N: n, H: in[1], W: in[2], C: in[0], KH: v.Kernel[0], KW: v.Kernel[1],
		StrideH: w.stride[0], StrideW: w.stride[1],
		PadTop: w.top, PadBottom: w.bottom, PadLeft: w.left, PadRight: w.right, OH: w.outH, OW: w.outW,
	}
}
