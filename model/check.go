package model

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"layercake/compute"
	"layercake/layers"
)

// CheckResult is what finite differences say of one tensor's gradient.
type CheckResult struct {
	Node int    // of the graph
	Name string // "conv1.weight", or the input's name
	Size int    // numbers in the tensor
	// Tried is how many derivatives were compared; Seen of them stood out of
	// the rounding of float32, so that comparing them means something.
	Tried, Seen int
	// MaxRelErr is the largest difference of a seen derivative from the
	// network's, relative to the larger of both, or to a tenth of the tensor's
	// usual one where both are below that.
	MaxRelErr float64
}

// CheckTolerance is the largest relative error that finite differences in
// float32 explain.
const CheckTolerance = 0.01

// OK reports whether the gradient agrees.
func (r CheckResult) OK() bool { return r.MaxRelErr <= CheckTolerance }

// Check compares the gradients of a whole network, parameters and inputs,
// with central differences on a few random samples.
//
// The loss is L = Σ r·output with fixed random r, summed in float64. For every
// tensor a derivative is taken along its gradient, along a random direction,
// and by single numbers: those with the largest gradients and some others.
// Several step lengths are tried until one agrees: long ones see curvature,
// short ones drown in rounding, which is measured. Kinks of relu and max
// pooling are kept from being crossed (withoutKinks), for in a deep network
// every step crosses some. Dropout drops the same units in every run, batch norm uses the batch.
//
// samples is at least 2 where batch norm needs a batch. A network that cannot
// be compiled is refused as Compile does.
func Check(g *Graph, seed uint64, samples int) ([]CheckResult, error) {
	return CheckContext(context.Background(), g, seed, samples, nil, nil)
}

// CheckContext is Check on a pool, which may be nil, with an end on demand and
// progress in tensors done of all; progress may be nil.
func CheckContext(ctx context.Context, g *Graph, seed uint64, samples int, pool *compute.Pool, progress func(done, total int)) ([]CheckResult, error) {
	if pool == nil {
		pool = compute.NewPool(1)
		defer pool.Close()
	}
	replay := new(bool)
	p, err := Compile(withoutKinks(g, replay), Options{Batch: samples, Train: true, Seed: seed, Pool: pool, InputGrads: true})
	if err != nil {
		return nil, err
	}
	c := &checker{p: p, n: samples, replay: replay, rng: layers.Stream(seed, "check")}
	c.start()

	type target struct {
		node int
		name string
		x, g []float32
	}
	var targets []target
	for k, in := range p.Inputs() {
		if dx := p.InputGrad(k).Data; dx != nil {
			targets = append(targets, target{p.inputs[k], g.Nodes[p.inputs[k]].Name, in.Data, slices.Clone(dx)})
		}
	}
	for _, r := range p.Params() {
		targets = append(targets, target{r.Node, r.Name, r.Data, slices.Clone(r.Grad)})
	}
	results := make([]CheckResult, 0, len(targets))
	for i, t := range targets {
		if err := ctx.Err(); err != nil {
			return results, err
		}
		r := c.tensor(t.x, t.g)
		r.Node, r.Name, r.Size = t.node, t.name, len(t.x)
		results = append(results, r)
		if progress != nil {
			progress(i+1, len(targets))
		}
	}
	return results, nil
}

// checker is a program with fixed inputs and a fixed loss.
type checker struct {
	p      *Program
	n      int
	replay *bool
	rng    *rand.Rand
	r      []float32 // weights of the loss
	noise  float64   // spread of the loss from rounding
	old    []float32
}

// start draws inputs and the loss, makes the gradients and measures rounding.
func (c *checker) start() {
	for k, in := range c.p.Inputs() {
		tokens := c.p.g.Inputs[k].Tokens
		for i := range in.Data {
			if tokens > 0 {
				in.Data[i] = float32(c.rng.IntN(tokens))
			} else {
				in.Data[i] = float32(c.rng.NormFloat64())
			}
		}
	}
	c.p.Forward(c.n, true)
	*c.replay = true
	c.r = make([]float32, len(c.p.Output().Data))
	for i := range c.r {
		c.r[i] = float32(c.rng.NormFloat64())
	}
	base := c.loss()
	// Rounding: how far the loss moves when every parameter moves by about
	// one unit in its last place.
	w := c.p.ParamArena()
	c.old = append(c.old[:0], w...)
	const draws = 6
	sum := 0.0
	for range draws {
		for i := range w {
			w[i] = c.old[i] * (1 + float32(c.rng.IntN(3)-1)*0x1p-23)
		}
		d := c.loss() - base
		sum += d * d
	}
	copy(w, c.old)
	c.noise = math.Sqrt(sum/draws) + math.Abs(base)*0x1p-24

	// Last, since a Forward takes the memory of gradients of inputs.
	c.loss()
	if dy := c.p.OutputGrad().Data; dy != nil {
		copy(dy, c.r)
		c.p.ClearGrads()
		c.p.Backward()
	}
}

func (c *checker) loss() float64 {
	c.p.Forward(c.n, true)
	sum := 0.0
	for i, y := range c.p.Output().Data {
		sum += float64(c.r[i]) * float64(y)
	}
	return sum
}

// tensor compares derivatives by x, whose gradient is g.
func (c *checker) tensor(x, g []float32) CheckResult {
	var r CheckResult
	if len(x) == 0 {
		return r
	}
	try := func(dir []float32) {
		r.Tried++
		if e, seen := c.along(x, g, dir); seen {
			r.Seen++
			r.MaxRelErr = max(r.MaxRelErr, e)
		}
	}
	dir := make([]float32, len(x))
	norm := math.Sqrt(sumSquares(g))
	if norm > 0 && !math.IsInf(norm, 0) && !math.IsNaN(norm) {
		for i := range dir {
			dir[i] = float32(float64(g[i]) / norm)
		}
		try(dir)
	}
	for i := range dir {
		dir[i] = float32(2*c.rng.IntN(2)-1) / float32(math.Sqrt(float64(len(dir))))
	}
	try(dir)

	order := make([]int, len(g))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(math.Abs(float64(g[j])), math.Abs(float64(g[i])))
	})
	const largest, others = 3, 2
	picks := slices.Clone(order[:min(largest, len(order))])
	for range others {
		if i := c.rng.IntN(len(x)); !slices.Contains(picks, i) {
			picks = append(picks, i)
		}
	}
	for _, i := range picks {
		clear(dir)
		dir[i] = 1
		try(dir)
	}
	return r
}

// along compares (L(x+h·dir) − L(x−h·dir)) / 2h with g·dir for several h. It
// returns the smallest relative error of those h at which the derivative
// stands out of rounding, and whether that says anything: where the longest
// alone does and disagrees, a fault cannot be told from curvature.
func (c *checker) along(x, g, dir []float32) (relErr float64, seen bool) {
	// A step is measured by how large the numbers it moves are.
	scale, weight := 0.0, 0.0
	for i := range dir {
		d := math.Abs(float64(dir[i]))
		scale += d * math.Abs(float64(x[i]))
		weight += d * d
	}
	scale = max(scale/max(weight, 1e-30), 0.05)
	// A derivative that happens to be small beside the others of its tensor is
	// held to a tenth of what they usually are.
	least := 0.1 * math.Sqrt(sumSquares(g)/float64(len(g))*weight)

	old := append(c.old[:0], x...)
	c.old = old
	defer copy(x, old)
	// shift moves x and returns the loss and what the gradient expects of the
	// step as it came out after rounding.
	shift := func(h float64) (loss, expected float64) {
		for i := range x {
			x[i] = old[i] + float32(h*float64(dir[i]))
			expected += float64(g[i]) * (float64(x[i]) - float64(old[i]))
		}
		return c.loss(), expected
	}
	relErr = math.Inf(1)
	var lastH, lastOff float64
	lengths := 0 // that stand out of rounding
	for _, step := range []float64{1e-2, 3e-3, 3e-2, 1e-3, 3e-4, 1e-4, 3e-5} {
		h := step * scale
		up, expectUp := shift(h)
		down, expectDown := shift(-h)
		got, want := (up-down)/(2*h), (expectUp-expectDown)/(2*h)
		if math.IsNaN(got+want) || math.IsInf(got+want, 0) {
			return math.Inf(1), true
		}
		round := 4 * c.noise / h
		most := max(math.Abs(got), math.Abs(want))
		if most < 20*round {
			continue
		}
		lengths++
		off := got - want
		relErr = min(relErr, math.Abs(off)/max(most, least))
		if lastH > 0 {
			// What curvature adds grows with h²: two lengths tell it apart.
			k := (lastH / h) * (lastH / h)
			relErr = min(relErr, math.Abs((k*off-lastOff)/(k-1))/max(most, least))
		}
		lastH, lastOff = h, off
		if relErr < CheckTolerance/10 {
			break
		}
	}
	if lengths == 0 || lengths == 1 && relErr > CheckTolerance {
		return 0, false
	}
	return relErr, true
}

func sumSquares(x []float32) float64 {
	s := 0.0
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return s
}

// CheckFailure is the first result that does not agree, as an error, or nil.
func CheckFailure(results []CheckResult) error {
	for _, r := range results {
		if !r.OK() {
			return fmt.Errorf("%s: its gradient is off by %.2g of its size, wants at most %.2g: this is a fault of the engine, please report the network", r.Name, r.MaxRelErr, CheckTolerance)
		}
	}
	return nil
}
