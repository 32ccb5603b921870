package model

// reach is how much of the input one element of a node sees, and how many input
// pixels lie between two neighbours.
type reach struct {
	size, step [2]int
	all        bool
}

// see works out a node's reach from its inputs': a window of k at stride s
// sees (k−1)·step more and multiplies the step by s.
func (r *resolver) see(n *Node) reach {
	var out reach
	for _, j := range n.In {
		in := r.reach[j]
		out.all = out.all || in.all
		for a := range 2 {
			out.size[a] = max(out.size[a], in.size[a])
			out.step[a] = max(out.step[a], in.step[a])
		}
		// A vector made of an image sees all of it.
		if len(r.g.Nodes[j].Plan.Out) > 1 && len(n.Plan.Out) == 1 {
			out.all = true
		}
	}
	w := n.Plan.Window
	out.all = out.all || w.Global
	for a := range 2 {
		if w.Kernel[a] > 0 {
			out.size[a] = int(satAdd(int64(out.size[a]), satMul(int64(w.Kernel[a]-1), int64(out.step[a]))))
		}
		if w.Stride[a] > 0 {
			out.step[a] = int(satMul(int64(out.step[a]), int64(w.Stride[a])))
		}
	}
	return out
}

// totals fills in what rows say about their nodes, by running sums.
func (r *resolver) totals() {
	g := r.g
	type sum struct{ params, macs, act int64 }
	sums := make([]sum, len(g.Nodes)+1)
	for i := range g.Nodes {
		n, s := &g.Nodes[i], sums[i]
		s.params = satAdd(s.params, n.paramCount())
		s.macs = satAdd(s.macs, n.Plan.MACs)
		s.act = satAdd(s.act, n.activationBytes())
		sums[i+1] = s
	}
	for i := range g.Rows {
		w := &g.Rows[i]
		from, to := sums[w.Nodes[0]], sums[w.Nodes[1]]
		w.Params, w.MACs, w.Activation = to.params-from.params, to.macs-from.macs, to.act-from.act
		last := w.Node
		if last < 0 {
			last = w.Nodes[1] - 1
		}
		if w.Nodes[1] > w.Nodes[0] {
			if w.Out == nil && r.err == nil {
				w.Out = g.Nodes[last].Plan.Out
			}
			if v := r.reach[last]; v.all {
				w.Receptive = [2]int{-1, -1}
			} else {
				w.Receptive = v.size
			}
		}
	}
}

// paramCount is the number of trainable numbers that a node owns.
func (n *Node) paramCount() int64 {
	if n.Share >= 0 {
		return 0
	}
	var c int64
	for i := range n.Plan.Params {
		c = satAdd(c, int64(n.Plan.Params[i].Shape.Size()))
	}
	return c
}

// activationBytes is the memory of a node's output for one sample: none for a view.
func (n *Node) activationBytes() int64 {
	if n.Plan.View {
		return 0
	}
	return 4 * int64(n.Plan.Out.Size())
}
