package data

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func sprint(v any) string { return fmt.Sprint(v) }

func textFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "book.txt")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Pieces tell the next token, cover the text but for its border, and follow one another.
func TestTextPieces(t *testing.T) {
	text := strings.Repeat("abcdefghij", 20) // 180 for training, 20 for testing
	s := opened(t, textFile(t, text), Options{Seed: 2, Length: 8})
	if len(s.Classes) != 10 || s.Inputs[0].Tokens != 10 || s.Train.Len() != (180-8)/8 || s.Test.Len() != 19/8 {
		t.Fatalf("%d classes, %d and %d pieces", len(s.Classes), s.Train.Len(), s.Test.Len())
	}
	starts := map[float32]bool{}
	for epoch := range 12 {
		last := float32(-1)
		for i := range s.Train.Len() {
			q := one(s.Train, epoch, i)
			for k, c := range q.Labels {
				if want := (int32(q.X[0][k]) + 1) % 10; c != want {
					t.Fatalf("after %v comes %d, want %d", q.X[0][k], c, want)
				}
			}
			if i > 0 && int32(q.X[0][0]) != int32(last+1)%10 {
				t.Fatalf("piece %d begins with %v after %v", i, q.X[0][0], last)
			}
			last = q.X[0][7]
		}
		starts[one(s.Train, epoch, 0).X[0][0]] = true
	}
	if len(starts) < 4 {
		t.Errorf("in 12 epochs the pieces began in %d ways", len(starts))
	}
	if q := one(s.Test, 5, 0); q.X[0][0] != 0 {
		t.Errorf("the test text begins with %v, want the first letter of its tenth", q.X[0][0])
	}
}

// Cut in any way, a text's tokens put together are the text.
func TestTokenizersLoseNothing(t *testing.T) {
	text := []byte("the cat sat on the mat; the other cats sat, too: 42 cats!\n  Ärger über öde Tage…\n")
	text = bytes.Repeat(text, 5)
	for name, by := range map[string]tokenizer{"char": byCharacter{}, "byte": byByte{}, "bpe": byPairs{290}, "bpe, exhausted": byPairs{5000}} {
		ids, words, err := by.tokens(text)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, id := range ids {
			b.WriteString(words[id])
		}
		if b.String() != string(text) {
			t.Errorf("%s: came back as %q", name, b.String())
		}
		if name == "bpe" && (len(words) != 290 || len(ids) > len(text)*2/3) {
			t.Errorf("%d tokens of %d words for %d bytes", len(ids), len(words), len(text))
		}
		in := tokenInput("input", 4, words, false)
		if read, err := in.Encode(string(text)); err != nil || !slices.Equal(read, ids) {
			t.Errorf("%s: read again it is cut into %d tokens, %v, want the same %d", name, len(read), err, len(ids))
		}
		if name == "char" {
			if _, err := in.Encode("the Qat"); err == nil || !strings.Contains(err.Error(), `"Q" is none of the`) {
				t.Errorf("a sign that is not in the text: %v", err)
			}
		}
		again, same, _ := by.tokens(text)
		if !slices.Equal(ids, again) || !slices.Equal(words, same) {
			t.Errorf("%s: two cuts differ", name)
		}
	}
}

// The first pairs are those counted by hand: "lo" stands four times before any
// other pair, then "low".
func TestBytePairsByHand(t *testing.T) {
	_, words, err := byPairs{259}.tokens([]byte("low low low lower er"))
	if err != nil {
		t.Fatal(err)
	}
	if got := words[256:]; !slices.Equal(got, []string{"lo", "low", " low"}) {
		t.Errorf("pairs are %q", got)
	}
}

func TestTextRefusals(t *testing.T) {
	for _, c := range []struct{ text, how, want string }{
		{"too short", "", "wants at least"},
		{"a\xffb", "#char", "byte 1 is no character"},
		{"abc", "#bpe7", "from 257"},
		{"abc", "#words", "wants char, byte, bpe512 or lines"},
		{"one\n\n", "#lines", "1 lines that hold something"},
		{strings.Repeat("x", 70) + "\nb", "#lines", "line 1 has 70 characters"},
	} {
		_, err := Open(context.Background(), textFile(t, c.text)+c.how, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q%s: got %v, want %q", c.text, c.how, err, c.want)
		}
	}
}

// Lines are told letter by letter from what stands before in the same line.
func TestLines(t *testing.T) {
	path := textFile(t, "Ab\nb\n\nabba\n")
	s := opened(t, path+"#lines,all", Options{Length: 3})
	if got := strings.Join(s.Classes, ""); got != ".ab" {
		t.Fatalf("letters %q", got)
	}
	if s.Train.Len() != 3+2+5 || s.Test.Len() != 10 || len(s.Notes) != 1 {
		t.Fatalf("%d and %d places, notes %v", s.Train.Len(), s.Test.Len(), s.Notes)
	}
	seen := map[string]bool{}
	for i := range s.Train.Len() {
		q := one(s.Train, 0, i)
		seen[word(s.Inputs[0], q.X[0], 3)+s.Classes[q.Labels[0]]] = true
	}
	for _, w := range []string{"...a", "..ab", ".ab.", "...b", "..b.", ".abb", "abba", "bba."} {
		if !seen[w] {
			t.Errorf("%q does not come up; what does: %v", w, seen)
		}
	}
	if s := opened(t, textFile(t, strings.Repeat("ab\nba\n", 10))+"#lines", Options{Seed: 1}); s.Train.Len() != 54 || s.Test.Len() != 6 {
		t.Errorf("%d and %d places, want nine tenths and one", s.Train.Len(), s.Test.Len())
	}
}

// Any bytes as a text come back from their tokens or are refused.
func FuzzText(f *testing.F) {
	f.Add([]byte("the quick brown fox\njumps"), 2)
	f.Add([]byte{0xff, 0, ' ', ' ', '\n'}, 1)
	f.Fuzz(func(t *testing.T, text []byte, length int) {
		o := Options{Length: length & 63}
		for _, by := range []tokenizer{byCharacter{}, byByte{}, byPairs{260}} {
			s, err := textSet("f", "", text, by, o)
			if err != nil {
				continue
			}
			for i := range min(3, s.Train.Len()) {
				q := one(s.Train, i, s.Train.Len()-1-i)
				for _, c := range q.Labels {
					if c < 0 || int(c) >= len(s.Classes) {
						t.Fatalf("label %d of %d", c, len(s.Classes))
					}
				}
			}
		}
		if names, err := readLines("f", text); err == nil {
			if s, err := lineSet("f", "", names, o); err == nil {
				one(s.Train, 0, s.Train.Len()-1)
			}
		}
	})
}
