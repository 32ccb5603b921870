package gradcheck

import (
	"strings"
	"testing"

	"layercake/compute"
	"layercake/layers"
)

// cube is y = x³·w, right unless it is told to break one promise.
type cube struct {
	breaks string
	trash  []byte
}

func (c *cube) Fields() []layers.Field { return nil }

func (c *cube) Label() string { return "" }

func (c *cube) Plan(in []compute.Shape) (layers.Plan, error) {
	p := layers.Plan{
		Out:      in[0],
		Params:   []layers.Param{{Name: "weight", Shape: compute.Shape{1}}},
		Reads:    layers.ReadsIn,
		AddsGrad: true,
	}
	switch c.breaks {
	case "reads":
		p.Reads = layers.ReadsOut
	case "in place":
		p.InPlace = true
	case "view":
		p.View = true
	case "passes":
		p.PassesGrad = true
	case "fresh":
		p.WritesGrads = true
	}
	return p, nil
}

func (c *cube) Forward(p *layers.Pass) {
	if c.breaks == "allocates" {
		c.trash = make([]byte, 1<<12)
	}
	w := p.Params[0][0]
	if c.breaks == "threads" && p.Pool != nil && p.Pool.Threads() > 1 {
		w *= 1 + 1e-5
	}
	for i, x := range p.In[0].Data {
		if c.breaks == "unwritten" && i == 2 {
			continue
		}
		p.Out.Data[i] = x * x * x * w
	}
}

func (c *cube) Backward(p *layers.Pass) {
	w := p.Params[0][0]
	for i, x := range p.In[0].Data {
		dy := p.DOut.Data[i]
		if p.Grads[0] != nil {
			if c.breaks == "writes" && i == 0 {
				p.Grads[0][0] = 0
			}
			p.Grads[0][0] += dy * x * x * x
		}
		if dx := p.DIn[0].Data; dx != nil {
			g := 3 * x * x * w * dy
			if c.breaks == "gradient" {
				g *= 1.01
			}
			if c.breaks == "one element" && i == 3 {
				g = 0
			}
			if p.Add[0] && c.breaks != "add" {
				g += dx[i]
			}
			dx[i] = g
		}
	}
}

func TestErrors(t *testing.T) {
	// What each broken promise is reported as; the first must be reported as nothing.
	cases := []struct{ breaks, report string }{
		{"", ""},
		{"gradient", "gradient of input 0: off by"},
		{"one element", "gradient of input 0"},
		{"reads", "is Reads right?"},
		{"in place", "when it lies on the output's"},
		{"view", "view's output"},
		{"passes", "says PassesGrad"},
		{"unwritten", "element 2 of the output unwritten"},
		{"writes", "gradient of weight is not added"},
		{"add", "says AddsGrad"},
		{"fresh", "says WritesGrads"},
		{"allocates", "allocations"},
		{"threads", "number of threads"},
	}
	for _, c := range cases {
		t.Run(c.breaks, func(t *testing.T) {
			errs := Check{}.Errors(&cube{breaks: c.breaks}, []compute.Shape{{2, 3}})
			if c.report == "" {
				if len(errs) > 0 {
					t.Fatalf("a layer that keeps its promises is blamed: %v", errs)
				}
				return
			}
			for _, e := range errs {
				if strings.Contains(e.Error(), c.report) {
					return
				}
			}
			t.Fatalf("got %v, want a report of %q", errs, c.report)
		})
	}
}
