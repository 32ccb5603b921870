package layers

import (
	"fmt"

	"layercake/compute"
)

// Sizes that no machine holds are refused before they can overflow an int.
const (
	maxElements = 1 << 40 // of one sample or one parameter
	maxMACs     = 1 << 60
)

// product multiplies sizes; ok is false above limit or where one is negative.
func product(limit int64, sizes ...int) (n int64, ok bool) {
	n = 1
	for _, s := range sizes {
		if s < 0 {
			return 0, false
		}
		if s > 0 && n > limit/int64(s) {
			return 0, false
		}
		n *= int64(s)
	}
	return n, true
}

// one is the only input of a layer that takes one.
func one(in []compute.Shape, want string) (compute.Shape, error) {
	if len(in) != 1 {
		return nil, &ShapeError{Got: in, Want: want, Cure: "connect one layer to it"}
	}
	return in[0], whole(in)
}

// whole refuses inputs with an empty axis or more elements than any machine holds.
func whole(in []compute.Shape) error {
	for _, s := range in {
		for _, d := range s {
			if d < 1 {
				return &ShapeError{Got: in, Want: "at least one element along every axis", Cure: "make the input larger"}
			}
		}
		if n, ok := product(maxElements, s...); !ok || n > maxElements {
			return &ShapeError{Got: in, Want: "at most 2⁴⁰ elements a sample", Cure: "make the input smaller"}
		}
	}
	return nil
}

// tooLarge refuses a result or parameter of more elements than any machine holds.
func tooLarge(in []compute.Shape, what, cure string) error {
	return &ShapeError{Got: in, Want: "fewer numbers than the " + what + " would have (over 2⁴⁰)", Cure: cure}
}

// badSetting refuses a setting that no Field would have let in.
func badSetting(in []compute.Shape, name string, found, least int) error {
	return &ShapeError{Got: in, Want: fmt.Sprintf("%s of at least %d, not %d", name, least, found), Cure: "set " + name + " higher"}
}

// image is the only input of a layer that takes images.
func image(in []compute.Shape) (compute.Shape, error) {
	s, err := one(in, "one image C×H×W")
	if err != nil {
		return nil, err
	}
	if len(s) != 3 {
		cure := "put it before the flatten"
		if len(s) == 2 {
			cure = "feed it an image of three axes"
		}
		return nil, &ShapeError{Got: in, Want: "one image C×H×W", Cure: cure}
	}
	return s, nil
}

// rows splits a shape as memory has it: channels or features lie last, and
// everything before them, the batch left out, is rows.
func rows(s compute.Shape) (rows, columns int) {
	switch len(s) {
	case 0:
		return 1, 1
	case 1:
		return 1, s[0]
	case 3:
		return s[1] * s[2], s[0]
	}
	last := s[len(s)-1]
	return s.Size() / last, last
}

// window is a kernel that slides over an image, worked out.
type window struct {
	kernel, stride, dilation Pair
	top, bottom, left, right int
	outH, outW               int
}

// around is the padding in numbers for a kernel that spans that many pixels.
// The zeros of "same" are shared evenly, an odd one going after the image, so
// that odd kernels pad as PyTorch's padding=(k−1)/2·d does.
func (p Padding) around(span Pair) (top, bottom, left, right int) {
	if !p.Same {
		return p.Top, p.Bottom, p.Left, p.Right
	}
	h, w := span[0]-1, span[1]-1
	return h / 2, h - h/2, w / 2, w - w/2
}

// slide works out a window over an image of h×w. It does not judge: outH or
// outW below 1 says that the kernel does not fit.
func slide(h, w int, kernel, stride, dilation Pair, pad Padding, ceil bool) window {
	v := window{kernel: kernel, stride: stride, dilation: dilation}
	span := v.span()
	v.top, v.bottom, v.left, v.right = pad.around(span)
	v.outH = places(h, v.top, v.bottom, span[0], stride[0], ceil)
	v.outW = places(w, v.left, v.right, span[1], stride[1], ceil)
	return v
}

// places is the number of places of a kernel along size elements with borders.
// With ceil a last place may reach beyond the border behind, if it begins
// before that.
func places(size, before, after, span, stride int, ceil bool) int {
	room := size + before + after - span
	if !ceil {
		if room < 0 {
			return 0
		}
		return room/stride + 1
	}
	n := floorDiv(room+stride-1, stride) + 1
	if (n-1)*stride >= size+before {
		n--
	}
	return n
}

// floorDiv is ⌊a/b⌋ for b > 0.
func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// span is the number of pixels between and under the kernel's ends.
func (v window) span() Pair {
	return Pair{(v.kernel[0]-1)*v.dilation[0] + 1, (v.kernel[1]-1)*v.dilation[1] + 1}
}

func (v window) reach() Window {
	return Window{Kernel: [2]int(v.span()), Stride: [2]int(v.stride)}
}

// slideOver is slide for a Plan: it refuses what does not fit.
func slideOver(in []compute.Shape, kernel, stride, dilation Pair, pad Padding, ceil bool) (window, error) {
	for i := range kernel {
		switch {
		case kernel[i] < 1:
			return window{}, badSetting(in, "kernel", kernel[i], 1)
		case stride[i] < 1:
			return window{}, badSetting(in, "stride", stride[i], 1)
		case dilation[i] < 1:
			return window{}, badSetting(in, "dilation", dilation[i], 1)
		}
	}
	if low := min(pad.Top, pad.Bottom, pad.Left, pad.Right); low < 0 {
		return window{}, badSetting(in, "padding", low, 0)
	}
	h, w := in[0][1], in[0][2]
	v := slide(h, w, kernel, stride, dilation, pad, ceil)
	if v.outH < 1 || v.outW < 1 {
		span := v.span()
		cure := "use a smaller kernel or more padding"
		if dilation != (Pair{1, 1}) {
			cure = "use a smaller kernel, less dilation or more padding"
		}
		return window{}, &ShapeError{
			Got: in,
			Want: fmt.Sprintf("an input that the kernel fits in: %s pixels are more than the padded input's %d×%d",
				times(span), h+v.top+v.bottom, w+v.left+v.right),
			Cure: cure,
		}
	}
	return v, nil
}

// times writes a pair as people do: 3×3.
func times(p Pair) string { return fmt.Sprintf("%d×%d", p[0], p[1]) }

// over writes a stride behind a label: " /2", " /2×1", nothing for 1.
func over(stride Pair) string {
	switch {
	case stride == Pair{1, 1}:
		return ""
	case stride[0] == stride[1]:
		return fmt.Sprintf(" /%d", stride[0])
	}
	return " /" + times(stride)
}

// adds says whether Backward adds to DIn[i] instead of writing it.
func (p *Pass) adds(i int) bool { return i < len(p.Add) && p.Add[i] }

// wanted is the memory for the gradient of input i, nil if nobody wants it.
func (p *Pass) wanted(i int) []float32 {
	if i >= len(p.DIn) {
		return nil
	}
	return p.DIn[i].Data
}

// param is parameter i, nil if the settings leave it out.
func (p *Pass) param(i int) []float32 {
	if i >= len(p.Params) {
		return nil
	}
	return p.Params[i]
}

// grad is where the gradient of parameter i is added, nil if it is frozen or
// left out.
func (p *Pass) grad(i int) []float32 {
	if i >= len(p.Grads) {
		return nil
	}
	return p.Grads[i]
}
