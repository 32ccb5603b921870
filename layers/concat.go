package layers

import (
	"fmt"

	"layercake/compute"
)

// Concat puts inputs behind one another along the channels of images, or
// along the features of sequences and vectors; or sequences along time.
//
//	x₁ … xₖ  [N, H, W, Cᵢ], [N, T, Fᵢ] or [N, Fᵢ]; along time [N, Tᵢ, F]
//	y        the same with ΣCᵢ, ΣFᵢ or ΣTᵢ
//
// Along time every step counts from there on, whatever the samples' lengths. No
// parameters, no multiply-adds.
type Concat struct{ Axis string }

var concatKind = &Kind{
	Name:    "concat",
	Short:   "concat",
	Family:  Flow,
	Summary: "inputs side by side along the channels",
	Card: Card{
		What: "Puts the channels of several inputs behind one another. Nothing is mixed: what follows can still tell which path a feature came from, " +
			"and features found early stay at hand for all later layers.",
		Formula: "y = [x₁; x₂; …]",
		Shapes:  "C₁×H×W and C₂×H×W → (C₁+C₂)×H×W; F₁ and F₂ → F₁+F₂; axis time: T₁×F and T₂×F → (T₁+T₂)×F",
		Params:  "none",
		Cost:    "no multiply-adds; one copy, and the next layer has more channels to read",
		When:    "To join the branches of an Inception block, the layers of a DenseNet, or the two sides of a U-Net; along time to put one sequence in front of another.",
		Instead: "add keeps the width, so that depth costs no more than before.",
		Source:  "Szegedy et al., Going deeper with convolutions, 2014; Huang et al., Densely connected convolutional networks, 2016",
	},
	New: func() Layer { return &Concat{Axis: axisFeatures} },
	Examples: []Example{
		{Layer: &Concat{}, In: []compute.Shape{{3, 2, 2}, {1, 2, 2}, {2, 2, 2}}},
		{Layer: &Concat{}, In: []compute.Shape{{3, 2}, {3, 4}}},
		{Layer: &Concat{}, In: []compute.Shape{{4}, {1}}},
		{Layer: &Concat{Axis: axisTime}, In: []compute.Shape{{3, 2}, {1, 2}, {2, 2}}},
	},
}

// Fields are the settings.
func (c *Concat) Fields() []Field {
	return []Field{{Name: "axis", Help: "features, which are the channels of images; or time", Ptr: &c.Axis, Options: []string{axisFeatures, axisTime}}}
}

// Label is the axis where it is not the usual one.
func (c *Concat) Label() string {
	if c.Axis == axisTime {
		return c.Axis
	}
	return ""
}

// Plan refuses inputs that differ along more than the axis that is joined.
func (c *Concat) Plan(in []compute.Shape) (Plan, error) {
	if len(in) < 2 {
		return Plan{}, &ShapeError{Got: in, Want: "two or more inputs", Cure: "name the other one in from: [., NAME]"}
	}
	if err := whole(in); err != nil {
		return Plan{}, err
	}
	out := append(compute.Shape(nil), in[0]...)
	if len(out) < 1 || len(out) > 3 {
		return Plan{}, &ShapeError{Got: in, Want: "inputs of one to three axes", Cure: "put a flatten before it"}
	}
	if c.Axis == axisTime && len(out) != 2 {
		return Plan{}, &ShapeError{Got: in, Want: "sequences T×F, since axis is time", Cure: "set axis to features"}
	}
	axis, word := joinAxis(len(out)), [...]string{"features", "features", "channels"}[len(out)-1]
	if c.Axis == axisTime {
		axis, word = 0, "steps"
	}
	for _, s := range in[1:] {
		same := len(s) == len(out)
		for a := 0; same && a < len(s); a++ {
			same = a == axis || s[a] == out[a]
		}
		if !same {
			return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("inputs that differ in their %s alone", word), Cure: "match strides and paddings of the paths"}
		}
		out[axis] += s[axis]
	}
	if _, ok := product(maxElements, out...); !ok {
		return Plan{}, tooLarge(in, "output", "use fewer channels")
	}
	return Plan{Out: out, AcrossTime: c.Axis == axisTime, AddsGrad: true}, nil
}

// rows is rows, but for one row a sample along time.
func (c *Concat) rows(s compute.Shape) (n, width int) {
	if c.Axis == axisTime {
		return 1, s.Size()
	}
	return rows(s)
}

// joinAxis is the axis of channels or features in a shape of so many axes.
func joinAxis(axes int) int {
	if axes == 2 {
		return 1
	}
	return 0
}

// Forward copies each input to its columns of y.
func (c *Concat) Forward(p *Pass) {
	n, total := c.rows(p.Out.Shape)
	n *= p.N
	at := 0
	for _, x := range p.In {
		_, width := c.rows(x.Shape)
		compute.CopyColumns(p.Pool, n, x.Data, 0, width, width, p.Out.Data, at, total, false)
		at += width
	}
}

// Backward copies each input's columns of dy back.
func (c *Concat) Backward(p *Pass) {
	n, total := c.rows(p.Out.Shape)
	n *= p.N
	at := 0
	for i, x := range p.In {
		_, width := c.rows(x.Shape)
		if dx := p.wanted(i); dx != nil {
			compute.CopyColumns(p.Pool, n, p.DOut.Data, at, total, width, dx, 0, width, p.adds(i))
		}
		at += width
	}
}
