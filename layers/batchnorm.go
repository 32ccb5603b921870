package layers

import (
	"fmt"

	"layercake/compute"
)

// BatchNorm brings every channel to mean 0 and variance 1 over the batch, then
// stretches and shifts it by learnt amounts.
//
//	y = weight·(x − mean)/√(var + Eps) + bias
//
//	x, y                       [N, H, W, C], [N, T, C] or [N, C]: statistics over all axes but C
//	weight [C]                 ones     absent without Affine, as is bias
//	bias   [C]                 zeros
//	running_mean [C]           zeros    state
//	running_var  [C]           ones     state
//	num_batches_tracked [1]    0        state, with Cumulative alone
//
// In training mean and variance are the batch's, and the running values move
// towards them by Momentum (the variance by its unbiased estimate, as in
// PyTorch), or with Cumulative by one part in as many as there were batches, so that they
// are the mean over all of them; otherwise the running values are used. Steps past a sequence's length
// have no part in the statistics, and in training their output is 0. No
// multiply-adds are counted.
type BatchNorm struct {
	Eps      float64
	Momentum float64
	Affine   bool
	// Cumulative has the running values be the mean over all batches: PyTorch's
	// momentum=None.
	Cumulative bool
}

var batchNormKind = &Kind{
	Name:    "batchnorm",
	Short:   "norm",
	Family:  Regularize,
	Summary: "each channel to mean 0, spread 1 over the batch",
	Card: Card{
		What: "Takes each channel, subtracts its mean over the batch and divides by its spread, then lets the network choose a new scale and offset. " +
			"The layers behind it always see numbers of the same size, so learning rates can be larger and deep stacks train. " +
			"While it learns it remembers a running mean and spread, and uses those when it is asked for answers.",
		Formula: "y = γ·(x − μ)/√(σ² + ε) + β",
		Shapes:  "unchanged",
		Params:  "2·C, without weight decay (and 2·C running statistics that are not trained)",
		Cost:    "no multiply-adds are counted; time goes with the size of the activation",
		When:    "Right behind a convolution, before its activation; that convolution then needs no bias.",
		Instead: "With batches under about 8, or in transformers, layernorm: it does not depend on who else is in the batch.",
		Source:  "Ioffe and Szegedy, Batch normalization, 2015",
	},
	New: func() Layer { return &BatchNorm{Eps: 1e-5, Momentum: 0.1, Affine: true} },
	Examples: []Example{
		{Layer: &BatchNorm{Eps: 1e-5, Momentum: 0.1, Affine: true}, In: []compute.Shape{{3, 4, 3}}},
		{Layer: &BatchNorm{Eps: 1e-3, Momentum: 0.5, Affine: true}, In: []compute.Shape{{4, 5}}},
		{Layer: &BatchNorm{Eps: 1e-2, Momentum: 0.1, Affine: true}, In: []compute.Shape{{6}}},
		{Layer: &BatchNorm{Eps: 1e-5, Momentum: 0.1}, In: []compute.Shape{{2, 3, 3}}},
		{Layer: &BatchNorm{Eps: 1e-5, Momentum: 0.1, Affine: true, Cumulative: true}, In: []compute.Shape{{2, 3}}},
		{Layer: &BatchNorm{Eps: 1e-2, Momentum: 0.1, Affine: true}, In: []compute.Shape{{4, 3}}, Lens: [][]int{{3, 0, 4}}},
	},
}

// Fields are the settings.
func (b *BatchNorm) Fields() []Field {
	return []Field{
		{Name: "eps", Help: "added to the variance, so that nothing is divided by zero", Ptr: &b.Eps, Min: 1e-12, Max: 1},
		{Name: "momentum", Help: "share of the batch in the running statistics", Ptr: &b.Momentum, Min: 0, Max: 1},
		{Name: "affine", Help: "learn a scale and an offset for each channel", Ptr: &b.Affine},
		{Name: "cumulative", Help: "running statistics are the mean over all batches, without momentum", Ptr: &b.Cumulative},
	}
}

// Label says what differs from the usual settings.
func (b *BatchNorm) Label() string {
	switch {
	case !b.Affine:
		return "no scale"
	case b.Cumulative:
		return "cumulative"
	case b.Momentum != 0.1:
		return fmt.Sprintf("momentum %g", b.Momentum)
	case b.Eps != 1e-5:
		return fmt.Sprintf("eps %g", b.Eps)
	}
	return ""
}

// Plan takes images, sequences and vectors.
func (b *BatchNorm) Plan(in []compute.Shape) (Plan, error) {
	s, err := oneToNormalize(in)
	if err != nil {
		return Plan{}, err
	}
	_, c := rows(s)
	each := compute.Shape{c}
	plan := Plan{
		Out: s,
		State: []Param{
			{Name: "running_mean", Shape: each, Init: Init{Kind: InitConstant}},
			{Name: "running_var", Shape: each, Init: Init{Kind: InitConstant, Value: 1}},
		},
		Saved:       []Room{{Fixed: c}, {Fixed: c}}, // mean and 1/√(var + eps) of the batch
		Reads:       ReadsIn,
		GradInPlace: true, InferInPlace: true,
	}
	if b.Affine {
		plan.Params = scaleAndShift(c, true)
	}
	if b.Cumulative {
		plan.State = append(plan.State, Param{Name: "num_batches_tracked", Shape: compute.Shape{1}, Init: Init{Kind: InitConstant}})
	}
	return plan, nil
}

// padded is the lengths of the samples where some steps do not count.
func (p *Pass) padded() []int32 {
	if len(p.In[0].Shape) != 2 {
		return nil
	}
	return p.In[0].Lens
}

// running are the mean and the variance that a training pass moves and the share
// of the batch in them, which is counted; nil where an earlier pass has moved them.
func (b *BatchNorm) running(p *Pass) (mean, variance []float32, share float32) {
	if p.Again {
		return nil, nil, 0
	}
	share = float32(b.Momentum)
	if b.Cumulative {
		seen := &p.State[2][0]
		*seen++
		share = 1 / *seen
	}
	return p.State[0], p.State[1], share
}

// forwardPadded is the training pass over padded sequences: y = norm + z, with
// relu max(y, 0). z may be nil.
func (b *BatchNorm) forwardPadded(p *Pass, lens []int32, z, y []float32, relu bool) {
	t, c := rows(p.In[0].Shape)
	mean, variance, share := b.running(p)
	compute.BatchNormPaddedForward(p.Pool, p.N, t, c, lens, p.In[0].Data, p.param(0), p.param(1), z, y,
		p.Saved[0], p.Saved[1], mean, variance, float32(b.Eps), share, relu)
}

// Forward normalizes by the batch in training, by the running values otherwise.
func (b *BatchNorm) Forward(p *Pass) {
	n, c := rows(p.In[0].Shape)
	n *= p.N
	if !p.Train {
		compute.BatchNormInfer(p.Pool, n, c, p.In[0].Data, p.param(0), p.param(1), p.Out.Data, p.State[0], p.State[1], float32(b.Eps))
		return
	}
	if lens := p.padded(); lens != nil {
		b.forwardPadded(p, lens, nil, p.Out.Data, false)
		return
	}
	mean, variance, share := b.running(p)
	compute.BatchNormForward(p.Pool, n, c, p.In[0].Data, p.param(0), p.param(1), p.Out.Data,
		p.Saved[0], p.Saved[1], mean, variance, float32(b.Eps), share)
}

// ForwardReLU is Forward and then max(y, 0), to the same bits.
func (b *BatchNorm) ForwardReLU(p *Pass) {
	n, c := rows(p.In[0].Shape)
	n *= p.N
	if !p.Train {
		compute.BatchNormReLUInfer(p.Pool, n, c, p.In[0].Data, p.param(0), p.param(1), p.Out.Data, p.State[0], p.State[1], float32(b.Eps))
		return
	}
	if lens := p.padded(); lens != nil {
		b.forwardPadded(p, lens, nil, p.Out.Data, true)
		return
	}
	mean, variance, share := b.running(p)
	compute.BatchNormReLUForward(p.Pool, n, c, p.In[0].Data, p.param(0), p.param(1), p.Out.Data,
		p.Saved[0], p.Saved[1], mean, variance, float32(b.Eps), share)
}

// ForwardAdd is y = Forward + z, with relu max(y, 0), to the same bits as one
// step after the other: the end of a residual block. p.Out is not written. y
// may be z, but not the input.
func (b *BatchNorm) ForwardAdd(p *Pass, z, y []float32, relu bool) {
	n, c := rows(p.In[0].Shape)
	n *= p.N
	if !p.Train {
		compute.BatchNormAddInfer(p.Pool, n, c, p.In[0].Data, p.param(0), p.param(1), z, y, p.State[0], p.State[1], float32(b.Eps), relu)
		return
	}
	if lens := p.padded(); lens != nil {
		b.forwardPadded(p, lens, z, y, relu)
		return
	}
	mean, variance, share := b.running(p)
	compute.BatchNormAddForward(p.Pool, n, c, p.In[0].Data, p.param(0), p.param(1), z, y,
		p.Saved[0], p.Saved[1], mean, variance, float32(b.Eps), share, relu)
}

// Backward is the gradient through the batch's own mean and variance.
func (b *BatchNorm) Backward(p *Pass) {
	n, c := rows(p.In[0].Shape)
	if lens := p.padded(); lens != nil {
		compute.BatchNormPaddedBackward(p.Pool, p.N, n, c, lens, p.In[0].Data, p.param(0), p.Saved[0], p.Saved[1],
			p.DOut.Data, p.wanted(0), p.grad(0), p.grad(1))
		return
	}
	n *= p.N
	compute.BatchNormBackward(p.Pool, n, c, p.In[0].Data, p.param(0), p.Saved[0], p.Saved[1],
		p.DOut.Data, p.wanted(0), p.grad(0), p.grad(1))
}

// BackwardReLU is Backward where dy is the gradient of relu(y), not of y: relu's
// gradient and then Backward, to the same bits. p.DOut is not read.
func (b *BatchNorm) BackwardReLU(p *Pass, dy []float32) {
	n, c := rows(p.In[0].Shape)
	if lens := p.padded(); lens != nil {
		compute.BatchNormPaddedReLUBackward(p.Pool, p.N, n, c, lens, p.In[0].Data, p.param(0), p.param(1), p.Saved[0], p.Saved[1],
			dy, p.wanted(0), p.grad(0), p.grad(1))
		return
	}
	n *= p.N
	compute.BatchNormReLUBackward(p.Pool, n, c, p.In[0].Data, p.param(0), p.param(1), p.Saved[0], p.Saved[1],
		dy, p.wanted(0), p.grad(0), p.grad(1))
}

// BackwardMasked writes p.DOut, dy where y > 0 and 0 elsewhere, and is then
// Backward, to the same bits: y is a relu's output and dy its gradient. dy may be p.DOut.
func (b *BatchNorm) BackwardMasked(p *Pass, y, dy []float32) {
	n, c := rows(p.In[0].Shape)
	if lens := p.padded(); lens != nil {
		compute.BatchNormPaddedMaskBackward(p.Pool, p.N, n, c, lens, p.In[0].Data, p.param(0), p.Saved[0], p.Saved[1],
			y, dy, p.DOut.Data, p.wanted(0), p.grad(0), p.grad(1))
		return
	}
	n *= p.N
	compute.BatchNormMaskBackward(p.Pool, n, c, p.In[0].Data, p.param(0), p.Saved[0], p.Saved[1],
		y, dy, p.DOut.Data, p.wanted(0), p.grad(0), p.grad(1))
}

// FoldInto works the layer, as it normalizes outside of training, into weights
// w [rows, channels] and bias b, which may be nil, of the product before it, and
// writes wOut and bOut. params and state are the layer's own.
func (b *BatchNorm) FoldInto(pool *compute.Pool, w, bias []float32, params, state [][]float32, wOut, bOut []float32) {
	var gamma, beta []float32
	if b.Affine {
		gamma, beta = params[0], params[1]
	}
	c := len(bOut)
	compute.FoldBatchNorm(pool, len(w)/c, c, w, bias, gamma, beta, state[0], state[1], float32(b.Eps), wOut, bOut)
}
