package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"layercake/layers"
)

// noOverlap fails when two buffers that live at one time share memory.
func noOverlap(t *testing.T, bs []buffer, arena int64) {
	t.Helper()
	for i, a := range bs {
		if a.offset < 0 || a.offset+a.size > arena {
			t.Fatalf("buffer %d %+v lies outside of an arena of %d", i, a, arena)
		}
		if a.from > a.to {
			t.Fatalf("buffer %d %+v ends before it starts", i, a)
		}
		for j, b := range bs[:i] {
			if a.size > 0 && b.size > 0 && a.from <= b.to && b.from <= a.to && a.offset < b.offset+b.size && b.offset < a.offset+a.size {
				t.Fatalf("buffers %d %+v and %d %+v overlap", j, b, i, a)
			}
		}
	}
}

func TestPlacementNeverOverlaps(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	for range 300 {
		bs := make([]buffer, 1+r.IntN(60))
		for i := range bs {
			from := r.Int32N(40)
			bs[i] = buffer{size: int64(r.IntN(9)) * line, from: from, to: from + r.Int32N(20)}
		}
		bound := liveBound(bs)
		for name, place := range map[string]func([]buffer) int64{
			"by time": placeByTime,
			"by size": placeBySize,
			"best":    func(bs []buffer) int64 { return placeBuffers(bs, false) },
			"apart":   func(bs []buffer) int64 { return placeBuffers(bs, true) },
		} {
			arena := place(bs)
			if arena < bound {
				t.Fatalf("%s: an arena of %d, but %d are live at once", name, arena, bound)
			}
			noOverlap(t, bs, arena)
		}
	}
}

func TestPlansNeverOverlap(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 3))
		g := randomNet(r, 1+r.IntN(40))
		for _, train := range []bool{false, true} {
			m := planProgram(g, planOptions{batch: 1 + r.IntN(5), train: train, inputGrads: r.IntN(2) == 0})
			noOverlap(t, m.buffers, m.arena)
			noOverlap(t, m.marks, m.marksArena)
		}
	}
}

// A chain of n layers run for inference needs two values at a time.
func TestInferenceNeedsTwoValues(t *testing.T) {
	net := newToyNet(1, line)
	at := 0
	for range 20 {
		at = net.add("square", 0, at)
	}
	m := planMemory(net.g, 3, false)
	if want := int64(3 * 3 * line); m.arena != want { // the input stays beside them
		t.Errorf("%d floats, want %d", m.arena, want)
	}
	if m.ActivationBytes() != int64(4*3*3*line) || m.Bytes() != m.ActivationBytes() {
		t.Errorf("%d and %d bytes", m.ActivationBytes(), m.Bytes())
	}
}

// A residual stack hands gradients down without copies and adds into them.
func TestResidualGradientsAreNotCopied(t *testing.T) {
	net := newToyNet(1, line)
	at := net.add("mat", line, 0)
	for range 5 {
		a := net.add("tanh", 0, net.add("mat", line, at))
		b := net.add("mat", line, a)
		at = net.add("tanh", 0, net.add("sum", 0, b, at))
	}
	m := planMemory(net.g, 1, true)
	for _, op := range m.ops {
		if op.kind != opLayer {
			t.Errorf("node %s: an act of kind %d", net.g.Nodes[op.node].Name, op.kind)
		}
	}
}

func TestSizesThatOverflow(t *testing.T) {
	if satMul(1<<40, 1<<40) != math.MaxInt64 || satAdd(math.MaxInt64, 5) != math.MaxInt64 || roundUp(math.MaxInt64-3, 16) != math.MaxInt64 {
		t.Error("a size wraps around")
	}
	net := newToyNet(1, 1<<20)
	at := 0
	for range 100 {
		at = net.add("square", 0, at)
	}
	net.g.Nodes[at].Plan.Marks = layers.Room{PerSample: 1 << 40}
	if m := planMemory(net.g, 1<<40, true); m.Bytes() != math.MaxInt64 {
		t.Errorf("%d bytes", m.Bytes())
	}
}

func TestByteSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1500: "1.5 kB", 8 << 30: "8.6 GB", math.MaxInt64: "more than 8 EB"} {
		if got := byteSize(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
