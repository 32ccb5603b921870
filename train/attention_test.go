package train

import (
	"context"
	"slices"
	"testing"

	"layercake/compute"
	"layercake/data"
	"layercake/model"
	"layercake/presets"
)

// Trained to reverse digits, a network looks at the step that stands as far from
// the end as its own does from the beginning.
func TestReversingAttendsToTheOtherDiagonal(t *testing.T) {
	spec, err := presets.Spec("reverse-transformer")
	if err != nil {
		t.Fatal(err)
	}
	set, err := data.Open(context.Background(), "reverse", data.Options{Seed: 1, Train: 16000, Test: 64, Length: LengthFor(spec.Inputs)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := FromSpec(model.Resolve(spec), set, Overrides{Steps: 250, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	c.Dir = t.TempDir()
	mustRun(t, c)
	k, err := ReadCheckpoint(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	const n = 16
	pool := compute.NewPool(2)
	defer pool.Close()
	p, err := model.Compile(k.Config.Graph, model.Options{Batch: n, Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Load(p); err != nil {
		t.Fatal(err)
	}
	idx := make([]int, n)
	for i := range idx {
		idx[i] = i
	}
	set.Test.Fill(idx, data.Samples{X: [][]float32{p.Input(0).Data}})
	p.Forward(n, false)
	node := slices.IndexFunc(k.Config.Graph.Nodes, func(n model.Node) bool { return n.Kind != nil && n.Kind.Name == "attention" })
	right, all := 0, 0
	for sample := range n {
		m, err := p.AttentionMap(node, sample)
		if err != nil {
			t.Fatal(err)
		}
		for q := range m.Tq {
			best, most := -1, float32(0)
			for key := range m.Tk {
				var sum float32
				for h := range m.Heads {
					sum += m.At(h, q, key)
				}
				if sum > most {
					best, most = key, sum
				}
			}
			if best == m.Tk-1-q {
				right++
			}
			all++
		}
	}
	if right < all*9/10 {
		t.Errorf("%d of %d steps look at their mirror image, want nine in ten", right, all)
	}
}
