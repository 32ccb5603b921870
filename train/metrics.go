package train

import (
	"math"
	"sort"

	"layercake/compute"
	"layercake/data"
)

// Metric is one figure of a whole test beside its loss and accuracy.
type Metric struct {
	Name  string // "top5"
	Value float64
}

// Share says that the value is a part of a whole, to be shown as a percentage.
func (m Metric) Share() bool {
	return m.Name == "exact" || m.Name == "top5" || m.Name == "analogy"
}

// metric gathers one figure over the batches of a test.
type metric interface {
	reset()
	// add takes in the network's output, [b.N, ...], for a batch.
	add(out compute.Tensor, b *data.Batch)
	value() float64
}

// metricKind is one row of metricKinds.
type metricKind struct {
	name string
	// fresh is the metric where it makes sense, nil elsewhere. classes is 0
	// where numbers are predicted, and labels how many a sample has.
	fresh func(classes, labels int) metric
}

// metricKinds are all there are.
//
//	top5        share of labels among the five highest scores, of more than ten classes
//	f1          F1 score averaged over the classes that occur, of classification:
//	            2·precision·recall/(precision + recall) (van Rijsbergen, Information retrieval, 1979)
//	exact       share of samples with every one of their labels right, of sequences. Where a
//	            network is fed the true answer so far, this is also the share
//	            that it would write without a fault by itself
//	perplexity  exp of the mean −ln chance of the right token, of sequences
//	analogy     share of a set's analogies a : b = c : d for which of all words d is the
//	            nearest to c + b − a by angle, in the rows of the embedding that reads the first
//	            input (Mikolov et al., Linguistic regularities in continuous space word
//	            representations, 2013)
//	rmse, mae   root of the mean squared error and mean absolute error, of numbers
var metricKinds = []metricKind{
	{"top5", func(classes, labels int) metric {
		if classes <= 10 {
			return nil
		}
		return &topFive{}
	}},
	{"f1", func(classes, labels int) metric {
		if classes < 2 || classes > maxConfusion || labels != 1 {
			return nil
		}
		return &f1{classes: classes, counts: make([]int64, 3*classes)}
	}},
	{"exact", func(classes, labels int) metric {
		if classes == 0 || labels < 2 {
			return nil
		}
		return &exact{}
	}},
	{"perplexity", func(classes, labels int) metric {
		if classes == 0 || labels < 2 {
			return nil
		}
		return &perplexity{}
	}},
	{"rmse", func(classes, labels int) metric {
		if classes > 0 {
			return nil
		}
		return &errorOf{square: true}
	}},
	{"mae", func(classes, labels int) metric {
		if classes > 0 {
			return nil
		}
		return &errorOf{}
	}},
}

// maxConfusion is the most classes that are told apart one by one.
const maxConfusion = 1 << 16

// newMetrics are those that make sense for a network with this output on set,
// judged by a loss of that name.
func newMetrics(out compute.Shape, set *data.Set, loss string) (names []string, all []metric) {
	sizes := set.Train.Sizes()
	classes := len(set.Classes)
	switch loss {
	case "cross_entropy":
		if classes == 0 || out.Size() != sizes.Labels*classes {
			return nil, nil
		}
	case "mse", "mae", "huber":
		classes = 0
	default:
		return nil, nil // chances and images have their loss
	}
	for _, k := range metricKinds {
		if m := k.fresh(classes, sizes.Labels); m != nil {
			names, all = append(names, k.name), append(all, m)
		}
	}
	return names, all
}

// eachLabel calls f with the scores of every label that counts.
func eachLabel(out compute.Tensor, b *data.Batch, f func(scores []float32, label int)) {
	cols := out.Shape[len(out.Shape)-1]
	for i, c := range b.Labels {
		if c >= 0 {
			f(out.Data[i*cols:(i+1)*cols], int(c))
		}
	}
}

// highest is the place of the largest score, the first of equals.
func highest(scores []float32) int {
	best := 0
	for j, v := range scores {
		if v > scores[best] {
			best = j
		}
	}
	return best
}

type topFive struct{ hits, labels int }

func (m *topFive) reset() { *m = topFive{} }

func (m *topFive) add(out compute.Tensor, b *data.Batch) {
	eachLabel(out, b, func(scores []float32, label int) {
		before := 0 // of equals the earlier counts as higher
		for j, v := range scores {
			if v > scores[label] || v == scores[label] && j < label {
				before++
			}
		}
		m.labels++
		if before < 5 {
			m.hits++
		}
	})
}

func (m *topFive) value() float64 { return share(m.hits, m.labels) }

type f1 struct {
	classes int
	counts  []int64 // right, guessed and true, each by class
}

func (m *f1) reset() { clear(m.counts) }

func (m *f1) add(out compute.Tensor, b *data.Batch) {
	k := m.classes
	eachLabel(out, b, func(scores []float32, label int) {
		guess := highest(scores)
		m.counts[k+guess]++
		m.counts[2*k+label]++
		if guess == label {
			m.counts[label]++
		}
	})
}

func (m *f1) value() float64 {
	k, sum, n := m.classes, 0.0, 0
	for c := range k {
		if guessed, is := m.counts[k+c], m.counts[2*k+c]; guessed+is > 0 {
			sum += 2 * float64(m.counts[c]) / float64(guessed+is)
			n++
		}
	}
	if n == 0 {
		return nan
	}
	return sum / float64(n)
}

type exact struct{ right, samples int }

func (m *exact) reset() { *m = exact{} }

func (m *exact) add(out compute.Tensor, b *data.Batch) {
	cols := out.Shape[len(out.Shape)-1]
	per := len(b.Labels) / b.N
	for n := range b.N {
		right, judged := true, false
		for i := n * per; i < (n+1)*per && right; i++ {
			if c := b.Labels[i]; c >= 0 {
				judged = true
				right = highest(out.Data[i*cols:(i+1)*cols]) == int(c)
			}
		}
		if judged {
			m.samples++
			if right {
				m.right++
			}
		}
	}
}

func (m *exact) value() float64 { return share(m.right, m.samples) }

type perplexity struct {
	surprise float64
	labels   int
}

func (m *perplexity) reset() { *m = perplexity{} }

func (m *perplexity) add(out compute.Tensor, b *data.Batch) {
	eachLabel(out, b, func(scores []float32, label int) {
		top := scores[highest(scores)]
		sum := 0.0
		for _, v := range scores {
			sum += math.Exp(float64(v - top))
		}
		m.surprise += math.Log(sum) - float64(scores[label]-top)
		m.labels++
	})
}

func (m *perplexity) value() float64 {
	if m.labels == 0 {
		return nan
	}
	return math.Exp(m.surprise / float64(m.labels))
}

// errorOf is the root of the mean squared error, or the mean absolute one.
type errorOf struct {
	square bool
	sum    float64
	n      int
}

func (m *errorOf) reset() { m.sum, m.n = 0, 0 }

func (m *errorOf) add(out compute.Tensor, b *data.Batch) {
	for i, t := range b.Targets {
		d := float64(out.Data[i]) - float64(t)
		if m.square {
			m.sum += d * d
		} else {
			m.sum += math.Abs(d)
		}
	}
	m.n += len(b.Targets)
}

func (m *errorOf) value() float64 {
	switch {
	case m.n == 0:
		return nan
	case m.square:
		return math.Sqrt(m.sum / float64(m.n))
	}
	return m.sum / float64(m.n)
}

func share(part, of int) float64 {
	if of == 0 {
		return nan
	}
	return float64(part) / float64(of)
}

// metrics are the figures of the last whole test.
func (t *trainer) metrics() map[string]Number {
	share, known := t.analogies()
	if len(t.measures) == 0 && !known {
		return nil
	}
	out := make(map[string]Number, len(t.measures))
	for i, m := range t.measures {
		out[t.measured[i]] = Number(m.value())
	}
	if known {
		out["analogy"] = Number(share)
	}
	return out
}

// analogies is the share of the data's analogies that the network's first
// embedding completes; known is false where there is no such thing.
func (t *trainer) analogies() (share float64, known bool) {
	if len(t.cfg.Data.Analogies) == 0 {
		return 0, false
	}
	for _, p := range t.prog.Params() {
		node := &t.cfg.Graph.Nodes[p.Node]
		if node.Kind.Name == "embedding" && len(node.In) == 1 && node.In[0] == 0 {
			return analogyShare(p.Data, p.Shape[1], t.cfg.Data.Analogies), true
		}
	}
	return 0, false
}

// analogyShare is the share of analogies a, b, c, d in which d's row is of all
// but those of a, b and c the nearest in angle to c + b − a.
func analogyShare(rows []float32, width int, list [][4]int) float64 {
	n := len(rows) / width
	row := func(i int) []float32 { return rows[i*width : (i+1)*width] }
	length := make([]float64, n)
	for i := range n {
		for _, v := range row(i) {
			length[i] += float64(v) * float64(v)
		}
		length[i] = math.Sqrt(length[i])
	}
	right := 0
	want := make([]float64, width)
	for _, q := range list {
		for j := range want {
			want[j] = 0
			for k, sign := range [3]float64{-1, 1, 1} {
				want[j] += sign * float64(row(q[k])[j]) / max(length[q[k]], 1e-30)
			}
		}
		best, most := -1, math.Inf(-1)
		for i := range n {
			if i == q[0] || i == q[1] || i == q[2] {
				continue
			}
			dot := 0.0
			for j, v := range row(i) {
				dot += want[j] * float64(v)
			}
			if dot /= max(length[i], 1e-30); dot > most {
				best, most = i, dot
			}
		}
		if best == q[3] {
			right++
		}
	}
	return float64(right) / float64(len(list))
}

// Figures are e's Metrics by name.
func (e *EventEpoch) Figures() []Metric {
	var out []Metric
	for name, v := range e.Metrics {
		out = append(out, Metric{name, float64(v)})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}
