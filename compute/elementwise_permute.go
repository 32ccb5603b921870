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
}

// Permute is y[i, a, b, c] = x[i, a·s₀ + b·s₁ + c·s₂] for n samples, or += with
// add.
func Permute(p *Pool, n int, g *Permutation, x, y []float32, add bool) {
	mustLen("permutation", n*g.size(), len(x), len(y))
	row := g.Dims[1] * g.Dims[2]
	For(p, n*g.Dims[0], max(1, heavyGrain/max(1, row)), permuteArgs{*g, x, y, add}, func(t *permuteArgs, _ *Worker, lo, hi int) {
		g := &t.g
		row := g.Dims[1] * g.Dims[2]
		for r := lo; r < hi; r++ {
			x := t.x[r/g.Dims[0]*g.size()+r%g.Dims[0]*g.Strides[0]:]
			y := t.y[r*row:][:row]
			switch {
			case g.Strides[2] == 1:
				t.runs(x, y)
			default:
				t.tiles(x, y)
			}
		}
	})
}

// runs copies where neighbours stay neighbours.
func (t *permuteArgs) runs(x, y []float32) {
	n := t.g.Dims[2]
	for b := range t.g.Dims[1] {
		from, to := x[b*t.g.Strides[1]:][:n], y[b*n:][:n]
		if t.add {
			vec.add(to, to, from)
		} else {
			copy(to, from)
		}
	}
}

// tiles goes through both axes a few at a time, so that the cache lines of
// the source are used up before they are lost.
func (t *permuteArgs) tiles(x, y []float32) {
	const tile = 16
	rows, n := t.g.Dims[1], t.g.Dims[2]
	s1, s2 := t.g.Strides[1], t.g.Strides[2]
	for c0 := 0; c0 < n; c0 += tile {
		c1 := min(c0+tile, n)
		for b := range rows {
			k := b*s1 + c0*s2
			to := y[b*n+c0 : b*n+c1]
			if t.add {
				for j := range to {
					to[j] += x[k]
					k += s2
				}
			} else {
				for j := range to {
					to[j] = x[k]
					k += s2
				}
			}
		}
	}
}
