package model

import (
	"slices"
	"testing"

	"layercake/compute"
)

const fusable = `
name: fusable
input: [3, 6, 6]
layers:
  - conv2d: {filters: 9, kernel: 3, padding: same}
  - relu
  - conv2d: {filters: 5, kernel: 1, bias: false}
  - relu
  - conv2d: {filters: 5, kernel: 3, padding: same, groups: 5}
  - relu
  - batchnorm
  - relu
  - flatten
  - dense: {units: 33}
  - relu
  - dense: {units: 4, name: last}
  - relu
`

func fusableNet(t *testing.T) *Graph {
	t.Helper()
	s, err := Parse("fusable", []byte(fusable))
	if err != nil {
		t.Fatal(err)
	}
	g := Resolve(s)
	if g.Err != nil {
		t.Fatal(g.Err)
	}
	return g
}

// Every relu of the net is left to the layer before it, and no bit changes,
// forward and backward, for full and for short batches.
func TestFusionChangesNothing(t *testing.T) {
	pool := compute.NewPool(2)
	defer pool.Close()
	g := fusableNet(t)
	for _, n := range []int{1, 5, 8} {
		o := Options{Batch: 8, Seed: 3, Pool: pool}
		got := stepBits(t, g, o, n)
		o.plain = true
		want := stepBits(t, g, o, n)
		sameBits(t, "output", got.out, want.out)
		sameBits(t, "gradient", got.grads, want.grads)
		sameBits(t, "input gradient", got.inputs, want.inputs)
	}
	p, err := Compile(g, Options{Batch: 8, Train: true, Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	relus := 0
	for i := range p.runs {
		if p.runs[i].relu {
			relus++
		}
	}
	if relus != 6 {
		t.Errorf("%d relus are fused, want 6", relus)
	}
}

// While somebody looks, every node's own output is there.
func TestFusionStopsWhileObserved(t *testing.T) {
	pool := compute.NewPool(1)
	defer pool.Close()
	p, err := Compile(fusableNet(t), Options{Batch: 2, Train: true, Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Input(0).Data {
		p.Input(0).Data[i] = float32(i%7) - 3
	}
	p.Forward(2, true)
	want := slices.Clone(p.Output().Data)
	below := make([]bool, len(p.g.Nodes))
	p.Observe(func(node int, out compute.Tensor) { below[node] = slices.Min(out.Data) < 0 })
	p.Forward(2, true)
	sameBits(t, "output", p.Output().Data, want)
	negative := 0
	for i, n := range p.g.Nodes {
		if n.Kind == nil || n.Kind.Name != "relu" {
			continue
		}
		if below[i] {
			t.Errorf("%s is below zero", n.Name)
		}
		if below[n.In[0]] {
			negative++
		}
	}
	if negative < 5 { // of six; the last layer has few numbers
		t.Errorf("only %d layers show what they put out before relu", negative)
	}
}
