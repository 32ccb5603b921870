package compute

// Permutation copies numbers into another order of axes: each sample of the
// result is Dims[0]×Dims[1]×Dims[2] in memory, and its neighbours along axis a
// lie Strides[a] apart in the source.
type Permutation struct {
	Dims, Strides [3]int
}

func (g *Permutation) size() int { return g.Dims[0] * g.Dims[1] * g.Dims[2] }

type permuteArgs struct {
	g    Permutation
	x, y []float32
	add  bool

	// Where the neighbours of the result are none in the source: along is the
	// axis whose neighbours in the source are, other the third one, and a chunk
	// band of along's places.
	along, other int
	band, bands  int
}

// turnSide is the side of the squares that are turned over at a time: whole cache
// lines on both sides; turnWide of a result that is added to.
const (
	turnSide = 16
	turnWide = 64
)

// Permute is y[i, a, b, c] = x[i, a·s₀ + b·s₁ + c·s₂] for n samples, or += with
// add. One of the axes has a stride of 1.
func Permute(p *Pool, n int, g *Permutation, x, y []float32, add bool) {
	mustLen("permutation", n*g.size(), len(x), len(y))
	t := permuteArgs{g: *g, x: x, y: y, add: add}
	if g.Strides[2] == 1 || g.Dims[2] == 1 {
		row := g.Dims[1] * g.Dims[2]
		For(p, n*g.Dims[0], max(1, heavyGrain/max(1, row)), t, permuteRuns)
		return
	}
	if g.size() == 0 {
		return
	}
	t.along, t.other = 1, 0
	if g.Strides[1] != 1 {
		t.along, t.other = 0, 1
	}
	t.band = max(1, heavyGrain/turnSide/g.Dims[2]) * turnSide
	t.bands = (g.Dims[t.along] + t.band - 1) / t.band
	chunk := g.size() / (g.Dims[t.other] * t.bands)
	For(p, n*g.Dims[t.other]*t.bands, max(1, heavyGrain/chunk), t, permuteBands)
}

// permuteRuns copies rows lo to hi of the first axis of all samples, where
// neighbours stay neighbours.
func permuteRuns(t *permuteArgs, _ *Worker, lo, hi int) {
	g := &t.g
	n := g.Dims[2]
	for r := lo; r < hi; r++ {
		x := t.x[r/g.Dims[0]*g.size()+r%g.Dims[0]*g.Strides[0]:]
		y := t.y[r*g.Dims[1]*n:][:g.Dims[1]*n]
		for b := range g.Dims[1] {
			from, to := x[b*g.Strides[1]:][:n], y[b*n:][:n]
			if t.add {
				vec.add(to, to, from)
			} else {
				copy(to, from)
			}
		}
	}
}

// permuteBands turns bands lo to hi over, square by square, so that the cache lines
// on both sides are used up before they are lost.
func permuteBands(t *permuteArgs, w *Worker, lo, hi int) {
	g := &t.g
	n, from := g.Dims[2], g.Strides[2]
	steps := [2]int{g.Dims[1] * n, n} // of the result, along its first two axes
	step := turnSide
	var turned []float32
	if t.add {
		step = turnWide // what is read and written is then a run worth fetching ahead
		turned = w.Scratch(turnSide * turnWide)
	}
	for i := lo; i < hi; i++ {
		b, o, sample := i%t.bands, i/t.bands%g.Dims[t.other], i/t.bands/g.Dims[t.other]
		x := t.x[sample*g.size()+o*g.Strides[t.other]:]
		y := t.y[sample*g.size()+o*steps[t.other]:]
		p1 := min((b+1)*t.band, g.Dims[t.along])
		for p0 := b * t.band; p0 < p1; p0 += turnSide {
			cols := min(turnSide, p1-p0)
			for c0 := 0; c0 < n; c0 += step {
				rows := min(step, n-c0)
				x, y := x[c0*from+p0*g.Strides[t.along]:], y[p0*steps[t.along]+c0:]
				if !t.add {
					vec.turn(y, steps[t.along], x, from, rows, cols)
					continue
				}
				vec.turn(turned, turnWide, x, from, rows, cols)
				for j := range cols {
					to := y[j*steps[t.along]:][:rows]
					vec.add(to, to, turned[j*turnWide:][:rows])
				}
			}
		}
	}
}
