package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// The ways a run ends: Snapshot.Reason, EventEnd.Reason.
const (
	Finished = "finished" // all epochs or steps are done
	Stopped  = "stopped"  // by Stop or the context
	Failed   = "failed"   // Err says why
)

// Run is training under way on a goroutine of its own. Its methods may be
// called from any goroutine and do not wait for a step to end, Wait excepted.
type Run struct {
	cfg   Config
	snaps chan Snapshot
	last  atomic.Pointer[Snapshot]
	done  chan struct{}
	err   error // set before done is closed

	send   sync.Mutex // among those who give orders
	orders chan orders
}

// orders are what has been asked of a run since it last looked.
type orders struct {
	pause bool // with known
	known bool // pause says something
	steps int
	lr    float64 // with setLR
	setLR bool
	save  bool
	stop  bool

	look     *Look
	lookAway bool
}

// Start checks c and trains on a new goroutine until the end, Stop, or the
// context's cancel. A refusal of c comes at once; what only shows later, such
// as a lack of memory, ends the run with Err.
func Start(ctx context.Context, c Config) (*Run, error) {
	p, err := c.check()
	if err != nil {
		return nil, err
	}
	if err := vacant(c.Dir); err != nil {
		return nil, err
	}
	if err := writable(c.Dir); err != nil {
		return nil, err
	}
	return start(ctx, c, p, nil), nil
}

// vacant refuses a folder that holds a run.
func vacant(dir string) error {
	if dir == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, checkpointName)); err == nil {
		return fmt.Errorf("%s: holds a run already: resume it, or name another folder", dir)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for a checkpoint: %w", err)
	}
	return nil
}

// Resume goes on with k under c, which is k.Config with its Data, and perhaps
// another end, folder or number of threads. k can be resumed once.
func Resume(ctx context.Context, k *Checkpoint, c Config) (*Run, error) {
	p, err := c.check()
	if err != nil {
		return nil, err
	}
	if d := k.header.Data.differs(c.Data); d != "" {
		return nil, fmt.Errorf("%s: %s: resume with the same data", k.Dir, d)
	}
	if c.Dir != k.Dir {
		if err := vacant(c.Dir); err != nil {
			return nil, err
		}
	}
	if err := writable(c.Dir); err != nil {
		return nil, err
	}
	return start(ctx, c, p, k), nil
}

// writable refuses a folder that nothing can be saved in: better now than after
// hours of training.
func writable(dir string) error {
	if dir == "" {
		return nil
	}
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, checkpointName+".*"); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if err != nil {
		return fmt.Errorf("%s: a run cannot be saved there (%w): name another folder", dir, err)
	}
	return nil
}

func start(ctx context.Context, c Config, p parts, k *Checkpoint) *Run {
	c.Source.settle()
	r := &Run{cfg: c, snaps: make(chan Snapshot, 1), done: make(chan struct{}), orders: make(chan orders, 1)}
	l := &loop{run: r, ctx: ctx, from: k, paused: c.Paused, phase: Preparing}
	l.snapshot()
	go func() {
		defer close(r.done)
		defer close(r.snaps)
		defer func() {
			if v := recover(); v != nil {
				r.err = &PanicError{Value: v, Stack: debug.Stack()}
				l.broken()
			}
		}()
		r.err = l.do(p)
	}()
	return r
}

// settle makes paths absolute, so that a run is resumed from any folder.
func (s *Source) settle() {
	if s.Dir != "" {
		if abs, err := filepath.Abs(s.Dir); err == nil {
			s.Dir = abs
		}
	}
	if s.Name != "" && filepath.Base(s.Name) != s.Name {
		if abs, err := filepath.Abs(s.Name); err == nil {
			s.Name = abs
		}
	}
}

// PanicError is a fault of the program on the training goroutine.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("training stopped by a fault in layercake: %v", e.Value)
}

// Snapshots has the newest snapshot that nobody has read, at most ten a
// second. It is closed at the end of the run.
func (r *Run) Snapshots() <-chan Snapshot { return r.snaps }

// Last is the newest snapshot, read or not, also after the end.
func (r *Run) Last() Snapshot { return *r.last.Load() }

// Config is what the run was started with.
func (r *Run) Config() Config { return r.cfg }

// Done is closed when the run has ended and its files are written.
func (r *Run) Done() <-chan struct{} { return r.done }

// Err says why the run failed; nil while it runs, when it has finished and
// when it was stopped.
func (r *Run) Err() error {
	select {
	case <-r.done:
		return r.err
	default:
		return nil
	}
}

// Wait returns Err when the run has ended.
func (r *Run) Wait() error {
	<-r.done
	return r.err
}

// Pause rests after the present step.
func (r *Run) Pause() { r.order(func(o *orders) { o.pause, o.known, o.steps = true, true, 0 }) }

// Continue ends a pause.
func (r *Run) Continue() { r.order(func(o *orders) { o.pause, o.known, o.steps = false, true, 0 }) }

// StepOnce does one step and rests.
func (r *Run) StepOnce() {
	r.order(func(o *orders) { o.pause, o.known = true, true; o.steps++ })
}

// SetLR makes x the learning rate from the next step on; the schedule goes on
// from there with its shape. A rate that is no number above zero is not taken.
func (r *Run) SetLR(x float64) {
	if x > 0 && x <= 1e6 {
		r.order(func(o *orders) { o.lr, o.setLR = x, true })
	}
}

// Save writes a checkpoint after the present step, if the run has a folder.
// Snapshot.Saved and Problem tell how it went.
func (r *Run) Save() { r.order(func(o *orders) { o.save = true }) }

// Stop ends the run after the present step and keeps what it has learnt: with
// a folder, a checkpoint is written. Wait for the end to be sure of it.
func (r *Run) Stop() { r.order(func(o *orders) { o.stop = true }) }

// order adds to what the loop has not looked at yet, so that nobody waits.
func (r *Run) order(change func(o *orders)) {
	r.send.Lock()
	defer r.send.Unlock()
	var o orders
	select {
	case o = <-r.orders:
	default:
	}
	change(&o)
	r.orders <- o // capacity one, and we hold the only pen
}

// publish hands out s in place of one that nobody has read.
func (r *Run) publish(s Snapshot) {
	r.last.Store(&s)
	select {
	case <-r.snaps:
	default:
	}
	r.snaps <- s // we are the only sender, so there is room
}
