package model

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"layercake/layers"
)

func at(list string, index int, more ...PathStep) Path {
	return append(Path{{List: list, Index: index}}, more...)
}

// layersOf is the file's layers, without what stands above them.
func layersOf(s *Spec) string {
	_, text, _ := strings.Cut(string(s.YAML()), "layers:\n")
	return text
}

const flat = "input: [3, 8, 8]\nlayers:\n  # the first\n  - conv2d: {filters: 4, name: a} # line\n  - relu: {name: b}\n  - flatten\n  - dense: {units: 10}\n"

func TestMoves(t *testing.T) {
	relu := Item{Kind: "relu", Name: "b"}
	for _, c := range []struct {
		name, text string
		do         func(*Spec) (*Spec, Path, error)
		want       string
		cursor     Path
	}{
		{"insert", flat, func(s *Spec) (*Spec, Path, error) { return Insert(s, at("layers", 1), relu) },
			"  # the first\n  - conv2d: {filters: 4, name: a} # line\n  - relu: {name: b1}\n  - relu: {name: b}\n  - flatten\n  - dense: {units: 10}\n", at("layers", 1)},
		{"append", flat, func(s *Spec) (*Spec, Path, error) { return Insert(s, at("layers", 3).Next(), Item{Kind: "softmax"}) },
			"  # the first\n  - conv2d: {filters: 4, name: a} # line\n  - relu: {name: b}\n  - flatten\n  - dense: {units: 10}\n  - softmax\n", at("layers", 4)},
		{"delete the last", flat, func(s *Spec) (*Spec, Path, error) { return Delete(s, at("layers", 3)) },
			"  # the first\n  - conv2d: {filters: 4, name: a} # line\n  - relu: {name: b}\n  - flatten\n", at("layers", 2)},
		{"move down", flat, func(s *Spec) (*Spec, Path, error) { return Move(s, at("layers", 0), 1) },
			"  - relu: {name: b}\n  # the first\n  - conv2d: {filters: 4, name: a} # line\n  - flatten\n  - dense: {units: 10}\n", at("layers", 1)},
		{"duplicate", flat, func(s *Spec) (*Spec, Path, error) { return Duplicate(s, at("layers", 0)) },
			"  # the first\n  - conv2d: {filters: 4, name: a} # line\n  - conv2d: {filters: 4, name: a1}\n  - relu: {name: b}\n  - flatten\n  - dense: {units: 10}\n", at("layers", 1)},
		{"set", flat, func(s *Spec) (*Spec, Path, error) { return Set(s, at("layers", 0), "kernel", layers.Value{"3", "5"}) },
			"  # the first\n  - conv2d: {filters: 4, kernel: [3, 5], name: a} # line\n  - relu: {name: b}\n  - flatten\n  - dense: {units: 10}\n", at("layers", 0)},
		{"set to the default", flat, func(s *Spec) (*Spec, Path, error) { return Set(s, at("layers", 0), "stride", layers.Value{"1"}) },
			"  # the first\n  - conv2d: {filters: 4, name: a} # line\n  - relu: {name: b}\n  - flatten\n  - dense: {units: 10}\n", at("layers", 0)},
		{"wrap in a block", flat, func(s *Spec) (*Spec, Path, error) { return Wrap(s, at("layers", 1), at("layers", 0), GroupBlock) },
			"  # the first\n  - block:\n      layers:\n        - conv2d: {filters: 4, name: a} # line\n        - relu: {name: b}\n  - flatten\n  - dense: {units: 10}\n", at("layers", 0)},
		{"wrap in a skip with projection", flat, func(s *Spec) (*Spec, Path, error) { return Wrap(s, at("layers", 0), at("layers", 0), GroupResidual) },
			"  # the first\n  - residual:\n      shortcut: projection\n      layers:\n        - conv2d: {filters: 4, name: a} # line\n  - relu: {name: b}\n  - flatten\n  - dense: {units: 10}\n", at("layers", 0)},
		{"wrap in a plain skip", flat, func(s *Spec) (*Spec, Path, error) { return Wrap(s, at("layers", 1), at("layers", 1), GroupResidual) },
			"  # the first\n  - conv2d: {filters: 4, name: a} # line\n  - residual:\n      layers:\n        - relu: {name: b}\n  - flatten\n  - dense: {units: 10}\n", at("layers", 1)},
		{"unwrap a template", small, func(s *Spec) (*Spec, Path, error) { return Unwrap(s, at("layers", 1)) },
			`    settings: {filters: 4, stride: 1}
    layers:
      - residual:
          shortcut: projection
          layers:
            - conv2d: {filters: $filters, kernel: 3, stride: $stride, padding: same, bias: false}
            - batchnorm
      - relu

layers:
  - conv2d: {filters: 4, kernel: 3, padding: same, bias: false, name: stem}
  - residual:
      shortcut: projection
      layers:
        - conv2d: {filters: 8, kernel: 3, stride: 2, padding: same, bias: false}
        - batchnorm
  - relu
  - residual:
      shortcut: projection
      layers:
        - conv2d: {filters: 8, kernel: 3, stride: 1, padding: same, bias: false}
        - batchnorm
  - relu
  - branches:
      join: concat
      paths:
        - - conv2d: {filters: 2, kernel: 1, name: wide}
        - []
  - globalavgpool
  - dense: {units: 10}
`, at("layers", 1)},
		{"rename with references", "input: [3, 8, 8]\nlayers:\n  - relu: {name: a}\n  - relu\n  - add: {from: [., a]}\n",
			func(s *Spec) (*Spec, Path, error) { return Rename(s, at("layers", 0), "start") },
			"  - relu: {name: start}\n  - relu\n  - add: {from: [., start]}\n", at("layers", 0)},
		{"delete the only one of a group", "input: [3, 8, 8]\nlayers:\n  - relu\n  - residual: {layers: [tanh]}\n",
			func(s *Spec) (*Spec, Path, error) {
				return Delete(s, at("layers", 1, PathStep{List: "layers"}))
			},
			"  - relu\n", at("layers", 0)},
		{"move out of a group", "input: [3, 8, 8]\nlayers:\n  - residual: {layers: [tanh, relu]}\n  - sigmoid\n",
			func(s *Spec) (*Spec, Path, error) {
				return Move(s, at("layers", 0, PathStep{List: "layers", Index: 1}), 1)
			},
			"  - residual:\n      layers:\n        - tanh\n  - relu\n  - sigmoid\n", at("layers", 1)},
		{"repeat", small, func(s *Spec) (*Spec, Path, error) { return SetRepeat(s, at("layers", 1), 1000) }, strings.Replace(layersOf(mustParse(t, small)), "repeat: 2", "repeat: 1000", 1), at("layers", 1)},
		{"from", "input: [3, 8, 8]\nlayers:\n  - relu: {name: a}\n  - relu\n",
			func(s *Spec) (*Spec, Path, error) { return SetFrom(s, at("layers", 1), []string{"input"}) },
			"  - relu: {name: a}\n  - relu: {from: input}\n", at("layers", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mustParse(t, c.text)
			before := s.YAML()
			out, cursor, err := c.do(s)
			if err != nil {
				t.Fatal(err)
			}
			if got := layersOf(out); c.name != "unwrap a template" && got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			} else if c.name == "unwrap a template" && !strings.HasSuffix(string(out.YAML()), c.want) {
				t.Errorf("got\n%s", out.YAML())
			}
			if !cursor.Equal(c.cursor) {
				t.Errorf("cursor at %v, want %v", cursor, c.cursor)
			}
			if !bytes.Equal(s.YAML(), before) {
				t.Error("the old spec changed too: undo would be lost")
			}
		})
	}
}

// A setting written $name is edited where its value comes from, seen from the
// row's own repetition.
func TestSetFollowsReferences(t *testing.T) {
	const text = "input: [3, 8, 8]\nblocks:\n  b:\n    settings: {f: 4, s: 1}\n    layers:\n      - conv2d: {filters: $f*4, stride: $s}\n" +
		"layers:\n  - block: {name: one, repeat: 3, use: b, with: {f: 8}, first: {s: 2}}\n"
	for _, c := range []struct {
		node, key, value, want string
	}{
		{"one/1/conv1", "stride", "1", "with: {f: 8}, first: {s: 1}}"},
		{"one/2/conv1", "stride", "2", "with: {f: 8, s: 2}, first: {s: 2}}"},
		{"one/3/conv1", "filters", "64", "with: {f: 16}, first: {s: 2}}"},
	} {
		s := mustParse(t, text)
		g := Resolve(s)
		for _, n := range g.Nodes {
			if n.Name != c.node {
				continue
			}
			out, _, err := Set(s, n.Item, c.key, layers.Value{c.value})
			if err != nil {
				t.Fatal(err)
			}
			if got := layersOf(out); !strings.Contains(got, c.want) {
				t.Errorf("%s %s=%s: got\n%s", c.node, c.key, c.value, got)
			}
			for _, m := range Resolve(out).Nodes {
				if m.Name != c.node {
					continue
				}
				for _, f := range m.Layer.Fields() {
					if f.Name == c.key && f.Get().String() != c.value {
						t.Errorf("%s: %s is %s after setting it to %s", c.node, c.key, f.Get(), c.value)
					}
				}
			}
		}
	}
	s := mustParse(t, text)
	out, _, err := Set(s, at("blocks/b", 0), "stride", layers.Value{"2"})
	if err != nil || !strings.Contains(string(out.YAML()), "settings: {f: 4, s: 2}") {
		t.Errorf("through the template: %v\n%s", err, out.YAML())
	}
}

func TestMovesRefuse(t *testing.T) {
	s := mustParse(t, small)
	in := PathStep{List: "layers"}
	for _, c := range []struct {
		name string
		do   func() (*Spec, Path, error)
		want string
	}{
		{"no such place", func() (*Spec, Path, error) { return Delete(s, at("layers", 9)) }, "there is no layer at this place"},
		{"empty path", func() (*Spec, Path, error) { return Delete(s, nil) }, "there is no layer at this place"},
		{"top", func() (*Spec, Path, error) { return Move(s, at("layers", 0), -1) }, "it stands at the end of its list already"},
		{"unknown setting", func() (*Spec, Path, error) { return Set(s, at("layers", 0), "filtres", layers.Value{"1"}) }, `conv2d has no setting "filtres": did you mean filters?`},
		{"bad value", func() (*Spec, Path, error) { return Set(s, at("layers", 0), "filters", layers.Value{"x"}) }, `filters is "x", wants a whole number`},
		{"no value", func() (*Spec, Path, error) { return Set(s, at("layers", 0), "filters", nil) }, "filters has no value, wants one"},
		{"block setting", func() (*Spec, Path, error) { return Set(s, at("layers", 1), "width", layers.Value{"1"}) }, `block basic has no setting "width", wants filters or stride`},
		{"repeat", func() (*Spec, Path, error) { return SetRepeat(s, at("layers", 1), 0) }, "repeat is 0, wants 1 to 1000"},
		{"repeat a layer", func() (*Spec, Path, error) { return SetRepeat(s, at("layers", 0), 2) }, "conv2d cannot be repeated: wrap it in a block"},
		{"name", func() (*Spec, Path, error) { return Rename(s, at("layers", 1), "stem") }, "the name stem is taken by another layer of this list"},
		{"bad name", func() (*Spec, Path, error) { return Rename(s, at("layers", 1), "1") }, `the name "1" will not do, wants 1 to 64 letters, digits, - and _, a letter first`},
		{"wrap across", func() (*Spec, Path, error) { return Wrap(s, at("layers", 0), at("layers", 1, in), GroupBlock) }, "the layers lie in different groups, wants neighbours of one"},
		{"unwrap a layer", func() (*Spec, Path, error) { return Unwrap(s, at("layers", 0)) }, "conv2d is no group, wants a block, a residual or branches"},
		{"shortcut", func() (*Spec, Path, error) { return Set(s, at("layers", 1, in), "shortcut", layers.Value{"none"}) }, "shortcut is none, wants shortcut to be identity, projection or pad"},
	} {
		if _, _, err := c.do(); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	one := mustParse(t, "input: [3]\nblocks:\n  b: {layers: [relu]}\nlayers: [block: {use: b}]\n")
	if _, _, err := Delete(one, at("layers", 0, in)); err == nil || err.Error() != "blocks/b would be left without layers: delete the blocks that use it instead" {
		t.Errorf("got %v", err)
	}
}

// Moves at random never panic, never touch what they started from, and leave a
// spec that can be written and read.
func TestMovesAtRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	groups := []string{GroupBlock, GroupResidual, GroupBranches}
	s := mustParse(t, small)
	for range 600 {
		g := Resolve(s)
		p := g.Rows[r.IntN(len(g.Rows))].Item
		if p == nil {
			continue
		}
		before := s.YAML()
		var out *Spec
		var err error
		switch r.IntN(9) {
		case 0, 1:
			var it Item
			if it, err = NewItem(layers.Catalog[r.IntN(len(layers.Catalog))].Name); err == nil {
				out, _, err = Insert(s, p, it)
			}
		case 2, 3:
			out, _, err = Delete(s, p)
		case 4:
			out, _, err = Move(s, p, r.IntN(3)-1)
		case 5:
			out, _, err = Duplicate(s, p)
		case 6:
			out, _, err = Wrap(s, p, p, groups[r.IntN(3)])
		case 7:
			out, _, err = Unwrap(s, p)
		case 8:
			out, _, err = SetRepeat(s, p, 1+r.IntN(3))
		}
		if !bytes.Equal(s.YAML(), before) {
			t.Fatalf("the old spec changed:\n%s\nnow\n%s", before, s.YAML())
		}
		if err != nil {
			continue
		}
		if len(out.Layers) == 0 || len(Resolve(out).Rows) > 300 {
			out = mustParse(t, small)
		}
		again, err := Parse("x.yaml", out.YAML())
		if err != nil {
			t.Fatalf("%v in\n%s", err, out.YAML())
		}
		if !again.Equal(out) {
			t.Fatalf("another network after writing\n%s", out.YAML())
		}
		s = out
	}
}
