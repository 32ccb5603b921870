package model

import (
	"math"
	"strings"
	"testing"

	"layercake/compute"
	"layercake/layers"
)

// faulty is a layer whose Backward is spoilt.
type faulty struct {
	layers.Layer
	spoil func(p *layers.Pass)
}

func (f *faulty) Backward(p *layers.Pass) {
	f.Layer.Backward(p)
	f.spoil(p)
}

// with is g with one layer spoilt.
func with(t *testing.T, g *Graph, name string, spoil func(p *layers.Pass)) *Graph {
	t.Helper()
	c := *g
	c.Nodes = append([]Node(nil), g.Nodes...)
	for i := range c.Nodes {
		if n := &c.Nodes[i]; n.Name == name {
			n.Layer = &faulty{n.Layer, spoil}
			return &c
		}
	}
	t.Fatalf("no layer %s", name)
	return nil
}

// Faults of the kinds that engines have, small ones, in the middle of deep networks: the check
// names the gradient that is wrong, and no other.
func TestCheckFindsPlantedFaults(t *testing.T) {
	cases := []struct {
		what, net, layer, gradient string
		spoil                      func(p *layers.Pass)
	}{
		{"the data gradient of a convolution 1 % too large", "plain56", "stage2/4/conv1", "stage2/4/conv1.input", func(p *layers.Pass) {
			for i := range p.DIn[0].Data {
				p.DIn[0].Data[i] *= 1.01
			}
		}},
		{"a bias without a gradient", "plain56", "stage2/4/norm2", "stage2/4/norm2.bias", func(p *layers.Pass) {
			clear(p.Grads[1])
		}},
		{"a mask that stops what is little above zero", "plain20", "stage2/2/relu1", "stage2/2/relu1.input", func(p *layers.Pass) {
			for i, y := range p.Out.Data {
				if y < 0.05 {
					p.DIn[0].Data[i] = 0
				}
			}
		}},
		{"one number at the end forgotten", "plain20", "stage2/2/conv1", "stage2/2/conv1.weight", func(p *layers.Pass) {
			p.Grads[0][len(p.Grads[0])-1] = 0
		}},
		{"one channel of a norm 2 % too large", "resnet20", "stage2/2/norm1", "stage2/2/norm1.input", func(p *layers.Pass) {
			for i := 3; i < len(p.DIn[0].Data); i += len(p.Params[0]) {
				p.DIn[0].Data[i] *= 1.02
			}
		}},
	}
	pool := compute.NewPool(2)
	defer pool.Close()
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			if testing.Short() && c.net == "plain56" {
				t.Skip("long: 56 layers one by one")
			}
			g := with(t, preset(t, c.net), c.layer, c.spoil)
			results, err := Check(t.Context(), g, 1, 2, pool, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				if off := r.Name == c.gradient; r.OK() == off && r.Name != WholeNetwork {
					t.Errorf("%+v, want it off: %v", r, off)
				}
			}
			if err := CheckFailure(results); err == nil || !strings.HasPrefix(err.Error(), c.gradient+": ") {
				t.Errorf("the failure reads %v", err)
			}
		})
	}
}

// Where all layers are right and the program joins them wrongly, it shows in what training uses.
func TestCheckFindsGradientsJoinedWrongly(t *testing.T) {
	faults := map[string]func(p *Program) bool{
		"a sum forgotten": func(p *Program) bool {
			for k := range p.steps {
				if add := p.steps[k].bwd.Add; len(add) > 0 && add[0] {
					add[0] = false
					return true
				}
			}
			return false
		},
		"a relu forgotten in a fused step": func(p *Program) bool {
			for k := range p.grads {
				if a := &p.grads[k]; k > len(p.grads)/2 && a.relu >= 0 && !a.masks {
					a.relu = -1
					return true
				}
			}
			return false
		},
	}
	pool := compute.NewPool(2)
	defer pool.Close()
	for what, plant := range faults {
		t.Run(what, func(t *testing.T) {
			c, err := newChecker(preset(t, "resnet20"), 1, 2, pool)
			if err != nil {
				t.Fatal(err)
			}
			if !plant(c.trained) {
				t.Fatal("no such act in the program")
			}
			results, err := c.run(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			wrong := 0
			for _, r := range results {
				if r.Node >= 0 && r.MaxRelErr > CheckTolerance {
					t.Errorf("a layer is blamed: %+v", r)
				}
				if r.Chain > ChainTolerance {
					wrong++
				}
			}
			if err := CheckFailure(results); wrong == 0 || err == nil || !strings.Contains(err.Error(), "that training uses") {
				t.Errorf("%d gradients off, the failure reads %v", wrong, err)
			}
		})
	}
}

// What cannot be compared is not called right: the bias before a norm changes nothing.
func TestCheckSaysWhatItDoesNotSee(t *testing.T) {
	s, err := Parse("t", []byte("input: [2, 6, 6]\nlayers:\n  - conv2d: {filters: 3, kernel: 3}\n  - relu\n  - batchnorm\n  - dropout: {rate: 0.5}\n  - flatten\n  - dense: {units: 2}\n"))
	if err != nil {
		t.Fatal(err)
	}
	g := Resolve(s)
	for i := range g.Nodes {
		if g.Nodes[i].Kind != nil && g.Nodes[i].Kind.Name == "dropout" {
			g.Nodes[i].Layer = &deaf{g.Nodes[i].Layer}
		}
	}
	results, err := Check(t.Context(), g, 1, 2, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Name == "dropout1.input" && r.Seen != 0 {
			t.Errorf("%+v, want nothing seen", r)
		}
		if !r.OK() {
			t.Errorf("%+v", r)
		}
	}
}

// deaf puts out zeros and hands down none: nothing depends on what it reads.
type deaf struct{ layers.Layer }

func (d *deaf) Forward(p *layers.Pass)  { clear(p.Out.Data) }
func (d *deaf) Backward(p *layers.Pass) { clear(p.DIn[0].Data) }

// moveOf is a move of one number on a function, in float32 as layers compute.
func moveOf(x, g float64, f func(x float32) float32) *move {
	at := []float32{float32(x)}
	m := newMove(nil, at, [][]float32{{float32(g)}}, func(shift func(up bool)) [weighings]float64 {
		shift(true)
		up := f(at[0])
		shift(false)
		return [weighings]float64{float64(up) - float64(f(at[0]))}
	})
	m.rounding = func() [weighings]float64 { return [weighings]float64{math.Abs(float64(f(at[0]))) * 0x1p-23} }
	return m
}

func TestDerivatives(t *testing.T) {
	one := direction{index: []int{0}, value: []float32{1}}
	exp := func(x float32) float32 { return float32(math.Exp(float64(x))) }
	relu := func(x float32) float32 { return max(x, 0) }
	cases := []struct {
		name       string
		x, g       float64
		f          func(x float32) float32
		seen, want bool // compared; and then, found right
	}{
		{"exp", 1, math.E, exp, true, true},
		{"exp, half a percent off", 1, 1.005 * math.E, exp, true, false},
		{"exp, no gradient", 1, 0, exp, true, false},
		{"relu close to its kink", 1e-4, 1, relu, true, true},
		{"relu close to its kink, wrong side", -1e-4, 1, relu, true, false},
		{"a constant", 1, 0, func(float32) float32 { return 3 }, false, true},
		{"drowned in rounding", 1, 1, func(x float32) float32 { return 1e8 + x }, false, true},
		{"ripples too fine to see from afar", 1, 1, func(x float32) float32 {
			return float32(math.Sin(1e3*float64(x)-1e3) / 1e3)
		}, true, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := moveOf(c.x, c.g, c.f).along(one)[0]
			if d.seen != c.seen || d.seen && d.wrong() == c.want {
				t.Errorf("%+v: seen %v, wrong %v; want %v and %v", d, d.seen, d.wrong(), c.seen, !c.want)
			}
		})
	}
	// From short steps up: a bounded function looks flat from afar.
	steep := func(x float32) float32 { return float32(math.Sin(1e3 * (float64(x) - 1))) }
	if d := moveOf(1, 1e3, steep).ascend(ladder{0x1p-18, 2, 15}, one); !d.seen || d.relErr() > CheckTolerance {
		t.Errorf("a steep function: %+v, error %v", d, d.relErr())
	}
	drowned := func(x float32) float32 { return 1e3 + float32(math.Sin(1e4*(float64(x)-1))) }
	if d := moveOf(1, 1e4, drowned).ascend(ladder{0x1p-18, 2, 15}, one); d.seen && d.relErr() > CheckTolerance {
		t.Errorf("too steep for its rounding, yet judged: %+v", d)
	}
}
