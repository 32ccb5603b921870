package model

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"layercake/compute"
	"layercake/layers"
)

// layerCheck is one layer of a network by itself, with memory of its own, at the
// numbers that it reads there. It is moved in one direction at a time, and how
// its output changes is compared with two gradients: that of the network, and
// that of random weights of the output, in which nothing cancels and no
// place is left out.
type layerCheck struct {
	c     *checker
	step  *step
	node  *Node
	rows  int // results
	pass  layers.Pass
	douts [weighings][]float32
	// What Backward makes of each of douts.
	dins, grads [weighings][][]float32
	up          []float32
}

// weighings is how many losses of a layer are looked at together.
const weighings = 2

func newLayerCheck(c *checker, s *step) *layerCheck {
	l := &layerCheck{c: c, step: s, node: &c.g.Nodes[s.node]}
	p := &l.pass
	p.N, p.Train, p.Pool, p.Seed = c.n, true, c.pool, s.bwd.Seed
	p.In = slices.Clone(s.bwd.In)
	copy(p.In, s.fwd.In) // with the lengths of their samples
	p.Out = compute.Tensor{Shape: s.fwd.Out.Shape, Data: make([]float32, len(s.fwd.Out.Data)), Lens: s.fwd.Out.Lens}
	p.Params = s.fwd.Params
	for _, x := range s.fwd.State {
		p.State = append(p.State, slices.Clone(x))
	}
	p.Carry = make([]float32, len(s.fwd.Carry))
	p.Context = s.fwd.Context
	if len(p.Carry) == 0 {
		p.Carry = nil
	}
	plan := &l.node.Plan
	for _, r := range plan.Saved {
		p.Saved = append(p.Saved, make([]float32, r.At(c.n)))
	}
	p.Marks = make([]byte, plan.Marks.At(c.n))
	p.Scratch = make([]float32, plan.Scratch.At(c.n))
	p.Add = make([]bool, len(p.In))
	p.DIn = make([]compute.Tensor, len(p.In))

	l.douts[0] = c.plain.gradient(s.node).Data
	l.douts[1] = make([]float32, len(p.Out.Data))
	spread := math.Sqrt(sumSquares(l.douts[0]) / float64(len(l.douts[0])))
	if !(spread > 0) || math.IsInf(spread, 0) {
		spread = 1
	}
	for i := range l.douts[1] {
		l.douts[1][i] = float32(spread * c.rng.NormFloat64())
	}
	return l
}

// forward runs the layer as for the first time.
func (l *layerCheck) forward() {
	clear(l.pass.Carry)
	l.step.layer.Forward(&l.pass)
}

// given is the gradient that the network's goes to for input j, nil for none.
func (l *layerCheck) given(j int) []float32 {
	if l.node.Plan.View || l.node.Plan.PassesGrad {
		return l.douts[0]
	}
	return l.dins[0][j]
}

// backward makes the gradients for both weighings.
func (l *layerCheck) backward() {
	p := &l.pass
	for w := range weighings {
		// Backward may want Forward just before it: what it saved, it may use up.
		l.forward()
		p.DOut = compute.Tensor{Shape: p.Out.Shape, Data: slices.Clone(l.douts[w]), Lens: p.Out.Lens}
		for j, in := range p.In {
			p.DIn[j] = compute.Tensor{Shape: in.Shape, Lens: in.Lens}
			if !l.node.Plan.Tokens {
				p.DIn[j].Data = make([]float32, len(in.Data))
			}
		}
		p.Grads = nil
		for _, x := range p.Params {
			p.Grads = append(p.Grads, make([]float32, len(x)))
		}
		if l.node.Plan.PassesGrad {
			for j := range p.DIn {
				copy(p.DIn[j].Data, l.douts[w])
			}
		} else {
			l.step.layer.Backward(p)
		}
		l.dins[w], l.grads[w] = nil, p.Grads
		for j := range p.DIn {
			l.dins[w] = append(l.dins[w], p.DIn[j].Data)
		}
	}
}

// run compares all gradients of the layer: those of its inputs, then those of
// its parameters.
func (l *layerCheck) run(ctx context.Context) ([]CheckResult, error) {
	if l.node.Plan.View {
		return nil, nil // its output is its input
	}
	l.backward()
	if !slices.Equal(l.pass.Out.Data, l.step.fwd.Out.Data) {
		return nil, fmt.Errorf("%s: run again on the same numbers it puts out others: this is a fault of the engine, please report the network", l.node.Name)
	}
	l.up = make([]float32, len(l.pass.Out.Data))
	results, err := l.tensors(ctx, nil)
	if err != nil {
		return results, err
	}
	l.rows = len(results)
	for _, r := range results {
		if !r.OK() {
			return l.offKinks(ctx, results)
		}
	}
	return results, nil
}

// tensors compares all gradients of the layer, or those that do not agree so far.
func (l *layerCheck) tensors(ctx context.Context, sofar []CheckResult) ([]CheckResult, error) {
	results := sofar
	next := 0
	compare := func(name string, x *[]float32, dx, other []float32) error {
		if next < len(sofar) && sofar[next].OK() {
			next++
			return nil
		}
		network := *x
		*x = slices.Clone(network)
		r, err := l.tensor(ctx, *x, [weighings][]float32{dx, other})
		*x = network
		r.Node, r.Name = l.step.node, name
		if next < len(sofar) {
			results[next] = r
		} else {
			results = append(results, r)
		}
		next++
		return err
	}
	for j := range l.pass.In {
		if l.dins[0][j] == nil {
			continue
		}
		name := l.node.Name + ".input"
		if j > 0 {
			name += fmt.Sprint(j + 1)
		}
		if err := compare(name, &l.pass.In[j].Data, l.dins[0][j], l.dins[1][j]); err != nil {
			return results, err
		}
	}
	l.pass.Params = slices.Clone(l.pass.Params)
	for j := range l.pass.Params {
		name := l.node.Name + "." + l.node.Plan.Params[j].Name
		if err := compare(name, &l.pass.Params[j], l.grads[0][j], l.grads[1][j]); err != nil {
			return results, err
		}
	}
	return results, nil
}

// offKinks looks again at gradients that do not agree, with all inputs
// moved to the side. Where a layer reads many equal numbers, as a maximum
// does behind a relu, it stands on kinks: there no gradient is that of the
// differences, and any of those beside it is right.
func (l *layerCheck) offKinks(ctx context.Context, results []CheckResult) ([]CheckResult, error) {
	const aside = 0.25
	dins, grads := l.dins, l.grads
	if !l.node.Plan.Tokens {
		for j := range l.pass.In {
			in := &l.pass.In[j]
			in.Data = slices.Clone(in.Data)
			size := usualSize(in.Data)
			for i := range in.Data {
				in.Data[i] += float32(aside * size * l.c.rng.NormFloat64())
			}
		}
	}
	l.backward()
	results, err := l.tensors(ctx, results)
	l.dins, l.grads = dins, grads // those of the network
	return results, err
}

// tensor compares derivatives by x, whose gradients are g.
func (l *layerCheck) tensor(ctx context.Context, x []float32, g [weighings][]float32) (CheckResult, error) {
	r := CheckResult{Size: len(x)}
	if len(x) == 0 {
		return r, nil
	}
	m := newMove(l.c.pool, x, g[:], l.loss)
	m.rounding = l.rounding
	for _, dir := range l.directions(g, float32(usualSize(x))) {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		for _, d := range m.along(dir) {
			r.Tried++
			if d.seen {
				r.Seen++
				r.MaxRelErr = max(r.MaxRelErr, d.relErr())
			}
		}
	}
	return r, nil
}

// loss says how Σ dout·out changes from up to down for both weighings.
func (l *layerCheck) loss(shift func(up bool)) [weighings]float64 {
	shift(true)
	l.forward()
	copy(l.up, l.pass.Out.Data)
	shift(false)
	l.forward()
	return weigh(l.c.pool, len(l.up), func(lo, hi int) [weighings]float64 {
		return weighChange(l.douts[:], l.up, l.pass.Out.Data, lo, hi)
	})
}

// rounding is the spread of the losses when each output is off by a unit in its
// last place.
func (l *layerCheck) rounding() [weighings]float64 {
	sum := weigh(l.c.pool, len(l.up), func(lo, hi int) (sum [weighings]float64) {
		for i := lo; i < hi; i++ {
			for w := range sum {
				d := float64(l.douts[w][i]) * float64(l.up[i]) * 0x1p-23
				sum[w] += d * d
			}
		}
		return sum
	})
	for w := range sum {
		sum[w] = math.Sqrt(sum[w])
	}
	return sum
}

// usualSize is what the numbers of x are like: the step is measured by it.
func usualSize(x []float32) float64 {
	s := math.Sqrt(sumSquares(x) / float64(len(x)))
	if s == 0 || math.IsNaN(s) || math.IsInf(s, 0) {
		return 0.05 // zeros, as biases at first
	}
	return s
}

// direction is where a tensor is moved: its index-th numbers by value, all in
// order where index is nil.
type direction struct {
	index []int
	value []float32
}

// directions are along the network's gradient, a random one, and single
// numbers: those with the largest gradients, both ends, where kernels
// have their edges, and others. No number moves by more than size.
func (l *layerCheck) directions(g [weighings][]float32, size float32) []direction {
	n := len(g[0])
	var all []direction
	along := direction{value: make([]float32, n)}
	most := float32(0)
	for _, v := range g[0] {
		most = max(most, abs32(v))
	}
	if most > 0 && most <= math.MaxFloat32 {
		for i, v := range g[0] {
			along.value[i] = size * (v / most)
		}
		all = append(all, along)
	}
	signs := direction{value: make([]float32, n)}
	for i := range signs.value {
		signs.value[i] = size * float32(2*l.c.rng.IntN(2)-1)
	}
	all = append(all, signs)

	picks := []int{0, n - 1}
	for w := range weighings {
		at := 0
		for i, v := range g[w] {
			if abs32(v) > abs32(g[w][at]) {
				at = i
			}
		}
		picks = append(picks, at)
	}
	const others = 2
	for range others {
		picks = append(picks, l.c.rng.IntN(n))
	}
	slices.SortFunc(picks, cmp.Compare)
	for _, i := range slices.Compact(picks) {
		all = append(all, direction{index: []int{i}, value: []float32{size}})
	}
	return all
}

func abs32(x float32) float32 { return max(x, -x) }
