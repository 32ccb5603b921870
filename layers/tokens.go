package layers

import "layercake/compute"

// Tokens makes a sequence of an image: each pixel with its channels is one
// step, row by row. Images lie channels last in memory, so nothing moves.
//
//	x [N, H, W, C]   y [N, H·W, C]
//
// No parameters, no multiply-adds.
type Tokens struct{}

var tokensKind = &Kind{
	Name:    "tokens",
	Short:   "tokens",
	Family:  Flow,
	Summary: "an image as a sequence of its pixels",
	Card: Card{
		What: "Makes a sequence of an image: each pixel, with all its channels, becomes one step, row by row. Behind a conv2d whose kernel and stride are both p, " +
			"a pixel stands for a patch of p×p of the picture: that pair is the patch embedding of a vision transformer.",
		Formula: "y[i·W + j, c] = x[c,i,j]",
		Shapes:  "C×H×W → (H·W)×C",
		Params:  "none",
		Cost:    "nothing: the numbers already lie so",
		When:    "Between the patches of an image and attention.",
		Instead: "flatten for a dense layer; permute [2, 1] and a reshape lead back to an image.",
		Source:  "Dosovitskiy et al., An image is worth 16×16 words: transformers for image recognition at scale, 2020",
	},
	New: func() Layer { return &Tokens{} },
	Examples: []Example{
		{Layer: &Tokens{}, In: []compute.Shape{{3, 2, 4}}},
		{Layer: &Tokens{}, In: []compute.Shape{{5, 1, 1}}},
	},
}

// Fields are none.
func (t *Tokens) Fields() []Field { return nil }

// Label is empty: there is nothing to set.
func (t *Tokens) Label() string { return "" }

// Plan takes images.
func (t *Tokens) Plan(in []compute.Shape) (Plan, error) {
	s, err := image(in)
	if err != nil {
		return Plan{}, err
	}
	return Plan{Out: compute.Shape{s[1] * s[2], s[0]}, View: true}, nil
}

// Forward copies, where the Program did not make a view of it.
func (t *Tokens) Forward(p *Pass) { copyUnlessSame(p.Pool, p.Out.Data, p.In[0].Data) }

// Backward copies back.
func (t *Tokens) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		copyUnlessSame(p.Pool, dx, p.DOut.Data)
	}
}
