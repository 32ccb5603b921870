package model

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"layercake/compute"
	"layercake/layers"
)

// InputKind is the Kind of input rows; no kind of layer is called so.
const InputKind = "input"

// Resolve unrolls repeats, puts block settings in, resolves names and plans
// every layer. It never fails as a whole: Err is the first refusal, the nodes
// are those before it, and the rows are all there.
//
// Names. A layer is called by its own name or by its kind's short name and a
// number that counts within its scope: conv1, conv2, norm1. A named or repeated
// group is a scope: its name stands before its layers' names, repetitions are
// numbered from 1, paths of branches too: stage2/1/conv1, mixed/3/conv1. A
// residual without a name is no scope, so that conv1 and conv2 of a block keep
// their names when a skip is put around them. The sum of a residual is add,
// of a second one in the same scope add2; the layers on its way round lie
// under shortcut (shortcut/conv, shortcut/norm).
//
// References in from and share are looked up in the scope they stand in, then in
// the ones around it, among what comes earlier: nothing can read itself.
func Resolve(s *Spec) *Graph {
	g := &Graph{Spec: s, Name: s.title(), Inputs: s.Inputs, Output: -1}
	r := &resolver{g: g, spec: s, templates: make(map[string]*Template)}
	for i := range s.Blocks {
		r.templates[s.Blocks[i].Name] = &s.Blocks[i]
	}
	rows := min(len(s.Inputs)+r.count(s.Layers, 0), maxRows)
	r.index = make(map[string]int, rows)
	g.Rows, g.Nodes, r.reach = make([]Row, 0, rows), make([]Node, 0, rows), make([]reach, 0, rows)
	r.names.Grow(32 * rows)
	top := &scope{r: r}
	for _, in := range s.Inputs {
		top.keep(in.Name)
		r.input(in)
	}
	top.collect(s.Layers)
	cur := []int{0}
	if len(s.Inputs) > 1 {
		cur = nil // the first layer says with from which it reads
	}
	if len(s.Inputs) == 0 {
		r.refuse(-1, "input", InputKind, nil, Pos{}, errors.New("there is no input, wants a shape"))
	}
	if len(s.Layers) == 0 {
		r.refuse(-1, "layers", GroupBlock, nil, Pos{}, errors.New("there are no layers, wants at least one"))
	}
	out := r.items(s.Layers, nil, PathStep{List: "layers"}, top, cur, 0, -1)
	if r.err == nil {
		g.Output = out[0]
	}
	g.Err = r.err
	r.totals()
	return g
}

// title is what messages call the network: by its name, else by its file's.
func (s *Spec) title() string {
	if s.Name != "" {
		return s.Name
	}
	if s.File == "" {
		return "the network"
	}
	base := filepath.Base(s.File)
	if name := strings.TrimSuffix(base, filepath.Ext(base)); name != "" {
		return name
	}
	return base // .yaml
}

// resolver is the state of one Resolve.
type resolver struct {
	g         *Graph
	spec      *Spec
	err       error
	full      bool           // the limit of rows is reached
	index     map[string]int // output node of everything named so far
	templates map[string]*Template
	reach     []reach // of each node
	made      map[madeKey]*made
	shapes    []compute.Shape // of the inputs of the node at hand

	// What each of thousands of rows needs a little of, in a few large pieces.
	names strings.Builder
	stems map[string][]string // generated names by stem, from number 1 on
	steps []PathStep
	ones  []int
}

// named is a name behind the prefix of its scope.
func (r *resolver) named(sc *scope, name string) string {
	from := r.names.Len()
	r.names.WriteString(sc.prefix)
	r.names.WriteString(name)
	return r.names.String()[from:]
}

// numbered is a stem with its number, from 1 on, behind it.
func (r *resolver) numbered(stem string, n int) string {
	list := r.stems[stem]
	if n > len(list) {
		for len(list) < n {
			list = append(list, stem+strconv.Itoa(len(list)+1))
		}
		if r.stems == nil {
			r.stems = map[string][]string{}
		}
		r.stems[stem] = list
	}
	return list[n-1]
}

// one is a list of one node.
func (r *resolver) one(node int) []int {
	if len(r.ones) == cap(r.ones) {
		r.ones = make([]int, 0, 256)
	}
	n := len(r.ones)
	r.ones = append(r.ones, node)
	return r.ones[n : n+1 : n+1]
}

// count is about how many rows a list unrolls to, to make room for them at
// once; groups too deep to be resolved count for nothing.
func (r *resolver) count(list []Item, depth int) int {
	if depth > maxDepth {
		return 0
	}
	n := 0
	for i := range list {
		it := &list[i]
		n++
		switch it.Kind {
		case GroupBlock:
			inside := it.Layers
			if t := r.templates[it.Use]; t != nil {
				inside = t.Layers
			}
			n += max(it.Repeat, 1) * (1 + r.count(inside, depth+1))
		case GroupResidual:
			n += 1 + r.count(it.Layers, depth+1) + r.count(it.Shortcut.Layers, depth+1)
			if it.Shortcut.Kind == "projection" {
				n += 2
			}
		case GroupBranches:
			for _, p := range it.Paths {
				n += 1 + r.count(p, depth+1)
			}
			n++
		}
		if n > maxRows {
			return maxRows
		}
	}
	return n
}

// made is a layer built and, once planned, what it does to an input of one
// shape. A layer is its settings and nothing else, so repetitions with the same
// settings share it.
type made struct {
	kind  *layers.Kind
	layer layers.Layer
	label string
	in    compute.Shape
	plan  layers.Plan
}

// madeKey is an item and the settings around it, nil where it refers to none.
type madeKey struct {
	item *Item
	env  *bound
}

// refuse notes a refusal: the first is the graph's, each is its row's.
func (r *resolver) refuse(row int, name, kind string, item Path, at Pos, err error) {
	if r.err != nil {
		return
	}
	r.err = &NodeError{File: r.spec.File, Node: name, Kind: kind, Item: item, Pos: at, Err: err}
	if row >= 0 {
		r.g.Rows[row].Problem = r.err
	}
}

func (r *resolver) input(in Input) {
	label := "vector"
	switch {
	case in.Tokens > 0:
		label = fmt.Sprintf("%d tokens", in.Tokens)
	case len(in.Shape) == 3:
		label = "image"
	case len(in.Shape) == 2:
		label = "sequence"
	}
	if len(r.spec.Inputs) > 1 {
		label = in.Name + " · " + label
	}
	n := len(r.g.Nodes)
	r.g.Nodes = append(r.g.Nodes, Node{Name: in.Name, Share: -1, Plan: layers.Plan{Out: in.Shape}, Pos: in.Pos})
	r.reach = append(r.reach, reach{size: [2]int{1, 1}, step: [2]int{1, 1}})
	r.index[in.Name] = n
	r.row(Row{Name: in.Name, Title: "input", Label: label, Kind: InputKind, Node: n, Nodes: [2]int{n, n + 1}, Parent: -1, Out: in.Shape})
	if size, ok := product(in.Shape); !ok || len(in.Shape) == 0 || size == 0 {
		r.refuse(len(r.g.Rows)-1, in.Name, InputKind, nil, in.Pos,
			fmt.Errorf("the shape is %v, wants whole numbers from 1 with a product below 2^40", in.Shape))
	}
}

// product multiplies axes; not ok beyond 2⁴⁰ elements or below 0.
func product(s compute.Shape) (int, bool) {
	n := 1
	for _, d := range s {
		if d < 0 || d > 0 && n > (1<<40)/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// row adds a row and returns its index.
func (r *resolver) row(row Row) int {
	r.g.Rows = append(r.g.Rows, row)
	return len(r.g.Rows) - 1
}

// down is a path one step longer.
func (r *resolver) down(p Path, s PathStep) Path {
	n := len(p) + 1
	if len(r.steps)+n > cap(r.steps) {
		r.steps = make([]PathStep, 0, max(256, n))
	}
	from := len(r.steps)
	r.steps = append(append(r.steps, p...), s)
	return Path(r.steps[from : from+n : from+n])
}

// items resolves a list. The first item reads in, each further one the row
// above; the result is what the last one gives.
func (r *resolver) items(list []Item, path Path, step PathStep, sc *scope, in []int, depth, parent int) []int {
	for i := range list {
		if r.full {
			return in
		}
		if len(r.g.Rows) >= maxRows {
			r.full = true
			r.refuse(len(r.g.Rows)-1, sc.prefix+list[i].Kind, list[i].Kind, path, list[i].Pos,
				fmt.Errorf("the network has more than %d rows with its repeats unrolled, wants fewer: lower a repeat", maxRows))
			return in
		}
		step.Index = i
		it, at := &list[i], r.down(path, step)
		read := in
		switch it.Kind {
		case GroupBlock:
			in = r.block(it, at, sc, read, depth, parent)
		case GroupResidual:
			in = r.residual(it, at, sc, read, depth, parent)
		case GroupBranches:
			in = r.branches(it, at, sc, read, depth, parent)
		default:
			in = r.layer(it, at, sc, read, depth, parent)
		}
	}
	return in
}

// layer resolves one layer: its row, and its node if nothing was refused yet.
func (r *resolver) layer(it *Item, at Path, sc *scope, above []int, depth, parent int) []int {
	m, badPos, bad := r.build(it, sc)
	row := Row{Depth: depth, Title: it.Kind, Kind: it.Kind, Node: -1, Parent: parent, Item: at}
	row.Nodes = [2]int{len(r.g.Nodes), len(r.g.Nodes)}
	stem := it.Kind
	if m != nil {
		row.Title, row.Family, row.Label, stem = m.kind.Short, m.kind.Family, m.label, m.kind.Short
	}
	if it.Name != "" {
		row.Name = r.named(sc, it.Name)
	} else {
		row.Name = r.named(sc, sc.name(stem))
	}
	i := r.row(row)
	if bad != nil {
		r.refuse(i, row.Name, it.Kind, at, badPos, bad)
	}
	in := r.read(it, at, sc, above, i)
	if m != nil {
		if c, ok := m.layer.(layers.Composite); ok {
			return r.composite(c, it, at, sc, in, i)
		}
	}
	if r.err != nil {
		return above
	}
	share := -1
	if it.Share != "" {
		n, ok := r.find(sc, it.Share)
		if !ok {
			r.refuse(i, row.Name, it.Kind, at, it.Pos, r.unknown("share", it.Share))
			return above
		}
		share = n
	}
	n := r.node(i, Node{Name: row.Name, In: in, Share: share, Item: at, Pos: it.Pos}, m)
	if n < 0 {
		return above
	}
	return r.one(n)
}

// build makes an item's layer with its settings, or finds it made. Nil says
// that there is no such kind.
func (r *resolver) build(it *Item, sc *scope) (*made, Pos, error) {
	key := madeKey{item: it}
	for i := range it.Settings {
		if it.Settings[i].Ref != "" {
			key.env = sc.settings()
			break
		}
	}
	if m, ok := r.made[key]; ok {
		return m, Pos{}, nil
	}
	kind := layers.Lookup(it.Kind)
	if kind == nil {
		return nil, it.Pos, fmt.Errorf("unknown layer %s%s", it.Kind, maybeKind(it.Kind))
	}
	m := &made{kind: kind, layer: kind.New()}
	if len(it.Settings) > 0 {
		fields := m.layer.Fields()
		for i := range it.Settings {
			s := &it.Settings[i]
			v, at := s.Value, s.Pos
			if s.Ref != "" {
				var err error
				if v, at, err = sc.value(s); err != nil {
					return m, s.Pos, err
				}
			}
			if !hasField(fields, s.Key) {
				return m, s.Pos, fmt.Errorf("no setting %q%s", s.Key, Suggest(s.Key, fieldNames(fields)))
			}
			if err := setField(fields, s.Key, v); err != nil {
				return m, at, err
			}
		}
	}
	m.label = m.layer.Label()
	if r.made == nil {
		r.made = map[madeKey]*made{}
	}
	r.made[key] = m
	return m, Pos{}, nil
}

// node plans a node with a layer made and adds it, or refuses and returns -1.
func (r *resolver) node(row int, n Node, m *made) int {
	if r.err != nil {
		return -1
	}
	n.Kind, n.Layer = m.kind, m.layer
	// Plan keeps its shapes in an error alone, after which nothing is planned.
	shapes := r.shapes[:0]
	for _, j := range n.In {
		shapes = append(shapes, r.g.Nodes[j].Plan.Out)
	}
	r.shapes = shapes
	var err error
	plan := m.plan
	if len(shapes) != 1 || m.in == nil || !m.in.Equal(shapes[0]) {
		if plan, err = n.Layer.Plan(shapes); err == nil && len(shapes) == 1 {
			m.in, m.plan = shapes[0], plan
		}
	}
	if _, taken := r.index[n.Name]; err == nil && taken {
		err = errTaken
	}
	if err == nil && plan.Tokens != r.readsTokens(n.In) {
		err = r.tokenError(plan.Tokens, shapes)
	}
	if err == nil {
		err = r.checkShare(&n, &plan)
	}
	if err != nil {
		r.refuse(row, n.Name, n.Kind.Name, n.Item, n.Pos, err)
		return -1
	}
	n.Plan = plan
	i := len(r.g.Nodes)
	r.g.Nodes = append(r.g.Nodes, n)
	r.reach = append(r.reach, r.see(&n))
	r.index[n.Name] = i
	w := &r.g.Rows[row]
	w.Node, w.Nodes[1], w.Out = i, i+1, plan.Out
	return i
}

// errTaken says that a name stands for something else already.
var errTaken = errors.New("the name is taken by an earlier layer, wants another")

// readsTokens reports whether the first input holds token ids.
func (r *resolver) readsTokens(in []int) bool {
	return len(in) > 0 && in[0] < len(r.spec.Inputs) && r.spec.Inputs[in[0]].Tokens > 0
}

func (r *resolver) tokenError(wants bool, got []compute.Shape) error {
	if wants {
		return &layers.ShapeError{Got: got, Want: "token ids", Cure: "give the network an input {tokens: N, length: T}"}
	}
	return &layers.ShapeError{Got: got, Want: "numbers, and these are token ids", Cure: "put an embedding before it"}
}

// checkShare holds a node against the one whose parameters it uses.
func (r *resolver) checkShare(n *Node, plan *layers.Plan) error {
	if n.Share < 0 {
		return nil
	}
	other := &r.g.Nodes[n.Share]
	if other.Kind != n.Kind && (other.Kind == nil || other.Kind.Name != n.Kind.Ties) {
		wants := "one of the same kind"
		if n.Kind.Ties != "" {
			wants += ", or of kind " + n.Kind.Ties
		}
		return fmt.Errorf("share names %s, which is no %s: wants %s", other.Name, n.Kind.Name, wants)
	}
	if len(other.Plan.Params) != len(plan.Params) {
		return fmt.Errorf("share names %s, which has %d parameter tensors where this has %d: give both the same settings",
			other.Name, len(other.Plan.Params), len(plan.Params))
	}
	for i, p := range plan.Params {
		if q := other.Plan.Params[i]; p.Name != q.Name || !p.Shape.Equal(q.Shape) {
			return fmt.Errorf("share names %s, whose %s is %s where this has %s: give both the same settings and inputs",
				other.Name, q.Name, q.Shape, p.Shape)
		}
	}
	if other.Share >= 0 {
		n.Share = other.Share // one owner
	}
	return nil
}
