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
	skips, norms := hasSkip(g), hasNorm(g)
	bridge := ", no skip"
	if skips {
		bridge = ""
	}
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
		why := fmt.Sprintf("each layer shrinks them: %s a layer", figure(math.Pow(max(a/b, 1e-45), 1/float64(len(nodes)-1))))
		var cures []string
		if kind, n := squashing(g); 2*n >= len(nodes)-1 {
			why += "; " + squashes[kind].slope
			cures = append(cures, "take relu or gelu in place of "+kind)
		}
		if !skips {
			cures = append(cures, "wrap each pair of layers in a residual skip (no parameters)")
		}
		if !norms {
			cures = append(cures, "put a batchnorm before each activation")
		}
		if len(cures) == 0 {
			cures = append(cures, "start weights with the he rule, and look at the first row whose norm is small")
		}
		return []Finding{{
			Level: level, Node: first, Word: "vanish",
			What: fmt.Sprintf("gradients vanish below %s: %s at %s, %s at the head (%s over %d layers%s)",
				g.Nodes[weak].Name, figure(a), g.Nodes[first].Name, figure(b), times(b/a), len(nodes), bridge),
			Why:  why + ".",
			Cure: strings.Join(cures, ", or ") + ".",
		}}
	case ratio > explodeWarn:
		when, why := "", fmt.Sprintf("each layer enlarges them: %s a layer", figure(math.Pow(a/b, 1/float64(len(nodes)-1))))
		if s.Step < quietSteps {
			when = "at the start "
		}
		if norms && !skips {
			// Yang et al., A mean field theory of batch normalization, 2019.
			why += "; norms without skips do that, the deeper the worse"
		}
		cure := "set clip (1 is a common norm)"
		if !skips {
			cure = "wrap each pair of layers in a residual skip (no parameters), or " + cure
		} else if !norms {
			cure += ", or put a batchnorm after each layer"
		}
		return []Finding{{
			Level: "warn", Node: first, Word: "explode",
			What: fmt.Sprintf("%sgradients explode on the way down: %s at %s, %s at the head (%s over %d layers%s)",
				when, figure(a), g.Nodes[first].Name, figure(b), times(a/b), len(nodes), bridge),
			Why:  why + ".",
			Cure: cure + ".",
		}}
	}
	return nil
}

// squashes are the activations that end at limits: what they do to gradients,
// and the limits.
var squashes = map[string]struct {
	slope     string
	low, high float64
}{
	"sigmoid":     {"a sigmoid passes at most a quarter of a gradient on", 0, 1},
	"hardsigmoid": {"a hardsigmoid passes at most a sixth of a gradient on", 0, 1},
	"tanh":        {"a tanh passes little of a gradient on where its output is near 1 or −1", -1, 1},
	"hardtanh":    {"a hardtanh passes nothing on where its output is 1 or −1", -1, 1},
}

// squashing is the kind of squashing activation there is most of, and how many.
func squashing(g *model.Graph) (kind string, n int) {
	count := map[string]int{}
	for i := range g.Nodes {
		k := g.Nodes[i].Kind
		if k == nil || i == g.Output {
			continue
		}
		if _, ok := squashes[k.Name]; !ok {
			continue
		}
		if count[k.Name]++; count[k.Name] > n {
			kind, n = k.Name, count[k.Name]
		}
	}
	return kind, n
}

// hasNorm says that some layer brings what it reads to mean 0 or spread 1.
func hasNorm(g *model.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n model.Node) bool { return n.Kind != nil && strings.HasSuffix(n.Kind.Name, "norm") })
}

// hasSkip says that some node reads several others.
func hasSkip(g *model.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n model.Node) bool { return len(n.In) > 1 })
}

// dead looks for activations whose outputs are zero for a whole batch.
func dead(g *model.Graph, s *Snapshot) []Finding {
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
	why, cure := "they are zero for the whole batch, so no gradient passes and they may never come back", "lower the learning rate"
	if l.Dead == 1 {
		why = "they are zero for every sample, so nothing before them learns any more, and what comes behind sees no sample"
		cure = fmt.Sprintf("train anew with a lower learning rate, %s say", rate(s.LR/10))
	}
	if !hasNorm(g) {
		cure += ", put a batchnorm before it"
	}
	return []Finding{{
		Level: level, Node: worst, Word: "dead",
		What: fmt.Sprintf("%.0f %% of the units of %s are dead%s", 100*l.Dead, l.Name, more),
		Why:  why + ".",
		Cure: cure + ", or take leaky_relu.",
	}}
}

// saturated looks for sigmoids and the like whose outputs lie at the ends of
// their range; those of the output may.
func saturated(g *model.Graph, s *Snapshot) []Finding {
	worst, most, count := -1, 0.0, 0
	for i := range s.Layers {
		k := g.Nodes[i].Kind
		if k == nil || i == g.Output {
			continue
		}
		q, ok := squashes[k.Name]
		if !ok {
			continue
		}
		share := atEnds(&s.Layers[i].Acts, q.low, q.high)
		if !(share > saturatedWarn) {
			continue
		}
		if count++; share > most {
			worst, most = i, share
		}
	}
	if worst < 0 {
		return nil
	}
	more := ""
	if count > 1 {
		more = fmt.Sprintf(", and over %.0f %% in %d more", 100*saturatedWarn, count-1)
	}
	level := "warn"
	if most > saturatedWrong {
		level = "wrong"
	}
	kind := g.Nodes[worst].Kind.Name
	return []Finding{{
		Level: level, Node: worst, Word: "saturated",
		What: fmt.Sprintf("%.0f %% of the outputs of %s lie at the ends of its range%s", 100*most, s.Layers[worst].Name, more),
		Why:  fmt.Sprintf("a %s is flat there: hardly any gradient passes, and what lies before it stands still.", kind),
		Cure: "lower the learning rate and start with smaller weights, put a batchnorm before it, or take relu or gelu.",
	}}
}

// atEnds is the share of what h counts that lies near low or high.
func atEnds(h *Histogram, low, high float64) float64 {
	near := saturatedEnd * (high - low)
	width := (h.High - h.Low) / float64(max(len(h.Counts), 1))
	all, ends := 0, 0
	for i, n := range h.Counts {
		all += n
		if mid := h.Low + (float64(i)+0.5)*width; mid < low+near || mid > high-near {
			ends += n
		}
	}
	return float64(ends) / float64(max(all, 1))
}

// updates looks at the size of steps against the size of weights.
func updates(s *Snapshot, t *trainer) []Finding {
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
			Cure: fmt.Sprintf("lower the learning rate, to %s say.", rate(s.LR*3e-3/mid)),
		}}
	case mid < updateLow && s.LR > 0 && !lowered(s, t) && !learnt(s):
		return []Finding{{
			Level: "warn", Node: -1,
			What: fmt.Sprintf("steps are tiny: a step changes weights by %s of their size", figure(mid)),
			Why:  "around 1e-3 a network learns at a good pace; here it hardly moves.",
			Cure: fmt.Sprintf("raise the learning rate, to %s say.", rate(s.LR*min(1e-3/mid, 100))),
		}}
	}
	return nil
}

// lowered says that the schedule has brought the learning rate down.
func lowered(s *Snapshot, t *trainer) bool {
	return t.opt != nil && s.LR < loweredShare*t.opt.Rate()*t.Scale
}

// learnt says that little of the loss is left: small steps are all there is to do.
func learnt(s *Snapshot) bool {
	loss := s.Curves.TrainLoss
	return len(loss) > 0 && s.Loss < learntShare*loss[0]
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
		f := Finding{
			Level: "warn", Node: -1,
			What: fmt.Sprintf("the training loss does not fall: %s after %d steps, %s at the beginning%s", figure(now), s.Step, figure(start), chance),
			Why:  "the learning rate is far too low or too high, gradients do not get through, or labels and samples do not belong together.",
			Cure: "try the learning rate ten times higher and ten times lower; if neither helps, look at the gradient norms.",
		}
		if a, b, first := atStart(c.Graph, s); a > explodeWarn*b {
			f.Why = fmt.Sprintf("gradients exploded at the start, %s at %s and %s at the head: the first steps threw the weights about.", figure(a), c.Graph.Nodes[first].Name, figure(b))
			f.Cure = "wrap each pair of layers in a residual skip (no parameters), set clip, or warm the learning rate up for longer, and train anew."
		}
		return []Finding{f}
	}
	return nil
}

// atStart are the gradient norms of the first trained layer and of the last
// one when the run began, 0 unknown.
func atStart(g *model.Graph, s *Snapshot) (first, head float64, node int) {
	nodes := weighty(g, s)
	if len(nodes) < 3 {
		return 0, 0, 0
	}
	node = nodes[0]
	a, b := s.Layers[node].GradTrail, s.Layers[nodes[len(nodes)-1]].GradTrail
	if len(a) == 0 || len(b) == 0 {
		return 0, 0, node
	}
	return a[0], b[0], node
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

// matrix says that p has rows and columns: a weight, not a bias or a scale.
func matrix(p layers.Param) bool { return len(p.Shape) > 1 }
