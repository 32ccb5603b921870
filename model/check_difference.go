package model

import (
	"math"
	"slices"

	"layercake/compute"
)

// move takes derivatives of weighted outputs by x through central differences.
type move struct {
	x, old, high []float32
	pool         *compute.Pool
	g            [][]float32 // gradients, one a weighing
	usual        [weighings]float64
	// rounding is how far each weighing may lie off by the rounding of outputs alone.
	rounding func() [weighings]float64
	// loss calls shift for either side and runs; it returns by how much each weighing changes.
	loss func(shift func(up bool)) [weighings]float64
}

func newMove(pool *compute.Pool, x []float32, g [][]float32, loss func(shift func(up bool)) [weighings]float64) *move {
	m := &move{x: x, old: slices.Clone(x), high: make([]float32, len(x)), pool: pool, g: g, loss: loss}
	for w := range m.g {
		m.usual[w] = math.Sqrt(sumSquares(g[w]) / float64(len(x)))
	}
	return m
}

// derivative is one derivative by differences beside the gradient's.
type derivative struct {
	want  float64 // the gradient's
	off   float64 // the difference's, less want
	doubt float64 // how far off may be wrong by rounding, curvature and kinks
	least float64 // a third of what such derivatives of the tensor usually are
	seen  bool
}

// relErr is off relative to the larger of both derivatives, or to least.
func (d *derivative) relErr() float64 {
	if d.off == 0 {
		return 0
	}
	return math.Abs(d.off) / d.size()
}

func (d *derivative) size() float64 {
	return max(math.Abs(d.want), math.Abs(d.want+d.off), d.least)
}

// along moves x by steps of h·dir for falling h and says of each weighing
// how the differences lie beside its gradient.
//
// Central differences for h, h/2, h/4 … make a table in which the errors in h²,
// h⁴ … cancel (Richardson's extrapolation), and how its entries differ says how
// far they are to be trusted: Ridders, Accurate computation of F'(x) and
// F'(x)F”(x), 1982. What is trusted is thus decided without a look at the gradient.
// Long steps come first, for which rounding is smallest. Where they do not settle,
// steps so short follow that hardly any number crosses a kink; layers with kinks
// mostly do no arithmetic that rounds.
//
// The doubt is small by chance now and then. A disagreement is therefore
// measured again with other steps, shorter ones too, since from far away a function full of kinks
// looks smooth, and holds when all measurements together say so and outputs are not so large that
// they swallow it.
func (m *move) along(dir direction) [weighings]derivative {
	best := m.climb(longSteps, dir)
	if !settled(best[:len(m.g)]) {
		for w, d := range m.descend(shortSteps, dir) {
			if !(best[w].doubt <= d.doubt) {
				best[w] = d
			}
		}
	}
	off := false
	for w := range m.g {
		best[w].judge()
		off = off || best[w].wrong()
	}
	if off {
		m.again(&best, dir)
	}
	return best
}

// again measures disagreements of best several times more.
func (m *move) again(best *[weighings]derivative, dir direction) {
	near := [...][weighings]derivative{m.climb(ladder{0x1p-6, 2, 4}, dir), m.descend(shortSteps, dir)}
	rounding := m.rounding()
	const times = 8
	var sum, squares [weighings]float64
	for k := range times {
		l := longSteps
		l.first *= 1 - float64(k+1)/(2*times)
		for w, d := range m.climb(l, dir) {
			sum[w] += d.off
			squares[w] += d.off * d.off
		}
	}
	for w := range m.g {
		d := &best[w]
		if !d.wrong() {
			continue
		}
		mean := sum[w] / times
		spread := math.Sqrt(max(squares[w]/times-mean*mean, 0) / (times - 1)) // of the mean
		if math.Abs(d.off) < 8*spread || d.off*mean < 0 || math.Abs(d.off)*2*longSteps.first < 4*rounding[w] {
			d.seen = false
		}
		for _, n := range near {
			n[w].judge()
			if !n[w].wrong() && math.Abs(d.off) > 4*n[w].doubt {
				*d = n[w] // it would show here, and does not
			}
		}
	}
}

// wrong reports whether the gradient is seen to be off.
func (d *derivative) wrong() bool {
	return d.seen && d.relErr() > CheckTolerance
}

// judge decides whether a derivative says anything: that it agrees only where the
// doubt is small, that it does not where it is off by much more than the doubt.
func (d *derivative) judge() {
	size := d.size()
	if math.IsNaN(d.want) || math.IsInf(d.want, 0) {
		d.off, d.seen = math.Inf(1), true
		return
	}
	if !(size > 0) || math.IsInf(size, 0) {
		return
	}
	if math.Abs(d.off) <= CheckTolerance*size {
		d.seen = d.doubt <= CheckTolerance/2*size
		return
	}
	d.seen = math.Abs(d.off) > 8*d.doubt
}

// settled reports whether all derivatives are known far better than they have to be.
func settled(found []derivative) bool {
	for w := range found {
		if d := &found[w]; !(d.doubt <= CheckTolerance/20*d.size()) {
			return false
		}
	}
	return true
}

// ladder is a falling row of steps.
type ladder struct {
	first, factor float64
	rungs         int
}

var (
	longSteps  = ladder{0x1p-2, 2, 7}
	shortSteps = ladder{0x1p-12, 8, 4}
)

// climb goes down a ladder until the derivatives are settled, and extrapolates.
func (m *move) climb(l ladder, dir direction) [weighings]derivative {
	found := m.begin(dir)
	// The table's last row and the one before.
	var row, above [weighings][8]float64
	h := l.first
	for k := range l.rungs {
		off := m.at(h, dir)
		for w := range m.g {
			d := &found[w]
			above[w], row[w][0] = row[w], off[w]
			if k == 0 {
				d.off = off[w]
				continue
			}
			f := 1.0
			for j := 1; j <= k; j++ {
				f *= l.factor * l.factor
				row[w][j] = (f*row[w][j-1] - above[w][j-1]) / (f - 1)
				doubt := max(math.Abs(row[w][j]-row[w][j-1]), math.Abs(row[w][j]-above[w][j-1]))
				if doubt < d.doubt {
					d.off, d.doubt = row[w][j], doubt
				}
			}
		}
		if k > 0 && settled(found[:len(m.g)]) {
			break
		}
		h /= l.factor
	}
	return found
}

// descend goes to the end of a ladder and takes the last derivative as it is; how far
// it is from the one before is the doubt. Kinks crossed are fewer at
// every rung, which is no series in h².
func (m *move) descend(l ladder, dir direction) [weighings]derivative {
	found := m.begin(dir)
	h := l.first
	for k := range l.rungs {
		off := m.at(h, dir)
		for w := range m.g {
			d := &found[w]
			if k > 0 {
				d.doubt = math.Abs(off[w] - d.off)
			}
			d.off = off[w]
		}
		h /= l.factor
	}
	return found
}

// ascend goes up from steps that drown in rounding until three in a row agree
// but for a small part of what they say: where a function is steep, longer ones would agree
// that it does not rise at all. Three agree by chance now and then while rounding is
// still large, so a disagreement has to hold at all longer steps too. What it
// returns is not seen where no three agree.
func (m *move) ascend(l ladder, dir direction) derivative {
	d := m.begin(dir)[0]
	first := d // the first three that agree with each other and not with the gradient
	var last, before float64
	h := l.first
	for k := range l.rungs {
		off := m.at(h, dir)[0]
		if k > 1 {
			d.off, d.doubt = last, max(math.Abs(off-last), math.Abs(last-before))
			d.seen = d.doubt <= CheckTolerance/2*math.Abs(d.want+d.off)
			if d.seen && !d.wrong() {
				return d
			}
			if d.seen && !first.seen {
				first = d
			}
		}
		last, before = off, last
		h *= l.factor
	}
	return first
}

// begin works out what the gradients say.
func (m *move) begin(dir direction) (found [weighings]derivative) {
	weight := math.Sqrt(sumSquares(dir.value))
	for w := range m.g {
		found[w].doubt = math.Inf(1)
		found[w].least = m.usual[w] / 3 * weight
		if dir.index == nil {
			found[w].want = dotProduct(dir.value, m.g[w])
			continue
		}
		for i, at := range dir.index {
			found[w].want += float64(dir.value[i]) * float64(m.g[w][at])
		}
	}
	return found
}

// at is the difference for one h, less what the gradients say. The step counts
// as it came out after rounding.
func (m *move) at(h float64, dir direction) (off [weighings]float64) {
	var expected [weighings]float64
	diff := m.loss(func(up bool) {
		if up {
			m.shift(dir, h)
			if dir.index == nil {
				copy(m.high, m.x)
			} else {
				for i, at := range dir.index {
					m.high[i] = m.x[at]
				}
			}
			return
		}
		m.shift(dir, -h)
		expected = m.expect(dir)
	})
	if dir.index == nil {
		copy(m.x, m.old)
	} else {
		for _, at := range dir.index {
			m.x[at] = m.old[at]
		}
	}
	for w := range m.g {
		off[w] = (diff[w] - expected[w]) / (2 * h)
	}
	return off
}

// shift puts x at h·dir from where it was.
func (m *move) shift(dir direction, h float64) {
	for i, at := range dir.index {
		m.x[at] = m.old[at] + float32(h*float64(dir.value[i]))
	}
	if dir.index == nil {
		weigh(m.pool, len(m.x), func(lo, hi int) (none [weighings]float64) {
			old, x, value := m.old[lo:hi], m.x[lo:hi], dir.value[lo:hi]
			for i, v := range value {
				x[i] = old[i] + float32(h*float64(v))
			}
			return none
		})
	}
}

// expect is how the gradients say that the losses change from x to high.
func (m *move) expect(dir direction) (sum [weighings]float64) {
	for i, at := range dir.index {
		d := float64(m.high[i]) - float64(m.x[at])
		for w := range m.g {
			sum[w] += d * float64(m.g[w][at])
		}
	}
	if dir.index != nil {
		return sum
	}
	return weigh(m.pool, len(m.x), func(lo, hi int) [weighings]float64 {
		return weighChange(m.g, m.high, m.x, lo, hi)
	})
}

// weighChange is Σ g·(up − down) over [lo, hi) for every g.
func weighChange(g [][]float32, up, down []float32, lo, hi int) (sum [weighings]float64) {
	up, down = up[lo:hi], down[lo:hi]
	if len(g) == 1 {
		for i, v := range g[0][lo:hi] {
			sum[0] += float64(v) * (float64(up[i]) - float64(down[i]))
		}
		return sum
	}
	g0, g1 := g[0][lo:hi], g[1][lo:hi]
	s0, s1 := 0.0, 0.0
	for i, v := range up {
		if d := float64(v) - float64(down[i]); d != 0 {
			s0 += float64(g0[i]) * d
			s1 += float64(g1[i]) * d
		}
	}
	return [weighings]float64{s0, s1}
}

// weigh adds up f over chunks of [0, n), in their order.
func weigh(pool *compute.Pool, n int, f func(lo, hi int) [weighings]float64) (sum [weighings]float64) {
	const grain = 1 << 13
	type job struct {
		f     func(lo, hi int) [weighings]float64
		parts [][weighings]float64
		n     int
	}
	j := job{f, make([][weighings]float64, (n+grain-1)/grain), n}
	compute.For(pool, len(j.parts), 1, j, func(j *job, _ *compute.Worker, lo, hi int) {
		for k := lo; k < hi; k++ {
			j.parts[k] = j.f(k*grain, min((k+1)*grain, j.n))
		}
	})
	for _, p := range j.parts {
		for w := range sum {
			sum[w] += p[w]
		}
	}
	return sum
}

func dotProduct(x, y []float32) float64 {
	s := 0.0
	for i, v := range x {
		s += float64(v) * float64(y[i])
	}
	return s
}
