package data

import (
	"fmt"
	"slices"
	"testing"

	"layercake/internal/allocs"
)

// counted is a split of n images 1×h×w whose pixel p of image i is level
// (i·7 + p) mod 256, unnormalized.
func counted(n, h, w int) *images {
	s := &images{h: h, w: w, c: 1, pix: make([]byte, n*h*w), labels: make([]uint8, n)}
	for i := range n {
		s.labels[i] = uint8(i % 10)
		for p := range h * w {
			s.pix[i*h*w+p] = byte(i*7 + p)
		}
	}
	s.level = make([][256]float32, 1)
	for v := range s.level[0] {
		s.level[0][v] = float32(v)
	}
	return s
}

func copied(b Batch) Batch {
	b.X, b.Labels, b.Index = slices.Clone(b.X), slices.Clone(b.Labels), slices.Clone(b.Index)
	for i := range b.X {
		b.X[i] = slices.Clone(b.X[i])
	}
	return b
}

func same(a, b Batch) bool {
	return a.N == b.N && a.Epoch == b.Epoch && a.Step == b.Step && a.Last == b.Last &&
		slices.EqualFunc(a.X, b.X, slices.Equal) && slices.Equal(a.Labels, b.Labels) && slices.Equal(a.Index, b.Index)
}

func take(l *Loader, n int) []Batch {
	var out []Batch
	var b Batch
	for range n {
		l.Next(&b)
		out = append(out, copied(b))
	}
	return out
}

func TestLoaderGivesEverySampleOnceAnEpoch(t *testing.T) {
	for _, c := range []struct {
		n, batch, steps, last int
	}{{10, 4, 3, 2}, {8, 4, 2, 4}, {3, 8, 1, 3}, {1, 1, 1, 1}} {
		t.Run(fmt.Sprintf("n=%d,batch=%d", c.n, c.batch), func(t *testing.T) {
			l := NewLoader(counted(c.n, 2, 3), c.batch, 5, Augment{})
			defer l.Close()
			if l.Steps() != c.steps {
				t.Fatalf("steps: got %d, want %d", l.Steps(), c.steps)
			}
			for epoch := range 3 {
				seen := map[int]bool{}
				for step, b := range take(l, c.steps) {
					if b.Epoch != epoch || b.Step != step || b.Last != (step == c.steps-1) {
						t.Fatalf("batch says epoch %d step %d last %v at epoch %d step %d", b.Epoch, b.Step, b.Last, epoch, step)
					}
					if b.Last && b.N != c.last {
						t.Errorf("last batch has %d samples, want %d", b.N, c.last)
					}
					for k, i := range b.Index {
						if seen[i] {
							t.Errorf("epoch %d: sample %d twice", epoch, i)
						}
						seen[i] = true
						if b.Labels[k] != int32(i%10) || b.X[0][k*6+5] != float32((i*7+5)%256) {
							t.Errorf("epoch %d: sample %d has label %d and last pixel %v", epoch, i, b.Labels[k], b.X[0][k*6+5])
						}
					}
				}
				if len(seen) != c.n {
					t.Errorf("epoch %d: %d samples of %d", epoch, len(seen), c.n)
				}
			}
		})
	}
}

func TestLoaderSeedsAndEpochsShuffleAnew(t *testing.T) {
	order := func(seed uint64, epoch int) []int {
		l := NewLoader(counted(100, 1, 1), 100, seed, Augment{})
		defer l.Close()
		l.Seek(epoch, 0)
		return take(l, 1)[0].Index
	}
	a := order(1, 0)
	for name, b := range map[string][]int{"another epoch": order(1, 1), "another seed": order(2, 0), "no shuffling": nil} {
		if b == nil {
			b = make([]int, 100)
			for i := range b {
				b[i] = i
			}
		}
		if slices.Equal(a, b) {
			t.Errorf("%s has the same order", name)
		}
	}
	if !slices.Equal(a, order(1, 0)) {
		t.Error("the same seed and epoch have two orders")
	}
}

// A position is all that a resumed run keeps: from it the same bits must come.
func TestLoaderSeek(t *testing.T) {
	s := counted(23, 5, 4)
	aug := Augment{Pad: 2, Flip: true}
	l := NewLoader(s, 4, 9, aug)
	defer l.Close()
	want := take(l, 30) // five epochs of six steps
	if e, step := l.Position(); e != 5 || step != 0 {
		t.Fatalf("position: got %d, %d, want 5, 0", e, step)
	}
	fresh := NewLoader(s, 4, 9, aug)
	defer fresh.Close()
	for _, at := range []int{0, 29, 7, 6, 5, 17, 17} {
		for _, m := range []*Loader{l, fresh} {
			m.Seek(at/6, at%6)
			for k, b := range take(m, min(3, 30-at)) {
				if !same(b, want[at+k]) {
					t.Fatalf("after seeking to %d, batch %d differs", at, at+k)
				}
			}
		}
	}
	fresh.Seek(0, 13) // counts on
	if e, step := fresh.Position(); e != 2 || step != 1 {
		t.Errorf("seek to step 13 of 6: got %d, %d, want 2, 1", e, step)
	}
	fresh.Close()
	if b := take(fresh, 1)[0]; !same(b, want[13]) {
		t.Error("after Close the loader went elsewhere")
	}
}

// The batch in hand must stand still while the next one is prefetched, also
// over the end of an epoch, where the order is shuffled.
func TestLoaderLeavesTheBatchInHandAlone(t *testing.T) {
	l := NewLoader(counted(12, 8, 8), 3, 1, Augment{Pad: 1})
	defer l.Close()
	var b Batch
	for range 20 {
		l.Next(&b)
		before := copied(b)
		l.settle() // the next batch is complete now
		l.pending = true
		l.ready <- struct{}{}
		if !same(b, before) {
			t.Fatalf("epoch %d step %d changed while it was in use", b.Epoch, b.Step)
		}
	}
}

func TestLoaderAllocatesNothing(t *testing.T) {
	l := NewLoader(counted(64, 28, 28), 10, 1, Augment{Pad: 2, Flip: true})
	defer l.Close()
	var b Batch
	for range 4 {
		l.Next(&b)
	}
	if got := allocs.Steady(50, func() { l.Next(&b) }); got != 0 {
		t.Errorf("got %v allocations a batch, want 0", got)
	}
}

func TestOrderedLoader(t *testing.T) {
	l := NewOrderedLoader(counted(7, 1, 1), 3)
	defer l.Close()
	for k, b := range take(l, 6) {
		lo := k % 3 * 3
		for j, i := range b.Index {
			if i != lo+j {
				t.Errorf("batch %d holds sample %d at %d, want %d", k, i, j, lo+j)
			}
		}
	}
}

// Augmentation of a sample follows seed, epoch and sample; its place in the
// order and the batch size do not count.
func TestAugmentFollowsTheSample(t *testing.T) {
	s := counted(16, 6, 6)
	picture := func(batch, sample int) []float32 {
		l := NewLoader(s, batch, 3, Augment{Pad: 3, Flip: true})
		defer l.Close()
		l.Seek(2, 0)
		for _, b := range take(l, l.Steps()) {
			if k := slices.Index(b.Index, sample); k >= 0 {
				return b.X[0][k*36 : (k+1)*36]
			}
		}
		return nil
	}
	for i := range s.Len() {
		if !slices.Equal(picture(16, i), picture(5, i)) {
			t.Errorf("sample %d differs with the batch size", i)
		}
	}
}

// Every augmented image is the plain one, moved, perhaps mirrored, with zeros
// around; all moves and both mirrorings occur.
func TestAugmentIsCropAndFlip(t *testing.T) {
	const h, w, c, pad = 5, 4, 3, 2
	x := make([]float32, h*w*c)
	for i := range x {
		x[i] = float32(i + 1)
	}
	at := func(y, col, ch int) float32 {
		if y < 0 || y >= h || col < 0 || col >= w {
			return 0
		}
		return x[(y*w+col)*c+ch]
	}
	seen := map[[3]int]int{}
	for try := range 2000 {
		got, room := slices.Clone(x), make([]float32, len(x))
		Augment{Pad: pad, Flip: true}.apply(streamOf(uint64(try)), got, room, h, w, c)
		matches := 0
		for dy := -pad; dy <= pad; dy++ {
			for dx := -pad; dx <= pad; dx++ {
				for flip := range 2 {
					ok := true
					for y := range h {
						for col := range w {
							from := col
							if flip == 1 {
								from = w - 1 - col
							}
							for ch := range c {
								ok = ok && got[(y*w+col)*c+ch] == at(y+dy, from+dx, ch)
							}
						}
					}
					if ok {
						matches++
						seen[[3]int{dy, dx, flip}]++
					}
				}
			}
		}
		if matches != 1 {
			t.Fatalf("draw %d matches %d moves, want 1: %v", try, matches, got)
		}
	}
	if len(seen) != 50 {
		t.Errorf("%d of 50 moves occur", len(seen))
	}
	flipped := 0
	for k, n := range seen {
		if k[2] == 1 {
			flipped += n
		}
	}
	if flipped < 900 || flipped > 1100 {
		t.Errorf("%d of 2000 images are mirrored, want about half", flipped)
	}
}

func TestAugmentLeavesTablesAlone(t *testing.T) {
	s := &table{f: 2, n: 3, x: []float32{1, 2, 3, 4, 5, 6}, targets: []float32{7, 8, 9}}
	l := NewLoader(s, 3, 1, Augment{Pad: 1, Flip: true})
	defer l.Close()
	b := take(l, 1)[0]
	if b.Labels != nil {
		t.Errorf("labels of a regression: got %v, want none", b.Labels)
	}
	for k, i := range b.Index {
		if b.X[0][2*k] != s.x[2*i] || b.X[0][2*k+1] != s.x[2*i+1] || b.Targets[k] != s.targets[i] {
			t.Errorf("row %d: got %v and %v", i, b.X[0][2*k:2*k+2], b.Targets[k])
		}
	}
}

func BenchmarkLoader(b *testing.B) {
	s := &images{h: 32, w: 32, c: 3, pix: make([]byte, 1000*3072), labels: make([]uint8, 1000), level: make([][256]float32, 3)}
	l := NewLoader(s, 128, 1, Augment{Pad: 4, Flip: true})
	defer l.Close()
	var batch Batch
	l.Next(&batch)
	l.Next(&batch)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		l.Next(&batch)
		n += batch.N
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "images/s")
}

// follows is a split whose samples are pieces of one text.
type follows struct{ *images }

func (f follows) Sizes() Sizes {
	s := f.images.Sizes()
	s.Follows = true
	return s
}

func TestStreamsGoOnInTheirRow(t *testing.T) {
	l := NewLoader(follows{counted(11, 1, 2)}, 3, 5, Augment{})
	defer l.Close()
	l.Streams()
	if l.Steps() != 3 {
		t.Fatalf("%d steps, want 3: 11 samples in 3 rows, two left out", l.Steps())
	}
	for step, b := range take(l, 6) {
		if b.N != 3 {
			t.Fatalf("batch of %d", b.N)
		}
		for row, i := range b.Index {
			if want := row*3 + step%3; i != want {
				t.Errorf("step %d: row %d has sample %d, want %d", step, row, i, want)
			}
		}
	}
}
