package train

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"layercake/compute"
	"layercake/model"
)

// until runs c on a trainer for some steps as a loop would, then saves it.
func until(t *testing.T, c Config, steps int, dir string) {
	t.Helper()
	c.Steps = steps // the end of the schedule is that of the whole run, so it is set after
	p, err := c.check()
	if err != nil {
		t.Fatal(err)
	}
	whole := c
	whole.Steps = 0
	tr, err := newTrainer(whole, p)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.close()
	for tr.Step < steps {
		if tr.due() {
			score, _ := tr.test(func(int, int) bool { return false })
			tr.passed(score)
			tr.Tests = append(tr.Tests, EventEpoch{
				Event: "epoch", Epoch: tr.epoch(), Step: tr.Step, TrainLoss: Number(tr.Epoch.Loss()), TrainAccuracy: Number(tr.Epoch.Accuracy()),
				TestLoss: Number(score.Loss()), TestAccuracy: Number(score.Accuracy()),
			})
			tr.Epoch = Score{}
		}
		if err := tr.step(nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := tr.save(dir); err != nil {
		t.Fatal(err)
	}
}

// A run that was cut off after any step, the ends of epochs included, ends with
// the numbers of one that was not.
func TestResumeIsExact(t *testing.T) {
	sections := map[string]string{
		"momentum": "train: {batch: 16, epochs: 3, optimizer: {sgd: {lr: 0.05, nesterov: true, weight_decay: 0.01}}, schedule: {step: {at: [1, 2], warmup: 0.5}}, augment: {pad: 1, flip: true}}",
		"adam":     "train: {batch: 16, epochs: 3, optimizer: {adam: {lr: 0.01}}, schedule: {cosine: {warmup_steps: 3}}, clip: 0.5}",
	}
	set := blobSet(compute.Shape{3, 8, 8}, 60, 30) // 4 steps an epoch, the last one short
	for name, section := range sections {
		c := config(t, cnn, section, set)
		c.Dir = t.TempDir() + "/whole"
		wholeEnd := mustRun(t, c).Last()
		want := tensorsOf(t, c.Dir)
		for _, cut := range []int{1, 3, 4, 6, 8, 11, 12} {
			t.Run(fmt.Sprintf("%s/%d", name, cut), func(t *testing.T) {
				dir := t.TempDir()
				until(t, c, cut, dir)
				k, err := ReadCheckpoint(dir)
				if err != nil {
					t.Fatal(err)
				}
				if k.Step != cut || k.Config.Graph.Name != "tinycnn" || k.Config.Augment != c.Augment {
					t.Fatalf("read step %d, config %+v", k.Step, k.Config)
				}
				again := k.Config
				again.Data, again.Threads = set, 1+cut%3
				r, err := Resume(context.Background(), k, again)
				if err != nil {
					t.Fatal(err)
				}
				if err := r.Wait(); err != nil {
					t.Fatal(err)
				}
				sameBits(t, want, tensorsOf(t, dir))
				s := r.Last()
				if s.TestLoss != wholeEnd.TestLoss || s.Loss != wholeEnd.Loss || s.Step != wholeEnd.Step || s.BestAccuracy != wholeEnd.BestAccuracy {
					t.Errorf("test loss %v, loss %v at %d; want %v, %v at %d", s.TestLoss, s.Loss, s.Step, wholeEnd.TestLoss, wholeEnd.Loss, wholeEnd.Step)
				}
				if fmt.Sprint(s.Curves) != fmt.Sprint(wholeEnd.Curves) {
					t.Errorf("curves %v, want %v", s.Curves, wholeEnd.Curves)
				}
			})
		}
	}
}

// A regression has no accuracy: its checkpoints hold no number for it.
func TestResumeOfRegression(t *testing.T) {
	set := lineSet(50, 20)
	c := config(t, "name: line\ninput: [4]\nlayers:\n  - dense: {units: 1}\n", "train: {batch: 16, epochs: 4}", set)
	c.Dir = t.TempDir() + "/whole"
	mustRun(t, c)
	dir := t.TempDir()
	until(t, c, 6, dir)
	k, err := ReadCheckpoint(dir)
	if err != nil {
		t.Fatal(err)
	}
	again := k.Config
	again.Data = set
	other := again
	other.Dir = c.Dir
	if _, err := Resume(context.Background(), k, other); err == nil || !strings.Contains(err.Error(), "holds a run already") {
		t.Errorf("resuming over another run: %v", err)
	}
	r, err := Resume(context.Background(), k, again)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	sameBits(t, tensorsOf(t, c.Dir), tensorsOf(t, dir))
}

// The learning rate set by hand and a stop by hand survive.
func TestResumeAfterStop(t *testing.T) {
	set := blobSet(compute.Shape{6}, 100, 20)
	c := config(t, mlp, "train: {batch: 16, epochs: 40, optimizer: {sgd: {lr: 0.1}}}", set)
	c.Dir, c.Paused = filepath.Join(t.TempDir(), "run"), true
	r, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	r.SetLR(0.025)
	r.StepOnce()
	next(t, r, func(s Snapshot) bool { return s.Phase == Paused && s.Step == 1 })
	r.Stop()
	if err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	l, err := ReadLog(c.Dir)
	if err != nil || l.End == nil || l.End.Reason != Stopped || l.Start.Network != "tiny" {
		t.Fatalf("log %+v, %v", l, err)
	}
	k, err := ReadCheckpoint(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Override(Overrides{Epochs: 2, Threads: 2}); err != nil {
		t.Fatal(err)
	}
	again := k.Config
	again.Data = set
	if r, err = Resume(context.Background(), k, again); err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	if s := r.Last(); s.Reason != Finished || s.Step != 14 || math.Abs(s.LR-0.025) > 1e-12 {
		t.Errorf("resumed to %s at step %d with rate %v", s.Reason, s.Step, s.LR)
	}
	if l, err = ReadLog(c.Dir); err != nil || len(l.Epochs) != 2 || l.End == nil || l.End.Reason != Finished {
		t.Errorf("log %+v, %v", l, err)
	}
	if names, _ := filepath.Glob(c.Dir + "/*.tmp"); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}

// sample is a small checkpoint.
func sample(t testing.TB) []byte {
	t.Helper()
	h := header{
		Spec:     "name: x\ninput: [2]\nlayers:\n  - dense: {units: 2}\n",
		Settings: settings{Batch: 4, Epochs: 1, Optimizer: named{Kind: "adam"}},
		Position: position{Step: 3, Scale: 1, Curve: newCurve()},
		Tensors:  []tensorEntry{{"param/a", compute.Shape{2, 3}}, {"param/b", compute.Shape{1}}},
	}
	var b bytes.Buffer
	if err := encode(&b, h, [][]float32{{1, 2, 3, 4, 5, 6}, {7}}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withHeader puts another header into a checkpoint.
func withHeader(t *testing.T, change func(h *header)) []byte {
	t.Helper()
	b := sample(t)
	n := binary.LittleEndian.Uint32(b[12:])
	var h header
	if err := json.Unmarshal(b[16:16+n], &h); err != nil {
		t.Fatal(err)
	}
	change(&h)
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	out := append([]byte(nil), b[:12]...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(text)))
	out = append(append(out, text...), b[16+n:len(b)-4]...)
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

func TestCheckpointRoundTrip(t *testing.T) {
	b := sample(t)
	h, memory, err := decode("c", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	sameBits(t, [][]float32{{1, 2, 3, 4, 5, 6}, {7}}, memory)
	if h.Position.Step != 3 || h.Settings.Batch != 4 || h.Tensors[0].Name != "param/a" {
		t.Errorf("header %+v", h)
	}
}

func TestWrongCheckpointsAreRefused(t *testing.T) {
	good := sample(t)
	flip := func(i int) []byte {
		b := bytes.Clone(good)
		b[i] ^= 1
		return b
	}
	size := len(good)
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, `c: starts with "", wants "LAYRCAKE": this is no checkpoint`},
		{"foreign", []byte("PK\x03\x04 something else entirely"), `c: starts with "PK\x03\x04 som", wants "LAYRCAKE": this is no checkpoint`},
		{"cut in the lead", good[:10], `c: ends after 10 of the first 16 bytes: the file is cut; resume from another`},
		{"version", flip(8), `c: is of version 0, wants 1: it was written by another version of layercake`},
		{"long header", append(append([]byte{}, good[:12]...), 0xff, 0xff, 0xff, 0xff), `c: byte 12 promises a header of 4294967295 bytes, wants at most 67108864: the file is damaged`},
		{"cut in the header", good[:40], fmt.Sprintf(`c: ends after 40 bytes, inside a header that goes on to byte %d: the file is cut; resume from another`, size-4*7-4)},
		{"cut in the tensors", good[:size-9], fmt.Sprintf(`c: has %d bytes, and its header promises %d: the file is cut or damaged; resume from another`, size-9, size)},
		{"longer", append(bytes.Clone(good), 0), fmt.Sprintf(`c: has %d bytes, and its header promises %d: the file is cut or damaged; resume from another`, size+1, size)},
		{"a bit", flip(size - 12), `the file is damaged; resume from another`},
		{"huge tensor", withHeader(t, func(h *header) { h.Tensors[0].Shape = compute.Shape{1 << 30, 1 << 30} }), `c: the header gives "param/a" the shape 1073741824×1073741824: the file is damaged`},
		{"negative tensor", withHeader(t, func(h *header) { h.Tensors[0].Shape = compute.Shape{-2, -3} }), `c: the header gives "param/a" the shape -2×-3: the file is damaged`},
		{"more than there is", withHeader(t, func(h *header) { h.Tensors[0].Shape = compute.Shape{1 << 20} }), `and its header promises`},
		{"curve", withHeader(t, func(h *header) { h.Position.Curve.Step = []int{1} }), `c: the header's position is wrong (a curve with uneven columns): the file is damaged`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := decode("c", bytes.NewReader(c.b), int64(len(c.b)))
			if err == nil || !strings.HasSuffix(err.Error(), c.want) && !strings.Contains(err.Error(), c.want) {
				t.Errorf("\n got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestCheckpointOfAnother(t *testing.T) {
	set := blobSet(compute.Shape{6}, 50, 20)
	c := config(t, mlp, "train: {batch: 16, epochs: 1}", set)
	c.Dir = filepath.Join(t.TempDir(), "run")
	mustRun(t, c)
	resume := func(change func(c *Config)) error {
		k, err := ReadCheckpoint(c.Dir)
		if err != nil {
			t.Fatal(err)
		}
		again := k.Config
		again.Data = set
		change(&again)
		r, err := Resume(context.Background(), k, again)
		if err != nil {
			return err
		}
		return r.Wait()
	}
	before, err := os.ReadFile(filepath.Join(c.Dir, checkpointName))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name   string
		change func(c *Config)
		want   string
	}{
		{"network", func(c *Config) { c.Graph = graph(t, strings.Replace(mlp, "units: 16", "units: 17", 1), "") },
			"holds param/dense1.weight of 6×16 where tiny has param/dense1.weight of 6×17: it is of another network"},
		{"optimizer", func(c *Config) { c.Optimizer = model.Named{Kind: "sgd"} }, "it is of another network"},
		{"batch", func(c *Config) { c.Batch = 8 }, "has a batch of 16, got 8: resume with the same"},
		{"data", func(c *Config) { c.Data = blobSet(compute.Shape{6}, 51, 20) },
			"is of 50 training and 20 test samples, got 51 and 20: resume with the same data"},
	} {
		t.Run(x.name, func(t *testing.T) {
			if err := resume(x.change); err == nil || !strings.HasSuffix(err.Error(), x.want) {
				t.Errorf("\n got %v\nwant … %s", err, x.want)
			}
		})
	}
	after, err := os.ReadFile(filepath.Join(c.Dir, checkpointName))
	if err != nil || !bytes.Equal(before, after) {
		t.Error("a refused resume changed the checkpoint")
	}
	if _, err := ReadCheckpoint(t.TempDir()); err == nil || !strings.HasSuffix(err.Error(), "has no checkpoint: name the folder that a run was saved in") {
		t.Errorf("an empty folder: %v", err)
	}
}

// A write that fails leaves the old checkpoint and nothing half-done.
func TestFailedWriteKeepsTheOld(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	if err := writeFile(path, func(w io.Writer) error {
		w.Write(make([]byte, 1<<20))
		return full
	}); !errors.Is(err, full) {
		t.Fatalf("got %v, want the writer's error", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "old" {
		t.Errorf("the old file is %q, %v", b, err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}

func FuzzDecode(f *testing.F) {
	good := sample(f)
	f.Add(good)
	f.Add(good[:20])
	f.Add([]byte("LAYRCAKE\x01\x00\x00\x00\x02\x00\x00\x00{}\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, memory, err := decode("c", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		n := 0
		for i := range h.Tensors {
			n += len(memory[i])
		}
		if 4*n > len(b) {
			t.Fatalf("%d bytes made %d floats", len(b), n)
		}
		h.Position.Curve.add(1, 1, 1) // fit for use
	})
}

func FuzzLog(f *testing.F) {
	f.Add([]byte(`{"event":"start","network":"x"}` + "\n" + `{"event":"epoch","epoch":1,"test_loss":null}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, logName), b, 0o644); err != nil {
			t.Fatal(err)
		}
		l, err := ReadLog(dir)
		if err != nil {
			return
		}
		if l.Start.Event != "start" || l.Start.Params < 0 {
			t.Fatalf("read %+v", l)
		}
		for _, e := range l.Epochs {
			if e.Epoch < 1 || e.Step < 0 || e.TestAccuracy < 0 || e.TestAccuracy > 1 {
				t.Fatalf("read %+v", e)
			}
		}
	})
}

// Figures that no run has are called damage.
func TestLogRefusesImpossibleFigures(t *testing.T) {
	const start = `{"event":"start","network":"x"}` + "\n"
	for _, line := range []string{
		`{"event":"epoch","epoch":0}`, `{"event":"epoch","epoch":1,"step":-1}`, `{"event":"epoch","epoch":1,"test_accuracy":1.5}`,
		`{"event":"epoch","epoch":1,"train_accuracy":-1}`, `{"event":"end","steps":-1}`, `{"event":"end","test_accuracy":3}`,
		`{"event":"start","network":"x","params":-1}`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, logName), []byte(start+line+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadLog(dir); err == nil || !strings.Contains(err.Error(), ":2: ") {
			t.Errorf("%s: %v, want a refusal of line 2", line, err)
		}
	}
}
