package tui

import (
	"math"
	"strconv"
	"strings"
	"time"

	"layercake/model"
	"layercake/train"
	"layercake/tui/widget"
)

// rowStats are a row's live figures: a node's, or a group's together.
type rowStats struct {
	trained bool    // has weights
	grad    float64 // L2 norm of the gradients; NaN unknown
	weight  float64 // L2 norm of the weights
	update  float64 // norm of the step / norm of the weights
	spread  float64 // standard deviation of the outputs; of a group NaN
	dead    float64 // share of dead units, of a group the worst; NaN for none
	weights int64   // how many
	forward,
	backward time.Duration // of one step
	forwardMACs, backwardMACs float64   // of one sample
	trail                     []float64 // grad over the run
}

// statsOf gathers the figures of row r; grads are g.GradientMACs. A group's norms
// are those of all its gradients and weights as one vector: the root of the sum
// of squares.
func statsOf(g *model.Graph, grads []int64, snap *train.Snapshot, r *model.Row) rowStats {
	nan := math.NaN()
	s := rowStats{grad: nan, weight: nan, update: nan, spread: nan, dead: nan}
	if snap == nil {
		return s
	}
	grad, weight, step := 0.0, 0.0, 0.0
	add := func(i int) {
		if i < 0 || i >= len(snap.Layers) || i >= len(g.Nodes) {
			return
		}
		l, n := &snap.Layers[i], &g.Nodes[i]
		s.forward += l.Forward
		s.backward += l.Backward
		s.forwardMACs += float64(n.Plan.MACs)
		s.backwardMACs += float64(grads[i])
		if !math.IsNaN(l.Dead) && !(s.dead >= l.Dead) {
			s.dead = l.Dead
		}
		s.spread = l.ActStd
		if !l.Trainable {
			return
		}
		s.trained = true
		for _, p := range n.Plan.Params {
			s.weights += int64(p.Shape.Size())
		}
		grad += l.GradNorm * l.GradNorm
		weight += l.WeightNorm * l.WeightNorm
		step += l.Update * l.WeightNorm * l.Update * l.WeightNorm
		for len(s.trail) < len(l.GradTrail) {
			s.trail = append(s.trail, 0)
		}
		for k, x := range l.GradTrail {
			s.trail[k] += x * x
		}
	}
	if r.Node >= 0 && !r.Group {
		add(r.Node)
	} else {
		for i := r.Nodes[0]; i < r.Nodes[1]; i++ {
			add(i)
		}
		if r.Node >= r.Nodes[1] || r.Node >= 0 && r.Node < r.Nodes[0] {
			add(r.Node)
		}
		if r.Node < 0 {
			s.spread = nan
		}
	}
	if s.trained {
		s.grad, s.weight = math.Sqrt(grad), math.Sqrt(weight)
		s.update = math.Sqrt(step) / s.weight
		for k := range s.trail {
			s.trail[k] = math.Sqrt(s.trail[k])
		}
	}
	return s
}

// The bars of gradient norms go from and to here, the same in every network,
// on a logarithmic scale.
const gradLow, gradHigh = 1e-4, 1e1

// trainColumns are what Train shows of each row; peak is the GFLOP/s that the
// threads reach at most, 0 unknown.
func trainColumns(t *theme, st *stack, g *model.Graph, snap *train.Snapshot, peak float64) []column {
	batch, grads := float64(batchOf(g.Spec)), g.GradientMACs()
	// Several columns ask for the same row in turn.
	last, have := rowStats{}, -1
	of := func(i int, r *model.Row) *rowStats {
		if i != have {
			last, have = statsOf(g, grads, snap, r), i
		}
		return &last
	}
	speed := func(s *rowStats) float64 {
		return gigaflops(s.forwardMACs+s.backwardMACs, batch, s.forward+s.backward)
	}
	figure := func(x float64) string {
		if math.IsNaN(x) {
			return t.dim.Render("–")
		}
		return t.text.Render(widget.Sci(x))
	}
	return []column{
		{title: "params", width: max(len(widget.Group(g.Params())), len("params")), right: true, rank: 3,
			help: "how many numbers the row learns.", cell: func(_ int, r *model.Row, _ int) string {
				if r.Params == 0 {
					return ""
				}
				return t.text.Render(widget.Group(r.Params))
			}},
		{title: "gradient", width: 8, right: true,
			help: "how hard the loss pulls at the row's weights: the norm (root of the sum of squares) of their gradients in the last step.", cell: func(i int, r *model.Row, _ int) string {
				if s := of(i, r); s.trained {
					return figure(s.grad)
				}
				return ""
			}},
		{title: "norm", width: 11, grow: 5,
			help: "the same as a bar from 1e-4 to 10, in every network alike; ten times the norm makes the bar a fifth longer. Norms that fade row by row towards the input mean that the first rows hardly learn. What is wrong with a row is said here.", cell: func(i int, r *model.Row, w int) string {
				if f := findingAt(snap, r, r.Group && !st.isFolded(i)); f != nil {
					return levelStyle(t, f.Level).Render(levelSign(f.Level) + " " + f.Word)
				}
				if s := of(i, r); s.trained && !math.IsNaN(s.grad) {
					return t.good.Render(strings.TrimRight(widget.Line(widget.LogShare(s.grad, gradLow, gradHigh), w, t.ascii), " "))
				}
				return ""
			}},
		{title: "so far", width: 8, grow: 8, rank: 4,
			help: "the gradient norm from the start of the run to now.", cell: func(i int, r *model.Row, w int) string {
				if s := of(i, r); s.trained && len(s.trail) > 0 {
					return t.dim.Render(widget.Spark(s.trail, min(w, len(s.trail)), true, t.ascii))
				}
				return ""
			}},
		{title: "update", width: 6, right: true, rank: 2,
			help: "how far the last step moved the weights, as a part of their size. Around 1e-3 is usual; at 1e-1 they jump about, at 1e-6 they stand still.", cell: func(i int, r *model.Row, _ int) string {
				if s := of(i, r); s.trained {
					return figure(s.update)
				}
				return ""
			}},
		{title: "spread", width: 6, right: true, rank: 5,
			help: "standard deviation of the row's outputs over the batch: one that shrinks or grows row by row says that the signal fades or blows up.", cell: func(i int, r *model.Row, _ int) string {
				if s := of(i, r); !math.IsNaN(s.spread) {
					return t.text.Render(short(s.spread))
				}
				return ""
			}},
		{title: "dead", width: 5, right: true, rank: 4,
			help: "the share of units that put out 0 for the whole batch: no gradient passes them, and they may never come back.", cell: func(i int, r *model.Row, _ int) string {
				if s := of(i, r); !math.IsNaN(s.dead) {
					n, unit, _ := strings.Cut(widget.Percent(s.dead, 0), " ")
					style := t.text
					if s.dead == 0 {
						style = t.dim
					}
					return style.Render(n) + t.dim.Render(" "+unit)
				}
				return ""
			}},
		{title: "ms", width: 5, right: true, rank: 1,
			help: "milliseconds of the last step, forward and backward.", cell: func(i int, r *model.Row, _ int) string {
				if s := of(i, r); s.forward+s.backward > 0 {
					return t.dim.Render(widget.Millis(s.forward + s.backward))
				}
				return ""
			}},
		{title: "GF/s", width: 5, right: true, rank: 6,
			help: "billions of operations a second, two of them a multiply-add.", cell: func(i int, r *model.Row, _ int) string {
				if x := speed(of(i, r)); x > 0 {
					return t.dim.Render(strconv.FormatFloat(x, 'f', decimals(x), 64))
				}
				return ""
			}},
		{title: "peak", width: 5, right: true, rank: 7,
			help: "the same as a share of what these threads reach at most.", cell: func(i int, r *model.Row, _ int) string {
				if x := speed(of(i, r)); x > 0 && peak > 0 {
					return t.dim.Render(widget.Percent(x/peak, 0))
				}
				return ""
			}},
	}
}

// gigaflops is the speed of so many multiply-adds a sample, each two
// operations, over a batch; 0 unknown.
func gigaflops(macs, batch float64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return 2 * macs * batch / d.Seconds() / 1e9
}

// decimals are as many as keep a speed within five cells.
func decimals(x float64) int {
	switch {
	case x < 9.995:
		return 2
	case x < 999.95:
		return 1
	}
	return 0
}

// short writes x in at most six cells: 0.11, 12.3, 588, 3e-4, 4.4e-2.
func short(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return "–"
	case math.IsInf(x, 0) || a >= 99999.5 || a > 0 && a < 0.0995:
		m, e, ok := strings.Cut(widget.Sci(x), ".0e")
		if ok {
			return m + "e" + e
		}
		return widget.Sci(x)
	}
	n, prefix := widget.SI(x)
	return n + prefix
}

// findingAt is the worst finding that points at row r; of an open group, whose
// rows say it themselves, nil.
func findingAt(snap *train.Snapshot, r *model.Row, open bool) *train.Finding {
	if snap == nil {
		return nil
	}
	for i := range snap.Verdict {
		f := &snap.Verdict[i]
		if f.Node < 0 || f.Word == "" {
			continue
		}
		if f.Node == r.Node || r.Group && !open && f.Node >= r.Nodes[0] && f.Node < r.Nodes[1] {
			return f
		}
	}
	return nil
}
