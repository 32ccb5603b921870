package model

import (
	"strconv"

	"layercake/compute"
	"layercake/layers"
)

// composite resolves a layer made of others: its row becomes a group's, and
// each part has a row and a node under the name composite/part.
func (r *resolver) composite(c layers.Composite, it *Item, at Path, sc *scope, in []int, row int) []int {
	w := &r.g.Rows[row]
	w.Group, w.Node = true, -1
	full, depth := w.Name, w.Depth
	if r.err != nil {
		return in
	}
	if r.tooDeep(row, it, at, depth) {
		return in
	}
	var shapes []compute.Shape
	outs := map[string]int{}
	for k, j := range in {
		shapes = append(shapes, r.g.Nodes[j].Plan.Out)
		name := "in"
		if k > 0 {
			name += strconv.Itoa(k + 1)
		}
		outs[name] = j
	}
	list, err := c.Parts(shapes)
	if err != nil {
		r.refuse(row, full, it.Kind, at, it.Pos, err)
		return in
	}
	other := ""
	if it.Share != "" {
		var ok bool
		if other, ok = r.findParts(sc, it.Share, list[0].Name); !ok {
			r.refuse(row, full, it.Kind, at, it.Pos, r.unknown("share", it.Share))
			return in
		}
	}
	last := in[:1]
	for i := range list {
		p := &list[i]
		read := last
		if p.From != nil {
			read = nil
			for _, name := range p.From {
				read = append(read, outs[name])
			}
		}
		m := &made{kind: p.Kind, layer: p.Layer, label: p.Layer.Label()}
		name := full + "/" + p.Name
		under := r.row(Row{Depth: depth + 1, Name: name, Title: p.Kind.Short, Label: m.label, Family: p.Kind.Family, Kind: p.Kind.Name,
			Node: -1, Nodes: [2]int{len(r.g.Nodes), len(r.g.Nodes)}, Parent: row, Item: at, Part: true})
		share := -1
		if n, ok := r.index[other+"/"+p.Name]; ok && other != "" {
			share = n
		}
		n := r.node(under, Node{Name: name, In: read, Share: share, Item: at, Pos: it.Pos}, m)
		if n < 0 {
			return in
		}
		outs[p.Name], last = n, []int{n}
	}
	r.close(row, full, last)
	if r.err != nil {
		return in
	}
	return last
}

// findParts is the full name of the composite that name stands for in a scope, whose
// first part is called first.
func (r *resolver) findParts(sc *scope, name, first string) (string, bool) {
	for ; sc != nil; sc = sc.outer {
		if _, ok := r.index[sc.prefix+name+"/"+first]; ok {
			return sc.prefix + name, true
		}
	}
	return "", false
}
