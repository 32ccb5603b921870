package model

import (
	"math"

	"layercake/compute"
	"layercake/layers"
)

// withoutKinks is g with the layers that have kinks replaced by their straight
// pieces: in the first Forward after *replay is false they run and note the
// piece that each element is on; from then on every element stays on its
// piece. At the noted point value and gradient are the network's own, and the
// gradient comes from the layers' own Backward; around it the function is smooth, so that
// differences of any length mean something. The slopes of the pieces are
// written out here, apart from the engine's.
func withoutKinks(g *Graph, replay *bool) *Graph {
	smooth := *g
	smooth.Nodes = append([]Node(nil), g.Nodes...)
	for i := range smooth.Nodes {
		n := &smooth.Nodes[i]
		switch l := n.Layer.(type) {
		case *layers.Elementwise:
			act, alpha := l.Function()
			if slope := slopeOf(act, float64(alpha)); slope != nil {
				n.Layer = &straightened{Layer: l, replay: replay, slope: slope}
			}
		case *layers.MaxPool:
			n.Layer = &settledPool{MaxPool: l, replay: replay}
		}
	}
	return &smooth
}

// slopeOf is the derivative of an activation with kinks, nil for smooth ones.
func slopeOf(act compute.Act, alpha float64) func(x float64) float64 {
	piece := func(low, high, below, between, above float64) func(float64) float64 {
		return func(x float64) float64 {
			switch {
			case x <= low:
				return below
			case x < high:
				return between
			}
			return above
		}
	}
	switch act {
	case compute.ActReLU:
		return piece(0, 0, 0, 0, 1)
	case compute.ActLeakyReLU:
		return piece(0, 0, alpha, alpha, 1)
	case compute.ActReLU6:
		return piece(0, 6, 0, 1, 0)
	case compute.ActHardSigmoid:
		return piece(-3, 3, 0, 1.0/6, 0)
	case compute.ActHardSwish:
		return func(x float64) float64 {
			switch {
			case x <= -3:
				return 0
			case x < 3:
				return x/3 + 0.5
			}
			return 1
		}
	case compute.ActELU:
		return func(x float64) float64 {
			if x > 0 {
				return 1
			}
			return alpha * math.Exp(x)
		}
	case compute.ActSELU: // Klambauer et al., Self-normalizing neural networks, 2017
		return func(x float64) float64 {
			const scale, alpha = 1.0507009873554805, 1.6732632423543772
			if x > 0 {
				return scale
			}
			return scale * alpha * math.Exp(x)
		}
	}
	return nil
}

// straightened is an activation as the line that touches it where it was
// noted: y = y₀ + slope·(x − x₀).
type straightened struct {
	layers.Layer
	replay       *bool
	slope        func(x float64) float64
	x0, y0, tilt []float32
}

func (s *straightened) Forward(p *layers.Pass) {
	x, y := p.In[0].Data, p.Out.Data
	if *s.replay {
		for i, v := range x {
			y[i] = s.y0[i] + s.tilt[i]*(v-s.x0[i])
		}
		return
	}
	s.x0 = append(s.x0[:0], x...)
	s.tilt = s.tilt[:0]
	for _, v := range x {
		s.tilt = append(s.tilt, float32(s.slope(float64(v))))
	}
	s.Layer.Forward(p)
	s.y0 = append(s.y0[:0], y...)
}

// settledPool is max pooling that goes on taking the pixels it took first.
type settledPool struct {
	*layers.MaxPool
	replay *bool
	from   []int32 // by output element: the input element it takes
	marks  []byte
}

func (s *settledPool) Forward(p *layers.Pass) {
	x, y := p.In[0].Data, p.Out.Data
	if *s.replay {
		for i := range y {
			y[i] = x[s.from[i]]
		}
		copy(p.Marks, s.marks)
		return
	}
	s.MaxPool.Forward(p)
	s.marks = append(s.marks[:0], p.Marks...)
	s.from = s.from[:0]
	g := s.Geometry(p.N, p.In[0].Shape)
	for i := range y {
		c, at := i%g.C, i/g.C
		ox, at := at%g.OW, at/g.OW
		oy, n := at%g.OH, at/g.OH
		mark := int(s.marks[i])
		iy := oy*g.StrideH - g.PadTop + mark/g.KW
		ix := ox*g.StrideW - g.PadLeft + mark%g.KW
		s.from = append(s.from, int32(((n*g.H+iy)*g.W+ix)*g.C+c))
	}
}
