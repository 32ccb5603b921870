// Command vec writes vec_amd64.s and vec_stubs_amd64.go: the AVX2 and FMA
// inner loops of package compute, for the table in vec_amd64.go. Run it in
// this folder:
//
//	go run . -out ../../vec_amd64.s -stubs ../../vec_stubs_amd64.go -pkg compute
//
// sweep.go makes the loops, math.go the functions, rows.go the norms of rows, pool.go the pooling
// windows, and this file says what each loop does to one vector of eight.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!noasm")

	simple()
	activations()
	reductions()
	matrices()
	optimizers()
	pooling()
	cells()
	dropout()
	dropoutGrad()
	attention()
	rowNorms()
	gates()
	oneRow()

	Generate()
}

func simple() {
	sweep{name: "add", sig: "func(dst, a, b []float32)", in: []string{"a", "b"}, out: []string{"dst"}, unroll: 4,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VADDPS(x[1], x[0], x[0])
			return x[:1]
		}}.write()
	sweep{name: "addReLU", sig: "func(dst, a, b []float32)", in: []string{"a", "b"}, out: []string{"dst"}, unroll: 4,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VADDPS(x[1], x[0], x[0])
			VMAXPS(x[0], zeroed(), x[0])
			return x[:1]
		}}.write()
	sweep{name: "mul", sig: "func(dst, a, b []float32)", in: []string{"a", "b"}, out: []string{"dst"}, unroll: 4,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VMULPS(x[1], x[0], x[0])
			return x[:1]
		}}.write()
	sweep{name: "products", sig: "func(dst, a, b []float32)", in: []string{"dst", "a", "b"}, out: []string{"dst"}, unroll: 4,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VFMADD231PS(x[2], x[1], x[0])
			return x[:1]
		}}.write()
	sweep{name: "scale", sig: "func(dst, x []float32, s float32)", in: []string{"x"}, out: []string{"dst"}, scalars: []string{"s"}, unroll: 4,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VMULPS(l.scalar["s"], x[0], x[0])
			return x
		}}.write()
}

func reductions() {
	sweep{name: "sum", sig: "func(x []float32) float32", in: []string{"x"}, sums: 1, unroll: 4,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VADDPS(x[0], l.sum(0), l.sum(0))
			return nil
		}}.write()
	sweep{name: "sumSquares", sig: "func(x []float32) float32", in: []string{"x"}, sums: 1, unroll: 4,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VFMADD231PS(x[0], x[0], l.sum(0))
			return nil
		}}.write()
	sweep{name: "dot", sig: "func(x, y []float32) float32", in: []string{"x", "y"}, sums: 1, unroll: 4,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VFMADD231PS(x[1], x[0], l.sum(0))
			return nil
		}}.write()
	sweep{name: "moments", sig: "func(x []float32, mean float32) (s, q float32)", in: []string{"x"}, scalars: []string{"mean"}, sums: 2, unroll: 4,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VSUBPS(l.scalar["mean"], x[0], x[0])
			l.onlyLive(x[0])
			VADDPS(x[0], l.sum(0), l.sum(0))
			VFMADD231PS(x[0], x[0], l.sum(1))
			return nil
		}}.write()
	// x·0 is 0, or NaN for infinities and NaNs.
	sweep{name: "timesZero", sig: "func(x []float32) float32", in: []string{"x"}, sums: 1, unroll: 4,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VMULPS(number(0), x[0], x[0])
			VADDPS(x[0], l.sum(0), l.sum(0))
			return nil
		}}.write()
	// The accumulator comes last, so that it stays where x is NaN.
	sweep{name: "maxOf", sig: "func(x []float32) float32", in: []string{"x"}, sums: 1, maxima: true, unroll: 4,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			if l.mask != nil {
				none := YMM()
				VMOVUPS(same("xff800000", 0xff800000), none)
				VBLENDVPS(l.mask, x[0], none, x[0])
			}
			VMAXPS(l.sum(0), x[0], l.sum(0))
			return nil
		}}.write()
	sweep{name: "expSum", sig: "func(y, x []float32, shift float32) float32", in: []string{"x"}, out: []string{"y"}, scalars: []string{"shift"}, sums: 1, unroll: 2,
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			VSUBPS(l.scalar["shift"], x[0], x[0])
			y := exp(x)[0]
			l.onlyLive(y)
			VADDPS(y, l.sum(0), l.sum(0))
			return []VecVirtual{y}
		}}.write()
}

func optimizers() {
	sgd := func(name, sig string, scalars []string, momentum, nesterov bool) {
		in, out := []string{"w", "g"}, []string{"w"}
		if momentum {
			in, out = append(in, "v"), append(out, "v")
		}
		sweep{name: name, sig: sig, in: in, out: out, scalars: scalars, sums: 3, unroll: 1,
			body: func(l *loop, x []VecVirtual) []VecVirtual {
				w, g := x[0], x[1]
				VFMADD231PS(g, g, l.sum(0))
				d := YMM()
				VMULPS(l.scalar["gscale"], g, d)
				VFMADD231PS(l.scalar["decay"], w, d)
				if momentum {
					v := x[2]
					VFMADD132PS(l.scalar["momentum"], d, v) // v = v·momentum + d
					if nesterov {
						VFMADD231PS(l.scalar["momentum"], v, d)
					} else {
						VMOVAPS(v, d)
					}
				}
				VMULPS(l.scalar["lr"], d, d)
				VSUBPS(d, w, w)
				VFMADD231PS(w, w, l.sum(1))
				VFMADD231PS(d, d, l.sum(2))
				return append([]VecVirtual{w}, x[2:]...)
			}}.write()
	}
	sgd("sgdPlain", "func(w, g []float32, lr, decay, gscale float32) (g2, w2, u2 float32)", []string{"lr", "decay", "gscale"}, false, false)
	scalars := []string{"lr", "momentum", "decay", "gscale"}
	sgd("sgdMomentum", "func(w, g, v []float32, lr, momentum, decay, gscale float32) (g2, w2, u2 float32)", scalars, true, false)
	sgd("sgdNesterov", "func(w, g, v []float32, lr, momentum, decay, gscale float32) (g2, w2, u2 float32)", scalars, true, true)

	sweep{name: "adam", sig: "func(w, g, m, v []float32, gscale, decay, keep1, beta2, keep2, root, eps, shrink, step float32) (g2, w2, u2 float32)",
		in: []string{"w", "g", "m", "v"}, out: []string{"w", "m", "v"}, sums: 3, unroll: 1, spill: true,
		scalars: []string{"gscale", "decay", "keep1", "beta2", "keep2", "root", "eps", "shrink", "step"},
		body: func(l *loop, x []VecVirtual) []VecVirtual {
			w, g, m, v := x[0], x[1], x[2], x[3]
			VFMADD231PS(g, g, l.sum(0))
			d, t, old := YMM(), YMM(), YMM()
			VMULPS(l.at("gscale", t), g, d)
			VFMADD231PS(l.at("decay", t), w, d)
			VSUBPS(m, d, t)
			VFMADD231PS(l.at("keep1", g), t, m)
			VMULPS(l.at("keep2", t), d, t)
			VMULPS(d, t, t)
			VFMADD132PS(l.at("beta2", g), t, v) // v = v·beta2 + keep2·d²
			VSQRTPS(v, t)
			VMULPS(l.at("root", g), t, t)
			VADDPS(l.at("eps", g), t, t)
			VMULPS(l.at("step", g), m, d)
			VDIVPS(t, d, d)
			VMOVAPS(w, old)
			VMULPS(l.at("shrink", g), w, w)
			VSUBPS(d, w, w)
			VSUBPS(old, w, d)
			l.onlyLive(d) // 0/0 without eps
			VFMADD231PS(w, w, l.sum(1))
			VFMADD231PS(d, d, l.sum(2))
			return []VecVirtual{w, m, v}
		}}.write()
}

// dropoutGrad is for whole vectors; the caller does the rest.
func dropoutGrad() {
	TEXT("dropoutGradAVX2", NOSPLIT, "func(dx, dy []float32, keep []byte, s float32)")
	Pragma("noescape")
	dx, dy, keep, n := Load(Param("dx").Base(), GP64()), Load(Param("dy").Base(), GP64()), Load(Param("keep").Base(), GP64()), Load(Param("dx").Len(), GP64())
	s, zero := YMM(), YMM()
	VBROADCASTSS(param("s"), s)
	VPXOR(zero, zero, zero)
	i := GP64()
	XORQ(i, i)
	Label("next")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	k, v := YMM(), YMM()
	VPMOVZXBD(Mem{Base: keep, Index: i, Scale: 1}, k)
	VPCMPGTD(zero, k, k)
	VMULPS(Mem{Base: dy, Index: i, Scale: 4}, s, v)
	VANDPS(k, v, v)
	VMOVUPS(v, Mem{Base: dx, Index: i, Scale: 4})
	ADDQ(Imm(8), i)
	JMP(LabelRef("next"))
	Label("done")
	VZEROUPPER()
	RET()
}

// dropout marks whole vectors only; the caller does the rest.
func dropout() {
	TEXT("dropoutAVX2", NOSPLIT, "func(y, x []float32, keep []byte, a, b, drop, start uint32, s float32)")
	Pragma("noescape")
	y, x, keep, n := Load(Param("y").Base(), GP64()), Load(Param("x").Base(), GP64()), Load(Param("keep").Base(), GP64()), Load(Param("y").Len(), GP64())
	integer := func(name string) VecVirtual {
		v := YMM()
		VBROADCASTSS(param(name), v)
		return v
	}
	ka, kb, drop, at := integer("a"), integer("b"), integer("drop"), integer("start")
	s := YMM()
	VBROADCASTSS(param("s"), s)
	VPADDD(words("lanes", 0, 1, 2, 3, 4, 5, 6, 7), at, at)
	m1, m2, eight, sign := YMM(), YMM(), YMM(), YMM()
	VMOVDQU(same("hash1", 0x7feb352d), m1)
	VMOVDQU(same("hash2", 0x846ca68b), m2)
	VMOVDQU(same("eight", 8), eight)
	VMOVDQU(same("sign", 0x80000000), sign)
	VPXOR(sign, drop, drop) // comparisons are signed
	i := GP64()
	XORQ(i, i)
	Label("next")
	CMPQ(i, n)
	JGE(LabelRef("done"))
	h, t := YMM(), YMM()
	VPXOR(ka, at, h)
	mix := func() {
		VPSRLD(Imm(16), h, t)
		VPXOR(t, h, h)
		VPMULLD(m1, h, h)
		VPSRLD(Imm(15), h, t)
		VPXOR(t, h, h)
		VPMULLD(m2, h, h)
		VPSRLD(Imm(16), h, t)
		VPXOR(t, h, h)
	}
	mix()
	VPXOR(kb, h, h)
	mix()
	VPXOR(sign, h, h)
	VPCMPGTD(h, drop, t) // dropped
	v := YMM()
	VMULPS(Mem{Base: x, Index: i, Scale: 4}, s, v)
	VPANDN(v, t, v)
	VMOVUPS(v, Mem{Base: y, Index: i, Scale: 4})
	// keep is 1 where t is 0: 1 + (−1).
	VPADDD(same("one", 1), t, t)
	storeBytes(t, Mem{Base: keep, Index: i, Scale: 1})
	VPADDD(eight, at, at)
	ADDQ(Imm(8), i)
	JMP(LabelRef("next"))
	Label("done")
	VZEROUPPER()
	RET()
}
