package model

import "testing"

// TestTrainMACs counts by hand: a product and its gradients cost the same,
// and what nothing to be trained comes before needs no gradient by its input.
func TestTrainMACs(t *testing.T) {
	for _, c := range []struct {
		name, text           string
		forward, forTraining int64
	}{
		{"first layer behind a view", "input: [2, 3, 3]\nlayers:\n  - flatten\n  - dense: {units: 5}\n  - relu\n  - dense: {units: 4}\n",
			18*5 + 5*4, 2*18*5 + 3*5*4},
		{"weights without products before it", "input: [6]\nlayers:\n  - batchnorm\n  - dense: {units: 4}\n", 24, 3 * 24},
		{"tokens", "input: {tokens: 7, length: 3}\nlayers:\n  - embedding: {tokens: 7, width: 2}\n  - dense: {units: 5}\n",
			3 * 2 * 5, 3 * 3 * 2 * 5},
		{"both ways of a residual", "input: [1, 4, 4]\nlayers:\n  - residual:\n      shortcut: projection\n      layers:\n        - conv2d: {filters: 2, kernel: 3, padding: same}\n        - conv2d: {filters: 2, kernel: 1}\n",
			16*2*9 + 16*2*2 + 16*2, 2*16*2*9 + 3*16*2*2 + 2*16*2},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := Resolve(mustParse(t, c.text))
			if g.Err != nil {
				t.Fatal(g.Err)
			}
			if g.MACs() != c.forward || g.TrainMACs() != c.forTraining {
				t.Errorf("%d multiply-adds forward and %d to train, want %d and %d", g.MACs(), g.TrainMACs(), c.forward, c.forTraining)
			}
		})
	}
}
