package main

import (
	"fmt"
	"strings"
)

// A loop takes unroll vectors of four floats at a time, then one vector, then
// one float, with the same instructions: a float loaded alone leaves zeros in
// the other three lanes, and live clears what was made of those.

// pass is what a body sees of one vector.
type pass struct {
	r    *registers
	u    int // which of the unrolled vectors
	tail bool
}

// reg is the register of a name in this vector.
func (a *pass) reg(name string) int { return a.r.at(name, a.u) }

// live clears all lanes but the first where the others hold no elements.
func (a *pass) live(name string) {
	if a.tail {
		p("FMOVS F%d, F%d", a.reg(name), a.reg(name))
	}
}

// registers hands out vector registers: one to a name, or one to each of the
// unrolled vectors.
type registers struct {
	first map[string]int
	each  map[string]bool
	next  int
}

func newRegisters() *registers {
	return &registers{first: map[string]int{}, each: map[string]bool{}}
}

func (r *registers) take(unroll int, names ...string) {
	for _, n := range names {
		r.first[n], r.each[n] = r.next, unroll > 1
		r.next += unroll
	}
	if r.next > 32 {
		panic("neon: more than 32 vector registers")
	}
}

func (r *registers) at(name string, u int) int {
	first, ok := r.first[name]
	if !ok {
		panic("neon: no register for " + name)
	}
	if r.each[name] {
		return first + u
	}
	return first
}

// width is one of the three sizes of a loop's step.
type width struct {
	label   string
	vectors int
	floats  int
}

func widths(unroll int) []width {
	return []width{{"wide", unroll, 4 * unroll}, {"four", 1, 4}, {"one", 1, 1}}
}

// move loads or stores the vectors of one name from where ptr points.
func (w width) move(r *registers, name, ptr string, store bool) {
	op := "FMOVQ"
	if w.floats == 1 {
		op = "FMOVS"
	}
	for u := range w.vectors {
		if store {
			p("%s F%d, %d(%s)", op, r.at(name, u), 16*u, ptr)
		} else {
			p("%s %d(%s), F%d", op, 16*u, ptr, r.at(name, u))
		}
	}
}

// sweep is a loop over slices of one length.
type sweep struct {
	name, sig string
	args      []string // slices, in the order of the arguments
	in, out   []string
	scalars   []string // float32 arguments after the slices
	temps     []string
	sums      []string // results
	unroll    int
	// turns writes an instruction of each vector in turn, for bodies that are long
	// chains: one vector's would wait for itself.
	turns bool
	body  func(a *pass)
}

// bodies writes the body of each vector of a step.
func (s sweep) bodies(r *registers, w width) {
	var text [][]string
	for u := range w.vectors {
		start := out.Len()
		s.body(&pass{r, u, w.floats == 1})
		if s.turns {
			text = append(text, strings.SplitAfter(out.String()[start:], "\n"))
			out.Truncate(start)
		}
	}
	if s.turns {
		for i := range text[0] {
			for _, lines := range text {
				out.WriteString(lines[i])
			}
		}
	}
}

func (s sweep) write() {
	size := 24*len(s.args) + 4*len(s.scalars)
	if len(s.sums) > 0 {
		size = (size + 7) / 8 * 8 // where results begin
	}
	results := size
	size += 4 * len(s.sums)
	args, res, _ := strings.Cut(s.sig, " -> ")
	if res != "" {
		res = " " + res
	}
	routine(s.name, args, res, size)
	r := newRegisters()
	r.take(s.unroll, s.sums...)
	r.take(s.unroll, s.in...)
	for _, o := range append(s.out, s.temps...) {
		if _, ok := r.first[o]; !ok {
			r.take(s.unroll, o)
		}
	}
	r.take(1, s.scalars...)
	r.take(1, "zero")
	ptr := map[string]string{}
	for i, a := range s.args {
		ptr[a] = fmt.Sprintf("R%d", i)
		p("MOVD %s_base+%d(FP), %s", a, 24*i, ptr[a])
	}
	p("MOVD %s_len+8(FP), R9", s.args[0])
	for i, x := range s.scalars {
		v := r.at(x, 0)
		p("FMOVS %s+%d(FP), F%d", x, 24*len(s.args)+4*i, v)
		p("VDUP V%d.S[0], V%d.S4", v, v)
	}
	zero(r.at("zero", 0))
	if s.turns {
		p("MOVD $numbers<>(SB), R20")
	}
	for _, x := range s.sums {
		for u := range s.unroll {
			zero(r.at(x, u))
		}
	}
	for _, w := range widths(s.unroll) {
		at := s.name + "_" + w.label
		p("CMP $%d, R9", w.floats)
		p("BLT %s_end", at)
		label("%s", at)
		for _, x := range s.in {
			w.move(r, x, ptr[x], false)
		}
		s.bodies(r, w)
		for _, x := range s.out {
			w.move(r, x, ptr[x], true)
		}
		for _, x := range s.args {
			p("ADD $%d, %s", 4*w.floats, ptr[x])
		}
		p("SUB $%d, R9", w.floats)
		p("CMP $%d, R9", w.floats)
		p("BGE %s", at)
		label("%s_end", at)
	}
	for i, x := range s.sums {
		first := r.at(x, 0)
		for half := s.unroll / 2; half > 0; half /= 2 {
			for u := range half {
				fadd(first+u, first+u, first+u+half)
			}
		}
		faddp(first, first, first)
		faddp(first, first, first)
		name := x
		if len(s.sums) == 1 {
			name = "ret"
		}
		p("FMOVS F%d, %s+%d(FP)", first, name, results+4*i)
	}
	p("RET")
}

// columns is a loop over a matrix without gaps whose columns have vectors of
// their own: sixteen columns at a time it goes down the rows.
type columns struct {
	name, sig string
	args      []string // slices, in the order of the arguments; then rows int
	params    []string // one float a column
	sums      []string // likewise, and added to
	in, out   []string // matrices
	temps     []string
	body      func(a *pass)
}

func (s columns) write() {
	const unroll = 4
	routine(s.name, s.sig, "", 24*len(s.args)+8)
	r := newRegisters()
	r.take(unroll, s.params...)
	r.take(unroll, s.sums...)
	r.take(unroll, s.in...)
	for _, o := range append(s.out, s.temps...) {
		if _, ok := r.first[o]; !ok {
			r.take(unroll, o)
		}
	}
	r.take(1, "zero")
	ptr := map[string]string{}
	for i, a := range s.args {
		ptr[a] = fmt.Sprintf("R%d", i)
		p("MOVD %s_base+%d(FP), %s", a, 24*i, ptr[a])
	}
	p("MOVD %s_len+8(FP), R9", s.args[0])
	p("LSL $2, R9, R10")
	p("MOVD rows+%d(FP), R11", 24*len(s.args))
	p("CBZ R11, %s_done", s.name)
	zero(r.at("zero", 0))
	var matrices []string
	for _, x := range append(append([]string(nil), s.in...), s.out...) {
		if len(matrices) == 0 || !strings.Contains(strings.Join(matrices, " "), x) {
			matrices = append(matrices, x)
		}
	}
	walk := map[string]string{}
	for i, x := range matrices {
		walk[x] = fmt.Sprintf("R%d", []int{13, 14, 15, 16}[i])
	}
	for _, w := range widths(unroll) {
		at := s.name + "_" + w.label
		p("CMP $%d, R9", w.floats)
		p("BLT %s_end", at)
		label("%s", at)
		for _, x := range append(append([]string(nil), s.params...), s.sums...) {
			w.move(r, x, ptr[x], false)
		}
		for _, x := range matrices {
			p("MOVD %s, %s", ptr[x], walk[x])
		}
		p("MOVD R11, R12")
		label("%s_row", at)
		for _, x := range s.in {
			w.move(r, x, walk[x], false)
		}
		for u := range w.vectors {
			s.body(&pass{r, u, w.floats == 1})
		}
		for _, x := range s.out {
			w.move(r, x, walk[x], true)
		}
		for _, x := range matrices {
			p("ADD R10, %s", walk[x])
		}
		p("SUBS $1, R12")
		p("BNE %s_row", at)
		for _, x := range s.sums {
			w.move(r, x, ptr[x], true)
		}
		for _, x := range s.args {
			p("ADD $%d, %s", 4*w.floats, ptr[x])
		}
		p("SUB $%d, R9", w.floats)
		p("CMP $%d, R9", w.floats)
		p("BGE %s", at)
		label("%s_end", at)
	}
	label("%s_done", s.name)
	p("RET")
}
