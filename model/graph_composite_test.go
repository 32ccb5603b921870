package model

import (
	"strings"
	"testing"

	"layercake/compute"
	"layercake/layers"
)

// A composite is a group row with its parts' rows under it, each with its own
// node, parameters and name.
func TestCompositeStandsForItsParts(t *testing.T) {
	g := Resolve(mustParse(t, `
input: [6, 4, 4]
layers:
  - squeezeexcite: {ratio: 3, name: gate}
  - relu
  - squeezeexcite: {ratio: 3, name: again, share: gate}
`))
	if g.Err != nil {
		t.Fatal(g.Err)
	}
	var names []string
	for _, r := range g.Rows {
		names = append(names, r.Name)
	}
	want := "input gate gate/mean gate/squeeze gate/relu gate/excite gate/sigmoid gate/weigh relu1 " +
		"again again/mean again/squeeze again/relu again/excite again/sigmoid again/weigh"
	if got := strings.Join(names, " "); got != want {
		t.Fatalf("rows are\n%s, want\n%s", got, want)
	}
	gate, part := &g.Rows[1], &g.Rows[3]
	if !gate.Group || gate.Node != -1 || gate.Params != 6*2+2+2*6+6 || gate.MACs != 24 || !gate.Out.Equal(compute.Shape{6, 4, 4}) {
		t.Errorf("the composite's row is %+v", gate)
	}
	if !part.Part || part.Node < 0 || part.Depth != 1 || part.Parent != 1 || !part.Item.Equal(gate.Item) {
		t.Errorf("a part's row is %+v", part)
	}
	if p := g.Params(); p != gate.Params {
		t.Errorf("tied composites have %d parameters together, want %d", p, gate.Params)
	}
	results, err := Check(t.Context(), g, 3, 2, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if !r.OK() {
			t.Errorf("%s: off by %v", r.Name, r.MaxRelErr)
		}
	}
}

func TestCompositeRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"input: [6]\nlayers:\n  - squeezeexcite\n":                                                      "squeeze1 (squeezeexcite): got 6, wants one image C×H×W",
		"input: [6, 4, 4]\nlayers:\n  - squeezeexcite: {share: nobody}\n":                               `share names "nobody"`,
		"input: [6, 4, 4]\nlayers:\n  - squeezeexcite: {from: [input, input]}\n":                        "wants one image",
		"input: {tokens: 5, length: 4}\nlayers:\n  - squeezeexcite\n":                                   "wants one image",
		"input: [6, 4, 4]\nlayers:\n  - conv2d: {name: c, filters: 2}\n  - squeezeexcite: {share: c}\n": "share names",
	} {
		if err := Resolve(mustParse(t, text)).Err; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

// Every example of every composite in the catalog has the gradients that
// differences give, as the network of its parts.
func TestCompositeGradients(t *testing.T) {
	for _, k := range layers.Catalog {
		for i, ex := range k.Examples {
			c, ok := ex.Layer.(layers.Composite)
			if !ok {
				continue
			}
			t.Run(k.Name+"/"+string(rune('0'+i)), func(t *testing.T) {
				results, err := Check(t.Context(), compositeGraph(t, k, c, ex.In), 5, 3, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range results {
					if !r.OK() {
						t.Errorf("%s: off by %v", r.Name, r.MaxRelErr)
					}
				}
			})
		}
	}
}

// compositeGraph is a network of one composite over inputs of these shapes.
func compositeGraph(t *testing.T, k *layers.Kind, c layers.Composite, in []compute.Shape) *Graph {
	t.Helper()
	s := &Spec{Name: k.Name}
	it := Item{Kind: k.Name}
	for i, shape := range in {
		name := "in" + string(rune('a'+i))
		s.Inputs = append(s.Inputs, Input{Name: name, Shape: shape})
		it.From = append(it.From, name)
	}
	for _, f := range c.Fields() {
		it.Settings = append(it.Settings, Setting{Key: f.Name, Value: f.Get()})
	}
	s.Layers = []Item{it}
	g := Resolve(s)
	if g.Err != nil {
		t.Fatal(g.Err)
	}
	return g
}
