package train

import (
	"context"
	"math"
	"testing"

	"layercake/compute"
	"layercake/data"
)

// Figures worked out by hand, over two batches.
func TestMetrics(t *testing.T) {
	made := func(name string, classes, labels int) metric {
		for _, k := range metricKinds {
			if k.name == name {
				return k.fresh(classes, labels)
			}
		}
		t.Fatalf("there is no metric %s", name)
		return nil
	}
	twelve := func(high ...int) []float32 { // scores that fall in the order of high, all others 0
		x := make([]float32, 12)
		for i, c := range high {
			x[c] = float32(10 - i)
		}
		return x
	}
	rows := func(x ...[]float32) compute.Tensor {
		var all []float32
		for _, r := range x {
			all = append(all, r...)
		}
		return compute.Tensor{Shape: compute.Shape{len(x[0])}, Data: all}
	}
	type batch struct {
		out compute.Tensor
		b   data.Batch
	}
	three := []batch{
		{rows([]float32{3, 1, 0}, []float32{0, 2, 1}), data.Batch{N: 2, Labels: []int32{0, 2}}},
		{rows([]float32{0, 2, 1}), data.Batch{N: 1, Labels: []int32{1}}},
	}
	pairs := []batch{
		{rows([]float32{1, 0}, []float32{0, 1}, []float32{1, 0}, []float32{1, 0}), data.Batch{N: 2, Labels: []int32{0, 1, 0, 1}}},
		{rows([]float32{1, 0}, []float32{1, 0}, []float32{1, 0}, []float32{1, 0}), data.Batch{N: 2, Labels: []int32{0, -1, -1, -1}}},
	}
	even := []batch{{rows([]float32{5, 5, 5, 5}, []float32{0, 0, 0, 0}), data.Batch{N: 1, Labels: []int32{1, 3}}}}
	numbers := []batch{
		{rows([]float32{1, 2}), data.Batch{N: 1, Targets: []float32{4, 2}}},
		{rows([]float32{0, 0}), data.Batch{N: 1, Targets: []float32{0, -4}}},
	}
	for _, c := range []struct {
		name            string
		classes, labels int
		batches         []batch
		want            float64
	}{
		{"top5", 12, 1, []batch{
			{rows(twelve(3, 4, 5, 6, 7), twelve(3, 4, 5, 6, 7, 8)), data.Batch{N: 2, Labels: []int32{7, 8}}},
			{rows(twelve(), twelve()), data.Batch{N: 2, Labels: []int32{4, 5}}}, // all equal: the first five count
		}, 0.5},
		// class 0: right once, guessed once, true once; 1: once, twice, once; 2: never, never, once.
		{"f1", 3, 1, three, (1 + 2./3 + 0) / 3},
		{"exact", 2, 2, pairs, 2. / 3}, // the fourth sample has no label at all
		{"perplexity", 4, 2, even, 4},
		{"rmse", 0, 0, numbers, math.Sqrt((9 + 0 + 0 + 16) / 4.)},
		{"mae", 0, 0, numbers, 7. / 4},
	} {
		m := made(c.name, c.classes, c.labels)
		for range 2 { // the second round begins anew
			m.reset()
			if v := m.value(); !math.IsNaN(v) {
				t.Errorf("%s of nothing is %v, want NaN", c.name, v)
			}
			for i := range c.batches {
				m.add(c.batches[i].out, &c.batches[i].b)
			}
			if v := m.value(); math.Abs(v-c.want) > 1e-12 {
				t.Errorf("%s is %v, want %v", c.name, v, c.want)
			}
		}
	}
	for _, c := range []struct {
		name            string
		classes, labels int
	}{{"top5", 10, 1}, {"f1", 4, 8}, {"exact", 4, 1}, {"perplexity", 4, 1}, {"rmse", 4, 1}, {"mae", 4, 1}} {
		if made(c.name, c.classes, c.labels) != nil {
			t.Errorf("%s says something about %d classes and %d labels", c.name, c.classes, c.labels)
		}
	}
}

// Rows laid out by hand: gender along one axis, station along two others; one
// word is put where it breaks two analogies of four.
func TestAnalogyShare(t *testing.T) {
	rows := []float32{
		1, 0, 1, // king
		1, 0, -1, // queen
		0, 1, 1, // monk
		0, 1, -1, // nun
		-1, -1, 0, // stone
	}
	list := [][4]int{{0, 1, 2, 3}, {2, 3, 0, 1}, {1, 0, 3, 2}, {3, 2, 1, 0}}
	if s := analogyShare(rows, 3, list); s != 1 {
		t.Errorf("share %v, want 1", s)
	}
	copy(rows[3*3:], []float32{-1, -1, 5}) // the nun goes her own way
	if s := analogyShare(rows, 3, list); s > 0.5 {
		t.Errorf("share %v, want at most one half", s)
	}
}

// A class that the loss leaves out has no part in the figures either: perplexity
// stays exp of the loss.
func TestMetricsLeaveOutWhatTheLossDoes(t *testing.T) {
	set, err := data.Open(context.Background(), "reverse", data.Options{Seed: 1, Train: 64, Test: 50})
	if err != nil {
		t.Fatal(err)
	}
	const net = "input: {tokens: 10, length: 8}\nlayers:\n  - embedding: {tokens: 10, width: 4}\n  - dense: {units: 10}\n"
	r := mustRun(t, config(t, net, "train: {batch: 16, epochs: 1, loss: {cross_entropy: {ignore: 3}}, optimizer: {adam: {lr: 0.1}}}\n", set))
	last, found := r.Last(), false
	for _, m := range last.Metrics {
		if m.Name != "perplexity" {
			continue
		}
		found = true
		if want := math.Exp(last.TestLoss); math.Abs(m.Value-want) > 1e-4*want {
			t.Errorf("perplexity is %v, and exp of the loss %v", m.Value, want)
		}
	}
	if !found {
		t.Error("there is no perplexity")
	}
}
