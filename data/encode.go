package data

import (
	"fmt"
	"unicode/utf8"
)

// Encode cuts a text into tokens of the input, as the set did with its own: into
// single characters or bytes, of which neighbours are joined again for as long as
// some make a longer token, the one that was found first in training before the others.
func (in *Input) Encode(text string) ([]int32, error) {
	if in.Words == nil {
		return nil, fmt.Errorf("nobody knows what the tokens of %s mean, wants a text, names or a task of words", in.Name)
	}
	index := make(map[string]int32, len(in.Words))
	for i, w := range in.Words {
		if _, twice := index[w]; !twice {
			index[w] = int32(i)
		}
	}
	var ids []int32
	for rest := text; rest != ""; {
		word := firstWord(rest)
		more, err := in.encodeWord(word, index)
		if err != nil {
			return nil, err
		}
		ids, rest = append(ids, more...), rest[len(word):]
	}
	return ids, nil
}

// encodeWord is Encode for a word, over whose border no token reaches.
func (in *Input) encodeWord(word string, index map[string]int32) ([]int32, error) {
	var ids []int32
	for i := 0; i < len(word); {
		size := 1
		if _, known := index[word[i:i+1]]; !known {
			_, size = utf8.DecodeRuneInString(word[i:])
		}
		id, known := index[word[i:i+size]]
		if !known {
			return nil, fmt.Errorf("%q is none of the %d tokens of %s: leave it out or write it another way", word[i:i+size], len(in.Words), in.Name)
		}
		ids = append(ids, id)
		i += size
	}
	for {
		best, at := int32(len(in.Words)), -1
		for i := range len(ids) - 1 {
			if id, known := index[in.Words[ids[i]]+in.Words[ids[i+1]]]; known && id < best {
				best, at = id, i
			}
		}
		if at < 0 {
			return ids, nil
		}
		ids[at] = best
		ids = append(ids[:at+1], ids[at+2:]...)
	}
}
