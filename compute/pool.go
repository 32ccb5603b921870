package compute

import (
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// Pool is a set of goroutines that share loops. The caller of a loop works
// too, so a pool of t threads parks t−1 goroutines, which cost nothing while
// they wait. A loop started from inside a loop, or while another goroutine
// has the pool, runs on its caller alone: nesting cannot deadlock.
type Pool struct {
	busy    atomic.Bool
	workers []*Worker // workers[0] is the caller's
	threads int

	job   job
	next  atomic.Int64
	left  atomic.Int64 // helpers that have not finished the job
	wake  []chan struct{}
	done  chan struct{}
	fault atomic.Pointer[fault]

	tasks map[reflect.Type]any // recycled task of each argument type
}

// Worker is one of a pool's goroutines as a loop body sees it.
type Worker struct {
	scratch []float32
}

// Scratch is n floats that are the worker's own until its loop body returns.
// They hold garbage. A second call gives the same memory again.
func (w *Worker) Scratch(n int) []float32 {
	if cap(w.scratch) < n {
		w.scratch = make([]float32, n+n/4)
	}
	return w.scratch[:n]
}

// job is the loop under way: chunks of grain below n.
type job struct {
	n, grain int
	chunks   int64
	task     task
}

type task interface{ run(w *Worker, lo, hi int) }

type fault struct {
	value any
	stack []byte
}

// NewPool starts a pool of that many threads; 0 takes one a core that the Go
// scheduler may use.
func NewPool(threads int) *Pool {
	p := &Pool{done: make(chan struct{}, 1), tasks: map[reflect.Type]any{}}
	p.SetThreads(threads)
	return p
}

// Threads is the number of threads that share a loop.
func (p *Pool) Threads() int { return p.threads }

// SetThreads changes the number of threads, between loops only. Results do
// not depend on it.
func (p *Pool) SetThreads(threads int) {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	p.lock()
	defer p.busy.Store(false)
	for len(p.workers) < threads {
		p.workers = append(p.workers, &Worker{})
	}
	for len(p.wake) < threads-1 {
		c := make(chan struct{}, 1)
		p.wake = append(p.wake, c)
		go p.help(p.workers[len(p.wake)], c)
	}
	for len(p.wake) > threads-1 {
		last := len(p.wake) - 1
		close(p.wake[last])
		p.wake = p.wake[:last]
	}
	p.workers = p.workers[:threads]
	p.threads = threads
}

// Close ends the pool's goroutines. Loops still run, on their caller.
func (p *Pool) Close() { p.SetThreads(1) }

func (p *Pool) lock() {
	for !p.busy.CompareAndSwap(false, true) {
		runtime.Gosched()
	}
}

func (p *Pool) help(w *Worker, wake chan struct{}) {
	for range wake {
		p.work(w)
		if p.left.Add(-1) == 0 {
			p.done <- struct{}{}
		}
	}
}

// work takes chunks until none is left. A panic is kept for the caller.
func (p *Pool) work(w *Worker) {
	defer func() {
		if v := recover(); v != nil {
			p.fault.CompareAndSwap(nil, &fault{v, debug.Stack()})
			p.next.Store(p.job.chunks)
		}
	}()
	j := &p.job
	for {
		c := p.next.Add(1) - 1
		if c >= j.chunks {
			return
		}
		lo := int(c) * j.grain
		j.task.run(w, lo, min(lo+j.grain, j.n))
	}
}

type forTask[A any] struct {
	args A
	body func(a *A, w *Worker, lo, hi int)
}

func (t *forTask[A]) run(w *Worker, lo, hi int) { t.body(&t.args, w, lo, hi) }

// For calls body for [0, n) in chunks of grain, each once, on p's threads,
// and returns when all are done. The chunks depend on n and grain alone. args
// is copied, so a body that is a plain function or captures nothing makes no
// garbage. A body's panic is handed to the caller. A nil pool is one thread.
func For[A any](p *Pool, n, grain int, args A, body func(a *A, w *Worker, lo, hi int)) {
	if n <= 0 {
		return
	}
	grain = max(grain, 1)
	chunks := (n + grain - 1) / grain
	if p == nil || !p.busy.CompareAndSwap(false, true) {
		serial(&Worker{}, n, grain, args, body)
		return
	}
	t, _ := p.tasks[reflect.TypeFor[A]()].(*forTask[A])
	if t == nil {
		t = &forTask[A]{}
		p.tasks[reflect.TypeFor[A]()] = t
	}
	t.args, t.body = args, body
	p.job = job{n: n, grain: grain, chunks: int64(chunks), task: t}
	p.next.Store(0)
	helpers := min(len(p.wake), chunks-1)
	p.left.Store(int64(helpers))
	for _, c := range p.wake[:helpers] {
		c <- struct{}{}
	}
	p.work(p.workers[0])
	if helpers > 0 {
		<-p.done
	}
	var none A
	t.args = none
	f := p.fault.Swap(nil)
	p.busy.Store(false)
	if f != nil {
		panic(fmt.Sprintf("%v\n\n%s", f.value, f.stack))
	}
}

// serial is For on the caller alone, with the same chunks.
func serial[A any](w *Worker, n, grain int, args A, body func(a *A, w *Worker, lo, hi int)) {
	a := &args
	for lo := 0; lo < n; lo += grain {
		body(a, w, lo, min(lo+grain, n))
	}
}
