package model

import (
	"math"

	"layercake/layers"
)

func (p *planner) newBuffer(size int64, from, to int32) int32 {
	p.buffers = append(p.buffers, buffer{size: roundUp(size, line), from: from, to: to})
	return int32(len(p.buffers) - 1)
}

// reach lengthens a buffer's life.
func (p *planner) reach(b, to int32) {
	if p.buffers[b].to < to {
		p.buffers[b].to = to
	}
}

// outSize is the room of node i's output, for the whole batch.
func (p *planner) outSize(i int) int64 {
	return satMul(shapeSize(p.g.Nodes[i].Plan.Out), int64(p.batch))
}

// roomSize is a Room for the whole batch; negative settings count as nothing.
func (p *planner) roomSize(r layers.Room) int64 {
	return satAdd(satMul(int64(r.PerSample), int64(p.batch)), int64(r.Fixed))
}

// forward gives every value, and what layers keep and scratch, a buffer and a
// life.
func (p *planner) forward() {
	nodes := p.g.Nodes
	n := len(nodes)

	// lastReader and lastBackward of each node's output under its own name.
	lastReader := make([]int32, n)
	lastBackward := make([]int32, n) // -1: nobody reads it after the loss
	for i := range nodes {
		lastReader[i], lastBackward[i] = int32(i), -1
	}
	p.findAgain()
	for i := range nodes {
		if !p.nodes[i].used {
			continue
		}
		for _, v := range nodes[i].In {
			lastReader[v] = int32(i)
		}
		p.readsAfter(i, func(v int, at int32) {
			if !p.madeAgain(v) {
				lastBackward[v] = max(lastBackward[v], at)
			}
		})
	}

	p.contentOf = make([]int32, n)
	p.contents = make([]content, 0, n)
	for i := range nodes {
		q := &p.nodes[i]
		if !q.used {
			continue
		}
		plan := &nodes[i].Plan
		switch {
		case nodes[i].Layer == nil:
			// Inputs stay for the whole step: a caller may run twice on what he wrote once.
			size := p.outSize(i)
			if p.o.lendInputs {
				size = 0
			}
			q.out = p.newBuffer(size, 0, p.last)
			p.newContent(i)
		case plan.View:
			q.out = p.nodes[nodes[i].In[0]].out
			p.contentOf[i] = p.contentOf[nodes[i].In[0]]
		default:
			if k := p.overwrites(i); k >= 0 {
				q.out = p.nodes[nodes[i].In[k]].out
			} else {
				q.out = p.newBuffer(p.outSize(i), int32(i), int32(i))
			}
			p.newContent(i)
		}
		c := &p.contents[p.contentOf[i]]
		c.lastReader = max(c.lastReader, lastReader[i])
		c.backward = c.backward || lastBackward[i] >= 0
		c.pinned = c.pinned || nodes[i].Layer == nil || i == p.output
		p.reach(q.out, max(lastReader[i], lastBackward[i]))
		if i == p.output {
			p.reach(q.out, int32(n))
		}
		q.outB = q.out
		p.keep(i)
	}
	p.runAgain()
}

func (p *planner) newContent(i int) {
	p.contentOf[i] = int32(len(p.contents))
	p.contents = append(p.contents, content{})
}

// overwrites is the input on which node i puts its output, -1 for memory of
// its own. Of two that a sum could take it is, outside of training, the older:
// what makes the younger can then add to it.
func (p *planner) overwrites(i int) int {
	node := &p.g.Nodes[i]
	plan := &node.Plan
	if p.o.apart || len(node.In) == 0 || !plan.InPlace && (p.train || !plan.InferInPlace) {
		return -1
	}
	tries := 1
	if plan.InPlaceOnSecond && len(node.In) == 2 {
		tries = 2
	}
	for t := range tries {
		k := t
		if tries == 2 && !p.train && node.In[1] < node.In[0] {
			k = 1 - t
		}
		if p.mayOverwrite(i, k) {
			return k
		}
	}
	return -1
}

// mayOverwrite reports whether nobody misses input k of node i, whose room is
// as large as that of the output.
func (p *planner) mayOverwrite(i, k int) bool {
	node := &p.g.Nodes[i]
	v := node.In[k]
	c := p.contentOf[v]
	for j, w := range node.In {
		if j != k && p.contentOf[w] == c {
			return false
		}
	}
	x := &p.contents[c]
	return x.lastReader <= int32(i) && !x.backward && !x.pinned &&
		shapeSize(node.Plan.Out) == shapeSize(p.g.Nodes[v].Plan.Out)
}

// keep gives node i room for what it saves, marks and scratches.
func (p *planner) keep(i int) {
	plan, q := &p.g.Nodes[i].Plan, &p.nodes[i]
	if plan.View {
		return
	}
	to := int32(i)
	if p.runsBackward(i) && (!p.recomputed(i) || p.keepsSaved(i)) {
		to = p.backwardTime(i)
	}
	q.saved, q.marks = p.saveRoom(plan, int32(i), to)
	q.savedB, q.marksB = q.saved, q.marks
	if size := p.roomSize(plan.Scratch); size > 0 {
		q.scratch = p.newBuffer(size, int32(i), int32(i))
		if p.runsBackward(i) {
			at := p.backwardTime(i)
			q.scratchB = p.newBuffer(size, at, at)
		}
	}
}

// saveRoom makes buffers for what a layer saves and marks.
func (p *planner) saveRoom(plan *layers.Plan, from, to int32) (saved, marks int32) {
	saved, marks = -1, -1
	if len(plan.Saved) > 0 {
		saved = p.newBuffer(p.savedSize(plan), from, to)
	}
	if size := p.roomSize(plan.Marks); size > 0 {
		marks = int32(len(p.marks))
		p.marks = append(p.marks, buffer{size: roundUp(size, lineBytes), from: from, to: to})
	}
	return saved, marks
}

// savedSize is the room of what a layer saves, each piece on a line of its own.
func (p *planner) savedSize(plan *layers.Plan) int64 {
	size := int64(0)
	for _, r := range plan.Saved {
		size = satAdd(size, roundUp(p.roomSize(r), line))
	}
	return size
}

// shapeSize is s.Size without overflow.
func shapeSize(s []int) int64 {
	n := int64(1)
	for _, d := range s {
		n = satMul(n, int64(d))
	}
	return n
}

// roundUp is the next multiple of to.
func roundUp(n, to int64) int64 {
	if n > math.MaxInt64-to {
		return math.MaxInt64
	}
	return (n + to - 1) / to * to
}

// satAdd and satMul stop at the largest number: a size that big is refused, and must
// not look small.
func satAdd(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func satMul(a, b int64) int64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	if a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}
