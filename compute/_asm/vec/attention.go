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
