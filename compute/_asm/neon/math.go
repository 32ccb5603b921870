package main

import (
	"fmt"
	"math"
)

// The functions are those of _asm/vec, polynomials through the Chebyshev nodes of
// an interval worked out here. NEON adds a product to its third operand, so a
// step of a polynomial loads its coefficient where the sum is to be.

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
	ln2Hi = 0.693359375 // nine bits: its product with a whole number is exact
	ln2Lo = math.Ln2 - ln2Hi
)

// numbers are the constants that routines load, four times each, in the order
// they are first met; R20 points at them.
var numbers []uint32

func place(bits uint32) int {
	for i, b := range numbers {
		if b == bits {
			return 16 * i
		}
	}
	numbers = append(numbers, bits)
	return 16 * (len(numbers) - 1)
}

func writeNumbers() {
	for i, b := range numbers {
		for j := 0; j < 16; j += 8 {
			fmt.Fprintf(&out, "\nDATA numbers<>+%d(SB)/8, $%#08x%08x", 16*i+j, b, b)
		}
		fmt.Fprintf(&out, " // %v", math.Float32frombits(b))
	}
	fmt.Fprintf(&out, "\nGLOBL numbers<>(SB), RODATA|NOPTR, $%d\n", 16*len(numbers))
}

// number puts c, and whole puts an integer, into the register of that name.
func (a *pass) number(name string, c float64) { a.bits(name, math.Float32bits(float32(c))) }
func (a *pass) whole(name string, c uint32)   { a.bits(name, c) }
func (a *pass) bits(name string, b uint32)    { p("FMOVQ %d(R20), F%d", place(b), a.reg(name)) }

// Instructions by the names of their registers, the result first.
func (a *pass) add(d, x, y string)    { fadd(a.reg(d), a.reg(x), a.reg(y)) }
func (a *pass) sub(d, x, y string)    { fsub(a.reg(d), a.reg(x), a.reg(y)) }
func (a *pass) mul(d, x, y string)    { fmul(a.reg(d), a.reg(x), a.reg(y)) }
func (a *pass) div(d, x, y string)    { fdiv(a.reg(d), a.reg(x), a.reg(y)) }
func (a *pass) max(d, x, y string)    { fmax(a.reg(d), a.reg(x), a.reg(y)) }
func (a *pass) min(d, x, y string)    { fmin(a.reg(d), a.reg(x), a.reg(y)) }
func (a *pass) above(d, x, y string)  { fcmgt(a.reg(d), a.reg(x), a.reg(y)) }
func (a *pass) mulAdd(d, x, y string) { fmla(a.reg(d), a.reg(x), a.reg(y)) }
func (a *pass) mulTake(d, x, y string) {
	fmls(a.reg(d), a.reg(x), a.reg(y))
}
func (a *pass) and(d, x, y string) {
	p("VAND V%d.B16, V%d.B16, V%d.B16", a.reg(y), a.reg(x), a.reg(d))
}
func (a *pass) move(d, x string) { p("VMOV V%d.B16, V%d.B16", a.reg(x), a.reg(d)) }

// choose leaves yes in mask where it is all ones, and no where it is zero.
func (a *pass) choose(mask, yes, no string) {
	p("VBSL V%d.B16, V%d.B16, V%d.B16", a.reg(no), a.reg(yes), a.reg(mask))
}

func (a *pass) one(code uint32, name, d, x string) {
	word(code, a.reg(d), a.reg(x), 0, fmt.Sprintf("%s v%d.4s, v%d.4s", name, a.reg(d), a.reg(x)))
}
func (a *pass) negative(d, x string) { a.one(0x6ea0f800, "fneg", d, x) }
func (a *pass) absolute(d, x string) { a.one(0x4ea0f800, "fabs", d, x) }
func (a *pass) below0(d, x string)   { a.one(0x4ea0e800, "fcmlt0", d, x) }
func (a *pass) nearest(d, x string)  { a.one(0x4e218800, "frintn", d, x) }
func (a *pass) integer(d, x string)  { a.one(0x4e21a800, "fcvtns", d, x) }
func (a *pass) halved(d, x string)   { a.one(0x4f3f0400, "sshr1", d, x) }

// The functions keep to temporary registers a, n, q, t and u.

// polynomial is Σ c[i]·xⁱ, in q or t.
func (a *pass) polynomial(c []float64, x string) string {
	y, next := "q", "t"
	a.number(y, c[len(c)-1])
	for i := len(c) - 2; i >= 0; i-- {
		a.number(next, c[i])
		a.mulAdd(next, y, x)
		y, next = next, y
	}
	return y
}

// clamp keeps x between lo and hi; a NaN stays.
func (a *pass) clamp(x string, lo, hi float64) {
	a.number("t", hi)
	a.min(x, x, "t")
	a.number("t", lo)
	a.max(x, x, "t")
}

// reduced is e to the a = 2ⁿ·(1 + y): n, a whole number in float32, and y in a.
func (a *pass) reduced() {
	a.number("t", math.Log2E)
	a.mul("n", "a", "t")
	a.nearest("n", "n")
	a.number("t", ln2Hi)
	a.mulTake("a", "n", "t")
	a.number("t", ln2Lo)
	a.mulTake("a", "n", "t")
	y := a.polynomial(expPoly, "a")
	a.mul(y, y, "a")
	a.mulAdd("a", y, "a")
}

// power makes 2ⁿ of n, an integer.
func (a *pass) power(n string) {
	a.whole("t", 127)
	p("VADD V%d.S4, V%d.S4, V%d.S4", a.reg("t"), a.reg(n), a.reg(n))
	p("VSHL $23, V%d.S4, V%d.S4", a.reg(n), a.reg(n))
}

// scaled is e to the a = n·(1 + y) with y in a, for a clamped to lo and hi, which
// keep n a normal number; from 89 it is infinite, at −88 it is 0.
func (a *pass) scaled(lo, hi float64) {
	a.clamp("a", lo, hi)
	a.reduced()
	a.integer("n", "n")
	a.power("n")
}

// exp leaves e to the a in a. 2ⁿ is made in two halves, so that results below the
// normal numbers come out right.
func (a *pass) exp() {
	a.clamp("a", -104, 89)
	a.reduced()
	a.number("t", 1)
	a.add("a", "a", "t")
	a.integer("n", "n")
	a.halved("q", "n")
	p("VSUB V%d.S4, V%d.S4, V%d.S4", a.reg("q"), a.reg("n"), a.reg("n"))
	for _, half := range []string{"q", "n"} {
		a.power(half)
		a.mul("a", "a", half)
	}
}

// expDown leaves e to the a in n, for a ≤ 0, and 0 below 2⁻¹²⁶. A NaN stays.
func (a *pass) expDown() {
	a.number("t", -88) // there 2ⁿ has the exponent −127, and is 0
	a.max("a", "a", "t")
	a.reduced()
	a.integer("n", "n")
	a.power("n")
	a.mulAdd("n", "a", "n")
}

// expm1 leaves e to the a, less 1, in t, for a ≤ 0. Close to 0 no digit is lost.
func (a *pass) expm1() {
	a.number("t", -80) // the same as −1, and 2ⁿ stays normal
	a.max("a", "a", "t")
	a.reduced()
	a.integer("n", "n")
	a.power("n")
	a.number("t", 1)
	a.sub("t", "n", "t")
	a.mulAdd("t", "a", "n") // y·2ⁿ + (2ⁿ − 1)
}

// sigmoid is 1/(1+e⁻ˣ), and 0 below −88.4.
func (a *pass) sigmoid(d, x string) {
	a.negative("a", x)
	a.scaled(-87, 89)
	a.number("t", 1)
	a.add("a", "a", "t")
	a.mulAdd("t", "a", "n") // (1 + y)·2ⁿ + 1: not −∞ + ∞ where 2ⁿ is infinite
	a.number("a", 1)
	a.div(d, "a", "t")
}

// tanh is E/(E+2) with E = e²ˣ − 1. Close to 0 no digit is lost.
func (a *pass) tanh(d, x string) {
	a.add("a", x, x)
	a.scaled(-87, 87)
	a.number("t", 1)
	a.sub("t", "n", "t")
	a.mulAdd("t", "a", "n") // y·2ⁿ + (2ⁿ − 1)
	a.number("q", 2)
	a.add("q", "t", "q")
	a.div(d, "t", "q")
}

// phi leaves Φ(x) in a and exp(−x²/2) in n: the tail Φ(−|x|) is that times a
// polynomial.
func (a *pass) phi(x string) {
	a.mul("a", x, x)
	a.number("t", -0.5)
	a.mul("a", "a", "t")
	a.expDown()
	a.absolute("u", x)
	a.number("t", 0.3)
	a.mul("u", "u", "t")
	a.number("t", 1)
	a.add("u", "u", "t")
	a.div("u", "t", "u")
	a.number("t", 0.5)
	a.sub("u", "u", "t")
	tail := a.polynomial(tailPoly, "u")
	a.mul(tail, tail, "n")
	a.number("u", 1)
	a.sub("u", "u", tail)
	a.below0("a", x)
	a.choose("a", tail, "u")
}
