package main

// oneRow is y[j] = Σ_p a[p]·b[p·step + j]: one row times a matrix that lies as it
// came. Sixty-four columns are summed in registers while the rows of b go by, then
// sixteen, four and one; each sum takes its products in order. b is asked for eight
// rows ahead: its pieces lie too far apart for the machine to guess the next one.
//
// Registers:
//
//	R0, R1   y and the columns left; R2, R3 a and its length; R4 b
//	R5, R10  bytes from one row of b to the next, and to that eight rows on
//	R6, R7   the next of a and of b; R8 rows left; R9 for a moment
//	V0..V15  sums; V16..V23 b; V31 a
func oneRow() {
	routine("oneRowNEON", "y, a, b []float32, step int", "", 80)
	for r, x := range []string{"y_base+0", "y_len+8", "a_base+24", "a_len+32", "b_base+48", "step+72"} {
		p("MOVD %s(FP), R%d", x, r)
	}
	p("LSL $2, R5")
	p("LSL $3, R5, R10")
	for _, strip := range []struct {
		name            string
		floats, vectors int
	}{{"strip", 64, 16}, {"sixteen", 16, 4}, {"four", 4, 1}, {"one", 1, 1}} {
		at := "oneRowNEON_" + strip.name
		label("%s", at)
		p("CMP $%d, R1", strip.floats)
		p("BLT %s_end", at)
		for v := range strip.vectors {
			zero(v)
		}
		p("MOVD R2, R6")
		p("MOVD R4, R7")
		p("MOVD R3, R8")
		p("CBZ R8, %s_summed", at)
		label("%s_row", at)
		p("FMOVS.P 4(R6), F31")
		p("ADD R10, R7, R9")
		for line := 0; line < strip.floats; line += 16 {
			p("PRFM %d(R9), PLDL1KEEP", 4*line)
		}
		switch strip.floats {
		case 1:
			p("FMOVS (R7), F16")
			fmlaLane(0, 16, 31, 0)
		case 4:
			p("FMOVQ (R7), F16")
			fmlaLane(0, 16, 31, 0)
		default:
			for v := 0; v < strip.vectors; v += 2 {
				b := 16 + v%8
				p("FLDPQ %d(R7), (F%d, F%d)", 16*v, b, b+1)
				fmlaLane(v, b, 31, 0)
				fmlaLane(v+1, b+1, 31, 0)
			}
		}
		p("ADD R5, R7")
		p("SUBS $1, R8")
		p("BNE %s_row", at)
		label("%s_summed", at)
		switch strip.floats {
		case 1:
			p("FMOVS F0, (R0)")
		case 4:
			p("FMOVQ F0, (R0)")
		default:
			for v := 0; v < strip.vectors; v += 2 {
				p("FSTPQ (F%d, F%d), %d(R0)", v, v+1, 16*v)
			}
		}
		p("ADD $%d, R0", 4*strip.floats)
		p("ADD $%d, R4", 4*strip.floats)
		p("SUB $%d, R1", strip.floats)
		p("B %s", at)
		label("%s_end", at)
	}
	p("RET")
}
