package model

import "layercake/layers"

// Some values are cheap to make again, even for a network that does not
// recompute: what norms and activations put out between two products. The
// product before leaves its output for the norm's backward pass anyhow, and the
// norm's output is kept for the product after alone. Where a few sweeps of
// that kind, of a hundredth of the step's time together, take memory from the
// worst moment, they are worth it. Early layers come first: in images they have the
// largest values, and theirs are made again last, when most memory is free.
const (
	cheapFrom  = 32 << 20 // bytes of activations from which on it matters
	cheapShare = 100      // a step's multiply-adds are so many times those that the sweeps are worth
	cheapSweep = 20       // multiply-adds in the time in which one number goes to or from memory
	cheapWorth = 0.99     // of the memory that it takes otherwise, at most
)

// cheaper is a plan with cheap values made again, if that takes less memory than
// plain, which keeps everything; else plain itself.
func cheaper(plain *planner) *planner {
	bytes := plain.bound()
	if bytes < cheapFrom || plain.o.apart {
		return plain
	}
	p := newPlanner(plain.g, plain.o)
	cuts := p.cheapCuts()
	if cuts == nil || float64(p.lives(cuts).bound()) > cheapWorth*float64(bytes) {
		return plain
	}
	return p
}

// cheapCuts are segments of norms, activations and the product behind them, as
// many as the step has time for; nil for none.
func (p *planner) cheapCuts() []cut {
	nodes := p.g.Nodes
	readers := make([]int32, len(nodes))
	for i := range nodes {
		if p.nodes[i].used {
			for _, v := range nodes[i].In {
				readers[v]++
			}
		}
	}
	budget := float64(p.g.TrainMACs()) * float64(p.batch) / cheapShare
	cuts := []cut{{0, false}}
	free := 0 // the first node of no segment
	for i := range nodes {
		if !p.runsBackward(i) || nodes[i].Plan.MACs == 0 || nodes[i].Plan.Reads&layers.ReadsIn == 0 || !p.keepsSaved(i) {
			continue // or it would have to run again itself
		}
		from, cost := i, 0.0
		for from > free && p.makesCheaply(from-1, readers) && nodes[from].In[0] == from-1 && len(nodes[from].In) == 1 {
			from--
			if !nodes[from].Plan.InPlace { // else it is part of the sweep before
				cost += 3 * cheapSweep * float64(p.outSize(from))
			}
		}
		// What the first of them reads is there, for its backward pass reads it too.
		if from == i || cost > budget || nodes[from].Plan.InPlace || nodes[from].Plan.Reads&layers.ReadsIn == 0 {
			continue
		}
		budget -= cost
		if last := len(cuts) - 1; int(cuts[last].at) == from {
			cuts[last].again = true
		} else {
			cuts = append(cuts, cut{int32(from), true})
		}
		free = i + 1
		cuts = append(cuts, cut{int32(free), false})
	}
	if len(cuts) == 1 {
		return nil
	}
	return cuts
}

// makesCheaply reports whether node i is a sweep whose output one node reads,
// and that keeps next to nothing.
func (p *planner) makesCheaply(i int, readers []int32) bool {
	node := &p.g.Nodes[i]
	return p.nodes[i].used && node.Layer != nil && readers[i] == 1 && len(node.In) == 1 && node.In[0] == i-1 &&
		node.Plan.MACs == 0 && !node.Plan.View && p.keepsSaved(i) && p.roomSize(node.Plan.Marks) == 0 &&
		shapeSize(node.Plan.Out) == shapeSize(p.g.Nodes[i-1].Plan.Out) && node.Plan.Carry == (layers.Carry{})
}
