package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"layercake/layers"
	"layercake/model"
)

// descent is the way of the gradients, from the head down to the first layer.
type descent struct {
	g           *model.Graph
	s           *Snapshot
	nodes       []int // weighty ones
	first, head int
	low, top    float64 // gradient norms of first and head
}

// flow compares both ends of the descent.
func flow(g *model.Graph, s *Snapshot) []Finding {
	nodes := weighty(g, s)
	if len(nodes) < 3 {
		return nil
	}
	d := descent{g: g, s: s, nodes: nodes, first: nodes[0], head: nodes[len(nodes)-1]}
	d.low, d.top = s.Layers[d.first].GradNorm, s.Layers[d.head].GradNorm
	if d.low == 0 && d.top == 0 {
		return []Finding{{
			Level: "wrong", Node: d.head, Word: "no gradient",
			What: "no gradient reaches any layer: all norms are 0",
			Why:  "the loss does not depend on the weights: the output is saturated, or every unit on the way is dead.",
			Cure: "lower the learning rate and start again.",
		}}
	}
	switch ratio := perWeight(g, s, d.first) / perWeight(g, s, d.head); {
	case ratio < vanishWrong:
		return []Finding{d.vanishes("wrong")}
	case ratio < vanishWarn:
		return []Finding{d.vanishes("warn")}
	case ratio > explodeWarn:
		return []Finding{d.explodes()}
	}
	return nil
}

func (d *descent) vanishes(level string) Finding {
	// The row to point at is the last one going down that is still strong.
	weak := d.first
	for _, i := range d.nodes {
		if perWeight(d.g, d.s, i) < vanishWarn*perWeight(d.g, d.s, d.head) {
			weak = i
		}
	}
	why := "each layer shrinks them: " + d.aLayer(max(d.low/d.top, 1e-45))
	var cures []string
	if kind, n := squashing(d.g); 2*n >= len(d.nodes)-1 {
		why += "; " + squashes[kind].slope
		cures = append(cures, "take relu or gelu in place of "+kind)
	}
	if !hasSkip(d.g) {
		cures = append(cures, "wrap each pair of layers in a residual skip (no parameters)")
	}
	if !hasNorm(d.g) {
		cures = append(cures, "put a batchnorm before each activation")
	}
	if len(cures) == 0 {
		cures = append(cures, "start weights with the he rule, and look at the first row whose norm is small")
	}
	return Finding{
		Level: level, Node: d.first, Word: "vanish",
		What: fmt.Sprintf("gradients vanish below %s: %s", d.g.Nodes[weak].Name, d.ends(d.top/d.low)),
		Why:  why + ".",
		Cure: strings.Join(cures, ", or ") + ".",
	}
}

func (d *descent) explodes() Finding {
	skips, norms := hasSkip(d.g), hasNorm(d.g)
	when := ""
	if d.s.Step < quietSteps {
		when = "at the start "
	}
	why := "each layer enlarges them: " + d.aLayer(d.low/d.top)
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
	return Finding{
		Level: "warn", Node: d.first, Word: "explode",
		What: fmt.Sprintf("%sgradients explode on the way down: %s", when, d.ends(d.low/d.top)),
		Why:  why + ".",
		Cure: cure + ".",
	}
}

// aLayer is the factor for each of d's layers that makes so much of all of them.
func (d *descent) aLayer(ratio float64) string {
	return figure(math.Pow(ratio, 1/float64(len(d.nodes)-1))) + " a layer"
}

// ends says how large gradients are at both ends, and how far these lie apart.
func (d *descent) ends(ratio float64) string {
	bridge := ", no skip"
	if hasSkip(d.g) {
		bridge = ""
	}
	return fmt.Sprintf("%s at %s, %s at the head (%s over %d layers%s)",
		figure(d.low), d.g.Nodes[d.first].Name, figure(d.top), times(ratio), len(d.nodes), bridge)
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

// matrix says that p has rows and columns: a weight, not a bias or a scale.
func matrix(p layers.Param) bool { return len(p.Shape) > 1 }

// perWeight is a node's gradient norm over the root of its number of weights.
func perWeight(g *model.Graph, s *Snapshot, node int) float64 {
	n := 0
	for _, p := range g.Nodes[node].Plan.Params {
		n += p.Shape.Size()
	}
	return s.Layers[node].GradNorm / math.Sqrt(float64(max(n, 1)))
}

// hasNorm says that some layer brings what it reads to mean 0 or spread 1.
func hasNorm(g *model.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n model.Node) bool { return n.Kind != nil && strings.HasSuffix(n.Kind.Name, "norm") })
}

// hasSkip says that some node reads several others.
func hasSkip(g *model.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n model.Node) bool { return len(n.In) > 1 })
}
