package layers_test

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"layercake/compute"
	"layercake/layers"
)

// newPass is a pass of l over n samples of random numbers and random weights.
func newPass(t *testing.T, l layers.Layer, n int, in ...compute.Shape) *layers.Pass {
	t.Helper()
	plan, err := l.Plan(in)
	if err != nil {
		t.Fatal(err)
	}
	r := layers.Stream(11, l.Label())
	numbers := func(size int) []float32 {
		x := make([]float32, size)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		return x
	}
	p := &layers.Pass{N: n, Train: true, Seed: 1}
	for _, s := range in {
		p.In = append(p.In, compute.Tensor{Shape: s, Data: numbers(n * s.Size())})
		p.DIn = append(p.DIn, compute.Tensor{Shape: s, Data: make([]float32, n*s.Size())})
	}
	p.Out = compute.Tensor{Shape: plan.Out, Data: make([]float32, n*plan.Out.Size())}
	p.DOut = compute.Tensor{Shape: plan.Out, Data: numbers(n * plan.Out.Size())}
	p.Add = make([]bool, len(in))
	for _, q := range plan.Params {
		p.Params = append(p.Params, numbers(q.Shape.Size()))
		p.Grads = append(p.Grads, make([]float32, q.Shape.Size()))
	}
	for _, s := range plan.Saved {
		p.Saved = append(p.Saved, make([]float32, s.At(n)))
	}
	p.Scratch = make([]float32, plan.Scratch.At(n))
	return p
}

// TestAttentionMemory: in training, at 2048 steps and four heads, all that
// attention keeps and works in is smaller than the weights of one head would
// be, and grows with the length, not its square.
func TestAttentionMemory(t *testing.T) {
	const steps, width = 2048, 128
	for _, l := range []*layers.Attention{
		{Heads: 4, Bias: true, Causal: true},
		{Heads: 4, Bias: true},
		{Heads: 4, KVHeads: 2, Bias: true, Rotary: true, Causal: true},
	} {
		bytes := func(steps int) int {
			plan, err := l.Plan([]compute.Shape{{steps, width}})
			if err != nil {
				t.Fatal(err)
			}
			floats := plan.Scratch.At(1)
			for _, s := range plan.Saved {
				floats += s.At(1)
			}
			return 4*floats + plan.Marks.At(1)
		}
		p := newPass(t, l, 1, compute.Shape{steps, width})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		l.Forward(p)
		l.Backward(p)
		runtime.ReadMemStats(&after)
		workers := int(after.TotalAlloc - before.TotalAlloc)
		got, oneHead := bytes(steps), 4*steps*steps
		t.Logf("%s, T=%d, F=%d, batch 1: %.2f MB kept and worked in, %.2f MB of workers' memory; the weights of one head alone: %.2f MB",
			l.Label(), steps, width, float64(got)/1e6, float64(workers)/1e6, float64(oneHead)/1e6)
		if got+workers > oneHead {
			t.Errorf("%s: %d and %d bytes, the weights of one head would be %d", l.Label(), got, workers, oneHead)
		}
		if twice := bytes(2 * steps); twice > 2*got {
			t.Errorf("%s: %d bytes at %d steps, %d at twice as many", l.Label(), got, steps, twice)
		}
	}
}

// TestAttentionMap: each row's shares add up to 1, hidden keys have none, and a
// head's shares times its values are what it saw.
func TestAttentionMap(t *testing.T) {
	for _, train := range []bool{true, false} {
		l := &layers.Attention{Heads: 2, KVHeads: 1, Causal: true, Rotary: true}
		const n, steps, width = 3, 7, 4
		p := newPass(t, l, n, compute.Shape{steps, width})
		p.In[0].Lens = []int32{7, 7, 4}
		if !train {
			p.Train, p.Saved = false, nil
		}
		// The output projection passes on what the heads saw.
		clear(p.Params[1])
		for i := range width {
			p.Params[1][i*width+i] = 1
		}
		l.Forward(p)
		values := make([]float32, n*steps*2)
		in := p.Params[0] // [4, 4+2+2]
		for r := range n * steps {
			for c := range 2 {
				for k := range width {
					values[r*2+c] += p.In[0].Data[r*width+k] * in[k*8+6+c]
				}
			}
		}
		var a layers.Attender = l
		for sample := range n {
			w := make([]float32, 2*steps*steps)
			a.AttentionMap(p, sample, w)
			for r := range 2 * steps {
				h, i := r/steps, r%steps
				row, sum := w[r*steps:][:steps], 0.
				for j, v := range row {
					sum += float64(v)
					if (j > i || j >= int(p.In[0].Lens[sample])) && v != 0 {
						t.Errorf("sample %d head %d: step %d takes %v of step %d, which is hidden", sample, h, i, v, j)
					}
				}
				if math.Abs(sum-1) > 1e-6 {
					t.Errorf("sample %d head %d: the shares of step %d add up to %v", sample, h, i, sum)
				}
				for c := range 2 {
					got := 0.
					for j, v := range row {
						got += float64(v) * float64(values[(sample*steps+j)*2+c])
					}
					if want := float64(p.Out.Data[(sample*steps+i)*width+h*2+c]); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
						t.Errorf("sample %d head %d step %d: shares times values are %v, the output %v", sample, h, i, got, want)
					}
				}
			}
		}
	}
}

// TestAttentionCache: a prompt in one call and then steps one by one give what
// the whole sequence gives, for self-attention by position and for a memory
// that is shown once.
func TestAttentionCache(t *testing.T) {
	const n, steps, width, prompt, context = 2, 9, 8, 4, 12
	memory := compute.Shape{5, 6}
	for _, c := range []struct {
		layer layers.Layer
		more  []compute.Shape
	}{
		{&layers.Attention{Heads: 4, KVHeads: 2, Bias: true, Causal: true, Rotary: true}, nil},
		{&layers.Attention{Heads: 2, Causal: true}, nil},
		{&layers.Attention{Heads: 2, Bias: true}, []compute.Shape{memory}},
		{&layers.Position{Kind: "learned", Length: context}, nil},
		{&layers.Position{Kind: "sinusoidal", Length: 1}, nil},
	} {
		whole := newPass(t, c.layer, n, append([]compute.Shape{{steps, width}}, c.more...)...)
		whole.Train, whole.Saved = false, nil
		c.layer.Forward(whole)
		plan, err := c.layer.Plan(append([]compute.Shape{{1, width}}, c.more...))
		if err != nil {
			t.Fatal(err)
		}
		carry := make([]float32, n*plan.Carry.At(context))
		var got []float32
		for at, length := 0, prompt; at < steps; at, length = at+length, 1 {
			p := newPass(t, c.layer, n, append([]compute.Shape{{length, width}}, c.more...)...)
			p.Train, p.Saved, p.Params = false, nil, whole.Params
			p.Carry, p.Start, p.Context = carry, at, context
			for k := range n {
				copy(p.In[0].Data[k*length*width:][:length*width], whole.In[0].Data[(k*steps+at)*width:])
			}
			if len(c.more) > 0 {
				copy(p.In[1].Data, whole.In[1].Data)
				if at > 0 { // it is known by now
					clear(p.In[1].Data)
				}
			}
			c.layer.Forward(p)
			got = append(got, p.Out.Data[(n-1)*length*width:]...)
		}
		if want := whole.Out.Data[(n-1)*steps*width:]; !slices.EqualFunc(got, want, func(a, b float32) bool {
			return math.Abs(float64(a)-float64(b)) < 1e-5*(1+math.Abs(float64(b)))
		}) {
			t.Errorf("%T (%s): in pieces %v, in one go %v", c.layer, c.layer.Label(), got, want)
		}
	}
}

// TestAttentionRefuses: what does not fit is refused with a cure.
func TestAttentionRefuses(t *testing.T) {
	x := compute.Shape{5, 6}
	for _, c := range []struct {
		layer layers.Layer
		in    []compute.Shape
		want  string
	}{
		{&layers.Attention{Heads: 4}, []compute.Shape{x}, "heads 4 divides"},
		{&layers.Attention{Heads: 6, KVHeads: 4}, []compute.Shape{x}, "kv_heads that divides"},
		{&layers.Attention{Heads: 2, KVHeads: 3}, []compute.Shape{x}, "no more kv_heads"},
		{&layers.Attention{Heads: 2, Rotary: true}, []compute.Shape{x}, "even width"},
		{&layers.Attention{Heads: 2, Mask: true}, []compute.Shape{x, {5, 4}}, "mask of 5×5"},
		{&layers.Attention{Heads: 2, Mask: true}, []compute.Shape{x, {4, 6}, {5, 5}}, "mask of 5×4"},
		{&layers.Attention{Heads: 2}, []compute.Shape{x, x, x}, "queries and a memory"},
		{&layers.Attention{Heads: 2, Causal: true}, []compute.Shape{x, x}, "one sequence for causal"},
		{&layers.Attention{Heads: 3, Rotary: true}, []compute.Shape{x, x}, "one sequence for rotary"},
		{&layers.Attention{Heads: 1}, []compute.Shape{{6}}, "sequence"},
		{&layers.Attention{Heads: 2, Dropout: 1}, []compute.Shape{x}, "dropout"},
		{&layers.Attention{Heads: 2, Width: 1 << 21}, []compute.Shape{x}, "width"},
		{&layers.DotAttention{Heads: 2}, []compute.Shape{x, {5, 4}, x}, "as wide as keys"},
		{&layers.DotAttention{Heads: 2}, []compute.Shape{x, x, {4, 6}}, "as many keys"},
		{&layers.DotAttention{Heads: 4}, []compute.Shape{x, x, x}, "divides"},
		{&layers.Position{Kind: "learned", Length: 4}, []compute.Shape{x}, "at most length 4"},
		{&layers.Position{Kind: "other"}, []compute.Shape{x}, "sinusoidal or learned"},
	} {
		if _, err := c.layer.Plan(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v on %v: got %v, want %q", c.layer, c.in, err, c.want)
		}
	}
}
