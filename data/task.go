package data

import (
	"fmt"
	"slices"
	"sync"

	"layercake/compute"
)

// task is a set whose samples are made up one by one from a stream of random
// numbers. Training samples are made anew in every epoch, test samples never,
// and the two never share a stream.
type task struct {
	name, title string
	train, test int // samples by default
	inputs      []Input
	classes     []string
	labels      int // of a sample
	targets     int
	// write makes one sample. What it does not write is 0, and labels are −1.
	write func(r *stream, test bool, s *sample)
}

// sample is the room of one sample.
type sample struct {
	x       [3][]float32
	lens    [3]int // of the inputs that are padded
	labels  []int32
	targets []float32
}

// set opens the task.
func (t task) set(o Options) (*Set, error) {
	s := &Set{Name: t.name, Title: t.title, Inputs: t.inputs, Classes: t.classes}
	if t.classes == nil {
		s.Targets = t.targets
	}
	sizes := Sizes{Labels: t.labels, Targets: t.targets}
	for _, in := range t.inputs {
		sizes.X, sizes.Padded = append(sizes.X, in.Shape), append(sizes.Padded, in.Padded)
	}
	n := [2]int{t.train, t.test}
	for k, want := range []int{o.Train, o.Test} {
		if want > 0 {
			n[k] = want
		}
		if n[k] > 1<<30 {
			return nil, fmt.Errorf("%s: %s samples were asked for, wants at most %s: ask for fewer", t.name, thousands(n[k]), thousands(1<<30))
		}
	}
	s.Train = &taskSplit{task: t, sizes: sizes, n: n[0], seed: o.Seed}
	s.Test = &taskSplit{task: t, sizes: sizes, n: n[1], seed: o.Seed, test: true}
	return s, nil
}

// taskSplit is one split of a task. Nothing is kept but the recipe.
type taskSplit struct {
	task
	sizes Sizes
	n     int
	seed  uint64
	test  bool
	room  sync.Pool // of *sample
}

func (t *taskSplit) Len() int { return t.n }

func (t *taskSplit) Sizes() Sizes { return t.sizes }

func (t *taskSplit) Image(int) []float32 { return nil }

func (t *taskSplit) Label(i int) int {
	if t.labels != 1 {
		return -1
	}
	label := []int32{-1}
	t.Fill([]int{i}, Samples{Labels: label})
	return int(label[0])
}

func (t *taskSplit) Fill(idx []int, to Samples) {
	s, _ := t.room.Get().(*sample)
	if s == nil {
		s = t.newSample()
	}
	for k, i := range idx {
		r := streamOf(t.seed, keyTrain, uint64(to.Epoch), uint64(i))
		if t.test {
			r = streamOf(t.seed, keyTest, uint64(i))
		}
		s.clear()
		t.write(&r, t.test, s)
		for j, x := range to.X {
			if x != nil {
				copy(x[k*len(s.x[j]):], s.x[j])
			}
		}
		for j, lens := range to.Lens {
			if lens != nil {
				lens[k] = int32(s.lens[j])
			}
		}
		if to.Labels != nil {
			copy(to.Labels[k*len(s.labels):], s.labels)
		}
		if to.Targets != nil {
			copy(to.Targets[k*len(s.targets):], s.targets)
		}
	}
	t.room.Put(s)
}

func (t *taskSplit) newSample() *sample {
	s := &sample{labels: make([]int32, t.sizes.Labels), targets: make([]float32, t.sizes.Targets)}
	for i, shape := range t.sizes.X {
		s.x[i] = make([]float32, shape.Size())
	}
	return s
}

func (s *sample) clear() {
	for i := range s.x {
		clear(s.x[i])
		s.lens[i] = 0
	}
	for i := range s.labels {
		s.labels[i] = -1
	}
	clear(s.targets)
}

// length is the length that was asked for, or that of the task, held between
// least and most.
func (o Options) length(name string, own, least, most int) (int, error) {
	if o.Length == 0 {
		return own, nil
	}
	if o.Length < least || o.Length > most {
		return 0, fmt.Errorf("%s: sequences of length %d were asked for, wants %d to %d: change the network's input", o.called(name), o.Length, least, most)
	}
	return o.Length, nil
}

// tokenInput is an input of token ids that stand for words.
func tokenInput(name string, length int, words []string, padded bool) Input {
	return Input{Name: name, Shape: compute.Shape{length}, Tokens: len(words), Words: words, Padded: padded}
}

// letters are the words that single characters make.
func letters(s string) []string {
	var out []string
	for _, c := range s {
		out = append(out, string(c))
	}
	return out
}

// digitWords are 0 to n−1.
func digitWords(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint(i))
	}
	return out
}

// spell writes text as ids of words of one character and returns how many.
func spell(x []float32, text string, words []string) int {
	n := 0
	for _, c := range text {
		if n == len(x) {
			break
		}
		x[n] = float32(max(0, slices.Index(words, string(c))))
		n++
	}
	return n
}
