package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// attention writes the exponentials of attention's weights. Their arguments are
// not above 0, and weights below the normal numbers may be 0: that saves a
// quarter of the instructions. Lengths are multiples of eight.
func attention() {
	weights("weightSum", "func(y, x []float32, shift float32) float32", false)
	weights("weightSlopes", "func(w, d []float32, shift float32)", true)
}

// weights writes y = exp(x − shift) and its sum, or w = exp(w − shift) and
// d = d·w. Four vectors go side by side: one alone is a chain of seventy cycles,
// and its instructions, waiting, leave no room for those of the next.
func weights(name, sig string, slopes bool) {
	TEXT(name+"AVX2", NOSPLIT, sig)
	Pragma("noescape")
	x, y, n, d := GP64(), GP64(), GP64(), GP64()
	if slopes {
		Load(Param("w").Base(), x)
		Load(Param("d").Base(), d)
		Load(Param("w").Len(), n)
		y = x
	} else {
		Load(Param("y").Base(), y)
		Load(Param("x").Base(), x)
		Load(Param("x").Len(), n)
	}
	shift, sum := YMM(), YMM()
	VBROADCASTSS(param("shift"), shift)
	VXORPS(sum, sum, sum)
	i, limit := GP64(), GP64()
	XORQ(i, i)
	for _, vectors := range []int{4, 2, 1} {
		label := map[int]string{4: "four", 2: "two", 1: "one"}[vectors]
		MOVQ(n, limit)
		SUBQ(Imm(uint64(8*vectors)), limit)
		Label(label)
		CMPQ(i, limit)
		JGT(LabelRef(label + "_end"))
		at := func(base Register, u int) Mem { return Mem{Base: base, Index: i, Scale: 4, Disp: 32 * u} }
		var v []VecVirtual
		for u := range vectors {
			v = append(v, YMM())
			VMOVUPS(at(x, u), v[u])
		}
		for _, r := range v {
			VSUBPS(shift, r, r)
		}
		w := expDown(v)
		for u, r := range w {
			VMOVUPS(r, at(y, u))
			if slopes {
				VMULPS(at(d, u), r, r)
				VMOVUPS(r, at(d, u))
			} else {
				VADDPS(r, sum, sum)
			}
		}
		ADDQ(Imm(uint64(8*vectors)), i)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	if !slopes {
		VMOVSS(fold(sum, func(b, a VecVirtual) { VADDPS(b, a, a) }), result(0))
	}
	VZEROUPPER()
	RET()
}

// expDown is eˣ for x ≤ 0, 0 below 2⁻¹²⁶, of several vectors step by step; it
// spoils them. A NaN stays.
func expDown(x []VecVirtual) []VecVirtual {
	bound := YMM()
	VMOVUPS(number(-88), bound) // there 2ⁿ has the exponent −127, and is 0
	n, y := make([]VecVirtual, len(x)), make([]VecVirtual, len(x))
	for k, v := range x {
		VMAXPS(v, bound, v) // the second of Intel's operands wins where one is NaN
		n[k] = YMM()
		VMULPS(number(log2e), v, n[k])
	}
	for k := range x {
		VROUNDPS(Imm(8), n[k], n[k])
	}
	for k, v := range x {
		VFNMADD231PS(number(ln2Hi), n[k], v)
	}
	for k, v := range x {
		VFNMADD231PS(number(ln2Lo), n[k], v)
	}
	for k := range x {
		y[k] = YMM()
		VMOVUPS(number(expPoly[len(expPoly)-1]), y[k])
	}
	for i := len(expPoly) - 2; i >= 0; i-- {
		for k, v := range x {
			VFMADD213PS(number(expPoly[i]), v, y[k])
		}
	}
	for k := range x {
		VCVTPS2DQ(n[k], n[k])
	}
	for k, v := range x {
		VMULPS(v, y[k], y[k])
		VPADDD(same("bias", 127), n[k], n[k])
	}
	for k, v := range x {
		VFMADD213PS(v, v, y[k]) // eʳ − 1 = r·(r·P) + r
		VPSLLD(Imm(23), n[k], n[k])
	}
	for k := range x {
		VFMADD213PS(n[k], n[k], y[k]) // (eʳ − 1)·2ⁿ + 2ⁿ
	}
	return y
}
