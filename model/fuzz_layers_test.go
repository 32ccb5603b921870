package model

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"layercake/compute"
	"layercake/layers"
)

// A wild setting is refused or works: no kind of layer panics, whatever its
// fields and inputs are, when planned and, where it is small, when run both ways.
func TestWildLayers(t *testing.T) {
	tries := 150
	if testing.Short() {
		tries = 30
	}
	ran := map[string]int{}
	for i, k := range layers.Catalog {
		for seed := range tries {
			if wildLayer(t, k, rand.New(rand.NewPCG(uint64(i), uint64(seed)))) {
				ran[k.Name]++
			}
		}
	}
	for _, k := range layers.Catalog {
		if ran[k.Name] == 0 {
			t.Errorf("no try of %s was small enough and right to run", k.Name)
		}
	}
}

func FuzzLayers(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		wildLayer(t, layers.Catalog[a%uint64(len(layers.Catalog))], rand.New(rand.NewPCG(a, b)))
	})
}

// wildLayer makes a network of one layer with random settings and inputs and
// reports whether it ran.
func wildLayer(t *testing.T, k *layers.Kind, r *rand.Rand) bool {
	ex := k.Examples[r.IntN(len(k.Examples))]
	s := &Spec{Name: "wild"}
	it := Item{Kind: k.Name}
	plan, err := ex.Layer.Plan(ex.In)
	if err != nil {
		t.Fatal(err)
	}
	for i, shape := range ex.In {
		shape = append(compute.Shape(nil), shape...)
		for a := range shape {
			if r.IntN(4) == 0 {
				shape[a] = wildNumber(r, shape[a])
				shape[a] = min(max(shape[a], 1), 1<<20)
			}
		}
		in := Input{Name: fmt.Sprint("in", i), Shape: shape}
		if plan.Tokens {
			in.Tokens = 1 + r.IntN(50)
		}
		s.Inputs = append(s.Inputs, in)
		it.From = append(it.From, in.Name)
	}
	for _, f := range ex.Layer.Fields() {
		v := f.Get()
		if r.IntN(3) == 0 {
			v = wildValue(r, f, v)
		}
		if len(v) > 0 {
			it.Settings = append(it.Settings, Setting{Key: f.Name, Value: v})
		}
	}
	s.Layers = []Item{it}
	g := Resolve(s)
	if g.Err != nil || g.MACs() > 1e6 {
		return false
	}
	m := planProgram(g, planOptions{batch: 2, train: true})
	if m.Bytes() > 1<<21 {
		return false
	}
	p, err := Compile(g, Options{Batch: 2, Train: true, Seed: 3, InputGrads: true})
	if err != nil {
		t.Fatalf("%s %v on %v: planned, and not compiled: %v", k.Name, it.Settings, s.Inputs, err)
	}
	for j, in := range p.Inputs() {
		for i := range in.Data {
			if n := s.Inputs[j].Tokens; n > 0 {
				in.Data[i] = float32(r.IntN(n))
			} else {
				in.Data[i] = float32(r.NormFloat64())
			}
		}
	}
	if plan.Tokens && tokensBeyond(g, p) {
		return false // more tokens than the table has rows: train refuses such data
	}
	p.Forward(2, true)
	for i := range p.OutputGrad().Data {
		p.OutputGrad().Data[i] = float32(r.NormFloat64())
	}
	if len(p.OutputGrad().Data) > 0 {
		p.Backward()
	}
	p.Forward(1, false)
	return true
}

// tokensBeyond reports whether an id lies beyond the rows of the table that reads it.
func tokensBeyond(g *Graph, p *Program) bool {
	rows := g.Nodes[len(g.Nodes)-1].Plan.Params[0].Shape[0]
	for _, x := range p.Input(0).Data {
		if int(x) >= rows {
			return true
		}
	}
	return false
}

func wildNumber(r *rand.Rand, was int) int {
	list := []int{0, 1, 2, 3, 5, 7, 16, was + 1, was - 1, 2 * was, -1, 1 << 20, 1<<31 - 1, 1<<62 - 1}
	return list[r.IntN(len(list))]
}

// wildValue is another value of a field, or no value of it at all.
func wildValue(r *rand.Rand, f layers.Field, was layers.Value) layers.Value {
	number := func(w string) string {
		n, err := strconv.Atoi(w)
		if err != nil {
			n = 2
		}
		return fmt.Sprint(wildNumber(r, n))
	}
	switch f.Ptr.(type) {
	case *bool:
		return layers.Value{fmt.Sprint(r.IntN(2) == 0)}
	case *float64:
		return layers.Value{[]string{"0", "0.1", "0.5", "0.99", "1", "2", "-1", "1e-12", "1e30", "NaN"}[r.IntN(10)]}
	case *string:
		if len(f.Options) > 0 && r.IntN(8) > 0 {
			return layers.Value{f.Options[r.IntN(len(f.Options))]}
		}
		return layers.Value{"wild"}
	}
	if r.IntN(6) == 0 {
		return layers.Value{[]string{"same", "valid", "auto", "causal"}[r.IntN(4)]}
	}
	var v layers.Value
	for _, w := range was {
		v = append(v, number(w))
	}
	if r.IntN(4) == 0 {
		v = append(v, number("2"))
	}
	return v
}
