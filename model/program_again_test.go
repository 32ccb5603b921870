package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"layercake/compute"
	"layercake/internal/allocs"
	"layercake/layers"
)

// randomCuts cut a network into up to six segments, most of which are made again.
func randomCuts(r *rand.Rand, output int) []cut {
	cuts := []cut{{0, r.IntN(4) > 0}}
	for at := 1 + r.IntN(3); at <= output && len(cuts) < 6; at += 1 + r.IntN(6) {
		cuts = append(cuts, cut{int32(at), r.IntN(4) > 0})
	}
	return cuts
}

// Wherever a network is cut, running segments again changes no bit, and nothing
// is read that nobody has written.
func TestCutsChangeNothing(t *testing.T) {
	pool := compute.NewPool(2)
	defer pool.Close()
	ran := 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 13))
		g := randomNet(r, 2+r.IntN(24))
		batch := 1 + r.IntN(9)
		n := 1 + r.IntN(batch)
		o := Options{Batch: batch, Seed: seed, Pool: pool, plain: true}
		want := stepBits(t, g, o, n)
		o.plain, o.cuts = false, randomCuts(r, outputNode(g, false))
		got := stepBits(t, g, o, n)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Log(wiring(g), o.cuts)
				}
			}()
			sameBits(t, "output", got.out, want.out)
			sameBits(t, "gradient", got.grads, want.grads)
			sameBits(t, "input gradient", got.inputs, want.inputs)
			m := planProgram(g, planOptions{batch: batch, train: true, inputGrads: true, cuts: o.cuts})
			noOverlap(t, m.buffers, m.arena)
			noOverlap(t, m.marks, m.marksArena)
			if m.recomputes() {
				ran++
			}
		})
	}
	if ran < 300 {
		t.Errorf("only %d of 600 networks ran some step again", ran)
	}
}

// threeSteps trains a little, plainly, and gives all that is left of it: outputs,
// gradients, state and what is carried. Numbers that follow from the output stand
// in for a loss.
func threeSteps(t *testing.T, p *Program, n int) (out, grads, state []float32) {
	t.Helper()
	for step := range 3 {
		r := rand.New(rand.NewPCG(9, uint64(step)))
		for k, in := range p.Inputs() {
			for i := range in.Data {
				in.Data[i] = float32(r.NormFloat64())
				if tokens := p.g.Inputs[k].Tokens; tokens > 0 {
					in.Data[i] = float32(r.IntN(tokens))
				}
			}
			if in.Shape.Size() == in.Shape[0] && p.g.Inputs[k].Tokens > 0 || len(in.Shape) == 2 {
				lens := make([]int32, p.Batch())
				for i := range lens {
					lens[i] = int32(1 + r.IntN(in.Shape[0]))
				}
				p.SetLens(k, lens)
			}
		}
		p.ClearGrads()
		p.SetStep(uint64(step))
		p.Forward(n, true)
		out = append(out, p.Output().Data...)
		y, dy := p.Output().Data, p.OutputGrad().Data
		for i := range dy {
			dy[i] = y[i]/8 + float32(r.NormFloat64())/64
		}
		p.Backward()
		grads = append(grads, p.GradArena()...)
		state = append(append(state, p.stateA...), p.CarryArena()...)
		for i, w := range p.ParamArena() {
			p.ParamArena()[i] = w - 1e-4*p.GradArena()[i]
		}
	}
	return out, grads, state
}

// again holds a network that recomputes to the one that keeps everything, and
// gives the memory of both.
func again(t *testing.T, g *Graph, o Options, n int) (kept, made int64) {
	t.Helper()
	o.Train, o.Seed, o.Logits = true, 3, true
	programs := make([]*Program, 2)
	var out, grads, state [2][]float32
	for i := range programs {
		q := o
		if i == 0 {
			q.Recompute, q.cuts = false, nil
		}
		p, err := Compile(g, q)
		if err != nil {
			t.Fatal(err)
		}
		programs[i] = p
		out[i], grads[i], state[i] = threeSteps(t, p, n)
	}
	if !finite(out[0]) || !finite(grads[0]) || sumSquares(grads[0]) == 0 {
		t.Fatal("no gradients to compare")
	}
	sameBits(t, "output", out[1], out[0])
	sameBits(t, "gradients", grads[1], grads[0])
	sameBits(t, "state", state[1], state[0])
	p := programs[1]
	if a := allocs.Steady(2, func() { p.Forward(n, true); p.Backward() }); a != 0 {
		t.Errorf("%v allocations a step", a)
	}
	return programs[0].ActivationBytes(), programs[1].ActivationBytes()
}

// Deep networks take less memory when they recompute, and come to the same bits.
func TestRecomputeSavesMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("long: whole presets, twice")
	}
	pool := compute.NewPool(2)
	defer pool.Close()
	// One layer of two cells cannot be cut; a row a cell can.
	rows := func(t *testing.T) *Graph {
		s := *preset(t, "char-lstm").Spec
		var list []Item
		for _, item := range s.Layers {
			if item.Kind == "lstm" {
				item.Settings = []Setting{{Key: "units", Value: layers.Value{"256"}}}
				list = append(list, item, item)
			}
			list = append(list, item)
		}
		s.Layers = list
		g := Resolve(&s)
		if g.Err != nil {
			t.Fatal(g.Err)
		}
		return g
	}
	for _, c := range []struct {
		name  string
		batch int
		share float64 // of the memory, at most
	}{
		{"resnet56", 2, 0.3},
		{"gpt-nano", 2, 0.35},
		{"char-lstm", 4, 1},
		{"char-lstm in rows", 4, 0.6},
		{"vit-tiny", 4, 0.4},
		{"seq2seq-dates", 4, 0.4},
		{"densenet-cifar", 1, 0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := rows(t)
			if c.name != "char-lstm in rows" {
				g = preset(t, c.name)
			}
			kept, made := again(t, g, Options{Batch: c.batch, Pool: pool, Recompute: true}, c.batch)
			t.Logf("%s kept, %s made again: %.2f", byteSize(kept), byteSize(made), float64(made)/float64(kept))
			if float64(made) > c.share*float64(kept) {
				t.Errorf("activations take %s instead of %s", byteSize(made), byteSize(kept))
			}
		})
	}
}

// Batch norms of padded sequences, dropout, and states carried from batch to
// batch run again as they ran the first time, wherever the border is.
func TestRunsAgainAlike(t *testing.T) {
	pool := compute.NewPool(2)
	defer pool.Close()
	g := resolved(t, `
input: [7, 5]
layers:
  - lstm: {units: 6, layers: 2, dropout: 0.3, stateful: true}
  - batchnorm
  - relu
  - residual:
      layers:
        - conv1d: {filters: 6, kernel: 3, padding: causal}
        - batchnorm
  - relu
  - dropout: {rate: 0.4}
  - gru: {units: 4, stateful: true}
  - attention: {heads: 2, dropout: 0.2}
  - layernorm
  - dense: {units: 3}
`)
	for at := int32(1); int(at) < len(g.Nodes); at++ {
		for _, cuts := range [][]cut{{{0, true}, {at, false}}, {{0, false}, {at, true}}, {{0, true}, {at, true}, {at + 2, false}}} {
			if int(cuts[len(cuts)-1].at) >= len(g.Nodes) {
				continue
			}
			t.Run(fmt.Sprint(cuts), func(t *testing.T) {
				again(t, g, Options{Batch: 4, Pool: pool, cuts: cuts}, 3)
			})
		}
	}
}

// Layers leave State as it is when they run again, and make the same numbers.
func TestStateMovesOnce(t *testing.T) {
	for _, k := range layers.Catalog {
		for _, ex := range k.Examples {
			plan, err := ex.Layer.Plan(ex.In)
			if err != nil || len(plan.State) == 0 {
				continue
			}
			g := &Graph{Name: k.Name, Output: len(ex.In)}
			node := Node{Name: k.Name, Kind: k, Layer: ex.Layer, Share: -1, Plan: plan}
			for i, s := range ex.In {
				name := fmt.Sprint("in", i)
				g.Inputs = append(g.Inputs, Input{Name: name, Shape: s})
				g.Nodes = append(g.Nodes, Node{Name: name, Share: -1, Plan: layers.Plan{Out: s}})
				node.In = append(node.In, i)
			}
			g.Nodes = append(g.Nodes, node)
			p, err := Compile(g, Options{Batch: 5, Train: true, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(5, 5))
			for _, in := range p.Inputs() {
				for i := range in.Data {
					in.Data[i] = float32(r.NormFloat64())
				}
			}
			before := slices.Clone(p.stateA)
			p.Forward(5, true)
			y, state := slices.Clone(p.Output().Data), slices.Clone(p.stateA)
			if slices.Equal(before, state) {
				t.Errorf("%s: training moves no state", k.Name)
			}
			s := &p.steps[len(p.steps)-1]
			s.fwd.Again = true
			s.layer.Forward(&s.fwd)
			sameBits(t, k.Name+": output", p.Output().Data, y)
			sameBits(t, k.Name+": state", p.stateA, state)
		}
	}
}

// Where values are cheap to make again, the plan keeps fewer than all of them,
// without running a single product twice.
func TestCheapValuesAreMadeAgain(t *testing.T) {
	for _, c := range []struct {
		name  string
		batch int
		share float64 // of the memory, at most
	}{
		{"resnet20", 64, 0.97},
		{"resnet18", 16, 0.9},
		{"gpt-nano", 64, 0.97},
	} {
		g := preset(t, c.name)
		o := planOptions{batch: c.batch, train: true, logits: true}
		m, all := planProgram(g, o), newPlanner(g, o).lives(nil).place()
		t.Logf("%s: %s of %s", c.name, byteSize(m.ActivationBytes()), byteSize(all.ActivationBytes()))
		if float64(m.ActivationBytes()) > c.share*float64(all.ActivationBytes()) {
			t.Errorf("%s: activations take %s, all %s", c.name, byteSize(m.ActivationBytes()), byteSize(all.ActivationBytes()))
		}
		swept := int64(0)
		for _, op := range m.ops {
			if node := &g.Nodes[op.node]; op.kind == opForward {
				swept += int64(c.batch) * shapeSize(node.Plan.Out)
				if node.Plan.MACs > 0 {
					t.Errorf("%s: %s runs twice", c.name, node.Name)
				}
			}
		}
		if limit := g.TrainMACs() * int64(c.batch) / cheapShare / cheapSweep; swept == 0 || swept > limit {
			t.Errorf("%s: %d numbers are made again, wants some and at most %d", c.name, swept, limit)
		}
		noOverlap(t, m.buffers, m.arena)
	}
	// A small network has nothing to win.
	if m := planMemory(preset(t, "lenet5"), 64, true); m.recomputes() {
		t.Error("lenet5 makes values again")
	}
}

func TestCheapValuesChangeNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("long: whole presets, twice")
	}
	pool := compute.NewPool(2)
	defer pool.Close()
	g := preset(t, "resnet20")
	again(t, g, Options{Batch: 24, Pool: pool, cuts: newPlanner(g, planOptions{batch: 24, train: true, logits: true}).cheapCuts()}, 24)
}
