package compute

// Room is about how many floats the kernels borrow for g's forward and backward
// passes beside what their workers scratch on: transformed weights, and sums of
// parts of the batch, where Winograd's convolution is taken.
func (g *Conv) Room() int {
	h, w := g.rowAxis(), g.colAxis()
	if !winogradFor(kernelInUse).fast || !g.winogradFits() || !winogradPays(g.N, h, w, g.C, g.F) {
		return 0
	}
	var t winogradTiles
	t.cut(g.N, g.OH, g.OW)
	panels := func(n int) int { return (n + tileWidth - 1) / tileWidth }
	// The weights as the forward pass and that of the data's gradient have them.
	room := 36 * max(panels(g.F)*winogradApart(g.C), panels(g.C)*winogradApart(g.F))
	if t.count <= winoFew {
		room = 36 * t.count * max(g.C, g.F)
	}
	if t.count <= winoAllTiles && panels(g.F) >= 4 {
		return max(room, 36*t.count*g.C)
	}
	return max(room, winogradParts(t.count)*panels(g.F)*36*(g.C*tileWidth+tileWidth))
}

// winogradParts is how many parts so many tiles are summed in.
func winogradParts(tiles int) int { return max(1, min(winoParts, tiles/winoPart)) }

// ReserveRoom makes room for kernels that borrow n floats, so that they need not
// give back a smaller room for a larger one again and again.
func ReserveRoom(n int) {
	if n == 0 {
		return
	}
	w := borrowWorker()
	w.Scratch(n)
	returnWorker(w)
}
