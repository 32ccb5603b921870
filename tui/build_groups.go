package tui

import (
	"fmt"
	"strings"

	"layercake/model"
)

// groupWords say what each kind of group is for.
var groupWords = map[string]struct{ what, when string }{
	model.GroupBlock: {
		"A named group of rows that run one after the other. It can be repeated: each repetition has weights of its own, and one edit changes all.",
		"Whatever comes more than once, and every stage that deserves a name.",
	},
	model.GroupResidual: {
		"A skip: what goes in is added to what the rows make of it. The sum passes gradients on unchanged, so that networks of a hundred layers learn.",
		"Around every two or three layers of a deep network. Where the shape changes, shortcut projection puts a 1×1 convolution on the way round.",
	},
	model.GroupBranches: {
		"Paths side by side: each reads the same input, and their outputs are joined. Concat puts channels behind one another, add and multiply want equal shapes.",
		"Windows of several sizes over one image, a gate beside what it opens, two inputs that meet.",
	},
}

// groupLines say what a group is, what it holds, and what goes on where edits
// of it reach.
func (b *buildScreen) groupLines(r *model.Row, w int) []string {
	t := b.d.theme
	g := b.d.shown()
	var out []string
	say := func(head, text string) {
		if text == "" {
			return
		}
		out = append(out, "", t.dim.Render(head))
		for _, l := range wrap(text, w-2) {
			out = append(out, " "+t.text.Render(l))
		}
	}
	words := groupWords[r.Kind]
	switch {
	case b.d.stack.isRepetition(b.d.stack.at(r)):
		say("What it is", fmt.Sprintf("Repetition %d of %d. It has weights of its own and shares its settings with the others.", r.Repeat, b.repeats(r)))
	case r.Title == "path":
		say("What it is", "One of the paths side by side. It reads what all of them read, and is joined with the others below.")
	default:
		say("What it is", words.what)
	}
	say("What it holds", holds(g, r))
	if !b.d.stack.isRepetition(b.d.stack.at(r)) && r.Title != "path" {
		say("When", words.when)
	}
	return out
}

// holds counts the layers in a group by kind: "6 conv, 6 norm, 5 relu".
func holds(g *model.Graph, r *model.Row) string {
	count := map[string]int{}
	var order []string
	for i := r.Nodes[0]; i < r.Nodes[1] && i < len(g.Nodes); i++ {
		k := g.Nodes[i].Kind
		if k == nil {
			continue
		}
		if count[k.Name]++; count[k.Name] == 1 {
			order = append(order, k.Name)
		}
	}
	for i, name := range order {
		order[i] = fmt.Sprintf("%d %s", count[name], name)
	}
	return strings.Join(order, ", ")
}

// inputsOf are the shapes that go into a row: of a group, those that come from
// outside it.
func inputsOf(g *model.Graph, r *model.Row) []string {
	from, to := r.Nodes[0], r.Nodes[1]
	if r.Node >= 0 && !r.Group {
		from, to = r.Node, r.Node+1
	}
	var out []string
	seen := map[int]bool{}
	for i := from; i >= 0 && i < to && i < len(g.Nodes); i++ {
		for _, n := range g.Nodes[i].In {
			if n >= 0 && n < from && !seen[n] && g.Nodes[n].Plan.Out != nil {
				seen[n] = true
				out = append(out, g.Nodes[n].Plan.Out.String())
			}
		}
	}
	return out
}
