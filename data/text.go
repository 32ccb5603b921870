package data

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"layercake/compute"
)

const (
	maxText = 1 << 30 // bytes of a text
	// textLength is the length of a piece unless a network asks for another.
	textLength = 64
)

// tokenizer cuts a text into tokens.
type tokenizer interface {
	// tokens are the text's ids and what each id means.
	tokens(text []byte) (ids []int32, words []string, err error)
}

// byCharacter has a token for each character that occurs, in the order of their codes.
type byCharacter struct{}

func (byCharacter) tokens(text []byte) ([]int32, []string, error) {
	used := map[rune]int32{}
	for at, c := range string(text) {
		if c == utf8.RuneError {
			if _, size := utf8.DecodeRune(text[at:]); size == 1 {
				return nil, nil, fmt.Errorf("byte %d is no character of UTF-8: read it by byte, with #byte behind the path", at)
			}
		}
		used[c] = 0
	}
	if len(used) > 1<<16 {
		return nil, nil, fmt.Errorf("it has %d different characters, wants at most %d: read it by byte, with #byte behind the path", len(used), 1<<16)
	}
	var order []rune
	for c := range used {
		order = append(order, c)
	}
	slices.Sort(order)
	words := make([]string, len(order))
	for i, c := range order {
		used[c], words[i] = int32(i), string(c)
	}
	ids := make([]int32, 0, len(text))
	for _, c := range string(text) {
		ids = append(ids, used[c])
	}
	return ids, words, nil
}

// byByte has a token for each of the 256 bytes.
type byByte struct{}

func (byByte) tokens(text []byte) ([]int32, []string, error) {
	ids, words := make([]int32, len(text)), make([]string, 256)
	for i, b := range text {
		ids[i] = int32(b)
	}
	for b := range words {
		words[b] = string([]byte{byte(b)})
	}
	return ids, words, nil
}

// textSet is a text of which each next token is to be told. Its first nine tenths are for
// training: pieces one after the other, which begin at another place in every epoch. The
// last tenth is for testing.
func textSet(name, title string, text []byte, by tokenizer, o Options) (*Set, error) {
	n, err := o.length(name, textLength, 1, 1<<20)
	if err != nil {
		return nil, err
	}
	ids, words, err := by.tokens(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.called(name), err)
	}
	cut := len(ids) / 10 * 9
	train := &pieces{ids: ids[:cut], length: n, seed: o.Seed, shift: true}
	test := &pieces{ids: ids[cut:], length: n}
	if train.Len() < 1 || test.Len() < 1 {
		return nil, fmt.Errorf("%s: has %d tokens, wants at least %d for pieces of %d: give a longer text or a shorter input", o.called(name), len(ids), 10*(2*n+1), n)
	}
	train.most, test.most = o.Train, o.Test
	return &Set{
		Name: name, Title: title, Inputs: []Input{tokenInput("input", n, words, false)}, Classes: words,
		Train: train, Test: test,
	}, nil
}

// pieces is a split of a text into pieces of one length.
type pieces struct {
	ids    []int32
	length int
	most   int // pieces; 0 all
	seed   uint64
	shift  bool // pieces begin elsewhere in every epoch
}

func (s *pieces) Len() int {
	spare := 1 // the label of the last step
	if s.shift {
		spare = s.length
	}
	n := max(0, (len(s.ids)-spare)/s.length)
	if s.most > 0 {
		n = min(n, s.most)
	}
	return n
}

func (s *pieces) Sizes() Sizes {
	return Sizes{X: []compute.Shape{{s.length}}, Labels: s.length, Follows: true}
}

func (s *pieces) Image(int) []float32 { return nil }

func (s *pieces) Label(int) int { return -1 }

func (s *pieces) Fill(idx []int, to Samples) {
	x, n := to.first(), s.length
	first := 0
	if s.shift {
		r := streamOf(s.seed, keyShift, uint64(to.Epoch))
		first = r.intn(n)
	}
	for k, i := range idx {
		at := first + i*n
		if x != nil {
			for t, id := range s.ids[at : at+n] {
				x[k*n+t] = float32(id)
			}
		}
		if to.Labels != nil {
			copy(to.Labels[k*n:(k+1)*n], s.ids[at+1:at+1+n])
		}
	}
}

// openText reads a text file. Behind a number sign stands how to cut it: char
// (the default), byte, bpe512 for byte pairs with that many tokens, or lines for a
// list of names; lines,all keeps no names back for testing and tests on all.
func openText(ctx context.Context, o Options, path, how string) (*Set, error) {
	s, err := newSources(ctx, o, []string{path})
	if err != nil {
		return nil, err
	}
	base := filepath.Base(path)
	// The text, once more while it is cut, and four bytes a token.
	if err := enough(path, "its tokens", 6*float64(s.total), roomForData()); err != nil {
		return nil, err
	}
	if s.total > maxText {
		return nil, fmt.Errorf("%s: has %s bytes, wants a text of at most %s", path, thousands(int(s.total)), thousands(maxText))
	}
	var text []byte
	err = s.read(path, func(_ string, r io.Reader, _ int64) error {
		r, _, err := inflate(base, r)
		if err != nil {
			return err
		}
		text, err = io.ReadAll(io.LimitReader(r, maxText+1))
		if err == nil && len(text) > maxText {
			err = fmt.Errorf("%s: unpacks to more than %s bytes, wants a smaller text", path, thousands(maxText))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	name, _, _ := strings.Cut(base, ".")
	title := "the text " + base
	switch {
	case how == "lines" || how == "lines,all":
		names, err := readLines(path, text)
		if err != nil {
			return nil, err
		}
		o.All = how == "lines,all"
		set, err := lineSet(name, "the lines of "+base, names, o)
		if err == nil && o.All {
			set.Notes = append(set.Notes, "every line is for training, and the test is on the same lines")
		}
		return set, err
	case how == "" || how == "char":
		return textSet(name, title+" by character", text, byCharacter{}, o)
	case how == "byte":
		return textSet(name, title+" by byte", text, byByte{}, o)
	case strings.HasPrefix(how, "bpe"):
		size, err := strconv.Atoi(how[len("bpe"):])
		if err != nil || size < 257 || size > 1<<16 {
			return nil, fmt.Errorf("%s#%s: wants bpe and a number of tokens from 257 to %d, as in #bpe512", path, how, 1<<16)
		}
		return textSet(name, title+" by byte pairs", text, byPairs{size}, o)
	}
	return nil, fmt.Errorf("%s#%s: wants char, byte, bpe512 or lines behind the number sign", path, how)
}
