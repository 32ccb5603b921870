package train

import (
	"context"
	"testing"

	"layercake/compute"
	"layercake/data"
	"layercake/layers"
	"layercake/model"
	"layercake/presets"
)

// batchOf is a set of 32 drawn pictures for a network with that input. Colour
// pictures are halved by taking every second pixel, where the network allows
// for it, since the point is the gradients and not the sight.
func batchOf(t *testing.T, input compute.Shape) *data.Set {
	t.Helper()
	name := "digits"
	if input[0] == 3 {
		name = "shapes"
	}
	set, err := data.Open(context.Background(), name, data.Options{Seed: 1, Train: 32, Test: 1})
	if err != nil {
		t.Fatal(err)
	}
	set.Test = nil
	if input[0] != 3 || input[1] > 32 {
		return set
	}
	set.Train = halved{set.Train}
	set.Inputs = []data.Input{{Name: "input", Shape: set.Train.Sizes().X[0]}}
	return set
}

// halved is a split of pictures with every second row and column left out.
type halved struct{ data.Split }

func (s halved) Sizes() data.Sizes {
	z := s.Split.Sizes()
	z.X = []compute.Shape{{z.X[0][0], z.X[0][1] / 2, z.X[0][2] / 2}}
	return z
}

func (s halved) Fill(idx []int, to data.Samples) {
	z, x := s.Split.Sizes().X[0], to.X[0]
	c, h, w := z[0], z[1], z[2]
	whole := make([]float32, len(idx)*c*h*w)
	s.Split.Fill(idx, data.Samples{X: [][]float32{whole}, Labels: to.Labels, Targets: to.Targets})
	for k := range idx {
		for i := range h / 2 {
			for j := range w / 2 {
				copy(x[((k*h/2+i)*w/2+j)*c:][:c], whole[((k*h+2*i)*w+2*j)*c:])
			}
		}
	}
}

// Every preset learns one batch of 32 by heart, to a loss below 0.01 within 200
// steps: a pass that loses or bends a gradient does not get there. Large
// networks do it on small pictures. plain56 is the exception that the presets
// show: it tells how far it gets.
func TestPresetsLearnABatchByHeart(t *testing.T) {
	const steps, goal = 200, 0.01
	for _, p := range presets.List() {
		t.Run(p.Name, func(t *testing.T) {
			spec, err := presets.Spec(p.Name)
			if err != nil {
				t.Fatal(err)
			}
			input := spec.Inputs[0].Shape
			if len(input) != 3 || spec.Train.Loss.Kind != "cross_entropy" {
				t.Skip("TestPresetsLearnTheirOwnTask has it")
			}
			if input[0] == 3 {
				if testing.Short() {
					t.Skip("large networks take a while")
				}
			}
			set := batchOf(t, input)
			fitted, why := model.Adapt(spec, Inputs(set), len(set.Classes))
			if fitted == nil {
				t.Fatal(why)
			}
			g := model.Resolve(fitted)
			if g.Err != nil {
				t.Fatal(g.Err)
			}
			// A large network has many weights to move a little, a small one few
			// to move far.
			lr := "0.005"
			if input[len(input)-1] > 32 {
				lr = "0.001"
			}
			adam := model.Named{Kind: "adam", Settings: []model.Setting{{Key: "lr", Value: layers.Value{lr}}}}
			c := Config{
				Graph: g, Data: set, Batch: 32, Steps: steps, Seed: 1,
				Loss: model.Named{Kind: "cross_entropy"}, Optimizer: adam, Schedule: model.Named{Kind: "cosine"},
			}
			q, err := c.check()
			if err != nil {
				t.Fatal(err)
			}
			tr, err := newTrainer(c, q)
			if err != nil {
				t.Fatal(err)
			}
			defer tr.close()
			loss := nan
			for tr.Step < steps && !(loss < goal) {
				tr.Epoch = Score{}
				if err := tr.step(nil); err != nil {
					t.Fatal(err)
				}
				loss = tr.Epoch.Loss()
			}
			t.Logf("loss %.4f after %d steps", loss, tr.Step)
			if !(loss < goal) && p.Name != "plain56" {
				t.Errorf("loss %v after %d steps, want below %v", loss, tr.Step, goal)
			}
		})
	}
}

// still is a split that has no epochs: drawn samples stay what they were.
type still struct{ data.Split }

func (s still) Fill(idx []int, to data.Samples) {
	to.Epoch = 0
	s.Split.Fill(idx, to)
}

// Presets for sequences, and those that draw their input again, learn a few
// samples of their own data: the loss falls to a share of what it was at first. How far it
// can fall in so few steps differs with the task; a gradient that is lost or bent
// leaves it where it was.
func TestPresetsLearnTheirOwnTask(t *testing.T) {
	const steps = 60
	shares := map[string]float64{"adding-rnn": 0.9, "adding-lstm": 0.9, "adding-gru": 0.9}
	for _, p := range presets.List() {
		spec, err := presets.Spec(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		if len(spec.Inputs[0].Shape) == 3 && spec.Train.Loss.Kind == "cross_entropy" && spec.Train.Data != "tales" && p.Name != "vit-tiny" {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			set, err := data.Open(context.Background(), spec.Train.Data, data.Options{Seed: 1, Train: 16, Test: 1, Length: LengthFor(spec.Inputs)})
			if err != nil {
				t.Fatal(err)
			}
			set.Train, set.Test = still{set.Train}, nil
			fitted, why := model.Adapt(spec, Inputs(set), 0)
			if fitted == nil {
				t.Fatal(why)
			}
			c, err := FromSpec(model.Resolve(fitted), set, Overrides{Batch: 16, Steps: steps})
			if err != nil {
				t.Fatal(err)
			}
			c.Schedule = model.Named{Kind: "constant"}
			q, err := c.check()
			if err != nil {
				t.Fatal(err)
			}
			tr, err := newTrainer(c, q)
			if err != nil {
				t.Fatal(err)
			}
			defer tr.close()
			first, last := nan, nan
			for tr.Step < steps {
				tr.Epoch = Score{}
				if err := tr.step(nil); err != nil {
					t.Fatal(err)
				}
				if last = tr.Epoch.Loss(); tr.Step == 1 {
					first = last
				}
			}
			want := 0.6
			if s, ok := shares[p.Name]; ok {
				want = s
			}
			t.Logf("loss from %.4f to %.4f: %.2f", first, last, last/first)
			if !(last < want*first) {
				t.Errorf("the loss went from %v to %v in %d steps, want below %v of it", first, last, steps, want)
			}
		})
	}
}
