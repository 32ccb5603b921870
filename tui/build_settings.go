package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/layers"
	"layercake/model"
)

// toggleDetail shows or hides the detail where it is not beside the stack.
func (b *buildScreen) toggleDetail() tea.Cmd {
	b.detail = !b.detail
	b.fitStack()
	return nil
}

// layerOf is the layer of a row with its settings as they stand: resolved, or,
// behind a refusal, as far as the item says them.
func layerOf(g *model.Graph, r *model.Row) layers.Layer {
	if r.Node >= 0 && r.Node < len(g.Nodes) && g.Nodes[r.Node].Layer != nil {
		return g.Nodes[r.Node].Layer
	}
	k := kindOf(r)
	if k == nil || r.Item == nil {
		return nil
	}
	it, err := g.Spec.At(r.Item)
	if err != nil || it.Kind != r.Kind {
		return nil
	}
	layer := k.New()
	for _, s := range it.Settings {
		for _, f := range layer.Fields() {
			if f.Name == s.Key && s.Ref == "" {
				if err := f.Set(s.Value); err != nil {
					break // the default stands; the row's refusal says it
				}
			}
		}
	}
	return layer
}

// settings are the lines of the form for the row that edits go to; ok is
// false where the row has none.
func (b *buildScreen) settings(r *model.Row) []field {
	if r.Item == nil {
		return b.inputFields(r)
	}
	set := func(key string) func(s *model.Spec, value string) (*model.Spec, model.Path, error) {
		return func(s *model.Spec, value string) (*model.Spec, model.Path, error) {
			return model.Set(s, r.Item, key, layers.ParseValue(value))
		}
	}
	it, err := b.d.spec().At(r.Item)
	if err != nil {
		return nil
	}
	switch it.Kind {
	case model.GroupBlock:
		n := b.repeats(r)
		out := []field{fieldOf(layers.Field{Name: "repeat", Help: "how often the block runs, one after the other", Ptr: &n, Min: 1, Max: 1000}, set("repeat"))}
		for _, t := range b.d.spec().Blocks {
			if t.Name != it.Use {
				continue
			}
			for _, s := range t.Settings {
				v := s.Value
				if i := slices.IndexFunc(it.With, func(w model.Setting) bool { return w.Key == s.Key }); i >= 0 {
					v = it.With[i].Value
					if it.With[i].Ref != "" {
						v = layers.Value{"$" + it.With[i].Ref}
					}
				}
				f := textField(s.Key, "setting of the block "+it.Use, strings.Join(v, ", "), set(s.Key))
				f.step = true
				out = append(out, f)
			}
		}
		return out
	case model.GroupResidual:
		kind := it.Shortcut.Kind
		if kind == "" {
			kind = "identity"
		}
		options := []string{"identity", "projection", "pad"}
		if kind == "layers" {
			options = append(options, kind)
		}
		f := textField("shortcut", "the way round where shapes differ: a 1×1 convolution, or zero channels without parameters", kind, set("shortcut"))
		f.options = options
		return []field{f}
	case model.GroupBranches:
		f := textField("join", "how the paths come together", it.Join, set("join"))
		f.options = []string{"concat", "add", "multiply"}
		return []field{f}
	}
	layer := layerOf(b.d.shown(), r)
	if layer == nil || r.Kind != it.Kind {
		return nil
	}
	var out []field
	for _, f := range layer.Fields() {
		line := fieldOf(f, set(f.Name))
		for _, s := range it.Settings {
			if s.Key == f.Name && s.Ref != "" {
				line.help += fmt.Sprintf(" (from the block's %s)", s.Ref)
			}
		}
		out = append(out, line)
	}
	return out
}

// edit opens the selected row's settings as a form.
func (b *buildScreen) edit() tea.Cmd {
	r := b.d.stack.handle()
	if r == nil {
		return b.add()
	}
	f := &form{title: r.Kind, name: r.Name, what: "edit " + r.Name, fields: b.settings(r)}
	if n := b.d.places(r.Item); n > 1 {
		f.hint = fmt.Sprintf("One edit, %d rows: blocks share it.", n)
	}
	return b.openForm(f)
}

// settingLines are the selected row's settings, to read.
func (b *buildScreen) settingLines(r *model.Row, w int) []string {
	t := b.d.theme
	var out []string
	for _, f := range b.settings(r) {
		s := " " + t.dim.Render(fit(f.name, 13)) + t.strong.Render(f.was)
		if u := f.unitOf(f.was); u != "" {
			s += t.dim.Render(" " + u)
		}
		out = append(out, fit(s, w))
	}
	if r.Kind != model.GroupBlock || r.Item == nil {
		return out
	}
	if it, err := b.d.spec().At(r.Item); err == nil && len(it.First) > 0 {
		var first []string
		for _, s := range it.First {
			first = append(first, s.Key+" "+s.Value.String())
		}
		out = append(out, fit(" "+t.dim.Render(fit("first", 13))+t.strong.Render(strings.Join(first, ", ")), w))
	}
	return out
}
