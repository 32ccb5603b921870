package layers

import (
	"testing"

	"layercake/compute"
)

// TestBatchNormLengths: fused with a relu or a sum, batch norm leaves out the
// same steps as alone.
func TestBatchNormLengths(t *testing.T) {
	const batch = 3
	shape := compute.Shape{5, 4}
	n := batch * shape.Size()
	b := &BatchNorm{Eps: 1e-3, Momentum: 0.1, Affine: true}
	x, z, dy := normals("x", n), normals("z", n), normals("dy", n)
	pass := func() *Pass {
		p := &Pass{N: batch, Train: true, In: []compute.Tensor{{Shape: shape, Data: x, Lens: []int32{2, 0, 5}}}}
		p.Out = compute.Tensor{Shape: shape, Data: make([]float32, n)}
		p.DOut = compute.Tensor{Shape: shape, Data: append([]float32(nil), dy...)}
		p.DIn = []compute.Tensor{{Shape: shape, Data: make([]float32, n)}}
		for range 2 {
			p.Params = append(p.Params, normals("parameter", 4))
			p.Grads = append(p.Grads, make([]float32, 4))
			p.State = append(p.State, make([]float32, 4))
			p.Saved = append(p.Saved, make([]float32, 4))
		}
		return p
	}
	// then runs relu's two passes behind p's own.
	then := func(p *Pass, sum []float32) (y []float32) {
		b.Forward(p)
		y = append([]float32(nil), p.Out.Data...)
		if sum != nil {
			compute.AddTo(nil, y, sum)
		}
		compute.ActForward(nil, compute.ActReLU, 0, y, y)
		compute.ActBackward(nil, compute.ActReLU, 0, nil, y, dy, p.DOut.Data)
		b.Backward(p)
		return y
	}
	same := func(what string, p, want *Pass) {
		t.Helper()
		sameBits(t, what+": gradient", p.DIn[0].Data, want.DIn[0].Data)
		for i := range p.Grads {
			sameBits(t, what+": gradient of a parameter", p.Grads[i], want.Grads[i])
			sameBits(t, what+": running value", p.State[i], want.State[i])
		}
	}

	want, p := pass(), pass()
	y := then(want, nil)
	b.ForwardReLU(p)
	sameBits(t, "relu: output", p.Out.Data, y)
	b.BackwardReLU(p, dy)
	same("relu", p, want)

	want, p = pass(), pass()
	y = then(want, z)
	got := make([]float32, n)
	b.ForwardAdd(p, z, got, true)
	sameBits(t, "sum and relu: output", got, y)
	b.BackwardMasked(p, y, dy)
	sameBits(t, "sum and relu: gradient of the sum", p.DOut.Data, want.DOut.Data)
	same("sum and relu", p, want)

	for i := 0; i < n; i++ {
		if step := i / 4; step%5 >= 2 && step < 5 || step >= 5 && step < 10 {
			if want.DIn[0].Data[i] != 0 {
				t.Fatalf("step %d is past its sequence's end and gets a gradient", step)
			}
		}
	}
}
