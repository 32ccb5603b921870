package compute

import "math"

// PointLoss is a way to compare one number y with the number t it should be.
type PointLoss uint8

// The losses of one number, with d = y − t.
const (
	SquaredLoss  PointLoss = iota // d²
	AbsoluteLoss                  // |d|, with gradient 0 at d = 0
	// HuberLoss is d²/2 for |d| ≤ δ and δ·(|d| − δ/2) beyond (Huber, Robust
	// estimation of a location parameter, 1964).
	HuberLoss
	// LogisticLoss is −t·ln σ(y) − (1−t)·ln(1−σ(y)) with σ(y) = 1/(1+exp(−y)):
	// binary cross-entropy of a logit, in the form max(y, 0) − t·y + ln(1+exp(−|y|)).
	LogisticLoss
)

type pointLossArgs struct {
	kind         PointLoss
	delta, scale float32
	y, t, dy     []float32
	part         []float64
	grain        int
}

// Compare is Σ loss(y, t) and, where dy is not nil, dy = scale·∂loss/∂y. delta is
// HuberLoss's δ. dy may be y.
func Compare(p *Pool, kind PointLoss, delta float32, y, t, dy []float32, scale float32) float64 {
	n := len(y)
	mustLen("a loss's targets", n, len(t))
	if dy != nil {
		mustLen("a loss's gradient", n, len(dy))
	}
	if n == 0 {
		return 0
	}
	g := reduceGrain(n)
	part := partials.take((n + g - 1) / g)
	For(p, n, g, pointLossArgs{kind, delta, scale, y, t, dy, part, g}, func(a *pointLossArgs, _ *Worker, lo, hi int) {
		a.part[lo/a.grain] = a.chunk(lo, hi)
	})
	var sum float64
	for _, s := range part {
		sum += s
	}
	partials.give(part)
	return sum
}

func (a *pointLossArgs) chunk(lo, hi int) (sum float64) {
	for i := lo; i < hi; i++ {
		y, t := a.y[i], a.t[i]
		d := y - t
		var l float64
		var g float32
		switch a.kind {
		case SquaredLoss:
			l, g = float64(d)*float64(d), 2*d
		case AbsoluteLoss:
			l, g = math.Abs(float64(d)), sign(d)
		case HuberLoss:
			if e := float64(a.delta); math.Abs(float64(d)) <= e {
				l, g = float64(d)*float64(d)/2, d
			} else {
				l, g = e*(math.Abs(float64(d))-e/2), a.delta*sign(d)
			}
		case LogisticLoss:
			z := float64(y)
			e := math.Exp(-math.Abs(z))
			l = max(z, 0) - z*float64(t) + math.Log1p(e)
			s := 1 / (1 + e)
			if z < 0 {
				s = e / (1 + e)
			}
			g = float32(s - float64(t))
		}
		sum += l
		if a.dy != nil {
			a.dy[i] = a.scale * g
		}
	}
	return sum
}

// sign is 1, −1 or 0; of what is no number that.
func sign(d float32) float32 {
	switch {
	case d > 0:
		return 1
	case d < 0:
		return -1
	}
	return d
}

type divergenceArgs struct {
	cols, grain int
	z, t, dz    []float32
	scale       float32
	part        []float64
}

// Divergence is Σ t·(ln t − ln softmax(z)) over all rows, the Kullback-Leibler
// divergence of softmax(z) from t, and where dz is not nil
//
//	dz = scale·(softmax(z)·Σt − t)
//
//	z, t, dz [rows, cols]
//
// Terms with t = 0 are 0. dz may be z. (Kullback and Leibler, On information
// and sufficiency, 1951.)
func Divergence(p *Pool, rows, cols int, z, t, dz []float32, scale float32) float64 {
	mustLen("a divergence", rows*cols, len(z), len(t))
	if dz != nil {
		mustLen("a divergence's gradient", rows*cols, len(dz))
	}
	if rows == 0 {
		return 0
	}
	g := rowGrain(cols)
	part := partials.take((rows + g - 1) / g)
	For(p, rows, g, divergenceArgs{cols, g, z, t, dz, scale, part}, func(a *divergenceArgs, w *Worker, lo, hi int) {
		e := w.Scratch(a.cols)
		var sum float64
		for r := lo; r < hi; r++ {
			z, t := a.z[r*a.cols:][:a.cols], a.t[r*a.cols:][:a.cols]
			m := vec.maxOf(z)
			s := vec.expSum(e, z, m)
			lse := float64(m) + math.Log(float64(s))
			var all float64
			for j, q := range t {
				if q != 0 {
					sum += float64(q) * (math.Log(float64(q)) - float64(z[j]) + lse)
				}
				all += float64(q)
			}
			if a.dz == nil {
				continue
			}
			dz, k := a.dz[r*a.cols:][:a.cols], a.scale*float32(all)/s
			for j := range dz {
				dz[j] = e[j]*k - a.scale*t[j]
			}
		}
		a.part[lo/a.grain] = sum
	})
	var sum float64
	for _, s := range part {
		sum += s
	}
	partials.give(part)
	return sum
}
