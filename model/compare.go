package model

import "strconv"

// Comparison is several networks side by side, with like rows in one line.
type Comparison struct {
	Graphs []*Graph
	Rows   []ComparisonRow // the outermost rows; Under has what lies in a group
	Totals []Total         // one a network
}

// ComparisonRow is one line: a row of each network, nil where one has none.
type ComparisonRow struct {
	Cells   []*Row
	Differs bool // a row is missing, or label, shape, figures or what lies inside are not all the same
	Group   bool // there is something under it
	at      []int
}

// Total is what a network comes to.
type Total struct {
	Params, MACs int64
	Activation   int64 // bytes of all outputs for one sample
	Depth        int
	ByKind       []Share // parameters by kind of layer, largest first
}

// Compare aligns the outermost rows of the networks, so that like stands
// beside like and order is kept: rows of the same kind and settings first,
// then rows of the same kind. The third network and further ones are aligned
// to the lines so far.
func Compare(gs ...*Graph) Comparison {
	c := Comparison{Graphs: gs}
	tops := make([][]int, len(gs))
	for i, g := range gs {
		tops[i] = g.Children(-1)
		c.Totals = append(c.Totals, Total{g.Params(), g.MACs(), g.ActivationBytes(1), g.Depth(), g.ParamsByKind()})
	}
	c.Rows = c.align(tops)
	return c
}

// Under aligns what lies in the groups of a line.
func (c Comparison) Under(row ComparisonRow) []ComparisonRow {
	lists := make([][]int, len(c.Graphs))
	for i, g := range c.Graphs {
		if row.at[i] >= 0 {
			lists[i] = g.Children(row.at[i])
		}
	}
	return c.align(lists)
}

// Children are the rows right below a row, -1 for the outermost.
func (g *Graph) Children(row int) []int {
	var out []int
	for i := row + 1; i < len(g.Rows); i++ {
		if row >= 0 && g.Rows[i].Depth <= g.Rows[row].Depth {
			break
		}
		if g.Rows[i].Parent == row {
			out = append(out, i)
		}
	}
	return out
}

// maxAligned bounds the table of an alignment; longer lists are laid side by
// side as they come.
const maxAligned = 1 << 22

// align lays lists of rows, one a network, side by side.
func (c Comparison) align(lists [][]int) []ComparisonRow {
	var lines [][]int // one index a network so far
	for i, list := range lists {
		lines = c.merge(lines, list, i)
	}
	out := make([]ComparisonRow, len(lines))
	for i, at := range lines {
		row := ComparisonRow{Cells: make([]*Row, len(at)), at: at}
		for j, r := range at {
			if r < 0 {
				continue
			}
			row.Cells[j] = &c.Graphs[j].Rows[r]
			row.Group = row.Group || row.Cells[j].Group
		}
		row.Differs = differ(row.Cells) || c.inside(at)
		out[i] = row
	}
	return out
}

func differ(cells []*Row) bool {
	a := cells[0]
	for _, b := range cells[1:] {
		if a == nil || b == nil {
			return true
		}
		if a.Kind != b.Kind || a.Label != b.Label || a.Repeat != b.Repeat || !a.Out.Equal(b.Out) || a.Params != b.Params || a.MACs != b.MACs {
			return true
		}
	}
	return false
}

// inside reports whether what lies in the groups of a line is not all of the
// same kinds and settings: a skip around the same convolutions differs.
func (c Comparison) inside(at []int) bool {
	for j := 1; j < len(at); j++ {
		a, b := at[0], at[j]
		if a < 0 || b < 0 {
			continue // said already
		}
		x, y := c.Graphs[0].Rows, c.Graphs[j].Rows
		for i := 1; ; i++ {
			inA := a+i < len(x) && x[a+i].Depth > x[a].Depth
			inB := b+i < len(y) && y[b+i].Depth > y[b].Depth
			if inA != inB {
				return true
			}
			if !inA {
				break
			}
			p, q := &x[a+i], &y[b+i]
			if p.Kind != q.Kind || p.Label != q.Label || p.Depth-x[a].Depth != q.Depth-y[b].Depth {
				return true
			}
		}
	}
	return false
}

// merge puts a further network's rows into the lines: the alignment with the
// highest sum of likeness, by dynamic programming (Needleman and Wunsch, A
// general method applicable to the search for similarities, 1970).
func (c Comparison) merge(lines [][]int, list []int, network int) [][]int {
	line := func(at []int, row int) []int {
		out := make([]int, network+1)
		for j := range network {
			out[j] = -1
			if at != nil {
				out[j] = at[j]
			}
		}
		out[network] = row
		return out
	}
	n, m := len(lines), len(list)
	score := func(i, j int) int {
		best := 0
		for k, r := range lines[i] {
			if r >= 0 {
				best = max(best, alike(&c.Graphs[k].Rows[r], &c.Graphs[network].Rows[list[j]]))
			}
		}
		return best
	}
	var out [][]int
	if n*m > maxAligned {
		for i := range max(n, m) {
			var at []int
			row := -1
			if i < n {
				at = lines[i]
			}
			if i < m {
				row = list[i]
			}
			out = append(out, line(at, row))
		}
		return out
	}
	// best[i][j] is the highest sum for lines[i:] and list[j:].
	best := make([]int, (n+1)*(m+1))
	at := func(i, j int) *int { return &best[i*(m+1)+j] }
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			*at(i, j) = max(*at(i+1, j), *at(i, j+1))
			if s := score(i, j); s > 0 {
				*at(i, j) = max(*at(i, j), s+*at(i+1, j+1))
			}
		}
	}
	for i, j := 0, 0; i < n || j < m; {
		switch {
		case i < n && j < m && score(i, j) > 0 && *at(i, j) == score(i, j)+*at(i+1, j+1):
			out = append(out, line(lines[i], list[j]))
			i, j = i+1, j+1
		case j == m || i < n && *at(i, j) == *at(i+1, j):
			out = append(out, line(lines[i], -1))
			i++
		default:
			out = append(out, line(nil, list[j]))
			j++
		}
	}
	return out
}

// alike says how much two rows are the same: 0 for other kinds of layers.
func alike(a, b *Row) int {
	if a.Kind != b.Kind || isRepetition(a) != isRepetition(b) {
		return 0
	}
	s := 4
	if a.Label == b.Label {
		s += 3
	}
	if a.Name == b.Name {
		s += 2
	}
	if a.Params == b.Params && a.Out.Equal(b.Out) {
		s++
	}
	return s
}

// isRepetition reports whether a row is one repetition of a block.
func isRepetition(r *Row) bool { return r.Kind == GroupBlock && r.Title == strconv.Itoa(r.Repeat) }
