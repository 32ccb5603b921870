package data

import (
	"fmt"
	"slices"
	"strings"

	"layercake/compute"
)

const maxLine = 64 // characters of a line that counts as a word or name

// lineSet is a list of names as a task: from the last few characters the next
// one is to be told, at every place of every name. A dot stands before the first and behind
// the last character. One name in ten is a test name, chosen by the seed. (As in
// Bengio et al., A neural probabilistic language model, 2003, for letters.)
func lineSet(name, title string, names []string, o Options) (*Set, error) {
	n, err := o.length(name, 3, 1, maxLine)
	if err != nil {
		return nil, err
	}
	used := map[rune]bool{}
	for _, w := range names {
		for _, c := range w {
			used[c] = true
		}
	}
	delete(used, '.')
	var words []string
	for c := range used {
		words = append(words, string(c))
	}
	slices.Sort(words)
	words = append([]string{"."}, words...)
	ids := map[rune]int32{}
	for i, w := range words {
		ids[[]rune(w)[0]] = int32(i)
	}
	splits := [2]*lines{{length: n}, {length: n}}
	order := make([]int, len(names))
	r := streamOf(o.Seed, keySplit)
	r.permute(order)
	test := len(names) / 10
	if o.All {
		test = 0
	}
	for k, i := range order {
		s := splits[0]
		if k < test {
			s = splits[1]
		}
		s.add(names[i], ids)
	}
	if o.All {
		splits[1] = splits[0]
	}
	for k, want := range []int{o.Train, o.Test} {
		if want > 0 && want < splits[k].Len() {
			cut := *splits[k]
			cut.ends = cut.ends[:want]
			splits[k] = &cut
		}
	}
	return &Set{
		Name: name, Title: title, Inputs: []Input{tokenInput("input", n, words, false)}, Classes: words,
		Train: splits[0], Test: splits[1],
	}, nil
}

// lines is a split of names: the ids of all, each between dots, and the places
// that are to be told.
type lines struct {
	length int
	ids    []int32
	ends   []int32 // places in ids
	starts []int32 // beside ends: where the name begins
}

func (s *lines) add(name string, ids map[rune]int32) {
	start := int32(len(s.ids))
	for _, c := range name + "." {
		s.ends, s.starts = append(s.ends, int32(len(s.ids))), append(s.starts, start)
		s.ids = append(s.ids, ids[c])
	}
}

func (s *lines) Len() int { return len(s.ends) }

func (s *lines) Sizes() Sizes { return Sizes{X: []compute.Shape{{s.length}}, Labels: 1} }

func (s *lines) Image(int) []float32 { return nil }

func (s *lines) Label(i int) int { return int(s.ids[s.ends[i]]) }

func (s *lines) Fill(idx []int, to Samples) {
	x := to.first()
	for k, i := range idx {
		at, start := s.ends[i], s.starts[i]
		if to.Labels != nil {
			to.Labels[k] = s.ids[at]
		}
		if x == nil {
			continue
		}
		for t := range s.length {
			id := int32(0)
			if from := at - int32(s.length-t); from >= start {
				id = s.ids[from]
			}
			x[k*s.length+t] = float32(id)
		}
	}
}

// readLines are the lines of a text that hold something, in lower case.
func readLines(name string, text []byte) ([]string, error) {
	var out []string
	for i, l := range strings.Split(string(text), "\n") {
		l = strings.ToLower(strings.TrimSpace(l))
		if len([]rune(l)) > maxLine {
			return nil, fmt.Errorf("%s: line %d has %d characters, wants at most %d: read it as a text, without #lines", name, i+1, len([]rune(l)), maxLine)
		}
		if l != "" {
			out = append(out, l)
		}
	}
	if len(out) < 2 {
		return nil, fmt.Errorf("%s: has %d lines that hold something, wants at least 2", name, len(out))
	}
	return out, nil
}
