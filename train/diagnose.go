package train

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"layercake/model"
)

// What diagnose calls wrong. Norms are compared per weight (norm/√count), so
// that a small layer is not called weak for being small.
const (
	// Gradients vanish or explode when the first trained layer's and the last
	// one's are so far apart. A factor of 0.74 a layer makes 1e-7 of 56 layers.
	vanishWarn  = 1e-3
	vanishWrong = 1e-5
	explodeWarn = 1e3
	// A unit that is zero for a whole batch passes no gradient. Up to half of
	// them is common under relu.
	deadWarn  = 0.5
	deadWrong = 0.9
	// A step changes weights by some 1/1000 of their size when all is well
	// (Karpathy, A recipe for training neural networks, 2019).
	updateHigh = 3e-2
	updateLow  = 1e-5
	// A loss that has not come down by this share after so many steps is stuck.
	stuckShare = 0.02
	stuckSteps = 200
	// The loss is rising when it is so far above its lowest point.
	risingShare = 0.5
	// Over-fitting: the test loss is so far above its best, epochs later, while
	// the training loss has fallen.
	overfitShare = 0.05
	// Before this many steps only the way of the gradients is looked at, which the
	// network's build decides: all else is wild at first.
	quietSteps = 20
	// The learning rate has been brought down on purpose below this share of its
	// height, and the samples are learnt where that of the first loss is left.
	loweredShare = 0.1
	learntShare  = 0.02
	// A sigmoid or tanh is saturated where so many outputs lie within so much of
	// the ends of its range.
	saturatedWarn  = 0.7
	saturatedWrong = 0.95
	saturatedEnd   = 0.05
)

// diagnose says what is wrong with a run, worst first, or one "good" finding.
func diagnose(c *Config, s *Snapshot, t *trainer) []Finding {
	if s.Step < quietSteps {
		return flow(c.Graph, s)
	}
	var out []Finding
	out = append(out, saturated(c.Graph, s)...) // a cause before what comes of it
	out = append(out, flow(c.Graph, s)...)
	out = append(out, dead(c.Graph, s)...)
	out = append(out, updates(s, t)...)
	out = append(out, progress(c, s)...)
	out = append(out, overfit(t.Tests)...)
	if len(out) == 0 {
		return healthy(c.Graph, s)
	}
	rank := func(f Finding) int {
		if f.Level == "wrong" {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// healthy is the finding when there is no other.
func healthy(g *model.Graph, s *Snapshot) []Finding {
	nodes := weighty(g, s)
	if len(nodes) == 0 {
		return nil
	}
	lo, hi := nodes[0], nodes[0]
	var ratios []float64
	for _, i := range nodes {
		if s.Layers[i].GradNorm < s.Layers[lo].GradNorm {
			lo = i
		}
		if s.Layers[i].GradNorm > s.Layers[hi].GradNorm {
			hi = i
		}
		if u := s.Layers[i].Update; !math.IsNaN(u) {
			ratios = append(ratios, u)
		}
	}
	what := fmt.Sprintf("gradients reach every layer: %s at %s to %s at %s",
		figure(s.Layers[lo].GradNorm), g.Nodes[lo].Name, figure(s.Layers[hi].GradNorm), g.Nodes[hi].Name)
	if len(ratios) > 0 {
		slices.Sort(ratios)
		what += fmt.Sprintf("; a step changes weights by %s of their size", figure(ratios[len(ratios)/2]))
	}
	if loss := s.Curves.TrainLoss; len(loss) > 0 && !math.IsNaN(s.Loss) {
		what += fmt.Sprintf("; the loss went from %s to %s", lossWord(loss[0]), lossWord(s.Loss))
		if s.Loss > loss[0]*(1-stuckShare) {
			what = strings.Replace(what, "; the loss went from", ", but the loss has not fallen yet:", 1)
		}
	}
	return []Finding{{Level: "good", Node: -1, What: what}}
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// figure writes x with two digits: 0.74, 3e-9, 2.1e-2.
func figure(x float64) string {
	if x == 0 || math.Abs(x) >= 0.1 && math.Abs(x) < 1000 {
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	m, e, _ := strings.Cut(strconv.FormatFloat(x, 'e', 1, 64), "e")
	n, err := strconv.Atoi(e)
	if err != nil {
		return strconv.FormatFloat(x, 'g', 2, 64) // NaN, Inf
	}
	return strings.TrimSuffix(m, ".0") + "e" + strconv.Itoa(n)
}

// lossWord writes a loss with three decimals where that says enough.
func lossWord(x float64) string {
	if x >= 1e-3 && x < 1000 {
		return strconv.FormatFloat(x, 'f', 3, 64)
	}
	return figure(x)
}

// rate writes a learning rate as one types it, with a digit: 0.05, 3e-5.
func rate(x float64) string {
	round, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 0, 64), 64)
	if err != nil || round < 1e-4 || round > 1e4 {
		return figure(x)
	}
	return strconv.FormatFloat(round, 'f', -1, 64)
}

// times is a factor: ×12, ×1e7.
func times(x float64) string {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return "to nothing"
	}
	if x < 1000 {
		return fmt.Sprintf("×%.0f", x)
	}
	return fmt.Sprintf("×1e%.0f", math.Round(math.Log10(x)))
}
