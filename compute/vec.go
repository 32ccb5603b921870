package compute

import (
	"fmt"
	"sync"
)

// grain is the number of elements of a chunk of a sweep: three streams of it
// lie in a level-2 cache, and it takes longer than waking a worker costs.
// heavyGrain is for sweeps that take many instructions an element.
const (
	grain      = 1 << 15
	heavyGrain = 1 << 13
)

// sumBlock is the number of elements that are summed in float32 before the
// sum goes on in float64.
const sumBlock = 4096

// vectors is one set of the inner loops that sweeps are made of. Slices of
// one call have the length of the first; acc and the like are added to.
type vectors struct {
	name string

	add      func(dst, a, b []float32)
	addReLU  func(dst, a, b []float32)
	mul      func(dst, a, b []float32)
	mulAdd   func(dst, a, b []float32) // dst += a·b
	scale    func(dst, x []float32, s float32)
	relu     func(y, x []float32)
	reluGrad func(dx, y, dy []float32)

	// forward and backward by activation: y = f(x), dx = dy·f′(in), where in
	// is x or y as ReadsInput says.
	act     [actCount]func(y, x []float32, alpha float32)
	actGrad [actCount]func(dx, in, dy []float32, alpha float32)

	// dropout: keep, then y = x·s where kept, 0 elsewhere. Element i of the
	// slices is number start+i of the stream.
	dropout     func(y, x []float32, keep []byte, k dropoutKey, start uint32, s float32)
	dropoutGrad func(dx, dy []float32, keep []byte, s float32)

	sum        func(x []float32) float32
	finite     func(x []float32) bool
	sumSquares func(x []float32) float32
	moments    func(x []float32, mean float32) (s, q float32) // Σ(x−mean), Σ(x−mean)²
	dot        func(x, y []float32) float32

	// of a matrix of rows × cols without gaps, cols being the length of the first
	colSum        func(acc, x []float32, rows int)
	colMax        func(acc, x []float32, rows int)                    // acc = max(acc, x), a NaN in x left out
	colMoments    func(s, q, mean, x []float32, rows int)             // Σ(x−mean), Σ(x−mean)²
	colGrad       func(s, q, mean, x, dy []float32, rows int)         // Σdy, Σdy·(x−mean)
	normalize     func(mean, scale, beta, x, y []float32, rows int)   // y = (x−mean)·scale + beta
	normalizeReLU func(mean, scale, beta, x, y []float32, rows int)   // and then max(y, 0)
	normGrad      func(n normGradArgs, x, dy, dx []float32, rows int) // dx = scale·(dy − a − (x−mean)·b)

	// the same with what stands behind batch norm: y = (x−mean)·scale + beta + z,
	// without and with relu; and the gradients with dy taken for 0 where relu let nothing
	// through, by the norm's output worked out again, or by y, which is relu's output:
	// what is left of dy then goes to dm.
	normalizeAdd     func(mean, scale, beta, x, z, y []float32, rows int)
	normalizeAddReLU func(mean, scale, beta, x, z, y []float32, rows int)
	colGradReLU      func(s, q, mean, scale, beta, x, dy []float32, rows int)
	colGradMask      func(s, q, mean, x, y, dy, dm []float32, rows int)
	normGradReLU     func(n normGradArgs, x, dy, dx []float32, rows int)

	// of rows as long as gamma, as many as inv has; LayerNormForward and RMSNormForward
	// say what they compute. The gradients add to dgamma and dbeta; dx may be dy.
	rowNorm     func(x, gamma, beta, y, mean, inv []float32, eps float32)
	rowNormGrad func(x, gamma, mean, inv, dy, dx, dgamma, dbeta []float32)
	rowRMS      func(x, gamma, y, inv []float32, eps float32)
	rowRMSGrad  func(x, gamma, inv, dy, dx, dgamma []float32)

	// of a matrix again
	groupGrad func(n normGradArgs, x, dy, dx []float32, rows int) // dx = scale·dy − a − (x−mean)·b
	prelu     func(slope, x, y []float32, rows int)               // y = x above 0, slope·x below
	preluGrad func(acc, slope, x, dy, dx []float32, rows int)     // dx = dy or slope·dy, acc += dy·min(x, 0)

	// y[j] = Σ_p a[p]·b[p·step + j] for p < len(a), in that order
	rowTimes func(y, a, b []float32, step int)
	// dst[p·dstep+j] = src[j·sstep+p] for j < rows and p < cols: a matrix turned over
	turn func(dst []float32, dstep int, src []float32, sstep, rows, cols int)

	softmaxGrad func(dx, y, dy []float32, d float32) // dx = y·(dy − d)
	shift       func(y, x []float32, s float32)      // y = x − s
	addScaled   func(dst, a, b []float32, s float32) // dst = a + s·b

	maxOf  func(x []float32) float32
	expSum func(y, x []float32, shift float32) float32 // y = exp(x−shift), their sum
	// the same for x ≤ shift, with 0 for what is below the normal numbers; and
	// w = exp(w−shift), d = d·w. Lengths are multiples of eight.
	weightSum    func(y, x []float32, shift float32) float32
	weightSlopes func(w, d []float32, shift float32)

	sgd  func(w, g, v []float32, c *sgdArgs) (g2, w2, u2 float32)
	adam func(w, g, m, v []float32, c *adamArgs) (g2, w2, u2 float32)

	// of one output pixel, c channels
	maxPool     func(w poolWindow, x, y []float32, arg []byte)
	maxPoolGrad func(w poolWindow, dy []float32, arg []byte, dx []float32)
	// of n output pixels beside each other, whose windows lie step floats
	// apart. x and dx reach to the end of the image.
	maxPoolRow     func(w poolWindow, n, step int, x, y []float32, arg []byte)
	maxPoolRowGrad func(w poolWindow, n, step int, dy []float32, arg []byte, dx []float32)
	avgPool        func(w poolWindow, x, y []float32, s float32)   // y = s·Σx
	avgPoolGrad    func(w poolWindow, dy, dx []float32, s float32) // dx += s·dy

	cell, cellGrad cellLoops
}

// normGradArgs are the column vectors of batch norm's backward sweep; beta is
// for the one through relu.
type normGradArgs struct{ mean, scale, beta, a, b []float32 }

// mustLen panics unless all lengths are n: a wrong length is our bug.
func mustLen(what string, n int, lens ...int) {
	for _, l := range lens {
		if l != n {
			panic(fmt.Sprintf("compute: %s got %d elements, wants %d", what, l, n))
		}
	}
}

// partials lends out the memory of sums that cross chunks, so that a
// reduction makes no garbage.
var partials partialStore

type partialStore struct {
	mu   sync.Mutex
	free [][]float64
}

// take is a cleared slice of n.
func (s *partialStore) take(n int) []float64 {
	s.mu.Lock()
	for i, b := range s.free {
		if cap(b) >= n {
			last := len(s.free) - 1
			s.free[i] = s.free[last]
			s.free = s.free[:last]
			s.mu.Unlock()
			b = b[:n]
			clear(b)
			return b
		}
	}
	// The biggest of those too small gives way, so the store stays short.
	if len(s.free) > 0 {
		s.free = s.free[:len(s.free)-1]
	}
	s.mu.Unlock()
	return make([]float64, n)
}

// give takes a slice back.
func (s *partialStore) give(b []float64) {
	s.mu.Lock()
	s.free = append(s.free, b)
	s.mu.Unlock()
}

// useVectors takes the set of that kernel's name, or the best there is where
// no set has it.
func useVectors(kernel string) {
	sets := vectorSets()
	vec = sets[len(sets)-1]
	for _, s := range sets {
		if s.name == kernel {
			vec = s
		}
	}
}
