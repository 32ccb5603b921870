package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// cell is a loop over rows and, within them, vectors of units. Operands
// are pointers to their first numbers; gates has four numbers a unit, units
// apart.
type cell struct {
	name string
	// operands by the distance between their rows: gatesRow, statesRow, units
	states, cells []string
	body          func(at func(name string) Mem, gate func(i int) Mem)
}

func (c cell) write() {
	sig := "func(gates"
	for _, name := range append(append([]string{}, c.states...), c.cells...) {
		sig += ", " + name
	}
	sig += " *float32, rows, vectors, units, gatesRow, statesRow int)"
	TEXT(c.name+"AVX2", NOSPLIT, sig)
	Pragma("noescape")
	base := map[string]Register{}
	for _, name := range append(append([]string{"gates"}, c.states...), c.cells...) {
		base[name] = Load(Param(name), GP64())
	}
	units, three := Load(Param("units"), GP64()), GP64()
	SHLQ(Imm(2), units)
	LEAQ(Mem{Base: units, Index: units, Scale: 2}, three)
	i := GP64()
	// The gates move on with i, so that each is found with one more register.
	at := func(name string) Mem { return Mem{Base: base[name], Index: i, Scale: 1} }
	gate := func(k int) Mem {
		switch k {
		case 1:
			return Mem{Base: base["gates"], Index: units, Scale: 1}
		case 2:
			return Mem{Base: base["gates"], Index: units, Scale: 2}
		case 3:
			return Mem{Base: base["gates"], Index: three, Scale: 1}
		}
		return Mem{Base: base["gates"]}
	}
	step := GP64()
	Label("row")
	XORQ(i, i)
	Label("vector")
	c.body(at, gate)
	ADDQ(Imm(32), i)
	ADDQ(Imm(32), base["gates"])
	MOVQ(i, step)
	SHRQ(Imm(5), step)
	CMPQ(step, param("vectors"))
	JLT(LabelRef("vector"))
	SUBQ(i, base["gates"])
	next := func(distance string, names ...string) {
		MOVQ(param(distance), step)
		for _, name := range names {
			LEAQ(Mem{Base: base[name], Index: step, Scale: 4}, base[name])
		}
	}
	next("gatesRow", "gates")
	if len(c.states) > 0 {
		next("statesRow", c.states...)
	}
	if len(c.cells) > 0 {
		next("units", c.cells...)
	}
	DECQ(param("rows"))
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}

func loaded(m Mem) VecVirtual {
	v := YMM()
	VMOVUPS(m, v)
	return v
}

// slope is y·(1 − y).
func slope(y VecVirtual) VecVirtual {
	t := YMM()
	VMOVUPS(number(1), t)
	VSUBPS(y, t, t)
	VMULPS(y, t, t)
	return t
}

// bend is 1 − y².
func bend(y VecVirtual) VecVirtual {
	t := YMM()
	VMOVUPS(number(1), t)
	VFNMADD231PS(y, y, t)
	return t
}

// cells writes the loops. What waits for other gates goes over the rows a second
// time: there the work of other rows fills the wait.
func cells() {
	cell{name: "lstm", cells: []string{"c", "cLast"},
		body: func(at func(string) Mem, gate func(int) Mem) {
			// All four are exponentials first, of −x and, for the tanh, of 2x.
			x := fresh(4)
			for k, v := range x {
				VMOVUPS(gate(k), v)
				if k == 2 {
					VADDPS(v, v, v)
				} else {
					VXORPS(same("sign", 0x80000000), v, v)
				}
			}
			y, n := scaled(x, -87, 87)
			for k, t := range x {
				if k == 2 {
					closeTanh(y[k], n[k], t)
				} else {
					closeGate(y[k], n[k], t)
				}
				VMOVUPS(y[k], gate(k))
			}
			VMULPS(y[0], y[2], y[2])
			VFMADD231PS(at("cLast"), y[1], y[2]) // c
			VMOVUPS(y[2], at("c"))
		}}.write()
	cell{name: "lstmOut", states: []string{"h"}, cells: []string{"c", "tanh"},
		body: func(at func(string) Mem, gate func(int) Mem) {
			t := tanh(vectors{loaded(at("c"))})[0]
			VMOVUPS(t, at("tanh"))
			VMULPS(gate(3), t, t)
			VMOVUPS(t, at("h"))
		}}.write()
	cell{name: "lstmGrad", states: []string{"dh"}, cells: []string{"dc", "cLast", "tanh"},
		body: func(at func(string) Mem, gate func(int) Mem) {
			d, out, tanh := loaded(at("dh")), loaded(gate(3)), loaded(at("tanh"))
			e := bend(tanh)
			VMULPS(d, tanh, tanh)
			VMULPS(out, d, d)
			VFMADD213PS(at("dc"), d, e) // (1 − tanh²)·dh·o + dc
			VMULPS(slope(out), tanh, tanh)
			VMOVUPS(tanh, gate(3))
			forget := loaded(gate(1))
			t := slope(forget)
			VMULPS(e, forget, forget)
			VMOVUPS(forget, at("dc"))
			VMULPS(e, t, t)
			VMULPS(at("cLast"), t, t)
			VMOVUPS(t, gate(1))
			in, g := loaded(gate(0)), loaded(gate(2))
			t = slope(in)
			VMULPS(g, t, t)
			VMULPS(e, t, t)
			VMOVUPS(t, gate(0))
			t = bend(g)
			VMULPS(in, t, t)
			VMULPS(e, t, t)
			VMOVUPS(t, gate(2))
		}}.write()
	cell{name: "gru",
		body: func(at func(string) Mem, gate func(int) Mem) {
			x := fresh(2)
			for k, v := range x {
				VMOVUPS(gate(k), v)
				VXORPS(same("sign", 0x80000000), v, v)
			}
			y, n := scaled(x, -87, 87)
			for k, t := range x {
				VMOVUPS(closeGate(y[k], n[k], t), gate(k))
			}
		}}.write()
	cell{name: "gruOut", states: []string{"h", "hLast"},
		body: func(at func(string) Mem, gate func(int) Mem) {
			a, own := loaded(gate(2)), loaded(gate(3))
			VFMADD231PS(gate(0), own, a)
			n := tanh(vectors{a})[0]
			VMOVUPS(n, gate(2))
			h := loaded(at("hLast"))
			VSUBPS(n, h, h)
			VFMADD132PS(gate(1), n, h) // h·z + n
			VMOVUPS(h, at("h"))
		}}.write()
	cell{name: "gruGrad", states: []string{"dh", "dhLast", "hLast"},
		body: func(at func(string) Mem, gate func(int) Mem) {
			d, z, n := loaded(at("dh")), loaded(gate(1)), loaded(gate(2))
			last := loaded(at("dhLast"))
			VFMADD231PS(z, d, last)
			VMOVUPS(last, at("dhLast"))
			h := loaded(at("hLast"))
			VSUBPS(n, h, h)
			VMULPS(d, h, h)
			VMULPS(slope(z), h, h)
			VMOVUPS(h, gate(1))
			dn := YMM()
			VMOVUPS(number(1), dn)
			VSUBPS(z, dn, dn)
			VMULPS(d, dn, dn)
			VMULPS(bend(n), dn, dn)
			VMOVUPS(dn, gate(2))
			r := loaded(gate(0))
			t := slope(r)
			VMULPS(gate(3), t, t)
			VMULPS(dn, t, t)
			VMOVUPS(t, gate(0))
			VMULPS(dn, r, r)
			VMOVUPS(r, gate(3))
		}}.write()
}
