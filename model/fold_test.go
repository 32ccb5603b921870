package model

import (
	"math"
	"slices"
	"testing"

	"layercake/compute"
	"layercake/internal/allocs"
	"layercake/layers"
)

const residuals = `
name: residuals
input: [3, 8, 8]
layers:
  - conv2d: {filters: 6, kernel: 3, padding: same, bias: false, name: stem}
  - batchnorm
  - relu
  - residual:
      layers:
        - conv2d: {filters: 6, kernel: 3, padding: same}
        - batchnorm
        - relu
        - conv2d: {filters: 6, kernel: 1, bias: false}
        - batchnorm
  - relu
  - residual:
      shortcut: projection
      layers:
        - conv2d: {filters: 10, kernel: 3, stride: 2, padding: same, bias: false}
        - batchnorm: {affine: false}
        - relu
        - conv2d: {filters: 10, kernel: 3, padding: same, groups: 10}
        - batchnorm
  - relu
  - residual: # one convolution: it reads what is added to it
      layers:
        - conv2d: {filters: 10, kernel: 3, padding: same}
        - batchnorm
  - residual: # a norm alone
      layers:
        - batchnorm
  - relu
  - conv2d: {filters: 12, kernel: 1}
  - batchnorm
  - relu6
  - flatten
  - dense: {units: 9}
  - batchnorm
  - relu
  - dense: {units: 4, name: last}
`

// curves has all kinds of activations behind all kinds of folded products.
const curves = `
name: curves
input: [3, 19, 18]
layers:
  - conv2d: {filters: 16, kernel: 3, stride: 2, padding: same, bias: false}
  - batchnorm
  - hardswish
  - conv2d: {filters: 24, kernel: 3, padding: same}
  - batchnorm
  - silu
  - conv2d: {filters: 24, kernel: 5, padding: same, groups: 24}
  - batchnorm
  - gelu
  - conv2d: {filters: 36, kernel: 1}
  - batchnorm
  - elu
  - conv2d: {filters: 9, kernel: 3, padding: same, groups: 3}
  - batchnorm
  - softplus
  - conv2d: {filters: 9, kernel: 3, groups: 9}
  - batchnorm
  - leakyrelu
  - flatten
  - dense: {units: 9}
  - batchnorm
  - tanh
  - dense: {units: 4, name: last}
`

// sequences has convolutions over time where residuals has them over images.
const sequences = `
name: sequences
input: [9, 5]
layers:
  - conv1d: {filters: 6, kernel: 3, padding: causal, bias: false}
  - batchnorm
  - relu
  - residual:
      layers:
        - conv1d: {filters: 6, kernel: 2, padding: causal, dilation: 2}
        - batchnorm
        - relu
        - conv1d: {filters: 6, kernel: 3, groups: 6}
        - batchnorm
  - relu
  - pool1d: {kernel: 3, stride: 2, ceil: true}
  - branches:
      join: concat
      paths: [[{timepool: {take: max}}], [globalavgpool]]
  - dense: {units: 4}
`

func resolved(t *testing.T, text string) *Graph {
	t.Helper()
	s, err := Parse("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	g := Resolve(s)
	if g.Err != nil {
		t.Fatal(g.Err)
	}
	return g
}

// patterns counts the runs of p by pattern name; "" is a layer alone.
func patterns(p *Program) map[string]int {
	n := map[string]int{}
	for i := range p.runs {
		if q := p.runs[i].pattern; q != nil {
			n[q.name]++
		} else {
			n[""]++
		}
	}
	return n
}

// Norms, sums and relus that run as one, forward and backward, give the bits
// of a program that runs them one by one, and those of a frozen part too.
func TestResidualFusionChangesNothing(t *testing.T) {
	pool := compute.NewPool(3)
	defer pool.Close()
	g := resolved(t, residuals)
	frozen := make([]bool, len(g.Nodes))
	for i := range frozen {
		frozen[i] = i < 9
	}
	for _, n := range []int{1, 5, 8} {
		for _, f := range [][]bool{nil, frozen} {
			o := Options{Batch: 8, Seed: 3, Pool: pool, Frozen: f}
			got := stepBits(t, g, o, n)
			o.plain = true
			want := stepBits(t, g, o, n)
			sameBits(t, "output", got.out, want.out)
			sameBits(t, "gradient", got.grads, want.grads)
			sameBits(t, "input gradient", got.inputs, want.inputs)
		}
	}
	p, err := Compile(g, Options{Batch: 8, Train: true, Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	if n := patterns(p); n[forwardPatterns[1].name] != 4 || n[forwardPatterns[2].name] != 4 {
		t.Errorf("runs are %v, want 4 of norm and sum, 4 of something and relu", n)
	}
	taken, masked := 0, 0
	for _, a := range p.grads {
		if a.relu >= 0 && a.masks {
			masked++
		} else if a.relu >= 0 {
			taken++
		}
	}
	if taken != 4 || masked != 3 {
		t.Errorf("norms take in %d relus of their own and %d behind sums, want 4 and 3", taken, masked)
	}
}

// stir gives parameters and statistics values that a net that has learnt might
// have, and the inputs numbers.
func stir(p *Program, seed uint64) {
	r := layers.Stream(seed, "stir")
	for _, s := range p.Params() {
		if len(s.Shape) == 1 {
			for i := range s.Data {
				s.Data[i] += 0.3 * float32(r.NormFloat64())
			}
		}
	}
	for k, s := range p.State() {
		for i := range s.Data {
			s.Data[i] = 0.2 * float32(r.NormFloat64())
			if k%2 == 1 { // variances
				s.Data[i] = 0.5 + float32(r.Float64())
			}
		}
	}
	for i := range p.Input(0).Data {
		p.Input(0).Data[i] = float32(r.NormFloat64())
	}
}

// nearly wants no element of got further from want than 1e-4 of the largest:
// some dozen layers of float32 sums, in another order of roundings.
func nearly(t *testing.T, what string, got, want []float32) {
	t.Helper()
	top, worst := 0.0, 0.0
	for i := range want {
		top = max(top, math.Abs(float64(want[i])))
		worst = max(worst, math.Abs(float64(got[i]-want[i])))
	}
	if !(worst <= 1e-4*top) {
		t.Errorf("%s: off by %.3g of %.3g", what, worst, top)
	}
}

// Folded weights give the outputs of the net as it stands, follow it at the
// next Fold and not before, and stand back while somebody looks.
func TestFold(t *testing.T) {
	pool := compute.NewPool(2)
	defer pool.Close()
	graphs := map[string]*Graph{"residuals": resolved(t, residuals), "sequences": resolved(t, sequences), "curves": resolved(t, curves), "fusable": fusableNet(t)}
	for _, name := range []string{"resnet20", "resnet20-a", "plain20"} {
		graphs[name] = preset(t, name)
	}
	for name, g := range graphs {
		t.Run(name, func(t *testing.T) {
			p, err := Compile(g, Options{Batch: 3, Seed: 5, Pool: pool})
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{3, 1, 2} {
				stir(p, uint64(n))
				plain, err := Compile(g, Options{Batch: 3, Seed: 5, Pool: pool, plain: true})
				if err != nil {
					t.Fatal(err)
				}
				copy(plain.ParamArena(), p.ParamArena())
				copy(plain.stateA, p.stateA)
				copy(plain.Input(0).Data, p.Input(0).Data)
				plain.Forward(n, false)
				want := plain.Output().Data
				if p.folds == nil {
					p.Forward(n, false)
					sameBits(t, "before Fold", p.Output().Data, want)
				} else {
					p.Forward(n, false)
					if copies, _ := p.foldSizes(); copies > 0 && slices.Equal(p.Output().Data, want) {
						t.Error("the outputs follow the parameters without Fold")
					}
				}
				p.Fold()
				p.Forward(n, false)
				nearly(t, "folded", p.Output().Data, want)
				got := slices.Clone(p.Output().Data)
				p.Forward(n, false)
				sameBits(t, "once more", p.Output().Data, got)
				p.Observe(func(int, compute.Tensor) {})
				p.Forward(n, false)
				p.Observe(nil)
				sameBits(t, "observed", p.Output().Data, want)
			}
			if a := allocs.Steady(3, func() { p.Fold(); p.Forward(3, false) }); a != 0 {
				t.Errorf("%v allocations", a)
			}
		})
	}
}

func TestFoldTakesIn(t *testing.T) {
	pool := compute.NewPool(1)
	defer pool.Close()
	for name, want := range map[string]int{"resnet20": 21, "resnet50": 53, "mobilenet_v2": 52} {
		g := preset(t, name)
		p, err := prepare(g, Options{Batch: 1, Pool: pool})
		if err != nil {
			t.Fatal(err)
		}
		p.params, p.stateA = make([]float32, p.plan.params), make([]float32, p.plan.state)
		p.refer()
		p.bind()
		copies, room := p.foldSizes()
		p.placeFolds()
		p.fuse()
		if n := patterns(p)[forwardPatterns[0].name]; n != want {
			t.Errorf("%s: %d norms are folded, want %d", name, n, want)
		}
		sums := 0
		for i := range p.runs {
			if p.runs[i].z >= 0 {
				sums++
			}
			switch l := p.runs[i].first.layer.(type) {
			case *layers.Add:
				t.Errorf("%s: a sum runs by itself", name)
			case *layers.Elementwise:
				if act, _ := l.Function(); act == compute.ActReLU6 {
					t.Errorf("%s: a relu6 runs by itself", name)
				}
			}
		}
		if sums == 0 || copies <= 0 || 4*(copies+room) > 5*p.plan.params {
			t.Errorf("%s: %d sums, %d floats of copies and %d of room", name, sums, copies, room)
		}
	}
}

// No activation behind a folded norm takes a sweep of its own, and what it puts
// out has the bits of one that does.
func TestFoldTakesInCurves(t *testing.T) {
	pool := compute.NewPool(2)
	defer pool.Close()
	p, err := Compile(resolved(t, curves), Options{Batch: 2, Seed: 5, Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	stir(p, 6)
	p.Fold()
	for i := range p.runs {
		if l, ok := p.runs[i].first.layer.(*layers.Elementwise); ok {
			t.Errorf("%s runs by itself", l.Label())
		}
	}
	p.Forward(2, false)
	want := slices.Clone(p.Output().Data)
	for i := range p.runs {
		r := &p.runs[i]
		if !r.curve.On {
			continue
		}
		c := r.curve
		r.curve = compute.Curve{}
		y, product := r.yData, r.pattern.run
		alone := *r.pattern
		alone.run = func(r *run) { product(r); compute.ActForward(pool, c.Act, c.Alpha, y, y) }
		r.pattern = &alone
	}
	p.Forward(2, false)
	sameBits(t, "output", p.Output().Data, want)
}

// Folding gives the same bits on any number of threads.
func TestFoldOnAnyThreads(t *testing.T) {
	for _, name := range []string{"resnet20", "curves"} {
		t.Run(name, func(t *testing.T) {
			g := resolved(t, curves)
			if name == "resnet20" {
				g = preset(t, name)
			}
			foldOnAnyThreads(t, g)
		})
	}
}

func foldOnAnyThreads(t *testing.T, g *Graph) {
	var want []float32
	for _, threads := range []int{1, 2, 3, 7} {
		pool := compute.NewPool(threads)
		p, err := Compile(g, Options{Batch: 3, Seed: 5, Pool: pool})
		if err != nil {
			t.Fatal(err)
		}
		stir(p, 4)
		p.Fold()
		p.Forward(3, false)
		if want == nil {
			want = slices.Clone(p.Output().Data)
		}
		sameBits(t, "output", p.Output().Data, want)
		pool.Close()
	}
}
