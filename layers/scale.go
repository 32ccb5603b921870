package layers

import (
	"fmt"

	"layercake/compute"
)

// Scale is y = Factor·x.
//
//	x, y  any shape
//
// No parameters; no multiply-adds are counted.
type Scale struct{ Factor float64 }

var scaleKind = &Kind{
	Name:    "scale",
	Short:   "scale",
	Family:  Flow,
	Summary: "every number times one fixed factor",
	Card: Card{
		What:    "Multiplies all numbers by one factor that is set, not learnt. The gradient is multiplied by the same factor on its way back.",
		Formula: "y = factor·x",
		Shapes:  "unchanged",
		Params:  "none",
		Cost:    "no multiply-adds are counted; one sweep over memory",
		When:    "To shrink a residual branch before it is added, or to bring an input or output into a known range (1/255 for bytes, 1/√d for scores).",
		Instead: "layerscale, which learns a factor for each channel; a norm, which looks at the numbers.",
		Source:  "Szegedy et al., Inception-v4, Inception-ResNet and the impact of residual connections on learning, 2016, section 3.3",
	},
	New: func() Layer { return &Scale{Factor: 1} },
	Examples: []Example{
		{Layer: &Scale{Factor: 0.3}, In: []compute.Shape{{7}}},
		{Layer: &Scale{Factor: -2}, In: []compute.Shape{{3, 2, 2}}},
		{Layer: &Scale{Factor: 0}, In: []compute.Shape{{1, 4}}},
	},
}

// Fields are the settings.
func (s *Scale) Fields() []Field {
	return []Field{{Name: "factor", Help: "what every number is multiplied by", Ptr: &s.Factor, Min: -1e6, Max: 1e6}}
}

// Label is the factor.
func (s *Scale) Label() string { return fmt.Sprintf("× %g", s.Factor) }

// Plan takes anything.
func (s *Scale) Plan(in []compute.Shape) (Plan, error) {
	x, err := one(in, "one input")
	if err != nil {
		return Plan{}, err
	}
	return Plan{Out: x, InPlace: true}, nil
}

// Forward multiplies.
func (s *Scale) Forward(p *Pass) {
	compute.Scale(p.Pool, float32(s.Factor), p.In[0].Data, p.Out.Data)
}

// Backward is dx = Factor·dy.
func (s *Scale) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		compute.Scale(p.Pool, float32(s.Factor), p.DOut.Data, dx)
	}
}
