package layers

import (
	"fmt"

	"layercake/compute"
)

// AdaptivePool1D makes a sequence of a given length: output step i of Size is the
// mean or the largest value, feature by feature, of the input's steps ⌊i·T/Size⌋
// to below ⌈(i+1)·T/Size⌉.
//
//	x [N, T, F]   y [N, Size, F]
//
// In a padded batch T is each sample's own length, so that all of them come
// out full; a sample of length 0 gives zeros. Of equal values the first gets the
// gradient. No parameters, no multiply-adds.
type AdaptivePool1D struct {
	Take string // takeMax or takeMean
	Size int
}

var adaptivePool1DKind = &Kind{
	Name:    "adaptivepool1d",
	Short:   "adapt1d",
	Family:  Shrink,
	Summary: "a sequence of a set length by means or maxima",
	Card: Card{
		What: "Cuts a sequence into a fixed number of pieces, however long it is, and keeps the mean or the largest value of each. " +
			"What follows always sees the same number of steps. Where the lengths do not divide, pieces overlap by a step. In a padded batch each sample is cut at its own length.",
		Formula: "y[i,f] = mean or max of x[t,f] over ⌊iT/T′⌋ ≤ t < ⌈(i+1)T/T′⌉",
		Shapes:  "T×F → T′×F, with T′ as set",
		Params:  "none",
		Cost:    "no multiply-adds; time goes with the size of the input",
		When:    "Between conv1d or recurrent layers and a dense layer, where recordings or texts differ in length and it matters roughly where something stood.",
		Instead: "timepool makes one row of the whole sequence and forgets where things stood; pool1d where the window and not the output is to be set.",
		Source:  "He et al., Spatial pyramid pooling in deep convolutional networks for visual recognition, 2014, along one axis",
	},
	New: func() Layer { return &AdaptivePool1D{Take: takeMean, Size: 8} },
	Examples: []Example{
		{Layer: &AdaptivePool1D{Take: takeMean, Size: 2}, In: []compute.Shape{{6, 3}}},
		{Layer: &AdaptivePool1D{Take: takeMean, Size: 3}, In: []compute.Shape{{5, 2}}, Lens: [][]int{{4, 0, 5}}},
		{Layer: &AdaptivePool1D{Take: takeMean, Size: 4}, In: []compute.Shape{{4, 2}}, Lens: [][]int{{2, 4, 1}}},
		{Layer: &AdaptivePool1D{Take: takeMax, Size: 3}, In: []compute.Shape{{7, 9}}},
		{Layer: &AdaptivePool1D{Take: takeMax, Size: 5}, In: []compute.Shape{{3, 2}}, Lens: [][]int{{1, 3, 0}}},
		{Layer: &AdaptivePool1D{Take: takeMax, Size: 1}, In: []compute.Shape{{1, 1}}},
	},
}

// Fields are the settings.
func (v *AdaptivePool1D) Fields() []Field {
	return []Field{
		{Name: "take", Help: "what is kept of each piece", Ptr: &v.Take, Options: []string{takeMax, takeMean}},
		{Name: "size", Help: "steps of the output", Ptr: &v.Size, Min: 1, Max: 1 << 16},
	}
}

// Label is what is kept and the output's length.
func (v *AdaptivePool1D) Label() string { return fmt.Sprintf("%s → %d", v.Take, v.Size) }

// Plan takes sequences.
func (v *AdaptivePool1D) Plan(in []compute.Shape) (Plan, error) {
	s, err := sequence(in, "use adaptiveavgpool or adaptivemaxpool on images")
	if err != nil {
		return Plan{}, err
	}
	if v.Size < 1 {
		return Plan{}, badSetting(in, "size", v.Size, 1)
	}
	// The ends of pieces are worked out by multiplying sizes.
	if max(s[0], v.Size) > 1<<30 {
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("at most %d steps", 1<<30), Cure: "use shorter sequences"}
	}
	if _, ok := product(maxElements, v.Size, s[1]); !ok {
		return Plan{}, tooLarge(in, "output", "use a smaller size")
	}
	plan := Plan{
		Out: compute.Shape{v.Size, s[1]}, AcrossTime: true, DropsLens: true,
		Window: Window{Kernel: [2]int{(s[0] + v.Size - 1) / v.Size, 1}, Stride: [2]int{max(1, s[0]/v.Size), 1}},
	}
	if v.Take == takeMax {
		plan.Reads = ReadsIn | ReadsOut
	}
	return plan, nil
}

// groups is how many lots of samples are pooled apart: one, or where lengths
// differ each sample by itself.
func (v *AdaptivePool1D) groups(p *Pass) int {
	if p.In[0].Lens == nil {
		return 1
	}
	return p.N
}

// group is the geometry of lot i and where its samples begin in memory.
func (v *AdaptivePool1D) group(p *Pass, i int) (g compute.Adaptive, in, out int) {
	x := p.In[0]
	steps, c := x.Shape[0], x.Shape[1]
	g = compute.Adaptive{N: p.N, H: steps, W: 1, C: c, OH: v.Size, OW: 1}
	if x.Lens != nil {
		g.N, g.H = 1, int(x.Lens[i])
	}
	return g, i * steps * c, i * v.Size * c
}

// Forward is the mean or the largest value of each piece.
func (v *AdaptivePool1D) Forward(p *Pass) {
	for i := range v.groups(p) {
		g, in, out := v.group(p, i)
		y := p.Out.Data[out:][:g.N*v.Size*g.C]
		if g.H == 0 {
			compute.Fill(p.Pool, y, 0)
			continue
		}
		compute.AdaptiveForward(p.Pool, &g, v.Take == takeMax, p.In[0].Data[in:][:g.N*g.H*g.C], y)
	}
}

// Backward spreads each gradient over its piece, or hands it to the step that
// won. Steps past a sample's length get none.
func (v *AdaptivePool1D) Backward(p *Pass) {
	dx := p.wanted(0)
	if dx == nil {
		return
	}
	if p.In[0].Lens != nil {
		compute.Fill(p.Pool, dx, 0)
	}
	for i := range v.groups(p) {
		g, in, out := v.group(p, i)
		if g.H == 0 {
			continue
		}
		size, made := g.N*g.H*g.C, g.N*v.Size*g.C
		dy := p.DOut.Data[out:][:made]
		if v.Take == takeMax {
			compute.AdaptiveMaxBackward(p.Pool, &g, p.In[0].Data[in:][:size], p.Out.Data[out:][:made], dy, dx[in:][:size])
		} else {
			compute.AdaptiveAvgBackward(p.Pool, &g, dy, dx[in:][:size])
		}
	}
}
