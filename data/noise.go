package data

import (
	"fmt"
	"math"
)

// Noise is n samples of nothing: normal numbers, or token ids of equal chance,
// for each of the inputs, with so many random labels a sample below classes. It
// has no test samples. There is nothing to learn in it; it is for measuring
// how fast a network trains.
func Noise(in []Input, classes, labels, n int, seed uint64) *Set {
	set := &Set{
		Name: "noise", Title: "random numbers and labels",
		Input: in[0].Shape, Tokens: in[0].Tokens, More: in[1:], Classes: make([]string, classes),
	}
	for i := range set.Classes {
		set.Classes[i] = fmt.Sprint(i)
	}
	sizes := Sizes{X: in[0].Shape, Labels: labels}
	for _, m := range in[1:] {
		sizes.More += m.Shape.Size()
	}
	s := &noise{sizes: sizes, x: make([]float32, 0, n*sizes.Row()), labels: make([]int32, n*labels)}
	r := streamOf(seed, keyTrain)
	for range n {
		for _, m := range in {
			for range m.Shape.Size() {
				s.x = append(s.x, r.number(m.Tokens))
			}
		}
	}
	for i := range s.labels {
		s.labels[i] = int32(r.intn(classes))
	}
	set.Train, set.Test = s, &noise{sizes: sizes}
	return set
}

// number is a token id below tokens, or for 0 a normal number (Box and Muller,
// A note on the generation of random normal deviates, 1958).
func (s *stream) number(tokens int) float32 {
	if tokens > 0 {
		return float32(s.intn(tokens))
	}
	u, v := 1-s.float(), s.float()
	return float32(math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v))
}

// noise is a split of samples that are kept as they are fed.
type noise struct {
	sizes  Sizes
	x      []float32 // [n, Row]
	labels []int32   // [n, Labels]
}

func (s *noise) Len() int { return len(s.x) / s.sizes.Row() }

func (s *noise) Sizes() Sizes { return s.sizes }

func (s *noise) Image(int) []float32 { return nil }

func (s *noise) Label(i int) int {
	if s.sizes.Labels != 1 {
		return -1
	}
	return int(s.labels[i])
}

func (s *noise) Fill(idx []int, x []float32, labels []int32, _ []float32) {
	row, n := s.sizes.Row(), s.sizes.Labels
	for k, i := range idx {
		if x != nil {
			copy(x[k*row:(k+1)*row], s.x[i*row:(i+1)*row])
		}
		if labels != nil {
			copy(labels[k*n:(k+1)*n], s.labels[i*n:(i+1)*n])
		}
	}
}
