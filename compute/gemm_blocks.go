package compute

import "sync/atomic"

// Block sizes. Rows of A that lie in memory as they came, a convolution's, meet
// panels of B of sixteen columns and kcMost steps. A packed block of A, rowsMost
// rows and kcPacked steps, waits in the second-level cache, while a panel of B
// and a panel of A as deep share the first. packMost floats of B are packed at
// a time, for which the last level has room, and copyMost of A, which the
// second holds.
var kcMost, kcPacked, rowsMost, packMost, copyMost = blockSizes(machineCaches())

const (
	mcFew     = 24 // up to so many rows B is used as it lies
	mcLeast   = 96
	mcPanels  = 48          // fewer rows are not packed together
	mcLocal   = 192         // up to so many rows a task packs its own panels of B
	mulTask   = 1 << 20     // multiply-adds that make a chunk worth handing out
	rowsTask  = mulTask / 6 // and a chunk of rows that share panels of B
	mulInline = 1 << 15     // below so many nobody is woken
	packTask  = 1 << 13     // floats that make a chunk of packing
	packLeast = 16          // panels of B that make it worth to pack A
	packGroup = 4           // panels of B that are packed side by side
	tasksMost = 16          // as many tasks share out a product evenly enough
	ownLeast  = 64          // rows or columns a thread that make up for panels of its own
)

// gemmArgs is a product, or one block of k of it, as the workers see it.
type gemmArgs struct {
	kern     *gemmKernel
	ta, tb   bool
	m, n, k  int
	a, b, c  []float32
	lda, ldb int
	ldc      int
	e        Epilogue

	k0, k1     int       // the steps that the tasks cover
	kc         int       // most steps of a block
	j0, j1     int       // columns of C that the tasks cover
	packed     []float32 // their panels of B, block of k by block; nil: none
	packedA    []float32 // all of A in panels, block of k by block; nil: none
	rows       int       // rows a task
	panels     int       // panels a task
	colGroups  int       // tasks side by side
	rowBlocks  int       // tasks one above the other
	own        bool      // each thread packs B for its tasks, which are numbered column by column
	ownA       bool      // each thread packs all of A
	packA      bool      // tasks pack their rows of A
	copyA      bool      // tasks copy their columns of a transposed A
	packInTask bool      // tasks pack their panels of B
	loop       int64     // of which loop over tasks this is, for keptRows and ownPanels
}

// keptRows says which rows of A lie packed in a worker's scratch memory: those
// from i0, steps from k0, of one loop over tasks.
type keptRows struct {
	loop   int64
	i0, k0 int
}

// ownPanels says what lies packed in a worker's own memory: the panels of B
// from column j0, or all of A, of one loop over tasks.
//
// What one core writes and another reads, and writes anew the next time, costs
// far more than packing: on a Zen 3, 64K floats were packed in 11 µs by one
// thread and in 47 by two that had both read them before. So threads share
// panels only where each would pack too much.
type ownPanels struct {
	loop   int64
	j0     int
	panels []float32
}

// taskLoops numbers the loops over tasks that keep what they packed.
var taskLoops atomic.Int64

// gemmWith is Gemm with a given kernel.
//
// C is cut into tasks by rows and panels of sixteen columns, k into blocks.
// With few rows B is used as it lies. With some more, each task packs its own
// panels of B, since nobody else reads them, if B lies by row while it computes
// the first rows. With many, B is packed before the
// tasks start, and a task packs its rows of A where that pays.
func gemmWith(kern *gemmKernel, p *Pool, ta, tb bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, e Epilogue) {
	if m <= 0 || n <= 0 {
		return
	}
	g := gemmArgs{kern: kern, ta: ta, tb: tb, m: m, n: n, k: k, a: a, b: b, c: c, lda: lda, ldb: ldb, ldc: ldc, e: e, k1: k, j1: n, kc: kcMost}
	depth := max(k, 1)
	if m*n*depth < mulInline {
		p = nil
	}
	if gemmSplit(p, &g) {
		return
	}
	switch {
	case !tb && (m <= mcFew || n <= 4*tileWidth && k*ldb <= 4096):
		g.copyA = g.stepsApart()
		g.share(p, depth)
	case g.few():
		g.packInTask = true
		g.shareFew(p)
	default:
		g.chooseA()
		panels := (n + tileWidth - 1) / tileWidth
		wide := panels
		switch {
		case g.packA:
			// Block of k by block, so that rows of A stay packed.
			depth = min(depth, g.kc)
		case k*n > packMost:
			depth = min(depth, max(g.kc, packMost/n/g.kc*g.kc))
		}
		if depth*n > packMost {
			wide = max(packGroup, packMost/(depth*tileWidth))
		}
		shared := borrowWorker()
		for j := 0; j < panels; j += wide {
			np := min(wide, panels-j)
			g.j0, g.j1 = j*tileWidth, min(n, (j+np)*tileWidth)
			for k0 := 0; k0 < max(k, 1); k0 = max(g.k1, 1) {
				g.k0, g.k1 = k0, blockEnd(k0, k, depth)
				kl := g.k1 - g.k0
				g.cut(kl)
				if g.own = g.ownB(p, kl); !g.own {
					g.packed = shared.Scratch(np * kl * tileWidth)
					For(p, np, packGrain(kl), g, packPanels)
				}
				For(p, g.rowBlocks*g.colGroups, 1, g, gemmTask)
			}
		}
		returnWorker(shared)
	}
}

// few says that A has so few rows that a task takes them all: a panel of B is
// then read by one task alone.
func (g *gemmArgs) few() bool {
	return g.m <= rowsMost || g.m <= mcLocal && g.m*g.k <= copyMost
}

// stepsApart says that steps of A's columns lie so far apart that they share
// few places in the caches.
func (g *gemmArgs) stepsApart() bool { return g.k > 0 && g.ta && g.lda >= 512 }

// chooseA chooses how tasks read A: as it lies, copied together, or packed in
// panels, which has to be made up for by what is read faster.
func (g *gemmArgs) chooseA() {
	apart := g.stepsApart()
	if g.k > 0 && g.n > (packLeast-1)*tileWidth || apart && g.n > tileWidth {
		g.packA, g.kc = true, kcPacked
	} else {
		g.copyA = apart
	}
}

// shareFew cuts a C of few rows into panels, some a task, and runs them. An A
// by column is packed before.
func (g *gemmArgs) shareFew(p *Pool) {
	panels := (g.n + tileWidth - 1) / tileWidth
	g.rows = g.m
	g.panels = min(panels, max(packGroup, mulTask/(g.m*max(g.k, 1)*tileWidth)))
	g.rowBlocks, g.colGroups = 1, (panels+g.panels-1)/g.panels
	if !g.ta || panels < packGroup || g.k == 0 {
		For(p, g.colGroups, 1, *g, gemmTask)
		return
	}
	if t := p.Threads(); t > 1 && g.colGroups > 1 && g.m*g.k <= copyMost && g.n >= t*ownLeast {
		g.ownA, g.loop = true, taskLoops.Add(1)
		For(p, g.colGroups, 1, *g, gemmTask)
		return
	}
	shared := borrowWorker()
	g.packedA = shared.Scratch(g.m*g.k + packSlack)
	For(p, (g.m+g.kern.rows-1)/g.kern.rows, max(1, packTask/(g.k*g.kern.rows)), *g, packStrips)
	For(p, g.colGroups, 1, *g, gemmTask)
	returnWorker(shared)
}

// share cuts columns j0 to j1 of C into tasks and runs them, depth steps of k.
func (g *gemmArgs) share(p *Pool, depth int) {
	g.cut(depth)
	For(p, g.rowBlocks*g.colGroups, 1, *g, gemmTask)
}

// ownB says that the threads pack the panels of B that they need, each for
// itself, depth steps deep.
func (g *gemmArgs) ownB(p *Pool, depth int) bool {
	t := p.Threads()
	return t > 1 && g.rowBlocks*g.colGroups > 1 && g.panels*tileWidth*depth <= copyMost && g.m*g.colGroups >= t*ownLeast
}

// cut cuts columns j0 to j1 of C into tasks; each has depth steps of k.
func (g *gemmArgs) cut(depth int) {
	n := g.j1 - g.j0
	panels := (n + tileWidth - 1) / tileWidth
	depth = max(depth, 1)
	tasks := min(tasksMost, max(1, g.m*n*depth/mulTask))
	if g.packA {
		blocks := (g.m + rowsMost - 1) / rowsMost
		if panels < packLeast {
			// Rows make the tasks: as many for one of two or four threads as
			// for another.
			blocks = roundUp(max(blocks, min(tasks, g.m/mcPanels)&^3), 4)
		}
		g.rows = min(rowsMost, roundUp((g.m+blocks-1)/blocks, g.kern.rows))
	} else {
		g.rows = max(mcLeast, roundUp(rowsTask/(n*depth), 6))
		if g.copyA {
			// A quarter of the second level is reread sooner than half of it.
			g.rows = max(mcLeast, min(g.rows, roundUp(copyMost/2/min(depth, g.kc), 6)))
		}
		// Tasks of one size, as many for one of two or four threads as for another:
		// else one of them would wait.
		blocks := (g.m + g.rows - 1) / g.rows
		if blocks > 2 {
			blocks = roundUp(blocks, 4)
		}
		g.rows = min(g.m, roundUp((g.m+blocks-1)/blocks, g.kern.rows))
	}
	blocks := (g.m + g.rows - 1) / g.rows
	groups := (tasks + blocks - 1) / blocks
	g.panels = (panels + groups - 1) / groups
	if g.packA {
		// A task that another thread takes over packs its rows again, its
		// neighbour on the same thread does not.
		if panels >= packLeast && groups == 1 {
			g.panels = (panels + 1) / 2
		}
		g.panels = max(g.panels, min(panels, packLeast/2))
	}
	g.rowBlocks, g.colGroups = blocks, (panels+g.panels-1)/g.panels
	g.loop = taskLoops.Add(1)
}

// blockEnd is where the block that starts at k0 ends: what is left, cut into
// equal parts of at most most.
func blockEnd(k0, k, most int) int {
	left := k - k0
	if left <= most {
		return k
	}
	parts := (left + most - 1) / most
	return k0 + roundUp((left+parts-1)/parts, 8)
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// gemmTask computes blocks of C, numbered row by row, or column by column where
// a thread packs columns of B for itself.
func gemmTask(g *gemmArgs, w *Worker, lo, hi int) {
	for t := lo; t < hi; t++ {
		i, j := t/g.colGroups, t%g.colGroups
		if g.own {
			i, j = t%g.rowBlocks, t/g.rowBlocks
		}
		i0 := i * g.rows
		i1 := min(i0+g.rows, g.m)
		j0 := g.j0 + j*g.panels*tileWidth
		j1 := min(j0+g.panels*tileWidth, g.j1)
		if g.own && (w.own.loop != g.loop || w.own.j0 != j0) {
			lo, hi := j*g.panels, (j1-g.j0+tileWidth-1)/tileWidth
			g.packBlocks(w.ownRoom(g.loop, j0, (hi-lo)*tileWidth*(g.k1-g.k0)), lo, hi)
		}
		if g.ownA && w.own.loop != g.loop {
			g.packStripBlocks(w.ownRoom(g.loop, 0, g.m*g.k+packSlack), 0, (g.m+g.kern.rows-1)/g.kern.rows)
		}
		for k0 := g.k0; k0 < max(g.k1, 1); {
			k1 := blockEnd(k0, g.k1, g.kc)
			g.block(w, i0, i1, j0, j1, k0, k1)
			k0 = max(k1, 1)
		}
	}
}

// block adds the products of one block of k to rows i0 to i1 and columns j0
// to j1 of C.
func (g *gemmArgs) block(w *Worker, i0, i1, j0, j1, k0, k1 int) {
	m, kl := i1-i0, k1-k0
	t := &w.tile
	off := w.Offsets(2 * m)
	*t = tile{a: g.a, aoff: off[:m], coff: off[m:], m: m, outs: 1, segs: 1, kl: kl}
	if kl == 0 {
		t.segs = 0
	}
	room, group := 0, packGroup
	fuse := g.fuses(m)
	if fuse {
		group = 1
	}
	if g.packInTask {
		room = min((j1-j0+tileWidth-1)/tileWidth, group) * kl * tileWidth
	}
	whole, run, full := g.placeA(w, i0, m, k0, k1, room)
	rowOffsets(t.coff, g.ldc)
	first, last := k0 == 0, k1 == g.k
	t.add = g.e.Add || !first
	t.relu, t.ceil = g.e.ReLU && last, g.e.Ceil
	t.bstep = tileWidth
	if g.packed == nil && !g.own && !g.packInTask {
		t.bstep = g.ldb
	}
	for j := j0; j < j1; j += tileWidth {
		t.cols = min(tileWidth, g.n-j)
		t.c = g.c[i0*g.ldc+j:]
		t.bias = nil
		if last && g.e.Bias != nil {
			t.bias = g.e.Bias[j:g.n]
		}
		done := 0
		switch {
		case kl == 0:
		case g.own:
			t.b = w.own.panels[(k0-g.k0)*roundUp(j1-w.own.j0, tileWidth)+(j-w.own.j0)*kl:]
		case g.packed != nil:
			t.b = g.packed[(k0-g.k0)*roundUp(g.j1-g.j0, tileWidth)+(j-g.j0)*kl:]
		case fuse && t.cols == tileWidth:
			done = g.kern.rows
			t.b = w.Scratch(room)
			g.packWhileFirst(t, g.b[k0*g.ldb+j:])
		case g.packInTask:
			in := (j - j0) / tileWidth % group
			if in == 0 {
				lo := (j - g.j0) / tileWidth
				left := (j1 - j + tileWidth - 1) / tileWidth
				g.packB(w.Scratch(room), lo, lo+min(left, group), k0, k1)
			}
			t.b = w.Scratch(room)[in*kl*tileWidth:]
		default:
			t.b = g.b[k0*g.ldb+j:]
		}
		body := run
		if t.cols == tileWidth {
			body = full
		}
		if whole == m && done == 0 {
			body(t)
			continue
		}
		// The last panel of A is wider than those before it.
		a, aoff, coff, step := t.a, t.aoff, t.coff, t.astep
		if done < whole {
			t.m, t.aoff, t.coff = whole-done, aoff[done:whole], coff[done:whole]
			if g.strips() {
				// Panels follow each other from where A begins.
				t.a, t.aoff = a[done*kl:], aoff[:whole-done]
			}
			body(t)
		}
		if whole < m {
			t.a, t.m, t.aoff, t.coff, t.astep = a, m-whole, aoff[whole:], coff[whole:], m-whole
			run(t)
		}
		t.a, t.m, t.aoff, t.coff, t.astep = a, m, aoff, coff, step
	}
	*t = tile{}
}

// fuses says that a task packs panels of B while it computes their first tile:
// B lies by row, and there are rows left that read the panel.
func (g *gemmArgs) fuses(m int) bool {
	return g.packInTask && !g.tb && m >= 2*g.kern.rows && g.k > 0 && g.kern.rowPack != nil && (!g.ta || g.strips())
}

// strips says that all of A is packed before the tasks' first block.
func (g *gemmArgs) strips() bool { return g.packedA != nil || g.ownA }

// packWhileFirst computes the first rows of t from a B that lies by row, and
// packs it where t's is wanted.
func (g *gemmArgs) packWhileFirst(t *tile, b []float32) {
	whole, rows, panel := *t, g.kern.rows, t.b[:t.kl*tileWidth]
	t.m, t.aoff, t.coff = rows, t.aoff[:rows], t.coff[:rows]
	t.b, t.bstep = b[:(t.kl-1)*g.ldb+tileWidth], g.ldb
	if g.strips() {
		g.kern.panelPack(t, &panel[0])
	} else {
		g.kern.rowPack(t, &panel[0])
	}
	*t = whole
}

// placeA tells the worker's tile where m rows of A from i0 lie, steps k0 to k1,
// after packing or copying them behind room floats of scratch memory. It is how
// many rows come before the last panel if that is wider, the kernel for any
// tile, and the one for whole tiles of a packed B.
func (g *gemmArgs) placeA(w *Worker, i0, m, k0, k1, room int) (whole int, run, full func(t *tile)) {
	t, kl := &w.tile, k1-k0
	switch {
	case g.packedA != nil:
		t.a = g.packedA[m*k0:]
	case g.ownA:
		t.a = w.own.panels[m*k0:]
	case g.packA:
		t.a = w.Scratch(m*kl + packSlack)
		// The task before was mostly this one's neighbour in the same rows.
		if now := (keptRows{g.loop, i0, k0}); w.kept != now {
			g.packRowsOfA(t.a, i0, m, 0, m, k0, k1)
			w.kept = now
		}
	case g.copyA:
		t.a, t.astep = g.copyBlock(w.Scratch(room + (m+8)*kl)[room:], i0, m, k0, k1)
		rowOffsets(t.aoff, 1)
		return m, g.kern.byCol, g.kern.byCol
	case g.ta:
		t.a0, t.astep = k0*g.lda+i0, g.lda
		rowOffsets(t.aoff, 1)
		return m, g.kern.byCol, g.kern.byCol
	default:
		t.a0 = i0*g.lda + k0
		rowOffsets(t.aoff, g.lda)
		return m, g.kern.byRow, g.kern.byRun
	}
	t.astep = g.kern.rows
	return g.kern.panelOffsets(t.aoff, kl), g.kern.byCol, g.kern.byPanel
}

// rowOffsets fills in where rows begin that lie step apart.
func rowOffsets(off []int32, step int) {
	for i := range off {
		off[i] = int32(i * step)
	}
}

// Long thin products, as weight gradients are, leave too few tiles to share:
// then k is cut into parts of splitLen, each summed for itself, and the parts
// are added in order. Whether it is done depends on sizes alone.
const splitLen = 2048

func gemmSplit(p *Pool, g *gemmArgs) bool {
	if g.k < 2*splitLen || g.m*g.n > 64*mcLeast*2 {
		return false
	}
	parts := min(16, g.k/splitLen)
	shared := borrowWorker()
	defer returnWorker(shared)
	sums := shared.Scratch(parts * g.m * g.n)
	For(p, parts, 1, splitArgs{*g, sums, parts}, splitTask)
	For(p, g.m, max(1, 16384/(g.n*parts)), splitArgs{*g, sums, parts}, splitSum)
	return true
}

type splitArgs struct {
	g     gemmArgs
	sums  []float32
	parts int
}

func splitTask(s *splitArgs, w *Worker, lo, hi int) {
	g := &s.g
	for q := lo; q < hi; q++ {
		k0, k1 := q*g.k/s.parts, (q+1)*g.k/s.parts
		a, b := g.a, g.b
		if g.ta {
			a = a[k0*g.lda:]
		} else {
			a = a[k0:]
		}
		if g.tb {
			b = b[k0:]
		} else {
			b = b[k0*g.ldb:]
		}
		gemmWith(g.kern, nil, g.ta, g.tb, g.m, g.n, k1-k0, a, g.lda, b, g.ldb, s.sums[q*g.m*g.n:(q+1)*g.m*g.n], g.n, Epilogue{})
	}
}

// splitSum adds the parts of rows lo to hi in order and finishes them.
func splitSum(s *splitArgs, w *Worker, lo, hi int) {
	g := &s.g
	mn := g.m * g.n
	for i := lo; i < hi; i++ {
		c := g.c[i*g.ldc : i*g.ldc+g.n]
		for j := range c {
			v := float32(0)
			for q := 0; q < s.parts; q++ {
				v += s.sums[q*mn+i*g.n+j]
			}
			if g.e.Bias != nil {
				v += g.e.Bias[j]
			}
			if g.e.Add {
				v += c[j]
			}
			if g.e.ReLU {
				v = g.e.clamp(v)
			}
			c[j] = v
		}
	}
}
