package train

import (
	"fmt"
	"math"
)

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
