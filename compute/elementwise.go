package compute

// sweepArgs are the operands of an elementwise sweep.
type sweepArgs struct {
	dst, a, b []float32
	s         float32
}

// Add is dst = a + b, element by element. dst may be a or b.
func Add(p *Pool, a, b, dst []float32) {
	mustLen("add", len(dst), len(a), len(b))
	For(p, len(dst), grain, sweepArgs{dst: dst, a: a, b: b}, func(t *sweepArgs, _ *Worker, lo, hi int) {
		vec.add(t.dst[lo:hi], t.a[lo:hi], t.b[lo:hi])
	})
}

// AddReLU is dst = max(a + b, 0), element by element: Add and then ReLU, to
// the same bits, in one sweep. dst may be a or b.
func AddReLU(p *Pool, a, b, dst []float32) {
	mustLen("add", len(dst), len(a), len(b))
	For(p, len(dst), grain, sweepArgs{dst: dst, a: a, b: b}, func(t *sweepArgs, _ *Worker, lo, hi int) {
		vec.addReLU(t.dst[lo:hi], t.a[lo:hi], t.b[lo:hi])
	})
}

// AddTo is dst += src.
func AddTo(p *Pool, dst, src []float32) { Add(p, dst, src, dst) }

// Mul is dst = a·b, element by element. dst may be a or b.
func Mul(p *Pool, a, b, dst []float32) {
	mustLen("multiply", len(dst), len(a), len(b))
	For(p, len(dst), grain, sweepArgs{dst: dst, a: a, b: b}, func(t *sweepArgs, _ *Worker, lo, hi int) {
		vec.mul(t.dst[lo:hi], t.a[lo:hi], t.b[lo:hi])
	})
}

// MulAddTo is dst += a·b, element by element.
func MulAddTo(p *Pool, dst, a, b []float32) {
	mustLen("multiply-add", len(dst), len(a), len(b))
	For(p, len(dst), grain, sweepArgs{dst: dst, a: a, b: b}, func(t *sweepArgs, _ *Worker, lo, hi int) {
		vec.mulAdd(t.dst[lo:hi], t.a[lo:hi], t.b[lo:hi])
	})
}

// Scale is dst = s·x. dst may be x.
func Scale(p *Pool, s float32, x, dst []float32) {
	mustLen("scale", len(dst), len(x))
	For(p, len(dst), grain, sweepArgs{dst: dst, a: x, s: s}, func(t *sweepArgs, _ *Worker, lo, hi int) {
		vec.scale(t.dst[lo:hi], t.a[lo:hi], t.s)
	})
}

// Clear is dst = 0.
func Clear(p *Pool, dst []float32) {
	For(p, len(dst), grain, sweepArgs{dst: dst}, func(t *sweepArgs, _ *Worker, lo, hi int) { clear(t.dst[lo:hi]) })
}

// Copy is dst = src.
func Copy(p *Pool, dst, src []float32) {
	mustLen("copy", len(dst), len(src))
	For(p, len(dst), grain, sweepArgs{dst: dst, a: src}, func(t *sweepArgs, _ *Worker, lo, hi int) {
		copy(t.dst[lo:hi], t.a[lo:hi])
	})
}

// Fill sets every element of dst to v.
func Fill(p *Pool, dst []float32, v float32) {
	For(p, len(dst), grain, sweepArgs{dst: dst, s: v}, func(t *sweepArgs, _ *Worker, lo, hi int) {
		d := t.dst[lo:hi]
		if t.s == 0 {
			clear(d)
			return
		}
		for i := range d {
			d[i] = t.s
		}
	})
}

// dropoutKey is a seed spread over the two rounds of the hash, and the bound
// below which an element is dropped.
type dropoutKey struct{ a, b, drop uint32 }

func newDropoutKey(seed uint64, rate float32) dropoutKey {
	// One round of SplitMix64 (Steele, Lea and Flood, 2014), so that seeds
	// that differ in one bit have nothing in common.
	z := seed + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	drop := min(max(float64(rate), 0)*(1<<32), 1<<32-1)
	return dropoutKey{a: uint32(z), b: uint32(z >> 32), drop: uint32(drop)}
}

// hash is element i's 32 random bits: two rounds of multiply and shift with a
// key in front of each.
func (k dropoutKey) hash(i uint32) uint32 {
	h := i ^ k.a
	h = (h ^ h>>16) * 0x7feb352d
	h = (h ^ h>>15) * 0x846ca68b
	h = (h ^ h>>16) ^ k.b
	h = (h ^ h>>16) * 0x7feb352d
	h = (h ^ h>>15) * 0x846ca68b
	return h ^ h>>16
}

type dropoutArgs struct {
	x, y []float32
	keep []byte
	key  dropoutKey
	s    float32
}

// DropoutForward is y = x/(1−rate) for elements that are kept and 0 for the
// others (inverted scaling; Srivastava et al., Dropout, 2014). Each element
// is dropped with probability rate, decided by a hash of seed and its index.
// keep is 1 or 0 for each element. y may be x.
func DropoutForward(p *Pool, seed uint64, rate float32, x, y []float32, keep []byte) {
	mustLen("dropout", len(x), len(y), len(keep))
	t := dropoutArgs{x, y, keep, newDropoutKey(seed, rate), keepScale(rate)}
	For(p, len(x), grain, t, func(t *dropoutArgs, _ *Worker, lo, hi int) {
		vec.dropout(t.y[lo:hi], t.x[lo:hi], t.keep[lo:hi], t.key, uint32(lo), t.s)
	})
}

// DropoutBackward is dx = dy/(1−rate) where keep is 1, 0 elsewhere. dx may
// be dy.
func DropoutBackward(p *Pool, rate float32, dy, dx []float32, keep []byte) {
	mustLen("dropout's gradient", len(dy), len(dx), len(keep))
	t := dropoutArgs{x: dy, y: dx, keep: keep, s: keepScale(rate)}
	For(p, len(dy), grain, t, func(t *dropoutArgs, _ *Worker, lo, hi int) {
		vec.dropoutGrad(t.y[lo:hi], t.x[lo:hi], t.keep[lo:hi], t.s)
	})
}

func keepScale(rate float32) float32 {
	if rate >= 1 {
		return 0
	}
	return 1 / (1 - rate)
}

func dropoutGeneric(y, x []float32, keep []byte, k dropoutKey, start uint32, s float32) {
	x, keep = x[:len(y)], keep[:len(y)]
	for i := range y {
		if k.hash(start+uint32(i)) < k.drop {
			keep[i], y[i] = 0, 0
		} else {
			keep[i], y[i] = 1, s*x[i]
		}
	}
}

func dropoutGradGeneric(dx, dy []float32, keep []byte, s float32) {
	dy, keep = dy[:len(dx)], keep[:len(dx)]
	for i := range dx {
		d := float32(0)
		if keep[i] != 0 {
			d = s * dy[i]
		}
		dx[i] = d
	}
}
