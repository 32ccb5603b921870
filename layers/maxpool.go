package layers

import (
	"fmt"

	"layercake/compute"
)

// MaxPool keeps the largest value of each window, channel by channel.
//
//	x [N, H, W, C]   y [N, H′, W′, C]   H′ = ⌊(H + padding − kernel)/stride⌋ + 1
//
// Padding never wins. Of equal values the first in reading order gets the
// gradient. No parameters, no multiply-adds.
type MaxPool struct{ pooled }

var maxPoolKind = &Kind{
	Name:    "maxpool",
	Short:   "maxpool",
	Family:  Shrink,
	Summary: "the largest value of each window",
	Card: Card{
		What: "Cuts the image into windows and keeps the largest value of each, channel by channel. " +
			"Whether a feature was found matters more than the exact pixel, and what follows has a quarter of the work for a 2×2 window.",
		Formula: "y[c,i,j] = max x[c, i·s+u−p, j·s+v−p]",
		Shapes:  "C×H×W → C×H′×W′ with H′ = ⌊(H + 2p − k)/s⌋ + 1; ⌈…⌉ with ceil",
		Params:  "none",
		Cost:    "no multiply-adds; time goes with the size of the input",
		When:    "Between groups of convolutions, to halve rows and columns.",
		Instead: "A conv2d of stride 2 learns how to shrink, at the price of its weights; avgpool keeps the gradient flowing to all pixels.",
		Source:  "Ranzato et al., Unsupervised learning of invariant feature hierarchies, 2007",
	},
	New: func() Layer { return &MaxPool{pooled{Kernel: Pair{2, 2}}} },
	Examples: []Example{
		{Layer: &MaxPool{pooled{Kernel: Pair{2, 2}}}, In: []compute.Shape{{3, 4, 6}}},
		{Layer: &MaxPool{pooled{Kernel: Pair{3, 3}, Stride: Pair{2, 2}, Padding: Padding{Same: true}}}, In: []compute.Shape{{2, 5, 6}}},
		{Layer: &MaxPool{pooled{Kernel: Pair{2, 3}, Stride: Pair{1, 2}}}, In: []compute.Shape{{2, 3, 5}}},
		{Layer: &MaxPool{pooled{Kernel: Pair{2, 2}}}, In: []compute.Shape{{1, 5, 5}}},
		{Layer: &MaxPool{pooled{Kernel: Pair{3, 3}, Stride: Pair{2, 2}, Ceil: true}}, In: []compute.Shape{{2, 6, 5}}},
	},
}

// Fields are the settings.
func (m *MaxPool) Fields() []Field { return m.fields() }

// Label is the window and its stride.
func (m *MaxPool) Label() string { return m.label() }

// Plan refuses windows that do not fit, and those of more than 256 pixels,
// since a byte holds the place of the largest.
func (m *MaxPool) Plan(in []compute.Shape) (Plan, error) {
	plan, err := m.plan(in)
	if err != nil {
		return Plan{}, err
	}
	if m.Kernel[0]*m.Kernel[1] > 256 {
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("a window of at most 256 pixels, not %s", times(m.Kernel)), Cure: "use a smaller kernel, or two pools"}
	}
	plan.Marks = Room{PerSample: plan.Out.Size()}
	return plan, nil
}

// Forward keeps, in training, where each largest value was.
func (m *MaxPool) Forward(p *Pass) {
	g := m.geometry(p.N, p.In[0].Shape)
	marks := p.Marks
	if !p.Train {
		marks = nil
	}
	compute.MaxPoolForward(p.Pool, &g, p.In[0].Data, p.Out.Data, marks)
}

// Backward hands each gradient to the pixel that won.
func (m *MaxPool) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		g := m.geometry(p.N, p.In[0].Shape)
		compute.MaxPoolBackward(p.Pool, &g, p.DOut.Data, p.Marks, dx)
	}
}

// Geometry is the pooling of n images of shape in.
func (m *MaxPool) Geometry(n int, in compute.Shape) compute.Pooling { return m.geometry(n, in) }
