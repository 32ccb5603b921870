package layers

import "layercake/compute"

// Upsample repeats every pixel, Scale times down and across.
//
//	x [N, H, W, C]   y [N, H·Scale, W·Scale, C]
//
// No parameters, no multiply-adds.
type Upsample struct{ Scale Pair }

var upsampleKind = &Kind{
	Name:    "upsample",
	Short:   "upsample",
	Family:  Flow,
	Summary: "every pixel repeated",
	Card: Card{
		What:    "Makes an image larger by repeating every pixel. A convolution behind it can smooth the blocks.",
		Formula: "y[c,i,j] = x[c, ⌊i/s⌋, ⌊j/s⌋]",
		Shapes:  "C×H×W → C×sH×sW",
		Params:  "none",
		Cost:    "no multiply-adds; one copy",
		When:    "In the second half of autoencoders and U-Nets.",
		Instead: "A transposed convolution learns how to enlarge, and may leave a checkerboard behind.",
		Source:  "Odena, Dumoulin and Olah, Deconvolution and checkerboard artifacts, 2016",
	},
	New: func() Layer { return &Upsample{Scale: Pair{2, 2}} },
	Examples: []Example{
		{Layer: &Upsample{Scale: Pair{2, 2}}, In: []compute.Shape{{3, 2, 3}}},
		{Layer: &Upsample{Scale: Pair{1, 3}}, In: []compute.Shape{{2, 2, 2}}},
	},
}

// Fields are the settings.
func (u *Upsample) Fields() []Field {
	return []Field{{Name: "scale", Help: "how often each pixel is repeated, down and across", Ptr: &u.Scale, Min: 1, Max: 1 << 8}}
}

// Label is the factor.
func (u *Upsample) Label() string {
	if u.Scale[0] == u.Scale[1] {
		return "×" + Field{Ptr: &u.Scale[0]}.Get()[0]
	}
	return "×" + times(u.Scale)
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

// Forward repeats pixels.
func (u *Upsample) Forward(p *Pass) {
	s := p.In[0].Shape
	compute.UpsampleForward(p.Pool, p.N, s[1], s[2], s[0], u.Scale[0], u.Scale[1], p.In[0].Data, p.Out.Data)
}

// Backward sums over the copies of each pixel.
func (u *Upsample) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		s := p.In[0].Shape
		compute.UpsampleBackward(p.Pool, p.N, s[1], s[2], s[0], u.Scale[0], u.Scale[1], p.DOut.Data, dx, p.adds(0))
	}
}
