package compute

import "testing"

// What Room says is what the kernels borrow, give or take what workers scratch on.
func TestRoomIsWhatKernelsBorrow(t *testing.T) {
	if !winogradFor(kernelInUse).fast {
		t.Skip("no kernel here that borrows")
	}
	for _, s := range []struct{ n, side, c, f int }{
		{64, 32, 16, 16}, {64, 16, 32, 32}, {64, 8, 64, 64}, {16, 16, 64, 64}, {4, 8, 128, 128}, {2, 56, 64, 32}, {8, 14, 24, 72},
	} {
		g := Conv{N: s.n, H: s.side, W: s.side, C: s.c, F: s.f, KH: 3, KW: 3, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1,
			PadTop: 1, PadBottom: 1, PadLeft: 1, PadRight: 1, Groups: 1, OH: s.side, OW: s.side}
		x, y, w := make([]float32, s.n*s.side*s.side*s.c), make([]float32, s.n*s.side*s.side*s.f), make([]float32, 9*s.c*s.f)
		most := borrowed(func(p *Pool) {
			ConvForward(p, &g, x, w, y, Epilogue{})
			ConvBackwardData(p, &g, y, w, x, false)
			ConvBackwardWeights(p, &g, x, y, w, false)
		})
		if room := g.Room(); room == 0 || most < room || most > room+room/4+1<<17 {
			t.Errorf("%+v: %d floats are borrowed, Room says %d", s, most, room)
		}
	}
	g := Conv{N: 64, H: 32, W: 32, C: 16, F: 16, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1, Groups: 1, OH: 32, OW: 32}
	if g.Room() != 0 {
		t.Errorf("a product borrows %d", g.Room())
	}
}

// borrowed is the most floats that a worker scratched on whom f borrowed.
func borrowed(f func(*Pool)) int {
	spares.Lock()
	kept := spares.first
	spares.first = nil
	spares.Unlock()
	p := NewPool(2)
	f(p)
	p.Close()
	spares.Lock()
	defer spares.Unlock()
	most := 0
	for w := spares.first; w != nil; w = w.next {
		most = max(most, cap(w.scratch))
	}
	spares.first = kept
	return most
}
