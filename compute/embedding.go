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

	// of the gradient: the places of ids, those of a share of the table beside each other
	order  []int32
	starts [scatterShares + 1]int // of shares in order
	share  int                    // rows of a share
	add    bool
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
// in the order of i, the padding left out; without add, to a table of zeros. Each
// chunk owns a share of the table, which without add it clears right before: the
// rows lie in the cache then.
//
//	ids [n]   dy [n, Width]   dtable [Tokens, Width]
func Scatter(p *Pool, t Table, ids, dy, dtable []float32, add bool) {
	mustLen("looking up", len(ids)*t.Width, len(dy))
	mustLen("a table", t.Tokens*t.Width, len(dtable))
	shared := borrowWorker()
	defer returnWorker(shared)
	a := gatherArgs{Table: t, ids: ids, table: dtable, y: dy, add: add, share: (t.Tokens + scatterShares - 1) / scatterShares}
	a.sort(shared.Offsets(len(ids)))
	For(p, t.Tokens, a.share, a, func(a *gatherArgs, _ *Worker, lo, hi int) {
		if !a.add {
			clear(a.table[lo*a.Width : hi*a.Width])
		}
		q := lo / a.share
		for _, i := range a.order[a.starts[q]:a.starts[q+1]] {
			id := int(a.ids[i])
			from, to := a.y[int(i)*a.Width:][:a.Width], a.table[id*a.Width:][:a.Width]
			if a.Scale == 1 {
				vec.add(to, to, from)
			} else {
				vec.addScaled(to, to, from, a.Scale)
			}
		}
	})
}

// sort lists the places of ids but the padding's, share by share and within each
// in their order, in room.
func (a *gatherArgs) sort(room []int32) {
	for i := range a.ids {
		if id := a.row(i); id != a.Padding {
			a.starts[id/a.share+1]++
		}
	}
	for q := range scatterShares {
		a.starts[q+1] += a.starts[q]
	}
	a.order = room[:a.starts[scatterShares]]
	next := a.starts
	for i, v := range a.ids {
		if id := int(v); id != a.Padding {
			q := id / a.share
			a.order[next[q]] = int32(i)
			next[q]++
		}
	}
}
