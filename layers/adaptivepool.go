package layers

import (
	"fmt"

	"layercake/compute"
)

// AdaptivePool makes an image of a given size: output row i of Size[0] is the
// mean, or with largest the largest value, of input rows ⌊i·H/Size⌋ to below
// ⌈(i+1)·H/Size⌉, columns likewise.
//
//	x [N, H, W, C]   y [N, Size[0], Size[1], C]
//
// Of equal values the first gets the gradient. No parameters, no multiply-adds.
type AdaptivePool struct {
	Size    Pair
	largest bool
}

var adaptiveAvgPoolKind = &Kind{
	Name:    "adaptiveavgpool",
	Short:   "adaptavg",
	Family:  Shrink,
	Summary: "means over windows that give an image of a set size",
	Card: Card{
		What: "Cuts the image into a fixed number of windows, whatever its size, and keeps the mean of each. " +
			"What follows always sees the same shape, so the network takes images of any size. Where the sizes do not divide, windows overlap by a pixel.",
		Formula: "y[c,i,j] = mean of x[c,h,w] over ⌊iH/H′⌋ ≤ h < ⌈(i+1)H/H′⌉, columns likewise",
		Shapes:  "C×H×W → C×H′×W′, with H′ and W′ as set",
		Params:  "none",
		Cost:    "no multiply-adds; time goes with the size of the input",
		When:    "Before the dense layers of networks like AlexNet and VGG that must take images of several sizes.",
		Instead: "globalavgpool is the same at size 1 and makes the dense layer behind it smallest; avgpool where the window and not the output is to be set.",
		Source:  "He et al., Spatial pyramid pooling in deep convolutional networks for visual recognition, 2014",
	},
	New: func() Layer { return &AdaptivePool{Size: Pair{7, 7}} },
	Examples: []Example{
		{Layer: &AdaptivePool{Size: Pair{2, 3}}, In: []compute.Shape{{3, 4, 6}}},
		{Layer: &AdaptivePool{Size: Pair{3, 2}}, In: []compute.Shape{{2, 5, 7}}},
		{Layer: &AdaptivePool{Size: Pair{3, 3}}, In: []compute.Shape{{9, 2, 1}}},
		{Layer: &AdaptivePool{Size: Pair{1, 1}}, In: []compute.Shape{{2, 3, 3}}},
	},
}

var adaptiveMaxPoolKind = &Kind{
	Name:    "adaptivemaxpool",
	Short:   "adaptmax",
	Family:  Shrink,
	Summary: "maxima over windows that give an image of a set size",
	Card: Card{
		What: "Cuts the image into a fixed number of windows, whatever its size, and keeps the largest value of each. " +
			"What follows always sees the same shape, so the network takes images of any size. Where the sizes do not divide, windows overlap by a pixel.",
		Formula: "y[c,i,j] = max of x[c,h,w] over ⌊iH/H′⌋ ≤ h < ⌈(i+1)H/H′⌉, columns likewise",
		Shapes:  "C×H×W → C×H′×W′, with H′ and W′ as set",
		Params:  "none",
		Cost:    "no multiply-adds; time goes with the size of the input",
		When:    "When the strongest reply in each part of the image counts and images come in several sizes, as in spatial pyramids.",
		Instead: "adaptiveavgpool hands a gradient to every pixel; maxpool where the window and not the output is to be set.",
		Source:  "He et al., Spatial pyramid pooling in deep convolutional networks for visual recognition, 2014",
	},
	New: func() Layer { return &AdaptivePool{Size: Pair{7, 7}, largest: true} },
	Examples: []Example{
		{Layer: &AdaptivePool{Size: Pair{2, 3}, largest: true}, In: []compute.Shape{{3, 4, 6}}},
		{Layer: &AdaptivePool{Size: Pair{3, 2}, largest: true}, In: []compute.Shape{{2, 5, 7}}},
		{Layer: &AdaptivePool{Size: Pair{3, 3}, largest: true}, In: []compute.Shape{{9, 2, 1}}},
		{Layer: &AdaptivePool{Size: Pair{1, 1}, largest: true}, In: []compute.Shape{{2, 3, 3}}},
	},
}

// Fields are the settings.
func (a *AdaptivePool) Fields() []Field {
	return []Field{{Name: "size", Help: "rows and columns of the output", Unit: "px", Ptr: &a.Size, Min: 1, Max: 1 << 12}}
}

// Label is the output's size.
func (a *AdaptivePool) Label() string { return "→ " + times(a.Size) }

// Plan takes images.
func (a *AdaptivePool) Plan(in []compute.Shape) (Plan, error) {
	s, err := image(in)
	if err != nil {
		return Plan{}, err
	}
	if low := min(a.Size[0], a.Size[1]); low < 1 {
		return Plan{}, badSetting(in, "size", low, 1)
	}
	// The ends of windows are worked out by multiplying sizes.
	if max(s[1], s[2], a.Size[0], a.Size[1]) > 1<<30 {
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("at most %d rows and columns", 1<<30), Cure: "make the image smaller"}
	}
	if _, ok := product(maxElements, s[0], a.Size[0], a.Size[1]); !ok {
		return Plan{}, tooLarge(in, "output", "use a smaller size")
	}
	plan := Plan{Out: compute.Shape{s[0], a.Size[0], a.Size[1]}, Window: Window{
		Kernel: [2]int{(s[1] + a.Size[0] - 1) / a.Size[0], (s[2] + a.Size[1] - 1) / a.Size[1]},
		Stride: [2]int{max(1, s[1]/a.Size[0]), max(1, s[2]/a.Size[1])},
	}}
	if a.largest {
		plan.Reads = ReadsIn | ReadsOut
	}
	return plan, nil
}

func (a *AdaptivePool) geometry(n int, s compute.Shape) compute.Adaptive {
	return compute.Adaptive{N: n, H: s[1], W: s[2], C: s[0], OH: a.Size[0], OW: a.Size[1]}
}

// Forward is the mean or the largest value of each window.
func (a *AdaptivePool) Forward(p *Pass) {
	g := a.geometry(p.N, p.In[0].Shape)
	compute.AdaptiveForward(p.Pool, &g, a.largest, p.In[0].Data, p.Out.Data)
}

// Backward spreads each gradient over its window, or hands it to the pixel
// that won.
func (a *AdaptivePool) Backward(p *Pass) {
	dx := p.wanted(0)
	if dx == nil {
		return
	}
	g := a.geometry(p.N, p.In[0].Shape)
	if a.largest {
		compute.AdaptiveMaxBackward(p.Pool, &g, p.In[0].Data, p.Out.Data, p.DOut.Data, dx)
	} else {
		compute.AdaptiveAvgBackward(p.Pool, &g, p.DOut.Data, dx)
	}
}
