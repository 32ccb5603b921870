package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// columns is a loop down the rows of matrices without gaps, along the columns
// within a few rows at a time, so that memory is read in order.
type columns struct {
	name, sig string
	vectors   []string // one row each, read; the first says how long rows are
	updated   int      // how many of them, from the first, are written back
	matrices  []string // read
	out       string   // written, or empty
	step      int      // rows at a time
	// body gets the vectors and, row by row, the matrices' values. It changes
	// the first vectors in place and returns what goes to out, row by row.
	body func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual
}

func (c columns) write() {
	TEXT(c.name+"AVX2", NOSPLIT, c.sig)
	Pragma("noescape")
	base := map[string]Register{}
	for _, name := range append(append([]string{}, c.vectors...), c.matrices...) {
		base[name] = Load(Param(name).Base(), GP64())
	}
	if c.out != "" {
		base[c.out] = Load(Param(c.out).Base(), GP64())
	}
	n := Load(Param(c.vectors[0]).Len(), GP64())
	rows := Load(Param("rows"), GP64())
	stride := GP64()
	LEAQ(Mem{Base: n, Index: n, Scale: 1}, stride)
	ADDQ(stride, stride) // bytes of a row
	c.rounds("many", c.step, base, n, rows, stride)
	c.rounds("one", 1, base, n, rows, stride)
	VZEROUPPER()
	RET()
}

// rounds goes down the rows, step at a time, as long as there are so many.
func (c columns) rounds(label string, step int, base map[string]Register, n, rows, stride Register) {
	i, limit, rest := GP64(), GP64(), GP64()
	Label(label)
	CMPQ(rows, Imm(uint64(step)))
	JLT(LabelRef(label + "_end"))
	XORQ(i, i)
	MOVQ(n, limit)
	SUBQ(Imm(8), limit)
	pointers := func(name string) []Register {
		list := []Register{base[name]}
		for range step - 1 {
			q := GP64()
			LEAQ(Mem{Base: list[len(list)-1], Index: stride, Scale: 1}, q)
			list = append(list, q)
		}
		return list
	}
	at := func(name string) Mem { return Mem{Base: base[name], Index: i, Scale: 4} }
	var in [][]Register
	for _, name := range c.matrices {
		in = append(in, pointers(name))
	}
	var out []Register
	if c.out != "" {
		out = pointers(c.out)
	}
	Label(label + "_columns")
	CMPQ(i, limit)
	JGT(LabelRef(label + "_tail"))
	c.vector(func(m Mem, v VecVirtual) { VMOVUPS(m, v) }, func(v VecVirtual, m Mem) { VMOVUPS(v, m) }, at, in, out, i, step)
	ADDQ(Imm(8), i)
	JMP(LabelRef(label + "_columns"))
	Label(label + "_tail")
	MOVQ(n, rest)
	SUBQ(i, rest)
	JE(LabelRef(label + "_next"))
	mask := maskOf(rest)
	c.vector(func(m Mem, v VecVirtual) { VMASKMOVPS(m, mask, v) }, func(v VecVirtual, m Mem) { VMASKMOVPS(v, mask, m) }, at, in, out, i, step)
	Label(label + "_next")
	for _, name := range append(append([]string{}, c.matrices...), c.out) {
		if name != "" {
			for range step {
				ADDQ(stride, base[name])
			}
		}
	}
	SUBQ(Imm(uint64(step)), rows)
	JMP(LabelRef(label))
	Label(label + "_end")
}

func (c columns) vector(load func(Mem, VecVirtual), store func(VecVirtual, Mem), at func(string) Mem, in [][]Register, out []Register, i Register, step int) {
	var v []VecVirtual
	for _, name := range c.vectors {
		y := YMM()
		load(at(name), y)
		v = append(v, y)
	}
	rows := make([][]VecVirtual, step)
	for r := range rows {
		for k := range c.matrices {
			y := YMM()
			load(Mem{Base: in[k][r], Index: i, Scale: 4}, y)
			rows[r] = append(rows[r], y)
		}
	}
	res := c.body(v, rows)
	for k := range c.updated {
		store(v[k], at(c.vectors[k]))
	}
	for r, y := range res {
		store(y, Mem{Base: out[r], Index: i, Scale: 4})
	}
}

func matrices() {
	columns{name: "colSum", sig: "func(acc, x []float32, rows int)", vectors: []string{"acc"}, updated: 1, matrices: []string{"x"}, step: 4,
		body: func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual {
			for i := 0; i+1 < len(rows); i += 2 {
				VADDPS(rows[i+1][0], rows[i][0], rows[i][0])
			}
			if len(rows) == 4 {
				VADDPS(rows[2][0], rows[0][0], rows[0][0])
			}
			VADDPS(rows[0][0], v[0], v[0])
			return nil
		}}.write()
	// The accumulator comes last, so that it stays where x is NaN.
	columns{name: "colMax", sig: "func(acc, x []float32, rows int)", vectors: []string{"acc"}, updated: 1, matrices: []string{"x"}, step: 4,
		body: func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual {
			for _, r := range rows {
				VMAXPS(v[0], r[0], v[0])
			}
			return nil
		}}.write()
	columns{name: "colMoments", sig: "func(s, q, mean, x []float32, rows int)", vectors: []string{"s", "q", "mean"}, updated: 2, matrices: []string{"x"}, step: 4,
		body: func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual {
			for _, r := range rows {
				VSUBPS(v[2], r[0], r[0])
				VADDPS(r[0], v[0], v[0])
				VFMADD231PS(r[0], r[0], v[1])
			}
			return nil
		}}.write()
	columns{name: "colGrad", sig: "func(s, q, mean, x, dy []float32, rows int)", vectors: []string{"s", "q", "mean"}, updated: 2, matrices: []string{"x", "dy"}, step: 2,
		body: func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual {
			for _, r := range rows {
				VSUBPS(v[2], r[0], r[0])
				VADDPS(r[1], v[0], v[0])
				VFMADD231PS(r[0], r[1], v[1])
			}
			return nil
		}}.write()
	for _, relu := range []bool{false, true} {
		name := "normalize"
		if relu {
			name = "normalizeReLU"
		}
		columns{name: name, sig: "func(mean, scale, beta, x, y []float32, rows int)", vectors: []string{"mean", "scale", "beta"}, matrices: []string{"x"}, out: "y", step: 2,
			body: func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual {
				var out []VecVirtual
				for _, r := range rows {
					VSUBPS(v[0], r[0], r[0])
					VFMADD213PS(v[2], v[1], r[0]) // r·scale + beta
					if relu {
						VMAXPS(r[0], zeroed(), r[0])
					}
					out = append(out, r[0])
				}
				return out
			}}.write()
	}
	for _, relu := range []bool{false, true} {
		name := "normalizeAdd"
		if relu {
			name = "normalizeAddReLU"
		}
		columns{name: name, sig: "func(mean, scale, beta, x, z, y []float32, rows int)", vectors: []string{"mean", "scale", "beta"}, matrices: []string{"x", "z"}, out: "y", step: 1,
			body: func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual {
				var out []VecVirtual
				for _, r := range rows {
					VSUBPS(v[0], r[0], r[0])
					VFMADD213PS(v[2], v[1], r[0])
					VADDPS(r[1], r[0], r[0])
					if relu {
						VMAXPS(r[0], zeroed(), r[0])
					}
					out = append(out, r[0])
				}
				return out
			}}.write()
	}
	// positive is all ones where y is above zero.
	positive := func(y VecVirtual) VecVirtual {
		m := YMM()
		VCMPPS(Imm(0x1e), zeroed(), y, m)
		return m
	}
	// normalized is what the forward sweep put out, before relu: d·scale + beta.
	normalized := func(d, scale, beta VecVirtual) VecVirtual {
		y := YMM()
		VMOVAPS(d, y)
		VFMADD213PS(beta, scale, y)
		return y
	}
	columns{name: "colGradReLU", sig: "func(s, q, mean, scale, beta, x, dy []float32, rows int)", vectors: []string{"s", "q", "mean", "scale", "beta"}, updated: 2, matrices: []string{"x", "dy"}, step: 1,
		body: func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual {
			for _, r := range rows {
				VSUBPS(v[2], r[0], r[0])
				VANDPS(positive(normalized(r[0], v[3], v[4])), r[1], r[1])
				VADDPS(r[1], v[0], v[0])
				VFMADD231PS(r[0], r[1], v[1])
			}
			return nil
		}}.write()
	columns{name: "colGradMask", sig: "func(s, q, mean, x, y, dy, dm []float32, rows int)", vectors: []string{"s", "q", "mean"}, updated: 2, matrices: []string{"x", "y", "dy"}, out: "dm", step: 1,
		body: func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual {
			var out []VecVirtual
			for _, r := range rows {
				VSUBPS(v[2], r[0], r[0])
				VANDPS(positive(r[1]), r[2], r[2])
				VADDPS(r[2], v[0], v[0])
				VFMADD231PS(r[0], r[2], v[1])
				out = append(out, r[2])
			}
			return out
		}}.write()
	columns{name: "normGradReLU", sig: "func(mean, scale, beta, a, b, x, dy, dx []float32, rows int)", vectors: []string{"mean", "scale", "beta", "a", "b"}, matrices: []string{"x", "dy"}, out: "dx", step: 1,
		body: func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual {
			var out []VecVirtual
			for _, r := range rows {
				VSUBPS(v[0], r[0], r[0])
				VANDPS(positive(normalized(r[0], v[1], v[2])), r[1], r[1])
				VSUBPS(v[3], r[1], r[1])
				VFNMADD231PS(v[4], r[0], r[1])
				VMULPS(v[1], r[1], r[1])
				out = append(out, r[1])
			}
			return out
		}}.write()
	columns{name: "normGrad", sig: "func(mean, scale, a, b, x, dy, dx []float32, rows int)", vectors: []string{"mean", "scale", "a", "b"}, matrices: []string{"x", "dy"}, out: "dx", step: 1,
		body: func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual {
			var out []VecVirtual
			for _, r := range rows {
				VSUBPS(v[0], r[0], r[0])
				VSUBPS(v[2], r[1], r[1])
				VFNMADD231PS(v[3], r[0], r[1])
				VMULPS(v[1], r[1], r[1])
				out = append(out, r[1])
			}
			return out
		}}.write()
}
