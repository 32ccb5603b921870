package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The functions are polynomials through the Chebyshev nodes of an interval,
// worked out here, so that no table of coefficients has to be trusted.

// fit is the polynomial of that degree through f at the Chebyshev nodes of
// [lo, hi]: its coefficients, the constant first.
func fit(f func(float64) float64, lo, hi float64, degree int) []float64 {
	n := degree + 1
	x, c := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i] = (lo+hi)/2 + (hi-lo)/2*math.Cos(math.Pi*float64(2*i+1)/float64(2*n))
		c[i] = f(x[i])
	}
	for j := 1; j < n; j++ {
		for i := n - 1; i >= j; i-- {
			c[i] = (c[i] - c[i-1]) / (x[i] - x[i-j])
		}
	}
	p := make([]float64, n)
	p[0] = c[n-1]
	for i := n - 2; i >= 0; i-- { // p = p·(t − x[i]) + c[i]
		for k := n - 1; k > 0; k-- {
			p[k] = p[k-1] - p[k]*x[i]
		}
		p[0] = c[i] - p[0]*x[i]
	}
	return p
}

// polynomial is Σ c[i]·xⁱ.
func polynomial(c []float64, x VecVirtual) VecVirtual {
	y := YMM()
	VMOVUPS(number(c[len(c)-1]), y)
	for i := len(c) - 2; i >= 0; i-- {
		VFMADD213PS(number(c[i]), x, y) // y = y·x + c
	}
	return y
}

var (
	// (eʳ − 1 − r)/r² on ±½ln 2
	expPoly = fit(func(r float64) float64 {
		if math.Abs(r) < 1e-3 {
			return 0.5 + r/6 + r*r/24
		}
		return (math.Expm1(r) - r) / (r * r)
	}, -0.347, 0.347, 5)
	// ln(1+e)/e on 0 to 1
	log1pPoly = fit(func(e float64) float64 {
		if e < 1e-6 {
			return 1 - e/2
		}
		return math.Log1p(e) / e
	}, 0, 1, 10)
	// Φ(−t)·exp(t²/2) by u = 1/(1+0.3t) − ½, t from 0 to 14.5
	tailPoly = fit(func(u float64) float64 {
		t := (1/(u+0.5) - 1) / 0.3
		return 0.5 * math.Erfc(t/math.Sqrt2) * math.Exp(t*t/2)
	}, 1/(1+0.3*14.5)-0.5, 0.5, 10)
)

const (
	log2e = math.Log2E
	ln2Hi = 0.693359375 // nine bits: its product with a whole number is exact
	ln2Lo = math.Ln2 - ln2Hi
)

// reduced is x = n·ln 2 + r, and eʳ − 1 = r + r²·P(r). x is clamped to where
// eˣ is more than 0 and less than infinite; a NaN stays.
func reduced(x VecVirtual) (n, r, em1 VecVirtual) {
	bound := YMM()
	VMOVUPS(number(89), bound)
	VMINPS(x, bound, x) // the second of Intel's operands wins where one is NaN
	VMOVUPS(number(-104), bound)
	VMAXPS(x, bound, x)
	n, r = YMM(), YMM()
	VMULPS(number(log2e), x, n)
	VROUNDPS(Imm(8), n, n)
	VMOVAPS(x, r)
	VFNMADD231PS(number(ln2Hi), n, r)
	VFNMADD231PS(number(ln2Lo), n, r)
	em1 = polynomial(expPoly, r)
	VMULPS(r, em1, em1)
	VFMADD213PS(r, r, em1) // em1·r + r
	return n, r, em1
}

// exp is eˣ; it spoils x. 2ⁿ is made in two halves, so that results below the
// normal numbers come out right.
func exp(l *loop, x VecVirtual) VecVirtual {
	n, _, y := reduced(x)
	VADDPS(number(1), y, y)
	half := YMM()
	VCVTPS2DQ(n, n)
	VPSRAD(Imm(1), n, half)
	VPSUBD(half, n, n)
	for _, e := range []VecVirtual{half, n} {
		VPADDD(same("bias", 127), e, e)
		VPSLLD(Imm(23), e, e)
		VMULPS(e, y, y)
	}
	return y
}

// expm1 is eˣ − 1 for x ≤ 0; it spoils x. Close to 0 no digit is lost.
func expm1(x VecVirtual) VecVirtual {
	bound := YMM()
	VMOVUPS(number(-80), bound) // the same as −1, and 2ⁿ stays normal
	VMAXPS(x, bound, x)
	n, _, y := reduced(x)
	VCVTPS2DQ(n, n)
	VPADDD(same("bias", 127), n, n)
	VPSLLD(Imm(23), n, n)
	t := YMM()
	VSUBPS(number(1), n, t)
	VFMADD213PS(t, n, y) // y·2ⁿ + (2ⁿ − 1)
	return y
}

// sigmoidOf is 1/(1+e⁻ˣ), from x to a new register.
func sigmoidOf(l *loop, x VecVirtual) VecVirtual {
	t := YMM()
	VXORPS(same("sign", 0x80000000), x, t)
	e := exp(l, t)
	one := YMM()
	VMOVUPS(number(1), one)
	VADDPS(one, e, e)
	VDIVPS(e, one, e)
	return e
}

// gateOf is sigmoidOf in fewer steps: beyond ±87 it is what it is there.
func gateOf(l *loop, x VecVirtual) VecVirtual {
	t := YMM()
	VXORPS(same("sign", 0x80000000), x, t)
	y, n := scaled(t, -87, 87)
	VADDPS(number(1), n, t)
	VFMADD213PS(t, n, y) // y·2ⁿ + (2ⁿ + 1)
	VMOVUPS(number(1), t)
	VDIVPS(y, t, y)
	return y
}

// scaled is eˣ = 2ⁿ·(1 + y) as y and 2ⁿ, for x clamped to lo and hi, which keep
// 2ⁿ a normal number; it spoils x. A NaN stays.
func scaled(x VecVirtual, lo, hi float64) (y, pow VecVirtual) {
	bound := YMM()
	VMOVUPS(number(hi), bound)
	VMINPS(x, bound, x)
	VMOVUPS(number(lo), bound)
	VMAXPS(x, bound, x)
	n := YMM()
	VMULPS(number(log2e), x, n)
	VROUNDPS(Imm(8), n, n)
	VFNMADD231PS(number(ln2Hi), n, x)
	VFNMADD231PS(number(ln2Lo), n, x)
	y = polynomial(expPoly, x)
	VMULPS(x, y, y)
	VFMADD213PS(x, x, y) // y·r + r
	VCVTPS2DQ(n, n)
	VPADDD(same("bias", 127), n, n)
	VPSLLD(Imm(23), n, n)
	return y, n
}

// tanhOf is tanh x = E/(E+2) with E = e²ˣ − 1, from x to a new register. Close
// to 0 no digit is lost.
func tanhOf(l *loop, x VecVirtual) VecVirtual {
	t := YMM()
	VADDPS(x, x, t)
	y, n := scaled(t, -40, 40)
	VSUBPS(number(1), n, t)
	VFMADD213PS(t, n, y) // y·2ⁿ + (2ⁿ − 1)
	VADDPS(number(2), y, t)
	VDIVPS(t, y, y)
	return y
}

func absOf(x VecVirtual) VecVirtual {
	a := YMM()
	VANDPS(same("abs", 0x7fffffff), x, a)
	return a
}

// normal is q = Φ(−|x|) and e = exp(−x²/2).
func normal(l *loop, x VecVirtual) (q, e VecVirtual) {
	t := YMM()
	VMULPS(x, x, t)
	VMULPS(number(-0.5), t, t)
	e = exp(l, t)
	u, one := absOf(x), YMM()
	VMOVUPS(number(1), one)
	VMULPS(number(0.3), u, u)
	VADDPS(one, u, u)
	VDIVPS(u, one, u)
	VSUBPS(number(0.5), u, u)
	q = polynomial(tailPoly, u)
	VMULPS(e, q, q)
	return q, e
}

// phi is Φ(x), and e = exp(−x²/2).
func phi(l *loop, x VecVirtual) (p, e VecVirtual) {
	q, e := normal(l, x)
	up := YMM()
	VMOVUPS(number(1), up)
	VSUBPS(q, up, up)
	VBLENDVPS(x, q, up, q) // the sign of x chooses
	return q, e
}

const (
	seluAlpha = 1.6732632423543772848170429916717
	seluScale = 1.0507009873554804934193349852946
	gaussPeak = 0.39894228040143267793994605993438
	geluRoot2 = 2 * 0.79788456080286535587989211986876
	geluCube  = 0.044715
)

// activations writes act<Name> and grad<Name> for each function.
func activations() {
	type unary = func(l *loop, x VecVirtual) VecVirtual
	zero := func(l *loop) {
		z := YMM()
		VXORPS(z, z, z)
		l.keep["zero"] = z
	}
	six := func(l *loop) {
		zero(l)
		s := YMM()
		VMOVUPS(number(6), s)
		l.keep["six"] = s
	}
	forward := func(name string, unroll int, setup func(*loop), alpha bool, f unary) {
		s := sweep{name: "act" + name, sig: "func(y, x []float32, alpha float32)", in: []string{"x"}, out: []string{"y"}, unroll: unroll, setup: setup,
			body: func(l *loop, x []VecVirtual) []VecVirtual { return []VecVirtual{f(l, x[0])} }}
		if alpha {
			s.scalars = []string{"alpha"}
		}
		s.write()
	}
	// f turns what is read into the slope; the sweep multiplies.
	backward := func(name string, unroll int, setup func(*loop), alpha bool, f unary) {
		s := sweep{name: "grad" + name, sig: "func(dx, in, dy []float32, alpha float32)", in: []string{"in", "dy"}, out: []string{"dx"}, unroll: unroll, setup: setup,
			body: func(l *loop, x []VecVirtual) []VecVirtual {
				d := f(l, x[0])
				VMULPS(x[1], d, d)
				return []VecVirtual{d}
			}}
		if alpha {
			s.scalars = []string{"alpha"}
		}
		s.write()
	}
	// masked is for slopes of 0 and 1: f returns where dy passes.
	masked := func(name string, setup func(*loop), f unary) {
		sweep{name: "grad" + name, sig: "func(dx, in, dy []float32, alpha float32)", in: []string{"in", "dy"}, out: []string{"dx"}, unroll: 4, setup: setup,
			body: func(l *loop, x []VecVirtual) []VecVirtual {
				m := f(l, x[0])
				VANDPS(x[1], m, m)
				return []VecVirtual{m}
			}}.write()
	}
	above := func(l *loop, x VecVirtual, limit VecVirtual) VecVirtual { // x > limit
		m := YMM()
		VCMPPS(Imm(0x1e), limit, x, m)
		return m
	}

	forward("ReLU", 4, zero, false, func(l *loop, x VecVirtual) VecVirtual {
		VMAXPS(x, l.keep["zero"], x)
		return x
	})
	masked("ReLU", zero, func(l *loop, y VecVirtual) VecVirtual { return above(l, y, l.keep["zero"]) })
	forward("LeakyReLU", 4, nil, true, func(l *loop, x VecVirtual) VecVirtual {
		t := YMM()
		VMULPS(l.scalar["alpha"], x, t)
		VBLENDVPS(x, t, x, x)
		return x
	})
	backward("LeakyReLU", 4, func(l *loop) {
		zero(l)
		one := YMM()
		VMOVUPS(number(1), one)
		l.keep["one"] = one
	}, true, func(l *loop, y VecVirtual) VecVirtual {
		m := above(l, y, l.keep["zero"])
		VBLENDVPS(m, l.keep["one"], l.scalar["alpha"], m)
		return m
	})
	forward("ReLU6", 4, six, false, func(l *loop, x VecVirtual) VecVirtual {
		VMAXPS(x, l.keep["zero"], x)
		VMINPS(x, l.keep["six"], x)
		return x
	})
	masked("ReLU6", six, func(l *loop, y VecVirtual) VecVirtual {
		m, t := above(l, y, l.keep["zero"]), YMM()
		VCMPPS(Imm(0x11), l.keep["six"], y, t) // y < 6
		VANDPS(t, m, m)
		return m
	})
	forward("ELU", 2, nil, true, func(l *loop, x VecVirtual) VecVirtual {
		t := YMM()
		VMINPS(x, zeroed(), t)
		e := expm1(t)
		VMULPS(l.scalar["alpha"], e, e)
		VBLENDVPS(x, e, x, x)
		return x
	})
	backward("ELU", 2, zero, true, func(l *loop, y VecVirtual) VecVirtual {
		m, t, one := above(l, y, l.keep["zero"]), YMM(), YMM()
		VADDPS(l.scalar["alpha"], y, t)
		VMOVUPS(number(1), one)
		VBLENDVPS(m, one, t, t)
		return t
	})
	forward("SELU", 2, nil, false, func(l *loop, x VecVirtual) VecVirtual {
		t := YMM()
		VMINPS(x, zeroed(), t)
		e := expm1(t)
		VMULPS(number(seluScale*seluAlpha), e, e)
		s := YMM()
		VMULPS(number(seluScale), x, s)
		VBLENDVPS(x, e, s, s)
		return s
	})
	backward("SELU", 2, nil, false, func(l *loop, x VecVirtual) VecVirtual {
		t, m := YMM(), YMM()
		VMINPS(x, zeroed(), t)
		VCMPPS(Imm(0x1e), zeroed(), x, m)
		e := exp(l, t)
		VMULPS(number(seluScale*seluAlpha), e, e)
		s := YMM()
		VMOVUPS(number(seluScale), s)
		VBLENDVPS(m, s, e, e)
		return e
	})
	forward("GELU", 1, nil, false, func(l *loop, x VecVirtual) VecVirtual {
		p, _ := phi(l, x)
		VMULPS(x, p, p)
		return p
	})
	backward("GELU", 1, nil, false, func(l *loop, x VecVirtual) VecVirtual {
		p, e := phi(l, x)
		VMULPS(number(gaussPeak), e, e)
		// Where the density is 0 an infinite x must not make a NaN; 1e18 is
		// far enough for that.
		VFMADD231PS(e, x, p)
		return p
	})
	inner := func(x VecVirtual) (u, x2 VecVirtual) { // 2√(2/π)(x + 0.044715x³), x²
		u, x2 = YMM(), YMM()
		VMULPS(x, x, x2)
		VMULPS(number(geluRoot2*geluCube), x2, u)
		VADDPS(number(geluRoot2), u, u)
		VMULPS(x, u, u)
		return u, x2
	}
	forward("GELUTanh", 1, nil, false, func(l *loop, x VecVirtual) VecVirtual {
		u, _ := inner(x)
		s := sigmoidOf(l, u)
		VMULPS(x, s, s)
		return s
	})
	backward("GELUTanh", 1, nil, false, func(l *loop, x VecVirtual) VecVirtual {
		// Beyond ±15 the slope is 0 or 1, and x³ may overflow.
		bound := YMM()
		VMOVUPS(number(15), bound)
		VMINPS(x, bound, x)
		VMOVUPS(number(-15), bound)
		VMAXPS(x, bound, x)
		u, x2 := inner(x)
		s := sigmoidOf(l, u)
		VMULPS(number(3*geluRoot2*geluCube), x2, x2)
		VADDPS(number(geluRoot2), x2, x2)
		VMULPS(x, x2, x2)
		t := YMM()
		VMOVUPS(number(1), t)
		VSUBPS(s, t, t)
		VMULPS(x2, t, t)
		VFMADD213PS(s, s, t) // t·s + s
		return t
	})
	forward("SiLU", 2, nil, false, func(l *loop, x VecVirtual) VecVirtual {
		s := sigmoidOf(l, x)
		VMULPS(x, s, s)
		return s
	})
	backward("SiLU", 2, nil, false, func(l *loop, x VecVirtual) VecVirtual {
		s, t := sigmoidOf(l, x), YMM()
		VMOVUPS(number(1), t)
		VSUBPS(s, t, t)
		VMULPS(x, t, t)
		VFMADD213PS(s, s, t) // s·x(1−s) + s
		return t
	})
	forward("Sigmoid", 2, nil, false, sigmoidOf)
	backward("Sigmoid", 4, nil, false, func(l *loop, y VecVirtual) VecVirtual {
		t := YMM()
		VMOVUPS(number(1), t)
		VSUBPS(y, t, t)
		VMULPS(y, t, t)
		return t
	})
	forward("Tanh", 1, nil, false, tanhOf)
	backward("Tanh", 4, nil, false, func(l *loop, y VecVirtual) VecVirtual {
		t := YMM()
		VMOVUPS(number(1), t)
		VFNMADD231PS(y, y, t)
		return t
	})
	forward("Softplus", 1, nil, false, func(l *loop, x VecVirtual) VecVirtual {
		t := YMM()
		VORPS(same("sign", 0x80000000), x, t) // −|x|
		e := exp(l, t)
		p := polynomial(log1pPoly, e)
		VMULPS(e, p, p)
		VMAXPS(x, zeroed(), x)
		VADDPS(x, p, p)
		return p
	})
	backward("Softplus", 2, nil, false, sigmoidOf)
	gate := func(l *loop, x VecVirtual) VecVirtual { // min(max(x+3, 0), 6)/6
		t := YMM()
		VADDPS(number(3), x, t)
		VMAXPS(t, l.keep["zero"], t)
		VMINPS(t, l.keep["six"], t)
		VMULPS(number(1.0/6), t, t)
		return t
	}
	forward("HardSigmoid", 4, six, false, gate)
	inside := func(x VecVirtual) VecVirtual { // −3 < x < 3
		a, m := absOf(x), YMM()
		VCMPPS(Imm(0x11), number(3), a, m)
		return m
	}
	backward("HardSigmoid", 4, nil, false, func(l *loop, x VecVirtual) VecVirtual {
		m := inside(x)
		VANDPS(number(1.0/6), m, m)
		return m
	})
	forward("HardSwish", 4, six, false, func(l *loop, x VecVirtual) VecVirtual {
		g := gate(l, x)
		VMULPS(x, g, g)
		return g
	})
	backward("HardSwish", 4, zero, false, func(l *loop, x VecVirtual) VecVirtual {
		m, t, u := inside(x), YMM(), above(l, x, l.keep["zero"])
		VMOVUPS(number(0.5), t)
		VFMADD231PS(number(1.0/3), x, t)
		VANDPS(number(1), u, u)
		VBLENDVPS(m, t, u, t)
		return t
	})
}

func zeroed() VecVirtual {
	z := YMM()
	VXORPS(z, z, z)
	return z
}
