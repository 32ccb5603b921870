package train

import (
	"fmt"
	"math"
	"time"

	"layercake/compute"
	"layercake/layers"
)

// watcher gathers the figures of sampled steps. Its methods may be called on
// nil, which sees nothing and costs nothing.
type watcher struct {
	t     *trainer
	n     int // samples of the step
	nodes []nodeWatch
	norm  float64
	costs time.Duration // what watching the last step cost
	spent time.Duration
	seen  bool          // a step has been watched
	plain time.Duration // the last step that nobody watched
	next  time.Time     // when to watch a step again
	see   func(node int, out compute.Tensor)

	// Observing keeps nodes from being run together, so it makes them slower:
	// times are taken on the step after an observed one.
	untimed bool
	timed   bool // times are of a step that nobody observed
}

// nodeWatch is what is known of one node.
type nodeWatch struct {
	stats  LayerStats
	trail  trail
	fires  bool // its zeros are dead units
	params []int
}

// fires are the activations for which a unit that is never above zero passes
// no gradient: it is dead.
var fires = map[string]bool{"relu": true, "relu6": true}

func newWatcher(t *trainer) *watcher {
	w := &watcher{t: t, nodes: make([]nodeWatch, len(t.cfg.Graph.Nodes))}
	w.see = w.observe
	for i := range w.nodes {
		n, g := &w.nodes[i], &t.cfg.Graph.Nodes[i]
		n.stats = LayerStats{Name: g.Name, GradNorm: nan, WeightNorm: nan, Update: nan, ActMean: nan, ActStd: nan, Dead: nan}
		n.fires = g.Kind != nil && g.Kind.Family == layers.Activation && fires[g.Kind.Name]
		n.trail = newTrail()
	}
	for i := range t.params {
		n := &w.nodes[t.params[i].ref.Node]
		n.params = append(n.params, i)
		n.stats.Trainable = true
	}
	return w
}

const (
	sampleEvery = 100 * time.Millisecond // between watched steps, at least
	sampleShare = 50                     // what watching a step costs is spread over so many times its length
)

// step has the trainer do a step, and watches it where the time has come or the
// caller must see it.
func (w *watcher) step(must bool) error {
	start := time.Now()
	if must || !w.seen || !start.Before(w.next) {
		err := w.t.step(w)
		now := time.Now()
		w.next = now.Add(w.rest(now.Sub(start)))
		return err
	}
	if !w.untimed {
		err := w.t.step(nil)
		w.plain = time.Since(start)
		return err
	}
	w.t.prog.Timing(true)
	if err := w.t.step(nil); err != nil {
		return err
	}
	w.times(w.t)
	return nil
}

// rest is how long not to watch after a watched step that took so long. Beside
// the figures themselves it pays for nodes that could not run together; but a step
// that something else held up is no reason to look away for long.
func (w *watcher) rest(took time.Duration) time.Duration {
	costs := w.costs
	if w.plain > 0 {
		costs = max(costs, min(took-w.plain, 4*costs))
	}
	return max(sampleEvery, sampleShare*costs)
}

func (w *watcher) begin(t *trainer, n int) {
	if w == nil {
		return
	}
	w.n, w.spent = n, 0
	t.prog.Observe(w.see)
	if !w.timed {
		t.prog.Timing(true) // better than nothing, until there is a step unobserved
	}
}

// observe sees a node's output right after its forward pass.
func (w *watcher) observe(node int, out compute.Tensor) {
	start := time.Now()
	size := out.Shape.Size()
	x := out.Data[:min(w.n*size, len(out.Data))]
	n := &w.nodes[node]
	mean, variance := compute.Moments(w.t.pool, x)
	n.stats.ActMean, n.stats.ActStd = mean, math.Sqrt(variance)
	if n.fires {
		cols := channels(out.Shape)
		n.stats.Dead = float64(compute.DeadColumns(w.t.pool, len(x)/cols, cols, x)) / float64(cols)
	}
	n.stats.Acts.fill(x)
	w.spent += time.Since(start)
}

// channels is the length of the fast axis in memory: the channels of an image,
// the features of a sequence or a vector.
func channels(s compute.Shape) int {
	switch len(s) {
	case 0:
		return 1
	case 3:
		return s[0]
	}
	return s[len(s)-1]
}

func (w *watcher) forwardDone(t *trainer) {
	if w != nil {
		t.prog.Observe(nil)
	}
}

func (w *watcher) backwardDone(t *trainer) {
	if w == nil {
		return
	}
	start := time.Now()
	if !w.timed {
		t.prog.Timing(false)
		f, b := t.prog.NodeTimes()
		for i := range w.nodes {
			n := &w.nodes[i]
			n.stats.Forward, n.stats.Backward = f[i], b[i]
		}
	}
	w.untimed = true
	for i := range w.nodes {
		if n := &w.nodes[i]; len(n.params) > 0 {
			n.stats.Grads.fill(t.params[n.params[0]].ref.Grad)
		}
	}
	w.spent += time.Since(start)
}

// times takes in the times of a step that was not observed.
func (w *watcher) times(t *trainer) {
	t.prog.Timing(false)
	f, b := t.prog.NodeTimes()
	for i := range w.nodes {
		s := &w.nodes[i].stats
		if w.timed {
			s.Forward, s.Backward = (4*s.Forward+f[i])/5, (4*s.Backward+b[i])/5
		} else {
			s.Forward, s.Backward = f[i], b[i]
		}
	}
	w.timed, w.untimed = true, false
}

// end takes the norms out of the optimizer's sweep, and refuses a step whose
// gradients were not finite.
func (w *watcher) end(t *trainer, lr float64) error {
	if w == nil {
		return nil
	}
	start := time.Now()
	total := 0.0
	for i := range w.nodes {
		n := &w.nodes[i]
		if len(n.params) == 0 {
			continue
		}
		var s compute.SweepStats
		for _, j := range n.params {
			q := t.stats[j]
			s.Grad2 += q.Grad2
			s.Weight2 += q.Weight2
			s.Update2 += q.Update2
		}
		total += s.Grad2
		n.stats.GradNorm, n.stats.WeightNorm = math.Sqrt(s.Grad2), math.Sqrt(s.Weight2)
		n.stats.Update = nan
		if s.Weight2 > 0 {
			n.stats.Update = math.Sqrt(s.Update2 / s.Weight2)
		}
		n.trail.add(n.stats.GradNorm)
		n.stats.Weights.fill(t.params[n.params[0]].ref.Data)
		if math.IsNaN(s.Grad2) || math.IsInf(s.Grad2, 0) {
			return &DivergedError{Step: t.Step, LR: lr, What: fmt.Sprintf("the norm of a gradient is %v", math.Sqrt(s.Grad2)),
				Where: "; it is that of " + n.stats.Name}
		}
	}
	w.norm, w.seen = math.Sqrt(total), true
	w.costs = w.spent + time.Since(start)
	return nil
}

// snapshot copies the figures of all nodes.
func (w *watcher) snapshot() []LayerStats {
	out := make([]LayerStats, len(w.nodes))
	for i := range w.nodes {
		out[i] = w.nodes[i].stats
		out[i].GradTrail = append([]float64(nil), w.nodes[i].trail.points...)
		for _, h := range []*Histogram{&out[i].Weights, &out[i].Grads, &out[i].Acts} {
			h.Counts = append([]int(nil), h.Counts...)
		}
	}
	return out
}

// events are the figures of all layers as an EventStep has them.
func (w *watcher) events() []EventLayer {
	var out []EventLayer
	for i := range w.nodes {
		if w.t.cfg.Graph.Nodes[i].Layer == nil {
			continue
		}
		s := &w.nodes[i].stats
		out = append(out, EventLayer{
			Name: s.Name, GradNorm: Number(s.GradNorm), WeightNorm: Number(s.WeightNorm), UpdateRatio: Number(s.Update),
			ActMean: Number(s.ActMean), ActStd: Number(s.ActStd), Dead: Number(s.Dead),
		})
	}
	return out
}

const (
	histogramBins   = 16
	histogramSample = 4096 // elements looked at, evenly spread
)

// fill counts an even sample of x. What is not finite is left out.
func (h *Histogram) fill(x []float32) {
	if h.Counts == nil {
		h.Counts = make([]int, histogramBins)
	}
	clear(h.Counts)
	stride := max(1, (len(x)+histogramSample-1)/histogramSample)
	if stride > 1 {
		stride |= 1 // odd, so that it does not keep step with channels
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := 0; i < len(x); i += stride {
		v := float64(x[i])
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		lo, hi = min(lo, v), max(hi, v)
	}
	if lo > hi {
		h.Low, h.High = 0, 0
		return
	}
	h.Low, h.High = lo, hi
	scale := 0.0
	if hi > lo {
		scale = histogramBins / (hi - lo)
	}
	for i := 0; i < len(x); i += stride {
		v := float64(x[i])
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		h.Counts[min(int((v-lo)*scale), histogramBins-1)]++
	}
}
