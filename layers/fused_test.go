package layers

import (
	"fmt"
	"math"
	"testing"

	"layercake/compute"
)

// normals are n numbers for a test, the same for the same name.
func normals(name string, n int) []float32 {
	r := Stream(7, name)
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// A sum with relu is the sum and then relu, wherever Plan lets it lie.
func TestAddReLU(t *testing.T) {
	shape := compute.Shape{3, 5}
	const batch = 3
	n := batch * shape.Size()
	for inputs := 2; inputs <= 4; inputs++ {
		var in []compute.Tensor
		var shapes []compute.Shape
		for i := range inputs {
			in = append(in, compute.Tensor{Shape: shape, Data: normals(fmt.Sprint(i), n)})
			shapes = append(shapes, shape)
		}
		plan, err := (&Add{}).Plan(shapes)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]float32, n)
		(&Add{}).Forward(&Pass{N: batch, In: in, Out: compute.Tensor{Shape: shape, Data: want}})
		sums := append([]float32(nil), want...)
		compute.ActForward(nil, compute.ActReLU, 0, want, want)
		for on := -1; on < inputs; on++ {
			if on == 0 && !plan.InPlace || on == 1 && !plan.InPlaceOnSecond || on > 1 {
				continue
			}
			for _, relu := range []bool{false, true} {
				out := make([]float32, n)
				lying := append([]compute.Tensor(nil), in...)
				if on >= 0 {
					copy(out, in[on].Data)
					lying[on].Data = out
				}
				p := &Pass{N: batch, In: lying, Out: compute.Tensor{Shape: shape, Data: out}}
				what := fmt.Sprintf("%d inputs, output on %d, relu %v", inputs, on, relu)
				if relu {
					(&Add{}).ForwardReLU(p)
					sameBits(t, what, out, want)
				} else {
					(&Add{}).Forward(p)
					sameBits(t, what, out, sums)
				}
			}
		}
	}
}

// Every layer that may work in place outside of training gives the same there.
func TestInferInPlace(t *testing.T) {
	seen := 0
	for _, k := range Catalog {
		for _, ex := range k.Examples {
			plan, err := ex.Layer.Plan(ex.In)
			if err != nil {
				t.Fatal(err)
			}
			if !plan.InferInPlace {
				continue
			}
			seen++
			const batch = 3
			x := normals("x", batch*ex.In[0].Size())
			var params, state [][]float32
			for _, q := range plan.Params {
				params = append(params, normals(q.Name, q.Shape.Size()))
			}
			for _, q := range plan.State {
				v := normals(q.Name, q.Shape.Size())
				for i := range v {
					v[i] = v[i]*v[i] + 0.1
				}
				state = append(state, v)
			}
			y := make([]float32, batch*plan.Out.Size())
			p := &Pass{N: batch, Params: params, State: state, In: []compute.Tensor{{Shape: ex.In[0], Data: x}}, Out: compute.Tensor{Shape: plan.Out, Data: y}}
			p.Scratch = make([]float32, plan.Scratch.At(batch))
			ex.Layer.Forward(p)
			p.Out.Data = x
			ex.Layer.Forward(p)
			sameBits(t, fmt.Sprint(k.Name, ex.In), x, y)
		}
	}
	if seen == 0 {
		t.Error("no example works in place outside of training")
	}
}
