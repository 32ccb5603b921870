package tui

import (
	"context"
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/compute"
	"layercake/data"
	"layercake/model"
	"layercake/train"
)

// inputGroups sort what a new network may read, in the order of the list.
var inputGroups = []struct {
	name string
	has  func(e *data.Entry) bool
}{
	{"images", func(e *data.Entry) bool { return e.Tokens == 0 && len(e.Input) == 3 }},
	{"text and other tokens", func(e *data.Entry) bool { return e.Tokens > 0 }},
	{"sequences of numbers", func(e *data.Entry) bool { return e.Tokens == 0 && len(e.Input) == 2 }},
	{"rows of numbers", func(e *data.Entry) bool { return e.Tokens == 0 && len(e.Input) == 1 }},
	{"your own file", func(e *data.Entry) bool { return e.Input == nil }},
}

// fresh asks what a new network is to read, and puts an empty one on the desk.
func (b *buildScreen) fresh() tea.Cmd {
	return b.d.guard("start a new network", func() tea.Cmd {
		var items []pickItem
		var entries []*data.Entry
		for _, g := range inputGroups {
			for i := range data.Catalog {
				if e := &data.Catalog[i]; g.has(e) {
					items = append(items, pickItem{group: g.name, name: e.Name, text: e.Title, more: e.Summary, right: feedWords(e)})
					entries = append(entries, e)
				}
			}
		}
		items = append(items, pickItem{group: "by hand", name: "an input", text: "shape and tokens as you say", more: "no data yet: enter on the input's row sets shape and tokens, i the data", right: "1×28×28"})
		p := newPicker(b.d, "new network: what does it read?", "begin", items, func(i int) tea.Cmd {
			switch {
			case i == len(entries):
				return b.begin([]model.Input{{Name: "input", Shape: compute.Shape{1, 28, 28}}}, "")
			case entries[i].Input == nil:
				return b.beginFromFile(entries[i])
			}
			return b.begin(inputsFor(entries[i]), entries[i].Name)
		})
		p.w, p.h = 100, 40
		return b.d.lay(p)
	})
}

// feedWords are what a set feeds in and asks for: "3×32×32 → 10 classes".
func feedWords(e *data.Entry) string {
	if e.Input == nil {
		return ""
	}
	in := e.Input.String()
	if e.Tokens > 0 {
		in += fmt.Sprintf(" of %d tokens", e.Tokens)
	}
	if e.Second != nil {
		in += " and " + e.Second.String()
	}
	switch {
	case e.Classes > 0 && e.PerStep:
		return fmt.Sprintf("%s → %d a step", in, e.Classes)
	case e.Classes > 0:
		return fmt.Sprintf("%s → %d classes", in, e.Classes)
	}
	if e.Targets == 1 {
		return in + " → 1 number"
	}
	return fmt.Sprintf("%s → %d numbers", in, e.Targets)
}

// inputsFor are the inputs of a network that reads a set of the catalog.
func inputsFor(e *data.Entry) []model.Input {
	in := []model.Input{{Name: "input", Shape: e.Input, Tokens: e.Tokens}}
	if e.Second == nil {
		return in
	}
	second := model.Input{Name: "second", Shape: e.Second, Tokens: e.Tokens}
	if e.PerStep { // a text in another alphabet, whose signs are the classes
		in[0].Name, second.Name, second.Tokens = "source", "target", e.Classes
	}
	return append(in, second)
}

// begin puts a network without layers on the desk.
func (b *buildScreen) begin(inputs []model.Input, set string) tea.Cmd {
	b.d.load(&model.Spec{Name: "new", Inputs: inputs, Train: model.TrainSpec{Data: set}}, "")
	first := "a adds a layer"
	if inputs[0].Tokens > 0 {
		first = "a adds a layer, an embedding to begin with"
	}
	b.d.say("a new network: " + first + "; i changes data and training")
	return nil
}

// beginFromFile asks for a file and takes the inputs from what it holds.
func (b *buildScreen) beginFromFile(e *data.Entry) tea.Cmd {
	q := &dialog{d: b.d, title: e.Title, asks: true,
		text: "The path of " + e.Needs + ". Its shape becomes the network's input."}
	q.accept = func(path string) tea.Cmd {
		if path == "" {
			q.problem = "there is no path, wants one such as " + strings.Replace(e.Name, "PATH", "mine", 1)
			return nil
		}
		return func() tea.Msg {
			set, err := data.Open(context.Background(), path, data.Options{Dir: b.d.opts.DataDir, Seed: 1})
			return fileReadMsg{q, path, set, err}
		}
	}
	q.more = func(msg tea.Msg) {
		m, ok := msg.(fileReadMsg)
		switch {
		case !ok || m.to != q:
		case m.err != nil:
			q.problem = sentence(m.err)
		default:
			b.d.remove()
			b.begin(train.Inputs(m.set), m.path)
		}
	}
	return b.d.lay(q)
}

// fileReadMsg brings what a dialog's file holds.
type fileReadMsg struct {
	to   *dialog
	path string
	set  *data.Set
	err  error
}
