package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The norms of rows read a row two or three times while it lies in the level-1
// cache, and memory once.

// along goes over one row of n elements, eight a vector: unroll vectors a
// round, then one, then the last few under a mask, which is nil before. body
// gets the number of its accumulator and the row's place in the slice at p.
func along(label string, n Register, unroll int, body func(slot int, at func(p Register) Mem, mask VecVirtual)) {
	i, limit := GP64(), GP64()
	XORQ(i, i)
	round := func(label string, vectors int) {
		MOVQ(n, limit)
		SUBQ(Imm(uint64(8*vectors)), limit)
		Label(label)
		CMPQ(i, limit)
		JGT(LabelRef(label + "_end"))
		for u := range vectors {
			body(u, func(p Register) Mem { return Mem{Base: p, Index: i, Scale: 4, Disp: 32 * u} }, nil)
		}
		ADDQ(Imm(uint64(8*vectors)), i)
		JMP(LabelRef(label))
		Label(label + "_end")
	}
	if unroll > 1 {
		round(label+"_many", unroll)
	}
	round(label+"_one", 1)
	MOVQ(n, limit)
	SUBQ(i, limit)
	JE(LabelRef(label + "_done"))
	mask := maskOf(limit)
	body(0, func(p Register) Mem { return Mem{Base: p, Index: i, Scale: 4} }, mask)
	Label(label + "_done")
}

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

// rowNorms is one routine for rows of as many elements as gamma has, and as
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
	Label("row")
	TESTQ(rows, rows)
	JE(LabelRef("end"))
	var mean VecVirtual
	square := cleared(4)
	if centred {
		sum := cleared(4)
		along("mean", n, 4, func(slot int, at func(Register) Mem, mask VecVirtual) {
			if mask == nil {
				VADDPS(at(p["x"]), sum[slot], sum[slot])
				return
			}
			VADDPS(get(at(p["x"]), mask), sum[slot], sum[slot])
		})
		m := total(sum)
		VMULSS(param("share"), m, m)
		mean = everywhere(m)
		// The mean's rounding comes out of the second sweep: Σ(x−mean) is not quite 0.
		rest := cleared(4)
		along("square", n, 4, func(slot int, at func(Register) Mem, mask VecVirtual) {
			d := get(at(p["x"]), mask)
			VSUBPS(mean, d, d)
			if mask != nil {
				VANDPS(mask, d, d)
			}
			VADDPS(d, rest[slot], rest[slot])
			VFMADD231PS(d, d, square[slot])
		})
		r := total(rest)
		VMULSS(param("share"), r, r)
		VADDSS(r, m, m)
		VMOVSS(m, Mem{Base: p["mean"]})
		mean = everywhere(m)
		q := total(square)
		VMULSS(param("share"), q, q)
		VMULSS(r, r, r)
		VSUBSS(r, q, q)
		square[0] = q
	} else {
		along("square", n, 4, func(slot int, at func(Register) Mem, mask VecVirtual) {
			d := get(at(p["x"]), mask)
			VFMADD231PS(d, d, square[slot])
		})
		square[0] = total(square)
		VMULSS(param("share"), square[0], square[0])
	}
	v, s, one := square[0], XMM(), XMM()
	VXORPS(s, s, s)
	VMAXSS(v, s, v) // v, the second of Intel's operands, stays where it is NaN
	VADDSS(param("eps"), v, v)
	VSQRTSS(v, v, v)
	VMOVSS(number(1), one)
	VDIVSS(v, one, v)
	VMOVSS(v, Mem{Base: p["inv"]})
	inv := everywhere(v)
	along("write", n, 2, func(slot int, at func(Register) Mem, mask VecVirtual) {
		d := get(at(p["x"]), mask)
		if centred {
			VSUBPS(mean, d, d)
		}
		VMULPS(inv, d, d)
		gamma := get(at(p["gamma"]), mask)
		if centred {
			VFMADD213PS(get(at(p["beta"]), mask), gamma, d)
		} else {
			VMULPS(gamma, d, d)
		}
		put(d, at(p["y"]), mask)
	})
	LEAQ(Mem{Base: p["x"], Index: n, Scale: 4}, p["x"])
	LEAQ(Mem{Base: p["y"], Index: n, Scale: 4}, p["y"])
	ADDQ(Imm(4), p["inv"])
	if centred {
		ADDQ(Imm(4), p["mean"])
	}
	DECQ(rows)
	JMP(LabelRef("row"))
	Label("end")
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
	Label("row")
	TESTQ(rows, rows)
	JE(LabelRef("end"))
	inv, mean := YMM(), YMM()
	VBROADCASTSS(Mem{Base: p["inv"]}, inv)
	if centred {
		VBROADCASTSS(Mem{Base: p["mean"]}, mean)
	}
	// hat is (x−mean)·inv.
	hat := func(at func(Register) Mem, mask VecVirtual) VecVirtual {
		d := get(at(p["x"]), mask)
		if centred {
			VSUBPS(mean, d, d)
		}
		VMULPS(inv, d, d)
		return d
	}
	sum, slope := cleared(2), cleared(2)
	along("sums", n, 2, func(slot int, at func(Register) Mem, mask VecVirtual) {
		d, dy := hat(at, mask), get(at(p["dy"]), mask)
		dg := get(at(p["dgamma"]), mask)
		VFMADD231PS(d, dy, dg)
		put(dg, at(p["dgamma"]), mask)
		if centred {
			db := get(at(p["dbeta"]), mask)
			VADDPS(dy, db, db)
			put(db, at(p["dbeta"]), mask)
		}
		g := get(at(p["gamma"]), mask)
		VMULPS(dy, g, g)
		if centred {
			VADDPS(g, sum[slot], sum[slot])
		}
		VFMADD231PS(d, g, slope[slot])
	})
	scaled := func(v []VecVirtual) VecVirtual {
		s := total(v)
		VMULSS(param("share"), s, s)
		VMULSS(inv.AsX(), s, s)
		return everywhere(s)
	}
	b := scaled(slope)
	a := sum[0]
	if centred {
		a = scaled(sum)
	}
	along("write", n, 2, func(slot int, at func(Register) Mem, mask VecVirtual) {
		d, g := hat(at, mask), get(at(p["gamma"]), mask)
		dy := get(at(p["dy"]), mask)
		VMULPS(dy, g, g)
		VMULPS(inv, g, g)
		if centred {
			VSUBPS(a, g, g)
		}
		VFNMADD231PS(b, d, g)
		put(g, at(p["dx"]), mask)
	})
	for _, name := range []string{"x", "dy", "dx"} {
		LEAQ(Mem{Base: p[name], Index: n, Scale: 4}, p[name])
	}
	ADDQ(Imm(4), p["inv"])
	if centred {
		ADDQ(Imm(4), p["mean"])
	}
	DECQ(rows)
	JMP(LabelRef("row"))
	Label("end")
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
