package data

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
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
			if last != total || total != drawnFirst {
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
			// Normalized by the first thousand, the whole has a mean of almost 0 and a deviation of almost 1.
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
			if math.Abs(sum/n) > 0.02 || math.Abs(squares/n-1) > 0.03 {
				t.Errorf("normalized mean %v, variance %v", sum/n, squares/n)
			}
		})
	}
}

// Images are drawn when they are asked for; which comes first, and who else asks,
// must change none of them.
func TestDrawnSetsDependOnSeedAlone(t *testing.T) {
	for _, name := range []string{"digits", "shapes"} {
		draw := func(seed uint64, readers, n int) (train, test []byte) {
			s := open(t, name, Options{Seed: seed, Train: n, Test: 120})
			for _, split := range []Split{s.Train, s.Test} {
				var all sync.WaitGroup
				for r := range readers {
					all.Go(func() { ask(split, uint64(r)) })
				}
				all.Wait()
			}
			return s.Train.(*images).pix, s.Test.(*images).pix
		}
		train, test := draw(1, 1, drawnFirst+150)
		again, testAgain := draw(1, 5, drawnFirst+150)
		if !bytes.Equal(train, again) || !bytes.Equal(test, testAgain) {
			t.Errorf("%s: one reader and five find different images", name)
		}
		if more, _ := draw(1, 2, drawnFirst+200); !bytes.Equal(train, more[:len(train)]) {
			t.Errorf("%s: the first images depend on how many there are", name)
		}
		if other, _ := draw(2, 2, drawnFirst+150); bytes.Equal(train, other) {
			t.Errorf("%s: two seeds draw the same images", name)
		}
		if bytes.Equal(train[:len(test)], test) {
			t.Errorf("%s: training and test are the same images", name)
		}
	}
}

// ask reads all of s in an order of its own, by batches and by single images.
func ask(s Split, seed uint64) {
	order := make([]int, s.Len())
	r := streamOf(seed)
	r.permute(order)
	x := make([]float32, 32*s.Sizes().X[0].Size())
	for len(order) > 0 {
		n := min(1+r.intn(32), len(order))
		if n == 1 {
			s.Image(order[0])
		} else {
			s.Fill(order[:n], Samples{X: [][]float32{x}})
		}
		order = order[n:]
	}
}

// Only what normalizes the rest is drawn at once.
func TestDrawnSetsWait(t *testing.T) {
	s := open(t, "digits", Options{Train: drawnFirst + 64, Test: 64}).Train.(*images)
	isDrawn := func(i int) bool { return slices.Max(s.place(i)) > 0 }
	for i := range s.Len() {
		if isDrawn(i) != (i < drawnFirst) {
			t.Fatalf("image %d: drawn is %v", i, isDrawn(i))
		}
	}
	s.Fill([]int{drawnFirst + 1}, Samples{Labels: make([]int32, 1)})
	if isDrawn(drawnFirst + 1) {
		t.Error("asking for a label draws the image")
	}
	s.Image(drawnFirst + 1)
	if !isDrawn(drawnFirst+1) || isDrawn(drawnFirst+2) {
		t.Error("asking for an image draws another or none")
	}
}

// Nobody gets all of the memory by asking for it.
func TestTooManySamples(t *testing.T) {
	for _, o := range []Options{{Train: 1 << 40}, {Test: 1 << 40}, {Train: math.MaxInt, Test: math.MaxInt}} {
		_, err := Open(context.Background(), "digits", o)
		if err == nil || !strings.Contains(err.Error(), "GB of memory") || !strings.Contains(err.Error(), "take fewer samples") {
			t.Errorf("%d and %d: got %v", o.Train, o.Test, err)
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
				open(b, name, Options{})
				n += drawnFirst
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
