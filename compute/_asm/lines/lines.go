// Package lines is Winograd's transforms of one line of values, in the
// instructions of any processor. The generators of package compute's kernels
// write them for theirs; conv_winograd.go says what the transforms are.
package lines

// The points that the polynomials are taken at are 0, ±a, ±b and infinity.
const a, b = 0.75, 1.5

const (
	na = 1 / (2 * a * a * (a*a - b*b))
	nb = 1 / (2 * b * b * (b*b - a*a))
)

// Machine writes instructions on registers of several numbers, each named by
// its number.
type Machine interface {
	Add(x, y, to int)
	Sub(x, y, to int)
	Mul(x, y, to int)
	Move(from, to int)
	MulAdd(x, y, to int)  // to += x·y
	MulTake(x, y, to int) // to −= x·y
}

// Values are the registers that a line may use.
const Values = 10

// Line is one transform: from values to values. Write reads them from
// registers v[0], v[1], ... and may use all of v; done says in which register
// each result is, as soon as it is there. k are registers of the constants.
type Line struct {
	From, To  int
	Constants []float64
	Write     func(m Machine, v, k []int, done func(i, r int))
}

var filter = []float64{1 / (a * a * b * b), na, a * na, a * a * na, nb, b * nb, b * b * nb}

// The lines of the transforms that struct winograd has.
var (
	Input   = Line{6, 6, []float64{a * a * b * b, a*a + b*b, a, a * a, b, b * b}, input}
	Output  = Line{6, 4, []float64{a, a * a, a * a * a, b, b * b, b * b * b}, output}
	Grad    = Line{4, 6, []float64{a, a * a, b, b * b}, grad}
	Weights = Line{3, 6, filter, weights}
	Sums    = Line{6, 3, filter, sums}
)

// input is Bᵀ.
func input(m Machine, v, k []int, done func(i, r int)) {
	aabb, sum, a, aa, b, bb := k[0], k[1], k[2], k[3], k[4], k[5]
	m.Mul(aabb, v[0], v[0])
	m.MulTake(sum, v[2], v[0])
	m.Add(v[0], v[4], v[0])
	done(0, v[0])
	m.MulAdd(aabb, v[1], v[5])
	m.MulTake(sum, v[3], v[5])
	m.Move(v[4], v[6])
	m.MulTake(bb, v[2], v[6])
	m.Move(v[3], v[7])
	m.MulTake(bb, v[1], v[7])
	m.MulTake(aa, v[2], v[4])
	m.MulTake(aa, v[1], v[3])
	m.Move(v[6], v[8])
	m.MulAdd(a, v[7], v[8])
	done(1, v[8])
	m.MulTake(a, v[7], v[6])
	done(2, v[6])
	m.Move(v[4], v[9])
	m.MulAdd(b, v[3], v[9])
	done(3, v[9])
	m.MulTake(b, v[3], v[4])
	done(4, v[4])
	done(5, v[5])
}

// output is Aᵀ.
func output(m Machine, v, k []int, done func(i, r int)) {
	a, aa, aaa, b, bb, bbb := k[0], k[1], k[2], k[3], k[4], k[5]
	m.Add(v[1], v[2], v[6])
	m.Sub(v[1], v[2], v[1])
	m.Add(v[3], v[4], v[7])
	m.Sub(v[3], v[4], v[3])
	m.Add(v[0], v[6], v[0])
	m.Add(v[0], v[7], v[0])
	done(0, v[0])
	m.Mul(a, v[1], v[8])
	m.MulAdd(b, v[3], v[8])
	done(1, v[8])
	m.Mul(aa, v[6], v[6])
	m.MulAdd(bb, v[7], v[6])
	done(2, v[6])
	m.MulAdd(aaa, v[1], v[5])
	m.MulAdd(bbb, v[3], v[5])
	done(3, v[5])
}

// grad is A.
func grad(m Machine, v, k []int, done func(i, r int)) {
	a, aa, b, bb := k[0], k[1], k[2], k[3]
	m.Move(v[0], v[4])
	m.MulAdd(aa, v[2], v[4])
	m.Move(v[1], v[5])
	m.MulAdd(aa, v[3], v[5])
	done(0, v[0])
	m.Move(v[0], v[8])
	m.MulAdd(bb, v[2], v[8])
	m.MulAdd(bb, v[3], v[1])
	m.Move(v[4], v[6])
	m.MulAdd(a, v[5], v[6])
	done(1, v[6])
	m.MulTake(a, v[5], v[4])
	done(2, v[4])
	m.Move(v[8], v[7])
	m.MulAdd(b, v[1], v[7])
	done(3, v[7])
	m.MulTake(b, v[1], v[8])
	done(4, v[8])
	done(5, v[3])
}

// weights is G.
func weights(m Machine, v, k []int, done func(i, r int)) {
	n0, na, ana, aana, nb, bnb, bbnb := k[0], k[1], k[2], k[3], k[4], k[5], k[6]
	m.Mul(n0, v[0], v[3])
	done(0, v[3])
	m.Mul(na, v[0], v[4])
	m.MulAdd(aana, v[2], v[4])
	m.Mul(nb, v[0], v[6])
	m.MulAdd(bbnb, v[2], v[6])
	m.Move(v[4], v[5])
	m.MulAdd(ana, v[1], v[5])
	done(1, v[5])
	m.MulTake(ana, v[1], v[4])
	done(2, v[4])
	m.Move(v[6], v[7])
	m.MulAdd(bnb, v[1], v[7])
	done(3, v[7])
	m.MulTake(bnb, v[1], v[6])
	done(4, v[6])
	done(5, v[2])
}

// sums is Gᵀ.
func sums(m Machine, v, k []int, done func(i, r int)) {
	n0, na, ana, aana, nb, bnb, bbnb := k[0], k[1], k[2], k[3], k[4], k[5], k[6]
	m.Add(v[1], v[2], v[6])
	m.Sub(v[1], v[2], v[1])
	m.Add(v[3], v[4], v[7])
	m.Sub(v[3], v[4], v[3])
	m.Mul(n0, v[0], v[0])
	m.MulAdd(na, v[6], v[0])
	m.MulAdd(nb, v[7], v[0])
	done(0, v[0])
	m.Mul(ana, v[1], v[8])
	m.MulAdd(bnb, v[3], v[8])
	done(1, v[8])
	m.MulAdd(aana, v[6], v[5])
	m.MulAdd(bbnb, v[7], v[5])
	done(2, v[5])
}
