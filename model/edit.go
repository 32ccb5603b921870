package model

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"layercake/compute"
	"layercake/layers"
)

// The moves of the builder. Each is a pure function from a Spec to a new one
// that shares what did not change; the Path that comes back is where the
// cursor belongs. A refusal says why in one sentence and leaves everything as
// it was.
//
// A path that leads through a block's use into its template edits the
// template, and so every block that uses it; Set on a setting written $name
// is the exception and edits the value that the block gives.

// Next is the place below p in the same list.
func (p Path) Next() Path { return p.at(p[len(p)-1].Index + 1) }

// at is p with another last index.
func (p Path) at(index int) Path {
	out := slices.Clone(p)
	out[len(out)-1].Index = index
	return out
}

// Parent is the path of the group that p lies in, or nil in an outermost list.
func (p Path) Parent() Path {
	if len(p) < 2 {
		return nil
	}
	return slices.Clone(p[:len(p)-1])
}

// Equal reports whether two paths lead to the same item by the same way,
// whatever the repetition.
func (p Path) Equal(q Path) bool {
	return slices.EqualFunc(p, q, func(a, b PathStep) bool { return a.List == b.List && a.Index == b.Index })
}

// Key is p as text, for maps: repetitions have the same.
func (p Path) Key() string {
	var b strings.Builder
	for _, s := range p {
		b.WriteString(s.List)
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(s.Index))
		b.WriteByte(' ')
	}
	return b.String()
}

var errNoItem = errors.New("there is no layer at this place")

// At is the item at p.
func (s *Spec) At(p Path) (*Item, error) {
	list, i, err := s.list(s.straight(p))
	if err != nil || i >= len(list) {
		return nil, errNoItem
	}
	return &list[i], nil
}

// straight is the path to the same item that begins in the template it is
// written in, so that no step crosses a use.
func (s *Spec) straight(p Path) Path {
	out := Path{}
	for i, step := range p {
		if i > 0 && step.List == "layers" {
			if list, at, err := s.list(out); err == nil && at < len(list) && list[at].Use != "" {
				out = Path{{List: "blocks/" + list[at].Use, Index: step.Index}}
				continue
			}
		}
		out = append(out, PathStep{List: step.List, Index: step.Index})
	}
	return out
}

// list finds the list that a straight path ends in, and the index in it.
func (s *Spec) list(p Path) ([]Item, int, error) {
	if len(p) == 0 {
		return nil, 0, errNoItem
	}
	list, err := s.root(p[0].List)
	for i := 1; i < len(p) && err == nil; i++ {
		at := p[i-1].Index
		if at < 0 || at >= len(list) {
			return nil, 0, errNoItem
		}
		list, err = list[at].sublist(p[i].List)
	}
	i := p[len(p)-1].Index
	if err != nil || i < 0 || i > len(list) {
		return nil, 0, errNoItem
	}
	return list, i, nil
}

func (s *Spec) root(name string) ([]Item, error) {
	if name == "layers" {
		return s.Layers, nil
	}
	if t := s.template(strings.TrimPrefix(name, "blocks/")); t != nil {
		return t.Layers, nil
	}
	return nil, errNoItem
}

func (it *Item) sublist(name string) ([]Item, error) {
	switch {
	case name == "layers":
		return it.Layers, nil
	case name == "shortcut":
		return it.Shortcut.Layers, nil
	case strings.HasPrefix(name, "paths/"):
		if i, err := strconv.Atoi(name[len("paths/"):]); err == nil && i >= 0 && i < len(it.Paths) {
			return it.Paths[i], nil
		}
	}
	return nil, errNoItem
}

// change is s with the list that p ends in replaced by what f makes of it. f
// gets a copy of the list.
func (s *Spec) change(p Path, f func(list []Item, i int) ([]Item, error)) (*Spec, error) {
	p = s.straight(p)
	if _, _, err := s.list(p); err != nil {
		return nil, err
	}
	out := *s
	out.File = "" // places in the file hold no longer
	root, _ := s.root(p[0].List)
	list, err := changeList(root, p, f)
	if err != nil {
		return nil, err
	}
	if p[0].List == "layers" {
		out.Layers = list
		return &out, nil
	}
	out.Blocks = slices.Clone(s.Blocks)
	out.template(strings.TrimPrefix(p[0].List, "blocks/")).Layers = list
	return &out, nil
}

func changeList(list []Item, p Path, f func([]Item, int) ([]Item, error)) ([]Item, error) {
	list = slices.Clone(list)
	if len(p) == 1 {
		return f(list, p[0].Index)
	}
	it := &list[p[0].Index]
	sub, err := it.sublist(p[1].List)
	if err != nil {
		return nil, err
	}
	if sub, err = changeList(sub, p[1:], f); err != nil {
		return nil, err
	}
	switch name := p[1].List; name {
	case "layers":
		it.Layers = sub
	case "shortcut":
		it.Shortcut.Layers = sub
	default:
		i, _ := strconv.Atoi(name[len("paths/"):])
		it.Paths = slices.Clone(it.Paths)
		it.Paths[i] = sub
	}
	return list, nil
}

// changeItem is change for one item, which f may write to.
func (s *Spec) changeItem(p Path, f func(it *Item) error) (*Spec, error) {
	return s.change(p, func(list []Item, i int) ([]Item, error) {
		if i >= len(list) {
			return nil, errNoItem
		}
		return list, f(&list[i])
	})
}

// NewItem is an item of a kind of the catalog or a group, with default settings.
func NewItem(kind string) (Item, error) {
	switch kind {
	case GroupBlock:
		return Item{Kind: kind, Repeat: 1}, nil
	case GroupResidual:
		return Item{Kind: kind, Shortcut: Shortcut{Kind: "identity"}}, nil
	case GroupBranches:
		return Item{Kind: kind, Join: "concat", Paths: make([][]Item, 2)}, nil
	}
	if layers.Lookup(kind) == nil {
		return Item{}, fmt.Errorf("unknown layer %s%s", kind, maybeKind(kind))
	}
	return Item{Kind: kind}, nil
}

// Insert puts an item at p: what stood there and below moves down. p.Next() of
// the last item appends.
func Insert(s *Spec, p Path, it Item) (*Spec, Path, error) {
	out, err := s.change(p, func(list []Item, i int) ([]Item, error) {
		it.Name = freeName(list, it.Name)
		return slices.Insert(list, i, it), nil
	})
	return out, p, err
}

// freeName is name, or with a number behind where the list has it already.
func freeName(list []Item, name string) string {
	taken := func(n string) bool {
		return slices.ContainsFunc(list, func(it Item) bool { return it.Name == n })
	}
	if name == "" || !taken(name) {
		return name
	}
	stem := strings.TrimRight(name, "0123456789")
	n, _ := strconv.Atoi(name[len(stem):])
	for n = max(n, 1); taken(stem + strconv.Itoa(n)); n++ {
	}
	return stem + strconv.Itoa(n)
}

// Delete takes the item at p out. A group that would be left empty goes with
// its last layer; a template may not be left empty.
func Delete(s *Spec, p Path) (*Spec, Path, error) {
	if _, err := s.At(p); err != nil {
		return nil, p, err
	}
	left := 0
	out, err := s.change(p, func(list []Item, i int) ([]Item, error) {
		left = len(list) - 1
		return slices.Delete(list, i, i+1), nil
	})
	if err != nil {
		return nil, p, err
	}
	if i := p[len(p)-1].Index; left > 0 {
		return out, p.at(min(i, left-1)), nil
	}
	straight := s.straight(p)
	switch last := straight[len(straight)-1].List; {
	case len(straight) == 1 && last == "layers", strings.HasPrefix(last, "paths/"):
		return out, p.at(0), nil
	case last == "shortcut":
		out, err = out.changeItem(p.Parent(), func(it *Item) error {
			it.Shortcut = Shortcut{Kind: "identity"}
			return nil
		})
		return out, p.Parent(), err
	case len(straight) == 1:
		return nil, p, fmt.Errorf("%s would be left without layers: delete the blocks that use it instead", last)
	}
	return Delete(s, p.Parent())
}

// Move shifts the item at p by delta places in its list; past either end it
// leaves its group and stands beside it.
func Move(s *Spec, p Path, delta int) (*Spec, Path, error) {
	it, err := s.At(p)
	if err != nil || delta == 0 {
		return s, p, err
	}
	list, i, err := s.list(s.straight(p))
	if err != nil {
		return nil, p, err
	}
	if j := i + delta; j >= 0 && j < len(list) {
		out, err := s.change(p, func(list []Item, i int) ([]Item, error) {
			moved := list[i]
			return slices.Insert(slices.Delete(list, i, i+1), j, moved), nil
		})
		return out, p.at(j), err
	}
	if len(s.straight(p)) == 1 {
		return nil, p, errors.New("it stands at the end of its list already")
	}
	if len(list) == 1 {
		return nil, p, errors.New("it is the only layer of its group: unwrap the group instead")
	}
	to := p.Parent()
	if delta > 0 {
		to = to.Next()
	}
	moved := *it
	out, _, err := Delete(s, p)
	if err != nil {
		return nil, p, err
	}
	return Insert(out, to, moved)
}

// Duplicate puts a copy of the item below it, under a name of its own.
func Duplicate(s *Spec, p Path) (*Spec, Path, error) {
	it, err := s.At(p)
	if err != nil {
		return nil, p, err
	}
	c := *it
	c.Comments = Comments{}
	return Insert(s, p.Next(), c)
}

// Rename gives the item at p a name, or takes it away where name is empty.
// References to it follow where the old name stands only once in the file.
func Rename(s *Spec, p Path, name string) (*Spec, Path, error) {
	if name != "" {
		if err := CheckName(name); err != nil {
			return nil, p, err
		}
	}
	old := ""
	out, err := s.change(p, func(list []Item, i int) ([]Item, error) {
		if i >= len(list) {
			return nil, errNoItem
		}
		for j := range list {
			if j != i && name != "" && list[j].Name == name {
				return nil, fmt.Errorf("the name %s is taken by another layer of this list", name)
			}
		}
		old, list[i].Name = list[i].Name, name
		return list, nil
	})
	if err != nil || old == "" || name == "" || out.countName(old) > 0 {
		return out, p, err
	}
	return out.mapItems(func(it *Item) {
		it.Share = renameIn(it.Share, old, name)
		if len(it.From) > 0 {
			it.From = slices.Clone(it.From)
			for i := range it.From {
				it.From[i] = renameIn(it.From[i], old, name)
			}
		}
	}), p, nil
}

// renameIn replaces the parts of a reference that are old.
func renameIn(ref, old, name string) string {
	parts := strings.Split(ref, "/")
	for i := range parts {
		if parts[i] == old {
			parts[i] = name
		}
	}
	return strings.Join(parts, "/")
}

func (s *Spec) countName(name string) int {
	n := 0
	s.mapItems(func(it *Item) {
		if it.Name == name {
			n++
		}
	})
	return n
}

// mapItems is a copy of s in which f has seen, and may have changed, every item.
func (s *Spec) mapItems(f func(it *Item)) *Spec {
	var walk func(list []Item) []Item
	walk = func(list []Item) []Item {
		list = slices.Clone(list)
		for i := range list {
			it := &list[i]
			it.Layers, it.Shortcut.Layers = walk(it.Layers), walk(it.Shortcut.Layers)
			it.Paths = slices.Clone(it.Paths)
			for j := range it.Paths {
				it.Paths[j] = walk(it.Paths[j])
			}
			f(it)
		}
		return list
	}
	out := *s
	out.Layers = walk(s.Layers)
	out.Blocks = slices.Clone(s.Blocks)
	for i := range out.Blocks {
		out.Blocks[i].Layers = walk(out.Blocks[i].Layers)
	}
	return &out
}

// SetInput gives input i a shape, and a number of tokens where it is token ids (0: it is not).
func SetInput(s *Spec, i int, shape compute.Shape, tokens int) (*Spec, error) {
	if i < 0 || i >= len(s.Inputs) {
		return nil, fmt.Errorf("there is no input %d", i+1)
	}
	if len(shape) < 1 || len(shape) > 3 || tokens > 0 && len(shape) != 1 {
		return nil, fmt.Errorf("the input has %d axes, wants 1 to 3, and 1 for tokens", len(shape))
	}
	for _, d := range shape {
		if d < 1 || d > maxAxis {
			return nil, fmt.Errorf("the input is %s, wants whole numbers from 1 to %d", shape, maxAxis)
		}
	}
	if tokens < 0 || tokens > maxAxis {
		return nil, fmt.Errorf("the input has %d tokens, wants 1 to %d", tokens, maxAxis)
	}
	out := *s
	out.File = ""
	out.Inputs = slices.Clone(s.Inputs)
	out.Inputs[i].Shape, out.Inputs[i].Tokens = slices.Clone(shape), tokens
	return &out, nil
}

// SetTrain replaces the training section; its comments stay.
func SetTrain(s *Spec, t TrainSpec) *Spec {
	out := *s
	t.Comments, t.Keys, t.Pos = s.Train.Comments, s.Train.Keys, s.Train.Pos
	out.Train = t
	return &out
}

// SetName replaces the network's name and line about it.
func SetName(s *Spec, name, about string) (*Spec, error) {
	for _, w := range []string{name, about} {
		if at, ok := isText([]byte(w)); !ok || strings.ContainsAny(w, "\r\n") {
			return nil, fmt.Errorf("character %d is no text, wants one line", at.Col)
		}
	}
	out := *s
	out.Name, out.About = name, about
	return &out, nil
}
