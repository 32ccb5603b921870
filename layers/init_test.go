package layers

import (
	"math"
	"slices"
	"testing"
)

// TestInit checks mean, deviation and bounds of each rule on many draws.
func TestInit(t *testing.T) {
	const n = 200000
	for _, c := range []struct {
		init       Init
		dev, bound float64 // bound 0: none
	}{
		{Init{Kind: InitTorch, FanIn: 25}, 0.2 / math.Sqrt(3), 0.2},
		{Init{Kind: InitHe, FanIn: 50, FanOut: 7}, 0.2, 0},
		{Init{Kind: InitLecun, FanIn: 25}, 0.2, 0},
		{Init{Kind: InitGlorot, FanIn: 100, FanOut: 50}, 0.2 / math.Sqrt(3), 0.2},
		{Init{Kind: InitNormal, Value: 3}, 3, 0},
		{Init{Kind: InitUniform, Value: 0.5}, 0.5 / math.Sqrt(3), 0.5},
		{Init{Kind: InitConstant}, 0, 1e-12},
	} {
		w := make([]float32, n)
		c.init.Fill(w, Stream(1, "x"))
		var sum, square, most float64
		for _, v := range w {
			sum += float64(v)
			square += float64(v) * float64(v)
			most = max(most, math.Abs(float64(v)))
		}
		// Five standard errors of a mean of n.
		if m := sum / n; math.Abs(m) > 5*c.dev/math.Sqrt(n)+1e-12 {
			t.Errorf("%s: mean %v, want 0", c.init.Kind, m)
		}
		if d := math.Sqrt(square / n); math.Abs(d-c.dev) > 0.02*c.dev {
			t.Errorf("%s: deviation %v, want %v", c.init.Kind, d, c.dev)
		}
		if c.bound > 0 && most > c.bound*1.0001 {
			t.Errorf("%s: %v is beyond %v", c.init.Kind, most, c.bound)
		}
	}
}

// TestStream: the same seed and name give the same numbers, others do not.
func TestStream(t *testing.T) {
	draw := func(seed uint64, name string) []uint64 {
		r := Stream(seed, name)
		return []uint64{r.Uint64(), r.Uint64(), r.Uint64()}
	}
	if !slices.Equal(draw(1, "conv1"), draw(1, "conv1")) {
		t.Error("a stream cannot be drawn again")
	}
	if slices.Equal(draw(1, "conv1"), draw(2, "conv1")) || slices.Equal(draw(1, "conv1"), draw(1, "conv2")) {
		t.Error("streams of another seed or name are the same")
	}
}

// TestInitZeros: the row of an embedding's padding starts at zero and leaves
// the others as they are without it.
func TestInitZeros(t *testing.T) {
	fill := func(i Init) []float32 {
		w := make([]float32, 12)
		i.Fill(w, Stream(3, "table"))
		return w
	}
	all, some := fill(Init{Kind: InitNormal, Value: 1}), fill(Init{Kind: InitNormal, Value: 1, Zeros: [2]int{4, 8}})
	for i, v := range all {
		want := v
		if i >= 4 && i < 8 {
			want = 0
		}
		if some[i] != want {
			t.Errorf("element %d is %v, want %v", i, some[i], want)
		}
	}
}
