package main

// The routines beside the tiles: packing, finishing, depthwise rows, waiting.

// transpose is the packing of eight rows of B that run along k. The eight after
// them, which are mostly next, are asked for meanwhile: runs are too short for
// the processor to foresee them.
func transpose() {
	out.WriteString(`
// func packEight(dst *float32, dstep int, src *float32, sstep int, n8 int)
TEXT ·packEight(SB), NOSPLIT, $0-40
`)
	p("MOVQ dst+0(FP), DI")
	p("MOVQ dstep+8(FP), BX")
	p("SHLQ $2, BX")
	p("LEAQ (BX)(BX*2), DX")
	p("MOVQ src+16(FP), SI")
	p("MOVQ sstep+24(FP), R8")
	p("SHLQ $2, R8")
	p("LEAQ (R8)(R8*2), R9")
	p("LEAQ (SI)(R8*4), R10")
	p("MOVQ n8+32(FP), CX")
	p("LEAQ (SI)(R8*8), R11")
	p("LEAQ (R11)(R8*4), R12")
	label("packEight_loop")
	for _, row := range []string{"(R11)", "(R11)(R8*1)", "(R11)(R8*2)", "(R11)(R9*1)", "(R12)", "(R12)(R8*1)", "(R12)(R8*2)", "(R12)(R9*1)"} {
		p("PREFETCHT0 %s", row)
	}
	p("ADDQ $32, R11")
	p("ADDQ $32, R12")
	rows := []string{"(SI)", "(SI)(R8*1)", "(SI)(R8*2)", "(SI)(R9*1)", "(R10)", "(R10)(R8*1)", "(R10)(R8*2)", "(R10)(R9*1)"}
	// Halves of rows i and i+4 side by side, then two rounds of interleaving.
	for i := 0; i < 4; i++ {
		p("VMOVUPS %s, X%d", rows[i], i)
		p("VINSERTF128 $1, %s, Y%d, Y%d", rows[i+4], i, i)
		p("VMOVUPS 16%s, X%d", rows[i], i+4)
		p("VINSERTF128 $1, 16%s, Y%d, Y%d", rows[i+4], i+4, i+4)
	}
	for h := 0; h < 2; h++ {
		r := 4 * h
		p("VUNPCKLPS Y%d, Y%d, Y8", r+1, r)
		p("VUNPCKHPS Y%d, Y%d, Y9", r+1, r)
		p("VUNPCKLPS Y%d, Y%d, Y10", r+3, r+2)
		p("VUNPCKHPS Y%d, Y%d, Y11", r+3, r+2)
		p("VUNPCKLPD Y10, Y8, Y12")
		p("VUNPCKHPD Y10, Y8, Y13")
		p("VUNPCKLPD Y11, Y9, Y14")
		p("VUNPCKHPD Y11, Y9, Y15")
		p("VMOVUPS Y12, (DI)")
		p("VMOVUPS Y13, (DI)(BX*1)")
		p("VMOVUPS Y14, (DI)(BX*2)")
		p("VMOVUPS Y15, (DI)(DX*1)")
		p("LEAQ (DI)(BX*4), DI")
	}
	p("ADDQ $32, SI")
	p("ADDQ $32, R10")
	p("DECQ CX")
	p("JNZ packEight_loop")
	p("VZEROUPPER")
	p("RET")
}

// transposeSix is the packing of six rows of A that run along k. A step is six
// floats and written as eight: the next one's first two are then overwritten,
// and two behind the last step are garbage. The next six rows are asked for, as
// in transpose.
func transposeSix() {
	out.WriteString(`
// func packSix(dst, src *float32, sstep int, n8 int)
TEXT ·packSix(SB), NOSPLIT, $0-32
`)
	p("MOVQ dst+0(FP), DI")
	p("MOVQ src+8(FP), SI")
	p("MOVQ sstep+16(FP), R8")
	p("SHLQ $2, R8")
	p("LEAQ (R8)(R8*2), R9")
	p("LEAQ (SI)(R8*4), R10")
	p("MOVQ n8+24(FP), CX")
	p("LEAQ (SI)(R9*2), R11")
	p("LEAQ (R11)(R9*1), R12")
	label("packSix_loop")
	for _, row := range []string{"(R11)", "(R11)(R8*1)", "(R11)(R8*2)", "(R12)", "(R12)(R8*1)", "(R12)(R8*2)"} {
		p("PREFETCHT0 %s", row)
	}
	p("ADDQ $32, R11")
	p("ADDQ $32, R12")
	rows := []string{"(SI)", "(SI)(R8*1)", "(SI)(R8*2)", "(SI)(R9*1)", "(R10)", "(R10)(R8*1)"}
	for i := range 4 {
		p("VMOVUPS %s, X%d", rows[i], i)
		p("VMOVUPS 16%s, X%d", rows[i], i+4)
		if i < 2 {
			p("VINSERTF128 $1, %s, Y%d, Y%d", rows[i+4], i, i)
			p("VINSERTF128 $1, 16%s, Y%d, Y%d", rows[i+4], i+4, i+4)
		}
	}
	for h := range 2 {
		r := 4 * h
		p("VUNPCKLPS Y%d, Y%d, Y8", r+1, r)
		p("VUNPCKHPS Y%d, Y%d, Y9", r+1, r)
		p("VUNPCKLPS Y%d, Y%d, Y10", r+3, r+2)
		p("VUNPCKHPS Y%d, Y%d, Y11", r+3, r+2)
		p("VUNPCKLPD Y10, Y8, Y12")
		p("VUNPCKHPD Y10, Y8, Y13")
		p("VUNPCKLPD Y11, Y9, Y14")
		p("VUNPCKHPD Y11, Y9, Y15")
		for i := range 4 {
			p("VMOVUPS Y%d, %d(DI)", 12+i, 24*(4*h+i))
		}
	}
	p("ADDQ $32, SI")
	p("ADDQ $32, R10")
	p("ADDQ $192, DI")
	p("DECQ CX")
	p("JNZ packSix_loop")
	p("VZEROUPPER")
	p("RET")
}

// copySixes is the packing of A when it lies as it is wanted: six columns go to
// each panel. Eight are moved, since the next step overwrites the last two; only
// in the last step they would be a neighbour's, or behind the end of A.
func copySixes() {
	out.WriteString(`
// func copySixes(dst *float32, dstep int, src *float32, sstep int, panels, k int)
TEXT ·copySixes(SB), NOSPLIT, $0-48
`)
	p("MOVQ dst+0(FP), DI")
	p("MOVQ dstep+8(FP), BX")
	p("SHLQ $2, BX")
	p("MOVQ src+16(FP), SI")
	p("MOVQ sstep+24(FP), R8")
	p("SHLQ $2, R8")
	p("MOVQ panels+32(FP), R9")
	p("MOVQ k+40(FP), CX")
	p("DECQ CX")
	p("JZ copySixes_last")
	label("copySixes_step")
	p("MOVQ SI, R10")
	p("MOVQ DI, R11")
	p("MOVQ R9, DX")
	label("copySixes_panel")
	p("VMOVUPS (R10), Y0")
	p("PREFETCHT0 (R10)(R8*8)")
	p("ADDQ $24, R10")
	p("VMOVUPS Y0, (R11)")
	p("ADDQ BX, R11")
	p("DECQ DX")
	p("JNZ copySixes_panel")
	p("ADDQ R8, SI")
	p("ADDQ $24, DI")
	p("DECQ CX")
	p("JNZ copySixes_step")
	label("copySixes_last")
	p("VMOVUPS (SI), X0")
	p("MOVQ 16(SI), AX")
	p("VMOVUPS X0, (DI)")
	p("MOVQ AX, 16(DI)")
	p("ADDQ $24, SI")
	p("ADDQ BX, DI")
	p("DECQ R9")
	p("JNZ copySixes_last")
	p("VZEROUPPER")
	p("RET")
}

// copyRows is the packing of rows of B that lie as they are wanted: sixteen
// columns go to each panel. Rows lie too far apart to be foreseen, so that eight
// rows on is asked for.
func copyRows() {
	out.WriteString(`
// func copySixteen(dst *float32, dstep int, src *float32, sstep int, panels, k int)
TEXT ·copySixteen(SB), NOSPLIT, $0-48
`)
	p("MOVQ dst+0(FP), DI")
	p("MOVQ dstep+8(FP), BX")
	p("SHLQ $2, BX")
	p("MOVQ src+16(FP), SI")
	p("MOVQ sstep+24(FP), R8")
	p("SHLQ $2, R8")
	p("MOVQ panels+32(FP), R9")
	p("MOVQ k+40(FP), CX")
	label("copySixteen_step")
	p("MOVQ SI, R10")
	p("MOVQ DI, R11")
	p("MOVQ R9, DX")
	label("copySixteen_panel")
	p("VMOVUPS (R10), Y0")
	p("VMOVUPS 32(R10), Y1")
	p("PREFETCHT0 (R10)(R8*8)")
	p("VMOVUPS Y0, (R11)")
	p("VMOVUPS Y1, 32(R11)")
	p("ADDQ $64, R10")
	p("ADDQ BX, R11")
	p("DECQ DX")
	p("JNZ copySixteen_panel")
	p("ADDQ R8, SI")
	p("ADDQ $64, DI")
	p("DECQ CX")
	p("JNZ copySixteen_step")
	p("VZEROUPPER")
	p("RET")
}

// copyRuns is what lies in rows far apart put together as it is. The second row
// on is asked for: by the time the processor foresees a run, it is half over.
func copyRuns() {
	out.WriteString(`
// func copyRows(dst *float32, dstep int, src *float32, sstep int, n, k int)
TEXT ·copyRows(SB), NOSPLIT, $0-48
`)
	p("MOVQ dst+0(FP), DI")
	p("MOVQ dstep+8(FP), BX")
	p("SHLQ $2, BX")
	p("MOVQ src+16(FP), SI")
	p("MOVQ sstep+24(FP), R8")
	p("SHLQ $2, R8")
	p("MOVQ n+32(FP), R9")
	p("MOVQ k+40(FP), CX")
	label("copyRows_row")
	p("MOVQ SI, R10")
	p("MOVQ DI, R11")
	p("MOVQ R9, DX")
	p("SUBQ $16, DX")
	p("JLT copyRows_few")
	label("copyRows_sixteen")
	p("VMOVUPS (R10), Y0")
	p("VMOVUPS 32(R10), Y1")
	p("PREFETCHT0 (R10)(R8*2)")
	p("VMOVUPS Y0, (R11)")
	p("VMOVUPS Y1, 32(R11)")
	p("ADDQ $64, R10")
	p("ADDQ $64, R11")
	p("SUBQ $16, DX")
	p("JGE copyRows_sixteen")
	label("copyRows_few")
	p("TESTQ $8, DX")
	p("JZ copyRows_less")
	p("VMOVUPS (R10), Y0")
	p("VMOVUPS Y0, (R11)")
	p("ADDQ $32, R10")
	p("ADDQ $32, R11")
	label("copyRows_less")
	p("ANDQ $7, DX")
	p("JZ copyRows_next")
	label("copyRows_one")
	p("MOVL (R10), AX")
	p("MOVL AX, (R11)")
	p("ADDQ $4, R10")
	p("ADDQ $4, R11")
	p("DECQ DX")
	p("JNZ copyRows_one")
	label("copyRows_next")
	p("ADDQ R8, SI")
	p("ADDQ BX, DI")
	p("DECQ CX")
	p("JNZ copyRows_row")
	p("VZEROUPPER")
	p("RET")
}

// addRows is the end of a sum that was made beside its place.
func addRows() {
	out.WriteString(`
// func addSixteen(dst *float32, dstep int, src *float32, k int)
TEXT ·addSixteen(SB), NOSPLIT, $0-32
`)
	p("MOVQ dst+0(FP), DI")
	p("MOVQ dstep+8(FP), BX")
	p("SHLQ $2, BX")
	p("MOVQ src+16(FP), SI")
	p("MOVQ k+24(FP), CX")
	label("addSixteen_loop")
	p("VMOVUPS (SI), Y0")
	p("VMOVUPS 32(SI), Y1")
	p("PREFETCHT0 64(DI)")
	p("VADDPS (DI), Y0, Y0")
	p("VADDPS 32(DI), Y1, Y1")
	p("VMOVUPS Y0, (DI)")
	p("VMOVUPS Y1, 32(DI)")
	p("ADDQ BX, DI")
	p("ADDQ $64, SI")
	p("DECQ CX")
	p("JNZ addSixteen_loop")
	p("VZEROUPPER")
	p("RET")
}

// depthwise is the products of a row of pixels with filters of one channel.
func depthwise() {
	out.WriteString(`
// func mulAddRows(dst *float32, dstep int, a *float32, astep int, b *float32, bstep int, n, rows int)
TEXT ·mulAddRows(SB), NOSPLIT, $0-64
`)
	p("MOVQ dst+0(FP), DI")
	p("MOVQ dstep+8(FP), R8")
	p("MOVQ a+16(FP), SI")
	p("MOVQ astep+24(FP), R9")
	p("MOVQ b+32(FP), DX")
	p("MOVQ bstep+40(FP), R10")
	p("MOVQ n+48(FP), R11")
	p("MOVQ rows+56(FP), R12")
	label("mulAddRows_row")
	p("XORQ AX, AX")
	p("MOVQ R11, CX")
	p("SUBQ $16, CX")
	p("JLT mulAddRows_eight")
	label("mulAddRows_sixteen")
	p("VMOVUPS (SI)(AX*4), Y0")
	p("VMOVUPS 32(SI)(AX*4), Y2")
	p("VMOVUPS (DI)(AX*4), Y1")
	p("VMOVUPS 32(DI)(AX*4), Y3")
	p("VFMADD231PS (DX)(AX*4), Y0, Y1")
	p("VFMADD231PS 32(DX)(AX*4), Y2, Y3")
	p("VMOVUPS Y1, (DI)(AX*4)")
	p("VMOVUPS Y3, 32(DI)(AX*4)")
	p("ADDQ $16, AX")
	p("SUBQ $16, CX")
	p("JGE mulAddRows_sixteen")
	label("mulAddRows_eight")
	p("TESTQ $8, CX")
	p("JZ mulAddRows_few")
	p("VMOVUPS (SI)(AX*4), Y0")
	p("VMOVUPS (DI)(AX*4), Y1")
	p("VFMADD231PS (DX)(AX*4), Y0, Y1")
	p("VMOVUPS Y1, (DI)(AX*4)")
	p("ADDQ $8, AX")
	label("mulAddRows_few")
	p("CMPQ AX, R11")
	p("JGE mulAddRows_next")
	label("mulAddRows_one")
	p("VMOVSS (SI)(AX*4), X0")
	p("VMOVSS (DI)(AX*4), X1")
	p("VFMADD231SS (DX)(AX*4), X0, X1")
	p("VMOVSS X1, (DI)(AX*4)")
	p("INCQ AX")
	p("CMPQ AX, R11")
	p("JLT mulAddRows_one")
	label("mulAddRows_next")
	p("LEAQ (DI)(R8*4), DI")
	p("LEAQ (SI)(R9*4), SI")
	p("LEAQ (DX)(R10*4), DX")
	p("DECQ R12")
	p("JNZ mulAddRows_row")
	p("VZEROUPPER")
	p("RET")
}

// chains is twelve sums that never leave their registers: as many FMAs as the
// processor can do. Each takes four cycles and two begin in one, so eight sums
// would do.
func chains() {
	out.WriteString(`
// func mulAddChains(rounds int, x, y float32)
TEXT ·mulAddChains(SB), NOSPLIT, $0-16
`)
	p("MOVQ rounds+0(FP), CX")
	p("VBROADCASTSS x+8(FP), Y14")
	p("VBROADCASTSS y+12(FP), Y15")
	for i := range 12 {
		p("VXORPS Y%d, Y%d, Y%d", i, i, i)
	}
	p("PCALIGN $32")
	label("mulAddChains_loop")
	for i := range 24 {
		p("VFMADD213PS Y15, Y14, Y%d", i%12)
	}
	p("DECQ CX")
	p("JNZ mulAddChains_loop")
	p("VZEROUPPER")
	p("RET")
}

// pause is what a thread does while it waits for work without parking.
func pause() {
	out.WriteString(`
// func spinPause(n uint32)
TEXT ·spinPause(SB), NOSPLIT, $0-4
`)
	p("MOVL n+0(FP), CX")
	label("spinPause_loop")
	p("PAUSE")
	p("DECL CX")
	p("JNZ spinPause_loop")
	p("RET")
}
