package model

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"layercake/layers"
)

// scope is what names are counted in.
type scope struct {
	r        *resolver
	prefix   string // "stage2/1/", empty at the top
	outer    *scope
	explicit map[string]bool // names that the file gives
	count    []stemCount
	env      []bound // settings of the template, nil outside
	depth    int
}

// stemCount is how many names of a stem there are.
type stemCount struct {
	stem string
	n    int
}

// keep notes a name that the file gives.
func (s *scope) keep(name string) {
	if s.explicit == nil {
		s.explicit = map[string]bool{}
	}
	s.explicit[name] = true
}

// next counts one more name of a stem. Few stems meet in a scope.
func (s *scope) next(stem string) int {
	for i := range s.count {
		if c := &s.count[i]; c.stem == stem {
			c.n++
			return c.n
		}
	}
	if s.count == nil {
		s.count = make([]stemCount, 0, 4)
	}
	s.count = append(s.count, stemCount{stem, 1})
	return 1
}

// bound is a template setting with its value in this use.
type bound struct {
	key   string
	value layers.Value
	pos   Pos
}

// collect takes down the names given in a list, and in residuals without a
// name, whose layers count as the list's own.
func (s *scope) collect(list []Item) {
	for i := range list {
		it := &list[i]
		if it.Name != "" {
			s.keep(it.Name)
		} else if it.Kind == GroupResidual {
			s.collect(it.Layers)
		}
	}
}

// name is the next free generated name for a stem: conv1, conv2.
func (s *scope) name(stem string) string {
	for {
		if n := s.r.numbered(stem, s.next(stem)); !s.explicit[n] {
			return n
		}
	}
}

// single is the next free generated name whose first has no number: add, add2.
func (s *scope) single(stem string) string {
	for {
		n := stem
		if c := s.next(stem); c > 1 {
			n = s.r.numbered(stem, c)
		}
		if !s.explicit[n] {
			return n
		}
	}
}

// inner is a scope below, with names of its own.
func (s *scope) inner(name string, env []bound) *scope {
	full := s.r.named(s, name)
	s.r.names.WriteByte('/')
	names := s.r.names.String()
	return &scope{r: s.r, prefix: names[len(names)-len(full)-1:], outer: s, env: env, depth: s.depth + 1}
}

// read is what an item reads: the row above, or what from names.
func (r *resolver) read(it *Item, at Path, sc *scope, above []int, row int) []int {
	if r.err != nil {
		return nil
	}
	name := r.g.Rows[row].Name
	if len(it.From) == 0 {
		if len(above) == 0 {
			r.refuse(row, name, it.Kind, at, it.Pos, fmt.Errorf("the network has %d inputs, wants from: with the one to read", len(r.spec.Inputs)))
		}
		return above
	}
	var in []int
	for _, w := range it.From {
		if w == "." {
			if len(above) == 0 {
				r.refuse(row, name, it.Kind, at, it.Pos, errors.New(`from names ".", the row above, and there is none: wants the name of an input`))
				return nil
			}
			in = append(in, above...)
			continue
		}
		n, ok := r.find(sc, w)
		if !ok {
			r.refuse(row, name, it.Kind, at, it.Pos, r.unknown("from", w))
			return nil
		}
		in = append(in, n)
	}
	return in
}

// find looks a name up in the scope and the ones around it.
func (r *resolver) find(sc *scope, name string) (int, bool) {
	for ; sc != nil; sc = sc.outer {
		if n, ok := r.index[sc.prefix+name]; ok {
			return n, true
		}
	}
	return 0, false
}

func (r *resolver) unknown(key, name string) error {
	var names []string
	for n := range r.index {
		names = append(names, n)
	}
	if n := layers.Nearest(name, names); n != "" {
		return fmt.Errorf("%s names %q, which is no earlier layer: did you mean %s?", key, name, n)
	}
	return fmt.Errorf("%s names %q, wants the name of an earlier layer", key, name)
}

// settings stands for the template settings that a scope sees.
func (s *scope) settings() *bound {
	for ; s != nil; s = s.outer {
		if len(s.env) > 0 {
			return &s.env[0]
		}
		if s.env != nil {
			break
		}
	}
	return nil
}

func hasField(fields []layers.Field, key string) bool {
	for _, f := range fields {
		if f.Name == key {
			return true
		}
	}
	return false
}

func maybeKind(name string) string {
	if n := layers.Nearest(name, kindNames()); n != "" {
		return ": did you mean " + n + "?"
	}
	return ": `layercake layers` lists them"
}

// value is what a setting with a reference stands for in this use.
func (s *scope) value(set *Setting) (layers.Value, Pos, error) {
	for ; s != nil; s = s.outer {
		if s.env == nil {
			continue
		}
		for _, b := range s.env {
			if b.key == set.Ref {
				v, err := apply(set, b.value)
				return v, b.pos, err
			}
		}
		break // templates see their own settings only
	}
	return nil, set.Pos, fmt.Errorf("%s is $%s, which the block has no setting for: give it a default under settings", set.Key, set.Ref)
}

// apply multiplies or divides v as the reference says.
func apply(set *Setting, v layers.Value) (layers.Value, error) {
	if set.Op == "" {
		return v, nil
	}
	n, err := strconv.Atoi(strings.ReplaceAll(v.String(), "_", ""))
	if err != nil || n < 0 || n > 1<<40 || set.By < 1 || set.By > 1<<20 {
		return nil, fmt.Errorf("%s is $%s%s%d with $%s = %s, wants a whole number", set.Key, set.Ref, set.Op, set.By, set.Ref, v)
	}
	if set.Op == "*" {
		return layers.Value{strconv.Itoa(n * set.By)}, nil
	}
	if n%set.By != 0 {
		return nil, fmt.Errorf("%s is $%s/%d with $%s = %d, which leaves a rest, wants a multiple of %d", set.Key, set.Ref, set.By, set.Ref, n, set.By)
	}
	return layers.Value{strconv.Itoa(n / set.By)}, nil
}
