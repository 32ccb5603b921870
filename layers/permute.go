package layers

import (
	"fmt"

	"layercake/compute"
)

// Permute puts the axes of an image or sequence into another order. Axes are
// counted from 1, as people read them: C×H×W or T×F.
//
//	x [N, …]   y: axis j of y is axis Order[j] of x
//
// No parameters, no multiply-adds.
type Permute struct{ Order compute.Shape }

var permuteKind = &Kind{
	Name:    "permute",
	Short:   "permute",
	Family:  Flow,
	Summary: "the axes in another order",
	Card: Card{
		What: "Puts the axes into another order: [2, 1] makes a sequence of F steps with T features of one of T steps with F features; [1, 3, 2] mirrors an image on its diagonal. " +
			"No number changes, only where it stands. Axes are counted from 1; the batch is not one of them.",
		Formula: "order [2, 1]: y[j,i] = x[i,j]",
		Shapes:  "order [2, 1]: T×F → F×T; order [3, 1, 2]: C×H×W → W×C×H",
		Params:  "none",
		Cost:    "no multiply-adds; one copy",
		When:    "When the next layer works along another axis: to mix steps with a dense layer, as MLP-Mixer does, permute, dense, and permute back.",
		Instead: "reshape, when the order in which numbers are read should stay; tokens, to make a sequence of an image's pixels at no cost.",
		Source:  "Tolstikhin et al., MLP-Mixer: an all-MLP architecture for vision, 2021",
	},
	New: func() Layer { return &Permute{Order: compute.Shape{2, 1}} },
	Examples: []Example{
		{Layer: &Permute{compute.Shape{2, 1}}, In: []compute.Shape{{3, 4}}},
		{Layer: &Permute{compute.Shape{1, 2}}, In: []compute.Shape{{3, 4}}},
		{Layer: &Permute{compute.Shape{2, 3, 1}}, In: []compute.Shape{{3, 2, 4}}},
		{Layer: &Permute{compute.Shape{3, 1, 2}}, In: []compute.Shape{{3, 2, 4}}},
		{Layer: &Permute{compute.Shape{1, 3, 2}}, In: []compute.Shape{{5, 2, 3}}},
		{Layer: &Permute{compute.Shape{3, 2, 1}}, In: []compute.Shape{{2, 3, 17}}},
		{Layer: &Permute{compute.Shape{2, 1, 3}}, In: []compute.Shape{{1, 3, 1}}},
	},
}

// Fields are the settings.
func (l *Permute) Fields() []Field {
	return []Field{{Name: "order", Help: "which axis comes first, second, third; counted from 1", Ptr: &l.Order, Min: 1, Max: 3}}
}

// Label is the order.
func (l *Permute) Label() string {
	return Field{Ptr: &l.Order}.Get().String()
}

// Plan refuses orders that leave out an axis or name one twice.
func (l *Permute) Plan(in []compute.Shape) (Plan, error) {
	const want = "a sequence T×F or an image C×H×W"
	s, err := one(in, want)
	if err != nil {
		return Plan{}, err
	}
	if len(s) != 2 && len(s) != 3 {
		return Plan{}, &ShapeError{Got: in, Want: want, Cure: "put a reshape before it, or leave it out"}
	}
	out := make(compute.Shape, len(l.Order))
	ok, same := len(l.Order) == len(s), true
	var seen [3]bool
	for j, a := range l.Order {
		if !ok || a < 1 || a > len(s) || seen[a-1] {
			return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("an order of the axes 1 to %d, each once, not %s", len(s), l.Label()),
				Cure: "set order to " + [...]string{"[2, 1]", "[2, 3, 1] or another of the six"}[len(s)-2]}
		}
		seen[a-1] = true
		out[j] = s[a-1]
		same = same && a == j+1
	}
	return Plan{Out: out, View: same, AcrossTime: !same, DropsLens: !same, AddsGrad: true}, nil
}

// memoryAxes are the axes in the order in which memory has them: images lie
// channels last.
func memoryAxes(axes int) [3]int {
	if axes == 3 {
		return [3]int{1, 2, 0}
	}
	return [3]int{0, 1, 2}
}

// permuted is the copy that puts axis order[j] of shape s at axis j.
func permuted(s compute.Shape, order [3]int) compute.Permutation {
	memory := memoryAxes(len(s))
	var strides [3]int // of the axes of s
	step := 1
	for i := len(s) - 1; i >= 0; i-- {
		strides[memory[i]] = step
		step *= s[memory[i]]
	}
	g := compute.Permutation{Dims: [3]int{1, 1, 1}}
	front := 3 - len(s)
	for j := range len(s) {
		a := order[memory[j]]
		g.Dims[front+j], g.Strides[front+j] = s[a], strides[a]
	}
	return g
}

// Forward copies.
func (l *Permute) Forward(p *Pass) {
	var order [3]int
	for j, a := range l.Order {
		order[j] = a - 1
	}
	g := permuted(p.In[0].Shape, order)
	compute.Permute(p.Pool, p.N, &g, p.In[0].Data, p.Out.Data, false)
}

// Backward copies back.
func (l *Permute) Backward(p *Pass) {
	dx := p.wanted(0)
	if dx == nil {
		return
	}
	var back [3]int
	for j, a := range l.Order {
		back[a-1] = j
	}
	g := permuted(p.Out.Shape, back)
	compute.Permute(p.Pool, p.N, &g, p.DOut.Data, dx, p.adds(0))
}
