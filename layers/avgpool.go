package layers

import "layercake/compute"

// AvgPool is the mean of each window, channel by channel.
//
//	x [N, H, W, C]   y [N, H′, W′, C]   H′ = ⌊(H + padding − kernel)/stride⌋ + 1
//
// A window that reaches over the border is divided by its whole area with
// CountPad, by the pixels inside the image without. No parameters, no
// multiply-adds.
type AvgPool struct {
	pooled
	CountPad bool
}

var avgPoolKind = &Kind{
	Name:    "avgpool",
	Short:   "avgpool",
	Family:  Shrink,
	Summary: "the mean of each window",
	Card: Card{
		What: "Cuts the image into windows and keeps the mean of each, channel by channel: the same picture at a lower resolution. " +
			"Every pixel of a window gets the same share of the gradient.",
		Formula: "y[c,i,j] = mean of x[c, i·s+u−p, j·s+v−p]",
		Shapes:  "C×H×W → C×H′×W′ with H′ = ⌊(H + 2p − k)/s⌋ + 1; ⌈…⌉ with ceil",
		Params:  "none",
		Cost:    "no multiply-adds; time goes with the size of the input",
		When:    "To shrink smoothly: in DenseNet's transitions, in LeNet, on shortcuts of residual nets.",
		Instead: "maxpool when the strongest reply counts; globalavgpool to average the whole image at the end.",
		Source:  "LeCun et al., Gradient-based learning applied to document recognition, 1998",
	},
	New: func() Layer { return &AvgPool{pooled: pooled{Kernel: Pair{2, 2}}, CountPad: true} },
	Examples: []Example{
		{Layer: &AvgPool{pooled: pooled{Kernel: Pair{2, 2}}, CountPad: true}, In: []compute.Shape{{3, 4, 6}}},
		{Layer: &AvgPool{pooled: pooled{Kernel: Pair{3, 3}, Stride: Pair{2, 2}, Padding: Padding{Same: true}}, CountPad: true}, In: []compute.Shape{{2, 5, 6}}},
		{Layer: &AvgPool{pooled: pooled{Kernel: Pair{3, 3}, Stride: Pair{2, 2}, Padding: Padding{Same: true}}}, In: []compute.Shape{{2, 5, 6}}},
		{Layer: &AvgPool{pooled: pooled{Kernel: Pair{2, 3}, Stride: Pair{1, 2}}}, In: []compute.Shape{{2, 3, 5}}},
		{Layer: &AvgPool{pooled: pooled{Kernel: Pair{2, 3}, Stride: Pair{2, 2}, Padding: Padding{Top: 1, Left: 1}, Ceil: true}, CountPad: true}, In: []compute.Shape{{2, 4, 6}}},
	},
}

// Fields are the settings.
func (a *AvgPool) Fields() []Field {
	return append(a.fields(), Field{Name: "count_pad", Help: "count the border's zeros in the mean", Ptr: &a.CountPad})
}

// Label is the window and its stride.
func (a *AvgPool) Label() string { return a.label() }

// Plan refuses windows that do not fit.
func (a *AvgPool) Plan(in []compute.Shape) (Plan, error) { return a.plan(in) }

// Forward is the mean of each window.
func (a *AvgPool) Forward(p *Pass) {
	g := a.geometry(p.N, p.In[0].Shape)
	g.CountPad = a.CountPad
	compute.AvgPoolForward(p.Pool, &g, p.In[0].Data, p.Out.Data)
}

// Backward spreads each gradient evenly over its window.
func (a *AvgPool) Backward(p *Pass) {
	if dx := p.wanted(0); dx != nil {
		g := a.geometry(p.N, p.In[0].Shape)
		g.CountPad = a.CountPad
		compute.AvgPoolBackward(p.Pool, &g, p.DOut.Data, dx)
	}
}
