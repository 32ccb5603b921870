package data

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime"
	"testing"
)

func open(t testing.TB, name string, o Options) *Set {
	t.Helper()
	s, err := Open(context.Background(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDrawnSets(t *testing.T) {
	for _, e := range Catalog {
		if e.Needs != "" || len(e.Input) != 3 {
			continue
		}
		t.Run(e.Name, func(t *testing.T) {
			last, total := 0, 0
			s := open(t, e.Name, Options{Progress: func(done, all int) {
				if done <= last || done > all {
					t.Errorf("progress went from %d to %d of %d", last, done, all)
				}
				last, total = done, all
			}})
			if s.Name != e.Name || !s.Input().Equal(e.Input) || len(s.Classes) != e.Classes || s.Train.Len() != e.Train || s.Test.Len() != e.Test {
				t.Fatalf("got %s %s, %d classes, %d and %d images; the catalog says otherwise", s.Name, s.Input(), len(s.Classes), s.Train.Len(), s.Test.Len())
			}
			if last != total || total != e.Train+e.Test {
				t.Errorf("progress ended at %d of %d", last, total)
			}
			count := make([]int, e.Classes)
			for i := range s.Test.Len() {
				count[s.Test.Label(i)]++
			}
			for c, n := range count {
				if n != e.Test/e.Classes {
					t.Errorf("%d test images of class %s", n, s.Classes[c])
				}
			}
			// Normalized by the training split, its mean is 0 and deviation 1.
			size := e.Input.Size()
			x := make([]float32, size)
			var sum, squares float64
			for i := range s.Train.Len() {
				s.Train.Fill([]int{i}, Samples{X: [][]float32{x}})
				for _, v := range x {
					sum, squares = sum+float64(v), squares+float64(v)*float64(v)
				}
			}
			n := float64(s.Train.Len() * size)
			if math.Abs(sum/n) > 1e-4 || math.Abs(squares/n-1) > 1e-3 {
				t.Errorf("normalized mean %v, variance %v", sum/n, squares/n)
			}
		})
	}
}

func TestDrawnSetsDependOnSeedAlone(t *testing.T) {
	for _, name := range []string{"digits", "shapes"} {
		draw := func(seed uint64, procs, n int) (train, test []byte) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			s := open(t, name, Options{Seed: seed, Train: n, Test: 120})
			return s.Train.(*images).pix, s.Test.(*images).pix
		}
		train, test := draw(1, 1, 350)
		again, testAgain := draw(1, 5, 350)
		if !bytes.Equal(train, again) || !bytes.Equal(test, testAgain) {
			t.Errorf("%s: one goroutine and five draw different images", name)
		}
		if more, _ := draw(1, 2, 400); !bytes.Equal(train, more[:len(train)]) {
			t.Errorf("%s: the first images depend on how many there are", name)
		}
		if other, _ := draw(2, 2, 350); bytes.Equal(train, other) {
			t.Errorf("%s: two seeds draw the same images", name)
		}
		if bytes.Equal(train[:len(test)], test) {
			t.Errorf("%s: training and test are the same images", name)
		}
	}
}

// Faces must be whole, differ from each other, and no face may serve twice.
func TestFaces(t *testing.T) {
	train, test := loadFaces()
	if len(train) < 6 || len(test) < 3 {
		t.Fatalf("got %d and %d faces", len(train), len(test))
	}
	seen := map[string]int{}
	for i, f := range append(train[:len(train):len(train)], test...) {
		for d, o := range f {
			lo, hi := math.Inf(1), math.Inf(-1)
			for _, s := range o {
				for _, p := range s.p[:s.n] {
					lo, hi = min(lo, p.y), max(hi, p.y)
				}
			}
			if math.Abs(lo+0.5) > 1e-9 || math.Abs(hi-0.5) > 1e-9 {
				t.Errorf("face %d, digit %d lies between %v and %v", i, d, lo, hi)
			}
		}
		key := fmt.Sprint(f)
		if j, ok := seen[key]; ok {
			t.Errorf("faces %d and %d are the same", j, i)
		}
		seen[key] = i
	}
}

// TestDigitsAreNoTaskForALine trains softmax regression on the drawn digits.
// It must learn them in part, so that the labels are right, and stay well below
// the 97 % that a small convolutional network gets.
func TestDigitsAreNoTaskForALine(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	got := linearAccuracy(open(t, "digits", Options{}), 4, 0.01)
	t.Logf("a linear classifier gets %.1f %%", 100*got)
	if got < 0.6 || got > 0.9 {
		t.Errorf("a linear classifier gets %.1f %%, want 60 to 90 %%", 100*got)
	}
}

// TestColourSaysNothing gives a linear classifier the shapes: with classes
// hidden in colour or place it would get far above one in ten.
func TestColourSaysNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	got := linearAccuracy(open(t, "shapes", Options{Train: 4000}), 2, 0.003)
	t.Logf("a linear classifier gets %.1f %%", 100*got)
	if got > 0.25 {
		t.Errorf("a linear classifier gets %.1f %%, want at most 25 %%", 100*got)
	}
}

// linearAccuracy trains softmax regression by plain gradient descent with a
// rate that falls to 0, and tests it.
func linearAccuracy(s *Set, epochs int, rate float32) float64 {
	f, k := s.Input().Size(), len(s.Classes)
	w, dw, p := make([]float32, k*f), make([]float32, k*f), make([]float32, k)
	score := func(x []float32) (best int) {
		for j := range p {
			row := w[j*f : (j+1)*f]
			var a, b, c, d float32
			for i := 0; i+3 < f; i += 4 {
				a, b = a+x[i]*row[i], b+x[i+1]*row[i+1]
				c, d = c+x[i+2]*row[i+2], d+x[i+3]*row[i+3]
			}
			if p[j] = a + b + c + d; p[j] > p[best] {
				best = j
			}
		}
		return best
	}
	l := NewLoader(s.Train, 64, 1, Augment{})
	defer l.Close()
	var b Batch
	steps := epochs * l.Steps()
	for step := range steps {
		l.Next(&b)
		for n := range b.N {
			x := b.X[0][n*f : (n+1)*f]
			top := p[score(x)]
			var sum float32
			for j, v := range p {
				p[j] = float32(math.Exp(float64(v - top)))
				sum += p[j]
			}
			for j := range p {
				d := p[j] / sum
				if int32(j) == b.Labels[n] {
					d--
				}
				row := dw[j*f : (j+1)*f]
				for i, v := range x {
					row[i] += d * v
				}
			}
		}
		now := rate * (1 - float32(step)/float32(steps)) / float32(b.N)
		for i := range w {
			w[i] -= now * dw[i]
			dw[i] = 0
		}
	}
	right := 0
	x := make([]float32, f)
	for i := range s.Test.Len() {
		s.Test.Fill([]int{i}, Samples{X: [][]float32{x}})
		if score(x) == s.Test.Label(i) {
			right++
		}
	}
	return float64(right) / float64(s.Test.Len())
}

func BenchmarkDraw(b *testing.B) {
	for _, name := range []string{"digits", "shapes"} {
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				s := open(b, name, Options{})
				n += s.Train.Len() + s.Test.Len()
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
