package train

import (
	"fmt"
	"math"

	"layercake/compute"
	"layercake/data"
	"layercake/model"
)

// trainer is the part of a run that makes numbers. It is a function of its
// Config and the steps done: no clock, no channels, and whoever watches it
// changes no bit.
type trainer struct {
	cfg  Config
	pool *compute.Pool
	prog *model.Program
	parts

	loader  *data.Loader
	batch   data.Batch
	testing *model.Program // shares prog's weights; nil where there is nothing to test on
	tests   *data.Loader
	exam    data.Batch

	measured []string // names of measures
	measures []metric // of a test

	params []param
	sweep  Sweep                // over all of them
	stats  []compute.SweepStats // of the last sampled step, one a parameter

	perEpoch, total int
	streams         bool // state is carried from batch to batch

	position
	norm float64 // of all gradients of the last step, where somebody asked
}

// param is one tensor to be trained, with what the optimizer keeps beside it.
type param struct {
	ref   model.ParamRef
	slots [][]float32
}

// position is what a run is besides its tensors. A checkpoint holds it whole.
type position struct {
	Step    int     // steps done
	Scale   float64 // on the learning rate, by SetLR; 1 untouched
	Samples int64

	Epoch  Score // of the present epoch so far
	Window Score // since the last EventStep
	Loss   smooth
	Right  smooth
	Curve  curve

	Tests   []EventEpoch // history, one an epoch
	Last    Score        // of the last test
	LastAt  int          // step of the last test
	Best    Number       // highest test accuracy
	Seconds float64      // spent training and testing; no part of the numbers
	EpochAt float64      // Seconds when the present epoch began
}

// newTrainer binds c to memory. Its weights are the first ones.
func newTrainer(c Config, p parts) (*trainer, error) {
	t := &trainer{cfg: c, parts: p, perEpoch: c.perEpoch(), total: c.total()}
	t.position = position{Scale: 1, Curve: newCurve(), Best: Number(nan)}
	batch := min(c.Batch, c.Data.Train.Len())
	t.pool = compute.NewPool(c.Threads)
	var err error
	t.prog, err = model.Compile(c.Graph, model.Options{
		Batch: batch, Train: true, Seed: c.Seed, Pool: t.pool, Logits: p.loss.Logits(), LendInputs: true,
		Recompute: c.Recompute,
	})
	if err != nil {
		t.close()
		return nil, err
	}
	t.sweep = Sweep{W: t.prog.ParamArena(), G: t.prog.GradArena()}
	for range p.opt.Slots() {
		t.sweep.Slots = append(t.sweep.Slots, compute.Alloc(len(t.sweep.W)))
	}
	for _, ref := range t.prog.Params() {
		q := param{ref: ref}
		from, to := ref.Offset, ref.Offset+len(ref.Data)
		for _, s := range t.sweep.Slots {
			q.slots = append(q.slots, s[from:to:to])
		}
		t.params = append(t.params, q)
		t.sweep.Parts = append(t.sweep.Parts, compute.Part{From: from, To: to, Decay: ref.Decay})
	}
	t.stats = make([]compute.SweepStats, len(t.params))
	t.loader = data.NewLoader(c.Data.Train, batch, c.Seed, c.Augment)
	if t.streams = c.carries(); t.streams {
		t.loader.Streams()
	}
	if c.ByLength {
		t.loader.ByLength()
	}
	if n := c.testSamples(); n > 0 {
		if t.testing, err = t.prog.Inference(min(batch, n), t.pool); err != nil {
			t.close()
			return nil, err
		}
		t.tests = data.NewOrderedLoader(c.Data.Test, min(batch, n))
		if t.streams {
			t.tests.Streams()
		}
		t.measured, t.measures = newMetrics(c.output(), c.Data, c.Loss.Kind)
	}
	return t, nil
}

// close gives back goroutines.
func (t *trainer) close() {
	if t.loader != nil {
		t.loader.Close()
	}
	if t.tests != nil {
		t.tests.Close()
	}
	t.pool.Close()
}

// lr is the learning rate of the next step.
func (t *trainer) lr() float64 {
	return t.opt.Rate() * t.Scale * t.schedule.Factor(t.Step, t.total, t.perEpoch)
}

// setLR makes x the learning rate of the next step; the schedule goes on from
// there with its shape.
func (t *trainer) setLR(x float64) {
	if now := t.opt.Rate() * t.schedule.Factor(t.Step, t.total, t.perEpoch); now > 0 {
		t.Scale = x / now
	} else if t.opt.Rate() > 0 {
		t.Scale = x / t.opt.Rate()
	}
}

// step trains on one batch. watch, where not nil, sees the statistics of it.
// Without one a step allocates nothing.
func (t *trainer) step(watch *watcher) error {
	t.loader.Next(&t.batch)
	n := t.batch.N
	t.feed(t.prog, &t.batch)

	t.prog.SetStep(uint64(t.Step))
	watch.begin(t, n)
	t.prog.Forward(n, true)
	watch.forwardDone(t)
	score := t.loss.Eval(t.pool, t.prog.Output(), &t.batch, t.prog.OutputGrad().Data)
	if loss := score.Loss(); score.Count > 0 && (math.IsNaN(loss) || math.IsInf(loss, 0)) {
		return t.diverged(fmt.Sprintf("the loss is %v", loss), n)
	}
	t.prog.Backward()
	watch.backwardDone(t)

	scale := float32(1)
	if t.cfg.Clip > 0 {
		t.norm = math.Sqrt(compute.SumSquares(t.pool, t.prog.GradArena()))
		if math.IsNaN(t.norm) || math.IsInf(t.norm, 0) {
			return t.diverged(fmt.Sprintf("the norm of the gradients is %v", t.norm), n)
		}
		if t.norm > t.cfg.Clip {
			scale = float32(t.cfg.Clip / t.norm)
		}
	}
	lr := t.lr()
	t.sweep.LR, t.sweep.Step, t.sweep.Scale, t.sweep.Stats = lr, t.Step+1, scale, nil
	if watch != nil {
		t.sweep.Stats = t.stats
	}
	t.opt.Update(t.pool, &t.sweep)
	t.prog.ClearGrads()

	t.Step++
	t.Samples += int64(n)
	t.Epoch, t.Window = t.Epoch.Add(score), t.Window.Add(score)
	if score.Count > 0 {
		t.Loss.add(score.Loss(), smoothing)
		t.Right.add(score.Accuracy(), smoothing)
		t.Curve.add(t.Step, score.Loss(), score.Accuracy())
	}
	return watch.end(t, lr)
}

// feed lends a batch to p, until the loader is asked for the next.
func (t *trainer) feed(p *model.Program, b *data.Batch) {
	for k, x := range b.X {
		p.LendInput(k, x)
		p.SetLens(k, b.Lens[k])
	}
	if t.streams && b.Step == 0 {
		p.ResetCarry() // an epoch begins at the head of every stream
	}
}

// smoothing is what Snapshot.Loss keeps of itself at each step: it looks back
// over some 20 steps.
const smoothing = 0.95

// diverged is the error for a step that came to what.
func (t *trainer) diverged(what string, n int) error {
	where := ""
	for i := range t.params {
		if p := &t.params[i]; !compute.Finite(t.pool, p.ref.Data) {
			where = fmt.Sprintf("; the weights of %s are not finite any more", p.ref.Name)
			break
		}
	}
	if where == "" {
		t.prog.Observe(func(node int, out compute.Tensor) {
			if where == "" && !compute.Finite(t.pool, out.Data[:n*out.Shape.Size()]) {
				where = fmt.Sprintf("; %s is the first layer whose output is not finite", t.cfg.Graph.Nodes[node].Name)
			}
		})
		t.prog.Forward(n, true)
		t.prog.Observe(nil)
	}
	return &DivergedError{Step: t.Step + 1, LR: t.lr(), What: what, Where: where}
}

// DivergedError says that training came to numbers that are not finite. The
// last checkpoint, if there is one, is from before.
type DivergedError struct {
	Step  int
	LR    float64
	What  string
	Where string
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("step %d: %s%s: lower the learning rate (now %.3g) or set clip", e.Step, e.What, e.Where, e.LR)
}

// sound reports an error where a weight or a kept statistic is not finite:
// training would go on on garbage.
func (t *trainer) sound() error {
	for i := range t.params {
		if p := &t.params[i]; !compute.Finite(t.pool, p.ref.Data) {
			return &DivergedError{Step: t.Step, LR: t.lr(), What: "a weight is infinite or not a number", Where: "; it is in " + p.ref.Name}
		}
	}
	for _, s := range t.prog.State() {
		if !compute.Finite(t.pool, s.Data) {
			return &DivergedError{Step: t.Step, LR: t.lr(), What: "a kept statistic is infinite or not a number", Where: "; it is in " + s.Name}
		}
	}
	return nil
}

// test goes over the test split. stop is asked between batches; ok is false if
// it said yes.
func (t *trainer) test(stop func(done, of int) bool) (score Score, ok bool) {
	if t.testing == nil {
		return Score{}, true
	}
	steps := t.tests.Steps()
	t.tests.Seek(0, 0)
	for _, m := range t.measures {
		m.reset()
	}
	t.testing.Fold() // the weights are others than last time
	for i := range steps {
		if stop(i, steps) {
			return Score{}, false
		}
		t.tests.Next(&t.exam)
		t.feed(t.testing, &t.exam)
		t.testing.Forward(t.exam.N, false)
		out := t.testing.Output()
		score = score.Add(t.loss.Eval(t.pool, out, &t.exam, nil))
		if j, ok := t.loss.(judge); ok { // figures leave out what the loss does
			t.exam.Labels = j.judged(t.exam.Labels)
		}
		for _, m := range t.measures {
			m.add(out, &t.exam)
		}
	}
	return score, true
}

// passed takes in the result of a test at the present step.
func (t *trainer) passed(s Score) {
	t.Last, t.LastAt = s, t.Step
	if a := Number(s.Accuracy()); a > t.Best || math.IsNaN(float64(t.Best)) {
		t.Best = a
	}
}

// epoch is the number of epochs done.
func (t *trainer) epoch() int { return t.Step / t.perEpoch }

// due says that an epoch has ended and is not closed yet.
func (t *trainer) due() bool { return t.Step%t.perEpoch == 0 && len(t.Tests) < t.epoch() }

// finished says that all steps are done.
func (t *trainer) finished() bool { return t.total > 0 && t.Step >= t.total }
