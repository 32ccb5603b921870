package data

import (
	"context"
	"math"
	"slices"

	"layercake/compute"
)

const (
	taskTrain = 10000
	taskTest  = 1000
)

// openAdding is the adding problem (Hochreiter and Schmidhuber, Long short-term
// memory, 1997): of a row of numbers in [0, 1) two are marked, one in each half;
// the target is their sum. Saying 1 each time has a mean squared error of 1/6.
func openAdding(_ context.Context, o Options) (*Set, error) {
	n, err := o.length("adding", 100, 2, 1<<14)
	if err != nil {
		return nil, err
	}
	return task{
		name: "adding", title: "the adding problem", train: taskTrain, test: taskTest, targets: 1,
		inputs: []Input{{Name: "input", Shape: compute.Shape{n, 2}}},
		write: func(r *stream, _ bool, s *sample) {
			a, b := r.intn(n/2), n/2+r.intn(n-n/2)
			for t := range n {
				s.x[0][2*t] = float32(r.float())
			}
			s.x[0][2*a+1], s.x[0][2*b+1] = 1, 1
			s.targets[0] = s.x[0][2*a] + s.x[0][2*b]
		},
	}.set(o)
}

// copyLetters is how many letters the copy task has to remember.
const copyLetters = 10

// openCopy is the copy memory problem (Hochreiter and Schmidhuber, 1997, in the
// form of Arjovsky, Shah and Bengio, Unitary evolution recurrent neural
// networks, 2016): ten letters out of eight, a long blank, a sign, and then
// the letters are to be said again. Only those ten steps are judged; the
// length of the input is the blank plus 20.
func openCopy(_ context.Context, o Options) (*Set, error) {
	n, err := o.length("copy", 30+2*copyLetters, 2*copyLetters+1, 1<<14)
	if err != nil {
		return nil, err
	}
	words := append(letters("abcdefgh"), "·", "?")
	return task{
		name: "copy", title: "the copy memory problem", train: taskTrain, test: taskTest,
		inputs: []Input{tokenInput("input", n, words, false)}, classes: words, labels: n,
		write: func(r *stream, _ bool, s *sample) {
			x := s.x[0]
			for t := range x {
				x[t] = 8
			}
			x[n-copyLetters-1] = 9
			for t := range copyLetters {
				c := r.intn(8)
				x[t], s.labels[n-copyLetters+t] = float32(c), int32(c)
			}
		},
	}.set(o)
}

// openReverse asks for a row of digits from its end to its beginning, and
// openSort for it in order; one label a step.
func openReverse(_ context.Context, o Options) (*Set, error) {
	return digitTask("reverse", "reverse a row of digits", o, slices.Reverse[[]int32])
}

func openSort(_ context.Context, o Options) (*Set, error) {
	return digitTask("sort", "sort a row of digits", o, slices.Sort[[]int32])
}

func digitTask(name, title string, o Options, arrange func([]int32)) (*Set, error) {
	n, err := o.length(name, 8, 1, 1<<14)
	if err != nil {
		return nil, err
	}
	words := digitWords(10)
	return task{
		name: name, title: title, train: taskTrain, test: taskTest,
		inputs: []Input{tokenInput("input", n, words, false)}, classes: words, labels: n,
		write: func(r *stream, _ bool, s *sample) {
			for t := range n {
				s.labels[t] = int32(r.intn(10))
				s.x[0][t] = float32(s.labels[t])
			}
			arrange(s.labels)
		},
	}.set(o)
}

// openParity asks whether a row of bits, of any length up to the input's, has
// an odd number of ones.
func openParity(_ context.Context, o Options) (*Set, error) {
	n, err := o.length("parity", 16, 1, 1<<14)
	if err != nil {
		return nil, err
	}
	return task{
		name: "parity", title: "parity of a row of bits", train: taskTrain, test: taskTest,
		inputs: []Input{tokenInput("input", n, digitWords(2), true)}, classes: []string{"even", "odd"}, labels: 1,
		write: func(r *stream, _ bool, s *sample) {
			s.lens[0] = 1 + r.intn(n)
			s.labels[0] = 0
			for t := range s.lens[0] {
				bit := r.intn(2)
				s.x[0][t] = float32(bit)
				s.labels[0] ^= int32(bit)
			}
		},
	}.set(o)
}

// openDyck asks whether brackets of two kinds close in the order in which they
// open (the language D₂: Chomsky and Schützenberger, The algebraic theory of
// context-free languages, 1963). Half of the rows do; the others have one
// bracket changed to the other kind, or two of the row swapped, such that they do not.
func openDyck(_ context.Context, o Options) (*Set, error) {
	n, err := o.length("dyck", 24, 4, 1<<12)
	if err != nil {
		return nil, err
	}
	words := letters("()[]")
	return task{
		name: "dyck", title: "well-formed brackets of two kinds", train: taskTrain, test: taskTest,
		inputs: []Input{tokenInput("input", n, words, true)}, classes: []string{"broken", "well-formed"}, labels: 1,
		write: func(r *stream, _ bool, s *sample) {
			pairs := 1 + r.intn(n/2)
			x := s.x[0][:2*pairs]
			s.lens[0], s.labels[0] = len(x), 1
			writeDyck(r, x)
			if r.chance(0.5) {
				return
			}
			s.labels[0] = 0
			for {
				i, j := r.intn(len(x)), r.intn(len(x))
				a, b := x[i], x[j]
				if r.chance(0.5) {
					x[i] = float32(int(a) ^ 2) // the other kind
				} else {
					x[i], x[j] = b, a
				}
				if !isDyck(x) {
					return
				}
				x[i], x[j] = a, b
			}
		},
	}.set(o)
}

// writeDyck fills x with well-formed brackets: 0 and 2 open, 1 and 3 close.
func writeDyck(r *stream, x []float32) {
	for len(x) > 0 {
		// The first bracket closes after some pairs inside.
		inside := 2 * r.intn(len(x)/2)
		kind := float32(2 * r.intn(2))
		x[0], x[inside+1] = kind, kind+1
		writeDyck(r, x[1:inside+1])
		x = x[inside+2:]
	}
}

// isDyck reports whether the brackets of x are well-formed. It takes pairs off in place on
// a small stack of its own bits: the depth is at most 2¹¹.
func isDyck(x []float32) bool {
	var stack [1 << 11]bool
	depth := 0
	for _, v := range x {
		square := v >= 2
		if int(v)&1 == 0 {
			if depth == len(stack) {
				return false
			}
			stack[depth] = square
			depth++
			continue
		}
		if depth == 0 || stack[depth-1] != square {
			return false
		}
		depth--
	}
	return depth == 0
}

// sineAhead is how many values are to be foretold.
const sineAhead = 8

// openSine is a noisy sine wave whose next eight values, without the noise, are
// to be foretold: frequency, phase and height are drawn anew for each sample.
func openSine(_ context.Context, o Options) (*Set, error) {
	n, err := o.length("sine", 48, 2, 1<<14)
	if err != nil {
		return nil, err
	}
	return task{
		name: "sine", title: "forecast a noisy sine", train: taskTrain, test: taskTest, targets: sineAhead,
		inputs: []Input{{Name: "input", Shape: compute.Shape{n, 1}}},
		write: func(r *stream, _ bool, s *sample) {
			step, phase, height := r.between(0.1, 0.8), r.between(0, 2*math.Pi), r.between(0.5, 1.5)
			for t := range n {
				s.x[0][t] = float32(height*math.Sin(phase+step*float64(t))) + 0.1*r.number(0)
			}
			for t := range sineAhead {
				s.targets[t] = float32(height * math.Sin(phase+step*float64(n+t)))
			}
		},
	}.set(o)
}
