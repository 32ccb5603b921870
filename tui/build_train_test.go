package tui

import (
	"slices"
	"strings"
	"testing"

	"layercake/model"
)

// translator reads two inputs of tokens.
const translator = `name: translator
inputs: {source: {length: 24, tokens: 42}, target: {length: 10, tokens: 12}}
layers:
  - embedding: {name: letters, tokens: 42, width: 8, from: source}
  - transformerencoder: {name: memory, heads: 2}
  - embedding: {name: signs, tokens: 12, width: 8, from: target}
  - transformerdecoder: {heads: 2, from: [., memory]}
  - dense: {name: scores, units: 12}
train: {data: dates}
`

// Rows of the same kind are told apart by what they read and are called.
func TestSeveralInputsOnBuild(t *testing.T) {
	d := drive(t, translator, 120, 40)
	for _, want := range []string{"source · 42 tokens", "target · 12 tokens", "← source", "← target", "← memory", "dense  12  scores"} {
		d.sees(want)
	}
	if r := d.a.desk.stack.row(); r.Name != "letters" {
		t.Errorf("the cursor is on %s at first, wants the first layer", r.Name)
	}
	d.selectRow("target")
	d.sees("trained on   dates")
	d.sees("samples      20,000")
	if strings.Contains(d.view(), "px") {
		t.Error("a network of sequences speaks of pixels")
	}
}

// Tokens of an input go to the embeddings that read it, in one edit.
func TestTokensOfInput(t *testing.T) {
	d := drive(t, translator, 120, 40)
	d.selectRow("target")
	d.press("e", "down", "1", "5", "enter")
	g := d.a.desk.graph
	if g.Err != nil || g.Inputs[1].Tokens != 15 {
		t.Fatalf("after typing 15 the input has %d tokens, err %v", g.Inputs[1].Tokens, g.Err)
	}
	d.sees("15 × 8")
	d.press("u")
	if g := d.a.desk.graph; g.Err != nil || g.Inputs[1].Tokens != 12 {
		t.Errorf("undo leaves %d tokens, err %v", g.Inputs[1].Tokens, g.Err)
	}
}

// A composite's settings are edited from its own row and from each part's.
func TestEditingComposite(t *testing.T) {
	for _, part := range []string{"memory", "memory/attention", "memory/ff1"} {
		d := drive(t, translator, 120, 40)
		d.selectRow(part)
		params := d.a.desk.graph.Params()
		d.press("e", "down", "down", "1", "6", "enter")
		if got := d.a.desk.graph.Params(); got == params || d.a.desk.graph.Err != nil {
			t.Errorf("%s: ff 16 leaves %d parameters, err %v", part, got, d.a.desk.graph.Err)
		}
		d.press("u")
		if got := d.a.desk.graph.Params(); got != params {
			t.Errorf("%s: undo gives %d parameters, wants %d", part, got, params)
		}
	}
}

// Only sets that a network can be fitted to are offered.
func TestSetsFor(t *testing.T) {
	for text, want := range map[string][]string{
		smallNet:   {"digits", "shapes", "mnist", "fashion-mnist", "cifar10"},
		translator: {"words", "dates"},
		"input: {tokens: 28, length: 16}\nlayers:\n  - embedding: {tokens: 28, width: 4}\n  - lstm: {units: 4}\n  - dense: {units: 28}\n":               {"tales", "reverse", "sort", "copy"},
		"input: {tokens: 28, length: 16}\nlayers:\n  - embedding: {tokens: 28, width: 4}\n  - lstm: {units: 4, return: last}\n  - dense: {units: 28}\n": {"names", "parity", "dyck"},
		"input: [100, 2]\nlayers:\n  - lstm: {units: 4, return: last}\n  - dense: {units: 1}\n":                                                         {"adding", "sine"},
	} {
		s, err := model.Parse("test.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		g := model.Resolve(s)
		if g.Err != nil {
			t.Fatal(g.Err)
		}
		if got := setsFor(g); !slices.Equal(got, want) {
			t.Errorf("%s: offers %v, wants %v", s.Name, got, want)
		}
	}
}
