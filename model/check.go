package model

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"layercake/compute"
	"layercake/layers"
)

// CheckResult is what Check says of one gradient: that of a parameter, or of
// what a layer reads.
type CheckResult struct {
	Node int    // of the graph, the layer whose Backward makes the gradient; -1 for the whole network
	Name string // "conv1.weight"; "conv1.input" for what conv1 reads, "add.input2" for the second of it
	Size int    // numbers in the tensor
	// Tried is how many derivatives were taken by differences. Seen of them stood
	// so far out of rounding and curvature that comparing them means something.
	Tried, Seen int
	// MaxRelErr is the largest difference of a seen derivative from the layer's,
	// relative to the larger of both, or to a third of the tensor's usual one
	// where both are below that.
	MaxRelErr float64
	// Chain is how far the gradient that training uses lies from the sum of what the
	// layers say, relative to their norms added up.
	Chain float64
}

const (
	// CheckTolerance is the largest MaxRelErr that arithmetic in float32 explains.
	CheckTolerance = 3e-3
	// ChainTolerance is the largest Chain that a different order of sums explains.
	ChainTolerance = 1e-4
)

// WholeNetwork is the name of the result for the network as one function.
const WholeNetwork = "the whole network"

// OK reports whether the gradient agrees.
func (r CheckResult) OK() bool {
	return r.MaxRelErr <= CheckTolerance && r.Chain <= ChainTolerance
}

// Check proves the gradients of a network, parameters and inputs, on a few
// random samples. The loss is L = Σ r·output with fixed random r. Dropout drops
// the same units in every run, and batch norm uses the batch.
//
// Differences through a whole deep network prove little: between a weight of
// its first layer and the loss lie kinks by the thousand and the rounding of all
// the layers, both made larger on the way; in a plain network of 56 layers
// no step is short enough for the ones and long enough for the others. The
// chain rule says that nothing of that is needed. The gradient is right if
//
//  1. every layer, at the numbers that it reads in this network, hands down the
//     gradient that its own Forward has, be the gradient that it is given what it may;
//  2. the gradient of a value that several layers read, or of a parameter that
//     several use, is the sum of what they hand down; and
//  3. the program that trains, which fuses layers and uses memory twice, makes the same
//     numbers as one that does neither.
//
// Each is checked by itself (check_layer.go), 1 by differences of one
// layer, which depth does not touch, once with the gradient that comes to the layer
// here and once with a random one; 2 and 3 by comparing numbers. A
// fault in one layer therefore shows at that layer and nowhere else.
//
// Last the network as a whole is moved along its gradient, all parameters at
// once (check_whole.go): a test of 1 to 3 themselves, as sharp as the network
// allows.
//
// samples is at least 2 where batch norm needs a batch. A network that cannot
// be compiled is refused as Compile does.
//
// The pool may be nil, and so may progress, which is told the layers done of all.
func Check(ctx context.Context, g *Graph, seed uint64, samples int, pool *compute.Pool, progress func(done, total int)) ([]CheckResult, error) {
	if pool == nil {
		pool = compute.NewPool(1)
		defer pool.Close()
	}
	c, err := newChecker(g, seed, samples, pool)
	if err != nil {
		return nil, err
	}
	return c.run(ctx, progress)
}

// checker is a network with fixed inputs and a fixed loss.
type checker struct {
	g       *Graph
	n       int
	pool    *compute.Pool
	seed    uint64
	rng     *rand.Rand
	trained *Program  // as it trains: fused, memory used again
	plain   *Program  // layer by layer, every value and gradient kept
	r       []float32 // weights of the loss
}

func newChecker(g *Graph, seed uint64, samples int, pool *compute.Pool) (*checker, error) {
	o := Options{Batch: samples, Train: true, Seed: seed, Pool: pool, InputGrads: true}
	c := &checker{g: g, n: samples, pool: pool, seed: seed, rng: layers.Stream(seed, "check")}
	var err error
	if c.trained, err = Compile(g, o); err != nil {
		return nil, err
	}
	// What all values and gradients side by side need is known before they are made.
	plan := planProgram(g, planOptions{batch: samples, train: true, inputGrads: true, apart: true})
	if need, have := satAdd(plan.Bytes(), c.trained.Bytes()), compute.MachineMemory(); need > have {
		return nil, &MemoryError{
			Network: g.Name, Batch: samples, Train: true, Check: true, Have: have,
			Need: need, Params: satMul(2, plan.ParamBytes()), Activations: satAdd(plan.ActivationBytes(), c.trained.ActivationBytes()),
		}
	}
	o.plain = true
	if c.plain, err = Compile(g, o); err != nil {
		return nil, err
	}
	return c, nil
}

// run makes all gradients and compares them.
func (c *checker) run(ctx context.Context, progress func(done, total int)) ([]CheckResult, error) {
	fillInputs(c.trained, c.rng)
	for k, in := range c.trained.Inputs() {
		copy(c.plain.Input(k).Data, in.Data)
	}
	c.r = make([]float32, len(c.trained.Output().Data))
	for i := range c.r {
		c.r[i] = float32(c.rng.NormFloat64())
	}
	for _, p := range []*Program{c.trained, c.plain} {
		p.ResetCarry()
		p.Forward(c.n, true)
		if dy := p.OutputGrad().Data; dy != nil {
			copy(dy, c.r)
			p.ClearGrads()
			p.Backward()
		}
	}

	sums := newGradSums(c)
	var results []CheckResult
	at := make([]int, len(c.g.Nodes)) // first result of a node
	total := len(c.plain.steps) + 1
	for k := range c.plain.steps {
		s := &c.plain.steps[k]
		at[s.node] = len(results)
		if s.layer != nil && c.plain.plan.nodes[s.node].backward {
			l := newLayerCheck(c, s)
			found, err := l.run(ctx)
			if err != nil {
				return results, err
			}
			results = append(results, found...)
			sums.take(s, l)
		}
		if progress != nil {
			progress(k+1, total)
		}
	}
	sums.judge(results, at)
	c.plain = nil // its memory is of no use any more
	whole, err := c.whole(ctx)
	if err != nil {
		return results, err
	}
	if progress != nil {
		progress(total, total)
	}
	if whole.Tried > 0 {
		results = append(results, whole)
	}
	return results, nil
}

// fillInputs draws a program's inputs.
func fillInputs(p *Program, rng *rand.Rand) {
	for k, in := range p.Inputs() {
		tokens := p.g.Inputs[k].Tokens
		for i := range in.Data {
			if tokens > 0 {
				in.Data[i] = float32(rng.IntN(tokens))
			} else {
				in.Data[i] = float32(rng.NormFloat64())
			}
		}
	}
}

// gradSums adds up what layers hand down to a value or a parameter, and their norms.
type gradSums struct {
	c      *checker
	values []gradSum   // by node
	params [][]gradSum // by node that owns them
}

type gradSum struct {
	sum  []float64
	norm float64
	seen []place // results that belong to this gradient
}

// place is a result: of which node, and which of its results.
type place struct{ node, k int }

func newGradSums(c *checker) *gradSums {
	s := &gradSums{c: c, values: make([]gradSum, len(c.g.Nodes)), params: make([][]gradSum, len(c.g.Nodes))}
	s.values[c.plain.plan.output].add(c.r)
	return s
}

func (s *gradSum) add(x []float32) {
	if s.sum == nil {
		s.sum = make([]float64, len(x))
	}
	for i, v := range x {
		s.sum[i] += float64(v)
	}
	s.norm += math.Sqrt(sumSquares(x))
}

// off is how far x lies from the sum, relative to the norms of its parts; and
// how far, where the parts are nothing.
func (s *gradSum) off(x []float32) float64 {
	d := 0.0
	for i, v := range x {
		e := float64(v) - s.sum[i]
		d += e * e
	}
	d = math.Sqrt(d)
	if d == 0 {
		return 0
	}
	if math.IsNaN(d) || s.norm == 0 {
		return math.Inf(1)
	}
	return d / s.norm
}

// take adds what layer l at step st hands down.
func (s *gradSums) take(st *step, l *layerCheck) {
	node := &s.c.g.Nodes[st.node]
	k := 0
	for j, v := range node.In {
		x := l.given(j)
		if x == nil {
			continue
		}
		s.values[v].add(x)
		if k < l.rows {
			s.values[v].seen = append(s.values[v].seen, place{st.node, k})
		}
		k++
	}
	owner := s.c.plain.plan.nodes[st.node].owner
	if s.params[owner] == nil {
		s.params[owner] = make([]gradSum, len(node.Plan.Params))
	}
	for j := range node.Plan.Params {
		q := &s.params[owner][j]
		q.add(l.grads[0][j])
		q.seen = append(q.seen, place{st.node, k})
		k++
	}
}

// judge compares the sums with the gradients of both programs. Those of
// values that the program for training has overwritten are left out: a
// parameter or an input before them shows what is wrong with them.
func (s *gradSums) judge(results []CheckResult, at []int) {
	note := func(q *gradSum, off float64) {
		for _, p := range q.seen {
			r := &results[at[p.node]+p.k]
			r.Chain = max(r.Chain, off)
		}
	}
	input := 0
	for v := range s.values {
		q := &s.values[v]
		isInput := s.c.g.Nodes[v].Layer == nil
		if q.sum != nil {
			if x := s.c.plain.gradient(v).Data; x != nil {
				note(q, q.off(x))
			}
			if isInput {
				if x := s.c.trained.InputGrad(input).Data; x != nil {
					note(q, q.off(x))
				}
			}
		}
		if isInput {
			input++
		}
	}
	for _, p := range []*Program{s.c.plain, s.c.trained} {
		k := 0
		for i, r := range p.owned {
			if i > 0 && p.owned[i-1].Node != r.Node {
				k = 0
			}
			if sums := s.params[r.Node]; sums != nil {
				note(&sums[k], sums[k].off(r.Grad))
			}
			k++
		}
	}
}

func sumSquares(x []float32) float64 {
	s := 0.0
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return s
}

// CheckFailure is what does not agree, as an error, or nil: a layer that is wrong by
// itself before what follows from it.
func CheckFailure(results []CheckResult) error {
	for _, r := range results {
		if r.Node >= 0 && r.MaxRelErr > CheckTolerance {
			return fmt.Errorf("%s: its gradient is off by %.2g of its size, wants at most %.2g: either the layer's gradient is not that of what it computes, or it stands on a kink that the check did not step aside from; try another --seed, and where that says the same, report the network",
				r.Name, r.MaxRelErr, CheckTolerance)
		}
	}
	for _, r := range results {
		switch {
		case r.Chain > ChainTolerance:
			return fmt.Errorf("%s: the gradient that training uses is off by %.2g from what the layers say together, wants at most %.2g: gradients are added or handed on wrongly; please report the network",
				r.Name, r.Chain, ChainTolerance)
		case !r.OK():
			return fmt.Errorf("%s: moved along its gradient, the loss changes otherwise than the gradient says, by %.2g of it, wants at most %.2g: every layer by itself agrees, so either they are joined wrongly or the network is too steep for float32; try another --seed, and where that says the same, report the network",
				r.Name, r.MaxRelErr, CheckTolerance)
		}
	}
	return nil
}
