package compute

import "fmt"

// Table says how token ids are looked up in a table of rows.
type Table struct {
	Tokens, Width int
	// Padding is the id whose row is never looked at: it stands for zeros and
	// gets no gradient. −1 says that there is none.
	Padding int
	Scale   float32 // of every row
}

type gatherArgs struct {
	Table
	ids, table, y []float32
}

// Gather is y[i] = Scale·table[ids[i]], and zeros for the padding. An id that
// is no row of the table panics.
//
//	ids [n]   table [Tokens, Width]   y [n, Width]
func Gather(p *Pool, t Table, ids, table, y []float32) {
	mustLen("looking up", len(ids)*t.Width, len(y))
	a := gatherArgs{Table: t, ids: ids, table: table, y: y}
	For(p, len(ids), max(1, heavyGrain/max(1, t.Width)), a, func(a *gatherArgs, _ *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			id := a.row(i)
			y, row := a.y[i*a.Width:(i+1)*a.Width], a.table[id*a.Width:(id+1)*a.Width]
			switch {
			case id == a.Padding:
				clear(y)
			case a.Scale == 1:
				copy(y, row)
			default:
				vec.scale(y, row, a.Scale)
			}
		}
	})
}

func (a *gatherArgs) row(i int) int {
	id := int(a.ids[i])
	if id < 0 || id >= a.Tokens || float32(id) != a.ids[i] {
		panic(fmt.Sprintf("compute: token id %v at %d of a table of %d rows", a.ids[i], i, a.Tokens))
	}
	return id
}

// scatterShares is the number of parts that a table is cut into. It is fixed,
// and so is the order of the sums in each.
const scatterShares = 16

// Scatter is the gradient of Gather: dtable[ids[i]] += Scale·dy[i],
// in the order of i, the padding left out. Each chunk owns some rows of the table
// and looks for them in ids.
//
//	ids [n]   dy [n, Width]   dtable [Tokens, Width]
func Scatter(p *Pool, t Table, ids, dy, dtable []float32) {
	a := gatherArgs{Table: t, ids: ids, table: dtable, y: dy}
	For(p, t.Tokens, (t.Tokens+scatterShares-1)/scatterShares, a, func(a *gatherArgs, _ *Worker, lo, hi int) {
		for i := range a.ids {
			id := a.row(i)
			if id < lo || id >= hi || id == a.Padding {
				continue
			}
			from, to := a.y[i*a.Width:(i+1)*a.Width], a.table[id*a.Width:(id+1)*a.Width]
			if a.Scale == 1 {
				vec.add(to, to, from)
			} else {
				vec.addScaled(to, to, from, a.Scale)
			}
		}
	})
}
