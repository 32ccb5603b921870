package compute

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Pool is a set of goroutines that share loops. The caller of a loop works
// too, so a pool of t threads has t−1 goroutines. After a loop they look out
// for the next one for a few microseconds, since the loops of a network follow
// each other closely, and then park, which costs nothing. A loop started from
// inside a loop, or while another goroutine has the pool, runs on its caller
// alone: nesting cannot deadlock.
//
// Every thread has a share of a loop's chunks that lie together, the same part
// of every loop, and takes from others only when its own are gone. What one loop
// writes the next mostly reads on the same core: between cores that do not share
// a last-level cache floats move at a third of the speed.
type Pool struct {
	busy    atomic.Bool
	caller  *Worker
	helpers []*helper
	spin    atomic.Bool // there is a core for every thread

	job    job
	shares []share // of the caller, then of each helper
	// gate is what the helpers watch: the number of the loop in the upper 32
	// bits, how many helpers are inside it in bits 1 to 31, and in bit 0
	// whether it may still be entered. A helper that comes late finds it shut,
	// so nobody waits for a goroutine that has not got a core.
	gate atomic.Uint64
	// asleep says that the caller waits on done for the last helper to leave.
	asleep atomic.Bool
	done   chan struct{} // capacity one
	fault  atomic.Pointer[fault]
}

const (
	gateOpen  = 1
	gateOne   = 2 // one helper inside
	gateCount = 1<<32 - gateOne
)

// spinRounds times spinPauses pauses are about 120 µs: longer than the stretches
// of a training step that one thread does alone, for waking a parked goroutine
// costs as much again.
const (
	spinRounds = 256
	spinPauses = 20
)

// Worker is one of a pool's goroutines as a loop body sees it.
type Worker struct {
	scratch []float32
	offsets []int32
	bytes   []byte
	spans   []span
	regions []region
	tile    tile
	kept    keptRows
	own     ownPanels
	cell    cellRows
	squares winogradSquares
	tasks   map[reflect.Type]any // recycled task of each argument type
	next    *Worker              // in the list of spare ones
}

// Scratch is n floats that are the worker's own until its loop body returns.
// They hold garbage. A second call gives the same memory again.
func (w *Worker) Scratch(n int) []float32 {
	if cap(w.scratch) < n {
		w.scratch = Alloc(n + min(n/4, 1<<14))
	}
	return w.scratch[:n]
}

// ownRoom is n floats of the worker's own for what it packed, beside Scratch.
// They stay as they are until the next call.
func (w *Worker) ownRoom(loop int64, j0, n int) []float32 {
	if cap(w.own.panels) < n {
		w.own.panels = Alloc(n)
	}
	w.own = ownPanels{loop, j0, w.own.panels[:n]}
	return w.own.panels
}

// Offsets is Scratch for n integers, beside the floats.
func (w *Worker) Offsets(n int) []int32 {
	if cap(w.offsets) < n {
		w.offsets = make([]int32, n+n/4)
	}
	return w.offsets[:n]
}

// Bytes is Scratch for n bytes, beside the floats.
func (w *Worker) Bytes(n int) []byte {
	if cap(w.bytes) < n {
		w.bytes = make([]byte, n+n/4)
	}
	return w.bytes[:n]
}

// spares are workers of loops that run on their caller alone, and memory for
// the length of a call. There are as many as were ever needed at once.
var spares struct {
	sync.Mutex
	first *Worker
}

// borrowWorker is a worker that nobody else uses until returnWorker.
func borrowWorker() *Worker {
	spares.Lock()
	w := spares.first
	if w != nil {
		spares.first = w.next
	}
	spares.Unlock()
	if w == nil {
		w = &Worker{}
	}
	return w
}

func returnWorker(w *Worker) {
	spares.Lock()
	w.next = spares.first
	spares.first = w
	spares.Unlock()
}

// job is the loop under way: chunks of grain below n.
type job struct {
	n, grain int
	task     task
}

// share is the chunks of one thread that nobody has taken yet: the first in
// the upper 32 bits, the end in the lower. It has a cache line, and the one
// that a processor fetches along with it, to itself.
type share struct {
	left atomic.Uint64
	_    [120]byte
}

// first takes the first chunk, for the thread whose share it is.
func (s *share) first() (int, bool) {
	for {
		v := s.left.Load()
		if v>>32 >= v&math.MaxUint32 {
			return 0, false
		}
		if s.left.CompareAndSwap(v, v+1<<32) {
			return int(v >> 32), true
		}
	}
}

// last takes the last chunk, for others: the one that its owner would come to last.
func (s *share) last() (int, bool) {
	for {
		v := s.left.Load()
		if v>>32 >= v&math.MaxUint32 {
			return 0, false
		}
		if s.left.CompareAndSwap(v, v-1) {
			return int(v&math.MaxUint32) - 1, true
		}
	}
}

type task interface{ run(w *Worker, lo, hi int) }

type fault struct {
	value any
	stack []byte
}

// helper is one goroutine of the pool.
type helper struct {
	number int // of its share
	worker Worker
	parked atomic.Bool
	quit   atomic.Bool
	wake   chan struct{} // capacity one
}

// NewPool starts a pool of that many threads; 0 takes one a core that the Go
// scheduler may use.
func NewPool(threads int) *Pool {
	p := &Pool{caller: &Worker{}, done: make(chan struct{}, 1)}
	p.SetThreads(threads)
	return p
}

// Threads is the number of threads that share a loop.
func (p *Pool) Threads() int {
	if p == nil {
		return 1
	}
	return len(p.helpers) + 1
}

// SetThreads changes the number of threads, between loops only. Results do
// not depend on it.
func (p *Pool) SetThreads(threads int) {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	for !p.busy.CompareAndSwap(false, true) {
		runtime.Gosched()
	}
	defer p.busy.Store(false)
	p.spin.Store(threads <= runtime.GOMAXPROCS(0))
	for len(p.helpers) < threads-1 {
		h := &helper{number: len(p.helpers) + 1, wake: make(chan struct{}, 1)}
		p.helpers = append(p.helpers, h)
		go p.help(h, p.gate.Load()>>32)
	}
	for len(p.helpers) > threads-1 {
		last := len(p.helpers) - 1
		h := p.helpers[last]
		h.quit.Store(true)
		h.rouse()
		p.helpers[last] = nil
		p.helpers = p.helpers[:last]
	}
	if len(p.shares) < threads {
		p.shares = make([]share, threads)
	}
}

// Close ends the pool's goroutines. Loops still run, on their caller.
func (p *Pool) Close() { p.SetThreads(1) }

// rouse wakes h if it is parked.
func (h *helper) rouse() {
	if h.parked.Load() && h.parked.CompareAndSwap(true, false) {
		h.wake <- struct{}{}
	}
}

// help is the life of a helper: wait for a loop that it has not seen, enter,
// work, leave. seen is the number of the last loop.
func (p *Pool) help(h *helper, seen uint64) {
	for {
		g, ok := p.await(h, seen)
		if !ok {
			return
		}
		if g&gateOpen == 0 {
			seen = g >> 32
			continue
		}
		if !p.gate.CompareAndSwap(g, g+gateOne) {
			continue
		}
		seen = g >> 32
		p.work(&h.worker, h.number)
		if p.gate.Add(^uint64(gateOne-1))&(gateCount|gateOpen) == 0 && p.asleep.CompareAndSwap(true, false) {
			p.done <- struct{}{}
		}
	}
}

// await returns the gate of a loop other than seen, or false if h must end.
func (p *Pool) await(h *helper, seen uint64) (uint64, bool) {
	for {
		rounds := 1
		if p.spin.Load() {
			rounds = spinRounds
		}
		for range rounds {
			if g := p.gate.Load(); g>>32 != seen {
				return g, !h.quit.Load()
			}
			spinPause(spinPauses)
		}
		if h.quit.Load() {
			return 0, false
		}
		// Say that we park, then look once more: a loop that began before it
		// could read that will not wake us.
		h.parked.Store(true)
		if p.gate.Load()>>32 != seen || h.quit.Load() {
			if h.parked.CompareAndSwap(true, false) {
				continue
			}
		}
		<-h.wake
	}
}

// work takes chunks until none is left: those of thread number me, then those
// of the threads after it. A panic is kept for the caller.
func (p *Pool) work(w *Worker, me int) {
	defer func() {
		if v := recover(); v != nil {
			p.fault.CompareAndSwap(nil, &fault{v, debug.Stack()})
			for i := range p.shares {
				p.shares[i].left.Store(0)
			}
		}
	}()
	j := &p.job
	for {
		c, ok := p.shares[me].first()
		for i := me + 1; !ok && i < me+len(p.shares); i++ {
			c, ok = p.shares[i%len(p.shares)].last()
		}
		if !ok {
			return
		}
		lo := c * j.grain
		j.task.run(w, lo, min(lo+j.grain, j.n))
	}
}

type forTask[A any] struct {
	args A
	body func(a *A, w *Worker, lo, hi int)
}

func (t *forTask[A]) run(w *Worker, lo, hi int) { t.body(&t.args, w, lo, hi) }

// recycled is w's task for arguments of type A.
func recycled[A any](w *Worker) *forTask[A] {
	t, _ := w.tasks[reflect.TypeFor[A]()].(*forTask[A])
	if t == nil {
		t = &forTask[A]{}
		if w.tasks == nil {
			w.tasks = map[reflect.Type]any{}
		}
		w.tasks[reflect.TypeFor[A]()] = t
	}
	return t
}

// For calls body for [0, n) in chunks of grain, each once, on p's threads,
// and returns when all are done. The chunks depend on n and grain alone. args
// is copied, so a body that is a plain function or captures nothing makes no
// garbage. A body's panic is handed to the caller. A nil pool is one thread.
func For[A any](p *Pool, n, grain int, args A, body func(a *A, w *Worker, lo, hi int)) {
	if n <= 0 {
		return
	}
	grain = max(grain, 1)
	if p == nil || !p.busy.CompareAndSwap(false, true) {
		serial(n, grain, &args, body)
		return
	}
	t := recycled[A](p.caller)
	t.args, t.body = args, body
	p.share(n, grain, t)
	var none A
	t.args = none
	f := p.fault.Swap(nil)
	p.busy.Store(false)
	if f != nil {
		panic(fmt.Sprintf("%v\n\n%s", f.value, f.stack))
	}
}

// share runs t's chunks on all threads.
func (p *Pool) share(n, grain int, t task) {
	chunks := (n + grain - 1) / grain
	p.job = job{n: n, grain: grain, task: t}
	helpers := min(len(p.helpers), chunks-1)
	for i := range p.shares {
		lo, hi := i*chunks/(helpers+1), (i+1)*chunks/(helpers+1)
		p.shares[i].left.Store(uint64(min(lo, chunks))<<32 | uint64(min(hi, chunks)))
	}
	if helpers <= 0 {
		p.work(p.caller, 0)
		return
	}
	p.gate.Store((p.gate.Load()>>32+1)<<32 | gateOpen)
	for _, h := range p.helpers[:helpers] {
		h.rouse()
	}
	p.work(p.caller, 0)
	// All chunks are taken: shut the gate, then wait for those inside.
	p.gate.Add(^uint64(gateOpen - 1))
	if p.spin.Load() {
		for i := 0; i < spinRounds && p.gate.Load()&gateCount != 0; i++ {
			spinPause(spinPauses)
		}
	}
	for p.gate.Load()&gateCount != 0 {
		// Say that we sleep, then look once more: a helper that left before it
		// could read that will not wake us. One that left an earlier loop may,
		// so look again after waking.
		p.asleep.Store(true)
		if p.gate.Load()&gateCount == 0 && p.asleep.CompareAndSwap(true, false) {
			return
		}
		<-p.done
	}
}

// serial is For on the caller alone, with the same chunks.
func serial[A any](n, grain int, args *A, body func(a *A, w *Worker, lo, hi int)) {
	w := borrowWorker()
	t := recycled[A](w)
	t.args, t.body = *args, body
	defer finishSerial(w, t)
	for lo := 0; lo < n; lo += grain {
		t.run(w, lo, min(lo+grain, n))
	}
}

func finishSerial[A any](w *Worker, t *forTask[A]) {
	var none A
	t.args = none
	returnWorker(w)
}
