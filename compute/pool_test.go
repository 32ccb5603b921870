package compute

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"layercake/internal/allocs"
)

type countArgs struct{ seen []atomic.Int32 }

func countChunk(a *countArgs, w *Worker, lo, hi int) {
	for i := lo; i < hi; i++ {
		a.seen[i].Add(1)
	}
}

// TestForOnce: every index once, for sizes around the grain and any number of
// threads, more than there are cores included.
func TestForOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 7} {
		p := NewPool(threads)
		for _, n := range []int{0, 1, 2, 9, 10, 11, 1000} {
			for _, grain := range []int{0, 1, 3, 10, 2000} {
				seen := make([]atomic.Int32, n)
				For(p, n, grain, countArgs{seen}, countChunk)
				for i := range seen {
					if c := seen[i].Load(); c != 1 {
						t.Fatalf("%d threads, n %d, grain %d: index %d seen %d times", threads, n, grain, i, c)
					}
				}
			}
		}
		p.Close()
	}
}

type chunkArgs struct {
	mu     *sync.Mutex
	chunks map[[2]int]int
}

// TestForChunks: the bounds of the chunks depend on n and grain alone.
func TestForChunks(t *testing.T) {
	for _, p := range []*Pool{nil, NewPool(1), NewPool(4)} {
		a := chunkArgs{new(sync.Mutex), map[[2]int]int{}}
		For(p, 10, 4, a, func(a *chunkArgs, w *Worker, lo, hi int) {
			a.mu.Lock()
			a.chunks[[2]int{lo, hi}]++
			a.mu.Unlock()
		})
		if len(a.chunks) != 3 || a.chunks[[2]int{0, 4}] != 1 || a.chunks[[2]int{4, 8}] != 1 || a.chunks[[2]int{8, 10}] != 1 {
			t.Errorf("chunks %v, want [0,4) [4,8) [8,10)", a.chunks)
		}
		if p != nil {
			p.Close()
		}
	}
}

type nestArgs struct {
	p   *Pool
	sum *atomic.Int64
}

// TestForNested: a loop inside a loop runs on its caller, with scratch of its
// own.
func TestForNested(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	var sum atomic.Int64
	For(p, 20, 1, nestArgs{p, &sum}, func(a *nestArgs, w *Worker, lo, hi int) {
		mine := w.Scratch(8)
		offsets := w.Offsets(8)
		for i := range mine {
			mine[i], offsets[i] = float32(lo), int32(lo)
		}
		For(a.p, 5, 2, *a, func(a *nestArgs, w *Worker, lo, hi int) {
			clear(w.Scratch(8))
			clear(w.Offsets(8))
			a.sum.Add(int64(hi - lo))
		})
		for i := range mine {
			if mine[i] != float32(lo) || offsets[i] != int32(lo) {
				panic("the inner loop has written the outer one's scratch")
			}
		}
	})
	if sum.Load() != 100 {
		t.Errorf("inner loops saw %d indices, want 100", sum.Load())
	}
}

// TestForConcurrent: goroutines that use one pool at once do not disturb each
// other.
func TestForConcurrent(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				seen := make([]atomic.Int32, 64)
				For(p, 64, 4, countArgs{seen}, countChunk)
				for i := range seen {
					if seen[i].Load() != 1 {
						t.Errorf("index %d seen %d times", i, seen[i].Load())
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestForPanic: a body's panic reaches the caller, and the pool goes on.
func TestForPanic(t *testing.T) {
	for _, p := range []*Pool{nil, NewPool(1), NewPool(3)} {
		func() {
			defer func() {
				v := recover()
				if v == nil {
					t.Fatal("the panic is lost")
				}
				if s, ok := v.(string); !ok || !strings.Contains(s, "out of eggs") {
					t.Errorf("panic with %v, want what the body said", v)
				}
			}()
			For(p, 100, 1, 7, func(a *int, w *Worker, lo, hi int) {
				if lo == 42 {
					panic("out of eggs")
				}
			})
		}()
		seen := make([]atomic.Int32, 10)
		For(p, 10, 1, countArgs{seen}, countChunk)
		for i := range seen {
			if seen[i].Load() != 1 {
				t.Errorf("after a panic, index %d was seen %d times", i, seen[i].Load())
			}
		}
		if p != nil {
			p.Close()
		}
	}
}

// TestSetThreads changes the number of threads between loops, up and down.
func TestSetThreads(t *testing.T) {
	p := NewPool(1)
	for _, threads := range []int{4, 2, 7, 1, 3} {
		p.SetThreads(threads)
		if p.Threads() != threads {
			t.Fatalf("Threads() = %d after SetThreads(%d)", p.Threads(), threads)
		}
		for range 20 {
			seen := make([]atomic.Int32, 30)
			For(p, 30, 1, countArgs{seen}, countChunk)
			for i := range seen {
				if seen[i].Load() != 1 {
					t.Fatalf("%d threads: index %d seen %d times", threads, i, seen[i].Load())
				}
			}
		}
	}
	p.Close()
	if p.Threads() != 1 {
		t.Errorf("a closed pool has %d threads, want its caller", p.Threads())
	}
}

func TestForAllocations(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	seen := make([]atomic.Int32, 100)
	for name, pool := range map[string]*Pool{"pool": p, "nil": nil} {
		f := func() { For(pool, 100, 10, countArgs{seen}, countChunk) }
		f()
		if got := allocs.Steady(100, f); got != 0 {
			t.Errorf("%s: %v allocations a loop, want 0", name, got)
		}
	}
}

// BenchmarkFor is what sharing a loop costs.
func BenchmarkFor(b *testing.B) {
	for _, threads := range []int{1, 2} {
		b.Run(map[int]string{1: "threads=1", 2: "threads=2"}[threads], func(b *testing.B) {
			p := NewPool(threads)
			defer p.Close()
			for b.Loop() {
				For(p, 8, 1, 0, func(a *int, w *Worker, lo, hi int) {})
			}
		})
	}
}

// TestForOften runs many short loops one after the other, in which helpers
// come late, leave late and park.
func TestForOften(t *testing.T) {
	for _, threads := range []int{2, 3, 7} {
		p := NewPool(threads)
		var sum atomic.Int64
		want := int64(0)
		for i := range 3000 {
			want += int64(1 + i%9)
			For(p, 1+i%9, 1, nestArgs{sum: &sum}, func(a *nestArgs, w *Worker, lo, hi int) { a.sum.Add(int64(hi - lo)) })
		}
		if got := sum.Load(); got != want {
			t.Errorf("%d threads: %d indices, want %d", threads, got, want)
		}
		p.Close()
	}
}

// TestShare: its owner takes chunks from the front, others from the back, each
// chunk once.
func TestShare(t *testing.T) {
	var s share
	s.left.Store(3<<32 | 7)
	var got []int
	for _, take := range []func() (int, bool){s.first, s.last, s.last, s.first} {
		c, ok := take()
		if !ok {
			t.Fatalf("empty after %v", got)
		}
		got = append(got, c)
	}
	if want := []int{3, 6, 5, 4}; !slices.Equal(got, want) {
		t.Errorf("took %v, want %v", got, want)
	}
	for _, take := range []func() (int, bool){s.first, s.last} {
		if c, ok := take(); ok {
			t.Errorf("took %d of an empty share", c)
		}
	}

	const n = 10000
	seen := make([]atomic.Int32, n)
	s.left.Store(n)
	var wg sync.WaitGroup
	for _, take := range []func() (int, bool){s.first, s.last, s.last} {
		wg.Go(func() {
			for {
				c, ok := take()
				if !ok {
					return
				}
				seen[c].Add(1)
			}
		})
	}
	wg.Wait()
	for i := range seen {
		if c := seen[i].Load(); c != 1 {
			t.Fatalf("chunk %d was taken %d times", i, c)
		}
	}
}
