package data

import (
	"context"
	"slices"
	"testing"

	"layercake/compute"
	"layercake/internal/allocs"
)

// padding is the share of steps in batches that are past their sample's length and
// before the end of their batch's longest.
func padding(batches []Batch) float64 {
	used, all := 0, 0
	for _, b := range batches {
		for _, n := range b.Lens[0] {
			used += int(n)
		}
		all += b.N * int(slices.Max(b.Lens[0]))
	}
	return 1 - float64(used)/float64(all)
}

// uneven is a split of so many samples of 0 to 6 steps.
type uneven int

func (u uneven) Len() int            { return int(u) }
func (u uneven) Image(int) []float32 { return nil }
func (u uneven) Label(int) int       { return -1 }

func (u uneven) Sizes() Sizes {
	return Sizes{X: []compute.Shape{{6}}, Padded: []bool{true}}
}

func (u uneven) Fill(idx []int, to Samples) {
	for k, i := range idx {
		to.Lens[0][k] = int32(i * i % 7)
	}
}

// Every sample comes once an epoch, in batches of other company each time, and from
// a position alone the same batches come; but little of a batch is padding.
func TestByLength(t *testing.T) {
	set, err := Open(context.Background(), "dates", Options{Seed: 3, Train: 1003, Test: 10})
	if err != nil {
		t.Fatal(err)
	}
	made := func(by bool) *Loader {
		l := NewLoader(set.Train, 10, 5, Augment{})
		if by {
			l.ByLength()
		}
		return l
	}
	withLens := func(l *Loader, n int) []Batch {
		var out []Batch
		var b Batch
		for range n {
			l.Next(&b)
			c := copied(b)
			c.Lens = [][]int32{slices.Clone(b.Lens[0])}
			out = append(out, c)
		}
		return out
	}
	l, plain := made(true), made(false)
	defer l.Close()
	defer plain.Close()
	got, usual := withLens(l, 2*101), withLens(plain, 101)
	var epochs [2][]int
	for _, b := range got {
		epochs[b.Epoch] = append(epochs[b.Epoch], b.Index...)
	}
	for e, order := range epochs {
		sorted := slices.Clone(order)
		slices.Sort(sorted)
		for i, v := range sorted {
			if len(sorted) != 1003 || v != i {
				t.Fatalf("epoch %d has %d samples, or some twice", e, len(sorted))
			}
		}
	}
	if slices.Equal(epochs[0], epochs[1]) {
		t.Error("two epochs have the same order")
	}
	lengths := make([]int, 0, 100)
	for _, b := range got[:100] {
		lengths = append(lengths, int(b.Lens[0][0]))
	}
	if slices.IsSorted(lengths) {
		t.Error("batches come from the shortest to the longest")
	}
	by, without := padding(got[:101]), padding(usual)
	if by > without/4 {
		t.Errorf("%.3f of the steps are padding, %.3f without", by, without)
	}
	again := made(true)
	defer again.Close()
	for _, at := range []int{150, 3} {
		again.Seek(0, at)
		if b := take(again, 1)[0]; !same(b, got[at]) {
			t.Errorf("after seeking to %d another batch comes", at)
		}
	}

	m := NewLoader(uneven(200), 10, 5, Augment{})
	m.ByLength()
	defer m.Close()
	var b Batch
	if n := allocs.Steady(50, func() { m.Next(&b) }); n != 0 { // over the ends of epochs
		t.Errorf("got %v allocations a batch, want 0", n)
	}
}
