package main

import "fmt"

// depthwiseNine keeps the weights of nine taps and eight channels in registers
// while it goes along the pixels; conv_depthwise_rows.go says what it is given.
//
// Registers:
//
//	R0       the arguments; R1 the output, R2 its step
//	R3       pixels left; R4 blocks of eight channels left; R5 the output of the first pixel
//	R6, R7   from the first pixel's input to this one's, and to its second vector
//	R8..R16  inputs under the taps, of the first pixel
//	R17      the step of inputs; R19 bytes behind the first weights; R20, R21 for a moment
//	V0..V17  weights, two vectors a tap; V18, V19 their bias
//	V20, V21 bounds of the output
//	V22..V25 sums of taps 0 to 4, then of the others, so that each waits for fewer products
//	V26..V31 inputs
func depthwiseNine() {
	const taps = 9
	routine("depthwiseNine", "t *depthTile", "", 8)
	p("MOVD t+0(FP), R0")
	p("MOVD depthTile_xstep(R0), R17")
	p("LSL $2, R17")
	p("MOVD depthTile_ystep(R0), R2")
	p("LSL $2, R2")
	p("MOVD depthTile_n(R0), R4")
	p("LSR $3, R4")
	p("MOVD depthTile_y(R0), R5")
	p("MOVD $0, R19")
	for i, x := range []string{"floor", "ceil"} {
		p("FMOVS depthTile_%s(R0), F%d", x, 20+i)
		p("VDUP V%d.S[0], V%d.S4", 20+i, 20+i)
	}
	for t := range taps {
		p("MOVD depthTile_x+%d(R0), R%d", 8*t, 8+t)
	}
	label("depthwiseNine_block")
	for t := range taps {
		p("MOVD depthTile_w+%d(R0), R20", 8*t)
		p("ADD R19, R20")
		p("FLDPQ (R20), (F%d, F%d)", 2*t, 2*t+1)
	}
	zero(18)
	zero(19)
	p("MOVD depthTile_bias(R0), R20")
	p("CBZ R20, depthwiseNine_nobias")
	p("ADD R19, R20")
	p("FLDPQ (R20), (F18, F19)")
	label("depthwiseNine_nobias")
	p("ADD $32, R19")
	p("MOVD depthTile_pixels(R0), R3")
	p("MOVD $0, R6")
	p("MOVD $16, R7")
	p("MOVD R5, R1")
	p("MOVBU depthTile_add(R0), R21")
	label("depthwiseNine_pixel")
	// The first of each half begins its sum.
	p("VMOV V18.B16, V22.B16")
	p("VMOV V19.B16, V23.B16")
	for i, t := range []int{5, 0, 6, 1, 7, 2, 8, 3, 4} {
		x, sum := 26+2*(i%3), 22+2*(t/5)
		loadAt(x, 8+t, 6)
		loadAt(x+1, 8+t, 7)
		for half := range 2 {
			if t == 5 {
				fmul(sum+half, x+half, 2*t+half)
			} else {
				fmla(sum+half, x+half, 2*t+half)
			}
		}
	}
	fadd(22, 22, 24)
	fadd(23, 23, 25)
	p("CBZ R21, depthwiseNine_noadd")
	p("FLDPQ (R1), (F26, F27)")
	fadd(22, 22, 26)
	fadd(23, 23, 27)
	label("depthwiseNine_noadd")
	for v := 22; v < 24; v++ {
		fmax(v, v, 20)
		fmin(v, v, 21)
	}
	p("FSTPQ (F22, F23), (R1)")
	p("ADD R17, R6")
	p("ADD R17, R7")
	p("ADD R2, R1")
	p("SUBS $1, R3")
	p("BNE depthwiseNine_pixel")
	for t := range taps {
		p("ADD $32, R%d", 8+t)
	}
	p("ADD $32, R5")
	p("SUBS $1, R4")
	p("BNE depthwiseNine_block")
	p("RET")
}

// loadAt is v = what lies at base + offset, both general registers.
func loadAt(v, base, offset int) {
	word(0x3ce06800, v, base, offset, fmt.Sprintf("ldr q%d, [x%d, x%d]", v, base, offset))
}
