package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"layercake/internal/allocs"
)

// attnCase is an attention with room between its rows.
type attnCase struct {
	Attention
	mask, pad bool
	lens      []int32
}

func (c attnCase) String() string {
	return fmt.Sprintf("n=%d,heads=%d/%d,t=%d×%d,d=%d/%d,causal=%v,start=%d,mask=%v,lens=%v,dropout=%v",
		c.N, c.Heads, c.KVHeads, c.Tq, c.Tk, c.D, c.DV, c.Causal, c.Start, c.mask, c.lens, c.Dropout)
}

var attnCases = []attnCase{
	{Attention: Attention{N: 1, Heads: 1, KVHeads: 1, Tq: 1, Tk: 1, D: 1, DV: 1}},
	{Attention: Attention{N: 2, Heads: 3, KVHeads: 3, Tq: 7, Tk: 5, D: 4, DV: 3}},
	{Attention: Attention{N: 2, Heads: 2, KVHeads: 2, Tq: 33, Tk: 33, D: 16, DV: 16, Causal: true}, pad: true},
	{Attention: Attention{N: 2, Heads: 4, KVHeads: 2, Tq: 128, Tk: 128, D: 32, DV: 32, Causal: true}, pad: true},
	{Attention: Attention{N: 1, Heads: 2, KVHeads: 1, Tq: 300, Tk: 300, D: 8, DV: 8, Causal: true}},
	{Attention: Attention{N: 1, Heads: 2, KVHeads: 2, Tq: 97, Tk: 257, D: 33, DV: 17}, pad: true},
	{Attention: Attention{N: 3, Heads: 2, KVHeads: 1, Tq: 50, Tk: 140, D: 5, DV: 9}, lens: []int32{140, 0, 129}},
	{Attention: Attention{N: 2, Heads: 2, KVHeads: 2, Tq: 3, Tk: 131, D: 8, DV: 8, Causal: true, Start: 128}, lens: []int32{3, 1}},
	{Attention: Attention{N: 3, Heads: 2, KVHeads: 2, Tq: 130, Tk: 130, D: 6, DV: 6, Causal: true}, lens: []int32{1, 77, 130}},
	{Attention: Attention{N: 2, Heads: 2, KVHeads: 1, Tq: 20, Tk: 150, D: 8, DV: 8}, mask: true},
	{Attention: Attention{N: 2, Heads: 2, KVHeads: 2, Tq: 140, Tk: 140, D: 8, DV: 8, Causal: true}, mask: true, lens: []int32{140, 100}},
	{Attention: Attention{N: 2, Heads: 2, KVHeads: 2, Tq: 40, Tk: 135, D: 8, DV: 8, Dropout: 0.3, Seed: 5}},
	{Attention: Attention{N: 1, Heads: 4, KVHeads: 2, Tq: 200, Tk: 200, D: 16, DV: 16, Dropout: 0.5, Seed: 7, Causal: true}, mask: true, pad: true},
}

// attnData is the memory of a case; o, stats and the gradients are made from it.
type attnData struct {
	attnCase
	q, k, v, do, o, dq, dk, dv Heads
	stats, dmask, partial      []float32
	guards                     []guarded
}

func (c attnCase) data(rng *rand.Rand) *attnData {
	d := &attnData{attnCase: c}
	gap := 0
	if c.pad {
		gap = 11
	}
	heads := func(t, width int) Heads {
		h := Heads{Step: width + gap}
		h.Sample = t*h.Step + 2*gap
		// The last row ends where the memory does.
		g := newGuarded(rng, (c.N-1)*h.Sample+(t-1)*h.Step+width)
		d.guards = append(d.guards, g)
		h.Data = g.v
		return h
	}
	d.q, d.dq = heads(c.Tq, c.Heads*c.D), heads(c.Tq, c.Heads*c.D)
	d.k, d.dk = heads(c.Tk, c.KVHeads*c.D), heads(c.Tk, c.KVHeads*c.D)
	d.v, d.dv = heads(c.Tk, c.KVHeads*c.DV), heads(c.Tk, c.KVHeads*c.DV)
	d.o, d.do = heads(c.Tq, c.Heads*c.DV), heads(c.Tq, c.Heads*c.DV)
	for i := range d.q.Data {
		d.q.Data[i] *= 4 // weights that differ
	}
	d.Scale = float32(1 / math.Sqrt(float64(c.D)))
	d.Lens = c.lens
	d.stats = make([]float32, 2*c.N*c.Heads*c.Tq)
	if c.mask {
		d.Mask = make([]float32, c.N*c.Tq*c.Tk)
		for i := range d.Mask {
			d.Mask[i] = rng.Float32() - 0.5
			if rng.IntN(4) == 0 {
				d.Mask[i] = float32(math.Inf(-1))
			}
		}
		if c.Tk > attnKeys && !c.Causal { // a row whose first block is hidden, and one of which nothing is seen
			for j := range c.Tk {
				if j < attnKeys+3 {
					d.Mask[2*c.Tk+j] = float32(math.Inf(-1))
				}
				d.Mask[5*c.Tk+j] = float32(math.Inf(-1))
			}
		}
		d.dmask = make([]float32, len(d.Mask))
	}
	d.partial = make([]float32, d.Partial(c.mask))
	return d
}

func (d *attnData) run(p *Pool) {
	d.Forward(p, d.q, d.k, d.v, d.o, d.stats)
	clear(d.dmask)
	d.Backward(p, AttentionGrad{Q: d.q, K: d.k, V: d.v, O: d.o, Stats: d.stats, DO: d.do, DQ: d.dq, DK: d.dk, DV: d.dv,
		DMask: d.dmask, Partial: d.partial})
}

// plain is the same by its definition, in float64: the outputs and gradients as [N, T, H·d].
func (d *attnData) plain() (o, dq, dk, dv, dmask []float64) {
	o, dq = make([]float64, d.N*d.Tq*d.Heads*d.DV), make([]float64, d.N*d.Tq*d.Heads*d.D)
	dk, dv = make([]float64, d.N*d.Tk*d.KVHeads*d.D), make([]float64, d.N*d.Tk*d.KVHeads*d.DV)
	dmask = make([]float64, d.N*d.Tq*d.Tk)
	w, dw := make([]float64, d.Tk), make([]float64, d.Tk)
	drop := newDropoutKey(d.Seed, d.Dropout)
	for n := range d.N {
		keys := d.Tk
		if d.lens != nil {
			keys = min(keys, d.Start+int(d.lens[n]))
		}
		for h := range d.Heads {
			g := h / (d.Heads / d.KVHeads)
			for i := range d.Tq {
				sum, top := 0., math.Inf(-1)
				for j := range d.Tk {
					w[j] = math.Inf(-1)
					if j >= keys || d.Causal && j > d.Start+i {
						continue
					}
					w[j] = 0
					for c := range d.D {
						w[j] += float64(d.q.at(n, i, h, d.D)[c]) * float64(d.k.at(n, j, g, d.D)[c]) / math.Sqrt(float64(d.D))
					}
					if d.Mask != nil {
						w[j] += float64(d.Mask[(n*d.Tq+i)*d.Tk+j])
					}
					top = max(top, w[j])
				}
				if math.IsInf(top, -1) {
					continue
				}
				for j := range w {
					w[j] = math.Exp(w[j] - top)
					sum += w[j]
				}
				along := 0.
				for j := range w {
					w[j] /= sum
					keep := 1.
					if d.Dropout > 0 {
						keep = 0
						if drop.hash(uint32(((n*d.Heads+h)*d.Tq+i)*d.Tk+j)) >= drop.drop {
							keep = 1 / (1 - float64(d.Dropout))
						}
					}
					dw[j] = 0
					for c := range d.DV {
						v, do := float64(0), float64(d.do.at(n, i, h, d.DV)[c])
						if w[j] > 0 {
							v = float64(d.v.at(n, j, g, d.DV)[c])
						}
						o[(n*d.Tq+i)*d.Heads*d.DV+h*d.DV+c] += w[j] * keep * v
						dv[(n*d.Tk+j)*d.KVHeads*d.DV+g*d.DV+c] += w[j] * keep * do
						dw[j] += do * v * keep
					}
					along += w[j] * dw[j]
				}
				for j := range w {
					ds := w[j] * (dw[j] - along)
					dmask[(n*d.Tq+i)*d.Tk+j] += ds
					for c := range d.D {
						dq[(n*d.Tq+i)*d.Heads*d.D+h*d.D+c] += ds / math.Sqrt(float64(d.D)) * float64(d.k.at(n, j, g, d.D)[c])
						dk[(n*d.Tk+j)*d.KVHeads*d.D+g*d.D+c] += ds / math.Sqrt(float64(d.D)) * float64(d.q.at(n, i, h, d.D)[c])
					}
				}
			}
		}
	}
	return o, dq, dk, dv, dmask
}

func compareHeads(t *testing.T, what string, got Heads, n, steps, width int, want []float64) {
	t.Helper()
	most := 0.
	for _, w := range want {
		most = max(most, math.Abs(w))
	}
	for i, w := range want {
		g := got.at(i/width/steps, i/width%steps, 0, 0)[i%width]
		if d := math.Abs(float64(g) - w); !(d <= 3e-6*(1+most)) {
			t.Errorf("%s: element %d of step %d of sample %d is %v, want %v", what, i%width, i/width%steps, i/width/steps, g, w)
			return
		}
	}
}

func TestAttention(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	was := KernelName()
	defer SetKernel(was)
	for _, name := range Kernels() {
		if err := SetKernel(name); err != nil {
			t.Fatal(err)
		}
		for i, c := range attnCases {
			t.Run(fmt.Sprintf("%s/%v", name, c), func(t *testing.T) {
				d := c.data(rand.New(rand.NewPCG(3, uint64(i))))
				d.run(pool)
				o, dq, dk, dv, dmask := d.plain()
				compareHeads(t, "o", d.o, d.N, d.Tq, d.Heads*d.DV, o)
				compareHeads(t, "dq", d.dq, d.N, d.Tq, d.Heads*d.D, dq)
				compareHeads(t, "dk", d.dk, d.N, d.Tk, d.KVHeads*d.D, dk)
				compareHeads(t, "dv", d.dv, d.N, d.Tk, d.KVHeads*d.DV, dv)
				if d.dmask != nil {
					compareHeads(t, "dmask", Heads{Data: d.dmask, Sample: d.Tq * d.Tk, Step: d.Tk}, d.N, d.Tq, d.Tk, dmask)
				}
				for _, g := range d.guards {
					if !g.intact() {
						t.Error("wrote beyond the end")
					}
				}
			})
		}
	}
}

// TestAttentionAlike: any number of threads gives the same bits, gradients that
// nobody wants change no others, and nothing is allocated.
func TestAttentionAlike(t *testing.T) {
	for i, c := range attnCases {
		t.Run(c.String(), func(t *testing.T) {
			d := c.data(rand.New(rand.NewPCG(4, uint64(i))))
			d.run(nil)
			all := func() (x []float32) {
				for _, g := range d.guards {
					x = append(x, g.v...)
				}
				return append(append(x, d.stats...), d.dmask...)
			}
			want := all()
			for _, threads := range []int{1, 3} {
				p := NewPool(threads)
				for _, h := range []Heads{d.o, d.dq, d.dk, d.dv} {
					for n := range d.N {
						h.clear(n, 0, 1, 0, 1, 1)
					}
				}
				d.run(p)
				got := all()
				for i := range want {
					if want[i] != got[i] {
						t.Fatalf("%d threads: number %d is %v, and %v on one", threads, i, got[i], want[i])
					}
				}
				if n := allocs.Steady(5, func() { d.run(p) }); n > 0 {
					t.Errorf("%d threads: %v allocations, want none", threads, n)
				}
				p.Close()
			}
			grad := AttentionGrad{Q: d.q, K: d.k, V: d.v, O: d.o, Stats: d.stats, DO: d.do, DMask: d.dmask, Partial: d.partial}
			for _, one := range []func(*AttentionGrad){
				func(g *AttentionGrad) { g.DQ = d.dq }, func(g *AttentionGrad) { g.DK = d.dk }, func(g *AttentionGrad) { g.DV = d.dv },
			} {
				clear(d.dmask)
				g := grad
				one(&g)
				d.Backward(nil, g)
			}
			for i, v := range all() {
				if want[i] != v {
					t.Fatalf("one gradient alone: number %d is %v, and %v with the others", i, v, want[i])
				}
			}
		})
	}
}

// TestAttentionWeights: rows sum to 1, hide what is to be hidden, and make o.
func TestAttentionWeights(t *testing.T) {
	for i, c := range attnCases {
		if c.Dropout > 0 {
			continue
		}
		d := c.data(rand.New(rand.NewPCG(5, uint64(i))))
		d.Forward(nil, d.q, d.k, d.v, d.o, nil)
		w := make([]float32, d.Heads*d.Tq*d.Tk)
		n := d.N - 1
		d.Weights(nil, d.q, d.k, n, w)
		for r := range d.Heads * d.Tq {
			h, i := r/d.Tq, r%d.Tq
			row := w[r*d.Tk:][:d.Tk]
			for c := range d.DV {
				sum := 0.
				for j, v := range row {
					if v != 0 {
						sum += float64(v) * float64(d.v.at(n, j, h/(d.Heads/d.KVHeads), d.DV)[c])
					}
				}
				if got := float64(d.o.at(n, i, h, d.DV)[c]); math.Abs(got-sum) > 1e-5 {
					t.Fatalf("%v: head %d row %d: the weights make %v, the output is %v", c, h, i, sum, got)
				}
			}
		}
	}
}

// TestWeightSweeps compares exponentials of numbers not above the shift with
// those in float64: to the last bits where they are normal, 0 or nearly where
// they are not, and 0 of −∞. The difference is rounded before the comparison, as
// the sweeps do it: where its last bit is lost, exp differs by more than they err.
func TestWeightSweeps(t *testing.T) {
	for _, set := range vectorSets() {
		for n := 8; n <= 128; n += 8 {
			x, d := randoms(uint64(n), n), randoms(uint64(n)+1, n)
			const shift = 3
			want, slopes, sum := make([]float64, n), make([]float64, n), 0.
			for i := range x {
				x[i] = shift - x[i]*x[i]*40
				if i%5 == 4 {
					x[i] = hidden
				}
				want[i] = math.Exp(float64(float32(x[i] - shift)))
				slopes[i] = want[i] * float64(d[i])
				sum += want[i]
			}
			x[n/2], want[n/2], slopes[n/2] = shift, 1, float64(d[n/2])
			sum = 0
			for _, w := range want {
				sum += w
			}
			y := make([]float32, n)
			near(t, set.name+"'s sum", float64(set.weightSum(y, x, shift)), sum, 1e-6, 0)
			within(t, set.name+"'s weights", y, want, 3e-7, 2e-38)
			for i, v := range x {
				if v == hidden && y[i] != 0 {
					t.Errorf("%s: a hidden weight is %v", set.name, y[i])
				}
			}
			set.weightSlopes(x, d, shift)
			within(t, set.name+"'s weights", x, want, 3e-7, 2e-38)
			within(t, set.name+"'s slopes", d, slopes, 4e-7, 1e-37)
		}
		w := make([]float32, 8)
		w[3] = float32(math.NaN())
		if s := set.weightSum(w, w, 0); s == s {
			t.Errorf("%s: the sum over a NaN is %v", set.name, s)
		}
	}
}
