package main

import "fmt"

// panelTile is the kernel of large products: A and B are both packed, so that
// it reads two streams from one end to the other. Registers:
//
//	SI        the tile
//	R15, DI   A and B; the other panels of A follow the first
//	BX        the panel of B after this one, asked for ahead
//	AX, R14   for a moment; R8..R13 the rows of C at the end
//	Y0..Y11   C; Y12, Y13 B; Y14, Y15 A
func panelTile() {
	const name = "panelTile16"
	k := kernel{name: name, vectors: 2}
	fmt.Fprintf(&out, "\n// func %s(t *tile)\nTEXT ·%s(SB), NOSPLIT, $%d-8\n", name, name, frame)
	p("MOVQ t+0(FP), SI")
	p("MOVQ tile_m(SI), AX")
	p("MOVQ AX, %s", locRows)
	p("MOVQ tile_coff(SI), AX")
	p("MOVQ AX, %s", locCoff)
	p("MOVQ tile_a(SI), R15")
	p("MOVQ tile_kl(SI), BX")
	p("SHLQ $6, BX")
	p("ADDQ tile_b(SI), BX")
	label("%s_next", name)
	k.prefetch(6)
	for r := range 12 {
		p("VXORPS Y%d, Y%d, Y%d", r, r, r)
	}
	p("MOVQ tile_b(SI), DI")
	p("MOVQ tile_kl(SI), AX")
	p("SUBQ $8, AX")
	p("JLT %s_few", name)
	p("PCALIGN $32")
	label("%s_eight", name)
	for u := range 8 {
		switch {
		case u == 0:
			p("PREFETCHT1 (BX)")
		case u == 1 || u == 3 || u == 6:
			p("PREFETCHT0 %d(R15)", 512+24*u/64*64)
		}
		panelStep(u)
	}
	p("ADDQ $64, BX")
	p("ADDQ $512, DI")
	p("ADDQ $192, R15")
	p("SUBQ $8, AX")
	p("JGE %s_eight", name)
	label("%s_few", name)
	p("ADDQ $8, AX")
	p("JZ %s_6_end", name)
	label("%s_one", name)
	panelStep(0)
	p("ADDQ $64, DI")
	p("ADDQ $24, R15")
	p("DECQ AX")
	p("JNZ %s_one", name)
	label("%s_6_end", name)
	k.store(6, func(i, v int) string { return fmt.Sprintf("Y%d", 2*i+v) }, "")
	p("ADDQ $24, %s", locCoff)
	p("SUBQ $6, %s", locRows)
	p("JGT %s_next", name)
	p("VZEROUPPER")
	p("RET")
}

// panelStep is one value of k, u steps ahead of the pointers.
func panelStep(u int) {
	p("VMOVUPS %d(DI), Y12", 64*u)
	p("VMOVUPS %d(DI), Y13", 64*u+32)
	for i := range 6 {
		p("VBROADCASTSS %d(R15), Y%d", 24*u+4*i, 14+i%2)
		for v := range 2 {
			p("VFMADD231PS Y%d, Y%d, Y%d", 12+v, 14+i%2, 2*i+v)
		}
	}
}
