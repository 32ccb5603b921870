package model

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"layercake/compute"
	"layercake/internal/allocs"
	"layercake/layers"
)

// bits is everything that one training step leaves behind.
type bits struct{ out, grads, inputs []float32 }

// stepBits compiles g and runs two steps on fixed numbers; each starts on an arena and
// on gradients full of NaN, wherever no input lies and some gradient comes to lie.
func stepBits(t *testing.T, g *Graph, o Options, n int) bits {
	t.Helper()
	o.Train, o.InputGrads = true, true
	p, err := Compile(g, o)
	if err != nil {
		t.Fatal(err)
	}
	nan := float32(math.NaN())
	var b bits
	for step := range 2 {
		for i := range p.arena {
			p.arena[i] = nan
		}
		for i := range p.marks {
			p.marks[i] = 77
		}
		r := rand.New(rand.NewPCG(1, uint64(step)))
		for _, in := range p.Inputs() {
			for i := range in.Data {
				in.Data[i] = float32(r.NormFloat64())
			}
		}
		for k := range p.grads {
			if s := p.grads[k].step; p.grads[k].kind == opLayer {
				for _, g := range p.steps[s].bwd.Grads {
					for i := range g {
						g[i] = nan
					}
				}
			}
		}
		p.ClearGrads()
		p.SetStep(uint64(step))
		p.Forward(n, true)
		b.out = append(b.out, p.Output().Data...)
		dy := p.OutputGrad().Data
		for i := range dy {
			dy[i] = float32(r.NormFloat64())
		}
		p.Backward()
		for _, q := range p.Params() {
			b.grads = append(b.grads, q.Grad...)
		}
		for k := range p.Inputs() {
			b.inputs = append(b.inputs, p.InputGrad(k).Data...)
		}
	}
	return b
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s[%d] = %v, want %v", what, i, got[i], want[i])
		}
	}
}

func finite(x []float32) bool {
	return !slices.ContainsFunc(x, func(v float32) bool { return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) })
}

// Memory used again, work in place and gradients handed down change no bit of
// what every value and gradient apart gives.
func TestReuseChangesNothing(t *testing.T) {
	pool := compute.NewPool(2)
	defer pool.Close()
	reused := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 7))
		g := randomNet(r, 1+r.IntN(24))
		batch := 1 + r.IntN(9)
		n := 1 + r.IntN(batch)
		o := Options{Batch: batch, Seed: seed, Pool: pool}
		got := stepBits(t, g, o, n)
		o.plain = true
		want := stepBits(t, g, o, n)
		if !finite(want.out) || !finite(want.grads) || !finite(want.inputs) {
			t.Fatalf("seed %d: the plain program reads what nobody wrote\n%s", seed, wiring(g))
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Log(wiring(g))
				}
			}()
			sameBits(t, "output", got.out, want.out)
			sameBits(t, "gradient", got.grads, want.grads)
			sameBits(t, "input gradient", got.inputs, want.inputs)
		})
		a := planProgram(g, planOptions{batch: batch, train: true})
		b := planProgram(g, planOptions{batch: batch, train: true, apart: true})
		if a.arena < b.arena {
			reused++
		}
	}
	if reused < 200 {
		t.Errorf("only %d of 400 plans are smaller than plain ones", reused)
	}
}

// A Backward that is not the first after ClearGrads adds, for layers that write
// gradients and those that do not, tied ones too.
func TestGradientsAddUp(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 11))
		g := randomNet(r, 2+r.IntN(20))
		p, err := Compile(g, Options{Batch: 3, Train: true, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		backward := func(scale float32) {
			for _, in := range p.Inputs() {
				for i := range in.Data {
					in.Data[i] = float32(i%7) - 3
				}
			}
			p.Forward(3, true)
			for i := range p.OutputGrad().Data {
				p.OutputGrad().Data[i] = scale * float32(i%5-2)
			}
			p.Backward()
		}
		backward(1)
		once := slices.Clone(p.GradArena())
		backward(1)
		for i, v := range p.GradArena() {
			if want := 2 * float64(once[i]); math.Abs(float64(v)-want) > 1e-4*(1+math.Abs(want)) {
				t.Fatalf("seed %d: gradient %d is %v after two passes, %v after one\n%s", seed, i, v, once[i], wiring(g))
			}
		}
		p.ClearGrads()
		backward(1)
		sameBits(t, fmt.Sprintf("seed %d: gradient after ClearGrads", seed), p.GradArena(), once)
	}
}

// Inputs that are lent, elsewhere at every step, change no bit and are left as they are.
func TestLentInputs(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 13))
		g := randomNet(r, 1+r.IntN(20))
		o := Options{Batch: 4, Train: true, Seed: seed}
		p, err := Compile(g, o)
		if err != nil {
			t.Fatal(err)
		}
		o.LendInputs = true
		q, err := Compile(g, o)
		if err != nil {
			t.Fatal(err)
		}
		if p.Bytes() < q.Bytes() {
			t.Errorf("seed %d: %d bytes with inputs lent, %d without", seed, q.Bytes(), p.Bytes())
		}
		for _, n := range []int{4, 4, 2, 4} {
			var lent [][]float32
			for k, in := range p.Inputs() {
				x := make([]float32, n*in.Shape.Size())
				for i := range x {
					x[i] = float32(r.NormFloat64())
				}
				copy(in.Data, x)
				q.LendInput(k, x)
				lent = append(lent, x)
			}
			for _, b := range []*Program{p, q} {
				b.Forward(n, true)
				for i := range b.OutputGrad().Data {
					b.OutputGrad().Data[i] = float32(i%5 - 2)
				}
				b.Backward()
			}
			sameBits(t, fmt.Sprintf("seed %d: gradients", seed), q.GradArena(), p.GradArena())
			for k, x := range lent {
				if in := p.Input(k); in.Data != nil {
					sameBits(t, "what was lent", x, in.Data[:len(x)])
				}
			}
		}
	}
}

func wiring(g *Graph) string {
	var b strings.Builder
	for i, n := range g.Nodes {
		fmt.Fprintf(&b, "%d %s %v share %d\n", i, n.Name, n.In, n.Share)
	}
	fmt.Fprintf(&b, "output %d", g.Output)
	return b.String()
}

// Inference gives the bits of Forward without training on the training
// program, in less memory.
func TestInferenceAgrees(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 9))
		g := randomNet(r, 2+r.IntN(20))
		pool := compute.NewPool(1)
		p, err := Compile(g, Options{Batch: 4, Train: true, Seed: seed, Pool: pool})
		if err != nil {
			t.Fatal(err)
		}
		q, err := p.Inference(6, pool)
		if err != nil {
			t.Fatal(err)
		}
		for k := range p.Inputs() {
			in := p.Input(k).Data
			for i := range in {
				in[i] = float32(r.NormFloat64())
			}
			copy(q.Input(k).Data, in)
		}
		if len(p.ParamArena()) > 0 {
			p.ParamArena()[0] += 1 // shared: both see it
		}
		p.Forward(4, false)
		want := slices.Clone(p.Output().Data)
		q.Forward(4, false)
		sameBits(t, fmt.Sprintf("seed %d", seed), q.Output().Data, want)
		pool.Close()
	}
}

// The same bits on any number of threads. The sizes are above what kernels
// leave to one thread.
func TestThreadsAgree(t *testing.T) {
	net := newToyNet(1, 64)
	a := net.add("mat", 96, 0)
	b := net.add("tanh", 0, a)
	c := net.add("mat", 96, b)
	net.add("sum", 0, c, b)
	var want bits
	for i, threads := range []int{1, 2, 3, 7} {
		pool := compute.NewPool(threads)
		got := stepBits(t, net.g, Options{Batch: 400, Seed: 3, Pool: pool}, 400)
		pool.Close()
		if i == 0 {
			want = got
			continue
		}
		sameBits(t, fmt.Sprintf("output, %d threads", threads), got.out, want.out)
		sameBits(t, fmt.Sprintf("gradient, %d threads", threads), got.grads, want.grads)
		sameBits(t, fmt.Sprintf("input gradient, %d threads", threads), got.inputs, want.inputs)
	}
}

// shapesOfWiring are the ways of wiring that gradients can go wrong in.
func shapesOfWiring() map[string]*Graph {
	nets := map[string]*Graph{}

	n := newToyNet(1, 6)
	a := n.add("mat", 6, 0)
	b := n.add("tanh", 0, n.add("mat", 6, a))
	n.add("tanh", 0, n.add("sum", 0, b, a))
	nets["residual"] = n.g

	n = newToyNet(1, 6)
	a = n.add("mat", 6, 0)
	n.add("sum", 0, n.add("tanh", 0, a), n.add("square", 0, a), n.add("half", 0, a), a)
	nets["branches"] = n.g

	n = newToyNet(1, 6)
	a = n.add("tanh", 0, n.add("mat", 6, 0))
	n.add("product", 0, n.add("mat", 6, a), n.add("product+", 0, a, n.add("mat", 6, a)))
	nets["shared output"] = n.g

	n = newToyNet(1, 6)
	a = n.add("mat", 6, 0)
	b = n.add("mat", 6, n.add("tanh", 0, a))
	n.g.Nodes[b].Share = a
	nets["tied weights"] = n.g

	n = newToyNet(1, 6)
	n.add("mat", 4, n.add("drop", 0, n.add("mat", 6, 0)))
	nets["dropout"] = n.g

	n = newToyNet(1, 6)
	a = n.add("mat", 6, 0)
	n.add("sum", 0, a, a)
	b = n.g.Output
	n.add("product+", 0, b, b)
	nets["read twice"] = n.g

	n = newToyNet(2, 6)
	a = n.add("exp", 0, n.add("center", 0, n.add("mat", 6, 0)))
	n.add("mat", 3, n.add("view", 0, n.add("sum", 0, a, 1, n.add("view", 0, 1))))
	nets["two inputs and views"] = n.g
	return nets
}

func TestGradientsOfWholeNetworks(t *testing.T) {
	for name, g := range shapesOfWiring() {
		t.Run(name, func(t *testing.T) {
			results, err := Check(t.Context(), g, 1, 3, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(results) < 3 {
				t.Fatalf("%d tensors checked, want the input's and the parameters'", len(results))
			}
			for _, r := range results {
				if !r.OK() || r.Seen == 0 {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

// wrong is a layer whose gradient is 3 % off.
type wrong struct{ toy }

func (w *wrong) Backward(p *layers.Pass) {
	w.toy.Backward(p)
	for i := range p.Grads[0] {
		p.Grads[0][i] *= 1.03
	}
}

func TestCheckSeesAWrongGradient(t *testing.T) {
	n := newToyNet(1, 6)
	n.add("mat", 4, n.add("tanh", 0, n.layer("mat", &wrong{toy{"mat", 6}}, 0)))
	results, err := Check(t.Context(), n.g, 1, 3, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if off := r.Name == "mat1.weight" || r.Name == WholeNetwork; r.OK() == off {
			t.Errorf("%+v, want off: %v", r, off)
		}
	}
	if err := CheckFailure(results); err == nil || !strings.Contains(err.Error(), "mat1.weight") {
		t.Errorf("CheckFailure: %v", err)
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	pool := compute.NewPool(2)
	defer pool.Close()
	for name, g := range shapesOfWiring() {
		p, err := Compile(g, Options{Batch: 8, Train: true, Pool: pool, InputGrads: true})
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		count := func(int, compute.Tensor) { seen++ }
		step := func() {
			for _, n := range []int{8, 3} {
				p.Observe(count)
				p.Forward(n, true)
				p.Backward()
				p.Observe(nil)
				p.Forward(n, true)
				p.Backward()
				p.Forward(n, false)
			}
		}
		step()
		if a := allocs.Steady(10, step); a != 0 {
			t.Errorf("%s: %v allocations a step", name, a)
		}
		if want := len(g.Nodes) * 2 * 12; seen != want {
			t.Errorf("%s: %d outputs observed, want %d", name, seen, want)
		}
	}
}

// What Observe shows is each node's output, though a later one may lie on it.
func TestObserveSeesEveryOutput(t *testing.T) {
	net := newToyNet(1, 5)
	a := net.add("mat", 5, 0)
	b := net.add("half", 0, a)
	net.add("half", 0, b)
	look := func(plain bool) [][]float32 {
		p, err := Compile(net.g, Options{Batch: 2, Train: true, plain: plain})
		if err != nil {
			t.Fatal(err)
		}
		for i := range p.Input(0).Data {
			p.Input(0).Data[i] = float32(i)
		}
		seen := make([][]float32, len(net.g.Nodes))
		p.Observe(func(node int, out compute.Tensor) { seen[node] = slices.Clone(out.Data) })
		p.Forward(2, true)
		return seen
	}
	got, want := look(false), look(true)
	for i := range want {
		sameBits(t, net.g.Nodes[i].Name, got[i], want[i])
	}
	for i, v := range got[b] {
		if v != got[a][i]/2 {
			t.Fatalf("half of %v is %v", got[a][i], v)
		}
	}
	plan := planProgram(net.g, planOptions{batch: 2, train: true})
	if plan.nodes[a].out != plan.nodes[b].out || plan.nodes[a].out != plan.nodes[net.g.Output].out {
		t.Error("half does not work in place")
	}
}

func TestFrozenAndUnused(t *testing.T) {
	net := newToyNet(1, 5)
	a := net.add("mat", 5, 0)
	b := net.add("mat", 5, a)
	net.add("mat", 5, a) // read by nobody
	net.g.Output = b
	frozen := make([]bool, len(net.g.Nodes))
	frozen[a] = true
	p, err := Compile(net.g, Options{Batch: 2, Train: true, Frozen: frozen})
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Input(0).Data {
		p.Input(0).Data[i] = 1
	}
	p.Forward(2, true)
	for i := range p.OutputGrad().Data {
		p.OutputGrad().Data[i] = 1
	}
	p.Backward()
	if d := p.steps[p.at[b]].bwd.DIn[0].Data; d != nil {
		t.Error("a gradient is made that only a frozen layer would read")
	}
	for _, r := range p.Params() {
		some := r.Grad != nil && sumSquares(r.Grad) > 0
		if want := r.Node == b; some != want {
			t.Errorf("%s: gradient %v, want some: %v", r.Name, r.Grad, want)
		}
	}
}

func TestParamsLieInTheArenas(t *testing.T) {
	net := newToyNet(1, 5)
	a := net.add("mat", 7, 0)
	b := net.add("mat", 7, net.add("tanh", 0, a))
	c := net.add("mat", 7, b)
	net.g.Nodes[c].Share = b
	pool := compute.NewPool(2)
	defer pool.Close()
	p, err := Compile(net.g, Options{Batch: 1, Train: true, Seed: 5, Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range p.Params() {
		names = append(names, r.Name)
		at := slices.IndexFunc(p.ParamArena(), func(float32) bool { return false })
		for i := range p.ParamArena() {
			if &p.ParamArena()[i] == &r.Data[0] {
				at = i
			}
		}
		if at < 0 || at%line != 0 || &p.GradArena()[at] != &r.Grad[0] {
			t.Errorf("%s lies at %d of the arena", r.Name, at)
		}
		want := make([]float32, len(r.Data))
		r.Init.Fill(want, layers.Stream(5, r.Name))
		sameBits(t, r.Name, r.Data, want)
	}
	if got, want := strings.Join(names, " "), "mat1.weight mat1.bias mat3.weight mat3.bias"; got != want {
		t.Errorf("parameters %s, want %s", got, want)
	}
	if len(p.ParamArena()) != len(p.GradArena()) {
		t.Error("arenas of different length")
	}
}

func TestLogitsLeaveASoftmaxOut(t *testing.T) {
	net := newToyNet(1, 5)
	a := net.add("mat", 4, 0)
	s := net.layer("softmax", &toy{"tanh", 0}, a)
	net.g.Nodes[s].Kind = &layers.Kind{Name: "softmax"}
	for _, logits := range []bool{false, true} {
		p, err := Compile(net.g, Options{Batch: 2, Train: true, Logits: logits})
		if err != nil {
			t.Fatal(err)
		}
		want := s
		if logits {
			want = a
		}
		if p.plan.output != want {
			t.Errorf("logits %v: output is node %d, want %d", logits, p.plan.output, want)
		}
	}
}

func TestSeedsOfDropout(t *testing.T) {
	net := newToyNet(1, 64)
	net.add("drop", 0, net.add("mat", 64, 0))
	p, err := Compile(net.g, Options{Batch: 4, Train: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Input(0).Data {
		p.Input(0).Data[i] = 1
	}
	run := func(step uint64) []float32 {
		p.SetStep(step)
		p.Forward(4, true)
		return slices.Clone(p.Output().Data)
	}
	a, b, again := run(1), run(2), run(1)
	if slices.Equal(a, b) {
		t.Error("two steps drop the same units")
	}
	sameBits(t, "the same step", again, a)
}

func TestTimesAreOfTheNodesThatRun(t *testing.T) {
	net := newToyNet(1, 32)
	a := net.add("mat", 32, 0)
	v := net.add("view", 0, a)
	p, err := Compile(net.g, Options{Batch: 64, Train: true})
	if err != nil {
		t.Fatal(err)
	}
	run := func() {
		p.Forward(64, true)
		p.Backward()
	}
	run()
	if f, b := p.NodeTimes(); slices.Max(f) != 0 || slices.Max(b) != 0 {
		t.Errorf("times %v %v while off", f, b)
	}
	p.Timing(true)
	for range 50 {
		run()
	}
	f, b := p.NodeTimes()
	if f[a] <= 0 || b[a] <= 0 || f[v] != 0 || b[v] != 0 || f[0] != 0 {
		t.Errorf("times %v %v", f, b)
	}
	before := slices.Clone(f)
	p.Timing(false)
	run()
	if f, _ := p.NodeTimes(); !slices.Equal(f, before) {
		t.Error("times go on while off")
	}
	p.Timing(true)
	if f, _ := p.NodeTimes(); slices.Max(f) != time.Duration(0) {
		t.Error("times do not start at zero")
	}
}

func TestCompileRefuses(t *testing.T) {
	net := newToyNet(1, 5)
	net.add("mat", 4, 0)
	huge := newToyNet(1, 1<<20)
	huge.add("mat", 1<<20, 0) // 2⁴⁰ parameters
	bad := newToyNet(1, 5)
	bad.g.Err = &NodeError{Node: "conv1", Kind: "conv2d", Err: errors.New("no")}
	for _, c := range []struct {
		name string
		g    *Graph
		o    Options
		want string
	}{
		{"no batch", net.g, Options{}, "toys: batch is 0, wants at least 1"},
		{"empty", &Graph{Name: "none"}, Options{Batch: 1}, "none: a network without layers, wants at least one: add a layer"},
		{"broken", bad.g, Options{Batch: 1}, "conv1 (conv2d): no"},
		{"huge", huge.g, Options{Batch: 2, Train: true}, "toys: training at batch 2 needs 8.8 TB of memory (8.8 TB for parameters, "},
		{"huge batch", net.g, Options{Batch: 1 << 40}, "toys: running at batch 1099511627776 needs "},
	} {
		_, err := Compile(c.g, c.o)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s…", c.name, err, c.want)
		}
	}
	_, err := Compile(huge.g, Options{Batch: 2, Train: true})
	var m *MemoryError
	if !errors.As(err, &m) || m.Need <= m.Have {
		t.Errorf("%v is no MemoryError with its figures", err)
	}
}
