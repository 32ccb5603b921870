package layers

import "layercake/compute"

// Upsample makes an image Scale times larger down and across: it repeats every
// pixel, or with bilinear goes from one to the next in a straight line. Pixels
// are squares and the outer ones keep their value to the border, which PyTorch
// calls align_corners=False.
//
//	x [N, H, W, C]   y [N, H·Scale, W·Scale, C]
//
// No parameters, no multiply-adds.
type Upsample struct {
	Scale Pair
	Mode  string // modeNearest, also if empty, or modeBilinear
}

const (
	modeNearest  = "nearest"
	modeBilinear = "bilinear"
)

var upsampleKind = &Kind{
	Name:    "upsample",
	Short:   "upsample",
	Family:  Flow,
	Summary: "larger images: pixels repeated, or blended",
	Card: Card{
		What:    "Makes an image larger by repeating every pixel, which leaves blocks that a convolution behind it can smooth; or, bilinear, by blending the four nearest pixels.",
		Formula: "nearest: y[c,i,j] = x[c, ⌊i/s⌋, ⌊j/s⌋]; bilinear: linear between rows and columns at (i + ½)/s − ½",
		Shapes:  "C×H×W → C×sH×sW",
		Params:  "none",
		Cost:    "no multiply-adds; one copy",
		When:    "In the second half of autoencoders and U-Nets.",
		Instead: "A transposed convolution learns how to enlarge, and may leave a checkerboard behind.",
		Source:  "Odena, Dumoulin and Olah, Deconvolution and checkerboard artifacts, 2016",
	},
	New: func() Layer { return &Upsample{Scale: Pair{2, 2}, Mode: modeNearest} },
	Examples: []Example{
		{Layer: &Upsample{Scale: Pair{2, 2}}, In: []compute.Shape{{3, 2, 3}}},
		{Layer: &Upsample{Scale: Pair{1, 3}}, In: []compute.Shape{{2, 2, 2}}},
		{Layer: &Upsample{Scale: Pair{2, 3}, Mode: modeBilinear}, In: []compute.Shape{{2, 3, 2}}},
		{Layer: &Upsample{Scale: Pair{2, 2}, Mode: modeBilinear}, In: []compute.Shape{{3, 1, 1}}},
	},
}

// Fields are the settings.
func (u *Upsample) Fields() []Field {
	return []Field{
		{Name: "scale", Help: "how many times larger, down and across", Ptr: &u.Scale, Min: 1, Max: 1 << 8},
		{Name: "mode", Help: "repeat pixels, or blend the nearest four", Ptr: &u.Mode, Options: []string{modeNearest, modeBilinear}},
	}
}

// Label is the factor, and the mode where it is not the usual one.
func (u *Upsample) Label() string {
	l := "×" + times(u.Scale)
	if u.Scale[0] == u.Scale[1] {
		l = "×" + Field{Ptr: &u.Scale[0]}.Get()[0]
	}
	if u.Mode == modeBilinear {
		l += " " + u.Mode
	}
	return l
}

// Plan takes images.
func (u *Upsample) Plan(in []compute.Shape) (Plan, error) {
	s, err := image(in)
	if err != nil {
		return Plan{}, err
	}
	if low := min(u.Scale[0], u.Scale[1]); low < 1 {
		return Plan{}, badSetting(in, "scale", low, 1)
	}
	if _, ok := product(maxElements, s[0], s[1], u.Scale[0], s[2], u.Scale[1]); !ok {
		return Plan{}, tooLarge(in, "output", "use a smaller scale")
	}
	return Plan{Out: compute.Shape{s[0], s[1] * u.Scale[0], s[2] * u.Scale[1]}, AddsGrad: true}, nil
}

// Forward repeats or blends pixels.
func (u *Upsample) Forward(p *Pass) {
	s := p.In[0].Shape
	if u.Mode == modeBilinear {
		compute.BilinearForward(p.Pool, p.N, s[1], s[2], s[0], u.Scale[0], u.Scale[1], p.In[0].Data, p.Out.Data)
		return
	}
	compute.UpsampleForward(p.Pool, p.N, s[1], s[2], s[0], u.Scale[0], u.Scale[1], p.In[0].Data, p.Out.Data)
}

// Backward sums over all that a pixel had a share in.
func (u *Upsample) Backward(p *Pass) {
	dx, s := p.wanted(0), p.In[0].Shape
	switch {
	case dx == nil:
	case u.Mode == modeBilinear:
		compute.BilinearBackward(p.Pool, p.N, s[1], s[2], s[0], u.Scale[0], u.Scale[1], p.DOut.Data, dx, p.adds(0))
	default:
		compute.UpsampleBackward(p.Pool, p.N, s[1], s[2], s[0], u.Scale[0], u.Scale[1], p.DOut.Data, dx, p.adds(0))
	}
}
