package data

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func opened(t *testing.T, name string, o Options) *Set {
	t.Helper()
	s, err := Open(context.Background(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// one is the sample i of a split in an epoch.
func one(s Split, epoch, i int) Samples {
	z := s.Sizes()
	to := Samples{Epoch: epoch, Labels: make([]int32, z.Labels), Targets: make([]float32, z.Targets)}
	for k, shape := range z.X {
		to.X = append(to.X, make([]float32, shape.Size()))
		to.Lens = append(to.Lens, nil)
		if k < len(z.Padded) && z.Padded[k] {
			to.Lens[k] = make([]int32, 1)
		}
	}
	s.Fill([]int{i}, to)
	return to
}

func word(in Input, ids []float32, n int) string {
	var b strings.Builder
	for _, id := range ids[:n] {
		b.WriteString(in.Words[int(id)])
	}
	return b.String()
}

// Every drawn sequence is what its task says: the answer is worked out again
// from the question by other means.
// What the catalog says of a set is what opening it gives.
func TestCatalogSaysWhatIsThere(t *testing.T) {
	for _, e := range Catalog {
		if e.Needs != "" || len(e.Input) == 3 { // images: TestDrawnSets
			continue
		}
		s := open(t, e.Name, Options{Seed: 1})
		in := s.Inputs[0]
		if !in.Shape.Equal(e.Input) || in.Tokens != e.Tokens || len(s.Classes) != e.Classes || s.Targets != e.Targets ||
			s.Train.Len() != e.Train || s.Test.Len() != e.Test || (s.Train.Sizes().Labels > 1) != e.PerStep || s.Train.Sizes().Follows != e.Cut {
			t.Errorf("%s: %s of %d tokens, %d classes, %d targets, %d and %d samples; the catalog says otherwise",
				e.Name, in.Shape, in.Tokens, len(s.Classes), s.Targets, s.Train.Len(), s.Test.Len())
		}
		if more := s.Inputs[1:]; len(more) > 1 || (len(more) == 1) != (e.Second != nil) || len(more) == 1 && !more[0].Shape.Equal(e.Second) {
			t.Errorf("%s: has inputs %+v besides, the catalog says %s", e.Name, more, e.Second)
		}
	}
}

func TestTasksAskWhatTheySay(t *testing.T) {
	checks := map[string]func(t *testing.T, s *Set, q Samples){
		"adding": func(t *testing.T, s *Set, q Samples) {
			sum, marks := float32(0), 0
			for k := 0; k < len(q.X[0]); k += 2 {
				if q.X[0][k+1] == 1 {
					sum, marks = sum+q.X[0][k], marks+1
				}
				if q.X[0][k] < 0 || q.X[0][k] >= 1 {
					t.Fatalf("number %v, want 0 to 1", q.X[0][k])
				}
			}
			if marks != 2 || sum != q.Targets[0] {
				t.Fatalf("%d marks and a sum of %v, want 2 and %v", marks, sum, q.Targets[0])
			}
		},
		"copy": func(t *testing.T, s *Set, q Samples) {
			n := len(q.X[0])
			for k := range n {
				want := int32(-1)
				if k >= n-10 {
					want = int32(q.X[0][k-(n-10)])
				}
				if q.Labels[k] != want {
					t.Fatalf("step %d is to say %d, want %d", k, q.Labels[k], want)
				}
			}
		},
		"reverse": func(t *testing.T, s *Set, q Samples) {
			for k, c := range q.Labels {
				if c != int32(q.X[0][len(q.Labels)-1-k]) {
					t.Fatalf("%v is not %v from behind", q.Labels, q.X[0])
				}
			}
		},
		"sort": func(t *testing.T, s *Set, q Samples) {
			var sum, want int
			for k, c := range q.Labels {
				sum, want = sum+int(c*c), want+int(q.X[0][k]*q.X[0][k])
			}
			if !slices.IsSorted(q.Labels) || sum != want {
				t.Fatalf("%v is not %v in order", q.Labels, q.X[0])
			}
		},
		"parity": func(t *testing.T, s *Set, q Samples) {
			ones := strings.Count(word(s.Inputs[0], q.X[0], int(q.Lens[0][0])), "1")
			if q.Labels[0] != int32(ones%2) {
				t.Fatalf("%d ones are labelled %s", ones, s.Classes[q.Labels[0]])
			}
		},
		"dyck": func(t *testing.T, s *Set, q Samples) {
			text := word(s.Inputs[0], q.X[0], int(q.Lens[0][0]))
			rest := text
			for was := ""; was != rest; {
				was = rest
				rest = strings.ReplaceAll(strings.ReplaceAll(rest, "()", ""), "[]", "")
			}
			if (rest == "") != (q.Labels[0] == 1) || text == "" {
				t.Fatalf("%q is labelled %s", text, s.Classes[q.Labels[0]])
			}
		},
		"dates": func(t *testing.T, s *Set, q Samples) {
			text := word(s.Inputs[0], q.X[0], int(q.Lens[0][0]))
			iso := ""
			for _, c := range q.Labels {
				iso += s.Classes[c]
			}
			day, err := time.Parse(time.DateOnly, iso)
			if err != nil {
				t.Fatal(err)
			}
			if fed := word(s.Inputs[1], q.X[1], len(q.X[1])); fed != ">"+iso[:9] {
				t.Fatalf("the target is fed as %q, want >%s", fed, iso[:9])
			}
			// Every form names the day, and the year in full.
			if !strings.Contains(text, day.Format("2006")) || !strings.Contains(text, day.Format("2")) {
				t.Fatalf("%q is written %s", text, iso)
			}
		},
		"sine": func(t *testing.T, s *Set, q Samples) {
			// A wave obeys y[t+1] = 2cos(ω)·y[t] − y[t−1]: one ω for all targets.
			y := q.Targets
			for k := 2; k+1 < len(y); k++ {
				a, b := float64(y[k+1]+y[k-1])*float64(y[k-1]), float64(y[k]+y[k-2])*float64(y[k])
				if math.Abs(a-b) > 1e-5 {
					t.Fatalf("%v are no wave", y)
				}
			}
		},
		"words": func(t *testing.T, s *Set, q Samples) {
			if q.Targets[0] != 1 || slices.Max(q.Targets[1:]) != 0 {
				t.Fatalf("targets %v, want the first alone to be 1", q.Targets)
			}
		},
	}
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			s := opened(t, name, Options{Seed: 3})
			for i := range 300 {
				check(t, s, one(s.Train, i%2, i))
				check(t, s, one(s.Test, 0, i))
			}
		})
	}
}

// Training samples are made anew in every epoch, test samples never; a seed
// says both, and the two splits do not share samples.
func TestTasksFollowTheirSeed(t *testing.T) {
	for _, name := range []string{"adding", "dates", "words", "dyck"} {
		a, b, c := opened(t, name, Options{Seed: 3}), opened(t, name, Options{Seed: 3}), opened(t, name, Options{Seed: 4})
		key := func(s Split, epoch int) string {
			var out []any
			for i := range 20 {
				q := one(s, epoch, i)
				out = append(out, q.X, q.Labels)
			}
			return strings.Trim(strings.Join(strings.Fields(sprint(out)), " "), "[]")
		}
		if key(a.Train, 0) != key(b.Train, 0) || key(a.Test, 0) != key(b.Test, 0) {
			t.Errorf("%s: one seed makes two sets", name)
		}
		if key(a.Train, 0) == key(c.Train, 0) || key(a.Test, 0) == key(c.Test, 0) {
			t.Errorf("%s: two seeds make one set", name)
		}
		if key(a.Train, 0) == key(a.Train, 1) || key(a.Test, 0) != key(a.Test, 1) {
			t.Errorf("%s: training samples are to change from epoch to epoch, test samples not", name)
		}
		if key(a.Train, 0) == key(a.Test, 0) {
			t.Errorf("%s: the splits are one", name)
		}
	}
}

// No day is for training and for testing.
func TestDatesKeepTestDaysApart(t *testing.T) {
	days := [2]map[string]bool{{}, {}}
	r := streamOf(9)
	for range 20000 {
		for k := range days {
			days[k][drawDay(&r, k == 1).Format(time.DateOnly)] = true
		}
	}
	for d := range days[0] {
		if days[1][d] {
			t.Fatalf("%s is in both", d)
		}
	}
	if len(days[1]) < 10000 || len(days[0]) < 10000 {
		t.Errorf("%d and %d days", len(days[0]), len(days[1]))
	}
}

func TestTaskLengths(t *testing.T) {
	for _, c := range []struct {
		name   string
		length int
		want   string // refusal
	}{
		{"reverse", 20, ""}, {"adding", 2, ""}, {"adding", 1, "wants 2 to"}, {"copy", 20, "wants 21 to"}, {"copy", 21, ""},
		{"dyck", 3, "wants 4 to"}, {"dates", 10, "wants 24"}, {"words", 2, "wants 1"}, {"sine", 1 << 20, "wants 2 to"}, {"tales", 1 << 19, "wants at least"},
	} {
		s, err := Open(context.Background(), c.name, Options{Length: c.length})
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s of %d: got %v, want %q", c.name, c.length, err, c.want)
			}
			continue
		}
		if err != nil || s.Input()[0] != c.length {
			t.Errorf("%s of %d: %v", c.name, c.length, err)
			continue
		}
		one(s.Train, 0, 0)
	}
}

// Company is real: the word beside a word is one of its sentences, and men and women
// keep their own.
func TestWordsKeepCompany(t *testing.T) {
	s := opened(t, "words", Options{Seed: 1})
	id := func(w string) float32 {
		k, ok := slices.BinarySearch(s.Inputs[0].Words, w)
		if !ok {
			t.Fatalf("there is no word %q", w)
		}
		return float32(k)
	}
	near := map[[2]float32]int{}
	var negatives [2]int // the, witch
	for i := range s.Train.Len() {
		q := one(s.Train, 0, i)
		near[[2]float32{q.X[0][0], q.X[1][0]}]++
		for _, w := range q.X[1][1:] {
			if w == id("the") {
				negatives[0]++
			} else if w == id("witch") {
				negatives[1]++
			}
		}
	}
	of := func(a, b string) int { return near[[2]float32{id(a), id(b)}] }
	if of("king", "crown") == 0 || of("queen", "crown") == 0 || of("king", "plough") > 0 || of("king", "his") == 0 || of("king", "her") > 0 || of("queen", "his") > 0 {
		t.Errorf("king keeps company with crown %d, plough %d, his %d, her %d times", of("king", "crown"), of("king", "plough"), of("king", "his"), of("king", "her"))
	}
	if negatives[0] < 5*negatives[1] || negatives[1] == 0 {
		t.Errorf("\"the\" is a negative %d times and \"witch\" %d", negatives[0], negatives[1])
	}
	if len(s.Analogies) != 56 {
		t.Errorf("%d analogies, want 56", len(s.Analogies))
	}
	for _, a := range s.Analogies {
		if slices.Min(a[:]) < 0 {
			t.Fatalf("analogy %v has a word that no tale has", a)
		}
	}
}
