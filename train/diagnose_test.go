package train

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"layercake/compute"
	"layercake/data"
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
	s := &Snapshot{Step: 1000, LR: 0.1}
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
			"gradients explode on the way down: 200 at dense1, 2e-2 at the head (×1e4 over 8 layers)"},
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
			s.Step = quietSteps - 1
			if early := diagnose(&cfg, s, &trainer{}); early != nil {
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
