package layers

import (
	"fmt"

	"layercake/compute"
)

// Pool1D keeps the largest value or the mean of each window of steps, feature
// by feature.
//
//	x [N, T, F]   y [N, T′, F]   T′ = ⌊(T + padding − kernel)/stride⌋ + 1; ⌈…⌉ with Ceil
//
// Each sample of a padded batch is pooled as the sequence of its own length;
// outputs whose window begins behind it are zeros. Where T′ = T the lengths stay,
// otherwise what follows takes every step for used. Of equal values the first
// gets the gradient. No parameters, no multiply-adds.
type Pool1D struct {
	Take     string // takeMax or takeMean
	Kernel   int
	Stride   int // 0: as the kernel
	Padding  Ends
	Ceil     bool
	CountPad bool
}

var pool1DKind = &Kind{
	Name:    "pool1d",
	Short:   "pool1d",
	Family:  Shrink,
	Summary: "the largest value or the mean of each window of steps",
	Card: Card{
		What: "Cuts a sequence into windows of a few steps and keeps the largest value or the mean of each, feature by feature. " +
			"The sequence gets shorter, and what follows sees further for the same work.",
		Formula: "max: y[i,f] = max x[i·s+u−p, f]; mean: their mean, over u < k",
		Shapes:  "T×F → T′×F with T′ = ⌊(T + 2p − k)/s⌋ + 1; ⌈…⌉ with ceil",
		Params:  "none",
		Cost:    "no multiply-adds; time goes with the size of the input",
		When:    "Between conv1d layers, to halve the number of steps.",
		Instead: "A conv1d of stride 2 learns how to shrink, at the price of its weights; timepool makes one row of the whole sequence.",
		Source:  "Waibel et al., Phoneme recognition using time-delay neural networks, 1989; Collobert et al., Natural language processing (almost) from scratch, 2011",
	},
	New: func() Layer { return &Pool1D{Take: takeMax, Kernel: 2, CountPad: true} },
	Examples: []Example{
		{Layer: &Pool1D{Take: takeMax, Kernel: 2}, In: []compute.Shape{{6, 3}}},
		{Layer: &Pool1D{Take: takeMax, Kernel: 3, Stride: 2, Padding: Ends{Before: 1, After: 1}}, In: []compute.Shape{{7, 9}}},
		{Layer: &Pool1D{Take: takeMax, Kernel: 3, Stride: 1, Padding: Ends{Same: true}}, In: []compute.Shape{{5, 2}}, Lens: [][]int{{3, 5, 0}}},
		{Layer: &Pool1D{Take: takeMax, Kernel: 2, Ceil: true}, In: []compute.Shape{{5, 2}}, Lens: [][]int{{1, 4}}},
		{Layer: &Pool1D{Take: takeMean, Kernel: 2, CountPad: true}, In: []compute.Shape{{5, 3}}},
		{Layer: &Pool1D{Take: takeMean, Kernel: 3, Stride: 1, Padding: Ends{Causal: true}}, In: []compute.Shape{{5, 2}}, Lens: [][]int{{2, 0, 5}}},
		{Layer: &Pool1D{Take: takeMean, Kernel: 3, Stride: 2, Padding: Ends{Before: 1}, Ceil: true, CountPad: true}, In: []compute.Shape{{4, 9}}},
		{Layer: &Pool1D{Take: takeMean, Kernel: 1}, In: []compute.Shape{{2, 2}}},
	},
}

// Fields are the settings.
func (v *Pool1D) Fields() []Field {
	return []Field{
		{Name: "take", Help: "what is kept of each window", Ptr: &v.Take, Options: []string{takeMax, takeMean}},
		{Name: "kernel", Help: "steps of the window", Ptr: &v.Kernel, Min: 1, Max: 1 << 16},
		{Name: "stride", Help: "steps from one window to the next; auto is the kernel", Ptr: &v.Stride, Min: 1, Max: 1 << 16, Optional: true},
		{Name: "padding", Help: "steps around the sequence: a number, two, same, causal or valid", Ptr: &v.Padding, Min: 0, Max: 1 << 16},
		{Name: "ceil", Help: "round the output's length up: a last window may reach out", Ptr: &v.Ceil},
		{Name: "count_pad", Help: "count the zeros around the sequence in the mean", Ptr: &v.CountPad},
	}
}

// Label is what is kept, the window and its stride.
func (v *Pool1D) Label() string {
	l := fmt.Sprintf("%s %d", v.Take, v.Kernel)
	if s := v.stride(); s > 1 {
		l += fmt.Sprintf(" /%d", s)
	}
	return l
}

func (v *Pool1D) stride() int {
	if v.Stride == 0 {
		return v.Kernel
	}
	return v.Stride
}

// Plan refuses windows that do not fit, and for the largest value those of
// more than 256 steps, since a byte holds its place.
func (v *Pool1D) Plan(in []compute.Shape) (Plan, error) {
	s, err := sequence(in, "use maxpool or avgpool on images")
	if err != nil {
		return Plan{}, err
	}
	r, err := slideAlong(in, v.Kernel, v.stride(), 1, v.Padding, v.Ceil)
	if err != nil {
		return Plan{}, err
	}
	if max(r.before, r.after) >= v.Kernel {
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("padding smaller than the kernel %d, so that every window sees the sequence", v.Kernel),
			Cure: "use less padding or a larger kernel"}
	}
	if _, ok := product(maxElements, r.out, s[1]); !ok {
		return Plan{}, tooLarge(in, "output", "use a larger stride")
	}
	plan := Plan{
		Out: compute.Shape{r.out, s[1]}, AcrossTime: true,
		Window: Window{Kernel: [2]int{v.Kernel, 1}, Stride: [2]int{v.stride(), 1}},
	}
	if v.Take == takeMax {
		if v.Kernel > 256 {
			return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("a window of at most 256 steps, not %d", v.Kernel), Cure: "use a smaller kernel, or two pools"}
		}
		plan.Marks = Room{PerSample: plan.Out.Size()}
	}
	return plan, nil
}

// geometry is the pooling of n sequences of so many steps of a longer memory.
func (v *Pool1D) geometry(n, steps, f, out int) compute.Pooling {
	stride := v.stride()
	before, after := v.Padding.around(v.Kernel)
	return compute.Pooling{
		N: n, H: 1, W: steps, C: f, KH: 1, KW: v.Kernel, StrideH: 1, StrideW: stride,
		PadLeft: before, PadRight: after, OH: 1, OW: min(out, (steps+before+stride-1)/stride), CountPad: v.CountPad,
	}
}

// Forward keeps, in training, where each largest value was.
func (v *Pool1D) Forward(p *Pass) {
	x := p.In[0]
	steps, f, out := x.Shape[0], x.Shape[1], p.Out.Shape[0]
	if x.Lens == nil {
		g := v.geometry(p.N, steps, f, out)
		v.pool(p, &g, x.Data, p.Out.Data, p.Marks)
		return
	}
	for i, n := range x.Lens {
		g := v.geometry(1, int(n), f, out)
		y := p.Out.Data[i*out*f:][:out*f]
		marks := p.Marks
		if len(marks) > 0 {
			marks = marks[i*out*f:][:g.OW*f]
		}
		if n == 0 {
			g.OW = 0
		} else {
			v.pool(p, &g, x.Data[i*steps*f:][:int(n)*f], y[:g.OW*f], marks)
		}
		compute.Fill(p.Pool, y[g.OW*f:], 0)
	}
}

func (v *Pool1D) pool(p *Pass, g *compute.Pooling, x, y []float32, marks []byte) {
	switch {
	case v.Take == takeMean:
		compute.AvgPoolForward(p.Pool, g, x, y)
	case p.Train:
		compute.MaxPoolForward(p.Pool, g, x, y, marks)
	default:
		compute.MaxPoolForward(p.Pool, g, x, y, nil)
	}
}

// Backward hands each gradient to the step that won, or spreads it.
func (v *Pool1D) Backward(p *Pass) {
	dx := p.wanted(0)
	if dx == nil {
		return
	}
	x := p.In[0]
	steps, f, out := x.Shape[0], x.Shape[1], p.Out.Shape[0]
	if x.Lens == nil {
		g := v.geometry(p.N, steps, f, out)
		v.spread(p, &g, p.DOut.Data, p.Marks, dx)
		return
	}
	for i, n := range x.Lens {
		d := dx[i*steps*f:][:steps*f]
		if n > 0 {
			g := v.geometry(1, int(n), f, out)
			marks := p.Marks
			if len(marks) > 0 {
				marks = marks[i*out*f:][:g.OW*f]
			}
			v.spread(p, &g, p.DOut.Data[i*out*f:][:g.OW*f], marks, d[:int(n)*f])
		}
		compute.Fill(p.Pool, d[int(n)*f:], 0)
	}
}

func (v *Pool1D) spread(p *Pass, g *compute.Pooling, dy []float32, marks []byte, dx []float32) {
	if v.Take == takeMean {
		compute.AvgPoolBackward(p.Pool, g, dy, dx)
	} else {
		compute.MaxPoolBackward(p.Pool, g, dy, marks, dx)
	}
}
