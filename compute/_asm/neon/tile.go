package main

import "fmt"

// kernel is one routine: which way it reads A, and how many vectors it is
// wide; narrow ones have one to three columns, each a vector of its own.
type kernel struct {
	name    string
	byCol   bool
	vectors int
	narrow  bool
}

var kernels = []kernel{
	{"rowTile16", false, 4, false},
	{"rowTile12", false, 3, false},
	{"rowTile8", false, 2, false},
	{"rowTile4", false, 1, false},
	{"rowTile3", false, 3, true},
	{"colTile16", true, 4, false},
	{"colTile12", true, 3, false},
	{"colTile8", true, 2, false},
	{"colTile4", true, 1, false},
	{"colTile3", true, 3, true},
}

// Registers of a kernel:
//
//	R0           the tile
//	R1, R24, R25 row of B: its start, its second column if narrow, its last vector
//	R2           bytes from one row of B to the next
//	R3           bytes from the first vector of a row to the last; R26 to the second column
//	R4, R5, R6   steps, segments, planes left
//	R7, R8       A and B: from the end of a segment to the next
//	R9, R10      A and B: from the end of a plane to the next
//	R11          rows left; R12, R13 their aoff and coff
//	R14          by column: bytes from one step of A to the next
//	R15, R16     for a moment
//	R17, R19..23 by row: six rows of A; by column: R17 the six neighbours
//	V0..V23      C; V24..V27 B; V28..V31 A
var rowRegs = []int{17, 19, 20, 21, 22, 23}

const (
	regB = 24
	regA = 28
)

// write makes one routine.
func (k kernel) write() {
	routine(k.name, "t *tile", "", 8)
	p("MOVD t+0(FP), R0")
	p("MOVD tile_m(R0), R11")
	p("MOVD tile_aoff(R0), R12")
	p("MOVD tile_coff(R0), R13")
	p("MOVD tile_bstep(R0), R2")
	p("LSL $2, R2")
	p("MOVD tile_cols(R0), R3")
	if k.narrow {
		p("SUB $1, R3")
		p("LSL $2, R3")
		// The second of three columns or of two, or the only one.
		p("CMP $0, R3")
		p("CSET NE, R26")
		p("LSL $2, R26")
	} else {
		p("SUB $4, R3")
		p("LSL $2, R3")
	}
	// From the end of the last segment of a plane to the next plane.
	for _, x := range []struct {
		side string
		reg  int
	}{{"a", 9}, {"b", 10}} {
		p("MOVD tile_segs(R0), R15")
		p("MOVD tile_%sseg(R0), R16", x.side)
		p("MUL R16, R15")
		p("MOVD tile_%sout(R0), R%d", x.side, x.reg)
		p("SUB R15, R%d", x.reg)
		p("LSL $2, R%d", x.reg)
	}
	// From the end of a segment to the start of the next.
	p("MOVD tile_kl(R0), R4")
	p("MOVD tile_bseg(R0), R8")
	p("LSL $2, R8")
	p("MUL R4, R2, R15")
	p("SUB R15, R8")
	p("MOVD tile_aseg(R0), R7")
	if k.byCol {
		p("LSL $2, R7")
		p("MOVD tile_astep(R0), R14")
		p("LSL $2, R14")
		p("MUL R4, R14, R15")
		p("SUB R15, R7")
	} else {
		p("SUB R4, R7")
		p("LSL $2, R7")
	}
	label("%s_next", k.name)
	p("MOVD tile_b(R0), R1")
	p("MOVD tile_outs(R0), R6")
	p("MOVD tile_segs(R0), R5")
	for _, x := range []struct {
		rows int
		cond string
		m    int
	}{{10, "BGE", 6}, {6, "BEQ", 6}, {9, "BEQ", 5}, {7, "BGE", 4}, {5, "BEQ", 5}, {4, "BEQ", 4}, {3, "BEQ", 3}, {2, "BEQ", 2}, {1, "BEQ", 1}} {
		p("CMP $%d, R11", x.rows)
		p("%s %s_%d", x.cond, k.name, x.m)
	}
	p("RET")
	for m := 6; m > 0; m-- {
		k.tile(m)
	}
}

// tile is the code for m rows. Where m rows alone would not keep the units
// busy (a sum takes four cycles on up to four of them), neighbouring steps of k
// go to sums of their own, added up at the end.
func (k kernel) tile(m int) {
	nv := k.vectors
	sets := 1
	for sets < 4 && 2*sets*m*nv <= 24 && sets*m*nv < 16 {
		sets *= 2
	}
	acc := func(set, i, v int) int { return set*m*nv + i*nv + v }
	at := fmt.Sprintf("%s_%d", k.name, m)

	label("%s", at)
	p("MOVD tile_a0(R0), R15")
	p("MOVD tile_a(R0), R16")
	p("ADD R15<<2, R16")
	for i := range m {
		if i == 0 || !k.byCol {
			p("MOVW %d(R12), R15", 4*i)
			p("ADD R15<<2, R16, R%d", rowRegs[i])
		}
	}
	for r := range sets * m * nv {
		zero(r)
	}
	p("CBZ R5, %s_end", at)

	label("%s_seg", at)
	p("MOVD tile_kl(R0), R4")
	p("SUBS $4, R4")
	p("BLT %s_few", at)
	label("%s_four", at)
	for u := range 4 {
		k.step(m, 4*u, func(i, v int) int { return acc(u%sets, i, v) })
	}
	if !k.byCol {
		for i := range m {
			p("ADD $16, R%d", rowRegs[i])
		}
	}
	p("SUBS $4, R4")
	p("BGE %s_four", at)
	label("%s_few", at)
	p("ADDS $4, R4")
	p("BEQ %s_done", at)
	label("%s_one", at)
	k.step(m, 0, func(i, v int) int { return acc(0, i, v) })
	if !k.byCol {
		for i := range m {
			p("ADD $4, R%d", rowRegs[i])
		}
	}
	p("SUBS $1, R4")
	p("BNE %s_one", at)

	label("%s_done", at)
	for i := range m {
		if i == 0 || !k.byCol {
			p("ADD R7, R%d", rowRegs[i])
		}
	}
	p("ADD R8, R1")
	p("SUBS $1, R5")
	p("BNE %s_seg", at)
	p("SUBS $1, R6")
	p("BEQ %s_end", at)
	for i := range m {
		if i == 0 || !k.byCol {
			p("ADD R9, R%d", rowRegs[i])
		}
	}
	p("ADD R10, R1")
	p("MOVD tile_segs(R0), R5")
	p("B %s_seg", at)

	label("%s_end", at)
	for s := sets; s > 1; s /= 2 {
		for r := range s / 2 * m * nv {
			fadd(r, r, r+s/2*m*nv)
		}
	}
	k.store(m, at)
	p("ADD $%d, R12", 4*m)
	p("ADD $%d, R13", 4*m)
	p("SUB $%d, R11", m)
	p("B %s_next", k.name)
}

// move loads or stores the vectors of one row at base; its last vector is at
// R25 and, of a narrow one, the second column at R24, as place has set them.
func (k kernel) move(base string, reg func(v int) int, store bool) {
	op := "FMOVQ"
	if k.narrow {
		op = "FMOVS"
	}
	for v := range k.vectors {
		from := fmt.Sprintf("%d(%s)", 16*v, base)
		switch {
		case v == k.vectors-1 && k.vectors > 1:
			from = "(R25)"
		case v == 1 && k.narrow:
			from = "(R24)"
		}
		if store {
			p("%s F%d, %s", op, reg(v), from)
		} else {
			p("%s %s, F%d", op, from, reg(v))
		}
	}
}

// place sets R25 and R24 for a row that begins at base.
func (k kernel) place(base string) {
	if k.vectors > 1 {
		p("ADD R3, %s, R25", base)
	}
	if k.narrow {
		p("ADD R26, %s, R24", base)
	}
}

// step is one value of k; ahead is how far the rows of A are behind it.
func (k kernel) step(m, ahead int, acc func(i, v int) int) {
	k.place("R1")
	k.move("R1", func(v int) int { return regB + v }, false)
	p("ADD R2, R1")
	if k.byCol {
		// Four neighbours at a time, then two, then one.
		r := regA
		for i := 0; i < m; r++ {
			n := 4
			for n > m-i {
				n /= 2
			}
			p("FMOV%s %d(R17), F%d", map[int]string{4: "Q", 2: "D", 1: "S"}[n], 4*i, r)
			for lane := range n {
				for v := range k.vectors {
					fmlaLane(acc(i+lane, v), regB+v, r, lane)
				}
			}
			i += n
		}
		p("ADD R14, R17")
		return
	}
	for i := range m {
		r := regA + i%4
		p("FMOVS %d(R%d), F%d", ahead, rowRegs[i], r)
		for v := range k.vectors {
			fmlaLane(acc(i, v), regB+v, r, 0)
		}
	}
}

// store is C = relu?(sum + bias + C), with relu no more than ceil, row by row.
func (k kernel) store(m int, at string) {
	acc := func(i int) func(v int) int { return func(v int) int { return i*k.vectors + v } }
	b := func(v int) int { return regB + v }
	p("MOVD tile_bias(R0), R15")
	p("CBZ R15, %s_nobias", at)
	k.place("R15")
	k.move("R15", b, false)
	for i := range m {
		for v := range k.vectors {
			fadd(acc(i)(v), acc(i)(v), b(v))
		}
	}
	label("%s_nobias", at)
	p("MOVD tile_c(R0), R16")
	for i := range m {
		p("MOVW %d(R13), R15", 4*i)
		p("ADD R15<<2, R16, R%d", rowRegs[i])
	}
	p("MOVBU tile_add(R0), R15")
	p("CBZ R15, %s_noadd", at)
	for i := range m {
		c := fmt.Sprintf("R%d", rowRegs[i])
		k.place(c)
		k.move(c, b, false)
		for v := range k.vectors {
			fadd(acc(i)(v), acc(i)(v), b(v))
		}
	}
	label("%s_noadd", at)
	p("MOVBU tile_relu(R0), R15")
	p("CBZ R15, %s_norelu", at)
	zero(regB)
	for r := range m * k.vectors {
		fmax(r, r, regB)
	}
	p("MOVWU tile_ceil(R0), R15")
	p("CBZ R15, %s_norelu", at)
	dup(regB, 15)
	for r := range m * k.vectors {
		fmin(r, r, regB)
	}
	label("%s_norelu", at)
	for i := range m {
		c := fmt.Sprintf("R%d", rowRegs[i])
		k.place(c)
		k.move(c, acc(i), true)
	}
}
