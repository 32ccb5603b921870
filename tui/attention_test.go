package tui

import (
	"fmt"
	"strings"
	"testing"

	"layercake/compute"
	"layercake/data"
	"layercake/internal/golden"
	"layercake/model"
	"layercake/train"
)

const attendingNet = `name: attending
input: {tokens: 12, length: 8}
layers:
  - embedding: {tokens: 12, width: 8}
  - block: {name: layer, repeat: 2, layers: [transformerencoder: {heads: 2, ff: 16}]}
  - dense: {units: 12}
train: {data: reverse, batch: 32, epochs: 2}
`

// attending is a screen with a literal run on it that has ended, so that nobody
// answers but the test.
func attending(t *testing.T, w, h int) *driver {
	t.Helper()
	d := drive(t, attendingNet, w, h)
	desk := d.a.desk
	set := &data.Set{Name: "rows", Inputs: []data.Input{{Name: "input", Shape: compute.Shape{8}, Tokens: 12}}, Train: points{64}, Test: points{16}}
	desk.run = &runState{of: desk.graph.Spec, graph: desk.graph, data: "reverse", set: set, have: true, snap: step1200(desk.graph), cancel: func() {}, ended: true}
	desk.run.snap.Phase, desk.run.snap.Reason, desk.run.snap.Saved = train.Ended, train.Finished, t.TempDir()
	d.press("2")
	return d
}

// turned is a map whose first head looks at the step as far from the end as its
// own is from the beginning, and whose second looks everywhere alike.
func turned(at train.Look, names []string) *train.Attention {
	n := len(names)
	a := &train.Attention{Look: at, Step: 1200, Queries: names, Keys: names, Map: model.AttentionMap{Heads: 2, Tq: n, Tk: n, Weights: make([]float32, 2*n*n)}}
	for q := range n {
		for k := range n {
			a.Map.Weights[q*n+k] = 0.1 / float32(n-1)
			a.Map.Weights[(n+q)*n+k] = 1 / float32(n)
		}
		a.Map.Weights[q*n+n-1-q] = 0.9
	}
	return a
}

// shown opens the panel and hands it the map that it asked for.
func shownMap(d *driver, names []string) *attentionPanel {
	d.t.Helper()
	d.press("m")
	p, ok := d.a.front().(*attentionPanel)
	if !ok {
		d.t.Fatalf("m opens no map:\n%s", d.view())
	}
	d.send(attentionMsg{to: p, at: p.look(), got: turned(p.look(), names)})
	return p
}

var signs = []string{"b", "e", "l", "l", " ", "i", "n", "\n"}

func TestAttentionScreens(t *testing.T) {
	for _, size := range []struct {
		name string
		w, h int
	}{{"80x24", 80, 24}, {"120x40", 120, 40}} {
		t.Run(size.name, func(t *testing.T) {
			d := attending(t, size.w, size.h)
			shownMap(d, signs)
			d.press("right", "down", "down")
			golden.Equal(t, d.view())
		})
	}
}

// Heads, rows, samples and layers are a key away, and the chosen row is said in figures.
func TestAttentionKeys(t *testing.T) {
	d := attending(t, 120, 40)
	p := shownMap(d, signs)
	d.sees("layer/1/encoder1/attention", "all heads, their mean", "sample 1 of 16", "step 1,200", "b at 1 looks at", "↵ at 8 51 %")
	d.press("right")
	d.sees("head 1 of 2", "↵ at 8 90 %")
	d.press("down")
	d.sees("e at 2 looks at", "n at 7 90 %")
	d.press("right")
	d.sees("head 2 of 2", "12 %")
	d.press("n")
	if p.look().Sample != 1 || p.have != nil && p.have.Problem == "" {
		t.Errorf("n shows sample %d, wants 1, and the old map gone", p.look().Sample)
	}
	d.send(attentionMsg{to: p, at: train.Look{Node: p.look().Node, Sample: 0}, got: turned(train.Look{}, signs)})
	if p.have != nil && p.have.Problem == "" {
		t.Error("an answer to another question is shown")
	}
	first := p.look().Node
	d.press("tab")
	if p.look().Node == first {
		t.Error("tab stays at the layer")
	}
	d.press("p", "p")
	if got := p.look().Sample; got != 15 {
		t.Errorf("before the first sample comes %d, wants the last, 15", got)
	}
	d.press("esc")
	if len(d.a.desk.panels) != 0 {
		t.Error("esc leaves the map open")
	}
	if d := watched(t, 120, 40); strings.Contains(d.view(), "attention") {
		t.Error("a network without attention offers its map")
	}
}

// A run that was not kept has no weights to look with, and says so.
func TestAttentionOfALostRun(t *testing.T) {
	d := attending(t, 80, 24)
	d.a.desk.run.snap.Saved = ""
	d.press("m")
	d.sees("not kept on disk", "R trains anew")
}

// The map fills its panel at every size, with many keys, none, and long names.
func TestAttentionFrames(t *testing.T) {
	var many, long []string
	for i := range 200 {
		many = append(many, fmt.Sprint(i+1))
		long = append(long, strings.Repeat("word", i%6+1))
	}
	for _, names := range [][]string{{}, {"a"}, signs, many[:50], many, long} {
		for _, size := range [][2]int{{60, 16}, {80, 24}, {120, 40}, {200, 60}} {
			d := attending(t, size[0], size[1])
			shownMap(d, names)
			for _, k := range []string{"right", "down", "down", "up"} {
				d.press(k)
				d.view()
			}
			d.a.desk.theme.ascii = true
			for i, r := range d.view() {
				if r > 126 {
					t.Errorf("%v, %d names: %q at byte %d is no ASCII", size, len(names), r, i)
					break
				}
			}
		}
	}
}

// While a run goes on its snapshots bring the map.
func TestAttentionHearsTheRun(t *testing.T) {
	d := attending(t, 120, 40)
	p := shownMap(d, signs)
	snap := d.a.desk.run.snap
	snap.Attention = turned(p.look(), signs)
	snap.Attention.Step = 1300
	p.heard(snap.Attention)
	d.sees("step 1,300")
	other := turned(train.Look{Node: 1, Sample: 5}, signs)
	other.Step = 1400
	p.heard(other)
	d.sees("step 1,300")
}
