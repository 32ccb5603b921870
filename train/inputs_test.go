package train

import (
	"strings"
	"testing"

	"layercake/compute"
	"layercake/data"
)

const twoInputs = `
name: two
inputs: {a: [2], b: [3]}
layers:
  - concat: {from: [a, b]}
  - dense: {name: fc, units: 4}
  - tanh
  - dense: {name: out, units: 3}
`

const oneInput = `
name: one
input: [5]
layers:
  - dense: {name: fc, units: 4}
  - tanh
  - dense: {name: out, units: 3}
`

// A network that reads two inputs apart and joins them must do the same sums as
// one that reads them as one.
func TestSeveralInputs(t *testing.T) {
	whole := blobSet(compute.Shape{5}, 40, 0)
	apart := *whole
	apart.Inputs = []data.Input{{Name: "a", Shape: compute.Shape{2}}, {Name: "b", Shape: compute.Shape{3}}}
	apart.Train = &halves{whole.Train.(*blobs)}

	losses := func(text string, set *data.Set) (out []float64) {
		s, err := NewStepper(config(t, text, "train: {batch: 16, steps: 6, optimizer: {sgd: {lr: 0.1}}}\n", set))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for range 6 { // three batches an epoch, the last one short
			if err := s.Step(); err != nil {
				t.Fatal(err)
			}
			out = append(out, s.t.Loss.value())
		}
		return out
	}
	one, two := losses(oneInput, whole), losses(twoInputs, &apart)
	for i := range one {
		if one[i] != two[i] {
			t.Fatalf("step %d: loss %v with two inputs, %v with one", i+1, two[i], one[i])
		}
	}
	if one[5] >= one[0] {
		t.Errorf("the loss went from %v to %v", one[0], one[5])
	}
}

// halves is a split whose five numbers are fed as two and three.
type halves struct{ *blobs }

func (h *halves) Sizes() data.Sizes {
	return data.Sizes{X: []compute.Shape{{2}, {3}}, Labels: 1}
}

func (h *halves) Fill(idx []int, to data.Samples) {
	for k, i := range idx {
		copy(to.X[0][k*2:(k+1)*2], h.x[i*5:])
		copy(to.X[1][k*3:(k+1)*3], h.x[i*5+2:])
		to.Labels[k] = h.labels[i]
	}
}

// What a sample feeds and what a network reads must fit, input by input.
func TestRefusesInputs(t *testing.T) {
	tokens := "name: t\ninput: {tokens: 9, length: 4}\nlayers:\n  - embedding: {tokens: 9, width: 3}\n  - flatten\n  - dense: {units: 3}\n"
	in := func(shape compute.Shape, tokens int) data.Input {
		return data.Input{Name: "b", Shape: shape, Tokens: tokens}
	}
	for _, c := range []struct {
		name, text string
		in         []data.Input
		want       string // "" is taken
	}{
		{"tokens", tokens, []data.Input{in(compute.Shape{4}, 9)}, ""},
		{"fewer tokens", tokens, []data.Input{in(compute.Shape{4}, 5)}, ""},
		{"more tokens", tokens, []data.Input{in(compute.Shape{4}, 12)}, "set tokens: 12"},
		{"numbers for tokens", tokens, []data.Input{in(compute.Shape{4}, 0)}, "reads token ids"},
		{"one of two", twoInputs, []data.Input{in(compute.Shape{2}, 0)}, "2 inputs, and noise feeds 1"},
		{"two", twoInputs, []data.Input{in(compute.Shape{2}, 0), in(compute.Shape{3}, 0)}, ""},
		{"second shape", twoInputs, []data.Input{in(compute.Shape{2}, 0), in(compute.Shape{4}, 0)}, "the input b of two is 3, and noise feeds 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := FromSpec(graph(t, c.text, ""), data.Noise(c.in, 3, 1, 20, 1), Overrides{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			s, err := NewStepper(cfg)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if err := s.Step(); err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want a refusal that says %q", err, c.want)
			}
		})
	}
}

// Batches by length are for samples that have lengths.
func TestByLengthRefused(t *testing.T) {
	c := config(t, oneInput, "train: {batch: 16, steps: 6, by_length: true}\n", blobSet(compute.Shape{5}, 40, 0))
	if _, err := c.check(); err == nil || !strings.Contains(err.Error(), "are all of one length: leave it out") {
		t.Errorf("got %v", err)
	}
}
