package main

// What each loop does to a vector of four; vec.go says what it is for.

func sweeps() {
	elementwise()
	reductions()
	matrices()
	optimizers()
}

func elementwise() {
	pair := sweep{sig: "dst, a, b []float32", args: []string{"dst", "a", "b"}, in: []string{"a", "b"}, out: []string{"dst"}, unroll: 4}

	s := pair
	s.name, s.body = "addNEON", func(a *pass) { fadd(a.reg("dst"), a.reg("a"), a.reg("b")) }
	s.write()
	s.name, s.body = "addReLUNEON", func(a *pass) {
		fadd(a.reg("dst"), a.reg("a"), a.reg("b"))
		fmax(a.reg("dst"), a.reg("dst"), a.reg("zero"))
	}
	s.write()
	s.name, s.body = "mulNEON", func(a *pass) { fmul(a.reg("dst"), a.reg("a"), a.reg("b")) }
	s.write()
	s.in = []string{"dst", "a", "b"}
	s.name, s.body = "mulAddNEON", func(a *pass) { fmla(a.reg("dst"), a.reg("a"), a.reg("b")) }
	s.write()
	sweep{name: "scaleNEON", sig: "dst, x []float32, s float32", args: []string{"dst", "x"}, scalars: []string{"s"},
		in: []string{"x"}, out: []string{"dst"}, unroll: 4,
		body: func(a *pass) { fmul(a.reg("dst"), a.reg("x"), a.reg("s")) }}.write()
	sweep{name: "reluNEON", sig: "y, x []float32", args: []string{"y", "x"}, in: []string{"x"}, out: []string{"y"}, unroll: 4,
		body: func(a *pass) { fmax(a.reg("y"), a.reg("x"), a.reg("zero")) }}.write()
	sweep{name: "reluGradNEON", sig: "dx, y, dy []float32", args: []string{"dx", "y", "dy"}, in: []string{"y", "dy"}, out: []string{"dx"}, unroll: 4,
		body: func(a *pass) {
			fcmgt(a.reg("dx"), a.reg("y"), a.reg("zero"))
			p("VAND V%d.B16, V%d.B16, V%d.B16", a.reg("dy"), a.reg("dx"), a.reg("dx"))
		}}.write()
}

func reductions() {
	sweep{name: "sumNEON", sig: "x []float32 -> float32", args: []string{"x"}, in: []string{"x"}, sums: []string{"s"}, unroll: 4,
		body: func(a *pass) { fadd(a.reg("s"), a.reg("s"), a.reg("x")) }}.write()
	sweep{name: "sumSquaresNEON", sig: "x []float32 -> float32", args: []string{"x"}, in: []string{"x"}, sums: []string{"s"}, unroll: 4,
		body: func(a *pass) { fmla(a.reg("s"), a.reg("x"), a.reg("x")) }}.write()
	sweep{name: "dotNEON", sig: "x, y []float32 -> float32", args: []string{"x", "y"}, in: []string{"x", "y"}, sums: []string{"s"}, unroll: 4,
		body: func(a *pass) { fmla(a.reg("s"), a.reg("x"), a.reg("y")) }}.write()
	sweep{name: "momentsNEON", sig: "x []float32, mean float32 -> (s, q float32)", args: []string{"x"}, scalars: []string{"mean"},
		in: []string{"x"}, sums: []string{"s", "q"}, unroll: 4,
		body: func(a *pass) {
			fsub(a.reg("x"), a.reg("x"), a.reg("mean"))
			a.live("x")
			fadd(a.reg("s"), a.reg("s"), a.reg("x"))
			fmla(a.reg("q"), a.reg("x"), a.reg("x"))
		}}.write()
}

func matrices() {
	columns{name: "colSumNEON", sig: "acc, x []float32, rows int", args: []string{"acc", "x"}, sums: []string{"acc"}, in: []string{"x"},
		body: func(a *pass) { fadd(a.reg("acc"), a.reg("acc"), a.reg("x")) }}.write()
	columns{name: "colMaxNEON", sig: "acc, x []float32, rows int", args: []string{"acc", "x"}, sums: []string{"acc"}, in: []string{"x"},
		body: func(a *pass) { fmaxnm(a.reg("acc"), a.reg("acc"), a.reg("x")) }}.write()
	columns{name: "colMomentsNEON", sig: "s, q, mean, x []float32, rows int", args: []string{"s", "q", "mean", "x"},
		params: []string{"mean"}, sums: []string{"s", "q"}, in: []string{"x"},
		body: func(a *pass) {
			fsub(a.reg("x"), a.reg("x"), a.reg("mean"))
			fadd(a.reg("s"), a.reg("s"), a.reg("x"))
			fmla(a.reg("q"), a.reg("x"), a.reg("x"))
		}}.write()
	columns{name: "colGradNEON", sig: "s, q, mean, x, dy []float32, rows int", args: []string{"s", "q", "mean", "x", "dy"},
		params: []string{"mean"}, sums: []string{"s", "q"}, in: []string{"x", "dy"},
		body: func(a *pass) {
			fsub(a.reg("x"), a.reg("x"), a.reg("mean"))
			fadd(a.reg("s"), a.reg("s"), a.reg("dy"))
			fmla(a.reg("q"), a.reg("x"), a.reg("dy"))
		}}.write()
	normalize := columns{name: "normalizeNEON", sig: "mean, scale, beta, x, y []float32, rows int", args: []string{"mean", "scale", "beta", "x", "y"},
		params: []string{"mean", "scale", "beta"}, in: []string{"x"}, out: []string{"y"},
		body: func(a *pass) {
			fsub(a.reg("x"), a.reg("x"), a.reg("mean"))
			fmul(a.reg("x"), a.reg("x"), a.reg("scale"))
			fadd(a.reg("y"), a.reg("x"), a.reg("beta"))
		}}
	normalize.write()
	plain := normalize.body
	normalize.name, normalize.body = "normalizeReLUNEON", func(a *pass) {
		plain(a)
		fmax(a.reg("y"), a.reg("y"), a.reg("zero"))
	}
	normalize.write()
	columns{name: "normGradNEON", sig: "mean, scale, a, b, x, dy, dx []float32, rows int", args: []string{"mean", "scale", "a", "b", "x", "dy", "dx"},
		params: []string{"mean", "scale", "a", "b"}, in: []string{"x", "dy"}, out: []string{"dx"},
		body: func(a *pass) {
			fsub(a.reg("dx"), a.reg("dy"), a.reg("a"))
			fsub(a.reg("x"), a.reg("x"), a.reg("mean"))
			fmls(a.reg("dx"), a.reg("x"), a.reg("b"))
			fmul(a.reg("dx"), a.reg("dx"), a.reg("scale"))
		}}.write()
}

// statistics adds up what the screen shows of a step: the squares of the
// gradient, of the new weights w and of the update u.
func statistics(a *pass) {
	a.live("w")
	a.live("u")
	for _, x := range [][2]string{{"g2", "g"}, {"w2", "w"}, {"u2", "u"}} {
		fmla(a.reg(x[0]), a.reg(x[1]), a.reg(x[1]))
	}
}

// gradient is d = gscale·g + decay·w.
func gradient(a *pass) {
	fmul(a.reg("d"), a.reg("g"), a.reg("gscale"))
	fmla(a.reg("d"), a.reg("w"), a.reg("decay"))
}

func optimizers() {
	sgd := sweep{sums: []string{"g2", "w2", "u2"}, temps: []string{"d", "u"}, unroll: 2,
		args: []string{"w", "g"}, in: []string{"w", "g"}, out: []string{"w"}, scalars: []string{"lr", "decay", "gscale"},
		name: "sgdPlainNEON", sig: "w, g []float32, lr, decay, gscale float32 -> (g2, w2, u2 float32)"}
	update := func(a *pass) {
		fmul(a.reg("u"), a.reg("d"), a.reg("lr"))
		fsub(a.reg("w"), a.reg("w"), a.reg("u"))
		statistics(a)
	}
	sgd.body = func(a *pass) {
		gradient(a)
		update(a)
	}
	sgd.write()
	sgd.args = []string{"w", "g", "v"}
	sgd.in, sgd.out = sgd.args, []string{"w", "v"}
	sgd.scalars = []string{"lr", "momentum", "decay", "gscale"}
	sgd.name, sgd.sig = "sgdMomentumNEON", "w, g, v []float32, lr, momentum, decay, gscale float32 -> (g2, w2, u2 float32)"
	sgd.body = func(a *pass) {
		gradient(a)
		fmla(a.reg("d"), a.reg("v"), a.reg("momentum"))
		p("VMOV V%d.B16, V%d.B16", a.reg("d"), a.reg("v"))
		update(a)
	}
	sgd.write()
	sgd.name = "sgdNesterovNEON"
	sgd.body = func(a *pass) {
		gradient(a)
		fmul(a.reg("v"), a.reg("v"), a.reg("momentum"))
		fadd(a.reg("v"), a.reg("v"), a.reg("d"))
		fmla(a.reg("d"), a.reg("v"), a.reg("momentum"))
		update(a)
	}
	sgd.write()

	// Scalars: a1 = 1−beta1, a2 = 1−beta2.
	all := []string{"w", "g", "m", "v"}
	sweep{sums: []string{"g2", "w2", "u2"}, temps: []string{"d", "u"}, unroll: 2, args: all, in: all, out: []string{"w", "m", "v"},
		scalars: []string{"gscale", "decay", "a1", "beta2", "a2", "root", "eps", "shrink", "step"},
		name:    "adamNEON", sig: "w, g, m, v []float32, gscale, decay, a1, beta2, a2, root, eps, shrink, step float32 -> (g2, w2, u2 float32)",
		body: func(a *pass) {
			gradient(a)
			fsub(a.reg("u"), a.reg("d"), a.reg("m"))
			fmla(a.reg("m"), a.reg("u"), a.reg("a1"))
			fmul(a.reg("u"), a.reg("d"), a.reg("d"))
			fmul(a.reg("v"), a.reg("v"), a.reg("beta2"))
			fmla(a.reg("v"), a.reg("u"), a.reg("a2"))
			fsqrt(a.reg("u"), a.reg("v"))
			fmul(a.reg("u"), a.reg("u"), a.reg("root"))
			fadd(a.reg("u"), a.reg("u"), a.reg("eps"))
			fmul(a.reg("d"), a.reg("m"), a.reg("step"))
			fdiv(a.reg("d"), a.reg("d"), a.reg("u"))
			fmul(a.reg("u"), a.reg("w"), a.reg("shrink"))
			fsub(a.reg("d"), a.reg("u"), a.reg("d"))
			fsub(a.reg("u"), a.reg("d"), a.reg("w"))
			p("VMOV V%d.B16, V%d.B16", a.reg("d"), a.reg("w"))
			statistics(a)
		}}.write()
}
