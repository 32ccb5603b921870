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

// draw fills the set with drawn images, classes in turn. Every image depends
// on the seed, its split and its index.
func (s *Set) draw(ctx context.Context, o Options, d drawn) error {
	size := d.side * d.side * d.channels
	n := [2]int{d.train, d.test}
	for k, want := range []int{o.Train, o.Test} {
		if want > maxBytes/size {
			return fmt.Errorf("%s: %s images were asked for, wants at most %s: ask for fewer", s.Name, thousands(want), thousands(maxBytes/size))
		}
		if want > 0 {
			n[k] = want
		}
	}
	var splits [2]*images
	told := 0
	for k, pen := range []func() drawer{d.newTrain, d.newTest} {
		sp := &images{h: d.side, w: d.side, c: d.channels, pix: make([]byte, n[k]*size), labels: make([]uint8, n[k])}
		key := [2]uint64{keyTrain, keyTest}[k]
		err := share(ctx, n[k], pen, func(p drawer, i int) {
			class := i % len(s.Classes)
			sp.labels[i] = uint8(class)
			p.draw(streamOf(o.Seed, key, uint64(i)), class, sp.raw(i))
		}, func(chunk int) {
			told += chunk
			o.report(told, n[0]+n[1])
		})
		if err != nil {
			return fmt.Errorf("draw %s: %w", s.Name, err)
		}
		splits[k] = sp
	}
	s.Inputs = oneInput(d.channels, d.side, d.side)
	s.Mean, s.Std = normalize(splits[0], splits[1])
	s.Train, s.Test = splits[0], splits[1]
	return nil
}

// share calls body for 0..n-1 on every core, each goroutine with a pen of its
// own, and tells after every chunk, one goroutine at a time, how long it was.
func share(ctx context.Context, n int, pen func() drawer, body func(p drawer, i int), tell func(chunk int)) error {
	const chunk = 100
	var next atomic.Int64
	var telling sync.Mutex
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+chunk-1)/chunk) {
		all.Go(func() {
			p := pen()
			for ctx.Err() == nil {
				lo := int(next.Add(chunk)) - chunk
				hi := min(lo+chunk, n)
				if lo >= n {
					return
				}
				for i := lo; i < hi; i++ {
					body(p, i)
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
