package model

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// placeBuffers gives every buffer an offset such that no two that live at the
// same time overlap, and returns the size of the arena that holds them all.
//
// The room that is live at the worst moment bounds it from below. Walking
// along time with a list of gaps comes within a thousandth of that bound for
// training most networks, since activations are given back in reverse order;
// where it does not and there are not too many, buffers are placed by size,
// largest first, each in the smallest gap between those it meets (Pisarchyk and Lee, Efficient memory management for deep
// neural net inference, 2020), and the better of both is kept.
func placeBuffers(bs []buffer, apart bool) int64 {
	if apart {
		total := int64(0)
		for i := range bs {
			bs[i].offset = total
			total = satAdd(total, bs[i].size)
		}
		return total
	}
	const fewEnough = 3000
	bound := liveBound(bs)
	if bound == math.MaxInt64 {
		return bound // refused wherever its buffers lie
	}
	total := placeByTime(bs)
	if total <= bound+bound/1000 || len(bs) > fewEnough {
		return total
	}
	other := slices.Clone(bs)
	if t := placeBySize(other); t < total {
		copy(bs, other)
		total = t
	}
	return total
}

// liveBound is the largest sum of sizes that are live at one time.
func liveBound(bs []buffer) int64 {
	if len(bs) == 0 {
		return 0
	}
	end := int32(0)
	for i := range bs {
		end = max(end, bs[i].to)
	}
	change := make([]int64, end+2)
	total := int64(0)
	for i := range bs {
		total = satAdd(total, bs[i].size)
		change[bs[i].from] += bs[i].size
		change[bs[i].to+1] -= bs[i].size
	}
	if total == math.MaxInt64 {
		return total // the sums above mean nothing
	}
	live, most := int64(0), int64(0)
	for _, c := range change {
		live += c
		most = max(most, live)
	}
	return most
}

// gap is free room below the top of the arena.
type gap struct{ offset, size int64 }

// placeByTime walks along time, gives buffers back when their life ends, and
// takes the smallest gap that is large enough, or room on top.
func placeByTime(bs []buffer) int64 {
	births := make([]int32, len(bs))
	for i := range births {
		births[i] = int32(i)
	}
	deaths := slices.Clone(births)
	slices.SortStableFunc(births, func(a, b int32) int {
		if c := cmp.Compare(bs[a].from, bs[b].from); c != 0 {
			return c
		}
		return cmp.Compare(bs[b].to, bs[a].to) // what stays longest lies lowest
	})
	slices.SortStableFunc(deaths, func(a, b int32) int { return cmp.Compare(bs[a].to, bs[b].to) })

	var gaps []gap // by offset, never touching
	top, most := int64(0), int64(0)
	dead := 0
	for _, b := range births {
		for ; dead < len(deaths) && bs[deaths[dead]].to < bs[b].from; dead++ {
			d := bs[deaths[dead]]
			gaps, top = giveBack(gaps, top, d.offset, d.size)
		}
		best := -1
		for i := range gaps {
			if gaps[i].size >= bs[b].size && (best < 0 || gaps[i].size < gaps[best].size) {
				best = i
			}
		}
		if best < 0 {
			bs[b].offset = top
			top = satAdd(top, bs[b].size)
			most = max(most, top)
			continue
		}
		bs[b].offset = gaps[best].offset
		gaps[best].offset += bs[b].size
		gaps[best].size -= bs[b].size
		if gaps[best].size == 0 {
			gaps = slices.Delete(gaps, best, best+1)
		}
	}
	return most
}

// giveBack adds a gap, joins it with its neighbours, and lowers the top when
// it lies there.
func giveBack(gaps []gap, top, offset, size int64) ([]gap, int64) {
	if size == 0 {
		return gaps, top
	}
	i := sort.Search(len(gaps), func(i int) bool { return gaps[i].offset > offset })
	joined := false
	if i > 0 && gaps[i-1].offset+gaps[i-1].size == offset {
		i--
		gaps[i].size += size
		joined = true
	}
	if !joined {
		gaps = slices.Insert(gaps, i, gap{offset, size})
	}
	if i+1 < len(gaps) && gaps[i].offset+gaps[i].size == gaps[i+1].offset {
		gaps[i].size += gaps[i+1].size
		gaps = slices.Delete(gaps, i+1, i+2)
	}
	if last := len(gaps) - 1; gaps[last].offset+gaps[last].size == top {
		top = gaps[last].offset
		gaps = gaps[:last]
	}
	return gaps, top
}

// placeBySize places the largest first.
func placeBySize(bs []buffer) int64 {
	order := make([]int32, len(bs))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(bs[b].size, bs[a].size) })
	placed := make([]int32, 0, len(bs)) // by offset
	total := int64(0)
	for _, b := range order {
		x := &bs[b]
		if x.size == 0 {
			continue
		}
		low := int64(0) // end of the room below that is taken
		best, bestSize := int64(-1), int64(0)
		for _, q := range placed {
			y := &bs[q]
			if y.to < x.from || x.to < y.from {
				continue
			}
			if size := y.offset - low; size >= x.size && (best < 0 || size < bestSize) {
				best, bestSize = low, size
			}
			low = max(low, y.offset+y.size)
		}
		if best < 0 {
			best = low
		}
		x.offset = best
		total = max(total, satAdd(best, x.size))
		i := sort.Search(len(placed), func(i int) bool { return bs[placed[i]].offset > best })
		placed = slices.Insert(placed, i, b)
	}
	return total
}
