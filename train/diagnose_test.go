package train

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"layercake/compute"
	"layercake/data"
	"layercake/layers"
	"layercake/model"
)

// plain is n dense layers in a row.
func plain(t *testing.T, n int) *model.Graph {
	t.Helper()
	var b strings.Builder
	b.WriteString("name: plain\ninput: [8]\nlayers:\n")
	for range n {
		b.WriteString("  - dense: {units: 8}\n  - relu\n")
	}
	return graph(t, b.String(), "")
}

// well is a snapshot in which nothing is wrong.
func well(g *model.Graph) *Snapshot {
	s := &Snapshot{Step: 1000, LR: 0.1, Loss: 0.1}
	for i := range g.Nodes {
		l := LayerStats{Name: g.Nodes[i].Name, GradNorm: nan, Update: nan, Dead: nan}
		if len(g.Nodes[i].Plan.Params) > 0 {
			l.Trainable, l.GradNorm, l.WeightNorm, l.Update = true, 0.02, 3, 1e-3
		} else if i > 0 {
			l.Dead = 0.1
		}
		s.Layers = append(s.Layers, l)
	}
	for i := range 64 {
		s.Curves.TrainLoss = append(s.Curves.TrainLoss, 2.3*math.Exp(-float64(i)/20))
	}
	return s
}

func epoch(n int, train, test float64) EventEpoch {
	return EventEpoch{Epoch: n, TrainLoss: Number(train), TestLoss: Number(test)}
}

func TestDiagnose(t *testing.T) {
	g := plain(t, 8)
	first, head := 1, 15
	good := []EventEpoch{epoch(1, 1, 1), epoch(2, 0.8, 0.9), epoch(3, 0.6, 0.8), epoch(4, 0.5, 0.75)}
	for _, c := range []struct {
		name   string
		change func(s *Snapshot)
		tests  []EventEpoch
		level  string
		node   int
		what   string
	}{
		{"well", func(s *Snapshot) {}, good, "good", -1, "gradients reach every layer"},
		{"vanish", func(s *Snapshot) {
			for i := range s.Layers {
				s.Layers[i].GradNorm *= math.Pow(0.09, float64(head-i)/2)
			}
		}, good, "wrong", first, "gradients vanish below dense5: 9.6e-10 at dense1, 2e-2 at the head (×1e7 over 8 layers, no skip)"},
		{"explode", func(s *Snapshot) { s.Layers[first].GradNorm = 200 }, good, "warn", first,
			"gradients explode on the way down: 200 at dense1, 2e-2 at the head (×1e4 over 8 layers, no skip)"},
		{"nothing flows", func(s *Snapshot) {
			for i := range s.Layers {
				s.Layers[i].GradNorm *= 0
			}
		}, good, "wrong", head, "no gradient reaches any layer"},
		{"dead", func(s *Snapshot) { s.Layers[2].Dead, s.Layers[4].Dead = 0.95, 0.6 }, good, "wrong", 2,
			"95 % of the units of relu1 are dead, and over 50 % in 1 more"},
		{"large steps", func(s *Snapshot) {
			for i := range s.Layers {
				s.Layers[i].Update *= 100
			}
		}, good, "warn", first, "steps are large: a step changes weights by 0.1 of their size"},
		{"tiny steps", func(s *Snapshot) {
			for i := range s.Layers {
				s.Layers[i].Update *= 1e-4
			}
		}, good, "warn", -1, "steps are tiny: a step changes weights by 1e-7 of their size"},
		{"stuck", func(s *Snapshot) {
			for i := range s.Curves.TrainLoss {
				s.Curves.TrainLoss[i] = math.Log(3) + 0.001*float64(i%2)
			}
		}, good, "warn", -1, "the training loss does not fall: 1.1 after 1000 steps, 1.1 at the beginning, which is guessing among 3 classes"},
		{"rising", func(s *Snapshot) {
			for i := range s.Curves.TrainLoss {
				s.Curves.TrainLoss[i] = 2 - 0.05*float64(i) + 0.001*float64(i*i)
			}
		}, good, "warn", -1, "the training loss rises"},
		{"over-fitting", func(s *Snapshot) {}, []EventEpoch{epoch(1, 1, 1), epoch(2, 0.5, 0.8), epoch(3, 0.3, 0.85), epoch(4, 0.1, 0.95)},
			"warn", -1, "over-fitting since epoch 2: the test loss rose from 0.8 to 0.95 while the training loss fell to 0.1"},
		{"noise is no over-fitting", func(s *Snapshot) {}, []EventEpoch{epoch(1, 1, 1), epoch(2, 0.5, 0.8), epoch(3, 0.3, 0.82)}, "good", -1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := well(g)
			c.change(s)
			cfg := Config{Graph: g, Data: &data.Set{Classes: []string{"a", "b", "c"}}}
			got := diagnose(&cfg, s, &trainer{position: position{Tests: c.tests}})
			if len(got) == 0 {
				t.Fatal("nothing was found")
			}
			f := got[0]
			if f.Level != c.level || f.Node != c.node || !strings.HasPrefix(f.What, c.what) {
				t.Errorf("found %+v, want %s at %d: %s", f, c.level, c.node, c.what)
			}
			if f.Level != "good" && (f.Why == "" || f.Cure == "") {
				t.Errorf("no why or cure: %+v", f)
			}
			if f.Level == "good" && len(got) != 1 {
				t.Errorf("well, and %+v", got[1:])
			}
			// At first only the way of the gradients is judged.
			s.Step = quietSteps - 1
			early := diagnose(&cfg, s, &trainer{})
			if flows := strings.Contains(c.what, "gradient"); flows && f.Level != "good" && (len(early) != 1 || early[0].Word != f.Word) || (!flows || f.Level == "good") && early != nil {
				t.Errorf("after %d steps: %+v", s.Step, early)
			}
		})
	}
}

// A deep stack of sigmoids really vanishes, and is found to.
func TestDiagnoseOfARun(t *testing.T) {
	var b strings.Builder
	b.WriteString("name: deep\ninput: [6]\nlayers:\n")
	for range 8 {
		b.WriteString("  - dense: {units: 8}\n  - sigmoid\n")
	}
	b.WriteString("  - dense: {units: 3}\n")
	c := config(t, b.String(), "train: {batch: 16, steps: 60, optimizer: {sgd: {lr: 0.01}}}", blobSet(compute.Shape{6}, 100, 20))
	r, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	s := r.Last()
	if len(s.Verdict) == 0 || !strings.HasPrefix(s.Verdict[0].What, "gradients vanish below") || s.Verdict[0].Node != 1 {
		t.Errorf("found %+v", s.Verdict)
	}
}

func TestFigure(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 0.74: "0.74", 3e-9: "3e-9", 0.021: "2.1e-2", 1: "1", 12.345: "12.3", 54321: "5.4e4"} {
		if got := figure(x); got != want {
			t.Errorf("%v is written %s, want %s", x, got, want)
		}
	}
	if got := fmt.Sprint(figure(math.NaN()), figure(math.Inf(1))); got != "NaN +Inf" && got != "NaN+Inf" {
		t.Errorf("no numbers are written %s", got)
	}
	if got := times(12.4) + times(2e7) + times(math.Inf(1)); got != "×12×1e7to nothing" {
		t.Errorf("factors are written %s", got)
	}
}

// The words go with how the network is built and with what the run has seen.
func TestDiagnoseWords(t *testing.T) {
	// stack is n dense layers with what follows each, and a dense one at the end.
	stack := func(n int, after string) *model.Graph {
		return graph(t, "name: stack\ninput: [8]\nlayers:\n"+strings.Repeat("  - dense: {units: 8}\n"+after, n)+"  - dense: {units: 3}\n", "")
	}
	squashed := stack(7, "  - sigmoid\n")
	normed := stack(7, "  - batchnorm\n  - relu\n")
	shrink := func(by float64) func(g *model.Graph, s *Snapshot) {
		return func(g *model.Graph, s *Snapshot) {
			x := 0.02
			for i := len(s.Layers) - 1; i > 0; i-- {
				if s.Layers[i].Trainable {
					s.Layers[i].GradNorm = x
				}
				if g.Nodes[i].Kind.Name == "dense" {
					x *= by
				}
			}
		}
	}
	outputs := func(low, high float64, counts ...int) func(g *model.Graph, s *Snapshot) {
		return func(g *model.Graph, s *Snapshot) { s.Layers[4].Acts = Histogram{Low: low, High: high, Counts: counts} }
	}
	for _, c := range []struct {
		name   string
		g      *model.Graph
		change func(g *model.Graph, s *Snapshot)
		level  string
		words  string // of what, why and cure together
	}{
		{"sigmoids shrink", squashed, shrink(0.1), "wrong", "a quarter of a gradient|take relu or gelu in place of sigmoid"},
		{"norms without skips", normed, shrink(12), "warn", "norms without skips do that|residual skip"},
		{"at the start", normed, func(g *model.Graph, s *Snapshot) { s.Step = 1; shrink(12)(g, s) }, "warn", "at the start gradients explode"},
		{"saturated", squashed, outputs(0, 1, 500, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 500), "wrong", "99 % of the outputs of sigmoid2 lie at the ends"},
		{"between the ends", squashed, outputs(0.4, 0.6, 500, 1, 1, 500), "good", "gradients reach every layer"},
		{"every unit dead", plain(t, 3), func(_ *model.Graph, s *Snapshot) { s.Layers[4].Dead = 1 }, "wrong", "100 % of the units of relu2 are dead|train anew with a lower learning rate, 0.01 say"},
		{"norm behind a dead unit", normed, func(_ *model.Graph, s *Snapshot) { s.Layers[3].Dead = 0.6 }, "warn", "lower the learning rate, or take leaky_relu"},
		{"stuck since it exploded", normed, func(g *model.Graph, s *Snapshot) {
			for i := range s.Curves.TrainLoss {
				s.Curves.TrainLoss[i] = 1
			}
			for i := range s.Layers {
				if s.Layers[i].Trainable {
					s.Layers[i].GradTrail = []float64{0.2, 0.1}
				}
			}
			s.Layers[1].GradTrail[0] = 470
		}, "warn", "does not fall|exploded at the start, 470 at dense1 and 0.2 at the head"},
		{"slow", plain(t, 3), func(_ *model.Graph, s *Snapshot) { s.Loss = 2.29 }, "good", "but the loss has not fallen yet: 2.300 to 2.290"},
		{"falling", plain(t, 3), func(*model.Graph, *Snapshot) {}, "good", "; the loss went from 2.300 to 0.100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := well(c.g)
			c.change(c.g, s)
			got := diagnose(&Config{Graph: c.g, Data: &data.Set{}}, s, &trainer{})
			if len(got) == 0 {
				t.Fatal("nothing was found")
			}
			all := got[0].What + "|" + got[0].Why + "|" + got[0].Cure
			for _, w := range strings.Split(c.words, "|") {
				if got[0].Level != c.level || !strings.Contains(all, w) {
					t.Errorf("found %s: %s; wants %s with %q", got[0].Level, all, c.level, w)
				}
			}
		})
	}

	// Small steps are no fault where a schedule or the end of learning makes them.
	g := plain(t, 3)
	tiny := func(change func(s *Snapshot)) []Finding {
		s := well(g)
		for i := range s.Layers {
			s.Layers[i].Update *= 1e-4
		}
		change(s)
		opt, err := NewOptimizer("test", model.Named{Kind: "sgd", Settings: []model.Setting{{Key: "lr", Value: layers.Value{"0.1"}}}})
		if err != nil {
			t.Fatal(err)
		}
		return diagnose(&Config{Graph: g, Data: &data.Set{}}, s, &trainer{parts: parts{opt: opt}, position: position{Scale: 1}})
	}
	for name, c := range map[string]struct {
		change func(s *Snapshot)
		level  string
	}{
		"as set":  {func(*Snapshot) {}, "warn"},
		"lowered": {func(s *Snapshot) { s.LR = 0.005 }, "good"},
		"learnt":  {func(s *Snapshot) { s.Loss = 0.01 }, "good"},
	} {
		if got := tiny(c.change); got[0].Level != c.level {
			t.Errorf("tiny steps, %s: %+v, wants %s", name, got[0], c.level)
		}
	}
}
