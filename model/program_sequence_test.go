package model

import (
	"slices"
	"strings"
	"testing"

	"layercake/compute"
)

// Lengths follow a sequence through what keeps its steps, and end where a step
// is no step of it any more.
func TestLensFollow(t *testing.T) {
	g := Resolve(mustParse(t, `
inputs: {src: {tokens: 9, length: 6}, other: {tokens: 5, length: 6}}
layers:
  - embedding: {tokens: 9, width: 4, from: [src], name: emb}
  - dense: {units: 3, name: wide}
  - relu
  - embedding: {tokens: 5, width: 3, from: [other], name: emb2}
  - add: {from: [wide, emb2], name: sum}
  - reshape: {shape: [6, 3], name: again}
  - flatten: {name: flat}
  - dense: {units: 2, name: out}
`))
	p, err := Compile(g, Options{Batch: 3, Train: true})
	if err != nil {
		t.Fatal(err)
	}
	check := func(n int, want map[string][]int32) {
		t.Helper()
		p.Forward(n, true)
		for k := range p.steps {
			s := &p.steps[k]
			name := p.g.Nodes[s.node].Name
			w, asked := want[name]
			if !asked {
				continue
			}
			if got := s.fwd.Out.Lens; !slices.Equal(got, w) {
				t.Errorf("%s puts out lengths %v, want %v", name, got, w)
			}
			if !slices.Equal(s.bwd.Out.Lens, w) || !slices.Equal(s.bwd.DOut.Lens, w) {
				t.Errorf("%s has other lengths backward", name)
			}
		}
	}
	p.SetLens(0, []int32{6, 2, 0})
	check(3, map[string][]int32{"emb": {6, 2, 0}, "wide": {6, 2, 0}, "emb2": nil, "sum": {6, 2, 0}, "again": nil, "flat": nil, "out": nil})
	p.SetLens(1, []int32{1, 1, 4})
	check(2, map[string][]int32{"emb": {6, 2}, "emb2": {1, 1}, "sum": {6, 2}})
	p.SetLens(0, nil)
	p.SetLens(1, nil)
	check(3, map[string][]int32{"emb": nil, "wide": nil, "emb2": nil, "sum": nil})
}

func TestAdaptTokens(t *testing.T) {
	s := mustParse(t, "input: {tokens: 65, length: 8}\nlayers:\n  - embedding: {tokens: 65, width: 4}\n  - dense: {units: 65}\n")
	fitted, said := Adapt(s, []Input{{Shape: compute.Shape{5}, Tokens: 27}}, 27)
	want := "x: changed the input from 8 to 5 and the tokens of the input from 65 to 27 and the outputs from 65 to 27 to fit the data"
	if fitted == nil || said != want {
		t.Fatalf("got %q, want %q", said, want)
	}
	g := Resolve(fitted)
	if g.Err != nil || g.Nodes[1].Plan.Params[0].Shape[0] != 27 || !g.Nodes[2].Plan.Out.Equal(compute.Shape{5, 27}) {
		t.Errorf("%v: %v, %v", g.Err, g.Nodes[1].Plan.Params, g.Nodes[2].Plan.Out)
	}
	// Places that are learnt go with the steps, those with room to spare only where they must.
	s = mustParse(t, "input: {tokens: 65, length: 8}\nlayers:\n  - embedding: {tokens: 65, width: 4}\n  - position: {kind: learned, length: 8}\n  - position: {kind: learned, length: 10}\n  - position\n")
	for _, c := range []struct{ steps, exact, roomy int }{{5, 5, 10}, {10, 10, 10}, {12, 12, 12}} {
		fitted, said := Adapt(s, []Input{{Shape: compute.Shape{c.steps}, Tokens: 65}}, 0)
		if fitted == nil {
			t.Fatalf("%d steps: %s", c.steps, said)
		}
		g := Resolve(fitted)
		if g.Err != nil || g.Nodes[2].Plan.Positions != c.exact || g.Nodes[3].Plan.Positions != c.roomy || !strings.Contains(said, "the places of position1 from 8 to ") {
			t.Errorf("%d steps: %v, %d and %d places, %q; wants %d and %d", c.steps, g.Err, g.Nodes[2].Plan.Positions, g.Nodes[3].Plan.Positions, said, c.exact, c.roomy)
		}
	}
	if s, why := Adapt(s, []Input{{Shape: compute.Shape{8}}}, 0); s != nil || why != "the input reads token ids, and the data feeds numbers" {
		t.Errorf("got %v, %q", s, why)
	}
	if s, why := Adapt(s, []Input{{}, {}}, 0); s != nil || why != "it has 1 input, and the data feeds 2 inputs" {
		t.Errorf("got %v, %q", s, why)
	}
}
