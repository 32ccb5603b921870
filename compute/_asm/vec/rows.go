package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The norms of rows read a row two or three times while it lies in the level-1
// cache, and memory once. Two rows go side by side, for the sums of one row wait
// for each other most of the time; what belongs to the columns is then read once
// for both.

// along goes over some rows beside each other, of n elements, eight a vector:
// unroll vectors a round, then one, then the last few under a mask, which is nil
// before. body gets the number of the vector in its round, the places of an element
// in a slice at p and in each row of a matrix at p.
func along(label string, n Register, rows, unroll int, body func(slot int, at place, mask VecVirtual)) {
	limit := GP64()
	var index []Register // of the element in each row
	for r := range rows {
		i := GP64()
		if r == 0 {
			XORQ(i, i)
		} else {
			MOVQ(n, i)
		}
		index = append(index, i)
	}
	step := func(vectors int) {
		for _, i := range index {
			ADDQ(Imm(uint64(8*vectors)), i)
		}
	}
	round := func(label string, vectors int) {
		MOVQ(n, limit)
		SUBQ(Imm(uint64(8*vectors)), limit)
		Label(label)
		CMPQ(index[0], limit)
		JGT(LabelRef(label + "_end"))
		for u := range vectors {
			body(u, place{index, 32 * u}, nil)
		}
		step(vectors)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	if unroll > 1 {
		round(label+"_many", unroll)
	}
	round(label+"_one", 1)
	MOVQ(n, limit)
	SUBQ(index[0], limit)
	JE(LabelRef(label + "_done"))
	mask := maskOf(limit)
	body(0, place{index, 0}, mask)
	Label(label + "_done")
}

// place is where along is.
type place struct {
	index []Register
	disp  int
}

// row is the element in row r of the matrix at p, column in the slice at p.
func (a place) row(r int, p Register) Mem {
	return Mem{Base: p, Index: a.index[r], Scale: 4, Disp: a.disp}
}
func (a place) column(p Register) Mem { return a.row(0, p) }

// get and put move a vector, only its live lanes under a mask.
func get(m Mem, mask VecVirtual) VecVirtual {
	v := YMM()
	if mask == nil {
		VMOVUPS(m, v)
	} else {
		VMASKMOVPS(m, mask, v)
	}
	return v
}

func put(v VecVirtual, m Mem, mask VecVirtual) {
	if mask == nil {
		VMOVUPS(v, m)
	} else {
		VMASKMOVPS(v, mask, m)
	}
}

func cleared(n int) []VecVirtual {
	var v []VecVirtual
	for range n {
		a := YMM()
		VXORPS(a, a, a)
		v = append(v, a)
	}
	return v
}

// total is the sum of all lanes of some vectors, in the low lane.
func total(v []VecVirtual) VecVirtual {
	for _, a := range v[1:] {
		VADDPS(a, v[0], v[0])
	}
	return fold(v[0], func(b, a VecVirtual) { VADDPS(b, a, a) })
}

// everywhere is the low lane of s in all eight.
func everywhere(s VecVirtual) VecVirtual {
	v := YMM()
	VBROADCASTSS(s.AsX(), v)
	return v
}

// rowNorms are routines for rows of as many elements as gamma has, and as
// many rows as inv has.
func rowNorms() {
	for _, centred := range []bool{true, false} {
		rowNorm(centred)
		rowNormGrad(centred)
	}
}

// pointers loads the bases of slices by name.
func pointers(names ...string) map[string]Register {
	m := map[string]Register{}
	for _, name := range names {
		m[name] = Load(Param(name).Base(), GP64())
	}
	return m
}

// pairs writes body for two rows as long as there are so many, then for one;
// body moves the pointers on.
func pairs(rows Register, body func(label string, count int)) {
	for _, count := range []int{2, 1} {
		label := []string{"", "single", "pair"}[count]
		Label(label)
		CMPQ(rows, Imm(uint64(count)))
		JLT(LabelRef(label + "_end"))
		body(label, count)
		SUBQ(Imm(uint64(count)), rows)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
}

// move goes on by count rows: of matrices, and of numbers a row.
func move(p map[string]Register, n Register, count int, matrices, numbers []string) {
	for range count {
		for _, name := range matrices {
			LEAQ(Mem{Base: p[name], Index: n, Scale: 4}, p[name])
		}
	}
	for _, name := range numbers {
		if p[name] != nil {
			ADDQ(Imm(uint64(4*count)), p[name])
		}
	}
}

func rowNorm(centred bool) {
	name, sig := "rowNormAVX2", "func(x, gamma, beta, y, mean, inv []float32, eps, share float32)"
	names := []string{"x", "gamma", "beta", "y", "mean", "inv"}
	if !centred {
		name, sig = "rowRMSAVX2", "func(x, gamma, y, inv []float32, eps, share float32)"
		names = []string{"x", "gamma", "y", "inv"}
	}
	TEXT(name, NOSPLIT, sig)
	Pragma("noescape")
	p := pointers(names...)
	n, rows := Load(Param("gamma").Len(), GP64()), Load(Param("inv").Len(), GP64())
	pairs(rows, func(label string, count int) {
		const wide = 2 // accumulators a row: as many alone as in a pair, so that its bits do not depend on that
		lots := func() (v [][]VecVirtual) {
			for range count {
				v = append(v, cleared(wide))
			}
			return v
		}
		mean, inv, scalars := make([]VecVirtual, count), make([]VecVirtual, count), make([]VecVirtual, count)
		if centred {
			sum := lots()
			along(label+"_mean", n, count, wide, func(slot int, at place, mask VecVirtual) {
				for r := range count {
					x := get(at.row(r, p["x"]), mask)
					VADDPS(x, sum[r][slot], sum[r][slot])
				}
			})
			for r := range count {
				scalars[r] = total(sum[r])
				VMULSS(param("share"), scalars[r], scalars[r])
				mean[r] = everywhere(scalars[r])
			}
		}
		square, rest := lots(), [][]VecVirtual(nil)
		if centred {
			rest = lots()
		}
		along(label+"_square", n, count, wide, func(slot int, at place, mask VecVirtual) {
			for r := range count {
				d := get(at.row(r, p["x"]), mask)
				if centred {
					VSUBPS(mean[r], d, d)
					if mask != nil {
						VANDPS(mask, d, d)
					}
					VADDPS(d, rest[r][slot], rest[r][slot])
				}
				VFMADD231PS(d, d, square[r][slot])
			}
		})
		for r := range count {
			v := total(square[r])
			VMULSS(param("share"), v, v)
			if centred {
				// The mean's rounding comes out here: Σ(x−mean) is not quite 0.
				e := total(rest[r])
				VMULSS(param("share"), e, e)
				m := scalars[r]
				VADDSS(e, m, m)
				VMOVSS(m, Mem{Base: p["mean"], Disp: 4 * r})
				mean[r] = everywhere(m)
				VMULSS(e, e, e)
				VSUBSS(e, v, v)
			}
			zero, one := XMM(), XMM()
			VXORPS(zero, zero, zero)
			VMAXSS(v, zero, v) // v, the second of Intel's operands, stays where it is NaN
			VADDSS(param("eps"), v, v)
			VSQRTSS(v, v, v)
			VMOVSS(number(1), one)
			VDIVSS(v, one, v)
			VMOVSS(v, Mem{Base: p["inv"], Disp: 4 * r})
			inv[r] = everywhere(v)
		}
		along(label+"_write", n, count, wide, func(slot int, at place, mask VecVirtual) {
			gamma := get(at.column(p["gamma"]), mask)
			var beta VecVirtual
			if centred {
				beta = get(at.column(p["beta"]), mask)
			}
			for r := range count {
				d := get(at.row(r, p["x"]), mask)
				if centred {
					VSUBPS(mean[r], d, d)
				}
				VMULPS(inv[r], d, d)
				if centred {
					VFMADD213PS(beta, gamma, d)
				} else {
					VMULPS(gamma, d, d)
				}
				put(d, at.row(r, p["y"]), mask)
			}
		})
		move(p, n, count, []string{"x", "y"}, []string{"inv", "mean"})
	})
	VZEROUPPER()
	RET()
}

func rowNormGrad(centred bool) {
	name, sig := "rowNormGradAVX2", "func(x, gamma, mean, inv, dy, dx, dgamma, dbeta []float32, share float32)"
	names := []string{"x", "gamma", "mean", "inv", "dy", "dx", "dgamma", "dbeta"}
	if !centred {
		name, sig = "rowRMSGradAVX2", "func(x, gamma, inv, dy, dx, dgamma []float32, share float32)"
		names = []string{"x", "gamma", "inv", "dy", "dx", "dgamma"}
	}
	TEXT(name, NOSPLIT, sig)
	Pragma("noescape")
	p := pointers(names...)
	n, rows := Load(Param("gamma").Len(), GP64()), Load(Param("inv").Len(), GP64())
	pairs(rows, func(label string, count int) {
		inv, mean, a, b := make([]VecVirtual, count), make([]VecVirtual, count), make([]VecVirtual, count), make([]VecVirtual, count)
		for r := range count {
			inv[r] = YMM()
			VBROADCASTSS(Mem{Base: p["inv"], Disp: 4 * r}, inv[r])
			if centred {
				mean[r] = YMM()
				VBROADCASTSS(Mem{Base: p["mean"], Disp: 4 * r}, mean[r])
			}
		}
		// hat is (x−mean)·inv.
		hat := func(r int, at place, mask VecVirtual) VecVirtual {
			d := get(at.row(r, p["x"]), mask)
			if centred {
				VSUBPS(mean[r], d, d)
			}
			VMULPS(inv[r], d, d)
			return d
		}
		var sum, slope [][]VecVirtual
		for range count {
			slope = append(slope, cleared(1))
			if centred {
				sum = append(sum, cleared(1))
			}
		}
		along(label+"_sums", n, count, 1, func(slot int, at place, mask VecVirtual) {
			gamma, dg := get(at.column(p["gamma"]), mask), get(at.column(p["dgamma"]), mask)
			var db VecVirtual
			if centred {
				db = get(at.column(p["dbeta"]), mask)
			}
			for r := range count {
				d, dy := hat(r, at, mask), get(at.row(r, p["dy"]), mask)
				VFMADD231PS(d, dy, dg)
				if centred {
					VADDPS(dy, db, db)
				}
				VMULPS(gamma, dy, dy)
				if centred {
					VADDPS(dy, sum[r][slot], sum[r][slot])
				}
				VFMADD231PS(d, dy, slope[r][slot])
			}
			put(dg, at.column(p["dgamma"]), mask)
			if centred {
				put(db, at.column(p["dbeta"]), mask)
			}
		})
		for r := range count {
			scaled := func(v []VecVirtual) VecVirtual {
				s := total(v)
				VMULSS(param("share"), s, s)
				VMULSS(inv[r].AsX(), s, s)
				return everywhere(s)
			}
			b[r] = scaled(slope[r])
			if centred {
				a[r] = scaled(sum[r])
			}
		}
		along(label+"_write", n, count, 1, func(slot int, at place, mask VecVirtual) {
			gamma := get(at.column(p["gamma"]), mask)
			for r := range count {
				d, g := hat(r, at, mask), YMM()
				VMULPS(inv[r], gamma, g)
				dy := get(at.row(r, p["dy"]), mask)
				VMULPS(dy, g, g)
				if centred {
					VSUBPS(a[r], g, g)
				}
				VFNMADD231PS(b[r], d, g)
				put(g, at.row(r, p["dx"]), mask)
			}
		})
		move(p, n, count, []string{"x", "dy", "dx"}, []string{"inv", "mean"})
	})
	VZEROUPPER()
	RET()
}

// gates are the loops of prelu, group norm and softmax.
func gates() {
	columns{name: "prelu", sig: "func(slope, x, y []float32, rows int)", vectors: []string{"slope"}, matrices: []string{"x"}, out: "y", step: 2,
		body: func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual {
			var out []VecVirtual
			for _, r := range rows {
				t := YMM()
				VMULPS(v[0], r[0], t)
				VBLENDVPS(r[0], t, r[0], r[0]) // the sign of x chooses
				out = append(out, r[0])
			}
			return out
		}}.write()
	columns{name: "preluGrad", sig: "func(acc, slope, x, dy, dx []float32, rows int)", vectors: []string{"acc", "slope"}, updated: 1, matrices: []string{"x", "dy"}, out: "dx", step: 2,
		body: func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual {
			var out []VecVirtual
			for _, r := range rows {
				on, t := YMM(), YMM()
				VCMPPS(Imm(0x1e), zeroed(), r[0], on)
				VMULPS(v[1], r[1], t)
				VBLENDVPS(on, r[1], t, t)
				VMINPS(r[0], zeroed(), r[0])
				VFMADD231PS(r[0], r[1], v[0])
				out = append(out, t)
			}
			return out
		}}.write()
	columns{name: "groupGrad", sig: "func(mean, scale, a, b, x, dy, dx []float32, rows int)", vectors: []string{"mean", "scale", "a", "b"}, matrices: []string{"x", "dy"}, out: "dx", step: 1,
		body: func(v []VecVirtual, rows [][]VecVirtual) []VecVirtual {
			var out []VecVirtual
			for _, r := range rows {
				VSUBPS(v[0], r[0], r[0])
				VFMSUB213PS(v[2], v[1], r[1]) // dy·scale − a
				VFNMADD231PS(v[3], r[0], r[1])
				out = append(out, r[1])
			}
			return out
		}}.write()
	sweep{name: "softmaxGrad", sig: "func(dx, y, dy []float32, d float32)", in: []string{"y", "dy"}, out: []string{"dx"}, scalars: []string{"d"}, unroll: 2,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VSUBPS(l.scalar["d"], x[1], x[1])
			VMULPS(x[1], x[0], x[0])
			return x[:1]
		}}.write()
	sweep{name: "shift", sig: "func(y, x []float32, s float32)", in: []string{"x"}, out: []string{"y"}, scalars: []string{"s"}, unroll: 2,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VSUBPS(l.scalar["s"], x[0], x[0])
			return x
		}}.write()
	sweep{name: "addScaled", sig: "func(dst, a, b []float32, s float32)", in: []string{"a", "b"}, out: []string{"dst"}, scalars: []string{"s"}, unroll: 4,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VFMADD231PS(l.scalar["s"], x[1], x[0])
			return x[:1]
		}}.write()
}
