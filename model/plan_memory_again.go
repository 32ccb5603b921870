package model

import (
	"cmp"
	"math"
	"slices"

	"layercake/layers"
)

// segments are the parts in which a deep network is trained when it recomputes
// (Chen, Xu, Zhang and Guestrin, Training deep nets with sublinear memory cost,
// 2016). Nodes that follow one another in running order make a segment. Forward,
// a segment to be made again leaves what later segments read and nothing else.
// Before it runs backward, it runs forward a second time, as far as its backward pass
// needs; the last segment need not, since its backward pass comes right away. With s
// segments alike, about n/s nodes' values and s borders are live at one time
// instead of n nodes' values; the price is less than one forward pass a step.
//
// Times are those of memoryPlan up to the loss; from there on the segments
// follow one another from the last to the first, each with its second run in
// running order and its backward pass in reverse order.
type segments struct {
	segment []int32 // by node; nil: all are one segment and nothing runs again
	cuts    []cut   // by segment
	again   []int32 // by node: when it runs a second time
	back    []int32 // by node: when it runs backward
	root    []int32 // by node: itself, or for a view what it shows
	crosses []bool  // by root: a later segment reads it, so it is kept
}

// cut is where a segment begins.
type cut struct {
	at    int32 // its first node; the first segment's is 0
	again bool  // it is made again
}

// setTimes cuts the nodes into segments.
func (p *planner) setTimes(cuts []cut) {
	n := len(p.nodes)
	p.segments = segments{}
	p.last = int32(2*n + 1)
	if len(cuts) == 0 {
		return
	}
	p.segment, p.again, p.back = make([]int32, n), make([]int32, n), make([]int32, n)
	p.cuts = cuts
	t, to := int32(n+1), n
	for k := len(cuts) - 1; k >= 0; k-- {
		from := int(cuts[k].at)
		for i := from; i < to; i++ {
			p.segment[i], p.nodes[i].segment = int32(k), int32(k)
			if cuts[k].again {
				p.again[i] = t
				t++
			}
		}
		for i := to - 1; i >= from; i-- {
			p.back[i] = t
			t++
		}
		to = from
	}
	p.last = t
}

// backwardTime is when node i runs backward.
func (p *planner) backwardTime(i int) int32 {
	if p.back != nil {
		return p.back[i]
	}
	return int32(2*len(p.nodes) - i)
}

// recomputes reports whether some node runs a second time.
func (m *memoryPlan) recomputes() bool {
	return slices.ContainsFunc(m.nodes, func(q nodePlan) bool { return q.again })
}

// recomputed reports whether node i lies in a segment that does not keep its values.
func (p *planner) recomputed(i int) bool { return p.segment != nil && p.cuts[p.segment[i]].again }

// madeAgain reports whether the backward pass reads a second version of node
// i's output: only nodes of its own segment ever do.
func (p *planner) madeAgain(i int) bool {
	return p.segment != nil && p.recomputed(int(p.root[i])) && !p.crosses[p.root[i]]
}

// runsBackward reports whether node i's layer has a backward pass to run.
func (p *planner) runsBackward(i int) bool {
	plan := &p.g.Nodes[i].Plan
	return p.nodes[i].backward && !plan.View && !plan.PassesGrad
}

// backwardReads calls f for each node whose output node i's backward pass reads.
func (p *planner) backwardReads(i int, f func(v int)) {
	if !p.runsBackward(i) {
		return
	}
	node := &p.g.Nodes[i]
	if node.Plan.Reads&layers.ReadsOut != 0 {
		f(i)
	}
	if node.Plan.Reads&layers.ReadsIn != 0 {
		for _, v := range node.In {
			f(v)
		}
	}
}

// readsAfter calls f for each node whose output node i reads, or writes a second
// time, after the loss, and with the time.
func (p *planner) readsAfter(i int, f func(v int, at int32)) {
	at := p.backwardTime(i)
	p.backwardReads(i, func(v int) { f(v, at) })
	if p.nodes[i].again {
		f(i, p.again[i])
		for _, v := range p.g.Nodes[i].In {
			f(v, p.again[i])
		}
	}
}

// keepsSaved reports whether what node i saves is so small beside its output, as
// a norm's means and deviations are, that it stays: often the layer then need not run again.
func (p *planner) keepsSaved(i int) bool {
	const small = 16
	plan := &p.g.Nodes[i].Plan
	bytes := satAdd(satMul(4, p.savedSize(plan)), p.roomSize(plan.Marks))
	return satMul(bytes, small) <= satMul(4, p.outSize(i))
}

// findAgain finds which nodes run a second time: those that save much for their
// backward pass, and those whose output something wants that comes after the
// loss and that nobody has kept.
func (p *planner) findAgain() {
	if p.segment == nil {
		return
	}
	nodes := p.g.Nodes
	p.root, p.crosses = make([]int32, len(nodes)), make([]bool, len(nodes))
	for i := range nodes {
		p.root[i] = int32(i)
		if nodes[i].Layer == nil {
			p.crosses[i] = true // inputs are there all the time
			continue
		}
		if !p.nodes[i].used {
			continue
		}
		if nodes[i].Plan.View {
			p.root[i] = p.root[nodes[i].In[0]]
		}
		for _, v := range nodes[i].In {
			if r := p.root[v]; p.segment[r] < p.segment[i] {
				p.crosses[r] = true
			}
		}
	}
	wanted := make([]bool, len(nodes))
	for i := len(nodes) - 1; i >= 0; i-- {
		q, plan := &p.nodes[i], &nodes[i].Plan
		if !q.used || !p.recomputed(i) || nodes[i].Layer == nil || plan.View {
			continue
		}
		p.backwardReads(i, func(v int) { wanted[p.root[v]] = true })
		saves := p.runsBackward(i) && (len(plan.Saved) > 0 || p.roomSize(plan.Marks) > 0) && !p.keepsSaved(i)
		if q.again = saves || wanted[i] && !p.crosses[i]; q.again {
			for _, v := range nodes[i].In {
				wanted[p.root[v]] = true
			}
		}
	}
}

// runAgain gives room to the nodes that run a second time, as forward does for
// the first. Everything is settled by then but what they make.
func (p *planner) runAgain() {
	if p.segment == nil {
		return
	}
	nodes := p.g.Nodes
	lastReader, lastRead := make([]int32, len(nodes)), make([]int32, len(nodes)) // a node; a time
	read := make([]bool, len(nodes))                                             // backward
	for i := range nodes {
		lastReader[i] = int32(i)
		if !p.nodes[i].used {
			continue
		}
		p.backwardReads(i, func(v int) { read[v] = true })
		p.readsAfter(i, func(v int, at int32) { lastRead[v] = max(lastRead[v], at) })
		if p.nodes[i].again {
			for _, v := range nodes[i].In {
				lastReader[v] = int32(i)
			}
		}
	}
	clear(p.contentOf)
	p.contents = append(p.contents[:0], content{pinned: true}) // of all that is kept
	for i := range nodes {
		q, plan := &p.nodes[i], &nodes[i].Plan
		if !q.used || nodes[i].Layer == nil || !p.recomputed(i) {
			continue
		}
		if !plan.View && !q.again {
			continue
		}
		switch {
		case plan.View:
			q.outB, p.contentOf[i] = p.nodes[nodes[i].In[0]].outB, p.contentOf[nodes[i].In[0]]
		case p.crosses[i]: // written once more, the same bits, where it lies
		default:
			if k := p.overwrites(i); k >= 0 {
				q.outB = p.nodes[nodes[i].In[k]].outB
			} else {
				q.outB = p.newBuffer(p.outSize(i), p.again[i], p.again[i])
			}
			p.newContent(i)
		}
		if p.madeAgain(i) {
			c := &p.contents[p.contentOf[i]]
			c.lastReader = max(c.lastReader, lastReader[i])
			c.backward = c.backward || read[i]
			p.reach(q.outB, lastRead[i])
		}
		if q.again {
			p.keepAgain(i)
		}
	}
}

// keepAgain gives node i room for what it saves and scratches in its second run.
func (p *planner) keepAgain(i int) {
	q, plan := &p.nodes[i], &p.g.Nodes[i].Plan
	at := p.again[i]
	if !p.runsBackward(i) {
		q.savedB, q.marksB = p.saveRoom(plan, at, at)
	} else if !p.keepsSaved(i) {
		q.savedB, q.marksB = p.saveRoom(plan, at, p.backwardTime(i))
	}
	if size := p.roomSize(plan.Scratch); size > 0 {
		q.scratchA = p.newBuffer(size, at, at)
	}
	if size := carrySize(plan, p.o.context); size > 0 {
		q.carryA = p.newBuffer(satMul(int64(size), int64(p.batch)), 0, at)
	}
}

// runSegmentAgain adds the acts of the second run of the segment that ends with
// node i, if one does.
func (p *planner) runSegmentAgain(i int) {
	if !p.recomputed(i) || i+1 < len(p.segment) && p.segment[i+1] == p.segment[i] {
		return
	}
	from := i
	for from > 0 && p.segment[from-1] == p.segment[i] {
		from--
	}
	for j := from; j <= i; j++ {
		if p.nodes[j].again {
			p.ops = append(p.ops, gradOp{kind: opForward, node: int32(j), dst: -1, a: -1, b: -1})
		}
	}
}

// planSegments is the plan of the cuts that take the least memory, or without any
// where none saves some. More segments have to be worth it.
func planSegments(g *Graph, o planOptions) memoryPlan {
	best := newPlanner(g, o).lives(nil).place()
	for _, cuts := range newPlanner(g, o).chooseCuts() {
		const worth = 0.97
		if m := newPlanner(g, o).lives(cuts).place(); float64(m.ActivationBytes()) < worth*float64(best.ActivationBytes()) {
			best = m
		}
	}
	return best
}

// chooseCuts gives a few ways to cut, those with few segments first. Each keeps
// the fewest bytes at borders for which no segment keeps more than a limit;
// the limits differ, and the sums of limit and borders are the least.
func (p *planner) chooseCuts() [][]cut {
	kept, border := p.weigh()
	total, most := 0.0, 0.0
	for _, w := range kept {
		total += w
		most = max(most, w)
	}
	type choice struct {
		cuts []cut
		need float64
	}
	var choices []choice
	const finest, step, tried = 128, 1.25, 4
	for limit := total / 1.5; limit >= max(most, total/finest); limit /= step {
		cuts, borders := cheapestCuts(kept, border, limit)
		if len(cuts) > 1 && !math.IsInf(borders, 1) {
			choices = append(choices, choice{cuts, borders + limit})
		}
	}
	slices.SortStableFunc(choices, func(a, b choice) int { return cmp.Compare(a.need, b.need) })
	choices = choices[:min(tried, len(choices))]
	slices.SortStableFunc(choices, func(a, b choice) int { return cmp.Compare(len(a.cuts), len(b.cuts)) })
	var out [][]cut
	for _, c := range choices {
		if !slices.ContainsFunc(out, func(x []cut) bool { return slices.Equal(x, c.cuts) }) {
			out = append(out, c.cuts)
		}
	}
	return out
}

// weigh gives, by node, the bytes that it keeps for backward passes, and those
// that cross a border right before it; infinite where no border may be, because
// the node works on what the one before has put out.
func (p *planner) weigh() (kept, border []float64) {
	nodes := p.g.Nodes
	n := len(nodes)
	kept, border = make([]float64, n), make([]float64, n)
	root, lastReader, read := make([]int, n), make([]int, n), make([]bool, n)
	for i := range nodes {
		root[i] = i
		if !p.nodes[i].used || nodes[i].Layer == nil {
			continue
		}
		if nodes[i].Plan.View {
			root[i] = root[nodes[i].In[0]]
		}
		for _, v := range nodes[i].In {
			lastReader[root[v]] = i
		}
		p.backwardReads(i, func(v int) { read[root[v]] = true })
	}
	ends := make([]float64, n+1)
	for i := range nodes {
		if i > 0 {
			border[i] += border[i-1] - ends[i]
		}
		if !p.nodes[i].used || nodes[i].Layer == nil {
			continue
		}
		plan := &nodes[i].Plan
		if p.runsBackward(i) {
			kept[i] = 4*float64(p.savedSize(plan)) + float64(p.roomSize(plan.Marks))
		}
		out := 4 * float64(p.outSize(i))
		if read[i] {
			kept[i] += out
		}
		if lastReader[i] > i { // crosses the borders before the nodes i+1 … its last reader
			border[i+1] += out
			ends[lastReader[i]+1] += out
		}
	}
	for i := 1; i < n; i++ {
		plan := &nodes[i].Plan
		if !p.nodes[i].used || len(nodes[i].In) > 0 && nodes[i].In[0] == i-1 && (plan.InPlace || plan.View) {
			border[i] = math.Inf(1)
		}
	}
	if n > 0 {
		border[0] = math.Inf(1)
	}
	return kept, border
}

// cheapestCuts is where to cut so that no segment keeps more than limit and the
// borders are the least, and their sum: for every place the best last cut before it.
func cheapestCuts(kept, border []float64, limit float64) (cuts []cut, borders float64) {
	n := len(kept)
	best := make([]float64, n+1) // the least borders of nodes before i, with one at i
	from := make([]int32, n+1)
	for i := 1; i <= n; i++ {
		best[i] = math.Inf(1)
		sum := 0.0
		for j := i - 1; j >= 0; j-- {
			if sum += kept[j]; sum > limit && j < i-1 {
				break
			}
			if best[j] <= best[i] {
				best[i], from[i] = best[j], int32(j)
			}
		}
		if i < n {
			best[i] += border[i]
		}
	}
	for i := from[n]; i > 0; i = from[i] {
		cuts = append(cuts, cut{i, len(cuts) > 0})
	}
	cuts = append(cuts, cut{0, len(cuts) > 0})
	slices.Reverse(cuts)
	return cuts, best[n]
}
