package train

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"layercake/data"
	"layercake/model"
	"layercake/presets"
)

// looking is a config of a small encoder-decoder on dates, and its attention nodes.
func looking(t *testing.T, steps int) (Config, []int) {
	t.Helper()
	spec, err := presets.Spec("seq2seq-dates")
	if err != nil {
		t.Fatal(err)
	}
	set, err := data.Open(context.Background(), "dates", data.Options{Seed: 1, Train: 256, Test: 16})
	if err != nil {
		t.Fatal(err)
	}
	c, err := FromSpec(model.Resolve(spec), set, Overrides{Steps: steps, Batch: 16, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	var nodes []int
	for i, n := range c.Graph.Nodes {
		if n.Kind != nil && n.Kind.Name == "attention" {
			nodes = append(nodes, i)
		}
	}
	return c, nodes
}

// Who looks gets maps with the tokens of the sample at both edges, while the run
// rests and while it goes on, and changes no bit of it. Afterwards the
// checkpoint gives the same map as the run's last weights.
func TestLook(t *testing.T) {
	blind, nodes := looking(t, 12)
	want := mustRun(t, blind).Last()

	c, _ := looking(t, 12)
	cross := nodes[len(nodes)-1] // the last decoder's, on the encoder's output
	c.Paused, c.Dir = true, t.TempDir()
	r, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	r.Look(Look{Node: cross, Sample: 3})
	var first *Attention
	going := false
	for s := range r.Snapshots() {
		a := s.Attention
		if a == nil {
			continue
		}
		if a.Problem != "" || a.Node != cross || a.Sample != 3 {
			t.Fatalf("the map is of node %d, sample %d, %q; wants %d, 3, no problem", a.Node, a.Sample, a.Problem, cross)
		}
		if first == nil {
			first = a
		}
		if !going {
			going = true
			r.Continue()
		}
	}
	if err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	if first == nil || first.Step != 0 {
		t.Fatalf("the first map is %+v, wants one of step 0", first)
	}
	if got := r.Last(); got.Loss != want.Loss || got.TestLoss != want.TestLoss {
		t.Errorf("looking changes the losses: %v and %v, wants %v and %v", got.Loss, got.TestLoss, want.Loss, want.TestLoss)
	}
	if m := &first.Map; m.Heads != 4 || m.Tq != 10 || m.Tk != 24 || len(first.Queries) > 10 || len(first.Keys) > 24 {
		t.Fatalf("the map is %d×%d×%d with %d and %d names, wants 4×10×24", m.Heads, m.Tq, m.Tk, len(first.Queries), len(first.Keys))
	}
	for q := range first.Queries {
		sum := 0.0
		for k := range first.Keys {
			sum += float64(first.Map.At(1, q, k))
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("row %d adds up to %v over the sample's own steps, wants 1", q, sum)
		}
	}
	source, lens := make([]float32, 24), make([]int32, 1)
	c.Data.Test.Fill([]int{3}, data.Samples{X: [][]float32{source, make([]float32, 10)}, Lens: [][]int32{lens, make([]int32, 1)}})
	var signs []string
	for _, id := range source[:lens[0]] {
		signs = append(signs, c.Data.Inputs[0].Words[int(id)])
	}
	if !slices.Equal(first.Keys, signs) {
		t.Errorf("the keys are %q, wants the sample's source %q", first.Keys, signs)
	}

	k, err := ReadCheckpoint(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	a, err := LookAt(k, c.Data, Look{Node: cross, Sample: 3})
	if err != nil {
		t.Fatal(err)
	}
	if a.Problem != "" || a.Step != 12 || !slices.Equal(a.Keys, first.Keys) || slices.Equal(a.Map.Weights, first.Map.Weights) {
		t.Errorf("from the checkpoint: %q at step %d, keys %q; wants step 12, keys %q, and what 12 steps have changed", a.Problem, a.Step, a.Keys, first.Keys)
	}
}

func TestLookRefuses(t *testing.T) {
	c, nodes := looking(t, 2)
	c.Dir = t.TempDir()
	mustRun(t, c)
	for _, q := range []struct {
		at   Look
		want string
	}{
		{Look{Node: nodes[0], Sample: 16}, "there is no sample 17, wants 1 to 16"},
		{Look{Node: nodes[0] - 1, Sample: 0}, "attend"},
	} {
		k, err := ReadCheckpoint(c.Dir)
		if err != nil {
			t.Fatal(err)
		}
		a, err := LookAt(k, c.Data, q.at)
		if err != nil || !strings.Contains(a.Problem, q.want) {
			t.Errorf("%+v gives %+v, %v; wants %q", q.at, a, err, q.want)
		}
	}
}
