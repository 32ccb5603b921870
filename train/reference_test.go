package train

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
	"testing"

	"layercake/compute"
	"layercake/data"
	"layercake/layers"
	"layercake/model"
)

// reference is what internal/reference/make_optimizers.py wrote with PyTorch.
type reference struct {
	Optimizers []struct {
		Kind     string
		Settings map[string]any
		Clip     float64
		First    []float32
		Grads    [][]float32
		After    [][]float32
	}
	Losses []struct {
		Kind      string
		Smoothing float64
		Settings  map[string]any
		Out       []float32
		Labels    []int32
		Targets   []float32
		Loss      float64
		Grad      []float32
	}
}

func readReference(t *testing.T) (r reference) {
	t.Helper()
	text, err := os.ReadFile("testdata/optimizers.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= 2e-6*(1+math.Abs(float64(want[i])))) {
			t.Fatalf("%s[%d] = %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestOptimizersAgreeWithPyTorch(t *testing.T) {
	seen := map[string]bool{}
	for i, c := range readReference(t).Optimizers {
		t.Run(fmt.Sprintf("%s/%d", c.Kind, i), func(t *testing.T) {
			seen[c.Kind] = true
			n := model.Named{Kind: c.Kind}
			var keys []string
			for k := range c.Settings {
				keys = append(keys, k)
			}
			sort.Strings(keys)
			for _, k := range keys {
				n.Settings = append(n.Settings, model.Setting{Key: k, Value: layers.Value{fmt.Sprint(c.Settings[k])}})
			}
			o, err := NewOptimizer("", n)
			if err != nil {
				t.Fatal(err)
			}
			for _, stats := range [][]compute.SweepStats{nil, make([]compute.SweepStats, 1)} {
				w := append([]float32(nil), c.First...)
				g := make([]float32, len(w))
				var slots [][]float32
				for range o.Slots() {
					slots = append(slots, make([]float32, len(w)))
				}
				for k := range c.Grads {
					copy(g, c.Grads[k])
					before := append([]float32(nil), w...)
					s := Sweep{W: w, G: g, Slots: slots, Parts: []compute.Part{{From: 0, To: len(w), Decay: true}}, LR: o.Rate(), Step: k + 1, Scale: 1, Stats: stats}
					if norm := math.Sqrt(compute.SumSquares(nil, g)); c.Clip > 0 && norm > c.Clip {
						s.Scale = float32(c.Clip / norm)
					}
					o.Update(nil, &s)
					near(t, fmt.Sprintf("step %d: w", k+1), w, c.After[k])
					near(t, "the gradient", g, c.Grads[k])
					if stats == nil {
						continue
					}
					var want compute.SweepStats
					for j := range w {
						want.Grad2 += float64(c.Grads[k][j]) * float64(c.Grads[k][j])
						want.Weight2 += float64(w[j]) * float64(w[j])
						want.Update2 += float64(w[j]-before[j]) * float64(w[j]-before[j])
					}
					if math.Abs(stats[0].Grad2/want.Grad2-1) > 1e-5 || math.Abs(stats[0].Weight2/want.Weight2-1) > 1e-5 ||
						c.Kind != "adamw" && math.Abs(stats[0].Update2/want.Update2-1) > 1e-4 {
						t.Errorf("step %d: sums of squares %+v, want %+v", k+1, stats[0], want)
					}
				}
			}
		})
	}
	for _, k := range Optimizers {
		if !seen[k.Name] {
			t.Errorf("no reference numbers for %s", k.Name)
		}
	}
}

func TestLossesAgreeWithPyTorch(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range readReference(t).Losses {
		seen[c.Kind] = true
		n := model.Named{Kind: c.Kind}
		rows := len(c.Labels)
		if rows == 0 {
			rows = 3
		}
		if c.Smoothing > 0 {
			n.Settings = []model.Setting{{Key: "smoothing", Value: layers.Value{fmt.Sprint(c.Smoothing)}}}
		}
		for k, v := range c.Settings {
			value := layers.Value{fmt.Sprint(v)}
			if list, ok := v.([]any); ok {
				value = nil
				for _, x := range list {
					value = append(value, fmt.Sprint(x))
				}
			}
			n.Settings = append(n.Settings, model.Setting{Key: k, Value: value})
		}
		l, err := NewLoss("", n)
		if err != nil {
			t.Fatal(err)
		}
		out := compute.Tensor{Shape: compute.Shape{len(c.Out) / rows}, Data: c.Out}
		b := &data.Batch{N: rows, Labels: c.Labels, Targets: c.Targets}
		if c.Kind == "reconstruction" {
			b.X, b.Targets = [][]float32{c.Targets}, nil
		}
		grad := make([]float32, len(c.Out))
		s := l.Eval(nil, out, b, grad)
		if math.Abs(s.Loss()-c.Loss) > 1e-6 {
			t.Errorf("%s: loss %v, want %v", c.Kind, s.Loss(), c.Loss)
		}
		near(t, c.Kind+": gradient", grad, c.Grad)
		if again := l.Eval(nil, out, b, nil); again != s {
			t.Errorf("%s: without gradient %+v, want %+v", c.Kind, again, s)
		}
		if _, ignore := c.Settings["ignore"]; c.Kind == "cross_entropy" && !ignore && s.Labels != rows-1 {
			t.Errorf("%d labels were judged, want all but the one below zero: %d", s.Labels, rows-1)
		}
	}
	for _, k := range Losses {
		if !seen[k.Name] {
			t.Errorf("no reference numbers for %s", k.Name)
		}
	}
}

// Weight decay leaves biases alone unless told otherwise.
func TestDecayLeavesBiasesOut(t *testing.T) {
	for _, kind := range []string{"sgd", "adam", "adamw"} {
		for _, all := range []string{"false", "true"} {
			o, err := NewOptimizer("", model.Named{Kind: kind, Settings: []model.Setting{
				{Key: "weight_decay", Value: layers.Value{"0.5"}}, {Key: "decay_all", Value: layers.Value{all}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			w := []float32{2}
			s := Sweep{W: w, G: []float32{0}, Parts: []compute.Part{{From: 0, To: 1}}, LR: 0.1, Step: 1, Scale: 1}
			for range o.Slots() {
				s.Slots = append(s.Slots, []float32{0})
			}
			o.Update(nil, &s)
			if moved := w[0] != 2; moved != (all == "true") {
				t.Errorf("%s, decay_all %s: a bias went from 2 to %v", kind, all, w[0])
			}
		}
	}
}
