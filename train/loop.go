package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"
)

// loop is a run's own goroutine: it drives a trainer, attends to orders, and
// says what it sees. Only here do clocks matter, and they change no number.
type loop struct {
	run  *Run
	ctx  context.Context
	from *Checkpoint // to go on with; nil for a new run
	t    *trainer
	w    *watcher

	phase  Phase
	paused bool
	owed   int // single steps to do though paused

	mark     time.Time // up to here time has been counted
	nextSnap time.Time
	nextSave time.Time
	pace     struct{ samples, seconds float64 } // of late
	testTime time.Duration                      // of the last whole test

	begin   EventStart
	saved   string
	unsaved bool // something happened since the last checkpoint
	problem error

	looks  looks
	inTest bool // the testing program is in use
}

const (
	snapshotEvery = 100 * time.Millisecond
	paceMemory    = 2.0 // seconds over which throughput is smoothed
)

// do runs from preparation to end.
func (l *loop) do(p parts) error {
	defer func() {
		if l.t != nil {
			l.t.close()
		}
	}()
	reason, err := l.train(p)
	if err != nil {
		l.end(Failed, err)
		return err
	}
	l.end(reason, nil)
	return nil
}

// train returns the reason for its end, or why it failed.
func (l *loop) train(p parts) (reason string, err error) {
	cfg := &l.run.cfg
	t, err := newTrainer(*cfg, p)
	if err != nil {
		return Failed, err
	}
	l.t, l.unsaved = t, true
	if l.from != nil {
		if err := l.from.restore(t); err != nil {
			return Failed, err
		}
		if l.from.Dir == cfg.Dir {
			l.saved, l.unsaved = cfg.Dir, false
		}
		l.from = nil
	}
	l.w = newWatcher(t)
	l.begin = EventStart{
		Event: "start", Network: cfg.Graph.Name, Params: t.weights(), MACs: t.macs(), Data: cfg.Data.Name,
		TrainSamples: cfg.Data.Train.Len(), TestSamples: cfg.testSamples(), Batch: cfg.Batch, Threads: t.pool.Threads(),
		Seed: cfg.Seed, Step: t.Step, Run: cfg.Dir,
	}
	l.emit(l.begin)
	l.mark = time.Now()
	l.nextSave = l.mark.Add(cfg.SaveEvery)
	l.phase = Training
	l.snapshot()
	for {
		if t.due() {
			if ok, err := l.closeEpoch(); err != nil {
				return Failed, err
			} else if !ok {
				return Stopped, l.save(true)
			}
			continue
		}
		if t.finished() {
			break
		}
		if !l.attend() {
			return Stopped, l.save(true)
		}
		if err := l.step(); err != nil {
			return Failed, err
		}
	}
	if t.LastAt != t.Step { // the end fell within an epoch
		if ok, err := l.test(); err != nil {
			return Failed, err
		} else if !ok {
			return Stopped, l.save(true)
		}
	}
	return Finished, l.save(true)
}

// step does one step and tells of it.
func (l *loop) step() error {
	t, cfg := l.t, &l.run.cfg
	l.phase = Training
	event := cfg.Events != nil && cfg.StepEvents > 0 && (t.Step == 0 || (t.Step+1)%cfg.StepEvents == 0)
	single := l.owed > 0
	lr, samples := t.lr(), t.Samples
	l.unsaved = true
	if err := l.w.step(event || single); err != nil {
		return err
	}
	took := l.count()
	l.keepPace(float64(t.Samples-samples), took)
	now := l.mark
	if event {
		l.emit(EventStep{
			Event: "step", Step: t.Step, Epoch: (t.Step-1)/t.perEpoch + 1, Loss: Number(t.Window.Loss()), Accuracy: Number(t.Window.Accuracy()),
			LR: Number(lr), SamplesPerSecond: Number(l.rate()), Layers: l.w.events(),
		})
		t.Window = Score{}
	}
	if single {
		l.owed--
	}
	if single || !now.Before(l.nextSnap) {
		l.snapshot()
	}
	if cfg.SaveEvery > 0 && !now.Before(l.nextSave) {
		return l.save(false)
	}
	return nil
}

// attend does what has been asked for, and waits while the run is paused. It
// returns false when the run is to stop.
func (l *loop) attend() bool {
	for {
		var o orders
		select {
		case <-l.ctx.Done():
			return false
		case o = <-l.run.orders:
		default:
			if !l.paused || l.owed > 0 {
				return true
			}
			l.count()
			before := l.phase
			l.phase = Paused
			l.snapshot()
			select {
			case <-l.ctx.Done():
				return false
			case o = <-l.run.orders:
			}
			l.phase, l.mark = before, time.Now()
		}
		if o.known {
			l.paused = o.pause
			if o.steps == 0 {
				l.owed = 0
			}
			l.owed += o.steps
		}
		if o.setLR {
			l.t.setLR(o.lr)
			l.unsaved = true
		}
		if o.look != nil && (!l.looks.on || l.looks.at != *o.look) {
			l.looks = looks{on: true, at: *o.look}
			l.nextSnap = time.Time{}
		}
		if o.lookAway {
			l.looks = looks{}
		}
		if o.stop {
			return false
		}
		if o.save && l.save(false) != nil {
			// A diverged network is not saved; the next step says so.
			continue
		}
	}
}

// closeEpoch tests and ends an epoch. ok is false if the run is to stop.
func (l *loop) closeEpoch() (ok bool, err error) {
	t := l.t
	if err := t.sound(); err != nil {
		return false, err
	}
	if ok, err := l.test(); !ok || err != nil {
		return false, err
	}
	e := EventEpoch{
		Event: "epoch", Epoch: t.epoch(), Step: t.Step,
		TrainLoss: Number(t.Epoch.Loss()), TrainAccuracy: Number(t.Epoch.Accuracy()),
		TestLoss: Number(t.Last.Loss()), TestAccuracy: Number(t.Last.Accuracy()),
		Seconds: Number(t.Seconds - t.EpochAt), Metrics: t.metrics(),
	}
	t.Tests, l.unsaved = append(t.Tests, e), true
	t.Epoch, t.EpochAt = Score{}, t.Seconds
	l.emit(e)
	err = l.save(false)
	l.snapshot()
	return true, err
}

// test measures the test split at the present step.
func (l *loop) test() (ok bool, err error) {
	t := l.t
	l.phase, l.inTest = Testing, true
	defer func() { l.inTest = false }()
	l.snapshot()
	spent := 0.0
	score, ok := t.test(func(done, of int) bool {
		spent += l.count()
		if !time.Now().Before(l.nextSnap) {
			l.snapshot()
		}
		return !l.attend()
	})
	spent += l.count()
	if !ok {
		return false, nil
	}
	l.testTime = time.Duration(spent * float64(time.Second))
	if score.Count > 0 && (math.IsNaN(score.Loss()) || math.IsInf(score.Loss(), 0)) {
		return false, &DivergedError{Step: t.Step, LR: t.lr(), What: fmt.Sprintf("the test loss is %v", score.Loss())}
	}
	t.passed(score)
	l.phase, l.unsaved = Training, true
	return true, nil
}

// save writes checkpoint and log where the run has a folder. A failure to
// write is kept for Snapshot.Problem and is an error only at the end; garbage in
// the network is one at once.
func (l *loop) save(last bool) error {
	dir := l.run.cfg.Dir
	if dir == "" {
		return nil
	}
	l.count()
	if l.unsaved {
		l.problem = l.t.save(dir)
		if l.problem == nil {
			l.saved, l.unsaved = dir, false
			l.problem = writeLog(dir, Log{Start: l.begin, Epochs: l.t.Tests})
		}
	}
	l.nextSave = time.Now().Add(l.run.cfg.SaveEvery)
	l.count()
	var d *DivergedError
	if last || errors.As(l.problem, &d) {
		return l.problem
	}
	return nil
}

// count adds the time since mark to the run's and returns it.
func (l *loop) count() (seconds float64) {
	now := time.Now()
	seconds = now.Sub(l.mark).Seconds()
	l.t.Seconds += seconds
	l.mark = now
	return seconds
}

// keepPace takes in a step.
func (l *loop) keepPace(samples, seconds float64) {
	keep := math.Exp(-seconds / paceMemory)
	l.pace.samples = keep*l.pace.samples + samples
	l.pace.seconds = keep*l.pace.seconds + seconds
}

// rate is samples a second; 0 unknown.
func (l *loop) rate() float64 {
	if l.pace.seconds <= 0 {
		return 0
	}
	return l.pace.samples / l.pace.seconds
}

func (l *loop) emit(e Event) {
	if f := l.run.cfg.Events; f != nil {
		f(e)
	}
}

// broken ends a run after a panic: nothing of its state is trusted any more.
func (l *loop) broken() {
	s := l.run.Last()
	s.Phase, s.Reason = Ended, Failed
	l.run.publish(s)
}

func (l *loop) end(reason string, err error) {
	e := EventEnd{Event: "end", Reason: reason, TestLoss: Number(nan), TestAccuracy: Number(nan), PeakRSS: Number(peakRSS())}
	if err != nil {
		e.Error = err.Error()
	}
	if t := l.t; t != nil {
		e.Steps, e.Seconds = t.Step, Number(t.Seconds)
		e.TestLoss, e.TestAccuracy = Number(t.Last.Loss()), Number(t.Last.Accuracy())
		if l.saved != "" {
			if bad := writeLog(l.saved, Log{Start: l.begin, Epochs: t.Tests, End: &e}); bad != nil && !errors.Is(bad, os.ErrNotExist) {
				l.problem = errors.Join(l.problem, bad)
			}
		}
	}
	l.phase = Ended
	s := l.make()
	s.Reason = reason
	l.run.publish(s)
	l.emit(e)
}
