package layers

import (
	"fmt"

	"layercake/compute"
)

// Subsample is a shortcut without weights: every Stride-th pixel, and zero
// channels on both sides of the channels, (Channels − C)/2 of them in front.
//
//	x [N, H, W, C]   y [N, ⌈H/Stride⌉, ⌈W/Stride⌉, Channels]
//
// No parameters, no multiply-adds.
type Subsample struct {
	Stride   int
	Channels int // 0: as many as there are
}

var subsampleKind = &Kind{
	Name:    "subsample",
	Short:   "subsample",
	Family:  Flow,
	Summary: "every second pixel, and zeros as new channels",
	Card: Card{
		What: "Fits the shortcut of a residual block to a block that shrinks the image and adds channels, without a single weight: " +
			"it takes every s-th pixel and fills the new channels with zeros.",
		Formula: "y[f,i,j] = x[f − (F−C)/2, i·s, j·s], 0 where there is no such channel",
		Shapes:  "C×H×W → F×⌈H/s⌉×⌈W/s⌉",
		Params:  "none",
		Cost:    "no multiply-adds",
		When:    "In the CIFAR ResNets, between stages: option A of the paper.",
		Instead: "A 1×1 conv2d of stride s with batchnorm (a projection) learns the fit, for C·F + 2F parameters.",
		Source:  "He et al., Deep residual learning for image recognition, 2015, section 4.2",
	},
	New: func() Layer { return &Subsample{Stride: 2} },
	Examples: []Example{
		{Layer: &Subsample{Stride: 2, Channels: 6}, In: []compute.Shape{{2, 4, 4}}},
		{Layer: &Subsample{Stride: 2, Channels: 5}, In: []compute.Shape{{2, 5, 3}}},
		{Layer: &Subsample{Stride: 1, Channels: 4}, In: []compute.Shape{{3, 2, 2}}},
		{Layer: &Subsample{Stride: 3}, In: []compute.Shape{{2, 4, 5}}},
	},
}

// Fields are the settings.
func (s *Subsample) Fields() []Field {
	return []Field{
		{Name: "stride", Help: "takes every s-th pixel", Unit: "px", Ptr: &s.Stride, Min: 1, Max: 1 << 12},
		{Name: "channels", Help: "channels of the output; auto leaves them alone", Ptr: &s.Channels, Min: 1, Max: 1 << 20, Optional: true},
	}
}

// Label is the channels and the stride.
func (s *Subsample) Label() string {
	l := over(Pair{s.Stride, s.Stride})
	if s.Channels > 0 {
		return fmt.Sprint(s.Channels) + l
	}
	if l == "" {
		return l
	}
	return l[1:]
}

func (s *Subsample) channels(c int) int {
	if s.Channels == 0 {
		return c
	}
	return s.Channels
}

// Plan refuses fewer channels than there are.
func (s *Subsample) Plan(in []compute.Shape) (Plan, error) {
	x, err := image(in)
	if err != nil {
		return Plan{}, err
	}
	if s.Stride < 1 {
		return Plan{}, badSetting(in, "stride", s.Stride, 1)
	}
	c := s.channels(x[0])
	if c < x[0] {
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("at most %d channels", c), Cure: fmt.Sprintf("set channels to %d or more, or to auto", x[0])}
	}
	out := compute.Shape{c, (x[1]-1)/s.Stride + 1, (x[2]-1)/s.Stride + 1}
	if _, ok := product(maxElements, out...); !ok {
		return Plan{}, tooLarge(in, "output", "use fewer channels")
	}
	return Plan{Out: out, Window: Window{Kernel: [2]int{1, 1}, Stride: [2]int{s.Stride, s.Stride}}}, nil
}

// Forward picks pixels and writes zeros around their channels.
func (s *Subsample) Forward(p *Pass) {
	x := p.In[0].Shape
	compute.SubsampleForward(p.Pool, p.N, x[1], x[2], x[0], s.Stride, s.channels(x[0]), p.In[0].Data, p.Out.Data)
}

// Backward hands gradients to the pixels that were picked, zero to others.
func (s *Subsample) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		x := p.In[0].Shape
		compute.SubsampleBackward(p.Pool, p.N, x[1], x[2], x[0], s.Stride, s.channels(x[0]), p.DOut.Data, dx)
	}
}
