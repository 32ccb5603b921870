package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func pooling() {
	maxPool("maxPoolMarks", "func(y *float32, arg *byte, x *float32, c, kh, kw, row, first, stride int)", true)
	maxPool("maxPool", "func(y, x *float32, c, kh, kw, row int)", false)
	maxPoolGrad()
	maxPoolRow("maxPoolRowMarks", "func(y *float32, arg *byte, x *float32, n, step, c, kh, kw, row, first, stride int)", true)
	maxPoolRow("maxPoolRow", "func(y, x *float32, n, step, c, kh, kw, row int)", false)
	maxPoolRowGrad()
	avgPool()
	avgPoolGrad()
}

// taps calls body for each of kh × kw taps from p on: c bytes along a row,
// row bytes from row to row.
func taps(from, kh, kw, c, row Register, body func(at Register)) {
	p, q, i, j := GP64(), GP64(), GP64(), GP64()
	MOVQ(from, p)
	MOVQ(kh, i)
	Label("row")
	MOVQ(p, q)
	MOVQ(kw, j)
	Label("tap")
	body(q)
	ADDQ(c, q)
	DECQ(j)
	JNE(LabelRef("tap"))
	ADDQ(row, p)
	DECQ(i)
	JNE(LabelRef("row"))
}

// avgPool is s times the sum of one output pixel's taps, for whole vectors of
// channels; the caller does the rest.
func avgPool() {
	TEXT("avgPoolAVX2", NOSPLIT, "func(y, x *float32, vectors, c, kh, kw, row int, s float32)")
	Pragma("noescape")
	y, x, n := Load(Param("y"), GP64()), Load(Param("x"), GP64()), Load(Param("vectors"), GP64())
	c, kh, kw, row := Load(Param("c"), GP64()), Load(Param("kh"), GP64()), Load(Param("kw"), GP64()), Load(Param("row"), GP64())
	s := YMM()
	VBROADCASTSS(param("s"), s)
	SHLQ(Imm(2), c)
	SHLQ(Imm(2), row)
	Label("next")
	sum := YMM()
	VXORPS(sum, sum, sum)
	taps(x, kh, kw, c, row, func(at Register) { VADDPS(Mem{Base: at}, sum, sum) })
	VMULPS(s, sum, sum)
	VMOVUPS(sum, Mem{Base: y})
	ADDQ(Imm(32), x)
	ADDQ(Imm(32), y)
	DECQ(n)
	JNE(LabelRef("next"))
	VZEROUPPER()
	RET()
}

// avgPoolGrad adds s times one output pixel's gradient to its taps, for whole
// vectors of channels; the caller does the rest.
func avgPoolGrad() {
	TEXT("avgPoolGradAVX2", NOSPLIT, "func(dx, dy *float32, vectors, c, kh, kw, row int, s float32)")
	Pragma("noescape")
	dx, dy, n := Load(Param("dx"), GP64()), Load(Param("dy"), GP64()), Load(Param("vectors"), GP64())
	c, kh, kw, row := Load(Param("c"), GP64()), Load(Param("kh"), GP64()), Load(Param("kw"), GP64()), Load(Param("row"), GP64())
	s := YMM()
	VBROADCASTSS(param("s"), s)
	SHLQ(Imm(2), c)
	SHLQ(Imm(2), row)
	Label("next")
	d, t := YMM(), YMM()
	VMULPS(Mem{Base: dy}, s, d)
	taps(dx, kh, kw, c, row, func(at Register) {
		VADDPS(Mem{Base: at}, d, t)
		VMOVUPS(t, Mem{Base: at})
	})
	ADDQ(Imm(32), dx)
	ADDQ(Imm(32), dy)
	DECQ(n)
	JNE(LabelRef("next"))
	VZEROUPPER()
	RET()
}

// maxPool is one output pixel: the largest of kh × kw taps for c channels,
// and with marks the number of the tap. The channels of a pixel lie c floats
// after those of its neighbour, row floats after those of the row above.
func maxPool(name, sig string, marks bool) {
	TEXT(name+"AVX2", NOSPLIT, sig)
	Pragma("noescape")
	y, x := Load(Param("y"), GP64()), Load(Param("x"), GP64())
	c, kh, kw, row := Load(Param("c"), GP64()), Load(Param("kh"), GP64()), Load(Param("kw"), GP64()), Load(Param("row"), GP64())
	var arg Register
	first, jump := YMM(), YMM()
	if marks {
		arg = Load(Param("arg"), GP64())
		VPBROADCASTD(param("first"), first)
		// From the last tap of a row to the first of the next: stride − kw.
		t := Load(Param("stride"), GP64())
		SUBQ(kw, t)
		VMOVD(t.(GPVirtual).As32(), jump.AsX())
		VPBROADCASTD(jump.AsX(), jump)
	}
	pixel := GP64()
	MOVQ(c, pixel)
	SHLQ(Imm(2), pixel) // bytes
	SHLQ(Imm(2), row)

	channels := func(label string, load func(p Register, v VecVirtual)) (best, at VecVirtual) {
		best, at = YMM(), YMM()
		tap := YMM()
		VMOVUPS(same("xff800000", 0xff800000), best)
		if marks {
			VMOVDQU(first, at)
			VMOVDQU(first, tap)
		}
		p, q, i, j := GP64(), GP64(), GP64(), GP64()
		MOVQ(x, p)
		MOVQ(kh, i)
		Label(label + "_row")
		MOVQ(p, q)
		MOVQ(kw, j)
		Label(label + "_tap")
		v, wins, nan := YMM(), YMM(), YMM()
		load(q, v)
		VCMPPS(Imm(0x1e), best, v, wins) // v > best
		VCMPPS(Imm(3), v, v, nan)        // or v is NaN
		VORPS(nan, wins, wins)
		VBLENDVPS(wins, v, best, best)
		if marks {
			VPBLENDVB(wins, tap, at, at)
			VPADDD(same("one", 1), tap, tap)
		}
		ADDQ(pixel, q)
		DECQ(j)
		JNE(LabelRef(label + "_tap"))
		if marks {
			VPADDD(jump, tap, tap)
		}
		ADDQ(row, p)
		DECQ(i)
		JNE(LabelRef(label + "_row"))
		return best, at
	}

	Label("next")
	CMPQ(c, Imm(8))
	JLT(LabelRef("tail"))
	best, at := channels("full", func(p Register, v VecVirtual) { VMOVUPS(Mem{Base: p}, v) })
	VMOVUPS(best, Mem{Base: y})
	if marks {
		storeBytes(at, Mem{Base: arg})
		ADDQ(Imm(8), arg)
	}
	ADDQ(Imm(32), x)
	ADDQ(Imm(32), y)
	SUBQ(Imm(8), c)
	JMP(LabelRef("next"))

	Label("tail")
	TESTQ(c, c)
	JE(LabelRef("done"))
	mask := maskOf(c)
	best, at = channels("part", func(p Register, v VecVirtual) { VMASKMOVPS(Mem{Base: p}, mask, v) })
	storeTail("t", best, y, c)
	if marks {
		b := GP64()
		VMOVQ(packBytes(at), b)
		Label("byte")
		MOVB(b.As8(), Mem{Base: arg})
		SHRQ(Imm(8), b)
		INCQ(arg)
		DECQ(c)
		JNE(LabelRef("byte"))
	}
	Label("done")
	VZEROUPPER()
	RET()
}

// maxPoolGrad adds one output pixel's gradient to the taps that won, for whole
// vectors of channels; the caller does the rest.
func maxPoolGrad() {
	TEXT("maxPoolGradAVX2", NOSPLIT, "func(dx *float32, arg *byte, dy *float32, vectors, c, kh, kw, row, first, stride int)")
	Pragma("noescape")
	dx, arg, dy := Load(Param("dx"), GP64()), Load(Param("arg"), GP64()), Load(Param("dy"), GP64())
	n, c, kh, kw, row := Load(Param("vectors"), GP64()), Load(Param("c"), GP64()), Load(Param("kh"), GP64()), Load(Param("kw"), GP64()), Load(Param("row"), GP64())
	first, jump := YMM(), YMM()
	VPBROADCASTD(param("first"), first)
	t := Load(Param("stride"), GP64())
	SUBQ(kw, t)
	VMOVD(t.(GPVirtual).As32(), jump.AsX())
	VPBROADCASTD(jump.AsX(), jump)
	SHLQ(Imm(2), c)
	SHLQ(Imm(2), row)
	Label("next")
	d, at, tap := YMM(), YMM(), YMM()
	VMOVUPS(Mem{Base: dy}, d)
	VPMOVZXBD(Mem{Base: arg}, at)
	VMOVDQU(first, tap)
	p, q, i, j := GP64(), GP64(), GP64(), GP64()
	MOVQ(dx, p)
	MOVQ(kh, i)
	Label("row")
	MOVQ(p, q)
	MOVQ(kw, j)
	Label("tap")
	m := YMM()
	VPCMPEQD(tap, at, m)
	VANDPS(d, m, m)
	VADDPS(Mem{Base: q}, m, m)
	VMOVUPS(m, Mem{Base: q})
	VPADDD(same("one", 1), tap, tap)
	ADDQ(c, q)
	DECQ(j)
	JNE(LabelRef("tap"))
	VPADDD(jump, tap, tap)
	ADDQ(row, p)
	DECQ(i)
	JNE(LabelRef("row"))
	ADDQ(Imm(32), dx)
	ADDQ(Imm(32), dy)
	ADDQ(Imm(8), arg)
	DECQ(n)
	JNE(LabelRef("next"))
	VZEROUPPER()
	RET()
}

// tapNumbers is the number of the first tap, and what to add from the last tap
// of a row to the first of the next: stride − kw.
func tapNumbers() (first, jump VecVirtual) {
	first, jump = YMM(), YMM()
	VPBROADCASTD(param("first"), first)
	t := Load(Param("stride"), GP64())
	SUBQ(param("kw"), t)
	VMOVD(t.(GPVirtual).As32(), jump.AsX())
	VPBROADCASTD(jump.AsX(), jump)
	return first, jump
}

// maxPoolRow is maxPool for n output pixels, n > 0, whose windows lie step
// floats apart. It takes eight channels at a time even where fewer are left:
// what it writes too much, the next pixel puts right, and the caller sees to
// it that there is one.
func maxPoolRow(name, sig string, marks bool) {
	TEXT(name+"AVX2", NOSPLIT, sig)
	Pragma("noescape")
	y, x := Load(Param("y"), GP64()), Load(Param("x"), GP64())
	n, c, row := Load(Param("n"), GP64()), Load(Param("c"), GP64()), Load(Param("row"), GP64())
	var arg Register
	var first, jump VecVirtual
	if marks {
		arg = Load(Param("arg"), GP64())
		first, jump = tapNumbers()
	}
	one, none := YMM(), YMM()
	VMOVDQU(same("one", 1), one)
	VMOVUPS(same("xff800000", 0xff800000), none) // −∞
	pixel, at := GP64(), GP64()
	MOVQ(c, pixel)
	SHLQ(Imm(2), pixel) // bytes
	SHLQ(Imm(2), row)
	Label("pixel")
	XORQ(at, at)
	Label("channels")
	best, from, tap := YMM(), YMM(), YMM()
	VMOVAPS(none, best)
	if marks {
		VMOVDQA(first, from)
		VMOVDQA(first, tap)
	}
	p, q, i, j := GP64(), GP64(), GP64(), GP64()
	LEAQ(Mem{Base: x, Index: at, Scale: 4}, p)
	MOVQ(param("kh"), i)
	Label("row")
	MOVQ(p, q)
	MOVQ(param("kw"), j)
	Label("tap")
	v, wins, nan := YMM(), YMM(), YMM()
	VMOVUPS(Mem{Base: q}, v)
	VCMPPS(Imm(0x1e), best, v, wins) // v > best
	VCMPPS(Imm(3), v, v, nan)        // or v is NaN
	VORPS(nan, wins, wins)
	VBLENDVPS(wins, v, best, best)
	if marks {
		VPBLENDVB(wins, tap, from, from)
		VPADDD(one, tap, tap)
	}
	ADDQ(pixel, q)
	DECQ(j)
	JNE(LabelRef("tap"))
	if marks {
		VPADDD(jump, tap, tap)
	}
	ADDQ(row, p)
	DECQ(i)
	JNE(LabelRef("row"))
	VMOVUPS(best, Mem{Base: y, Index: at, Scale: 4})
	if marks {
		storeBytes(from, Mem{Base: arg, Index: at, Scale: 1})
	}
	ADDQ(Imm(8), at)
	CMPQ(at, c)
	JLT(LabelRef("channels"))
	ADDQ(pixel, y)
	if marks {
		ADDQ(c, arg)
	}
	MOVQ(param("step"), p)
	LEAQ(Mem{Base: x, Index: p, Scale: 4}, x)
	DECQ(n)
	JNE(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

// maxPoolRowGrad is maxPoolGrad for n output pixels, n > 0. Where fewer than
// eight channels are left it adds 0 to what lies behind them.
func maxPoolRowGrad() {
	TEXT("maxPoolRowGradAVX2", NOSPLIT, "func(dx *float32, arg *byte, dy *float32, n, step, c, kh, kw, row, first, stride int)")
	Pragma("noescape")
	dx, arg, dy := Load(Param("dx"), GP64()), Load(Param("arg"), GP64()), Load(Param("dy"), GP64())
	n, c, row := Load(Param("n"), GP64()), Load(Param("c"), GP64()), Load(Param("row"), GP64())
	first, jump := tapNumbers()
	one, rest := YMM(), YMM()
	VMOVDQU(same("one", 1), one)
	pixel, at, full := GP64(), GP64(), GP64()
	MOVQ(c, full)
	SUBQ(Imm(8), full) // the last place with eight channels
	MOVQ(c, pixel)
	ANDQ(Imm(7), pixel)
	VMOVAPS(maskOf(pixel), rest)
	MOVQ(c, pixel)
	SHLQ(Imm(2), pixel)
	SHLQ(Imm(2), row)
	Label("pixel")
	XORQ(at, at)
	Label("channels")
	d, from, tap := YMM(), YMM(), YMM()
	VMOVUPS(Mem{Base: dy, Index: at, Scale: 4}, d)
	CMPQ(at, full)
	JLE(LabelRef("whole"))
	VANDPS(rest, d, d)
	Label("whole")
	VPMOVZXBD(Mem{Base: arg, Index: at, Scale: 1}, from)
	VMOVDQA(first, tap)
	p, q, i, j := GP64(), GP64(), GP64(), GP64()
	LEAQ(Mem{Base: dx, Index: at, Scale: 4}, p)
	MOVQ(param("kh"), i)
	Label("row")
	MOVQ(p, q)
	MOVQ(param("kw"), j)
	Label("tap")
	m := YMM()
	VPCMPEQD(tap, from, m)
	VANDPS(d, m, m)
	VADDPS(Mem{Base: q}, m, m)
	VMOVUPS(m, Mem{Base: q})
	VPADDD(one, tap, tap)
	ADDQ(pixel, q)
	DECQ(j)
	JNE(LabelRef("tap"))
	VPADDD(jump, tap, tap)
	ADDQ(row, p)
	DECQ(i)
	JNE(LabelRef("row"))
	ADDQ(Imm(8), at)
	CMPQ(at, c)
	JLT(LabelRef("channels"))
	ADDQ(pixel, dy)
	ADDQ(c, arg)
	MOVQ(param("step"), p)
	LEAQ(Mem{Base: dx, Index: p, Scale: 4}, dx)
	DECQ(n)
	JNE(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}
