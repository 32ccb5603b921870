package model

import (
	"fmt"
	"math"
	"math/rand/v2"

	"layercake/compute"
	"layercake/layers"
)

// toy is a layer for tests of the Program alone: small, smooth, and between
// them the toys set every flag of a Plan that changes what the Program does.
type toy struct {
	kind  string
	units int
}

func (t *toy) Fields() []layers.Field { return nil }
func (t *toy) Label() string          { return t.kind }

func (t *toy) Plan(in []compute.Shape) (layers.Plan, error) {
	f := in[0].Size()
	switch t.kind {
	case "mat": // y = x·W + b
		return layers.Plan{
			Out: compute.Shape{t.units},
			Params: []layers.Param{
				{Name: "weight", Shape: compute.Shape{f, t.units}, Init: layers.Init{Kind: layers.InitGlorot, FanIn: f, FanOut: t.units}, Decay: true},
				{Name: "bias", Shape: compute.Shape{t.units}, Init: layers.Init{Kind: layers.InitUniform, Value: 0.2}},
			},
			Reads: layers.ReadsIn, AddsGrad: true, WritesGrads: t.units%2 == 0,
		}, nil
	case "square": // y = x² / 4 + x, without Add
		return layers.Plan{Out: in[0], Reads: layers.ReadsIn}, nil
	case "tanh":
		return layers.Plan{Out: in[0], Reads: layers.ReadsOut, InPlace: true}, nil
	case "half": // y = x/2, reads nothing
		return layers.Plan{Out: in[0], InPlace: true}, nil
	case "sum":
		return layers.Plan{Out: in[0], InPlace: true, PassesGrad: true}, nil
	case "product": // y = a·b
		return layers.Plan{Out: in[0], Reads: layers.ReadsIn}, nil
	case "product+": // y = a·b, heeding Add
		return layers.Plan{Out: in[0], Reads: layers.ReadsIn, AddsGrad: true}, nil
	case "view":
		return layers.Plan{Out: append(compute.Shape{1}, in[0]...), View: true}, nil
	case "center": // y = x − mean over features; saves nothing, scratches a row
		return layers.Plan{Out: in[0], Scratch: layers.Room{PerSample: 1, Fixed: 3}}, nil
	case "exp": // y = e^(x/4), saved
		return layers.Plan{Out: in[0], Saved: []layers.Room{{Fixed: 5}, {PerSample: f}}}, nil
	case "drop": // every third by Seed, marks kept
		return layers.Plan{Out: in[0], Marks: layers.Room{PerSample: f}, InPlace: true}, nil
	}
	panic("no toy " + t.kind)
}

func (t *toy) Forward(p *layers.Pass) {
	x, y := p.In[0].Data, p.Out.Data
	switch t.kind {
	case "mat":
		compute.Gemm(p.Pool, false, false, p.N, t.units, len(x)/p.N, x, len(x)/p.N, p.Params[0], t.units, y, t.units, compute.Epilogue{Bias: p.Params[1]})
	case "square":
		for i, v := range x {
			y[i] = v*v/4 + v
		}
	case "tanh":
		for i, v := range x {
			y[i] = float32(math.Tanh(float64(v)))
		}
	case "half":
		for i, v := range x {
			y[i] = v / 2
		}
	case "sum":
		for i := range y {
			s := x[i]
			for _, in := range p.In[1:] {
				s += in.Data[i]
			}
			y[i] = s
		}
	case "product", "product+":
		for i := range y {
			y[i] = x[i] * p.In[1].Data[i]
		}
	case "center":
		t.center(p, x, y)
	case "exp":
		for i, v := range x {
			y[i] = float32(math.Exp(float64(v) / 4))
		}
		copy(p.Saved[1], y)
		p.Saved[0][4] = 1
	case "drop":
		for i, v := range x {
			p.Marks[i] = 1
			if p.Train && mix(p.Seed+uint64(i))%3 == 0 {
				p.Marks[i] = 0
			}
			y[i] = v * float32(p.Marks[i])
		}
	default:
		panic("runs a view")
	}
}

func (t *toy) center(p *layers.Pass, x, y []float32) {
	f := len(x) / p.N
	mean := p.Scratch[3:]
	for n := range mean {
		mean[n] = 0
		for _, v := range x[n*f : n*f+f] {
			mean[n] += v / float32(f)
		}
	}
	for i := range y {
		y[i] = x[i] - mean[i/f]
	}
}

func (t *toy) Backward(p *layers.Pass) {
	x, y, dy := p.In[0].Data, p.Out.Data, p.DOut.Data
	dx := p.DIn[0].Data
	switch t.kind {
	case "mat":
		f := len(x) / p.N
		if p.Grads[0] != nil {
			compute.Gemm(p.Pool, true, false, f, t.units, p.N, x, f, dy, t.units, p.Grads[0], t.units, compute.Epilogue{Add: !p.Fresh})
			if p.Fresh {
				clear(p.Grads[1])
			}
			for i, v := range dy {
				p.Grads[1][i%t.units] += v
			}
		}
		if dx != nil {
			compute.Gemm(p.Pool, false, true, p.N, f, t.units, dy, t.units, p.Params[0], t.units, dx, f, compute.Epilogue{Add: p.Add[0]})
		}
	case "square":
		for i := range dx {
			dx[i] = dy[i] * (x[i]/2 + 1)
		}
	case "tanh":
		for i := range dx {
			dx[i] = dy[i] * (1 - y[i]*y[i])
		}
	case "half":
		for i := range dx {
			dx[i] = dy[i] / 2
		}
	case "product", "product+":
		for k := range p.DIn {
			other := p.In[1-k].Data
			for i := range p.DIn[k].Data {
				d := dy[i] * other[i]
				if p.Add[k] {
					d += p.DIn[k].Data[i]
				}
				p.DIn[k].Data[i] = d
			}
		}
	case "center":
		if dx != nil {
			t.center(p, dy, dx)
		}
	case "exp":
		for i := range dx {
			dx[i] = dy[i] * p.Saved[1][i] / 4 * p.Saved[0][4]
		}
	case "drop":
		for i := range dx {
			dx[i] = dy[i] * float32(p.Marks[i])
		}
	default:
		panic("runs a view or a sum backward")
	}
}

// toyNet is a graph written by hand: "name kind in,in" with F features.
type toyNet struct {
	g *Graph
}

func newToyNet(inputs, features int) *toyNet {
	t := &toyNet{g: &Graph{Name: "toys"}}
	for i := range inputs {
		name := fmt.Sprintf("input%d", i)
		t.g.Inputs = append(t.g.Inputs, Input{Name: name, Shape: compute.Shape{features}})
		t.g.Nodes = append(t.g.Nodes, Node{Name: name, Share: -1, Plan: layers.Plan{Out: compute.Shape{features}}})
	}
	return t
}

// add appends a node that the output is read from, and returns its index.
func (t *toyNet) add(kind string, units int, in ...int) int {
	return t.layer(kind, &toy{kind, units}, in...)
}

func (t *toyNet) layer(kind string, l layers.Layer, in ...int) int {
	var shapes []compute.Shape
	for _, v := range in {
		shapes = append(shapes, t.g.Nodes[v].Plan.Out)
	}
	plan, err := l.Plan(shapes)
	if err != nil {
		panic(err)
	}
	k := layers.Lookup(kind)
	if k == nil {
		k = &layers.Kind{Name: kind}
	}
	i := len(t.g.Nodes)
	t.g.Nodes = append(t.g.Nodes, Node{
		Name: fmt.Sprintf("%s%d", kind, i), Kind: k, Layer: l, In: in, Share: -1, Plan: plan,
	})
	t.g.Output = i
	return i
}

// randomNet is a graph of toys wired at random.
func randomNet(r *rand.Rand, size int) *Graph {
	const f = 5
	t := newToyNet(1+r.IntN(2), f)
	mats := []int{}
	for range size {
		pick := func() int {
			n := len(t.g.Nodes)
			if r.IntN(3) > 0 { // mostly what is near
				return max(0, n-1-r.IntN(min(3, n)))
			}
			return r.IntN(n)
		}
		kinds := []string{"mat", "mat", "square", "tanh", "tanh", "half", "sum", "sum", "product", "product+", "view", "center", "exp", "drop"}
		kind := kinds[r.IntN(len(kinds))]
		switch kind {
		case "sum":
			in := []int{pick(), pick()}
			if r.IntN(3) == 0 {
				in = append(in, pick())
			}
			t.add(kind, f, in...)
		case "product", "product+":
			// A product of what has been squashed stays small.
			a, b := t.add("tanh", f, pick()), t.add("tanh", f, pick())
			t.add(kind, f, a, b)
		case "square", "exp":
			t.add(kind, f, t.add("tanh", f, pick()))
		case "mat":
			i := t.add(kind, f, pick())
			if len(mats) > 0 && r.IntN(4) == 0 {
				t.g.Nodes[i].Share = mats[r.IntN(len(mats))]
			}
			mats = append(mats, i)
		default:
			t.add(kind, f, pick())
		}
	}
	return t.g
}
