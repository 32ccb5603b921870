package data

import (
	"context"
	"fmt"
	"math"
	"slices"
)

const (
	skipWindow    = 4 // words to either side that are company
	skipNegatives = 7 // words that are not, beside one that is
)

// openWords are pairs for word vectors: a word of the tales, and eight others, the
// first of which stood near it, the rest drawn by chance; the targets say which
// is which (Mikolov et al., Distributed representations of words and phrases and
// their compositionality, 2013: skip-gram with negative sampling, the negatives drawn by
// frequency to the power 3/4, frequent words left out at random).
func openWords(_ context.Context, o Options) (*Set, error) {
	if o.Length > 1 {
		return nil, fmt.Errorf("words: sequences of length %d were asked for, wants 1: change the network's input", o.Length)
	}
	words := taleWords()
	text := tales(o.Seed, keyTrain, 20000)
	ids := make([]int32, len(text))
	counts := make([]float64, len(words))
	for i, w := range text {
		k, _ := slices.BinarySearch(words, w)
		ids[i] = int32(k)
		counts[k]++
	}
	// keep is the chance with which a word stays, √(t/f) at most 1.
	keep := make([]float64, len(words))
	chances := make([]float64, len(words)) // summed up, of negatives
	sum := 0.0
	for k, c := range counts {
		keep[k] = min(1, math.Sqrt(0.005*float64(len(text))/max(c, 1)))
		sum += math.Pow(c, 0.75)
		chances[k] = sum
	}
	stop, _ := slices.BinarySearch(words, ".")
	set, err := task{
		name: "words", title: "words of a small grammar and their company", train: 50000, test: 2000, targets: 1 + skipNegatives,
		inputs: []Input{tokenInput("word", 1, words, false), tokenInput("company", 1+skipNegatives, words, false)},
		write: func(r *stream, _ bool, s *sample) {
			for {
				i := r.intn(len(ids))
				step := 1 + r.intn(skipWindow)
				j := i + step
				if r.chance(0.5) {
					j = i - step
				}
				if j < 0 || j >= len(ids) || !r.chance(keep[ids[i]]) || !r.chance(keep[ids[j]]) || crosses(ids, i, j, int32(stop)) {
					continue
				}
				s.x[0][0], s.x[1][0], s.targets[0] = float32(ids[i]), float32(ids[j]), 1
				break
			}
			for k := range skipNegatives {
				at, _ := slices.BinarySearch(chances, r.float()*sum)
				s.x[1][1+k] = float32(min(at, len(words)-1))
			}
		},
	}.set(o)
	if err == nil {
		set.Analogies = analogies(words)
	}
	return set, err
}

// crosses reports whether the end of a sentence lies from i to j.
func crosses(ids []int32, i, j int, stop int32) bool {
	return slices.Contains(ids[min(i, j):max(i, j)+1], stop)
}

// openNames are names of a made-up tongue, letter by letter; see lines.
func openNames(_ context.Context, o Options) (*Set, error) {
	var names []string
	seen := map[string]bool{}
	for r := streamOf(o.Seed, keyTrain); len(names) < 4000; {
		if n := madeUpName(&r); !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	return lineSet("names", "names of a made-up tongue", names, o)
}

// madeUpName is two or three syllables and perhaps an ending.
func madeUpName(r *stream) string {
	of := func(list ...string) string { return list[r.intn(len(list))] }
	name := ""
	for k := range 2 + r.intn(2) {
		name += of("b", "d", "k", "l", "m", "n", "r", "s", "t", "v", "j", "th", "br", "st", "")
		name += of("a", "e", "i", "o", "u", "a", "e", "ai", "ei")
		if k > 0 && r.chance(0.3) {
			name += of("n", "r", "l", "s")
		}
	}
	if r.chance(0.3) {
		name += of("dor", "lin", "na", "ra", "mir")
	}
	return name
}

// openTales is the text of the tales, character by character.
func openTales(_ context.Context, o Options) (*Set, error) {
	var text []byte
	for _, w := range tales(o.Seed, keyTrain, 12000) {
		switch {
		case w == ".":
			text = append(text, ".\n"...)
			continue
		case len(text) > 0 && text[len(text)-1] != '\n':
			text = append(text, ' ')
		}
		text = append(text, w...)
	}
	return textSet("tales", "sentences of a small grammar, by character", text, byCharacter{}, o)
}
