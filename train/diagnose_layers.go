package train

import (
	"fmt"
	"math"
	"slices"

	"layercake/model"
)

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
