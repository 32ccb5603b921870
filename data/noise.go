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
		Inputs: in, Classes: make([]string, classes),
	}
	for i := range set.Classes {
		set.Classes[i] = fmt.Sprint(i)
	}
	sizes := Sizes{Labels: labels}
	s := &noise{labels: make([]int32, n*labels), n: n}
	r := streamOf(seed, keyTrain)
	for _, m := range in {
		sizes.X = append(sizes.X, m.Shape)
		x := make([]float32, n*m.Shape.Size())
		for i := range x {
			x[i] = r.number(m.Tokens)
		}
		s.x = append(s.x, x)
	}
	s.sizes = sizes
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
	n      int
	x      [][]float32 // by input: [n, ...]
	labels []int32     // [n, Labels]
}

func (s *noise) Len() int { return s.n }

func (s *noise) Sizes() Sizes { return s.sizes }

func (s *noise) Image(int) []float32 { return nil }

func (s *noise) Label(i int) int {
	if s.sizes.Labels != 1 {
		return -1
	}
	return int(s.labels[i])
}

func (s *noise) Fill(idx []int, to Samples) {
	for j, x := range to.X {
		if x == nil {
			continue
		}
		row := s.sizes.X[j].Size()
		for k, i := range idx {
			copy(x[k*row:(k+1)*row], s.x[j][i*row:(i+1)*row])
		}
	}
	if to.Labels == nil {
		return
	}
	n := s.sizes.Labels
	for k, i := range idx {
		copy(to.Labels[k*n:(k+1)*n], s.labels[i*n:(i+1)*n])
	}
}
