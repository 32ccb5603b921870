package main

// transpose is the packing of four rows of B that run along k.
func transpose() {
	routine("packFour", "dst *float32, dstep int, src *float32, sstep int, n4 int", "", 40)
	p("MOVD dst+0(FP), R0")
	p("MOVD dstep+8(FP), R1")
	p("LSL $2, R1")
	p("MOVD src+16(FP), R2")
	p("MOVD sstep+24(FP), R3")
	p("ADD R3<<2, R2, R4")
	p("ADD R3<<2, R4, R5")
	p("ADD R3<<2, R5, R6")
	p("MOVD n4+32(FP), R7")
	label("packFour_loop")
	for i, r := range []string{"R2", "R4", "R5", "R6"} {
		p("FMOVQ.P 16(%s), F%d", r, i)
	}
	// Two rounds of interleaving: pairs of rows, then pairs of pairs.
	p("VTRN1 V1.S4, V0.S4, V4.S4")
	p("VTRN2 V1.S4, V0.S4, V5.S4")
	p("VTRN1 V3.S4, V2.S4, V6.S4")
	p("VTRN2 V3.S4, V2.S4, V7.S4")
	p("VTRN1 V6.D2, V4.D2, V16.D2")
	p("VTRN1 V7.D2, V5.D2, V17.D2")
	p("VTRN2 V6.D2, V4.D2, V18.D2")
	p("VTRN2 V7.D2, V5.D2, V19.D2")
	for i := range 4 {
		p("FMOVQ F%d, (R0)", 16+i)
		p("ADD R1, R0")
	}
	p("SUBS $1, R7")
	p("BNE packFour_loop")
	p("RET")
}

// copyRows is the packing of rows of B that lie as they are wanted.
func copyRows() {
	routine("copySixteen", "dst, src *float32, sstep int, k int", "", 32)
	p("MOVD dst+0(FP), R0")
	p("MOVD src+8(FP), R1")
	p("MOVD sstep+16(FP), R2")
	p("LSL $2, R2")
	p("MOVD k+24(FP), R3")
	label("copySixteen_loop")
	p("FLDPQ (R1), (F0, F1)")
	p("FLDPQ 32(R1), (F2, F3)")
	p("PRFM 64(R1), PLDL1KEEP")
	p("ADD R2, R1")
	p("FSTPQ (F0, F1), (R0)")
	p("FSTPQ (F2, F3), 32(R0)")
	p("ADD $64, R0")
	p("SUBS $1, R3")
	p("BNE copySixteen_loop")
	p("RET")
}

// addRows is the end of a sum that was made beside its place.
func addRows() {
	routine("addSixteen", "dst *float32, dstep int, src *float32, k int", "", 32)
	p("MOVD dst+0(FP), R0")
	p("MOVD dstep+8(FP), R2")
	p("LSL $2, R2")
	p("MOVD src+16(FP), R1")
	p("MOVD k+24(FP), R3")
	label("addSixteen_loop")
	p("FLDPQ (R1), (F0, F1)")
	p("FLDPQ 32(R1), (F2, F3)")
	p("FLDPQ (R0), (F4, F5)")
	p("FLDPQ 32(R0), (F6, F7)")
	for i := range 4 {
		fadd(i, i, 4+i)
	}
	p("FSTPQ (F0, F1), (R0)")
	p("FSTPQ (F2, F3), 32(R0)")
	p("ADD $64, R1")
	p("ADD R2, R0")
	p("SUBS $1, R3")
	p("BNE addSixteen_loop")
	p("RET")
}

// productRows is the products of rows with rows, as of pixels with filters of one channel.
func productRows() {
	routine("mulAddRows", "dst *float32, dstep int, a *float32, astep int, b *float32, bstep int, n, rows int", "", 64)
	for i, name := range []string{"dst", "dstep", "a", "astep", "b", "bstep", "n", "rows"} {
		p("MOVD %s+%d(FP), R%d", name, 8*i, i)
	}
	label("mulAddRows_row")
	p("MOVD R0, R8")
	p("MOVD R2, R9")
	p("MOVD R4, R10")
	p("SUBS $16, R6, R11")
	p("BLT mulAddRows_four")
	label("mulAddRows_sixteen")
	for i, r := range []string{"R8", "R9", "R10"} {
		p("FLDPQ (%s), (F%d, F%d)", r, 4*i, 4*i+1)
		p("FLDPQ 32(%s), (F%d, F%d)", r, 4*i+2, 4*i+3)
	}
	for i := range 4 {
		fmla(i, 4+i, 8+i)
	}
	p("FSTPQ (F0, F1), (R8)")
	p("FSTPQ (F2, F3), 32(R8)")
	for _, r := range []string{"R8", "R9", "R10"} {
		p("ADD $64, %s", r)
	}
	p("SUBS $16, R11")
	p("BGE mulAddRows_sixteen")
	for _, part := range []struct {
		name, op, next string
		n              int
	}{{"mulAddRows_four", "FMOVQ", "mulAddRows_one", 4}, {"mulAddRows_one", "FMOVS", "mulAddRows_next", 1}} {
		label("%s", part.name)
		if part.n == 4 {
			p("ADD $16, R11")
		}
		label("%s_more", part.name)
		p("CMP $%d, R11", part.n)
		p("BLT %s", part.next)
		p("%s (R8), F0", part.op)
		p("%s.P %d(R9), F4", part.op, 4*part.n)
		p("%s.P %d(R10), F8", part.op, 4*part.n)
		fmla(0, 4, 8)
		p("%s.P F0, %d(R8)", part.op, 4*part.n)
		p("SUB $%d, R11", part.n)
		p("B %s_more", part.name)
	}
	label("mulAddRows_next")
	p("ADD R1<<2, R0")
	p("ADD R3<<2, R2")
	p("ADD R5<<2, R4")
	p("SUBS $1, R7")
	p("BNE mulAddRows_row")
	p("RET")
}

// chains is 24 sums that never leave their registers: as many FMAs as the
// processor can do. Up to four begin in a cycle and take four, so sixteen sums
// would do.
func chains() {
	routine("mulAddChains", "rounds int, x, y float32", "", 16)
	p("MOVD rounds+0(FP), R0")
	p("FMOVS x+8(FP), F30")
	p("FMOVS y+12(FP), F31")
	p("VDUP V30.S[0], V30.S4")
	p("VDUP V31.S[0], V31.S4")
	for i := range 24 {
		zero(i)
	}
	label("mulAddChains_loop")
	// Added and taken off again, so that sums stay small.
	for i := range 48 {
		if i < 24 {
			fmla(i, 30, 31)
		} else {
			fmls(i-24, 30, 31)
		}
	}
	p("SUBS $1, R0")
	p("BNE mulAddChains_loop")
	p("RET")
}
