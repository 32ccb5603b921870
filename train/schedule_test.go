package train

import (
	"math"
	"testing"

	"layercake/layers"
	"layercake/model"
)

func TestSchedules(t *testing.T) {
	set := func(key string, v ...string) model.Setting { return model.Setting{Key: key, Value: layers.Value(v)} }
	half := (1 + math.Cos(math.Pi*0.5)) / 2
	for _, c := range []struct {
		n       model.Named
		total   int
		factors map[int]float64 // by step, at 10 steps an epoch
	}{
		{model.Named{Kind: "constant"}, 100, map[int]float64{0: 1, 99: 1}},
		{model.Named{Kind: "constant", Settings: []model.Setting{set("warmup", "0.5")}}, 100, map[int]float64{0: 0.2, 3: 0.8, 4: 1, 5: 1}},
		{model.Named{Kind: "constant", Settings: []model.Setting{set("warmup_steps", "4")}}, 0, map[int]float64{0: 0.25, 3: 1, 9: 1}},
		{model.Named{Kind: "step", Settings: []model.Setting{set("every", "2"), set("factor", "0.5")}}, 100,
			map[int]float64{0: 1, 19: 1, 20: 0.5, 40: 0.25, 59: 0.25}},
		{model.Named{Kind: "step", Settings: []model.Setting{set("at", "3", "5")}}, 100,
			map[int]float64{29: 1, 30: 0.1, 49: 0.1, 50: 0.01}},
		{model.Named{Kind: "step", Settings: []model.Setting{set("at", "3, 5"), set("warmup", "1")}}, 100,
			map[int]float64{0: 0.1, 9: 1, 30: 0.1}},
		{model.Named{Kind: "cosine"}, 100, map[int]float64{0: 1, 50: half, 100: 0, 200: 0}},
		{model.Named{Kind: "cosine", Settings: []model.Setting{set("min", "0.1")}}, 100, map[int]float64{0: 1, 50: 0.1 + 0.9*half, 100: 0.1}},
		{model.Named{Kind: "cosine", Settings: []model.Setting{set("warmup", "2")}}, 120, map[int]float64{0: 0.05, 19: 1, 20: 1, 70: half}},
		{model.Named{Kind: "cosine"}, 0, map[int]float64{0: 1, 1000: 1}},
	} {
		s, err := NewSchedule("", c.n)
		if err != nil {
			t.Fatal(err)
		}
		for step, want := range c.factors {
			if got := s.Factor(step, c.total, 10); math.Abs(got-want) > 1e-12 {
				t.Errorf("%+v at step %d of %d: %v, want %v", c.n, step, c.total, got, want)
			}
		}
	}
	for _, n := range []model.Named{
		{Kind: "step"},
		{Kind: "step", Settings: []model.Setting{set("every", "2"), set("at", "3")}},
		{Kind: "step", Settings: []model.Setting{set("at", "3", "x")}},
		{Kind: "cosine", Settings: []model.Setting{set("warmup", "2"), set("warmup_steps", "3")}},
		{Kind: "cosine", Settings: []model.Setting{set("min", "2")}},
	} {
		if _, err := NewSchedule("", n); err == nil {
			t.Errorf("%+v was taken", n)
		}
	}
}

// Every row of the tables works with its default settings but the stairs,
// which have none for where to fall.
func TestTablesHaveDefaults(t *testing.T) {
	for _, k := range Optimizers {
		if err := k.New().Check(); err != nil || k.Summary == "" {
			t.Errorf("%s: %v, summary %q", k.Name, err, k.Summary)
		}
		if f := k.New().Fields(); len(f) == 0 || f[0].Name != "lr" {
			t.Errorf("the first setting of %s is not lr", k.Name)
		}
	}
	for _, k := range Schedules {
		if err := k.New().Check(); (err != nil) != (k.Name == "step") || k.Summary == "" {
			t.Errorf("%s: %v, summary %q", k.Name, err, k.Summary)
		}
	}
}

func TestSetLRKeepsTheShape(t *testing.T) {
	s, err := NewSchedule("", model.Named{Kind: "cosine"})
	if err != nil {
		t.Fatal(err)
	}
	tr := &trainer{total: 100, perEpoch: 10, parts: parts{opt: &SGD{LR: 0.4}, schedule: s}, position: position{Step: 50, Scale: 1}}
	tr.setLR(0.1)
	if got := tr.lr(); math.Abs(got-0.1) > 1e-12 {
		t.Errorf("the rate is %v, want 0.1", got)
	}
	tr.Step = 75
	if got, want := tr.lr(), 0.2*(1+math.Cos(math.Pi*0.75))/2; math.Abs(got-want) > 1e-12 {
		t.Errorf("25 steps later the rate is %v, want %v", got, want)
	}
}
