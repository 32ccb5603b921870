package model

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"layercake/layers"
)

// Set gives a setting of the item at p a value.
//
// Of a layer, key is one of its fields. Where the file says $name there, the
// value goes to where it comes from: to the block's first or each if these
// give the setting in the repetition that p names, else to its with; and if p
// begins in a template, to the template's default. $name*4 is undone: 64
// makes name 16.
//
// Of a block, key is repeat or a setting of its template; of a residual,
// shortcut; of branches, join.
func Set(s *Spec, p Path, key string, v layers.Value) (*Spec, Path, error) {
	it, err := s.At(p)
	if err != nil {
		return nil, p, err
	}
	if len(v) == 0 || slices.Contains(v, "") {
		return nil, p, fmt.Errorf("%s has no value, wants one", key)
	}
	for _, w := range v {
		if _, ok := isText([]byte(w)); !ok || strings.ContainsAny(w, "\r\n\t") || strings.HasPrefix(w, "$") {
			return nil, p, fmt.Errorf("%s is %q, wants a plain word or number", key, w)
		}
	}
	switch it.Kind {
	case GroupBlock:
		if key == "repeat" {
			n, err := strconv.Atoi(v.String())
			if err != nil {
				return nil, p, fmt.Errorf("repeat is %s, wants a whole number from 1 to %d", v, maxRepeat)
			}
			return SetRepeat(s, p, n)
		}
		return s.give(p, 0, key, v)
	case GroupResidual:
		if key != "shortcut" || !slices.Contains(shortcutKinds, v.String()) {
			return nil, p, fmt.Errorf("%s is %s, wants shortcut to be %s", key, v, oneOf(shortcutKinds))
		}
		out, err := s.changeItem(p, func(it *Item) error {
			it.Shortcut = Shortcut{Kind: v.String()}
			return nil
		})
		return out, p, err
	case GroupBranches:
		if key != "join" || !slices.Contains(joins, v.String()) {
			return nil, p, fmt.Errorf("%s is %s, wants join to be %s", key, v, oneOf(joins))
		}
		out, err := s.changeItem(p, func(it *Item) error {
			it.Join = v.String()
			return nil
		})
		return out, p, err
	}
	return s.setLayer(p, it, key, v)
}

func (s *Spec) setLayer(p Path, it *Item, key string, v layers.Value) (*Spec, Path, error) {
	kind := layers.Lookup(it.Kind)
	if kind == nil {
		return nil, p, fmt.Errorf("unknown layer %s%s", it.Kind, maybeKind(it.Kind))
	}
	fields := kind.New().Fields()
	i := slices.IndexFunc(fields, func(f layers.Field) bool { return f.Name == key })
	if i < 0 {
		return nil, p, fmt.Errorf("%s has no setting %q%s", it.Kind, key, Suggest(key, fieldNames(fields)))
	}
	byDefault := fields[i].Get()
	if err := fields[i].Set(v); err != nil {
		return nil, p, err
	}
	for _, set := range it.Settings {
		if set.Key == key && set.Ref != "" {
			return s.follow(p, set, v)
		}
	}
	out, err := s.changeItem(p, func(it *Item) error {
		if !slices.ContainsFunc(it.Settings, func(t Setting) bool { return t.Key == key }) && slices.Equal(v, byDefault) {
			return nil
		}
		it.Settings = put(it.Settings, key, v)
		return nil
	})
	return out, p, err
}

// put is the list with key at v, in its place or at the end.
func put(list []Setting, key string, v layers.Value) []Setting {
	list = slices.Clone(list)
	for i := range list {
		if list[i].Key == key {
			list[i] = Setting{Key: key, Value: slices.Clone(v), Pos: list[i].Pos}
			return list
		}
	}
	return append(list, Setting{Key: key, Value: slices.Clone(v)})
}

// follow sets what set refers to, so that it comes to v.
func (s *Spec) follow(p Path, set Setting, v layers.Value) (*Spec, Path, error) {
	if set.Op != "" {
		n, err := strconv.Atoi(v.String())
		switch {
		case err != nil:
			return nil, p, fmt.Errorf("%s is %s, wants a whole number", set.Key, v)
		case set.Op == "*" && n%set.By != 0:
			return nil, p, fmt.Errorf("%s is %d, wants a multiple of %d: it is written $%s*%d", set.Key, n, set.By, set.Ref, set.By)
		case set.Op == "*":
			v = number(n / set.By)
		default:
			v = number(n * set.By)
		}
	}
	// The block whose use the path crosses last.
	for i := len(p) - 1; i > 0; i-- {
		it, err := s.At(p[:i])
		if err == nil && it.Kind == GroupBlock && it.Use != "" && p[i].List == "layers" {
			out, _, err := s.give(p[:i], p[i].Rep, set.Ref, v)
			return out, p, err
		}
	}
	name, ok := strings.CutPrefix(p[0].List, "blocks/")
	if !ok {
		return nil, p, fmt.Errorf("%s is $%s, and no block gives it", set.Key, set.Ref)
	}
	out := *s
	out.File = ""
	out.Blocks = slices.Clone(s.Blocks)
	t := out.template(name)
	if t == nil {
		return nil, p, errNoItem
	}
	t.Settings = put(t.Settings, set.Ref, v)
	return &out, p, nil
}

// give sets a template setting for the block at p, as seen in repetition rep
// (0: in all).
func (s *Spec) give(p Path, rep int, key string, v layers.Value) (*Spec, Path, error) {
	it, err := s.At(p)
	if err != nil {
		return nil, p, err
	}
	var names []string
	if t := s.template(it.Use); t != nil {
		for _, set := range t.Settings {
			names = append(names, set.Key)
		}
	}
	if !slices.Contains(names, key) {
		if len(names) == 0 {
			return nil, p, fmt.Errorf("this block has no setting %q, wants repeat alone", key)
		}
		return nil, p, fmt.Errorf("block %s has no setting %q%s", it.Use, key, Suggest(key, names))
	}
	index := func(list []Setting) int {
		return slices.IndexFunc(list, func(t Setting) bool { return t.Key == key })
	}
	// Where the value comes from, seen from this repetition.
	where, list := "with", it.With
	switch {
	case rep > 0 && rep <= len(it.Each) && index(it.Each[rep-1]) >= 0:
		where, list = "each", it.Each[rep-1]
	case rep == 1 && index(it.First) >= 0:
		where, list = "first", it.First
	}
	if i := index(list); i >= 0 && list[i].Ref != "" {
		out, _, err := s.follow(p, list[i], v)
		return out, p, err
	}
	out, err := s.changeItem(p, func(it *Item) error {
		switch where {
		case "each":
			it.Each = slices.Clone(it.Each)
			it.Each[rep-1] = put(it.Each[rep-1], key, v)
		case "first":
			it.First = put(it.First, key, v)
		default:
			it.With = put(it.With, key, v)
		}
		return nil
	})
	return out, p, err
}

// SetRepeat makes the block at p run n times; a repeat written $name becomes the number.
func SetRepeat(s *Spec, p Path, n int) (*Spec, Path, error) {
	if n < 1 || n > maxRepeat {
		return nil, p, fmt.Errorf("repeat is %d, wants 1 to %d", n, maxRepeat)
	}
	out, err := s.changeItem(p, func(it *Item) error {
		if it.Kind != GroupBlock {
			return fmt.Errorf("%s cannot be repeated: wrap it in a block", it.Kind)
		}
		if len(it.Each) > n {
			return fmt.Errorf("each gives settings for %d repetitions, wants at least as many", len(it.Each))
		}
		it.Repeat, it.RepeatBy = n, Setting{}
		return nil
	})
	return out, p, err
}

// SetFrom says what the item at p reads; nothing means the row above.
func SetFrom(s *Spec, p Path, from []string) (*Spec, Path, error) {
	r := &reader{}
	for _, w := range from {
		if err := r.checkReference(w, entry{key: "from"}); err != nil {
			return nil, p, fmt.Errorf("from is %q, wants the name of an earlier layer", w)
		}
	}
	out, err := s.changeItem(p, func(it *Item) error {
		it.From = slices.Clone(from)
		return nil
	})
	return out, p, err
}

// Wrap puts the items from one path to another of the same list into a group:
// a block, a residual or branches. A residual gets a projection where its
// shapes ask for one; branches get the items as first path and none as second.
func Wrap(s *Spec, from, to Path, kind string) (*Spec, Path, error) {
	if len(from) == 0 || len(from) != len(to) || !from.at(0).Equal(to.at(0)) {
		return nil, from, errors.New("the layers lie in different groups, wants neighbours of one")
	}
	a, b := from[len(from)-1].Index, to[len(to)-1].Index
	if a > b {
		from, a, b = to, b, a
	}
	group, err := NewItem(kind)
	if err != nil || layers.Lookup(kind) != nil {
		return nil, from, fmt.Errorf("%s is no group, wants %s", kind, oneOf([]string{GroupBlock, GroupResidual, GroupBranches}))
	}
	wrap := func(shortcut string) (*Spec, error) {
		return s.change(from, func(list []Item, i int) ([]Item, error) {
			if b >= len(list) {
				return nil, errNoItem
			}
			g, inside := group, slices.Clone(list[a:b+1])
			g.Comments.Above = inside[0].Comments.Above
			inside[0].Comments.Above = nil
			switch kind {
			case GroupBranches:
				g.Join, g.Paths = "add", [][]Item{inside, nil}
			case GroupResidual:
				g.Shortcut.Kind, g.Layers = shortcut, inside
			default:
				g.Layers = inside
			}
			return slices.Replace(list, a, b+1, g), nil
		})
	}
	out, err := wrap("identity")
	if err != nil || kind != GroupResidual {
		return out, from, err
	}
	var shape *layers.ShapeError
	if bad := Resolve(out).Err; errors.As(bad, &shape) && bad.(*NodeError).Item.Equal(from) {
		if with, err := wrap("projection"); err == nil {
			if still, ok := Resolve(with).Err.(*NodeError); !ok || !still.Item.Equal(from) {
				return with, from, nil
			}
		}
	}
	return out, from, nil
}

// maxUnwrapped is how many layers an unwrapped block may leave behind.
const maxUnwrapped = 1000

// Unwrap puts a group's layers in its place: of a block all repetitions with
// their settings, of a residual its main path, of branches the only path that
// has layers.
func Unwrap(s *Spec, p Path) (*Spec, Path, error) {
	it, err := s.At(p)
	if err != nil {
		return nil, p, err
	}
	var inside []Item
	switch it.Kind {
	case GroupBlock:
		if inside, err = s.unroll(it); err != nil {
			return nil, p, err
		}
	case GroupResidual:
		inside = slices.Clone(it.Layers)
	case GroupBranches:
		for _, path := range it.Paths {
			if len(path) > 0 && inside != nil {
				return nil, p, errors.New("branches with several paths cannot stand in a row: delete the paths that are not wanted first")
			}
			if len(path) > 0 {
				inside = slices.Clone(path)
			}
		}
	default:
		return nil, p, fmt.Errorf("%s is no group, wants a block, a residual or branches", it.Kind)
	}
	if len(inside) == 0 {
		return Delete(s, p)
	}
	above := it.Comments.Above
	out, err := s.change(p, func(list []Item, i int) ([]Item, error) {
		rest := slices.Concat(list[:i], list[i+1:])
		for j := range inside {
			inside[j].Name = freeName(rest, inside[j].Name)
			rest = append(rest, inside[j])
		}
		inside[0].Comments.Above = slices.Concat(above, inside[0].Comments.Above)
		return slices.Replace(list, i, i+1, inside...), nil
	})
	return out, p, err
}

// unroll is a block's layers, repetition by repetition, with the template's
// settings put in.
func (s *Spec) unroll(it *Item) ([]Item, error) {
	if it.RepeatBy.Ref != "" {
		return nil, fmt.Errorf("repeat is $%s, wants a number to unwrap by", it.RepeatBy.Ref)
	}
	list := it.Layers
	r := &resolver{spec: s, templates: map[string]*Template{}}
	if it.Use != "" {
		t := s.template(it.Use)
		if t == nil {
			return nil, fmt.Errorf("unknown block %s", it.Use)
		}
		list, r.templates[it.Use] = t.Layers, t
	}
	n := max(it.Repeat, 1)
	if n*len(list) > maxUnwrapped {
		return nil, fmt.Errorf("unwrapping would leave %d layers, wants at most %d", n*len(list), maxUnwrapped)
	}
	var out []Item
	for rep := 1; rep <= n; rep++ {
		env, _, err := r.env(it, nil, rep)
		if err != nil {
			return nil, err
		}
		copies := (&Spec{Layers: list}).mapItems(func(it *Item) {
			if len(env) > 0 {
				fill := func(list []Setting) []Setting {
					list = slices.Clone(list)
					for i, set := range list {
						if v, _, bad := (&scope{env: env}).value(&set); set.Ref != "" && bad == nil {
							list[i] = Setting{Key: set.Key, Value: v}
						} else if set.Ref != "" {
							err = bad
						}
					}
					return list
				}
				it.Settings, it.With, it.First = fill(it.Settings), fill(it.With), fill(it.First)
				it.Each = slices.Clone(it.Each)
				for i := range it.Each {
					it.Each[i] = fill(it.Each[i])
				}
				if it.RepeatBy.Ref != "" {
					by := fill([]Setting{it.RepeatBy})[0]
					it.Repeat, _ = strconv.Atoi(by.Value.String())
					it.RepeatBy = Setting{}
				}
			}
			if rep > 1 {
				it.Comments = Comments{}
			}
		})
		if err != nil {
			return nil, err
		}
		out = append(out, copies.Layers...)
	}
	return out, nil
}
