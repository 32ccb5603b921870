package model

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// blocks reads the templates: their settings first, so that any may use any,
// then their layers.
func (r *reader) blocks(e entry) error {
	if isNull(e.value) {
		return nil
	}
	list, err := r.mapping(e.value, "blocks", nil)
	if err != nil {
		return err
	}
	r.spec.Blocks = make([]Template, len(list))
	bodies := make([]entry, len(list))
	for i, b := range list {
		t := &r.spec.Blocks[i]
		t.Name, t.Pos = b.key, b.pos
		if err := r.checkName(b.key, b.pos); err != nil {
			return err
		}
		r.anchor(b.pos, &t.Comments)
		keys, err := r.mapping(b.value, "block "+b.key, templateKeys)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k.key == "layers" {
				bodies[i] = k
			} else if t.Settings, err = r.rawSettings(k); err != nil {
				return err
			}
		}
		for _, s := range t.Settings {
			if err := r.checkName(s.Key, s.Pos); err != nil {
				return err
			}
			if strings.HasPrefix(s.Value[0], "$") {
				return r.fail(s.Pos, "%s is %s, wants a plain value as default", s.Key, s.Value)
			}
		}
		if bodies[i].value == nil {
			return r.fail(b.pos, "block %s has no layers, wants a list under layers:", b.key)
		}
	}
	for i := range list {
		t := &r.spec.Blocks[i]
		r.inside = t
		if t.Layers, err = r.items(bodies[i].value, bodies[i].pos); err != nil {
			return err
		}
		if len(t.Layers) == 0 {
			return r.fail(t.Pos, "block %s has no layers, wants a list under layers:", t.Name)
		}
	}
	r.inside = nil
	if loop := templateLoop(r.spec); loop != nil {
		return r.fail(loop.Pos, "block %s uses itself, wants blocks that end", loop.Name)
	}
	return nil
}

// templateLoop is a template that reaches itself, or nil.
func templateLoop(s *Spec) *Template {
	state := make([]int, len(s.Blocks)) // 1 being walked, 2 done
	index := map[string]int{}
	for i, t := range s.Blocks {
		index[t.Name] = i
	}
	var walk func(list []Item) bool
	enter := func(name string) bool {
		i, ok := index[name]
		if !ok || state[i] == 2 {
			return false
		}
		if state[i] == 1 {
			return true
		}
		state[i] = 1
		loops := walk(s.Blocks[i].Layers)
		state[i] = 2
		return loops
	}
	walk = func(list []Item) bool {
		for _, it := range list {
			if it.Use != "" && enter(it.Use) || walk(it.Layers) || walk(it.Shortcut.Layers) {
				return true
			}
			for _, p := range it.Paths {
				if walk(p) {
					return true
				}
			}
		}
		return false
	}
	for i := range s.Blocks {
		if enter(s.Blocks[i].Name) {
			return &s.Blocks[i]
		}
	}
	return nil
}

func (r *reader) block(e entry, it *Item) error {
	it.Repeat = 1
	if isNull(e.value) {
		return r.fail(e.pos, "block is empty, wants a list under layers: or the name of a block under use:")
	}
	var with, first, each, body entry
	err := r.settings(e, it, blockKeys, func(k entry) (err error) {
		switch k.key {
		case "repeat":
			if w, ok := scalar(k.value); ok && strings.HasPrefix(w, "$") {
				it.RepeatBy, err = r.setting(k)
			} else {
				it.Repeat, err = r.whole(k, 1, maxRepeat)
			}
		case "use":
			it.Use, err = r.use(k)
		case "with":
			with = k
		case "first":
			first = k
		case "each":
			each = k
		case "layers":
			body = k
		}
		return err
	})
	if err != nil {
		return err
	}
	if it.Use == "" {
		return r.ownLayers(it, e, body, with, first, each)
	}
	if body.value != nil {
		return r.fail(body.pos, "use and layers are both given, wants one of them")
	}
	if it.With, err = r.templateSettings(with, it.Use); err != nil {
		return err
	}
	if it.First, err = r.templateSettings(first, it.Use); err != nil {
		return err
	}
	return r.each(it, each)
}

// use reads the name of a block described under blocks:.
func (r *reader) use(k entry) (string, error) {
	name, err := r.word(k)
	if err != nil || r.spec.template(name) != nil {
		return name, err
	}
	if len(r.spec.Blocks) == 0 {
		return "", r.fail(k.at, "unknown block %s: describe it under blocks:", name)
	}
	var names []string
	for _, t := range r.spec.Blocks {
		names = append(names, t.Name)
	}
	return "", r.fail(k.at, "unknown block %s%s", name, Suggest(name, names))
}

// ownLayers reads the layers of a block that uses no other's; settings would have
// nowhere to go.
func (r *reader) ownLayers(it *Item, e, body entry, settings ...entry) (err error) {
	if body.value == nil {
		return r.fail(e.pos, "block has no layers, wants a list under layers: or the name of a block under use:")
	}
	for _, k := range settings {
		if k.value != nil {
			return r.fail(k.pos, "%s is given without use, wants the block whose settings it gives", k.key)
		}
	}
	it.Layers, err = r.items(body.value, body.pos)
	if err == nil && len(it.Layers) == 0 {
		return r.fail(body.pos, "block has no layers, wants a list under layers:")
	}
	return err
}

// each reads the settings of single repetitions.
func (r *reader) each(it *Item, each entry) error {
	if each.value == nil {
		return nil
	}
	seq, ok := each.value.(*ast.SequenceNode)
	if !ok || len(seq.Values) == 0 || len(seq.Values) > maxRepeat {
		return r.fail(each.at, "each is %s, wants a list of settings, one entry a repetition", describe(each.value))
	}
	if it.RepeatBy.Ref == "" && len(seq.Values) > it.Repeat {
		return r.fail(each.at, "each has %d entries, wants at most one for each of %d repetitions", len(seq.Values), it.Repeat)
	}
	for _, n := range seq.Values {
		s, err := r.templateSettings(entry{key: "each", pos: each.pos, at: nodePos(n), value: n}, it.Use)
		if err != nil {
			return err
		}
		it.Each = append(it.Each, s)
	}
	return nil
}

// template finds a template by name, or nil.
func (s *Spec) template(name string) *Template {
	for i := range s.Blocks {
		if s.Blocks[i].Name == name {
			return &s.Blocks[i]
		}
	}
	return nil
}

// templateSettings reads with, first or an entry of each.
func (r *reader) templateSettings(k entry, use string) ([]Setting, error) {
	if isNull(k.value) {
		return nil, nil
	}
	var names []string
	for _, s := range r.spec.template(use).Settings {
		names = append(names, s.Key)
	}
	if names == nil {
		return nil, r.fail(k.pos, "block %s has no settings, wants none given", use)
	}
	keys, err := r.mapping(k.value, "block "+use, names)
	if err != nil {
		return nil, err
	}
	var out []Setting
	for _, k := range keys {
		s, err := r.setting(k)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (r *reader) residual(e entry, it *Item) error {
	it.Shortcut.Kind = "identity"
	if isNull(e.value) {
		return r.fail(e.pos, "residual is empty, wants a list under layers:")
	}
	err := r.settings(e, it, residualKeys, func(k entry) (err error) {
		if k.key == "layers" {
			it.Layers, err = r.items(k.value, k.pos)
			return err
		}
		return r.shortcut(k, &it.Shortcut)
	})
	if err == nil && len(it.Layers) == 0 {
		err = r.fail(e.pos, "residual has no layers, wants a list under layers:")
	}
	return err
}

// shortcut reads one of shortcutKinds or a list of layers; one without layers is
// the identity.
func (r *reader) shortcut(k entry, s *Shortcut) error {
	if _, ok := k.value.(*ast.SequenceNode); ok {
		list, err := r.items(k.value, k.pos)
		if len(list) > 0 {
			s.Kind, s.Layers = "layers", list
		}
		return err
	}
	w, err := r.word(k)
	if err != nil {
		return err
	}
	if !slices.Contains(shortcutKinds, w) {
		return r.fail(k.at, "shortcut is %q%s", w, Suggest(w, shortcutKinds))
	}
	s.Kind = w
	return nil
}

func (r *reader) branches(e entry, it *Item) error {
	it.Join = "concat"
	if isNull(e.value) {
		return r.fail(e.pos, "branches is empty, wants lists of layers under paths:")
	}
	err := r.settings(e, it, branchesKeys, func(k entry) (err error) {
		if k.key == "paths" {
			it.Paths, err = r.paths(k)
			return err
		}
		if it.Join, err = r.word(k); err == nil && !slices.Contains(joins, it.Join) {
			err = r.fail(k.at, "join is %q%s", it.Join, Suggest(it.Join, joins))
		}
		return err
	})
	if err == nil && len(it.Paths) < 2 {
		err = r.fail(e.pos, "branches has %d paths, wants two or more under paths:", len(it.Paths))
	}
	return err
}

// paths reads a list of lists of layers.
func (r *reader) paths(k entry) ([][]Item, error) {
	seq, ok := k.value.(*ast.SequenceNode)
	if !ok {
		return nil, r.fail(k.at, "paths is %s, wants a list of lists of layers", describe(k.value))
	}
	var paths [][]Item
	for _, n := range seq.Values {
		list, err := r.items(n, nodePos(n))
		if err != nil {
			return nil, err
		}
		paths = append(paths, list)
	}
	return paths, nil
}
