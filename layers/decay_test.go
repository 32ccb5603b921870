package layers_test

import (
	"strings"
	"testing"

	"layercake/layers"
)

// TestDecay holds every kind to one rule: weight decay takes matrices and
// kernels, and leaves what has a single axis, which are biases, the scales and
// shifts of norms, and slopes. What has parameters says so on its card.
func TestDecay(t *testing.T) {
	for _, k := range layers.Catalog {
		trained := false
		for _, ex := range k.Examples {
			plan, err := ex.Layer.Plan(ex.In)
			if err != nil {
				t.Fatalf("%s: %v", k.Name, err)
			}
			for _, p := range plan.Params {
				trained = true
				name := p.Name[strings.LastIndex(p.Name, ".")+1:]
				left := len(p.Shape) == 1 || strings.Contains(name, "bias") || k.Family == layers.Regularize
				if p.Decay == left {
					t.Errorf("%s: weight decay of %s %v is %v", k.Name, p.Name, p.Shape, p.Decay)
				}
			}
			for _, p := range plan.State {
				if p.Decay {
					t.Errorf("%s: weight decay of the state %s, which is not trained", k.Name, p.Name)
				}
			}
		}
		if says := strings.Contains(k.Card.Params, "weight decay") || strings.Contains(k.Card.Params, "Weight decay"); says != trained {
			t.Errorf("%s: the card's parameters are %q: says of weight decay %v, and has parameters %v", k.Name, k.Card.Params, says, trained)
		}
	}
}
