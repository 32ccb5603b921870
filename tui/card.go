package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"layercake/compute"
	"layercake/layers"
	"layercake/model"
)

// kindOf is the kind of a row's layer, nil for a group or an input.
func kindOf(r *model.Row) *layers.Kind { return layers.Lookup(r.Kind) }

// card lays the card of the selected layer's kind over the screen; the layer is
// one of g.
func (d *desk) card(g *model.Graph) tea.Cmd {
	r := d.stack.row()
	if r == nil {
		return nil
	}
	k := kindOf(r)
	if k == nil {
		d.say("a " + r.Kind + " has no card: choose a layer")
		return nil
	}
	params, macs := account(g, r)
	return d.lay(&page{d: d, key: "w", title: k.Name + " · " + string(k.Family), lines: func(w int) []string {
		return cardLines(d.theme, k, params, macs, w)
	}})
}

// account writes out what the row's layer has and costs, with its own numbers;
// empty where the row is a group or refused.
func account(g *model.Graph, r *model.Row) (params, macs string) {
	if r.Node < 0 || r.Node >= len(g.Nodes) || g.Nodes[r.Node].Layer == nil {
		return "", ""
	}
	n := &g.Nodes[r.Node]
	var in []compute.Shape
	for _, i := range n.In {
		in = append(in, g.Nodes[i].Plan.Out)
	}
	return layers.Account(n.Layer, in)
}

// cardLines is a kind's card in w cells; params and macs are the selected layer's
// own, written out.
func cardLines(t *theme, k *layers.Kind, params, macs string, w int) []string {
	card := k.Card
	var out []string
	for _, p := range []struct{ head, text string }{
		{"", k.Summary},
		{"What it does", card.What}, {"Formula", card.Formula}, {"Shapes", card.Shapes},
		{"Parameters", card.Params}, {"", here(params)}, {"Cost", card.Cost}, {"", here(macs)}, {"When", card.When},
		{"Instead", card.Instead}, {"Source", card.Source},
	} {
		if p.text == "" {
			continue
		}
		if p.head != "" {
			out = append(out, "", t.accent.Render(p.head))
		}
		for _, l := range wrap(p.text, w-2) {
			out = append(out, " "+t.text.Render(l))
		}
	}
	return out
}

// here begins a sum of the selected layer's own numbers.
func here(sum string) string {
	if sum == "" {
		return ""
	}
	return "here: " + sum
}
