package train

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"layercake/compute"
	"layercake/data"
	"layercake/internal/allocs"
)

func TestLossFalls(t *testing.T) {
	for _, c := range []struct{ name, text, section string }{
		{"sgd", mlp, "train: {batch: 16, epochs: 8, optimizer: {sgd: {lr: 0.05}}}"},
		{"adam", mlp, "train: {batch: 16, epochs: 8, optimizer: {adam: {lr: 0.01}}}"},
		{"adamw cosine clip", mlp, "train: {batch: 16, epochs: 8, optimizer: {adamw: {lr: 0.01}}, schedule: {cosine: {warmup: 1}}, clip: 1}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := mustRun(t, config(t, c.text, c.section, blobSet(compute.Shape{6}, 200, 60)))
			s := r.Last()
			if s.Phase != Ended || s.Reason != Finished || s.Step != 8*13 || s.Epoch != 8 {
				t.Errorf("ended as %s, %s at step %d, epoch %d", s.Phase, s.Reason, s.Step, s.Epoch)
			}
			if first, last := s.Curves.TrainLoss[0], s.Loss; !(last < first/2) {
				t.Errorf("loss went from %v to %v", first, last)
			}
			if !(s.TestAccuracy > 0.85) || s.BestAccuracy < s.TestAccuracy {
				t.Errorf("test accuracy %v, best %v", s.TestAccuracy, s.BestAccuracy)
			}
			if len(s.Curves.TestLoss) != 8 || len(s.Curves.TrainLoss) != 8*13 {
				t.Errorf("curves of %d and %d points", len(s.Curves.TestLoss), len(s.Curves.TrainLoss))
			}
		})
	}
}

func TestRegression(t *testing.T) {
	r := mustRun(t, config(t, "name: line\ninput: [4]\nlayers:\n  - dense: {units: 1}\n",
		"train: {batch: 16, epochs: 20, optimizer: {adam: {lr: 0.05}}}", lineSet(200, 50)))
	if s := r.Last(); !(s.TestLoss < 0.01) || !math.IsNaN(s.Accuracy) || !math.IsNaN(s.TestAccuracy) {
		t.Errorf("test loss %v, accuracy %v and %v", s.TestLoss, s.Accuracy, s.TestAccuracy)
	}
}

// Whoever watches, and on however many threads: the numbers are the same.
func TestSameNumbersHoweverRun(t *testing.T) {
	section := "train: {batch: 16, epochs: 3, optimizer: {sgd: {lr: 0.05, nesterov: true, weight_decay: 0.001}}, augment: {pad: 1, flip: true}}"
	set := blobSet(compute.Shape{3, 8, 8}, 100, 30)
	run := func(threads, stepEvents int) ([][]float32, []EventEpoch) {
		c := config(t, cnn, section, set)
		c.Threads, c.StepEvents, c.Dir = threads, stepEvents, t.TempDir()
		var epochs []EventEpoch
		c.Events = func(e Event) {
			if e, ok := e.(EventEpoch); ok {
				e.Seconds = 0
				epochs = append(epochs, e)
			}
		}
		mustRun(t, c)
		return tensorsOf(t, c.Dir), epochs
	}
	want, wantEpochs := run(1, 0)
	for _, c := range []struct{ threads, events int }{{2, 0}, {3, 0}, {1, 1}, {2, 3}} {
		got, epochs := run(c.threads, c.events)
		sameBits(t, want, got)
		for i := range wantEpochs {
			if !reflect.DeepEqual(epochs[i], wantEpochs[i]) {
				t.Errorf("%d threads, events each %d: epoch %+v, want %+v", c.threads, c.events, epochs[i], wantEpochs[i])
			}
		}
	}
}

// patience is how long a test waits for what must come; it is no measure of speed.
const patience = 2 * time.Minute

// next waits for a snapshot for which ok holds.
func next(t *testing.T, r *Run, ok func(s Snapshot) bool) Snapshot {
	t.Helper()
	for {
		select {
		case s, open := <-r.Snapshots():
			if !open {
				t.Fatalf("the run ended first: %v, %+v", r.Err(), r.Last())
			}
			if ok(s) {
				return s
			}
		case <-time.After(patience):
			t.Fatalf("no such snapshot in %v", patience)
		}
	}
}

func TestPauseStepAndLearningRate(t *testing.T) {
	c := config(t, mlp, "train: {batch: 16, optimizer: {sgd: {lr: 0.1}}}", blobSet(compute.Shape{6}, 100, 20))
	c.Epochs, c.Paused = 0, true // without end
	r, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	s := next(t, r, func(s Snapshot) bool { return s.Phase == Paused })
	if s.Step != 0 || s.LR != 0.1 {
		t.Fatalf("began paused at step %d with rate %v", s.Step, s.LR)
	}
	r.StepOnce()
	s = next(t, r, func(s Snapshot) bool { return s.Phase == Paused && s.Step > 0 })
	if s.Step != 1 {
		t.Fatalf("one step made %d", s.Step)
	}
	for i, l := range s.Layers {
		if l.Trainable != (len(c.Graph.Nodes[i].Plan.Params) > 0) || l.Trainable && !(l.GradNorm > 0 && l.WeightNorm > 0 && l.Update > 0) {
			t.Errorf("after one step %s has %+v", l.Name, l)
		}
		if !(l.ActStd > 0) || len(l.Acts.Counts) == 0 {
			t.Errorf("after one step %s has no activations: %+v", l.Name, l)
		}
	}
	r.StepOnce()
	r.StepOnce()
	s = next(t, r, func(s Snapshot) bool { return s.Phase == Paused && s.Step > 2 })
	if s.Step != 3 {
		t.Fatalf("two more steps made %d", s.Step)
	}
	r.SetLR(0.01)
	r.StepOnce()
	s = next(t, r, func(s Snapshot) bool { return s.Phase == Paused && s.Step > 3 })
	if math.Abs(s.LR-0.01) > 1e-12 {
		t.Fatalf("the rate is %v, want 0.01", s.LR)
	}
	r.Continue()
	next(t, r, func(s Snapshot) bool { return s.Step > 50 })
	r.Pause()
	next(t, r, func(s Snapshot) bool { return s.Phase == Paused })
	r.Stop()
	if err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	if s := r.Last(); s.Phase != Ended || s.Reason != Stopped {
		t.Errorf("ended as %s, %s", s.Phase, s.Reason)
	}
	r.Stop() // of a run that has ended: nothing, and nobody waits
	r.Pause()
}

func TestCancelKeeps(t *testing.T) {
	c := config(t, mlp, "train: {batch: 16}", blobSet(compute.Shape{6}, 100, 20))
	c.Epochs, c.Dir = 0, filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(context.Background())
	r, err := Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	next(t, r, func(s Snapshot) bool { return s.Step > 3 })
	cancel()
	if err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	k, err := ReadCheckpoint(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Last(); s.Reason != Stopped || k.Step != s.Step || s.Saved != c.Dir {
		t.Errorf("stopped as %s at step %d, saved at %d in %q", s.Reason, s.Step, k.Step, s.Saved)
	}
	if _, err := Start(context.Background(), c); err == nil || !strings.Contains(err.Error(), "holds a run already") {
		t.Errorf("a second run in the same folder: %v", err)
	}
}

// TestNowhereToSave refuses a folder that cannot be written before it trains.
func TestNowhereToSave(t *testing.T) {
	c := config(t, mlp, "train: {batch: 16, epochs: 4}", blobSet(compute.Shape{6}, 100, 20))
	c.Dir = filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(t.TempDir(), "gone", "far"), c.Dir); err != nil {
		t.Skip(err)
	}
	if _, err := Start(context.Background(), c); err == nil || !strings.Contains(err.Error(), "cannot be saved there") {
		t.Errorf("a run that cannot be saved: %v", err)
	}
}

func TestSlowReaderGetsTheNewest(t *testing.T) {
	c := config(t, mlp, "train: {batch: 16, epochs: 4}", blobSet(compute.Shape{6}, 100, 20))
	r := mustRun(t, c) // nobody read while it ran
	s, ok := <-r.Snapshots()
	if !ok || s.Phase != Ended {
		t.Errorf("the unread snapshot is of phase %q, want the last", s.Phase)
	}
	if _, ok := <-r.Snapshots(); ok {
		t.Error("more than one snapshot was kept")
	}
}

func TestDivergenceStops(t *testing.T) {
	c := config(t, mlp, "train: {batch: 16, epochs: 50, optimizer: {sgd: {lr: 1000}}}", blobSet(compute.Shape{6}, 100, 20))
	c.Dir = filepath.Join(t.TempDir(), "run")
	var end EventEnd
	c.Events = func(e Event) {
		if e, ok := e.(EventEnd); ok {
			end = e
		}
	}
	c.Graph = graph(t, strings.ReplaceAll(mlp, "  - batchnorm\n", ""), "")
	r, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Wait()
	var d *DivergedError
	if !errors.As(err, &d) || !strings.Contains(err.Error(), "lower the learning rate (now 1e+03)") || d.Where == "" {
		t.Fatalf("got %v, want a DivergedError that says where and the cure", err)
	}
	if s := r.Last(); s.Reason != Failed || end.Reason != Failed || end.Error != err.Error() {
		t.Errorf("ended as %s, event %+v", s.Reason, end)
	}
	if k, err := ReadCheckpoint(c.Dir); err == nil {
		for i, x := range k.memory {
			if !compute.Finite(nil, x) {
				t.Errorf("garbage was saved: tensor %d", i)
			}
		}
	}
}

// poison is a split whose sample i is not a number.
type poison struct {
	*blobs
	i int
}

func (p poison) Fill(idx []int, to data.Samples) {
	p.blobs.Fill(idx, to)
	for k, i := range idx {
		if i == p.i {
			to.X[0][k*p.sizes.X[0].Size()] = float32(math.NaN())
		}
	}
}

func TestNaNIsTracedToItsLayer(t *testing.T) {
	set := blobSet(compute.Shape{6}, 100, 20)
	set.Train = poison{set.Train.(*blobs), 55}
	r, err := Start(context.Background(), config(t, mlp, "train: {batch: 16, epochs: 50, optimizer: {sgd: {lr: 0.1}}}", set))
	if err != nil {
		t.Fatal(err)
	}
	err = r.Wait()
	var d *DivergedError
	if !errors.As(err, &d) || !strings.Contains(d.Where, "input is the first layer whose output is not finite") {
		t.Fatalf("got %v, want it to name the input", err)
	}
}

func TestPanicBecomesErr(t *testing.T) {
	c := config(t, mlp, "train: {batch: 16, epochs: 2}", blobSet(compute.Shape{6}, 100, 20))
	c.Events = func(e Event) {
		if _, ok := e.(EventEpoch); ok {
			panic("boom")
		}
	}
	r, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	var p *PanicError
	if err := r.Wait(); !errors.As(err, &p) || p.Value != "boom" || !strings.Contains(string(p.Stack), "closeEpoch") {
		t.Fatalf("got %v, want the panic", err)
	}
	if s := r.Last(); s.Phase != Ended || s.Reason != Failed {
		t.Errorf("ended as %s, %s", s.Phase, s.Reason)
	}
}

func TestEvents(t *testing.T) {
	c := config(t, cnn, "train: {batch: 16, epochs: 2, optimizer: {sgd: {lr: 0.05}}}", blobSet(compute.Shape{3, 8, 8}, 64, 32))
	c.StepEvents = 3
	var kinds []string
	var losses []float64
	c.Events = func(e Event) {
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, m["event"].(string))
		if s, ok := e.(EventStep); ok {
			losses = append(losses, float64(s.Loss))
			if len(s.Layers) != len(c.Graph.Nodes)-1 {
				t.Errorf("%d layers in a step, want %d", len(s.Layers), len(c.Graph.Nodes)-1)
			}
		}
		for _, key := range map[string][]string{
			"start": {"network", "params", "macs", "data", "train_samples", "test_samples", "threads", "seed", "run"},
			"step":  {"step", "epoch", "loss", "accuracy", "lr", "samples_per_s", "layers"},
			"epoch": {"epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds"},
			"end":   {"reason", "steps", "test_loss", "test_accuracy", "seconds", "peak_rss_mb"},
		}[m["event"].(string)] {
			if _, ok := m[key]; !ok {
				t.Errorf("%s has no %s: %s", m["event"], key, text)
			}
		}
	}
	mustRun(t, c)
	if got, want := strings.Join(kinds, " "), "start step step epoch step epoch end"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	if math.Abs(losses[0]-math.Log(3)) > 0.5 {
		t.Errorf("the first loss is %v, far from ln 3", losses[0])
	}
}

// The last batch may be a single sample, from which batch norm learns nothing.
func TestLastBatchOfOne(t *testing.T) {
	c := config(t, mlp, "train: {batch: 16, epochs: 3}", blobSet(compute.Shape{6}, 33, 17))
	c.Dir = filepath.Join(t.TempDir(), "run")
	if s := mustRun(t, c).Last(); s.Step != 9 || math.IsNaN(s.TestLoss) {
		t.Errorf("step %d, test loss %v", s.Step, s.TestLoss)
	}
}

func TestStepsEndWithinAnEpoch(t *testing.T) {
	c := config(t, mlp, "train: {batch: 16, steps: 10}", blobSet(compute.Shape{6}, 100, 20))
	r := mustRun(t, c)
	if s := r.Last(); s.Step != 10 || s.Epoch != 2 || s.StepInEpoch != 3 || math.IsNaN(s.TestLoss) || len(s.Curves.TestLoss) != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestRefusals(t *testing.T) {
	set := blobSet(compute.Shape{6}, 100, 20)
	for _, c := range []struct{ text, section, want string }{
		{mlp, "train: {optimizer: sgdd}", `net.yaml:12:20: optimizer "sgdd" is unknown, wants sgd, adam, adamw: did you mean sgd?`},
		{mlp, "train: {optimizer: {adam: {lrr: 1}}}", `net.yaml:12:28: optimizer adam has no setting "lrr", wants lr, beta1, beta2, eps, weight_decay, decay_all: did you mean lr?`},
		{mlp, "train: {optimizer: {adam: {lr: fast}}}", `net.yaml:12:28: optimizer adam: lr is "fast", wants a number`},
		{mlp, "train: {optimizer: {sgd: {momentum: 0, nesterov: true}}}", `net.yaml:12:21: optimizer sgd has nesterov without momentum: set momentum, or leave nesterov out`},
		{mlp, "train: {schedule: {step: {factor: 0.1}}}", `net.yaml:12:20: schedule step wants every (epochs from fall to fall) or at (a list of epochs): give one of them`},
		{mlp, "train: {schedule: cosin}", `net.yaml:12:19: schedule "cosin" is unknown, wants constant, step, cosine: did you mean cosine?`},
		{mlp, "train: {loss: hinge}", `net.yaml:12:15: loss "hinge" is unknown, wants cross_entropy, binary_cross_entropy, mse, mae, huber, kl, reconstruction`},
		{mlp, "train: {augment: {pat: 4}}", `net.yaml:12:19: augment has no setting "pat", wants pad, flip: did you mean pad?`},
		{mlp, "train: {loss: mse}", `dense3: the loss mse wants numbers to predict, and blobs has classes: use cross_entropy`},
		{strings.Replace(mlp, "units: 3", "units: 4", 1), "", `dense3: the network's output is 4, and blobs has 3 classes: give the last dense 3 units`},
		{strings.Replace(mlp, "[6]", "[7]", 1), "", `train: the input of tiny is 7, and the samples of blobs are 6: set input: [6]`},
		{"name: none\ninput: [3]\nlayers:\n  - relu\n", "", `train: none has no weights: put a layer with weights in, such as a dense`},
	} {
		set := set
		if strings.Contains(c.text, "[3]") {
			set = blobSet(compute.Shape{3}, 10, 5)
		}
		cfg, err := FromSpec(graph(t, c.text, c.section), set, Overrides{})
		if err == nil {
			_, err = Start(context.Background(), cfg)
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("%s\n got %v\nwant %s", c.section, err, c.want)
		}
	}
}

func TestOverrides(t *testing.T) {
	seed := uint64(5)
	g := graph(t, mlp, "train: {batch: 16, epochs: 3, optimizer: {sgd: {lr: 0.1, momentum: 0.5}}}")
	c, err := FromSpec(g, blobSet(compute.Shape{6}, 100, 20), Overrides{Steps: 7, Batch: 8, LR: 0.2, Seed: &seed, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.parts()
	if err != nil {
		t.Fatal(err)
	}
	if o := p.opt.(*SGD); o.LR != 0.2 || o.Momentum != 0.5 {
		t.Errorf("optimizer %+v", o)
	}
	if c.Epochs != 0 || c.Steps != 7 || c.Batch != 8 || c.Seed != 5 || c.Threads != 2 {
		t.Errorf("config %+v", c)
	}
	if c, err = FromSpec(g, c.Data, Overrides{Optimizer: "adam"}); err != nil || len(c.Optimizer.Settings) != 0 {
		t.Errorf("another optimizer keeps the settings of sgd: %+v, %v", c.Optimizer, err)
	}
	if len(g.Spec.Train.Optimizer.Settings) != 2 || g.Spec.Train.Optimizer.Settings[0].Value[0] != "0.1" {
		t.Error("an override changed the spec")
	}
}

// A step in the steady state makes no garbage.
func TestStepAllocatesNothing(t *testing.T) {
	for _, section := range []string{
		"train: {batch: 16, epochs: 1, optimizer: {sgd: {lr: 0.01, weight_decay: 0.001}}, schedule: cosine, clip: 1, augment: {pad: 1, flip: true}}",
		"train: {batch: 16, epochs: 1, optimizer: {adamw: {lr: 0.01}}, schedule: {step: {at: [1, 2]}}}",
	} {
		c := config(t, cnn, section, blobSet(compute.Shape{3, 8, 8}, 100, 20))
		c.Epochs = 0
		p, err := c.check()
		if err != nil {
			t.Fatal(err)
		}
		tr, err := newTrainer(c, p)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.close()
		step := func() {
			if err := tr.step(nil); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 * tr.perEpoch { // also past the epoch's short batch
			step()
		}
		if n := allocs.Steady(40, step); n != 0 {
			t.Errorf("%s: %v allocations a step", section, n)
		}
	}
}
