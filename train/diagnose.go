package train

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"layercake/layers"
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
	// Before this many steps nothing is said: the first ones are wild.
	quietSteps = 20
)

// diagnose says what is wrong with a run, worst first, or one "good" finding.
func diagnose(c *Config, s *Snapshot, t *trainer) []Finding {
	if s.Step < quietSteps {
		return nil
	}
	var out []Finding
	out = append(out, flow(c.Graph, s)...)
	out = append(out, dead(s)...)
	out = append(out, updates(s)...)
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

// weighty are the nodes whose gradient norms can be compared: those with a
// weight matrix or kernel, in running order.
func weighty(g *model.Graph, s *Snapshot) []int {
	var nodes []int
	for i := range s.Layers {
		if !s.Layers[i].Trainable || math.IsNaN(s.Layers[i].GradNorm) {
			continue
		}
		if slices.ContainsFunc(g.Nodes[i].Plan.Params, matrix) {
			nodes = append(nodes, i)
		}
	}
	return nodes
}

// perWeight is a node's gradient norm over the root of its number of weights.
func perWeight(g *model.Graph, s *Snapshot, node int) float64 {
	n := 0
	for _, p := range g.Nodes[node].Plan.Params {
		n += p.Shape.Size()
	}
	return s.Layers[node].GradNorm / math.Sqrt(float64(max(n, 1)))
}

// flow looks at how gradients get from the head down to the first layer.
func flow(g *model.Graph, s *Snapshot) []Finding {
	nodes := weighty(g, s)
	if len(nodes) < 3 {
		return nil
	}
	first, head := nodes[0], nodes[len(nodes)-1]
	a, b := s.Layers[first].GradNorm, s.Layers[head].GradNorm
	if b == 0 && a == 0 {
		return []Finding{{
			Level: "wrong", Node: head, Word: "no gradient",
			What: "no gradient reaches any layer: all norms are 0",
			Why:  "the loss does not depend on the weights: the output is saturated, or every unit on the way is dead.",
			Cure: "lower the learning rate and start again.",
		}}
	}
	ratio := perWeight(g, s, first) / perWeight(g, s, head)
	skips := hasSkip(g)
	switch {
	case ratio < vanishWarn:
		level := "warn"
		if ratio < vanishWrong {
			level = "wrong"
		}
		// The row to point at is the last one going down that is still strong.
		weak := first
		for _, i := range nodes {
			if perWeight(g, s, i) < vanishWarn*perWeight(g, s, head) {
				weak = i
			}
		}
		bridge, cure := ", no skip", "wrap each pair of layers in a residual skip (no parameters), or put a batchnorm after each."
		if skips {
			bridge, cure = "", "put a batchnorm after each convolution, and start weights with the he rule."
		}
		return []Finding{{
			Level: level, Node: first, Word: "vanish",
			What: fmt.Sprintf("gradients vanish below %s: %s at %s, %s at the head (%s over %d layers%s)",
				g.Nodes[weak].Name, figure(a), g.Nodes[first].Name, figure(b), times(b/a), len(nodes), bridge),
			Why:  fmt.Sprintf("each layer shrinks them: %s a layer.", figure(math.Pow(max(a/b, 1e-45), 1/float64(len(nodes)-1)))),
			Cure: cure,
		}}
	case ratio > explodeWarn:
		return []Finding{{
			Level: "warn", Node: first, Word: "explode",
			What: fmt.Sprintf("gradients explode on the way down: %s at %s, %s at the head (%s over %d layers)",
				figure(a), g.Nodes[first].Name, figure(b), times(a/b), len(nodes)),
			Why:  fmt.Sprintf("each layer enlarges them: %s a layer.", figure(math.Pow(a/b, 1/float64(len(nodes)-1)))),
			Cure: "set clip (1 is a common norm), or put residual skips and batchnorm in.",
		}}
	}
	return nil
}

// hasSkip says that some node reads several others.
func hasSkip(g *model.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n model.Node) bool { return len(n.In) > 1 })
}

func dead(s *Snapshot) []Finding {
	worst, count := -1, 0
	for i := range s.Layers {
		d := s.Layers[i].Dead
		if !(d > deadWarn) {
			continue
		}
		count++
		if worst < 0 || d > s.Layers[worst].Dead {
			worst = i
		}
	}
	if worst < 0 {
		return nil
	}
	l := &s.Layers[worst]
	level := "warn"
	if l.Dead > deadWrong {
		level = "wrong"
	}
	more := ""
	if count > 1 {
		more = fmt.Sprintf(", and over %.0f %% in %d more", 100*deadWarn, count-1)
	}
	return []Finding{{
		Level: level, Node: worst, Word: "dead",
		What: fmt.Sprintf("%.0f %% of the units of %s are dead%s", 100*l.Dead, l.Name, more),
		Why:  "they are zero for the whole batch, so no gradient passes and they may never come back.",
		Cure: "lower the learning rate, put a batchnorm before it, or take leaky_relu.",
	}}
}

// updates looks at the size of steps against the size of weights.
func updates(s *Snapshot) []Finding {
	var all []float64
	worst := -1
	for i := range s.Layers {
		u := s.Layers[i].Update
		if !s.Layers[i].Trainable || math.IsNaN(u) {
			continue
		}
		all = append(all, u)
		if worst < 0 || u > s.Layers[worst].Update {
			worst = i
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	mid := all[len(all)/2]
	switch {
	case mid > updateHigh:
		return []Finding{{
			Level: "warn", Node: worst, Word: "large",
			What: fmt.Sprintf("steps are large: a step changes weights by %s of their size, most at %s (%s)", figure(mid), s.Layers[worst].Name, figure(s.Layers[worst].Update)),
			Why:  "around 1e-3 weights settle; at this size they jump about.",
			Cure: fmt.Sprintf("lower the learning rate, to %s say.", figure(s.LR*3e-3/mid)),
		}}
	case mid < updateLow && s.LR > 0:
		return []Finding{{
			Level: "warn", Node: -1,
			What: fmt.Sprintf("steps are tiny: a step changes weights by %s of their size", figure(mid)),
			Why:  "around 1e-3 a network learns at a good pace; here it hardly moves.",
			Cure: "raise the learning rate, unless it has been brought down on purpose at the end.",
		}}
	}
	return nil
}

// progress looks at the course of the training loss.
func progress(c *Config, s *Snapshot) []Finding {
	loss := s.Curves.TrainLoss
	if s.Step < stuckSteps || len(loss) < 16 {
		return nil
	}
	tail := max(4, len(loss)/8)
	start, now := mean(loss[:tail]), mean(loss[len(loss)-tail:])
	low := now
	for i := 0; i+tail <= len(loss); i += tail {
		low = min(low, mean(loss[i:i+tail]))
	}
	chance := ""
	if k := len(c.Data.Classes); k > 1 && math.Abs(now-math.Log(float64(k))) < 0.1 {
		chance = fmt.Sprintf(", which is guessing among %d classes", k)
	}
	switch {
	case now > low*(1+risingShare) && now-low > 0.05:
		return []Finding{{
			Level: "warn", Node: -1,
			What: fmt.Sprintf("the training loss rises: it was %s and is %s%s", figure(low), figure(now), chance),
			Why:  "steps overshoot: they are too long for how curved the loss is here.",
			Cure: "lower the learning rate, or set clip.",
		}}
	case now > start*(1-stuckShare) && now > 0.02:
		return []Finding{{
			Level: "warn", Node: -1,
			What: fmt.Sprintf("the training loss does not fall: %s after %d steps, %s at the beginning%s", figure(now), s.Step, figure(start), chance),
			Why:  "the learning rate is far too low or too high, gradients do not get through, or labels and samples do not belong together.",
			Cure: "try the learning rate ten times higher and ten times lower; if neither helps, look at the gradient norms.",
		}}
	}
	return nil
}

// overfit looks at test against training loss, epoch by epoch.
func overfit(tests []EventEpoch) []Finding {
	if len(tests) < 3 {
		return nil
	}
	last, best := len(tests)-1, 0
	for i := range tests {
		if tests[i].TestLoss < tests[best].TestLoss {
			best = i
		}
	}
	was, is := float64(tests[best].TestLoss), float64(tests[last].TestLoss)
	if last-best < 2 || !(is > was*(1+overfitShare)) || !(tests[last].TrainLoss < tests[best].TrainLoss) {
		return nil
	}
	return []Finding{{
		Level: "warn", Node: -1,
		What: fmt.Sprintf("over-fitting since epoch %d: the test loss rose from %s to %s while the training loss fell to %s",
			tests[best].Epoch, figure(was), figure(is), figure(float64(tests[last].TrainLoss))),
		Why:  "the network learns its samples by heart instead of what they have in common.",
		Cure: "stop here, add dropout, weight_decay or augmentation, or take a smaller network.",
	}}
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

// matrix says that p has rows and columns: a weight, not a bias or a scale.
func matrix(p layers.Param) bool { return len(p.Shape) > 1 }
