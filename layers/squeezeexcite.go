package layers

import (
	"fmt"

	"layercake/compute"
)

// SqueezeExcite weighs the channels of an image by what the whole image shows:
//
//	s = sigmoid(W₂·relu(W₁·mean(x) + b₁) + b₂)    y = s·x
//
//	x, y  [N, H, W, C]     s  [N, C]
//	W₁    [C, ⌈C/Ratio⌉]   W₂  [⌈C/Ratio⌉, C]    each as dense has it
//
// (Hu, Shen and Sun, Squeeze-and-excitation networks, 2018.)
type SqueezeExcite struct {
	parts
	Ratio int
}

var squeezeExciteKind = &Kind{
	Name:    "squeezeexcite",
	Short:   "squeeze",
	Family:  Flow,
	Summary: "weighs channels by what the whole image shows",
	Card: Card{
		What: "Averages each channel over the whole image, lets two small dense layers look at the averages, and turns each channel up or down by the answer, a number between 0 and 1. " +
			"A channel can so matter in one picture and be silent in another.",
		Formula: "y = x·sigmoid(W₂·relu(W₁·mean(x) + b₁) + b₂)",
		Shapes:  "unchanged",
		Params:  "2·C·r + r + C with r = ⌈C/ratio⌉; weight decay takes the weights, not the biases",
		Cost:    "2·C·r a sample",
		When:    "In a residual block, after its last convolution: a little better for a percent of the work.",
		Instead: "More channels or blocks, at their full cost.",
		Source:  "Hu, Shen and Sun, Squeeze-and-excitation networks, 2018",
	},
	New: func() Layer { return &SqueezeExcite{Ratio: 16} },
	Examples: []Example{
		{Layer: &SqueezeExcite{Ratio: 2}, In: []compute.Shape{{6, 3, 4}}},
		{Layer: &SqueezeExcite{Ratio: 16}, In: []compute.Shape{{5, 2, 2}}},
	},
}

// Fields are the settings.
func (s *SqueezeExcite) Fields() []Field {
	return []Field{{Name: "ratio", Help: "how many channels share one number in the narrow layer between", Ptr: &s.Ratio, Min: 1, Max: 1 << 16}}
}

// Label is the ratio.
func (s *SqueezeExcite) Label() string { return fmt.Sprintf("/%d", s.Ratio) }

// Plan is that of the parts.
func (s *SqueezeExcite) Plan(in []compute.Shape) (Plan, error) { return planParts(s, in) }

// Parts are a global average, two dense layers with their functions, and the product.
func (s *SqueezeExcite) Parts(in []compute.Shape) ([]Part, error) {
	const want = "one image C×H×W"
	x, err := one(in, want)
	if err != nil {
		return nil, err
	}
	if len(x) != 3 {
		return nil, &ShapeError{Got: in, Want: want, Cure: "put it among the convolutions"}
	}
	if s.Ratio < 1 {
		return nil, badSetting(in, "ratio", s.Ratio, 1)
	}
	c := x[0]
	return []Part{
		{Name: "mean", Kind: globalAvgPoolKind, Layer: globalAvgPoolKind.New()},
		{Name: "squeeze", Kind: denseKind, Layer: &Dense{Units: (c + s.Ratio - 1) / s.Ratio, Bias: true, Init: initAuto}},
		{Name: "relu", Kind: Lookup("relu"), Layer: Lookup("relu").New()},
		{Name: "excite", Kind: denseKind, Layer: &Dense{Units: c, Bias: true, Init: initAuto}},
		{Name: "sigmoid", Kind: Lookup("sigmoid"), Layer: Lookup("sigmoid").New()},
		{Name: "weigh", Kind: multiplyKind, Layer: multiplyKind.New(), From: []string{"in", "sigmoid"}},
	}, nil
}
