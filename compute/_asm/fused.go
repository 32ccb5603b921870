package main

import "fmt"

// packTile is the first tile of a panel of B that is not packed yet: six rows
// by sixteen columns, one segment of k, which leaves the panel packed for the
// tiles below it. Each row of B is in registers anyway, and two stores a step
// find room beside twelve multiply-adds. Registers:
//
//	SI       the tile
//	R8..R13  by row: the ends of six rows of A, read at AX ≤ 0 behind them
//	R8       by column: A in a panel of six rows; AX counts
//	DI       row of B; BX and DX are one and three rows
//	R14      where the panel goes
//	Y0..Y11  C; Y12, Y13 B; Y14, Y15 A
func packTile(name string, byCol bool) {
	k := kernel{name: name, vectors: 2}
	acc := func(i, v int) string { return fmt.Sprintf("Y%d", 2*i+v) }
	fmt.Fprintf(&out, "\n// func %s(t *tile, dst *float32)\nTEXT ·%s(SB), NOSPLIT, $%d-16\n", name, name, frame)
	p("MOVQ t+0(FP), SI")
	p("MOVQ tile_coff(SI), AX")
	p("MOVQ AX, %s", locCoff)
	k.prefetch(6)
	p("MOVQ tile_bstep(SI), BX")
	p("SHLQ $2, BX")
	p("LEAQ (BX)(BX*2), DX")
	p("MOVQ tile_b(SI), DI")
	p("MOVQ tile_aoff(SI), AX")
	if byCol {
		p("MOVLQSX (AX), R8")
		p("ADDQ tile_a0(SI), R8")
		p("SHLQ $2, R8")
		p("ADDQ tile_a(SI), R8")
		p("MOVQ tile_kl(SI), AX")
	} else {
		p("MOVQ tile_a0(SI), R14")
		p("ADDQ tile_kl(SI), R14")
		p("SHLQ $2, R14")
		p("ADDQ tile_a(SI), R14")
		for i := range 6 {
			p("MOVLQSX %d(AX), R%d", 4*i, 8+i)
			p("LEAQ (R14)(R%d*4), R%d", 8+i, 8+i)
		}
		p("MOVQ tile_kl(SI), AX")
		p("NEGQ AX")
	}
	p("MOVQ dst+8(FP), R14")
	for r := range 12 {
		p("VXORPS Y%d, Y%d, Y%d", r, r, r)
	}
	step := func(u int) {
		b := []string{"(DI)", "(DI)(BX*1)", "(DI)(BX*2)", "(DI)(DX*1)"}[u]
		p("VMOVUPS %s, Y12", b)
		p("VMOVUPS 32%s, Y13", b)
		p("VMOVUPS Y12, %d(R14)", 64*u)
		p("VMOVUPS Y13, %d(R14)", 64*u+32)
		for i := range 6 {
			if byCol {
				p("VBROADCASTSS %d(R8), Y%d", 24*u+4*i, 14+i%2)
			} else {
				p("VBROADCASTSS %d(R%d)(AX*4), Y%d", 4*u, 8+i, 14+i%2)
			}
			for v := range 2 {
				p("VFMADD231PS Y%d, Y%d, %s", 12+v, 14+i%2, acc(i, v))
			}
		}
	}
	advance := func(n int) {
		p("ADDQ $%d, R14", 64*n)
		if byCol {
			p("ADDQ $%d, R8", 24*n)
		} else {
			p("ADDQ $%d, AX", n)
		}
	}
	// By row AX goes from −kl to 0, by column from kl to 0; less than four
	// steps are left when it is within four of that.
	if byCol {
		p("SUBQ $4, AX")
		p("JLT %s_few", name)
	} else {
		p("CMPQ AX, $-4")
		p("JGT %s_few", name)
	}
	p("PCALIGN $32")
	label("%s_four", name)
	// Rows of B lie too far apart to be foreseen, so they are asked for 24 rows
	// ahead.
	p("LEAQ (DI)(DX*8), CX")
	for u := range 4 {
		p("PREFETCHT0 %s", []string{"(CX)", "(CX)(BX*1)", "(CX)(BX*2)", "(CX)(DX*1)"}[u])
		step(u)
	}
	p("LEAQ (DI)(BX*4), DI")
	advance(4)
	if byCol {
		p("SUBQ $4, AX")
		p("JGE %s_four", name)
	} else {
		p("CMPQ AX, $-4")
		p("JLE %s_four", name)
	}
	label("%s_few", name)
	if byCol {
		p("ADDQ $4, AX")
	} else {
		p("TESTQ AX, AX")
	}
	p("JZ %s_6_end", name)
	label("%s_one", name)
	step(0)
	p("ADDQ BX, DI")
	advance(1)
	if byCol {
		p("DECQ AX")
	} else {
		p("TESTQ AX, AX")
	}
	p("JNZ %s_one", name)
	label("%s_6_end", name)
	k.store(6, acc, "")
	p("VZEROUPPER")
	p("RET")
}
