package model

import (
	"errors"
	"fmt"
	"strconv"

	"layercake/compute"
	"layercake/layers"
)

// open adds a group's row.
func (r *resolver) open(it *Item, at Path, name, title, label string, depth, parent int) int {
	n := len(r.g.Nodes)
	return r.row(Row{Depth: depth, Name: name, Title: title, Label: label, Family: layers.Flow, Kind: it.Kind, Node: -1,
		Nodes: [2]int{n, n}, Parent: parent, Group: true, Item: at})
}

// close ends a group: its row covers the nodes since and has their last output's shape.
func (r *resolver) close(row int, name string, out []int) {
	w := &r.g.Rows[row]
	w.Nodes[1] = len(r.g.Nodes)
	if r.err == nil && len(out) > 0 {
		w.Out = r.g.Nodes[out[0]].Plan.Out
		if _, taken := r.index[name]; taken {
			r.refuse(row, name, w.Kind, w.Item, Pos{}, errTaken)
			return
		}
		r.index[name] = out[0]
	}
}

// tooDeep refuses groups nested beyond the limit, which templates that use
// templates can reach in a short file.
func (r *resolver) tooDeep(row int, it *Item, at Path, depth int) bool {
	if depth < maxDepth {
		return false
	}
	r.refuse(row, r.g.Rows[row].Name, it.Kind, at, it.Pos, fmt.Errorf("groups lie more than %d deep in groups, wants fewer", maxDepth))
	return true
}

func (r *resolver) groupName(it *Item, sc *scope, stem string) string {
	if it.Name != "" {
		return it.Name
	}
	return sc.name(stem)
}

// block resolves a block: one row, and with a repeat one more a repetition.
func (r *resolver) block(it *Item, at Path, sc *scope, above []int, depth, parent int) []int {
	name := r.groupName(it, sc, "block")
	repeat, err := sc.repeat(it)
	label := name
	if repeat > 1 {
		label = fmt.Sprintf("%s ×%d", name, repeat)
	}
	full := r.named(sc, name)
	row := r.open(it, at, full, "block", label, depth, parent)
	r.g.Rows[row].Repeat = repeat
	list := it.Layers
	if it.Use != "" {
		t := r.templates[it.Use]
		if t == nil {
			var names []string
			for _, b := range r.spec.Blocks {
				names = append(names, b.Name)
			}
			if err == nil {
				err = fmt.Errorf("unknown block %s%s", it.Use, Suggest(it.Use, names))
			}
		} else {
			list = t.Layers
		}
	}
	if err == nil && len(list) == 0 {
		err = errors.New("there are no layers in it, wants at least one")
	}
	if err != nil {
		r.refuse(row, full, it.Kind, at, it.Pos, err)
	}
	if r.tooDeep(row, it, at, depth) {
		return above
	}
	cur := r.read(it, at, sc, above, row)
	var env []bound
	for rep := 1; rep <= repeat && !r.full; rep++ {
		// Later repetitions see the settings of the one before, and so share
		// its layers, unless first or each has a say.
		if rep == 1 || rep == 2 && len(it.First) > 0 || rep-1 <= len(it.Each) {
			var err error
			var bad Pos
			if env, bad, err = r.env(it, sc, rep); err != nil {
				r.refuse(row, full, it.Kind, at, bad, err)
			}
		}
		inner := sc.inner(name, env)
		under, deep := row, depth+1
		step := PathStep{List: "layers"}
		if repeat > 1 {
			number := strconv.Itoa(rep)
			inner.prefix += number + "/"
			step.Rep = rep
			under = r.open(it, at, full+"/"+number, number, "", depth+1, row)
			r.g.Rows[under].Repeat = rep
			deep++
		}
		inner.collect(list)
		cur = r.items(list, at, step, inner, cur, deep, under)
		if repeat > 1 {
			r.close(under, r.g.Rows[under].Name, cur)
		}
	}
	r.close(row, full, cur)
	if r.err != nil {
		return above
	}
	return cur
}

// repeat is how often a block runs.
func (s *scope) repeat(it *Item) (int, error) {
	n := max(it.Repeat, 1)
	if it.RepeatBy.Ref != "" {
		v, _, err := s.value(&it.RepeatBy)
		if err != nil {
			return 1, err
		}
		if n, err = strconv.Atoi(v.String()); err != nil {
			return 1, fmt.Errorf("repeat is %s, wants a whole number from 1 to %d", v, maxRepeat)
		}
	}
	if n < 1 || n > maxRepeat {
		return 1, fmt.Errorf("repeat is %d, wants 1 to %d", n, maxRepeat)
	}
	return n, nil
}

// env is a template's settings in one repetition: the defaults, over them
// with, over them first or the repetition's entry of each.
func (r *resolver) env(it *Item, sc *scope, rep int) ([]bound, Pos, error) {
	if it.Use == "" {
		return nil, Pos{}, nil // the layers see the settings around them
	}
	env := []bound{}
	if t := r.templates[it.Use]; t != nil {
		for _, s := range t.Settings {
			env = append(env, bound{s.Key, s.Value, s.Pos})
		}
	}
	over := [][]Setting{it.With}
	if rep == 1 {
		over = append(over, it.First)
	}
	if rep <= len(it.Each) {
		over = append(over, it.Each[rep-1])
	}
	for _, list := range over {
		for i := range list {
			s := &list[i]
			v, at := s.Value, s.Pos
			if s.Ref != "" {
				var err error
				if v, at, err = sc.value(s); err != nil {
					return env, s.Pos, err
				}
			}
			found := false
			for j := range env {
				if env[j].key == s.Key {
					env[j].value, env[j].pos, found = v, at, true
				}
			}
			if !found {
				var names []string
				for _, b := range env {
					names = append(names, b.key)
				}
				return env, s.Pos, fmt.Errorf("block %s has no setting %q%s", it.Use, s.Key, Suggest(s.Key, names))
			}
		}
	}
	return env, Pos{}, nil
}

// residual resolves out = add(layers(in), shortcut(in)).
func (r *resolver) residual(it *Item, at Path, sc *scope, above []int, depth, parent int) []int {
	inner, name := sc, sc.name("skip")
	if it.Name != "" {
		name = it.Name
		inner = sc.inner(name, nil)
		inner.collect(it.Layers)
	}
	full := r.named(sc, name)
	row := r.open(it, at, full, "skip", "", depth, parent)
	if r.tooDeep(row, it, at, depth) {
		return above
	}
	if len(it.Layers) == 0 {
		r.refuse(row, full, it.Kind, at, it.Pos, errors.New("there are no layers in it, wants at least one"))
	}
	in := r.read(it, at, sc, above, row)
	if r.err == nil && len(in) != 1 {
		r.refuse(row, full, it.Kind, at, it.Pos, fmt.Errorf("it reads %d outputs, wants one", len(in)))
	}
	main := r.items(it.Layers, at, PathStep{List: "layers"}, inner, in, depth+1, row)
	out := r.join(it, at, inner, in, main, depth+1, row)
	r.close(row, full, out)
	if r.err != nil {
		return above
	}
	return out
}

// join is a residual's sum with what is needed on the way round. Its row has
// the sum as node and, where there are layers on the way round, covers and
// opens to those.
func (r *resolver) join(it *Item, at Path, sc *scope, in, main []int, depth, parent int) []int {
	name := r.named(sc, sc.single("add"))
	short := sc.single("shortcut")
	n := len(r.g.Nodes)
	row := r.row(Row{Depth: depth, Name: name, Title: "add", Label: "identity", Family: layers.Flow, Kind: "add", Node: -1,
		Nodes: [2]int{n, n}, Parent: parent, Item: at})
	kind := layers.Lookup("add")
	if kind == nil {
		r.refuse(row, name, "add", at, it.Pos, errors.New("unknown layer add"))
	}
	inner := sc.inner(short, nil)
	way := in
	if it.Shortcut.Kind == "layers" {
		r.g.Rows[row].Label, r.g.Rows[row].Group = "own shortcut", true
		inner.collect(it.Shortcut.Layers)
		way = r.items(it.Shortcut.Layers, at, PathStep{List: "shortcut"}, inner, in, depth+1, row)
	} else if r.err == nil {
		a, b := r.g.Nodes[in[0]].Plan.Out, r.g.Nodes[main[0]].Plan.Out
		if !a.Equal(b) {
			way = r.bridge(it, at, inner, in[0], a, b, depth+1, row)
		}
	}
	if r.err != nil {
		r.g.Rows[row].Nodes[1] = len(r.g.Nodes)
		return in
	}
	sum := r.node(row, Node{Name: name, In: []int{main[0], way[0]}, Share: -1, Pos: it.Pos}, &made{kind: kind, layer: kind.New()})
	r.g.Rows[row].Nodes = [2]int{n, len(r.g.Nodes)}
	if sum < 0 {
		return in
	}
	return r.one(sum)
}

// bridge puts the layers between unequal shapes a and b that the shortcut asks for.
func (r *resolver) bridge(it *Item, at Path, sc *scope, in int, a, b compute.Shape, depth, row int) []int {
	w := &r.g.Rows[row]
	unequal := func(want, cure string) []int {
		r.refuse(row, w.Name, GroupResidual, at, it.Pos, &layers.ShapeError{Got: []compute.Shape{b, a}, Want: want, Cure: cure})
		return r.one(in)
	}
	stride, ok := strideBetween(a, b)
	switch it.Shortcut.Kind {
	case "projection":
		if !ok {
			return unequal("sides that a stride can divide", "give shortcut: layers of your own")
		}
		w.Group = true
		if len(a) < 3 {
			w.Label = "dense projection"
			return r.one(r.put(at, sc, "dense", "dense", in, depth, row,
				Setting{Key: "units", Value: number(b[len(b)-1])}, Setting{Key: "bias", Value: layers.Value{"false"}}))
		}
		w.Label = "1×1 projection"
		conv := r.put(at, sc, "conv2d", "conv", in, depth, row,
			Setting{Key: "filters", Value: number(b[0])}, Setting{Key: "kernel", Value: number(1)},
			Setting{Key: "stride", Value: strideValue(stride)}, Setting{Key: "padding", Value: number(0)},
			Setting{Key: "bias", Value: layers.Value{"false"}})
		return r.one(r.put(at, sc, "batchnorm", "norm", conv, depth, row))
	case "pad":
		if !ok || len(a) != 3 || b[0] < a[0] || stride[0] != stride[1] {
			return unequal("an image with as many channels or more and sides that a stride can divide", "set shortcut: projection")
		}
		w.Label, w.Group = "zero channels", true
		return r.one(r.put(at, sc, "subsample", "pad", in, depth, row,
			Setting{Key: "stride", Value: number(stride[0])}, Setting{Key: "channels", Value: number(b[0])}))
	}
	return unequal("equal shapes", "set shortcut: projection")
}

// put adds a layer that no file names.
func (r *resolver) put(at Path, sc *scope, kind, name string, in, depth, parent int, settings ...Setting) int {
	it := &Item{Kind: kind, Name: name, Settings: settings}
	m, _, err := r.build(it, sc)
	row := Row{Depth: depth, Name: r.named(sc, name), Title: kind, Kind: kind, Node: -1, Parent: parent, Item: at,
		Nodes: [2]int{len(r.g.Nodes), len(r.g.Nodes)}}
	if m != nil {
		row.Title, row.Family, row.Label = m.kind.Short, m.kind.Family, m.label
	}
	i := r.row(row)
	if err != nil {
		r.refuse(i, row.Name, kind, at, Pos{}, err)
	}
	if n := r.node(i, Node{Name: row.Name, In: r.one(in), Share: -1}, m); n >= 0 {
		return n
	}
	return in
}

func number(n int) layers.Value { return layers.Value{strconv.Itoa(n)} }

func strideValue(s [2]int) layers.Value {
	if s[0] == s[1] {
		return number(s[0])
	}
	return layers.Value{strconv.Itoa(s[0]), strconv.Itoa(s[1])}
}

// strideBetween is the stride with which a 1×1 window leads from the sides of
// a to those of b: the smallest s with ⌈a/s⌉ = b. Vectors and sequences have
// no sides that could change.
func strideBetween(a, b compute.Shape) ([2]int, bool) {
	s := [2]int{1, 1}
	if len(a) != len(b) {
		return s, false
	}
	if len(a) < 3 {
		return s, len(a) == 1 || a[0] == b[0]
	}
	for i := range 2 {
		from, to := a[i+1], b[i+1]
		s[i] = (from + to - 1) / to
		if (from+s[i]-1)/s[i] != to {
			return s, false
		}
	}
	return s, true
}

// branches resolves paths side by side over one input, and their join.
func (r *resolver) branches(it *Item, at Path, sc *scope, above []int, depth, parent int) []int {
	name := r.groupName(it, sc, "branches")
	full := r.named(sc, name)
	row := r.open(it, at, full, "split", fmt.Sprintf("%d paths", len(it.Paths)), depth, parent)
	if r.tooDeep(row, it, at, depth) {
		return above
	}
	if len(it.Paths) < 2 {
		r.refuse(row, full, it.Kind, at, it.Pos, fmt.Errorf("it has %d paths, wants two or more", len(it.Paths)))
	}
	in := r.read(it, at, sc, above, row)
	if r.err == nil && len(in) != 1 {
		r.refuse(row, full, it.Kind, at, it.Pos, fmt.Errorf("it reads %d outputs, wants one", len(in)))
	}
	outer := sc.inner(name, nil)
	var ends []int
	for i, p := range it.Paths {
		number := strconv.Itoa(i + 1)
		inner := outer.inner(number, nil)
		inner.collect(p)
		label := number
		if len(p) == 0 {
			label += " identity"
		}
		under := r.open(it, at, full+"/"+number, "path", label, depth+1, row)
		end := r.items(p, at, PathStep{List: "paths/" + strconv.Itoa(i)}, inner, in, depth+2, under)
		r.close(under, full+"/"+number, end)
		if len(end) > 0 {
			ends = append(ends, end[0])
		}
	}
	i := r.row(Row{Depth: depth + 1, Name: full + "/" + it.Join, Title: it.Join, Kind: it.Join, Family: layers.Flow, Node: -1,
		Nodes: [2]int{len(r.g.Nodes), len(r.g.Nodes)}, Parent: row, Item: at})
	kind := layers.Lookup(it.Join)
	if kind == nil {
		r.refuse(i, full, it.Kind, at, it.Pos, fmt.Errorf("join is %q%s", it.Join, Suggest(it.Join, joins)))
		r.close(row, full, nil)
		return above
	}
	m := &made{kind: kind, layer: kind.New()}
	w := &r.g.Rows[i]
	w.Title, w.Label = kind.Short, m.layer.Label()
	n := r.node(i, Node{Name: w.Name, In: ends, Share: -1, Pos: it.Pos}, m)
	if n < 0 {
		r.close(row, full, nil)
		return above
	}
	out := r.one(n)
	r.close(row, full, out)
	return out
}
