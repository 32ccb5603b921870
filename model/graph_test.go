package model

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"layercake/compute"
)

func mustParse(t testing.TB, text string) *Spec {
	t.Helper()
	s, err := Parse("x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func presetSpec(t testing.TB, name string) *Spec {
	t.Helper()
	text, err := os.ReadFile("../presets/files/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, string(text))
}

// outline draws the rows: name, title, label, shape, parameters.
func outline(g *Graph) string {
	var b strings.Builder
	for i := range g.Rows {
		r := &g.Rows[i]
		mark := " "
		if r.Group {
			mark = "▾"
		}
		fmt.Fprintf(&b, "%s%s %s | %s | %s | %s | %d\n", strings.Repeat("  ", r.Depth), mark, r.Name, r.Title, r.Label, r.Out, r.Params)
	}
	return b.String()
}

const small = `input: [3, 8, 8]
blocks:
  basic:
    settings: {filters: 4, stride: 1}
    layers:
      - residual:
          shortcut: projection
          layers:
            - conv2d: {filters: $filters, kernel: 3, stride: $stride, padding: same, bias: false}
            - batchnorm
      - relu
layers:
  - conv2d: {filters: 4, kernel: 3, padding: same, bias: false, name: stem}
  - block: {name: stage, repeat: 2, use: basic, with: {filters: 8}, first: {stride: 2}}
  - branches:
      paths:
        - - conv2d: {filters: 2, kernel: 1, name: wide}
        - []
  - globalavgpool
  - dense: {units: 10}
`

func TestRows(t *testing.T) {
	g := Resolve(mustParse(t, small))
	if g.Err != nil {
		t.Fatal(g.Err)
	}
	want := `  input | input | image | 3×8×8 | 0
  stem | conv | 3×3 · 4 | 4×8×8 | 108
▾ stage | block | stage ×2 | 8×4×4 | 944
  ▾ stage/1 | 1 |  | 8×4×4 | 352
    ▾ stage/1/skip1 | skip |  | 8×4×4 | 352
        stage/1/conv1 | conv | 3×3 · 8 /2 | 8×4×4 | 288
        stage/1/norm1 | norm |  | 8×4×4 | 16
      ▾ stage/1/add | add | 1×1 projection | 8×4×4 | 48
          stage/1/shortcut/conv | conv | 1×1 · 8 /2 | 8×4×4 | 32
          stage/1/shortcut/norm | norm |  | 8×4×4 | 16
      stage/1/relu1 | relu |  | 8×4×4 | 0
  ▾ stage/2 | 2 |  | 8×4×4 | 592
    ▾ stage/2/skip1 | skip |  | 8×4×4 | 592
        stage/2/conv1 | conv | 3×3 · 8 | 8×4×4 | 576
        stage/2/norm1 | norm |  | 8×4×4 | 16
        stage/2/add | add | identity | 8×4×4 | 0
      stage/2/relu1 | relu |  | 8×4×4 | 0
▾ branches1 | split | 2 paths | 10×4×4 | 18
  ▾ branches1/1 | path | 1 | 2×4×4 | 18
      branches1/1/wide | conv | 1×1 · 2 | 2×4×4 | 18
  ▾ branches1/2 | path | 2 identity | 8×4×4 | 0
    branches1/concat | concat |  | 10×4×4 | 0
  global1 | global | average pool | 10 | 0
  dense1 | dense | 10 | 10 | 110
`
	if got := outline(g); got != want {
		t.Errorf("got\n%s", got)
	}
	checkGraph(t, g)
	if g.Depth() != 5 {
		t.Errorf("depth %d, want 5: stem, two in the stage, the wide path, dense", g.Depth())
	}
}

// checkGraph holds what must be true of every graph without an error.
func checkGraph(t *testing.T, g *Graph) {
	t.Helper()
	seen, rows := map[string]bool{}, map[string]bool{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if seen[n.Name] {
			t.Errorf("two nodes are called %s", n.Name)
		}
		seen[n.Name] = true
		for _, j := range n.In {
			if j >= i {
				t.Errorf("%s reads a later node", n.Name)
			}
		}
	}
	var params int64
	for i := range g.Rows {
		r := &g.Rows[i]
		if rows[r.Name] {
			t.Errorf("two rows are called %s", r.Name)
		}
		rows[r.Name] = true
		if r.Depth == 0 {
			params += r.Params
		}
		if r.Parent >= i || r.Parent >= 0 && g.Rows[r.Parent].Depth != r.Depth-1 {
			t.Errorf("row %s has parent %d", r.Name, r.Parent)
		}
		if r.Problem != nil || r.Out == nil {
			t.Errorf("row %s has the problem %v and shape %v", r.Name, r.Problem, r.Out)
		}
		if r.Kind != InputKind {
			if _, err := g.Spec.At(r.Item); err != nil {
				t.Errorf("row %s leads to no item", r.Name)
			}
		}
	}
	if params != g.Params() {
		t.Errorf("the rows come to %d parameters, the graph to %d", params, g.Params())
	}
}

func TestPresetGraphs(t *testing.T) {
	for _, name := range []string{"lenet5", "vgg-small", "resnet8", "resnet20-a", "plain56", "resnet50", "mobilenet_v2"} {
		g := Resolve(presetSpec(t, name))
		if g.Err != nil {
			t.Fatal(g.Err)
		}
		checkGraph(t, g)
	}
}

// Reach of ResNet-18's last stage, known from He et al.'s layout: 435 pixels.
func TestReceptive(t *testing.T) {
	for name, want := range map[string]int{"resnet18": 435, "resnet50": 427, "lenet5": 16} {
		g := Resolve(presetSpec(t, name))
		if got := g.Receptive(); got != [2]int{want, want} {
			t.Errorf("%s: %v, want %d", name, got, want)
		}
	}
	// Attention and recurrence see the whole sequence; a dense layer over steps each by itself.
	for name, want := range map[string]int{"gpt-nano": -1, "char-lstm": -1, "names-mlp": 0} {
		if got := Resolve(presetSpec(t, name)).Receptive()[0]; got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

// Every refusal of Resolve with its exact sentence: which row, and that all
// rows are there.
func TestResolveRefuses(t *testing.T) {
	const head = "input: [3, 8, 8]\nlayers:\n"
	const block = "input: [3, 8, 8]\nblocks:\n  b:\n    settings: {f: 4}\n    layers:\n      - conv2d: {filters: $f/2}\n      - relu\nlayers:\n"
	for _, c := range []struct {
		name, text, want string
		rows             int
	}{
		{"dense on an image", head + "  - dense\n  - relu\n",
			"x.yaml:3:5: dense1 (dense): got 3×8×8, wants one flat input, or a sequence T×F: put a flatten before it", 3},
		{"residual", head + "  - residual: {layers: [conv2d: {filters: 4}, relu]}\n  - relu\n",
			"x.yaml:3:5: add (residual): got 4×8×8 and 3×8×8, wants equal shapes: set shortcut: projection", 6},
		{"projection impossible", "input: [3, 9, 9]\nlayers:\n  - residual: {shortcut: projection, layers: [conv2d: {kernel: 6, padding: valid}]}\n",
			"x.yaml:3:5: add (residual): got 32×4×4 and 3×9×9, wants sides that a stride can divide: give shortcut: layers of your own", 4},
		{"pad impossible", head + "  - residual: {shortcut: pad, layers: [conv2d: {filters: 2}]}\n",
			"x.yaml:3:5: add (residual): got 2×8×8 and 3×8×8, wants an image with as many channels or more and sides that a stride can divide: set shortcut: projection", 4},
		{"unknown from", head + "  - relu: {name: first}\n  - relu: {from: frist}\n",
			`x.yaml:4:5: relu1 (relu): from names "frist", which is no earlier layer: did you mean first?`, 3},
		{"reads itself", head + "  - relu: {name: self, from: self}\n",
			`x.yaml:3:5: self (relu): from names "self", wants the name of an earlier layer`, 2},
		{"several inputs", "inputs: {a: [3], b: [3]}\nlayers: [relu]\n",
			"x.yaml:2:10: relu1 (relu): the network has 2 inputs, wants from: with the one to read", 3},
		{"tokens", "input: {tokens: 9, length: 4}\nlayers: [relu]\n",
			"x.yaml:2:10: relu1 (relu): got 4, wants numbers, and these are token ids: put an embedding before it", 2},
		{"odd half", block + "  - block: {use: b, with: {f: 5}}\n",
			"x.yaml:6:18: block1/conv1 (conv2d): filters is $f/2 with $f = 5, which leaves a rest, wants a multiple of 2", 4},
		{"no number", block + "  - block: {use: b, with: {f: many}}\n",
			"x.yaml:6:18: block1/conv1 (conv2d): filters is $f/2 with $f = many, wants a whole number", 4},
		{"bad value through a block", strings.Replace(block, "$f/2", "$f", 1) + "  - block: {use: b, with: {f: 0}}\n",
			"x.yaml:9:28: block1/conv1 (conv2d): filters is 0, wants 1 to 1048576", 4},
		{"share of another kind", head + "  - relu: {name: a}\n  - conv2d: {share: a}\n",
			"x.yaml:4:5: conv1 (conv2d): share names a, which is no conv2d: wants one of the same kind", 3},
		{"share of another size", head + "  - conv2d: {name: a}\n  - conv2d: {share: a}\n",
			"x.yaml:4:5: conv1 (conv2d): share names a, whose weight is 3×3×3×32 where this has 3×3×32×32: give both the same settings and inputs", 3},
		{"name taken", head + "  - residual: {layers: [relu: {name: a}]}\n  - relu: {name: a}\n",
			"x.yaml:4:5: a (relu): the name is taken by an earlier layer, wants another", 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := Resolve(mustParse(t, c.text))
			if g.Err == nil || g.Err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", g.Err, c.want)
			}
			problems := 0
			for i := range g.Rows {
				if g.Rows[i].Problem != nil {
					problems++
				}
			}
			if problems != 1 || len(g.Rows) != c.rows {
				t.Errorf("%d rows with a problem among\n%swant 1 among %d", problems, outline(g), c.rows)
			}
		})
	}
}

func TestResolveStopsAtLimits(t *testing.T) {
	wild := "input: [3]\nblocks:\n  a: {layers: [relu]}\n"
	for i := 'b'; i <= 'e'; i++ {
		wild += fmt.Sprintf("  %c: {layers: [block: {use: %c, repeat: 1000}]}\n", i, i-1)
	}
	g := Resolve(mustParse(t, wild+"layers: [block: {use: e}]\n"))
	if g.Err == nil || !strings.Contains(g.Err.Error(), "more than 100000 rows with its repeats unrolled") || len(g.Rows) > maxRows+maxRepeat {
		t.Errorf("%d rows, %v", len(g.Rows), g.Err)
	}
	deep := "input: [3]\nblocks:\n  a0: {layers: [relu]}\n"
	for i := 1; i < 60; i++ {
		deep += fmt.Sprintf("  a%d: {layers: [block: {use: a%d}]}\n", i, i-1)
	}
	g = Resolve(mustParse(t, deep+"layers: [block: {use: a59}]\n"))
	if g.Err == nil || !strings.Contains(g.Err.Error(), "groups lie more than 32 deep in groups, wants fewer") {
		t.Errorf("got %v", g.Err)
	}
}

func TestReferencesAndTies(t *testing.T) {
	g := Resolve(mustParse(t, `inputs: {left: [4], right: [4]}
layers:
  - block:
      name: towers
      from: left
      layers:
        - dense: {units: 4, name: a}
        - dense: {units: 4, name: b, share: a}
  - dense: {units: 4, name: other, from: right, share: towers/a}
  - add: {from: [., towers, towers/a]}
`))
	if g.Err != nil {
		t.Fatal(g.Err)
	}
	checkGraph(t, g)
	if g.Params() != 20 {
		t.Errorf("%d parameters, want 20: shared ones count once", g.Params())
	}
	last := g.Nodes[g.Output]
	if fmt.Sprint(last.In) != "[4 3 2]" || g.Nodes[3].Share != 2 || g.Nodes[4].Share != 2 {
		t.Errorf("reads %v, shares %d and %d", last.In, g.Nodes[3].Share, g.Nodes[4].Share)
	}
}

// TestTiedTable holds an unembedding to the table of its embedding: one set of
// parameters, gradients from both ends, and both follow data with other tokens.
func TestTiedTable(t *testing.T) {
	const file = `input: {tokens: 7, length: 5}
layers:
  - embedding: {tokens: 7, width: 4, name: letters, deviation: 0.5}
  - tanh
  - dense: {units: 4, bias: false, deviation: 0.3}
  - unembedding: {tokens: 7, share: letters}
`
	s := mustParse(t, file)
	g := Resolve(s)
	if g.Err != nil {
		t.Fatal(g.Err)
	}
	checkGraph(t, g)
	if g.Params() != 7*4+4*4 {
		t.Errorf("%d parameters, want 44: the table counts once", g.Params())
	}
	results, err := Check(t.Context(), g, 1, 100, nil, nil)
	if err == nil {
		err = CheckFailure(results)
	}
	if err != nil {
		t.Errorf("gradients of a tied table: %v", err)
	}
	fitted, why := Adapt(s, []Input{{Shape: compute.Shape{6}, Tokens: 11}}, 11)
	if fitted == nil {
		t.Fatal(why)
	}
	if g := Resolve(fitted); g.Err != nil || g.Params() != 11*4+4*4 {
		t.Errorf("fitted to 11 tokens: %v, %d parameters", g.Err, g.Params())
	}
	g = Resolve(mustParse(t, "input: [4]\nlayers:\n  - dense: {units: 4, name: a}\n  - unembedding: {tokens: 4, share: a}\n"))
	if g.Err == nil || !strings.Contains(g.Err.Error(), "wants one of the same kind, or of kind embedding") {
		t.Errorf("a table shared with a dense: %v", g.Err)
	}
}

func TestMemoryOfTraining(t *testing.T) {
	// Two layers of 2²⁰ and 2²⁰ units: 10¹² parameters and more.
	g := Resolve(mustParse(t, "name: big\ninput: [1048576]\nlayers:\n  - dense: {units: 1048576}\n"))
	if g.Err != nil || g.Params() < 1e12 {
		t.Fatalf("%d parameters, %v", g.Params(), g.Err)
	}
	if got := byteSize(g.TrainBytes(1, 1)); got != "13.2 TB" {
		t.Errorf("training takes %s", got)
	}
	if got := Resolve(presetSpec(t, "lenet5")).TrainBytes(64, 1); got > 1<<28 {
		t.Errorf("training lenet5 takes %s", byteSize(got))
	}
}

func TestAdapt(t *testing.T) {
	for _, c := range []struct {
		name    string
		input   compute.Shape
		classes int
		want    string
		out     int
	}{
		{"resnet8", compute.Shape{1, 28, 28}, 10, "", 10},
		{"resnet8", compute.Shape{3, 32, 32}, 7, "resnet8: changed the input from 1×28×28 to 3×32×32 and the outputs from 10 to 7 to fit the data", 7},
		{"resnet18", compute.Shape{3, 64, 64}, 0, "resnet18: changed the input from 3×224×224 to 3×64×64 to fit the data", 1000},
	} {
		s, said := Adapt(presetSpec(t, c.name), []Input{{Shape: c.input}}, c.classes)
		if s == nil || said != c.want {
			t.Errorf("%s: %q, want %q", c.name, said, c.want)
			continue
		}
		g := Resolve(s)
		if g.Err != nil || !g.Nodes[0].Plan.Out.Equal(c.input) || width(g) != c.out {
			t.Errorf("%s: %v, %s to %d", c.name, g.Err, g.Nodes[0].Plan.Out, width(g))
		}
	}
	s, why := Adapt(mustParse(t, "input: [3, 8, 8]\nlayers: [flatten]\n"), []Input{{Shape: compute.Shape{3, 8, 8}}}, 10)
	if want := "it has 192 outputs where the data asks for 10, and its last layer with weights, input, has no units to change: end it with dense: {units: 10}"; s != nil || why != want {
		t.Errorf("got %v, %q", s, why)
	}
}

func TestCompare(t *testing.T) {
	a, b := Resolve(presetSpec(t, "resnet20")), Resolve(presetSpec(t, "plain20"))
	c := Compare(a, b)
	if len(c.Rows) != len(a.Children(-1)) {
		t.Errorf("%d lines, want each of the %d rows beside its like", len(c.Rows), len(a.Children(-1)))
	}
	var marked []string
	for _, r := range c.Rows {
		if r.Cells[0] == nil || r.Cells[1] == nil {
			t.Fatalf("a row without partner")
		}
		if r.Differs {
			marked = append(marked, r.Cells[0].Name)
		}
	}
	if got := strings.Join(marked, " "); got != "stage1 stage2 stage3" {
		t.Errorf("marked %s, want all stages: plain20's have no skips", got)
	}
	if c.Totals[0].Params-c.Totals[1].Params != 272_474-269_722 {
		t.Errorf("totals %+v", c.Totals)
	}
	for _, r := range c.Rows {
		if r.Group && r.Cells[0].Name == "stage2" {
			under := c.Under(r)
			if len(under) != 3 || !under[0].Differs || under[0].Cells[0].Name != "stage2/1" || under[0].Cells[1].Name != "stage2/1" {
				t.Errorf("under stage2: %+v", under)
			}
		}
	}
	for _, r := range Compare(a, Resolve(presetSpec(t, "resnet20"))).Rows {
		if r.Differs {
			t.Errorf("%s differs from itself", r.Cells[0].Name)
		}
	}
	three := Compare(a, b, Resolve(presetSpec(t, "lenet5")))
	for _, r := range three.Rows {
		if len(r.Cells) != 3 {
			t.Fatalf("a line with %d cells", len(r.Cells))
		}
	}
	for i, g := range []*Graph{a, b, three.Graphs[2]} {
		var names, want []string
		for _, r := range three.Rows {
			if r.Cells[i] != nil {
				names = append(names, r.Cells[i].Name)
			}
		}
		for _, j := range g.Children(-1) {
			want = append(want, g.Rows[j].Name)
		}
		if strings.Join(names, " ") != strings.Join(want, " ") {
			t.Errorf("network %d: rows %v, want %v", i, names, want)
		}
	}
}

// deepResNet is resnet50 with the repeats of He et al., table 1.
func deepResNet(t testing.TB) *Spec {
	text, err := os.ReadFile("../presets/files/resnet50.yaml")
	if err != nil {
		t.Fatal(err)
	}
	deep := strings.NewReplacer("stage2, repeat: 4", "stage2, repeat: 8", "stage3, repeat: 6", "stage3, repeat: 36").Replace(string(text))
	return mustParse(t, deep)
}

func TestResNet152(t *testing.T) {
	g := Resolve(deepResNet(t))
	if g.Err != nil || g.Params() != 60_192_808 || g.Depth() != 152 {
		t.Errorf("%v, %d parameters, depth %d; torchvision's has 60,192,808", g.Err, g.Params(), g.Depth())
	}
}

func BenchmarkResNet152(b *testing.B) {
	s := deepResNet(b)
	text := s.YAML()
	g := Resolve(s)
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			if _, err := Parse("x.yaml", text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("resolve", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Resolve(s)
		}
	})
	b.Run("totals", func(b *testing.B) {
		for b.Loop() {
			g.Params()
			g.MACs()
			g.Depth()
			g.ParamsByKind()
		}
	})
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			g.TrainBytes(32, 1)
		}
	})
}

// Messages and folders of runs are called by the name, so there always is one.
func TestGraphsHaveNames(t *testing.T) {
	for _, c := range []struct{ spec, want string }{
		{(&Spec{Name: "a", File: "b.yaml"}).title(), "a"},
		{(&Spec{File: "nets/b.yaml"}).title(), "b"},
		{(&Spec{File: ".yaml"}).title(), ".yaml"},
		{(&Spec{}).title(), "the network"},
	} {
		if c.spec != c.want {
			t.Errorf("got %q, want %q", c.spec, c.want)
		}
	}
}
