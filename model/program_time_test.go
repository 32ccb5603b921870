package model

import (
	"fmt"
	"slices"
	"testing"

	"layercake/compute"
	"layercake/layers"
)

// overTime is a network over sequences of so many steps with what stands in
// it before the answer.
func overTime(t *testing.T, steps int, end string) *Graph {
	return resolved(t, fmt.Sprintf(`
input: [%d, 3]
layers:
  - conv1d: {filters: 6, kernel: 3, padding: causal}
  - relu
  - residual:
      layers:
        - conv1d: {filters: 6, kernel: 2, padding: causal, dilation: 2}
        - relu
        - conv1d: {filters: 6, kernel: 1}
%s`, steps, end))
}

// A causal network run step by step gives what it gives in one go: its
// convolutions carry the steps that they still need.
func TestCausalStepByStep(t *testing.T) {
	const steps, n = 9, 2
	whole, err := Compile(overTime(t, steps, ""), Options{Batch: n, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	step, err := Compile(overTime(t, 1, ""), Options{Batch: n, Seed: 3, Context: steps})
	if err != nil {
		t.Fatal(err)
	}
	r := layers.Stream(1, "x")
	x := whole.Input(0).Data
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	whole.Forward(n, false)
	want := whole.Output().Data
	for range 2 { // the second time everything begins anew
		step.ResetCarry()
		for at := range steps {
			for i := range n {
				copy(step.Input(0).Data[i*3:][:3], x[(i*steps+at)*3:])
			}
			step.SetStart(at)
			step.Forward(n, false)
			for i := range n {
				nearly(t, fmt.Sprintf("step %d of sample %d", at, i), step.Output().Data[i*6:][:6], want[(i*steps+at)*6:][:6])
			}
		}
	}
}

// A padded sample trains a network over time as it does alone.
func TestPaddedSamplesTrainAlike(t *testing.T) {
	const steps = 8
	lens := []int32{5, 8, 3}
	for _, end := range []string{
		"  - conv1d: {filters: 4, kernel: 3}\n  - timepool: {take: mean}\n  - dense: {units: 2}\n",
		"  - pool1d: {kernel: 3, stride: 1, padding: same}\n  - timepool: {take: max}\n  - dense: {units: 2}\n",
		"  - pool1d: {take: mean, kernel: 2, stride: 1, padding: causal}\n  - slice: {start: 1, stop: 4}\n  - timepool: {take: last}\n",
		"  - branches: {join: concat, paths: [[globalavgpool], [globalmaxpool]]}\n  - dense: {units: 2}\n",
	} {
		g := overTime(t, steps, end)
		compile := func(g *Graph, n int) *Program {
			p, err := Compile(g, Options{Batch: n, Seed: 3, Train: true, InputGrads: true})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		run := func(p *Program, n int, x, dy []float32) (y []float32) {
			copy(p.Input(0).Data, x)
			p.ClearGrads()
			p.Forward(n, true)
			y = slices.Clone(p.Output().Data)
			copy(p.OutputGrad().Data, dy)
			p.Backward()
			return y
		}
		r := layers.Stream(2, end)
		normals := func(n int) []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(r.NormFloat64())
			}
			return x
		}
		batch := compile(g, len(lens))
		out := g.Nodes[batch.plan.output].Plan.Out.Size()
		x, dy := normals(len(lens)*steps*3), normals(len(lens)*out)
		batch.SetLens(0, lens)
		y := run(batch, len(lens), x, dy)
		sum := make([]float32, len(batch.GradArena()))
		for i, n := range lens {
			alone := compile(overTime(t, int(n), end), 1)
			nearly(t, end+"output", y[i*out:][:out], run(alone, 1, x[i*steps*3:][:n*3], dy[i*out:][:out]))
			dx := batch.InputGrad(0).Data[i*steps*3:][:steps*3]
			nearly(t, end+"gradient of the input", dx[:n*3], alone.InputGrad(0).Data)
			if slices.ContainsFunc(dx[n*3:], func(v float32) bool { return v != 0 }) {
				t.Errorf("%sthe padding has a gradient", end)
			}
			compute.AddTo(nil, sum, alone.GradArena())
		}
		nearly(t, end+"gradient of the parameters", batch.GradArena(), sum)
	}
}
