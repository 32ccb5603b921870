package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// oneRow writes y[j] = Σ_p a[p]·b[p·step + j]: one row times a matrix that lies
// as it came. Sixty-four columns are summed in registers while the rows of b go
// by, then thirty-two, and so on; each sum takes its products in order. b is
// asked for eight rows ahead: its pieces lie too far apart for the machine to
// guess the next one.
func oneRow() {
	TEXT("oneRowAVX2", NOSPLIT, "func(y, a, b []float32, step int)")
	Pragma("noescape")
	y, a, b := Load(Param("y").Base(), GP64()), Load(Param("a").Base(), GP64()), Load(Param("b").Base(), GP64())
	n, k, step := Load(Param("y").Len(), GP64()), Load(Param("a").Len(), GP64()), Load(Param("step"), GP64())
	SHLQ(Imm(2), step)
	ahead := GP64()
	LEAQ(Mem{Base: step, Index: step, Scale: 1}, ahead)
	SHLQ(Imm(2), ahead)

	// strip sums the columns from b on, those of the last vector under the mask if there is one.
	strip := func(label string, vectors int, mask VecVirtual) []VecVirtual {
		pa, pb, left := GP64(), GP64(), GP64()
		MOVQ(a, pa)
		MOVQ(b, pb)
		MOVQ(k, left)
		acc := fresh(vectors)
		for _, v := range acc {
			VXORPS(v, v, v)
		}
		TESTQ(left, left)
		JE(LabelRef(label + "_summed"))
		Label(label + "_row")
		x := YMM()
		VBROADCASTSS(Mem{Base: pa}, x)
		for u, v := range acc {
			m := Mem{Base: pb, Disp: 32 * u}
			if mask != nil && u == vectors-1 {
				t := YMM()
				VMASKMOVPS(m, mask, t)
				VFMADD231PS(t, x, v)
			} else {
				VFMADD231PS(m, x, v)
			}
			if u%2 == 0 {
				PREFETCHT0(Mem{Base: pb, Index: ahead, Scale: 1, Disp: 32 * u})
			}
		}
		ADDQ(Imm(4), pa)
		ADDQ(step, pb)
		DECQ(left)
		JNE(LabelRef(label + "_row"))
		Label(label + "_summed")
		return acc
	}
	store := func(acc []VecVirtual) {
		if len(acc) == 0 {
			return
		}
		for u, v := range acc {
			VMOVUPS(v, Mem{Base: y, Disp: 32 * u})
		}
		ADDQ(U32(uint32(32*len(acc))), y)
		ADDQ(U32(uint32(32*len(acc))), b)
		SUBQ(Imm(uint64(8*len(acc))), n)
	}
	for _, vectors := range []int{8, 4, 2} {
		label := fmt.Sprintf("strip%d", vectors)
		Label(label)
		CMPQ(n, Imm(uint64(8*vectors)))
		JLT(LabelRef(label + "_end"))
		store(strip(label, vectors, nil))
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	// Up to fifteen columns are left: a sum waits for itself, so all of them go together.
	tail := func(acc []VecVirtual) {
		store(acc[:len(acc)-1])
		storeTail(fmt.Sprintf("y%d", len(acc)), acc[len(acc)-1], y.(GPVirtual), n)
		JMP(LabelRef("done"))
	}
	TESTQ(n, n)
	JE(LabelRef("done"))
	CMPQ(n, Imm(8))
	JLT(LabelRef("few"))
	JG(LabelRef("more"))
	store(strip("eight", 1, nil))
	JMP(LabelRef("done"))
	Label("more")
	rest := GP64()
	MOVQ(n, rest)
	SUBQ(Imm(8), rest)
	tail(strip("two", 2, maskOf(rest)))
	Label("few")
	tail(strip("one", 1, maskOf(n)))
	Label("done")
	VZEROUPPER()
	RET()
}
