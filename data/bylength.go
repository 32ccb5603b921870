package data

import "slices"

// lengthGroup is how many batches are ordered by length together: enough for
// neighbours to be nearly as long as each other, few enough for every batch to be
// of other company in every epoch.
const lengthGroup = 64

// byLength is a Loader's way to put samples of like length in a batch.
type byLength struct {
	lens   [][]int32 // by padded input, in the order that was asked for
	length []int32   // by sample: steps used of all padded inputs together
	batch  []int     // room to put batches in another order, turn
	turn   []int
}

// ByLength puts samples of like length in the same batch, so that layers which
// stop at a batch's longest sample do little for padding. The samples are shuffled as
// ever; lots of 64 batches are then ordered by length, cut, and their batches
// shuffled. A split whose samples have no lengths is left as it is. It is called
// before the first Next.
func (l *Loader) ByLength() {
	if slices.Contains(l.sizes.Padded, true) && !l.ordered {
		l.lengths = &byLength{}
	}
}

// arrange turns the shuffled order of an epoch into one by length.
func (l *Loader) arrange(epoch int, r *stream) {
	g := l.lengths
	n := len(l.order)
	if g.length == nil {
		g.length, g.batch, g.turn = make([]int32, n), make([]int, lengthGroup*l.batch), make([]int, lengthGroup)
		for _, padded := range l.sizes.Padded {
			var lens []int32
			if padded {
				lens = make([]int32, n)
			}
			g.lens = append(g.lens, lens)
		}
	}
	l.split.Fill(l.order, Samples{Epoch: epoch, Lens: g.lens})
	clear(g.length)
	for _, lens := range g.lens {
		for k, steps := range lens {
			g.length[l.order[k]] += steps
		}
	}
	// What fills no whole batch stays at the end of the epoch, of any length.
	whole := n / l.batch * l.batch
	for from := 0; from < whole; from += lengthGroup * l.batch {
		lot := l.order[from:min(from+lengthGroup*l.batch, whole)]
		slices.SortStableFunc(lot, func(a, b int) int { return int(g.length[a] - g.length[b]) })
		batches := len(lot) / l.batch
		turn := g.turn[:batches]
		r.permute(turn)
		for to, i := range turn {
			copy(g.batch[to*l.batch:], lot[i*l.batch:(i+1)*l.batch])
		}
		copy(lot, g.batch)
	}
}
