package model

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"layercake/layers"
)

var (
	blockKeys     = []string{"name", "repeat", "use", "with", "first", "each", "layers", "from"}
	residualKeys  = []string{"name", "shortcut", "layers", "from"}
	branchesKeys  = []string{"name", "join", "paths", "from"}
	layerKeys     = []string{"name", "from", "share"}
	templateKeys  = []string{"settings", "layers"}
	shortcutKinds = []string{"identity", "projection", "pad"}
	joins         = []string{"concat", "add", "multiply"}
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

// items reads a list of layers and groups.
func (r *reader) items(n ast.Node, at Pos) ([]Item, error) {
	if isNull(n) {
		return nil, nil
	}
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		return nil, r.fail(at, "layers is %s, wants a list, one layer a line behind a dash", describe(n))
	}
	if r.depth++; r.depth > maxDepth {
		return nil, r.fail(at, "the file nests too deep, wants at most %d groups in groups", maxDepth)
	}
	defer func() { r.depth-- }()
	if len(seq.Values) == 0 {
		return nil, nil
	}
	// Made at its full length at once: comments hold pointers into it.
	list := make([]Item, len(seq.Values))
	seen := map[string]bool{}
	for i, v := range seq.Values {
		it := &list[i]
		if err := r.item(v, it); err != nil {
			return nil, err
		}
		if it.Name != "" && seen[it.Name] {
			return nil, r.fail(it.Pos, "the name %s is taken by an earlier layer of this list, wants another", it.Name)
		}
		seen[it.Name] = true
	}
	return list, nil
}

// kindNames are all words that an item may begin with.
func kindNames() []string {
	names := []string{GroupBlock, GroupResidual, GroupBranches}
	for _, k := range layers.Catalog {
		names = append(names, k.Name)
	}
	return names
}

func (r *reader) item(n ast.Node, it *Item) error {
	it.Pos = nodePos(n)
	r.anchor(it.Pos, &it.Comments)
	var e entry
	if w, ok := scalar(n); ok {
		if !isWord(w) {
			return r.fail(it.Pos, "a layer is called %s, wants one word", describe(n))
		}
		e = entry{key: w, pos: it.Pos, at: it.Pos}
	} else {
		list, err := r.mapping(n, "a layer", nil)
		if err != nil {
			return err
		}
		if len(list) != 1 {
			return r.fail(it.Pos, "a layer has %d keys side by side, wants one, with its settings inside: %s: {...}", len(list), list[0].key)
		}
		e = list[0]
	}
	it.Kind = e.key
	switch e.key {
	case GroupBlock:
		return r.block(e, it)
	case GroupResidual:
		return r.residual(e, it)
	case GroupBranches:
		return r.branches(e, it)
	}
	kind := layers.Lookup(e.key)
	if kind == nil {
		if n := layers.Nearest(e.key, kindNames()); n != "" {
			return r.fail(it.Pos, "unknown layer %s: did you mean %s?", e.key, n)
		}
		return r.fail(it.Pos, "unknown layer %s: `layercake layers` lists them", e.key)
	}
	if isNull(e.value) {
		return nil
	}
	layer := kind.New()
	fields := layer.Fields()
	allowed := append(fieldNames(fields), layerKeys...)
	keys, err := r.mapping(e.value, e.key, allowed)
	if err != nil {
		return err
	}
	for _, k := range keys {
		done, err := r.common(k, it)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		if k.key == "share" {
			if it.Share, err = r.reference(k); err != nil {
				return err
			}
			continue
		}
		s, err := r.setting(k)
		if err != nil {
			return err
		}
		if s.Ref == "" {
			if err := setField(fields, s.Key, s.Value); err != nil {
				return r.fail(k.at, "%s: %v", e.key, err)
			}
		}
		it.Settings = append(it.Settings, s)
	}
	return nil
}

func fieldNames(fields []layers.Field) []string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

func setField(fields []layers.Field, key string, v layers.Value) error {
	for _, f := range fields {
		if f.Name == key {
			return f.Set(v)
		}
	}
	return nil
}

// common reads name and from.
func (r *reader) common(k entry, it *Item) (bool, error) {
	var err error
	switch k.key {
	case "name":
		if it.Name, err = r.word(k); err == nil {
			err = r.checkName(it.Name, k.at)
		}
	case "from":
		if w, ok := scalar(k.value); ok {
			it.From = []string{w}
		} else {
			var v layers.Value
			v, err = r.value(k)
			it.From = v
		}
		for _, w := range it.From {
			if err == nil {
				err = r.checkReference(w, k)
			}
		}
	default:
		return false, nil
	}
	return true, err
}

func (r *reader) reference(k entry) (string, error) {
	w, err := r.word(k)
	if err == nil {
		err = r.checkReference(w, k)
	}
	return w, err
}

// checkReference wants names joined by slashes, or ".".
func (r *reader) checkReference(w string, k entry) error {
	if w == "." && k.key == "from" {
		return nil
	}
	for _, part := range strings.Split(w, "/") {
		if _, err := strconv.Atoi(part); err == nil && part != "" {
			continue // a repetition or a path
		}
		if CheckName(part) != nil {
			return r.fail(k.at, "%s is %q, wants the name of an earlier layer", k.key, w)
		}
	}
	return nil
}

// setting reads a value or a $name of the enclosing template.
func (r *reader) setting(k entry) (Setting, error) {
	s := Setting{Key: k.key, Pos: k.pos}
	w, ok := scalar(k.value)
	if !ok || !strings.HasPrefix(w, "$") {
		v, err := r.value(k)
		s.Value = v
		return s, err
	}
	ref, op, by, ok := parseRef(w)
	if !ok {
		return s, r.fail(k.at, "%s is %q, wants $name, $name*4 or $name/2", k.key, w)
	}
	if r.inside == nil {
		return s, r.fail(k.at, "%s is %s, wants a plain value: $ names work inside blocks: only", k.key, w)
	}
	var names []string
	for _, t := range r.inside.Settings {
		names = append(names, t.Key)
	}
	if !slices.Contains(names, ref) {
		if len(names) == 0 {
			return s, r.fail(k.at, "block %s has no setting %q: give it a default under settings:", r.inside.Name, ref)
		}
		return s, r.fail(k.at, "block %s has no setting %q%s", r.inside.Name, ref, Suggest(ref, names))
	}
	s.Ref, s.Op, s.By = ref, op, by
	return s, nil
}

// parseRef reads $name, $name*4 and $name/2.
func parseRef(w string) (ref, op string, by int, ok bool) {
	ref = strings.TrimPrefix(w, "$")
	if i := strings.IndexAny(ref, "*/"); i >= 0 {
		n, err := strconv.Atoi(strings.TrimSpace(ref[i+1:]))
		if err != nil || n < 1 || n > 1<<20 {
			return "", "", 0, false
		}
		op, by, ref = ref[i:i+1], n, strings.TrimSpace(ref[:i])
	}
	return ref, op, by, CheckName(ref) == nil
}

func (r *reader) block(e entry, it *Item) error {
	it.Repeat = 1
	if isNull(e.value) {
		return r.fail(e.pos, "block is empty, wants a list under layers: or the name of a block under use:")
	}
	keys, err := r.mapping(e.value, "block", blockKeys)
	if err != nil {
		return err
	}
	var with, first, each, body entry
	for _, k := range keys {
		done, err := r.common(k, it)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		switch k.key {
		case "repeat":
			if w, ok := scalar(k.value); ok && strings.HasPrefix(w, "$") {
				it.RepeatBy, err = r.setting(k)
			} else {
				it.Repeat, err = r.whole(k, 1, maxRepeat)
			}
		case "use":
			it.Use, err = r.word(k)
			if err == nil && r.spec.template(it.Use) == nil {
				var names []string
				for _, t := range r.spec.Blocks {
					names = append(names, t.Name)
				}
				if len(names) == 0 {
					return r.fail(k.at, "unknown block %s: describe it under blocks:", it.Use)
				}
				return r.fail(k.at, "unknown block %s%s", it.Use, Suggest(it.Use, names))
			}
		case "with":
			with = k
		case "first":
			first = k
		case "each":
			each = k
		case "layers":
			body = k
		}
		if err != nil {
			return err
		}
	}
	if it.Use == "" {
		if body.value == nil {
			return r.fail(e.pos, "block has no layers, wants a list under layers: or the name of a block under use:")
		}
		for _, k := range []entry{with, first, each} {
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
	if body.value != nil {
		return r.fail(body.pos, "use and layers are both given, wants one of them")
	}
	if it.With, err = r.templateSettings(with, it.Use); err != nil {
		return err
	}
	if it.First, err = r.templateSettings(first, it.Use); err != nil {
		return err
	}
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
	keys, err := r.mapping(e.value, "residual", residualKeys)
	if err != nil {
		return err
	}
	for _, k := range keys {
		done, err := r.common(k, it)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		if k.key == "layers" {
			if it.Layers, err = r.items(k.value, k.pos); err != nil {
				return err
			}
			continue
		}
		if _, ok := k.value.(*ast.SequenceNode); ok {
			it.Shortcut.Kind = "layers"
			if it.Shortcut.Layers, err = r.items(k.value, k.pos); err != nil {
				return err
			}
			if len(it.Shortcut.Layers) == 0 {
				it.Shortcut.Kind = "identity"
			}
			continue
		}
		w, err := r.word(k)
		if err != nil {
			return err
		}
		if !slices.Contains(shortcutKinds, w) {
			return r.fail(k.at, "shortcut is %q%s", w, Suggest(w, shortcutKinds))
		}
		it.Shortcut.Kind = w
	}
	if len(it.Layers) == 0 {
		return r.fail(e.pos, "residual has no layers, wants a list under layers:")
	}
	return nil
}

func (r *reader) branches(e entry, it *Item) error {
	it.Join = "concat"
	if isNull(e.value) {
		return r.fail(e.pos, "branches is empty, wants lists of layers under paths:")
	}
	keys, err := r.mapping(e.value, "branches", branchesKeys)
	if err != nil {
		return err
	}
	for _, k := range keys {
		done, err := r.common(k, it)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		if k.key == "join" {
			if it.Join, err = r.word(k); err != nil {
				return err
			}
			if !slices.Contains(joins, it.Join) {
				return r.fail(k.at, "join is %q%s", it.Join, Suggest(it.Join, joins))
			}
			continue
		}
		seq, ok := k.value.(*ast.SequenceNode)
		if !ok {
			return r.fail(k.at, "paths is %s, wants a list of lists of layers", describe(k.value))
		}
		for _, n := range seq.Values {
			list, err := r.items(n, nodePos(n))
			if err != nil {
				return err
			}
			it.Paths = append(it.Paths, list)
		}
	}
	if len(it.Paths) < 2 {
		return r.fail(e.pos, "branches has %d paths, wants two or more under paths:", len(it.Paths))
	}
	return nil
}
