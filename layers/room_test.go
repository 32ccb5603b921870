package layers

import (
	"testing"

	"layercake/compute"
)

// What a layer borrows is eight times its largest gradient that is summed in parts.
func TestRoomIsThatOfTheLargestGradient(t *testing.T) {
	x := []compute.Shape{{128, 128}}
	for _, c := range []struct {
		name  string
		layer interface {
			Room(n int, in []compute.Shape) int
		}
		n    int
		in   []compute.Shape
		want int
	}{
		{"dense", &Dense{Units: 512}, 16, x, 8 * 128 * 512},
		{"dense, few rows", &Dense{Units: 512}, 4, x, 0},
		{"unembedding", &Unembedding{Tokens: 65}, 16, x, 8 * 65 * 128},
		{"rnn", &RNN{Recurrent: Recurrent{Units: 96, Layers: 1}}, 16, x, 8 * 128 * 96},
		{"lstm", &LSTM{Recurrent: Recurrent{Units: 128, Layers: 1}}, 16, []compute.Shape{{128, 65}}, 8 * 128 * 512},
		{"lstm of one step", &LSTM{Recurrent: Recurrent{Units: 128, Layers: 1}}, 16, []compute.Shape{{1, 65}}, 0},
		{"gru", &GRU{Recurrent: Recurrent{Units: 128, Layers: 1}}, 16, []compute.Shape{{128, 16}}, 8 * 128 * 256},
		{"gru of two layers", &GRU{Recurrent: Recurrent{Units: 128, Layers: 2}}, 16, []compute.Shape{{128, 16}}, 8 * 128 * 384},
		{"attention", &Attention{Heads: 4}, 16, x, 8 * 128 * 384},
		{"cross-attention", &Attention{Heads: 4}, 16, []compute.Shape{{4, 128}, {128, 128}}, 8 * 128 * 256},
		{"cross-attention, two widths", &Attention{Heads: 4}, 16, []compute.Shape{{4, 128}, {128, 64}}, 8 * 64 * 128},
	} {
		if got := c.layer.Room(c.n, c.in); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
