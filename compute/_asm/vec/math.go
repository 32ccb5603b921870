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

// The functions take several vectors and go through them step by step: one alone
// is a chain of a hundred cycles, and its instructions, waiting, leave no room
// for those of the next.

// vectors are registers of eight numbers.
type vectors = []VecVirtual

func fresh(n int) vectors {
	v := make(vectors, n)
	for k := range v {
		v[k] = YMM()
	}
	return v
}

// polynomial is Σ c[i]·xⁱ.
func polynomial(c []float64, x vectors) vectors {
	y := fresh(len(x))
	for k := range x {
		VMOVUPS(number(c[len(c)-1]), y[k])
	}
	for i := len(c) - 2; i >= 0; i-- {
		for k, v := range x {
			VFMADD213PS(number(c[i]), v, y[k]) // y = y·x + c
		}
	}
	return y
}

// clamp keeps x between lo and hi; a NaN stays.
func clamp(x vectors, lo, hi float64) {
	bound := YMM()
	VMOVUPS(number(hi), bound)
	for _, v := range x {
		VMINPS(v, bound, v) // the second of Intel's operands wins where one is NaN
	}
	VMOVUPS(number(lo), bound)
	for _, v := range x {
		VMAXPS(v, bound, v)
	}
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

// reduced is eˣ = 2ⁿ·(1 + y) as n, a whole number in a float32, and y; it spoils x.
func reduced(x vectors) (n, y vectors) {
	n = fresh(len(x))
	for k, v := range x {
		VMULPS(number(log2e), v, n[k])
	}
	for k := range x {
		VROUNDPS(Imm(8), n[k], n[k])
	}
	for k, v := range x { // r = x − n·ln 2
		VFNMADD231PS(number(ln2Hi), n[k], v)
	}
	for k, v := range x {
		VFNMADD231PS(number(ln2Lo), n[k], v)
	}
	y = polynomial(expPoly, x)
	for k, v := range x {
		VMULPS(v, y[k], y[k])
	}
	for k, v := range x {
		VFMADD213PS(v, v, y[k]) // y·r + r
	}
	return n, y
}

// scaled is eˣ = 2ⁿ·(1 + y) as y and 2ⁿ, for x clamped to lo and hi, which keep
// 2ⁿ a normal number; from 89 it is infinite, at −88 it is 0. It spoils x.
func scaled(x vectors, lo, hi float64) (y, pow vectors) {
	clamp(x, lo, hi)
	n, y := reduced(x)
	return y, powers(n)
}

// powers is 2ⁿ, in n's registers.
func powers(n vectors) vectors {
	for _, v := range n {
		VCVTPS2DQ(v, v)
	}
	for _, v := range n {
		VPADDD(same("bias", 127), v, v)
	}
	for _, v := range n {
		VPSLLD(Imm(23), v, v)
	}
	return n
}

// exp is eˣ; it spoils x. 2ⁿ is made in two halves, so that results below the
// normal numbers come out right.
func exp(x vectors) vectors {
	clamp(x, -104, 89)
	n, y := reduced(x)
	for k := range x {
		VADDPS(number(1), y[k], y[k])
		VCVTPS2DQ(n[k], n[k])
	}
	for k, half := range x {
		VPSRAD(Imm(1), n[k], half)
		VPSUBD(half, n[k], n[k])
	}
	for _, e := range []vectors{x, n} {
		for k := range x {
			VPADDD(same("bias", 127), e[k], e[k])
			VPSLLD(Imm(23), e[k], e[k])
		}
		for k := range x {
			VMULPS(e[k], y[k], y[k])
		}
	}
	return y
}

// expDown is eˣ for x ≤ 0, and 0 below 2⁻¹²⁶; it spoils x. A NaN stays.
func expDown(x vectors) vectors {
	bound := YMM()
	VMOVUPS(number(-88), bound) // there 2ⁿ has the exponent −127, and is 0
	for _, v := range x {
		VMAXPS(v, bound, v)
	}
	n, y := reduced(x)
	powers(n)
	for k := range x {
		VFMADD213PS(n[k], n[k], y[k]) // (eʳ − 1)·2ⁿ + 2ⁿ
	}
	return y
}

// expm1 is eˣ − 1 for x ≤ 0; it spoils x. Close to 0 no digit is lost.
func expm1(x vectors) vectors {
	bound := YMM()
	VMOVUPS(number(-80), bound) // the same as −1, and 2ⁿ stays normal
	for _, v := range x {
		VMAXPS(v, bound, v)
	}
	n, y := reduced(x)
	powers(n)
	for k, t := range x {
		VSUBPS(number(1), n[k], t)
	}
	for k, t := range x {
		VFMADD213PS(t, n[k], y[k]) // y·2ⁿ + (2ⁿ − 1)
	}
	return y
}

// sigmoid is 1/(1+e⁻ˣ), from x to new registers, and 0 below −88.4.
func sigmoid(x vectors) vectors {
	t := fresh(len(x))
	for k, v := range x {
		VXORPS(same("sign", 0x80000000), v, t[k])
	}
	y, n := scaled(t, -87, 89)
	one := YMM()
	VMOVUPS(number(1), one)
	for k := range x {
		VADDPS(one, y[k], y[k])
	}
	for k := range x {
		VFMADD213PS(one, n[k], y[k]) // (1 + y)·2ⁿ + 1: not −∞ + ∞ where 2ⁿ is infinite
	}
	for k := range x {
		VDIVPS(y[k], one, y[k])
	}
	return y
}

// closeGate is 1/(1 + e⁻ˣ) where e⁻ˣ = n·(1 + y), in y's register; it spoils t.
// With n from scaled within ±87 it never is 0.
func closeGate(y, n, t VecVirtual) VecVirtual {
	VADDPS(number(1), n, t)
	VFMADD213PS(t, n, y) // y·2ⁿ + (2ⁿ + 1)
	VMOVUPS(number(1), t)
	VDIVPS(y, t, y)
	return y
}

// tanh is tanh x = E/(E+2) with E = e²ˣ − 1, from x to new registers. Close
// to 0 no digit is lost.
func tanh(x vectors) vectors {
	t := fresh(len(x))
	for k, v := range x {
		VADDPS(v, v, t[k])
	}
	y, n := scaled(t, -87, 87)
	for k := range x {
		closeTanh(y[k], n[k], t[k])
	}
	return y
}

// closeTanh is tanh x where e²ˣ = n·(1 + y), in y's register; it spoils t.
func closeTanh(y, n, t VecVirtual) VecVirtual {
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

// phi is Φ(x), and e = exp(−x²/2): the tail q = Φ(−|x|) is e times a polynomial.
func phi(x vectors) (p, e vectors) {
	t := fresh(len(x))
	for k, v := range x {
		VMULPS(v, v, t[k])
	}
	for k := range x {
		VMULPS(number(-0.5), t[k], t[k])
	}
	e = expDown(t)
	one := YMM()
	VMOVUPS(number(1), one)
	u := make(vectors, len(x))
	for k, v := range x {
		u[k] = absOf(v)
		VMULPS(number(0.3), u[k], u[k])
	}
	for k := range x {
		VADDPS(one, u[k], u[k])
	}
	for k := range x {
		VDIVPS(u[k], one, u[k])
	}
	for k := range x {
		VSUBPS(number(0.5), u[k], u[k])
	}
	q := polynomial(tailPoly, u)
	for k := range x {
		VMULPS(e[k], q[k], q[k])
	}
	for k, v := range x {
		VMOVUPS(number(1), u[k])
		VSUBPS(q[k], u[k], u[k])
		VBLENDVPS(v, q[k], u[k], q[k]) // the sign of x chooses
	}
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
	type several = func(l *loop, x vectors) vectors
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
	// The same for functions that go step by step, three vectors at a time: so many
	// have room in the registers.
	forwardMany := func(name, scalar string, f several) {
		s := sweep{name: "act" + name, sig: "func(y, x []float32, alpha float32)", in: []string{"x"}, out: []string{"y"}, unroll: 3, together: f}
		if scalar != "" {
			s.scalars = []string{scalar}
		}
		s.write()
	}
	backwardMany := func(name string, f several) {
		sweep{name: "grad" + name, sig: "func(dx, in, dy []float32, alpha float32)", in: []string{"in", "dy"}, out: []string{"dx"}, unroll: 3, together: f}.write()
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
	forwardMany("ELU", "alpha", func(l *loop, x vectors) vectors {
		t := fresh(len(x))
		for k, v := range x {
			VMINPS(v, zeroed(), t[k])
		}
		e := expm1(t)
		for k, v := range x {
			VMULPS(l.scalar["alpha"], e[k], e[k])
			VBLENDVPS(v, e[k], v, v)
		}
		return x
	})
	backward("ELU", 2, zero, true, func(l *loop, y VecVirtual) VecVirtual {
		m, t, one := above(l, y, l.keep["zero"]), YMM(), YMM()
		VADDPS(l.scalar["alpha"], y, t)
		VMOVUPS(number(1), one)
		VBLENDVPS(m, one, t, t)
		return t
	})
	forwardMany("SELU", "", func(l *loop, x vectors) vectors {
		t := fresh(len(x))
		for k, v := range x {
			VMINPS(v, zeroed(), t[k])
		}
		e := expm1(t)
		for k, v := range x {
			VMULPS(number(seluScale*seluAlpha), e[k], e[k])
			VMULPS(number(seluScale), v, t[k])
			VBLENDVPS(v, e[k], t[k], t[k])
		}
		return t
	})
	backwardMany("SELU", func(l *loop, x vectors) vectors {
		t := fresh(len(x))
		for k, v := range x {
			VMINPS(v, zeroed(), t[k])
		}
		e := exp(t)
		for k, v := range x {
			VCMPPS(Imm(0x1e), zeroed(), v, v)
			VMULPS(number(seluScale*seluAlpha), e[k], e[k])
			VMOVUPS(number(seluScale), t[k])
			VBLENDVPS(v, t[k], e[k], e[k])
		}
		return e
	})
	forwardMany("GELU", "", func(l *loop, x vectors) vectors {
		p, _ := phi(x)
		for k, v := range x {
			VMULPS(v, p[k], p[k])
		}
		return p
	})
	backwardMany("GELU", func(l *loop, x vectors) vectors {
		p, e := phi(x)
		for k, v := range x {
			VMULPS(number(gaussPeak), e[k], e[k])
			// Where the density is 0 an infinite x must not make a NaN; 1e18 is
			// far enough for that.
			VFMADD231PS(e[k], v, p[k])
		}
		return p
	})
	inner := func(x vectors) vectors { // 2√(2/π)(x + 0.044715x³)
		u := fresh(len(x))
		for k, v := range x {
			VMULPS(v, v, u[k])
		}
		for k := range x {
			VMULPS(number(geluRoot2*geluCube), u[k], u[k])
		}
		for k := range x {
			VADDPS(number(geluRoot2), u[k], u[k])
		}
		for k, v := range x {
			VMULPS(v, u[k], u[k])
		}
		return u
	}
	forwardMany("GELUTanh", "", func(l *loop, x vectors) vectors {
		s := sigmoid(inner(x))
		for k, v := range x {
			VMULPS(v, s[k], s[k])
		}
		return s
	})
	backwardMany("GELUTanh", func(l *loop, x vectors) vectors {
		clamp(x, -15, 15) // beyond, the slope is 0 or 1, and x³ may overflow
		s := sigmoid(inner(x))
		for k, v := range x {
			t := YMM()
			VMULPS(v, v, t)
			VMULPS(number(3*geluRoot2*geluCube), t, t)
			VADDPS(number(geluRoot2), t, t)
			VMULPS(v, t, t)
			VMOVUPS(number(1), v)
			VSUBPS(s[k], v, v)
			VMULPS(t, v, v)
			VFMADD213PS(s[k], s[k], v) // v·s + s
		}
		return x
	})
	forwardMany("SiLU", "", func(l *loop, x vectors) vectors {
		s := sigmoid(x)
		for k, v := range x {
			VMULPS(v, s[k], s[k])
		}
		return s
	})
	backwardMany("SiLU", func(l *loop, x vectors) vectors {
		s := sigmoid(x)
		for k, v := range x {
			t := YMM()
			VMOVUPS(number(1), t)
			VSUBPS(s[k], t, t)
			VMULPS(v, t, t)
			VFMADD213PS(s[k], s[k], t) // s·x(1−s) + s
			VMOVAPS(t, s[k])
		}
		return s
	})
	forwardMany("Sigmoid", "", func(l *loop, x vectors) vectors { return sigmoid(x) })
	backward("Sigmoid", 4, nil, false, func(l *loop, y VecVirtual) VecVirtual {
		t := YMM()
		VMOVUPS(number(1), t)
		VSUBPS(y, t, t)
		VMULPS(y, t, t)
		return t
	})
	forwardMany("Tanh", "", func(l *loop, x vectors) vectors { return tanh(x) })
	backward("Tanh", 4, nil, false, func(l *loop, y VecVirtual) VecVirtual {
		t := YMM()
		VMOVUPS(number(1), t)
		VFNMADD231PS(y, y, t)
		return t
	})
	forwardMany("Softplus", "", func(l *loop, x vectors) vectors {
		t := fresh(len(x))
		for k, v := range x {
			VORPS(same("sign", 0x80000000), v, t[k]) // −|x|
		}
		e := expDown(t)
		p := polynomial(log1pPoly, e)
		for k, v := range x {
			VMULPS(e[k], p[k], p[k])
			VMAXPS(v, zeroed(), v)
			VADDPS(v, p[k], p[k])
		}
		return p
	})
	backwardMany("Softplus", func(l *loop, x vectors) vectors { return sigmoid(x) })
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
