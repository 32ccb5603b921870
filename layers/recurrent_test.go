package layers_test

import (
	"fmt"
	"slices"
	"testing"

	"layercake/compute"
	"layercake/layers"
)

// recurrentKinds are the layers that carry a state, with these settings.
func recurrentKinds(r layers.Recurrent) []layers.Layer {
	return []layers.Layer{
		&layers.RNN{Activation: "tanh", Recurrent: r}, &layers.RNN{Activation: "relu", Recurrent: r},
		&layers.LSTM{Recurrent: r}, &layers.GRU{Recurrent: r},
	}
}

// forwardPass is a pass of l over x, ready to run, with parameters drawn from
// a seed of their own.
func forwardPass(t testing.TB, l layers.Layer, n int, in compute.Shape, x []float32, train bool) (*layers.Pass, layers.Plan) {
	t.Helper()
	plan, err := l.Plan([]compute.Shape{in})
	if err != nil {
		t.Fatal(err)
	}
	p := &layers.Pass{N: n, Train: train, Seed: 9, In: []compute.Tensor{{Shape: in, Data: x}}}
	p.Out = compute.Tensor{Shape: plan.Out, Data: make([]float32, n*plan.Out.Size())}
	p.DOut = compute.Tensor{Shape: plan.Out, Data: random(n*plan.Out.Size(), "dout")}
	p.DIn = []compute.Tensor{{Shape: in, Data: make([]float32, len(x))}}
	for _, q := range plan.Params {
		w := make([]float32, q.Shape.Size())
		q.Init.Fill(w, layers.Stream(4, q.Name))
		p.Params = append(p.Params, w)
		p.Grads = append(p.Grads, make([]float32, len(w)))
	}
	if train {
		for _, r := range plan.Saved {
			p.Saved = append(p.Saved, make([]float32, r.At(n)))
		}
		p.Marks = make([]byte, plan.Marks.At(n))
	}
	p.Scratch = make([]float32, plan.Scratch.At(n))
	return p, plan
}

func random(n int, name string) []float32 {
	x := make([]float32, n)
	layers.Init{Kind: layers.InitUniform, Value: 1}.Fill(x, layers.Stream(5, name))
	return x
}

// part is steps from to to of n sequences of t steps.
func part(x []float32, n, t, f, from, to int) []float32 {
	var y []float32
	for i := range n {
		y = append(y, x[(i*t+from)*f:(i*t+to)*f]...)
	}
	return y
}

// TestRecurrentCarry runs two halves of sequences one after the other with
// Carry, in training and out of it, and wants what the whole gives, whether it
// asks for every step or the last.
func TestRecurrentCarry(t *testing.T) {
	const n, steps, f, units = 3, 6, 4, 9
	x := random(n*steps*f, "x")
	for _, train := range []bool{false, true} {
		for _, last := range []string{"sequence", "last"} {
			for _, l := range recurrentKinds(layers.Recurrent{Units: units, Layers: 2, Return: last, Bias: true, Stateful: train}) {
				t.Run(fmt.Sprintf("%T/%s/train=%v", l, last, train), func(t *testing.T) {
					whole, _ := forwardPass(t, l, n, compute.Shape{steps, f}, x, train)
					l.Forward(whole)
					var carry []float32
					for from := 0; from < steps; from += steps / 2 {
						to := from + steps/2
						p, plan := forwardPass(t, l, n, compute.Shape{steps / 2, f}, part(x, n, steps, f, from, to), train)
						if carry == nil {
							carry = make([]float32, n*plan.Carry.At(0))
						}
						if plan.Carry.Always != train {
							t.Fatal("the state is carried on in training where it should not be, or not where it should")
						}
						p.Carry, p.Start = carry, from
						l.Forward(p)
						want := whole.Out.Data
						if last == "sequence" {
							want = part(want, n, steps, units, from, to)
						} else if to < steps {
							continue
						}
						near(t, fmt.Sprintf("output of steps %d to %d", from, to), p.Out.Data, want, 1e-6)
					}
				})
			}
		}
	}
}

// TestRecurrentCarryLengths wants the state of each sample's last used step
// carried on, and that of before where a sample has no step at all.
func TestRecurrentCarryLengths(t *testing.T) {
	const n, steps, f, units = 3, 5, 2, 4
	x := random(n*steps*f, "x")
	lens := []int32{3, 0, 5}
	for _, train := range []bool{false, true} {
		for _, l := range recurrentKinds(layers.Recurrent{Units: units, Layers: 2, Return: "last", Bias: true, Stateful: true}) {
			t.Run(fmt.Sprintf("%T/train=%v", l, train), func(t *testing.T) {
				p, plan := forwardPass(t, l, n, compute.Shape{steps, f}, x, train)
				size := plan.Carry.At(0)
				start := random(n*size, "carry")
				p.Carry, p.In[0].Lens = slices.Clone(start), lens
				l.Forward(p)
				for i, length := range lens {
					want := slices.Clone(start[i*size:][:size])
					if length > 0 {
						q, _ := forwardPass(t, l, 1, compute.Shape{int(length), f}, x[i*steps*f:][:int(length)*f], train)
						q.Carry = want
						l.Forward(q)
						near(t, fmt.Sprintf("output of sample %d", i), p.Out.Data[i*units:][:units], q.Out.Data, 1e-6)
					}
					near(t, fmt.Sprintf("state carried of sample %d", i), p.Carry[i*size:][:size], want, 1e-6)
				}
			})
		}
	}
}

// TestRecurrentPadding spoils the steps past each length and wants nothing
// to change, zeros in the output there, and no gradient.
func TestRecurrentPadding(t *testing.T) {
	const n, steps, f, units = 3, 5, 2, 3
	lens := []int32{2, 4, 1}
	for _, l := range recurrentKinds(layers.Recurrent{Units: units, Layers: 2, Return: "sequence", Bias: true, Bidirectional: true}) {
		t.Run(fmt.Sprintf("%T", l), func(t *testing.T) {
			var outs [][]float32
			for _, junk := range []float32{0, 1e4} {
				x := random(n*steps*f, "x")
				for i, length := range lens {
					for j := int(length) * f; j < steps*f; j++ {
						x[i*steps*f+j] = junk
					}
				}
				p, plan := forwardPass(t, l, n, compute.Shape{steps, f}, x, true)
				p.In[0].Lens = lens
				l.Forward(p)
				l.Backward(p)
				outs = append(outs, slices.Concat(p.Out.Data, p.DIn[0].Data, slices.Concat(p.Grads...)))
				for i, length := range lens {
					w := plan.Out[1]
					for _, v := range p.Out.Data[(i*steps+int(length))*w : (i+1)*steps*w] {
						if v != 0 {
							t.Fatalf("sample %d gives %v after its end", i, v)
						}
					}
					for _, v := range p.DIn[0].Data[(i*steps+int(length))*f : (i+1)*steps*f] {
						if v != 0 {
							t.Fatalf("sample %d has a gradient of %v after its end", i, v)
						}
					}
				}
			}
			if !slices.Equal(outs[0], outs[1]) {
				t.Error("what lies past the end changes the result")
			}
		})
	}
}

// TestRecurrentBlocks runs more steps outside of training than are multiplied
// at once, in one direction and in both.
func TestRecurrentBlocks(t *testing.T) {
	const n, steps, f = 2, 37, 3
	x := random(n*steps*f, "x")
	for _, both := range []bool{false, true} {
		for _, l := range recurrentKinds(layers.Recurrent{Units: 5, Layers: 3, Return: "sequence", Bias: true, Bidirectional: both}) {
			a, _ := forwardPass(t, l, n, compute.Shape{steps, f}, x, true)
			b, _ := forwardPass(t, l, n, compute.Shape{steps, f}, x, false)
			for _, lens := range [][]int32{nil, {37, 20}, {3, 0}} {
				a.In[0].Lens, b.In[0].Lens = lens, lens
				l.Forward(a)
				l.Forward(b)
				near(t, fmt.Sprintf("%T outside of training, lengths %v", l, lens), b.Out.Data, a.Out.Data, 1e-6)
			}
		}
	}
}

// TestRecurrentRefuses wants errors that name the trouble.
func TestRecurrentRefuses(t *testing.T) {
	in := []compute.Shape{{4, 3}}
	for name, r := range map[string]layers.Recurrent{
		"no units":                   {Layers: 1, Return: "last"},
		"no layers":                  {Units: 1, Return: "last"},
		"dropout of all":             {Units: 1, Layers: 1, Return: "last", Dropout: 1},
		"an unknown return":          {Units: 1, Layers: 1, Return: "first"},
		"stateful and bidirectional": {Units: 1, Layers: 1, Return: "last", Stateful: true, Bidirectional: true},
		"states beyond memory":       {Units: 1 << 40, Layers: 1 << 20, Return: "last"},
	} {
		for _, l := range recurrentKinds(r) {
			if _, err := l.Plan(in); err == nil {
				t.Errorf("%T takes %s", l, name)
			}
		}
	}
	for _, l := range recurrentKinds(layers.Recurrent{Units: 2, Layers: 1, Return: "last"}) {
		for _, s := range []compute.Shape{{3}, {3, 4, 4}, {1 << 39, 2}} {
			if _, err := l.Plan([]compute.Shape{s}); err == nil {
				t.Errorf("%T takes %v", l, s)
			}
		}
	}
}

// TestRecurrentCost wants the multiply-adds and parameters of the cards.
func TestRecurrentCost(t *testing.T) {
	const steps, f, h = 7, 5, 3
	for i, gates := range []int{1, 1, 4, 3} {
		for _, both := range []bool{false, true} {
			l := recurrentKinds(layers.Recurrent{Units: h, Layers: 2, Return: "sequence", Bias: true, Bidirectional: both})[i]
			plan, err := l.Plan([]compute.Shape{{steps, f}})
			if err != nil {
				t.Fatal(err)
			}
			d := 1
			if both {
				d = 2
			}
			macs := steps * d * gates * h * ((f + h) + (d*h + h))
			params := d * gates * h * ((f + h) + (d*h + h) + 4)
			got := 0
			for _, q := range plan.Params {
				got += q.Shape.Size()
			}
			if plan.MACs != int64(macs) || got != params {
				t.Errorf("%T, bidirectional %v: %d multiply-adds and %d parameters, want %d and %d", l, both, plan.MACs, got, macs, params)
			}
		}
	}
}

// BenchmarkRecurrent is a layer of a character model: batch 32, 64 steps, 256
// units, of which the first reads 64 numbers; forward and backward.
func BenchmarkRecurrent(b *testing.B) {
	const n, steps = 32, 64
	pool := compute.NewPool(0)
	defer pool.Close()
	for _, in := range []int{64, 256} {
		for _, l := range recurrentKinds(layers.Recurrent{Units: 256, Layers: 1, Return: "sequence", Bias: true}) {
			if r, ok := l.(*layers.RNN); ok && r.Activation == "relu" {
				continue
			}
			p, plan := forwardPass(b, l, n, compute.Shape{steps, in}, random(n*steps*in, "x"), true)
			p.Pool = pool
			speed := func(b *testing.B, times int64) {
				b.ReportMetric(2*float64(times*n*plan.MACs)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			}
			name := fmt.Sprintf("%T/in=%d", l, in)[len("*layers."):]
			b.Run(name+"/forward", func(b *testing.B) {
				for b.Loop() {
					l.Forward(p)
				}
				speed(b, 1)
			})
			b.Run(name+"/both", func(b *testing.B) {
				for b.Loop() {
					l.Forward(p)
					l.Backward(p)
				}
				speed(b, 3)
			})
		}
	}
}
