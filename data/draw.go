package data

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// drawer draws an image of a class into pix by the random numbers of r. One
// goroutine owns it; what it keeps is room to work in, never a result.
type drawer interface {
	draw(r stream, class int, pix []byte)
}

// drawn says what a set of drawn images is made of.
type drawn struct {
	side, channels int
	train, test    int // samples by default
	newTrain       func() drawer
	newTest        func() drawer
}

// drawnFirst is how many training images are drawn before the set is there: those
// whose mean and deviation normalize all of it. A multiple of the ten classes.
const drawnFirst = 1000

// draw makes the set of drawn images, classes in turn. Every image depends on the
// seed, its split and its index, so that it can wait until it is asked for:
// training begins at once, and the first epoch draws as it goes.
func (s *Set) draw(ctx context.Context, o Options, d drawn) error {
	size := d.side * d.side * d.channels
	n := [2]int{d.train, d.test}
	for k, want := range []int{o.Train, o.Test} {
		if want > 0 {
			n[k] = want
		}
	}
	if err := s.fits(n[0], n[1], size+perDrawn); err != nil {
		return err
	}
	var splits [2]*images
	for k, pen := range []func() drawer{d.newTrain, d.newTest} {
		sp := &images{h: d.side, w: d.side, c: d.channels, pix: make([]byte, n[k]*size), labels: make([]uint8, n[k])}
		for i := range sp.labels {
			sp.labels[i] = uint8(i % len(s.Classes))
		}
		sp.easel = &easel{seed: o.Seed, key: [2]uint64{keyTrain, keyTest}[k], done: make([]atomic.Bool, n[k])}
		sp.easel.pens.New = func() any { return pen() }
		splits[k] = sp
	}
	first := min(drawnFirst, n[0])
	told := 0
	err := share(ctx, first, 50, func(i int) { splits[0].want(i) }, func(chunk int) {
		told += chunk
		o.report(told, first)
	})
	if err != nil {
		return fmt.Errorf("draw %s: %w", s.Name, err)
	}
	s.Inputs = oneInput(d.channels, d.side, d.side)
	s.Mean, s.Std = normalize(splits[0], splits[1], splits[0].pix[:first*size])
	s.Train, s.Test = splits[0], splits[1]
	return nil
}

// easel draws the images of a split when they are first asked for.
type easel struct {
	seed, key uint64
	done      []atomic.Bool // by image: it is drawn, and stays as it is
	pens      sync.Pool     // of drawer
	// One goroutine draws an image; another that asks for it meanwhile waits here.
	// Images share locks, or they would need more memory for these than for a digit.
	locks [64]sync.Mutex
}

// fewDrawn images are drawn sooner than another goroutine is awake.
const fewDrawn = 8

// perDrawn is what an easel and a label take beside an image's bytes.
const perDrawn = 5

// want draws image i unless that is done.
func (s *images) want(i int) {
	e := s.easel
	if e == nil || e.done[i].Load() {
		return
	}
	lock := &e.locks[i%len(e.locks)]
	lock.Lock()
	defer lock.Unlock()
	if e.done[i].Load() {
		return
	}
	pen := e.pens.Get().(drawer)
	pen.draw(streamOf(e.seed, e.key, uint64(i)), int(s.labels[i]), s.place(i))
	e.pens.Put(pen)
	e.done[i].Store(true)
}

// wantAll draws those of idx that are not drawn yet: on every core where they are
// many, since a batch of them may take longer than a step of training.
func (s *images) wantAll(idx []int) {
	if s.easel == nil {
		return
	}
	missing := 0
	for _, i := range idx {
		if !s.easel.done[i].Load() {
			missing++
		}
	}
	if missing > fewDrawn {
		share(context.Background(), len(idx), fewDrawn, func(k int) { s.want(idx[k]) }, func(int) {})
	}
}

// share calls body for 0..n-1 on every core, in chunks, and tells after every
// chunk, one goroutine at a time, how long it was.
func share(ctx context.Context, n, chunk int, body func(i int), tell func(chunk int)) error {
	var next atomic.Int64
	var telling sync.Mutex
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+chunk-1)/chunk) {
		all.Go(func() {
			for ctx.Err() == nil {
				lo := int(next.Add(int64(chunk))) - chunk
				hi := min(lo+chunk, n)
				if lo >= n {
					return
				}
				for i := lo; i < hi; i++ {
					body(i)
				}
				telling.Lock()
				tell(hi - lo)
				telling.Unlock()
			}
		})
	}
	all.Wait()
	return ctx.Err()
}
