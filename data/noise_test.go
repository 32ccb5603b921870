package data

import (
	"slices"
	"testing"

	"layercake/compute"
)

func TestNoise(t *testing.T) {
	in := []Input{{Name: "src", Shape: compute.Shape{5}, Tokens: 7}, {Name: "x", Shape: compute.Shape{2, 3, 3}}}
	set := Noise(in, 4, 3, 50, 1)
	if set.Train.Len() != 50 || set.Test.Len() != 0 || len(set.Classes) != 4 {
		t.Fatalf("got %d training and %d test samples of %d classes, want 50, 0, 4", set.Train.Len(), set.Test.Len(), len(set.Classes))
	}
	l := NewLoader(set.Train, 8, 1, Augment{Pad: 1, Flip: true}) // must leave rows of several inputs alone
	defer l.Close()
	seen := map[float32]bool{}
	var b Batch
	sum, square, n := 0.0, 0.0, 0.0
	for range l.Steps() {
		l.Next(&b)
		if len(b.X[0]) != 5*b.N || len(b.X[1]) != 18*b.N || len(b.Labels) != 3*b.N {
			t.Fatalf("%d samples have %d numbers and %d labels", b.N, len(b.X[0]), len(b.Labels))
		}
		for k, i := range b.Index {
			x, y, labels := make([]float32, 5), make([]float32, 18), make([]int32, 3)
			set.Train.Fill([]int{i}, Samples{X: [][]float32{x, y}, Labels: labels})
			if !slices.Equal(b.X[0][5*k:5*k+5], x) || !slices.Equal(b.X[1][18*k:18*k+18], y) || !slices.Equal(b.Labels[3*k:3*k+3], labels) {
				t.Fatalf("sample %d comes out otherwise in a batch", i)
			}
			for _, id := range x {
				seen[id] = true
			}
			for _, v := range y {
				sum, square, n = sum+float64(v), square+float64(v)*float64(v), n+1
			}
			for _, c := range labels {
				if c < 0 || c > 3 {
					t.Fatalf("label %d of 4 classes", c)
				}
			}
		}
	}
	for id := range seen {
		if id < 0 || id > 6 || id != float32(int(id)) {
			t.Errorf("token id %v, want whole and below 7", id)
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d of 7 tokens come up", len(seen))
	}
	// 900 normal numbers: four deviations of the mean and of the mean square.
	if mean := sum / n; mean < -4/30. || mean > 4/30. {
		t.Errorf("the mean is %v, want about 0", mean)
	}
	if v := square / n; v < 0.81 || v > 1.19 {
		t.Errorf("the mean square is %v, want about 1", v)
	}
	again, other := Noise(in, 4, 3, 50, 1), Noise(in, 4, 3, 50, 2)
	first := func(set *Set) []float32 {
		x := make([]float32, 5)
		set.Train.Fill([]int{9}, Samples{X: [][]float32{x, nil}})
		return x
	}
	if !slices.Equal(first(set), first(again)) || slices.Equal(first(set), first(other)) {
		t.Error("the samples do not follow the seed")
	}
}
