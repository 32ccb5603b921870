package main

import "fmt"

// rowRun is rowTile16 for whole tiles of six rows, one segment, and rows of A
// and of C that lie evenly apart: between tiles its pointers take a step where
// rowTile16 looks up offsets, which counts when sums are short. Registers:
//
//	SI       the tile
//	R8..R13  the ends of six rows of A, read at AX ≤ 0 behind them
//	DI       row of B; BX and DX are one and three rows
//	CX       six rows of A
//	R14      C; R15 is one row
//	Y0..Y11  C; Y12, Y13 B; Y14, Y15 A
func rowRun() {
	const name = "rowRun16"
	k := kernel{name: name, vectors: 2}
	acc := func(_, i, v int) string { return fmt.Sprintf("Y%d", 2*i+v) }
	a := []string{"Y14", "Y15"}
	fmt.Fprintf(&out, "\n// func %s(t *tile, tiles int)\nTEXT ·%s(SB), NOSPLIT, $8-16\n", name, name)
	p("MOVQ t+0(FP), SI")
	p("MOVQ tiles+8(FP), AX")
	p("MOVQ AX, tiles-8(SP)")
	p("MOVQ tile_bstep(SI), BX")
	p("SHLQ $2, BX")
	p("LEAQ (BX)(BX*2), DX")
	// R8 is a + 4·(a0 + aoff[0] + kl).
	p("MOVQ tile_aoff(SI), AX")
	p("MOVLQSX (AX), R8")
	p("MOVLQSX 4(AX), CX")
	p("SUBQ R8, CX")
	p("SHLQ $2, CX")
	p("ADDQ tile_a0(SI), R8")
	p("ADDQ tile_kl(SI), R8")
	p("SHLQ $2, R8")
	p("ADDQ tile_a(SI), R8")
	for i := 1; i < 6; i++ {
		p("LEAQ (R%d)(CX*1), R%d", 7+i, 8+i)
	}
	p("LEAQ (CX)(CX*2), CX")
	p("ADDQ CX, CX")
	p("MOVQ tile_coff(SI), AX")
	p("MOVLQSX (AX), R14")
	p("MOVLQSX 4(AX), R15")
	p("SUBQ R14, R15")
	p("SHLQ $2, R15")
	p("SHLQ $2, R14")
	p("ADDQ tile_c(SI), R14")
	label("%s_next", name)
	p("MOVQ tile_b(SI), DI")
	for r := range 12 {
		p("VXORPS Y%d, Y%d, Y%d", r, r, r)
	}
	p("MOVQ tile_kl(SI), AX")
	p("NEGQ AX")
	p("ADDQ $4, AX")
	p("JG %s_few", name)
	p("PCALIGN $32")
	label("%s_four", name)
	for u := range 4 {
		k.step(6, u, 0, -16, acc, a, "")
	}
	p("LEAQ (DI)(BX*4), DI")
	p("ADDQ $4, AX")
	p("JLE %s_four", name)
	// Up to three steps are left, minus their number in AX.
	label("%s_few", name)
	p("SUBQ $4, AX")
	p("CMPQ AX, $-2")
	p("JGT %s_one", name)
	for u := range 2 {
		k.step(6, u, 0, 0, acc, a, "")
	}
	p("LEAQ (DI)(BX*2), DI")
	p("ADDQ $2, AX")
	label("%s_one", name)
	p("TESTQ $1, AX")
	p("JZ %s_end", name)
	k.step(6, 0, 0, 0, acc, a, "")
	label("%s_end", name)
	// The rows of C, three from R14 and three from DI.
	p("LEAQ (R15)(R15*2), AX")
	p("LEAQ (R14)(AX*1), DI")
	at := func(i, v int) string {
		return fmt.Sprintf("%d%s", 32*v, []string{"(R14)", "(R14)(R15*1)", "(R14)(R15*2)", "(DI)", "(DI)(R15*1)", "(DI)(R15*2)"}[i])
	}
	p("MOVQ tile_bias(SI), AX")
	p("TESTQ AX, AX")
	p("JZ %s_nobias", name)
	for v := range 2 {
		p("VMOVUPS %d(AX), Y%d", 32*v, 12+v)
	}
	for i := range 6 {
		for v := range 2 {
			p("VADDPS Y%d, %s, %s", 12+v, acc(0, i, v), acc(0, i, v))
		}
	}
	label("%s_nobias", name)
	p("CMPB tile_add(SI), $0")
	p("JEQ %s_noadd", name)
	for i := range 6 {
		for v := range 2 {
			p("VADDPS %s, %s, %s", at(i, v), acc(0, i, v), acc(0, i, v))
		}
	}
	label("%s_noadd", name)
	k.clamp(6, name+"_", func(i, v int) string { return acc(0, i, v) })
	for i := range 6 {
		for v := range 2 {
			p("VMOVUPS %s, %s", acc(0, i, v), at(i, v))
		}
	}
	p("LEAQ (DI)(R15*2), R14")
	p("ADDQ R15, R14")
	for i := range 6 {
		p("ADDQ CX, R%d", 8+i)
	}
	p("DECQ tiles-8(SP)")
	p("JNZ %s_next", name)
	p("VZEROUPPER")
	p("RET")
}
