package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// sweep is a loop over slices of one length, eight elements a vector: unroll
// vectors a round, then one, then the last few elements under a mask.
type sweep struct {
	name, sig string
	in, out   []string // slices read, slices written
	scalars   []string // float32 parameters
	sums      int      // float32 results, each a sum over all vectors
	maxima    bool     // results are maxima instead
	unroll    int
	spill     bool // scalars stay in memory: there are too many for registers
	setup     func(l *loop)
	// body gets the vectors of in and returns those of out.
	body func(l *loop, x []VecVirtual) []VecVirtual
	// together, instead of body, gets a round's vectors of the first of in and
	// returns those of out, which are multiplied by the second of in if there is one.
	together func(l *loop, x vectors) vectors
}

// loop is what a body may look at.
type loop struct {
	scalar map[string]VecVirtual
	keep   map[string]VecVirtual // constants that setup put into registers
	spill  bool
	accs   [][]VecVirtual // by slot of the unrolled round, by result
	slot   int
	mask   VecVirtual // set in the masked round: lanes in use
}

func (l *loop) sum(i int) VecVirtual { return l.accs[l.slot][i] }

// at is the scalar, loaded into tmp unless it has a register of its own.
func (l *loop) at(name string, tmp VecVirtual) VecVirtual {
	if !l.spill {
		return l.scalar[name]
	}
	VBROADCASTSS(param(name), tmp)
	return tmp
}

// onlyLive clears the lanes of v that stand for no element.
func (l *loop) onlyLive(v VecVirtual) {
	if l.mask != nil {
		VANDPS(l.mask, v, v)
	}
}

func param(name string) Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

func (s sweep) write() {
	TEXT(s.name+"AVX2", NOSPLIT, s.sig)
	Pragma("noescape")
	base := map[string]Register{}
	first := s.in[0]
	for _, name := range append(append([]string{}, s.in...), s.out...) {
		if base[name] == nil {
			base[name] = Load(Param(name).Base(), GP64())
		}
	}
	n := Load(Param(first).Len(), GP64())
	l := &loop{scalar: map[string]VecVirtual{}, keep: map[string]VecVirtual{}, spill: s.spill}
	if !s.spill {
		for _, name := range s.scalars {
			v := YMM()
			VBROADCASTSS(param(name), v)
			l.scalar[name] = v
		}
	}
	for range s.unroll {
		var a []VecVirtual
		for range s.sums {
			v := YMM()
			if s.maxima {
				VMOVUPS(same("xff800000", 0xff800000), v) // −∞
			} else {
				VXORPS(v, v, v)
			}
			a = append(a, v)
		}
		l.accs = append(l.accs, a)
	}
	if s.setup != nil {
		s.setup(l)
	}
	i, limit := GP64(), GP64()
	XORQ(i, i)
	at := func(name string, u int) Mem { return Mem{Base: base[name], Index: i, Scale: 4, Disp: 32 * u} }
	oneByOne := func(vectors int) {
		for u := range vectors {
			l.slot = u
			var x []VecVirtual
			for _, name := range s.in {
				v := YMM()
				VMOVUPS(at(name, u), v)
				x = append(x, v)
			}
			for k, v := range s.body(l, x) {
				VMOVUPS(v, at(s.out[k], u))
			}
		}
	}
	sideBySide := func(vectors int) {
		x := fresh(vectors)
		for u, v := range x {
			VMOVUPS(at(first, u), v)
		}
		for u, v := range s.together(l, x) {
			if len(s.in) > 1 {
				VMULPS(at(s.in[1], u), v, v)
			}
			VMOVUPS(v, at(s.out[0], u))
		}
	}
	round := func(label string, vectors int) {
		MOVQ(n, limit)
		SUBQ(Imm(uint64(8*vectors)), limit)
		Label(label)
		CMPQ(i, limit)
		JGT(LabelRef(label + "_end"))
		if s.together != nil {
			sideBySide(vectors)
		} else {
			oneByOne(vectors)
		}
		ADDQ(Imm(uint64(8*vectors)), i)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	if s.unroll > 1 {
		round("many", s.unroll)
	}
	round("one", 1)

	SUBQ(i, n)
	JE(LabelRef("done"))
	l.slot = 0
	l.mask = maskOf(n)
	var x []VecVirtual
	for _, name := range s.in {
		v := YMM()
		VMASKMOVPS(Mem{Base: base[name], Index: i, Scale: 4}, l.mask, v)
		x = append(x, v)
	}
	var y []VecVirtual
	if s.together == nil {
		y = s.body(l, x)
	} else {
		y = s.together(l, x[:1])
		if len(x) > 1 {
			VMULPS(x[1], y[0], y[0])
		}
	}
	for k, v := range y {
		p := GP64()
		LEAQ(Mem{Base: base[s.out[k]], Index: i, Scale: 4}, p)
		storeTail(fmt.Sprintf("t%d", k), v, p, n)
	}
	Label("done")
	for k := range s.sums {
		acc := l.accs[0][k]
		for u := 1; u < s.unroll; u++ {
			if s.maxima {
				VMAXPS(l.accs[u][k], acc, acc)
			} else {
				VADDPS(l.accs[u][k], acc, acc)
			}
		}
		if s.maxima {
			VMOVSS(fold(acc, func(b, a VecVirtual) { VMAXPS(b, a, a) }), result(k))
		} else {
			VMOVSS(fold(acc, func(b, a VecVirtual) { VADDPS(b, a, a) }), result(k))
		}
	}
	VZEROUPPER()
	RET()
}

func result(k int) Mem {
	b, err := ReturnIndex(k).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// fold joins a vector's lanes by op, which joins b into a.
func fold(v VecVirtual, op func(b, a VecVirtual)) VecVirtual {
	lo, hi := v.AsX().(VecVirtual), XMM()
	VEXTRACTF128(Imm(1), v, hi)
	op(hi, lo)
	VMOVHLPS(lo, hi, hi)
	op(hi, lo)
	VMOVSHDUP(lo, hi)
	op(hi, lo)
	return lo
}

// maskOf has the first n lanes set, 0 < n < 8.
func maskOf(n Register) VecVirtual {
	table, m, k := GP64(), YMM(), GP64()
	LEAQ(words("mask", -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0), table)
	MOVQ(U32(8), k)
	SUBQ(n, k)
	VMOVUPS(Mem{Base: table, Index: k, Scale: 4}, m)
	return m
}

// storeTail writes the first n lanes of v, 0 < n < 8, and changes p and v. A
// masked store would do, but takes a dozen cycles on AMD.
func storeTail(label string, v VecVirtual, p, n Register) {
	lo := v.AsX()
	TESTQ(U32(4), n)
	JE(LabelRef(label + "_2"))
	VMOVUPS(lo, Mem{Base: p})
	VEXTRACTF128(Imm(1), v, lo)
	ADDQ(Imm(16), p)
	Label(label + "_2")
	TESTQ(U32(2), n)
	JE(LabelRef(label + "_1"))
	VMOVLPS(lo, Mem{Base: p})
	VMOVHLPS(lo, lo, lo)
	ADDQ(Imm(8), p)
	Label(label + "_1")
	TESTQ(U32(1), n)
	JE(LabelRef(label + "_0"))
	VMOVSS(lo, Mem{Base: p})
	Label(label + "_0")
}

// storeBytes writes eight 32-bit lanes of v, each below 256, as bytes.
func storeBytes(v VecVirtual, to Mem) {
	VMOVQ(packBytes(v), to)
}

func packBytes(v VecVirtual) VecVirtual {
	lo, hi := v.AsX(), XMM()
	VEXTRACTI128(Imm(1), v, hi)
	VPACKUSDW(hi, lo, lo)
	VPACKUSWB(lo, lo, lo)
	return lo.(VecVirtual)
}

// constants by name: each is written once.
var constants = map[string]Mem{}

// words is a constant of 32-bit integers in memory.
func words(name string, v ...int) Mem {
	if m, ok := constants[name]; ok {
		return m
	}
	m := GLOBL("vec_"+name, RODATA|NOPTR)
	for i, w := range v {
		DATA(4*i, U32(uint32(w)))
	}
	constants[name] = m
	return m
}

// same is eight times one 32-bit integer.
func same(name string, v uint32) Mem {
	var w []int
	for range 8 {
		w = append(w, int(v))
	}
	return words(name, w...)
}

// number is eight times one float32.
func number(v float64) Mem {
	bits := math.Float32bits(float32(v))
	return same(fmt.Sprintf("x%08x", bits), bits)
}
