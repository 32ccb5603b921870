package main

import (
	"fmt"
	"math"

	"layercake/compute/_asm/lines"
)

// transform is one routine of Winograd's convolutions, eight channels at a time
// in two vectors of each value: first along the columns of a square, whose
// results go to the stack, then along the rows.
//
// Registers:
//
//	R0, R1   the output or the table of outputs, the input or the table of inputs
//	R2, R3   distance of values and of rows of values in the input
//	R4       distance of values in the output
//	R5, R6   bytes behind what a table points at: of these channels, of the end
//	R7       bias; R8 whether to add
//	R9       the square on the stack
//	R10, R11 addresses
//	V0..V9   the first four channels of a line's values; V10..V19 the other four
//	V20..V26 constants
//	V27..V30 floor, ceiling, two vectors for a moment
type transform struct {
	name, args string
	lines.Line
	table    bool // the input comes through a table, else the output does or neither
	tableOut bool
}

func winograd() {
	for _, t := range []transform{
		{"winogradInput", "out *float32, step int, in *[36]*float32, shift, n int", lines.Input, true, false},
		{"winogradOutput", "out *[36]*float32, shift int, in *float32, step int, n int, bias *float32, floor, ceil float32, add bool", lines.Output, false, true},
		{"winogradGrad", "out *float32, step int, in *[36]*float32, shift, n int", lines.Grad, true, false},
		{"winogradWeights", "out *float32, step int, in *float32, instep int, n int", lines.Weights, false, false},
		{"winogradSums", "out *float32, step int, in *float32, instep int, n int", lines.Sums, false, false},
	} {
		t.write()
	}
}

func (t transform) write() {
	frame := 32 * t.To * t.From
	size := 40
	if t.tableOut {
		size = 57
	}
	fmt.Fprintf(&out, "\n// func %s(%s)\nTEXT ·%s(SB), 0, $%d-%d\n", t.name, t.args, t.name, frame, size)
	p("MOVD out+0(FP), R0")
	p("MOVD in+16(FP), R1")
	p("MOVD n+32(FP), R6")
	p("LSL $2, R6")
	p("MOVD $0, R5")
	switch {
	case t.table:
		p("MOVD step+8(FP), R4")
		p("MOVD shift+24(FP), R5")
	case t.tableOut:
		p("MOVD shift+8(FP), R5")
		p("MOVD step+24(FP), R2")
		p("MOVD bias+40(FP), R7")
		p("MOVBU add+56(FP), R8")
		for i, x := range []string{"floor+48", "ceil+52"} {
			p("FMOVS %s(FP), F%d", x, 27+i)
			p("VDUP V%d.S[0], V%d.S4", 27+i, 27+i)
		}
	default:
		p("MOVD step+8(FP), R4")
		p("MOVD instep+24(FP), R2")
	}
	if t.table || t.tableOut {
		// What does not come through the table is not shifted.
		p("LSL $2, R5")
		p("ADD R5, R6")
		if t.table {
			p("SUB R5, R0")
		} else {
			p("SUB R5, R1")
			p("SUB R5, R7")
		}
	}
	if !t.tableOut {
		p("LSL $2, R4")
	}
	if !t.table {
		p("LSL $2, R2")
		p("MOVD $%d, R3", t.From)
		p("MUL R2, R3")
	}
	var k []int
	for i, v := range t.Constants {
		k = append(k, 20+i)
		p("MOVW $%#08x, R10 // %v", math.Float32bits(float32(v)), v)
		dup(k[i], 10)
	}
	p("MOVD $square-%d(SP), R9", frame)
	label("%s_next", t.name)
	for j := range t.From {
		if !t.table {
			p("ADD R5, R1, R10")
			if j > 0 {
				p("MOVD $%d, R11", j)
				p("MADD R11, R10, R2, R10")
			}
		}
		for i := range t.From {
			if t.table {
				p("MOVD %d(R1), R10", 8*(i*t.From+j))
				p("ADD R5, R10")
			}
			p("FLDPQ (R10), (F%d, F%d)", i, i+lines.Values)
			if !t.table && i < t.From-1 {
				p("ADD R3, R10")
			}
		}
		for i, r := range t.line(k) {
			p("FSTPQ (F%d, F%d), %d(R9)", r, r+lines.Values, 32*(i*t.From+j))
		}
	}
	if !t.tableOut {
		p("ADD R5, R0, R10")
	}
	for i := range t.To {
		for j := range t.From {
			p("FLDPQ %d(R9), (F%d, F%d)", 32*(i*t.From+j), j, j+lines.Values)
		}
		for j, r := range t.line(k) {
			if t.tableOut {
				p("MOVD %d(R0), R10", 8*(i*t.To+j))
				p("ADD R5, R10")
				t.finish(fmt.Sprintf("%s_%d_%d", t.name, i, j), r)
			}
			p("FSTPQ (F%d, F%d), (R10)", r, r+lines.Values)
			if !t.tableOut {
				p("ADD R4, R10")
			}
		}
	}
	p("ADD $32, R5")
	p("CMP R6, R5")
	p("BLT %s_next", t.name)
	p("RET")
}

// line writes the transform of both vectors, an instruction of each in turn, so
// that neither waits for itself alone. The results are in the registers it
// returns, those of the second vector lines.Values further on.
func (t transform) line(k []int) []int {
	var results []int
	var text [2][]string
	for half := range text {
		var m recorder
		var v []int
		for i := range lines.Values {
			v = append(v, half*lines.Values+i)
		}
		t.Write(&m, v, k, func(_, r int) {
			if half == 0 {
				results = append(results, r)
			}
		})
		text[half] = m.text
	}
	for i := range text[0] {
		out.WriteString(text[0][i] + text[1][i])
	}
	return results
}

// finish is bias, what was there, floor and ceiling, of one output.
func (t transform) finish(at string, r int) {
	second := r + lines.Values
	p("ADD R5, R7, R11")
	p("FLDPQ (R11), (F29, F30)")
	fadd(r, r, 29)
	fadd(second, second, 30)
	p("CBZ R8, %s", at)
	p("FLDPQ (R10), (F29, F30)")
	fadd(r, r, 29)
	fadd(second, second, 30)
	label("%s", at)
	for _, v := range []int{r, second} {
		fmax(v, v, 27)
		fmin(v, v, 28)
	}
}

// recorder keeps each instruction of a line.
type recorder struct{ text []string }

func (m *recorder) keep(write func()) {
	start := out.Len()
	write()
	m.text = append(m.text, string(out.Bytes()[start:]))
	out.Truncate(start)
}

func (m *recorder) Add(x, y, to int)     { m.keep(func() { fadd(to, x, y) }) }
func (m *recorder) Sub(x, y, to int)     { m.keep(func() { fsub(to, x, y) }) }
func (m *recorder) Mul(x, y, to int)     { m.keep(func() { fmul(to, x, y) }) }
func (m *recorder) Move(from, to int)    { m.keep(func() { p("VMOV V%d.B16, V%d.B16", from, to) }) }
func (m *recorder) MulAdd(x, y, to int)  { m.keep(func() { fmla(to, x, y) }) }
func (m *recorder) MulTake(x, y, to int) { m.keep(func() { fmls(to, x, y) }) }
