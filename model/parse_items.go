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
	return r.settings(e, it, append(fieldNames(fields), layerKeys...), func(k entry) error {
		if k.key == "share" {
			var err error
			it.Share, err = r.reference(k)
			return err
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
		return nil
	})
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

// settings reads what stands between the braces of an item: the keys that every item
// may have here, those of its own through own, in the order of the file.
func (r *reader) settings(e entry, it *Item, allowed []string, own func(k entry) error) error {
	keys, err := r.mapping(e.value, e.key, allowed)
	if err != nil {
		return err
	}
	for _, k := range keys {
		switch k.key {
		case "name":
			err = r.name(k, it)
		case "from":
			err = r.from(k, it)
		default:
			err = own(k)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) name(k entry, it *Item) (err error) {
	if it.Name, err = r.word(k); err != nil {
		return err
	}
	return r.checkName(it.Name, k.at)
}

// from reads one reference or a list of them.
func (r *reader) from(k entry, it *Item) (err error) {
	if w, ok := scalar(k.value); ok {
		it.From = []string{w}
	} else if it.From, err = r.value(k); err != nil {
		return err
	}
	for _, w := range it.From {
		if err := r.checkReference(w, k); err != nil {
			return err
		}
	}
	return nil
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
