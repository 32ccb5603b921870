// Package gradcheck holds a layer to its contract: its gradients are those
// that differences give, and its Plan says the truth about what it reads, where
// it may lie, and how its gradients are added. Only tests import it.
package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"layercake/compute"
	"layercake/layers"
)

// Check is how closely to look. The zero Check is right for most layers.
type Check struct {
	// Step is the distance to either side that an element moves: 1/128 if zero.
	Step float64
	// Tolerance is the largest ‖difference‖/‖gradient‖ between both ways to
	// work out the gradient of one tensor: 2e-3 if zero.
	Tolerance float64
	// Lens gives lengths to the samples of each input in turn; nil: all are full.
	Lens [][]int
}

// Layer checks l on inputs of these shapes, for batches of one and of three.
func Layer(t *testing.T, l layers.Layer, in []compute.Shape) {
	t.Helper()
	for _, err := range (Check{}).Errors(l, in) {
		t.Error(err)
	}
}

// Errors is what is wrong with l on inputs of these shapes, nothing if it keeps
// every promise.
func (c Check) Errors(l layers.Layer, in []compute.Shape) []error {
	if c.Step == 0 {
		c.Step = 1. / 128
	}
	if c.Tolerance == 0 {
		c.Tolerance = 2e-3
	}
	plan, err := l.Plan(in)
	if err != nil {
		return []error{fmt.Errorf("plan: %w", err)}
	}
	var all []error
	for _, n := range []int{1, 3} {
		b := &bench{Check: c, layer: l, plan: plan, shapes: in, n: n, rand: layers.Stream(7, fmt.Sprint(in, n))}
		b.run()
		for _, e := range b.errs {
			all = append(all, fmt.Errorf("batch of %d: %w", n, e))
		}
	}
	return all
}

// bench is one layer under test with the numbers that all its runs share.
type bench struct {
	Check
	layer  layers.Layer
	plan   layers.Plan
	shapes []compute.Shape
	n      int
	rand   *rand.Rand

	in, params, state [][]float32
	carry             []float32
	dout              []float32
	errs              []error
}

func (b *bench) fail(format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf(format, args...))
}

func (b *bench) run() {
	for _, s := range b.shapes {
		if b.plan.Tokens {
			b.in = append(b.in, b.tokens(b.n*s.Size()))
		} else {
			b.in = append(b.in, b.apart(b.n*s.Size()))
		}
	}
	// Parameters that start at one or zero are moved off, lest a factor or a
	// term that is missing goes unseen.
	for _, p := range b.plan.Params {
		w := make([]float32, p.Shape.Size())
		p.Init.Fill(w, b.rand)
		for i := range w {
			w[i] += float32(b.rand.Float64()-0.5) * 0.4
		}
		b.params = append(b.params, w)
	}
	for _, p := range b.plan.State {
		w := make([]float32, p.Shape.Size())
		p.Init.Fill(w, b.rand)
		b.state = append(b.state, w)
	}
	b.dout = make([]float32, b.n*b.plan.Out.Size())
	for i := range b.dout {
		b.dout[i] = float32(2*b.rand.Float64() - 1)
	}

	if b.plan.Carry.Always {
		b.carry = make([]float32, b.n*b.plan.Carry.At(0))
		for i := range b.carry {
			b.carry[i] = float32(b.rand.Float64() - 0.5)
		}
	}

	base := b.fresh(nil)
	b.layer.Forward(base)
	out := clone(base.Out.Data)
	if i := firstBad(out); i >= 0 {
		b.fail("forward left element %d of the output unwritten or not finite", i)
		return
	}
	for i, s := range base.State {
		if firstBad(s) >= 0 {
			b.fail("forward makes %s something that is not finite", b.plan.State[i].Name)
		}
	}
	if b.plan.View && !same(out, b.in[0]) {
		b.fail("a view's output differs from its input")
	}
	b.backward(base)
	if b.broken(base) {
		return
	}
	b.differences(base)
	b.passesGrad(base)
	b.accumulates(base)
	b.leavesOut(base)
	b.aliases(base, out)
	b.threads(base, out)
	b.answers()
	b.stepByStep()
	b.allocates()
}

// apart is n numbers of both signs, no two closer than the step and none within
// it of zero, so that neither relu nor a maximum has a kink on the way.
func (b *bench) apart(n int) []float32 {
	gap := 2 * b.Step
	if room := 3.6 / float64(n); room > gap {
		gap = room
	}
	x := make([]float32, n)
	for i, k := range b.rand.Perm(n) {
		v := 0.2 + gap*(float64(k/2)+0.25+0.5*b.rand.Float64())
		if k%2 == 1 {
			v = -v
		}
		x[i] = float32(v)
	}
	return x
}

// tokens is n ids of rows of the first parameter.
func (b *bench) tokens(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(b.rand.IntN(b.plan.Params[0].Shape[0]))
	}
	return x
}

// fresh is a pass over copies of the shared numbers; what a layer has to
// write holds NaN.
func (b *bench) fresh(pool *compute.Pool) *layers.Pass {
	p := &layers.Pass{N: b.n, Train: true, Pool: pool, Seed: 12345}
	for i, s := range b.shapes {
		p.In = append(p.In, compute.Tensor{Shape: s, Data: clone(b.in[i])})
		d := compute.Tensor{Shape: s}
		if !b.plan.Tokens {
			d.Data = nans(len(b.in[i]))
		}
		p.DIn = append(p.DIn, d)
	}
	for i := range b.Lens {
		p.In[i].Lens = b.lengths(i)
	}
	p.Carry = clone(b.carry)
	p.Out = compute.Tensor{Shape: b.plan.Out, Data: nans(len(b.dout))}
	p.DOut = compute.Tensor{Shape: b.plan.Out, Data: clone(b.dout)}
	p.Add = make([]bool, len(b.shapes))
	for _, w := range b.params {
		p.Params = append(p.Params, clone(w))
		p.Grads = append(p.Grads, make([]float32, len(w)))
	}
	for _, w := range b.state {
		p.State = append(p.State, clone(w))
	}
	for _, r := range b.plan.Saved {
		p.Saved = append(p.Saved, nans(r.At(b.n)))
	}
	p.Marks = make([]byte, b.plan.Marks.At(b.n))
	for i := range p.Marks {
		p.Marks[i] = 0xaa
	}
	p.Scratch = nans(b.plan.Scratch.At(b.n))
	return p
}

// lengths are those of the samples of input i; nil: all are full.
func (b *bench) lengths(i int) []int32 {
	if len(b.Lens[i]) == 0 {
		return nil
	}
	var lens []int32
	for k := range b.n {
		lens = append(lens, int32(b.Lens[i][k%len(b.Lens[i])]))
	}
	return lens
}

// backward spoils what Plan says is not read, then runs the layer.
func (b *bench) backward(p *layers.Pass) {
	shared := p.In[0].Data != nil && p.Out.Data != nil && &p.In[0].Data[0] == &p.Out.Data[0]
	if b.plan.Reads&layers.ReadsIn == 0 {
		for i, x := range p.In {
			if i == 0 && shared && b.plan.Reads&layers.ReadsOut != 0 {
				continue
			}
			spoil(x.Data)
		}
	}
	if b.plan.Reads&layers.ReadsOut == 0 && !(shared && b.plan.Reads&layers.ReadsIn != 0) {
		spoil(p.Out.Data)
	}
	spoil(p.Scratch)
	b.layer.Backward(p)
}

// broken reports gradients that were not written or are not finite.
func (b *bench) broken(p *layers.Pass) bool {
	before := len(b.errs)
	for i, d := range p.DIn {
		if j := firstBad(d.Data); j >= 0 {
			b.fail("gradient of input %d: element %d is unwritten or not finite (is Reads right?)", i, j)
		}
	}
	for i, g := range p.Grads {
		if j := firstBad(g); j >= 0 {
			b.fail("gradient of %s: element %d is not finite (is Reads right?)", b.plan.Params[i].Name, j)
		}
	}
	return len(b.errs) > before
}

// differences compares every gradient with ΔL/Δx for L = Σ dout·out, summed in
// float64.
func (b *bench) differences(base *layers.Pass) {
	for i := range b.in {
		if base.DIn[i].Data != nil {
			b.compare(fmt.Sprintf("input %d", i), base.DIn[i].Data, func(p *layers.Pass) []float32 { return p.In[i].Data })
		}
	}
	for i := range b.params {
		b.compare(b.plan.Params[i].Name, base.Grads[i], func(p *layers.Pass) []float32 { return p.Params[i] })
	}
}

func (b *bench) compare(what string, got []float32, of func(*layers.Pass) []float32) {
	p := b.fresh(nil)
	x := of(p)
	high := make([]float32, len(b.dout))
	var diff2, want2, worst, largest float64
	at := 0
	for j := range x {
		was := x[j]
		up, down := was+float32(b.Step), was-float32(b.Step)
		x[j] = up
		copy(p.Carry, b.carry)
		b.layer.Forward(p)
		copy(high, p.Out.Data)
		x[j] = down
		copy(p.Carry, b.carry)
		b.layer.Forward(p)
		x[j] = was
		var sum float64
		for k, r := range b.dout {
			sum += float64(r) * (float64(high[k]) - float64(p.Out.Data[k]))
		}
		want := sum / (float64(up) - float64(down))
		d := math.Abs(want - float64(got[j]))
		diff2 += d * d
		want2 += want * want
		largest = max(largest, math.Abs(want))
		if d > worst {
			worst, at = d, j
		}
	}
	// The rounding of float32 outputs, divided by the step, stays below this
	// where the true gradient is zero.
	floor := 2e-4 * math.Sqrt(float64(len(x)))
	if d, w := math.Sqrt(diff2), math.Sqrt(want2); !(d <= b.Tolerance*w+floor) {
		b.fail("gradient of %s: off by %.3g of %.3g in norm, most at element %d", what, d, w, at)
	} else if !(worst <= 4*b.Tolerance*largest+floor) {
		b.fail("gradient of %s: element %d off by %.3g where the largest is %.3g", what, at, worst, largest)
	}
}

// passesGrad holds a layer to PassesGrad: every DIn is DOut.
func (b *bench) passesGrad(base *layers.Pass) {
	if !b.plan.PassesGrad {
		return
	}
	for i, d := range base.DIn {
		if !same(d.Data, b.dout) {
			b.fail("the plan says PassesGrad, yet the gradient of input %d differs from the output's", i)
		}
	}
}

// accumulates checks that parameter gradients are added, and those of inputs
// with Add.
func (b *bench) accumulates(base *layers.Pass) {
	p := b.fresh(nil)
	const was = 3
	for _, g := range p.Grads {
		fill(g, was)
	}
	if b.plan.AddsGrad {
		for i := range p.DIn {
			fill(p.DIn[i].Data, was)
			p.Add[i] = true
		}
	}
	b.layer.Forward(p)
	b.backward(p)
	for i, g := range p.Grads {
		if !added(g, base.Grads[i], was) {
			b.fail("gradient of %s is not added to what was there", b.plan.Params[i].Name)
		}
	}
	if b.plan.WritesGrads {
		b.writes(base)
	}
	if b.plan.AddsGrad {
		for i, d := range p.DIn {
			if !added(d.Data, base.DIn[i].Data, was) {
				b.fail("the plan says AddsGrad, yet the gradient of input %d is not added to what was there", i)
			}
		}
	}
}

// writes holds a layer to WritesGrads: with Fresh it does not matter what
// parameter gradients held.
func (b *bench) writes(base *layers.Pass) {
	p := b.fresh(nil)
	p.Fresh = true
	for _, g := range p.Grads {
		spoil(g)
	}
	b.layer.Forward(p)
	b.backward(p)
	for i, g := range p.Grads {
		if !same(g, base.Grads[i]) {
			b.fail("the plan says WritesGrads, yet the gradient of %s depends on what was there", b.plan.Params[i].Name)
		}
	}
}

// leavesOut checks that gradients nobody wants are left out and change no
// others.
func (b *bench) leavesOut(base *layers.Pass) {
	p := b.fresh(nil)
	for i := range p.DIn {
		p.DIn[i].Data = nil
	}
	b.layer.Forward(p)
	b.backward(p)
	for i, g := range p.Grads {
		if !same(g, base.Grads[i]) {
			b.fail("gradient of %s changes when no input gradient is wanted", b.plan.Params[i].Name)
		}
	}
	p = b.fresh(nil)
	for i := range p.Grads {
		p.Grads[i] = nil
	}
	b.layer.Forward(p)
	b.backward(p)
	for i, d := range p.DIn {
		if !same(d.Data, base.DIn[i].Data) {
			b.fail("gradient of input %d changes when the parameters are frozen", i)
		}
	}
}

// aliases lays Out on In[0] and DIn[0] on DOut where Plan allows it.
func (b *bench) aliases(base *layers.Pass, out []float32) {
	if !b.plan.InPlace && !b.plan.GradInPlace {
		return
	}
	p := b.fresh(nil)
	if b.plan.InPlace {
		p.Out.Data = p.In[0].Data
	}
	b.layer.Forward(p)
	if !same(p.Out.Data, out) {
		b.fail("the plan says InPlace, yet the output differs when it lies on the input")
		return
	}
	if b.plan.PassesGrad {
		return
	}
	p.DIn[0].Data = p.DOut.Data
	b.backward(p)
	for i, d := range p.DIn {
		if !same(d.Data, base.DIn[i].Data) {
			b.fail("the gradient of input %d differs when it lies on the output's", i)
		}
	}
	for i, g := range p.Grads {
		if !same(g, base.Grads[i]) {
			b.fail("the gradient of %s differs when the input's lies on the output's", b.plan.Params[i].Name)
		}
	}
}

// threads runs on three threads and wants the same bits.
func (b *bench) threads(base *layers.Pass, out []float32) {
	pool := compute.NewPool(3)
	defer pool.Close()
	p := b.fresh(pool)
	b.layer.Forward(p)
	if !same(p.Out.Data, out) {
		b.fail("the output depends on the number of threads")
	}
	b.backward(p)
	for i, d := range p.DIn {
		if !same(d.Data, base.DIn[i].Data) {
			b.fail("the gradient of input %d depends on the number of threads", i)
		}
	}
	for i, g := range p.Grads {
		if !same(g, base.Grads[i]) {
			b.fail("the gradient of %s depends on the number of threads", b.plan.Params[i].Name)
		}
	}
}

// answers runs forward outside training, without what only training needs.
func (b *bench) answers() {
	p := b.fresh(nil)
	p.Train = false
	p.Marks, p.DIn, p.Grads = nil, nil, nil
	for i := range p.Saved {
		p.Saved[i] = nil
	}
	b.layer.Forward(p)
	if i := firstBad(p.Out.Data); i >= 0 {
		b.fail("outside training forward left element %d of the output unwritten or not finite", i)
	}
	for i, s := range p.State {
		if !same(s, b.state[i]) {
			b.fail("outside training forward changes %s", b.plan.State[i].Name)
		}
	}
}

// stepByStep runs a layer over sequences one step at a time, with Carry, and
// wants what it makes of them in one go.
func (b *bench) stepByStep() {
	if b.plan.AcrossTime || b.plan.Tokens || len(b.plan.Out) != 2 || b.Lens != nil {
		return
	}
	length := b.plan.Out[0]
	var short []compute.Shape
	for i, s := range b.shapes {
		if slices.Contains(b.plan.Whole, i) {
			short = append(short, s)
			continue
		}
		if len(s) != 2 || s[0] != length {
			return
		}
		short = append(short, compute.Shape{1, s[1]})
	}
	plan, err := b.layer.Plan(short)
	if err != nil {
		b.fail("step by step: sequences of length 1 are refused: %v", err)
		return
	}
	for i, w := range plan.Params {
		if !w.Shape.Equal(b.plan.Params[i].Shape) {
			b.fail("step by step: the shape of %s depends on the length", w.Name)
			return
		}
	}
	whole := b.fresh(nil)
	whole.Train = false
	b.layer.Forward(whole)

	p := b.fresh(nil)
	p.Train = false
	p.Context = length
	p.Carry = make([]float32, b.n*plan.Carry.At(length))
	if b.carry != nil {
		size := b.plan.Carry.PerSample
		for k := range b.n {
			copy(p.Carry[k*plan.Carry.At(length):], b.carry[k*size:(k+1)*size])
		}
	}
	p.Scratch = nans(plan.Scratch.At(b.n))
	for i := range p.Saved {
		p.Saved[i] = nil
	}
	p.Marks = nil
	f := b.plan.Out[1]
	p.Out = compute.Tensor{Shape: plan.Out, Data: nans(b.n * f)}
	for i, s := range short {
		if !slices.Contains(b.plan.Whole, i) {
			p.In[i] = compute.Tensor{Shape: s, Data: nans(b.n * s[1])}
		}
	}
	for t := range length {
		p.Start = t
		for i, s := range short {
			if slices.Contains(b.plan.Whole, i) {
				continue
			}
			for k := range b.n {
				copy(p.In[i].Data[k*s[1]:(k+1)*s[1]], b.in[i][(k*length+t)*s[1]:])
			}
		}
		b.layer.Forward(p)
		for k := range b.n {
			for j := range f {
				got, want := float64(p.Out.Data[k*f+j]), float64(whole.Out.Data[(k*length+t)*f+j])
				if !(math.Abs(got-want) <= 1e-5*(1+math.Abs(want))) {
					b.fail("step by step: step %d of sample %d is %v, and %v in one go", t, k, got, want)
					return
				}
			}
		}
	}
}

// allocates wants no garbage once the pool has seen the layer.
func (b *bench) allocates() {
	pool := compute.NewPool(1)
	defer pool.Close()
	p := b.fresh(pool)
	if got := testing.AllocsPerRun(5, func() {
		b.layer.Forward(p)
		b.layer.Backward(p)
	}); got > 0 {
		b.fail("a forward and a backward pass make %v allocations, want none", got)
	}
}

func clone(x []float32) []float32 { return append([]float32(nil), x...) }

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

func spoil(x []float32) { fill(x, float32(math.NaN())) }

func nans(n int) []float32 {
	x := make([]float32, n)
	spoil(x)
	return x
}

func firstBad(x []float32) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}

// same compares bits, but for the sign of zero.
func same(x, y []float32) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}

// added says whether x is y + was, but for rounding.
func added(x, y []float32, was float32) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if want := float64(y[i]) + float64(was); !(math.Abs(float64(x[i])-want) <= 1e-5*(math.Abs(want)+math.Abs(float64(was)))) {
			return false
		}
	}
	return true
}
