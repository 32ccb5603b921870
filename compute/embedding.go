package compute

import "fmt"

type gatherArgs struct {
	tokens, width int
	ids, table, y []float32
}

// Gather is y[i] = table[ids[i]], row by row. An id that is no row of the
// table panics.
//
//	ids [n]   table [tokens, width]   y [n, width]
func Gather(p *Pool, tokens, width int, ids, table, y []float32) {
	a := gatherArgs{tokens: tokens, width: width, ids: ids, table: table, y: y}
	For(p, len(ids), max(1, 8192/max(1, width)), a, func(a *gatherArgs, _ *Worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			id := a.row(i)
			copy(a.y[i*a.width:(i+1)*a.width], a.table[id*a.width:(id+1)*a.width])
		}
	})
}

func (a *gatherArgs) row(i int) int {
	id := int(a.ids[i])
	if id < 0 || id >= a.tokens || float32(id) != a.ids[i] {
		panic(fmt.Sprintf("compute: token id %v at %d of a table of %d rows", a.ids[i], i, a.tokens))
	}
	return id
}

// scatterShares is the number of parts that a table is cut into. It is fixed,
// and so is the order of the sums in each.
const scatterShares = 16

// Scatter is the gradient of Gather: dtable[ids[i]] += dy[i], in the order of
// i. Each chunk owns some rows of the table and looks for them in ids.
//
//	ids [n]   dy [n, width]   dtable [tokens, width]
func Scatter(p *Pool, tokens, width int, ids, dy, dtable []float32) {
	a := gatherArgs{tokens: tokens, width: width, ids: ids, table: dtable, y: dy}
	For(p, tokens, (tokens+scatterShares-1)/scatterShares, a, func(a *gatherArgs, _ *Worker, lo, hi int) {
		for i := range a.ids {
			id := a.row(i)
			if id < lo || id >= hi {
				continue
			}
			from, to := a.y[i*a.width:(i+1)*a.width], a.table[id*a.width:(id+1)*a.width]
			for j, v := range from {
				to[j] += v
			}
		}
	})
}
