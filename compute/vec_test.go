package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"layercake/internal/allocs"
)

// sweepSizes are lengths around the vector widths, the blocks and the chunks.
var sweepSizes = []int{0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 1000, 1003, 4101, grain + 5, 3*grain + 17}

// eachVectors runs f with every set of inner loops that this build has.
func eachVectors(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	old := vec
	defer func() { vec = old }()
	for _, v := range vectorSets() {
		vec = v
		t.Run(v.name, f)
	}
}

// fenced is a slice of n random numbers with guards on both sides, and a
// function that fails the test if a guard was written.
func fenced(t testing.TB, r *rand.Rand, n int) (x []float32, check func()) {
	t.Helper()
	const fence = 40
	guard := float32(math.Float32frombits(0x7fc0beef))
	all := make([]float32, n+2*fence)
	for i := range all {
		all[i] = guard
	}
	x = all[fence : fence+n]
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x, func() {
		t.Helper()
		for i, v := range all {
			if (i < fence || i >= fence+n) && math.Float32bits(v) != 0x7fc0beef {
				t.Fatalf("element %d of a slice of %d was written: %v", i-fence, n, v)
			}
		}
	}
}

// within reports the first element of got further from want than rel·|want| + abs.
func within(t *testing.T, what string, got []float32, want []float64, rel, abs float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		g := float64(got[i])
		if math.IsNaN(w) && math.IsNaN(g) || g == w {
			continue
		}
		if !(math.Abs(g-w) <= rel*math.Abs(w)+abs) {
			t.Fatalf("%s: element %d is %v, want %v (off by %.3g)", what, i, g, w, g-w)
		}
	}
}

func near(t *testing.T, what string, got, want, rel, abs float64) {
	t.Helper()
	if !(math.Abs(got-want) <= rel*math.Abs(want)+abs) {
		t.Fatalf("%s is %v, want %v", what, got, want)
	}
}

// wide is x in float64.
func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func randoms(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// sweepSuite is one call of everything that goes through a pool, at sizes
// that make several chunks; it returns all outputs one after the other.
func sweepSuite(p *Pool, s *suiteMemory) {
	n := len(s.x)
	rows, c := n/24, 24
	g := &Pooling{N: 16, H: 16, W: 16, C: 24, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadTop: 1, PadLeft: 1, PadBottom: 1, PadRight: 1, OH: 8, OW: 8}
	small := s.z[:g.out()]
	Add(p, s.x, s.y, s.out[0])
	MulAddTo(p, s.out[0], s.x, s.y)
	DropoutForward(p, 3, 0.3, s.x, s.out[1], s.keep)
	DropoutBackward(p, 0.3, s.y, s.out[2], s.keep)
	for a := range actCount {
		ActForward(p, a, 0.1, s.x, s.out[3])
		ActBackward(p, a, 0.1, s.x, s.out[3], s.y, s.out[4])
	}
	BatchNormForward(p, rows, c, s.x, s.col[0], s.col[1], s.out[5], s.col[2], s.col[3], s.col[4], s.col[5], 1e-5, 0.1)
	BatchNormBackward(p, rows, c, s.x, s.col[0], s.col[2], s.col[3], s.y, s.out[6], s.col[6], s.col[7])
	BatchNormAddForward(p, rows, c, s.x, s.col[0], s.col[1], s.y, s.out[25], s.col[2], s.col[3], nil, nil, 1e-5, 0.1, true)
	BatchNormReLUBackward(p, rows, c, s.x, s.col[0], s.col[1], s.col[2], s.col[3], s.y, s.out[26], s.col[6], s.col[7])
	BatchNormMaskBackward(p, rows, c, s.x, s.col[0], s.col[2], s.col[3], s.out[25], s.y, s.out[27], s.out[26], s.col[6], s.col[7])
	FoldBatchNorm(p, rows, c, s.x, nil, s.col[0], s.col[1], s.col[2], s.col[3], 1e-5, s.out[28], s.col[9])
	BatchNormInfer(p, rows, c, s.x, s.col[0], s.col[1], s.out[7], s.col[4], s.col[5], 1e-5)
	MaxPoolForward(p, g, s.x[:g.in()], small, s.keep[:g.out()])
	MaxPoolBackward(p, g, small, s.keep[:g.out()], s.out[8][:g.in()])
	AvgPoolForward(p, g, s.x[:g.in()], small)
	AvgPoolBackward(p, g, small, s.out[9][:g.in()])
	GlobalAvgForward(p, 16, 256, 24, nil, s.x[:g.in()], s.z[:16*24])
	GlobalAvgBackward(p, 16, 256, 24, nil, s.z[:16*24], s.out[10][:g.in()])
	Softmax(p, rows, c, s.x, s.out[11])
	SoftmaxBackward(p, rows, c, s.out[11], s.y, s.out[11])
	LogSoftmax(p, rows, c, s.x, s.out[12])
	LogSoftmaxBackward(p, rows, c, s.out[12], s.y, s.out[12])
	loss, right := CrossEntropy(p, rows, c, s.x, s.labels[:rows], nil, 0.1, s.out[13], 0.5)
	mean, variance := Moments(p, s.x)
	st, parts := s.stats[:], s.parts[:]
	parts[0] = Part{0, len(s.out[14]), true}
	SGDStep(p, parts, s.out[14], s.out[15], s.out[16], 0.1, 0.9, 1e-4, 0, true, 0.5, st)
	AdamStep(p, parts, s.out[17], s.out[18], s.out[19], s.out[20], 0.1, 0.9, 0.999, 1e-8, 1e-2, 0, true, 0.1, 0.001, 1, st)
	ColumnSum(p, rows, c, s.x, s.col[8], false)
	NHWCToNCHW(p, 16, 16, 16, 24, s.x[:g.in()], s.out[21][:g.in()])
	SubsampleForward(p, 16, 16, 16, 24, 2, 48, s.x[:g.in()], s.out[22][:16*64*48])
	SubsampleBackward(p, 16, 16, 16, 24, 2, 48, s.out[22][:16*64*48], s.out[23][:g.in()])
	CopyColumns(p, rows, s.x, 3, 24, 8, s.out[24], 16, 24, false)
	LayerNormForward(p, rows, c, s.x, s.col[0], s.col[1], s.out[29], s.row[0][:rows], s.row[1][:rows], 1e-5)
	LayerNormBackward(p, rows, c, s.x, s.col[0], s.row[0][:rows], s.row[1][:rows], s.y, s.out[30], s.col[6], s.col[7])
	RMSNormForward(p, rows, c, s.x, s.col[0], s.out[31], s.row[1][:rows], 1e-5)
	RMSNormBackward(p, rows, c, s.x, s.col[0], s.row[1][:rows], s.y, s.out[32], s.col[6])
	nines := rows / 9
	all, some := 9*nines*c, nines*c
	GroupNormForward(p, nines, 9, c, 4, nil, s.x[:all], s.col[0], s.col[1], s.out[33][:all], s.out[34][:some], s.out[35][:some], 1e-5)
	GroupNormBackward(p, nines, 9, c, 4, nil, s.x[:all], s.col[0], s.out[34][:some], s.out[35][:some], s.y[:all], s.out[36][:all], s.col[6], s.col[7])
	BatchNormPaddedForward(p, 1, rows, c, s.lens[:], s.x, s.col[0], s.col[1], nil, s.out[37], s.col[2], s.col[3], nil, nil, 1e-5, 0.1, false)
	BatchNormPaddedBackward(p, 1, rows, c, s.lens[:], s.x, s.col[0], s.col[2], s.col[3], s.y, s.out[38], s.col[6], s.col[7])
	GLU(p, ActGELU, rows/2, c, s.x[:rows/2*2*c], s.out[39][:rows/2*c])
	GLUBackward(p, ActSigmoid, rows/2, c, s.x[:rows/2*2*c], s.y[:rows/2*c], s.out[40][:rows/2*2*c])
	PReLU(p, rows, c, s.x, s.col[0], s.out[41])
	PReLUBackward(p, rows, c, s.x, s.col[0][:1], s.y, s.out[42], s.col[9][:1])
	ColumnScale(p, rows, c, s.x, s.col[0], s.out[43])
	ColumnScaleBackward(p, rows, c, s.x, s.col[0], s.y, s.out[44], s.col[6])
	DropColumns(p, 3, 0.3, nines, 9, c, s.x[:all], s.out[45][:all], s.keep[:some])
	s.scalars = [...]float64{loss, float64(right), mean, variance, SumSquares(p, s.x), float64(vec.dot(s.x, s.y)), float64(vec.sum(s.x)),
		float64(DeadColumns(p, rows, c, s.x)), st[0].Grad2, st[0].Weight2, st[0].Update2}
}

type suiteMemory struct {
	stats   [1]SweepStats
	parts   [1]Part
	x, y, z []float32
	out     [46][]float32
	row     [2][]float32 // as many as rows or more
	col     [10][]float32
	keep    []byte
	labels  []int32
	lens    [1]int32
	scalars [11]float64
}

func newSuiteMemory() *suiteMemory {
	const n = 24 * 9001
	s := &suiteMemory{x: randoms(1, n), y: randoms(2, n), z: make([]float32, n), keep: make([]byte, n), labels: make([]int32, n), lens: [1]int32{8000}}
	for i := range s.out {
		s.out[i] = randoms(uint64(i)+10, n)
	}
	for i, v := range s.out[20] { // Adam's second moments
		s.out[20][i] = v * v
	}
	for i := range s.row {
		s.row[i] = make([]float32, n/24)
	}
	for i := range s.col {
		s.col[i] = randoms(uint64(i)+50, 24)
	}
	for i := range s.labels {
		s.labels[i] = int32(i%26) - 2
	}
	return s
}

// bits is everything that the suite wrote.
func (s *suiteMemory) bits() []uint64 {
	var b []uint64
	for _, v := range s.scalars {
		b = append(b, math.Float64bits(v))
	}
	for _, set := range [][][]float32{s.out[:], s.col[:], s.row[:], {s.z}} {
		for _, x := range set {
			for _, v := range x {
				b = append(b, uint64(math.Float32bits(v)))
			}
		}
	}
	return b
}

func TestSameBitsOnAnyThreads(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		first := newSuiteMemory()
		sweepSuite(nil, first)
		want := first.bits()
		for _, threads := range []int{1, 2, 3, 4, 7} {
			p := NewPool(threads)
			s := newSuiteMemory()
			sweepSuite(p, s)
			p.Close()
			for i, b := range s.bits() {
				if b != want[i] {
					t.Fatalf("%d threads: value %d is %#x, without a pool %#x", threads, i, b, want[i])
				}
			}
		}
	})
}

func TestSweepsMakeNoGarbage(t *testing.T) {
	for _, threads := range []int{1, 2} {
		t.Run(fmt.Sprint(threads), func(t *testing.T) {
			p := NewPool(threads)
			defer p.Close()
			s := newSuiteMemory()
			// Both workers have to meet each size before their scratch is full grown.
			for range 3 {
				sweepSuite(p, s)
			}
			if n := allocs.Steady(3, func() { sweepSuite(p, s) }); n != 0 {
				t.Errorf("%v allocations in a suite of sweeps, want 0", n)
			}
		})
	}
}

// A loop left out of a set would be met in a run, not in a build.
func TestVectorSetsAreWhole(t *testing.T) {
	for _, v := range vectorSets() {
		s := reflect.ValueOf(*v)
		for i := range s.NumField() {
			f := s.Field(i)
			if f.Kind() == reflect.Func && f.IsNil() {
				t.Errorf("%s has no %s", v.name, s.Type().Field(i).Name)
			}
			if f.Kind() == reflect.Array {
				for j := range f.Len() {
					if f.Index(j).IsNil() {
						t.Errorf("%s has no %s of %v", v.name, s.Type().Field(i).Name, Act(j))
					}
				}
			}
		}
	}
}

func TestSetKernelChoosesSweeps(t *testing.T) {
	was := KernelName()
	defer SetKernel(was)
	for _, s := range vectorSets() {
		if err := SetKernel(s.name); err != nil {
			t.Fatal(err)
		}
		if vec.name != s.name {
			t.Errorf("kernel %s sweeps with %s", s.name, vec.name)
		}
	}
}
