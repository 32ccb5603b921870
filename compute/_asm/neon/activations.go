package main

const (
	seluAlpha = 1.6732632423543772848170429916717
	seluScale = 1.0507009873554804934193349852946
	gaussPeak = 0.39894228040143267793994605993438
	geluRoot2 = 2 * 0.79788456080286535587989211986876
	geluCube  = 0.044715
)

var temps = []string{"a", "n", "q", "t", "u"}

// forward is y = f(x) and backward dx = dy·f′(in), both of a pass.
func forward(name string, f func(a *pass)) {
	sweep{name: "act" + name + "NEON", sig: "y, x []float32, alpha float32", args: []string{"y", "x"}, in: []string{"x"}, out: []string{"y"},
		scalars: []string{"alpha"}, temps: temps, unroll: 4, turns: true, body: f}.write()
}

func backward(name string, f func(a *pass)) {
	sweep{name: "grad" + name + "NEON", sig: "dx, in, dy []float32, alpha float32", args: []string{"dx", "in", "dy"}, in: []string{"in", "dy"}, out: []string{"dx"},
		scalars: []string{"alpha"}, temps: temps, unroll: 3, turns: true, body: f}.write()
}

func functions() {
	activations()
	bounds()
	largest()
	exponentials()
	writeNumbers()
}

// activations writes those that are made of exponentials.
func activations() {
	forward("ELU", func(a *pass) {
		a.min("a", "x", "zero")
		a.expm1()
		a.mul("t", "t", "alpha")
		a.below0("y", "x")
		a.choose("y", "t", "x")
	})
	backward("ELU", func(a *pass) {
		a.add("a", "in", "alpha")
		a.number("t", 1)
		a.above("dx", "in", "zero")
		a.choose("dx", "t", "a")
		a.mul("dx", "dx", "dy")
	})
	forward("SELU", func(a *pass) {
		a.min("a", "x", "zero")
		a.expm1()
		a.number("q", seluScale*seluAlpha)
		a.mul("t", "t", "q")
		a.number("q", seluScale)
		a.mul("q", "q", "x")
		a.below0("y", "x")
		a.choose("y", "t", "q")
	})
	backward("SELU", func(a *pass) {
		a.min("a", "in", "zero")
		a.exp()
		a.number("t", seluScale*seluAlpha)
		a.mul("a", "a", "t")
		a.number("t", seluScale)
		a.above("u", "in", "zero")
		a.choose("u", "t", "a")
		a.mul("dx", "u", "dy")
	})
	forward("GELU", func(a *pass) {
		a.phi("x")
		a.mul("y", "x", "a")
	})
	backward("GELU", func(a *pass) {
		a.phi("in")
		a.number("t", gaussPeak)
		a.mul("n", "n", "t")
		a.mulAdd("a", "in", "n")
		a.mul("dx", "dy", "a")
	})
	inner := func(a *pass, x string) { // u = 2√(2/π)(x + 0.044715x³)
		a.mul("u", x, x)
		a.number("t", geluRoot2*geluCube)
		a.mul("u", "u", "t")
		a.number("t", geluRoot2)
		a.add("u", "u", "t")
		a.mul("u", "u", x)
	}
	forward("GELUTanh", func(a *pass) {
		inner(a, "x")
		a.sigmoid("u", "u")
		a.mul("y", "x", "u")
	})
	backward("GELUTanh", func(a *pass) {
		a.clamp("in", -15, 15) // beyond, the slope is 0 or 1, and x³ may overflow
		inner(a, "in")
		a.sigmoid("u", "u")
		a.mul("a", "in", "in")
		a.number("t", 3*geluRoot2*geluCube)
		a.mul("a", "a", "t")
		a.number("t", geluRoot2)
		a.add("a", "a", "t")
		a.mul("a", "a", "in")
		a.number("n", 1)
		a.sub("n", "n", "u")
		a.mul("n", "n", "a")
		a.mulAdd("u", "n", "u")
		a.mul("dx", "dy", "u")
	})
	forward("SiLU", func(a *pass) {
		a.sigmoid("u", "x")
		a.mul("y", "x", "u")
	})
	backward("SiLU", func(a *pass) {
		a.sigmoid("u", "in")
		a.number("a", 1)
		a.sub("a", "a", "u")
		a.mul("a", "a", "in")
		a.mulAdd("u", "a", "u") // s·x(1−s) + s
		a.mul("dx", "dy", "u")
	})
	forward("Sigmoid", func(a *pass) { a.sigmoid("y", "x") })
	backward("Sigmoid", func(a *pass) {
		a.number("t", 1)
		a.sub("t", "t", "in")
		a.mul("t", "t", "in")
		a.mul("dx", "dy", "t")
	})
	forward("Tanh", func(a *pass) { a.tanh("y", "x") })
	backward("Tanh", func(a *pass) {
		a.number("t", 1)
		a.mulTake("t", "in", "in")
		a.mul("dx", "dy", "t")
	})
	forward("Softplus", func(a *pass) {
		a.absolute("a", "x")
		a.negative("a", "a")
		a.expDown()
		log := a.polynomial(log1pPoly, "n")
		a.mul(log, log, "n")
		a.max("u", "x", "zero")
		a.add("y", log, "u")
	})
	backward("Softplus", func(a *pass) {
		a.sigmoid("u", "in")
		a.mul("dx", "dy", "u")
	})
}

// bounds writes the activations of straight lines.
func bounds() {
	forward("LeakyReLU", func(a *pass) {
		a.mul("a", "x", "alpha")
		a.below0("y", "x")
		a.choose("y", "a", "x")
	})
	backward("LeakyReLU", func(a *pass) {
		a.number("t", 1)
		a.above("dx", "in", "zero")
		a.choose("dx", "t", "alpha")
		a.mul("dx", "dx", "dy")
	})
	forward("ReLU6", func(a *pass) {
		a.max("y", "x", "zero")
		a.number("t", 6)
		a.min("y", "y", "t")
	})
	backward("ReLU6", func(a *pass) {
		a.above("a", "in", "zero")
		a.number("t", 6)
		a.above("t", "t", "in")
		a.and("a", "a", "t")
		a.and("dx", "a", "dy")
	})
	gate := func(a *pass) { // min(max(x+3, 0), 6)/6
		a.number("t", 3)
		a.add("y", "x", "t")
		a.max("y", "y", "zero")
		a.number("t", 6)
		a.min("y", "y", "t")
		a.number("t", 1.0/6)
		a.mul("y", "y", "t")
	}
	inside := func(a *pass) { // a: −3 < in < 3
		a.absolute("a", "in")
		a.number("t", 3)
		a.above("a", "t", "a")
	}
	forward("HardSigmoid", gate)
	backward("HardSigmoid", func(a *pass) {
		inside(a)
		a.number("t", 1.0/6)
		a.and("a", "a", "t")
		a.mul("dx", "dy", "a")
	})
	forward("HardSwish", func(a *pass) {
		gate(a)
		a.mul("y", "y", "x")
	})
	backward("HardSwish", func(a *pass) {
		inside(a)
		a.number("t", 0.5)
		a.number("u", 1.0/3)
		a.mulAdd("t", "in", "u")
		a.above("u", "in", "zero")
		a.number("q", 1)
		a.and("u", "u", "q")
		a.choose("a", "t", "u")
		a.mul("dx", "dy", "a")
	})
}

// largest is the greatest number of a slice, −∞ where there is none.
func largest() {
	routine("maxOfNEON", "x []float32", " float32", 28)
	p("MOVD x_base+0(FP), R0")
	p("MOVD x_len+8(FP), R1")
	p("MOVW $0xff800000, R2")
	for i := range 4 {
		dup(i, 2)
	}
	label("maxOfNEON_sixteen")
	p("SUBS $16, R1")
	p("BLT maxOfNEON_few")
	p("FLDPQ (R0), (F4, F5)")
	p("FLDPQ 32(R0), (F6, F7)")
	p("ADD $64, R0")
	for i := range 4 {
		fmaxnm(i, i, 4+i)
	}
	p("B maxOfNEON_sixteen")
	label("maxOfNEON_few")
	p("ADDS $16, R1")
	p("BEQ maxOfNEON_end")
	label("maxOfNEON_one")
	p("FMOVS.P 4(R0), F4")
	p("VDUP V4.S[0], V4.S4")
	fmaxnm(0, 0, 4)
	p("SUBS $1, R1")
	p("BNE maxOfNEON_one")
	label("maxOfNEON_end")
	fmaxnm(0, 0, 1)
	fmaxnm(2, 2, 3)
	fmaxnm(0, 0, 2)
	fmaxnmp(0, 0, 0)
	fmaxnmp(0, 0, 0)
	p("FMOVS F0, ret+24(FP)")
	p("RET")
}

// exponentials writes what softmax and attention are made of.
func exponentials() {
	four := temps[:4]
	sum := sweep{sig: "y, x []float32, shift float32 -> float32", args: []string{"y", "x"}, scalars: []string{"shift"},
		in: []string{"x"}, out: []string{"y"}, sums: []string{"s"}, temps: four, unroll: 4, turns: true}
	sum.name, sum.body = "expSumNEON", func(a *pass) {
		a.sub("a", "x", "shift")
		a.exp()
		a.move("y", "a")
		a.live("a")
		a.add("s", "s", "a")
	}
	sum.write()
	sum.name, sum.body = "weightSumNEON", func(a *pass) {
		a.sub("a", "x", "shift")
		a.expDown()
		a.move("y", "n")
		a.live("n")
		a.add("s", "s", "n")
	}
	sum.write()
	sweep{name: "weightSlopesNEON", sig: "w, d []float32, shift float32", args: []string{"w", "d"}, scalars: []string{"shift"},
		in: []string{"w", "d"}, out: []string{"w", "d"}, temps: four, unroll: 4, turns: true,
		body: func(a *pass) {
			a.sub("a", "w", "shift")
			a.expDown()
			a.move("w", "n")
			a.mul("d", "d", "n")
		}}.write()
	sweep{name: "softmaxGradNEON", sig: "dx, y, dy []float32, d float32", args: []string{"dx", "y", "dy"}, scalars: []string{"d"},
		in: []string{"y", "dy"}, out: []string{"dx"}, unroll: 4,
		body: func(a *pass) {
			a.sub("dx", "dy", "d")
			a.mul("dx", "dx", "y")
		}}.write()
	sweep{name: "shiftNEON", sig: "y, x []float32, s float32", args: []string{"y", "x"}, scalars: []string{"s"},
		in: []string{"x"}, out: []string{"y"}, unroll: 4, body: func(a *pass) { a.sub("y", "x", "s") }}.write()
	sweep{name: "addScaledNEON", sig: "dst, a, b []float32, s float32", args: []string{"dst", "a", "b"}, scalars: []string{"s"},
		in: []string{"a", "b"}, out: []string{"dst"}, unroll: 4,
		body: func(a *pass) {
			a.move("dst", "a")
			a.mulAdd("dst", "b", "s")
		}}.write()
	sweep{name: "timesZeroNEON", sig: "x []float32 -> float32", args: []string{"x"}, in: []string{"x"}, sums: []string{"s"}, unroll: 4,
		body: func(a *pass) { a.mulAdd("s", "x", "zero") }}.write()
}
