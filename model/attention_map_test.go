package model

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// The map of a node is the same before Backward, outside of training, and step by
// step; asking for it between Forward and Backward changes no gradient.
func TestAttentionMap(t *testing.T) {
	const length = 10
	for _, name := range []string{"gpt", "rotary"} {
		t.Run(name, func(t *testing.T) {
			c := writers[slices.IndexFunc(writers, func(c writerCase) bool { return c.name == name })]
			p := writerOf(t, strings.ReplaceAll(c.layers, ", dropout: 0.2", ""), length)
			node := slices.IndexFunc(p.g.Nodes, func(n Node) bool { return n.Kind != nil && n.Kind.Name == "attention" })
			ids := tokens(2 * length)
			for i, id := range ids {
				p.Input(0).Data[i] = float32(id)
			}
			train := func(ask bool) (m AttentionMap, grads []float32) {
				p.ClearGrads()
				p.Forward(2, true)
				if ask {
					var err error
					if m, err = p.AttentionMap(node, 1); err != nil {
						t.Fatal(err)
					}
				}
				for i := range p.OutputGrad().Data {
					p.OutputGrad().Data[i] = float32(i%7) - 3
				}
				p.Backward()
				return m, slices.Clone(p.GradArena())
			}
			_, want := train(false)
			m, got := train(true)
			sameBits(t, "gradient", got, want)
			if m.Heads != 2 || m.Tq != length || m.Tk != length || len(m.Weights) != 2*length*length {
				t.Fatalf("a map of %d heads, %d×%d", m.Heads, m.Tq, m.Tk)
			}
			for h := range m.Heads {
				for q := range m.Tq {
					sum := 0.0
					for k := range m.Tk {
						sum += float64(m.At(h, q, k))
						if k > q && m.At(h, q, k) != 0 {
							t.Errorf("step %d sees step %d", q, k)
						}
					}
					if math.Abs(sum-1) > 1e-5 {
						t.Errorf("the shares of step %d add up to %v", q, sum)
					}
				}
			}
			after, err := p.AttentionMap(node, 1) // Backward has taken what it needed
			if err != nil {
				t.Fatal(err)
			}
			nearly(t, "after Backward", after.Weights, m.Weights)
			small, err := p.Inference(2, nil)
			if err != nil {
				t.Fatal(err)
			}
			copy(small.Input(0).Data, p.Input(0).Data)
			small.Forward(2, false)
			for range 2 {
				alone, err := small.AttentionMap(node, 1)
				if err != nil {
					t.Fatal(err)
				}
				nearly(t, "outside of training", alone.Weights, m.Weights)
			}
			g, err := p.Generator(0, nil)
			if err != nil {
				t.Fatal(err)
			}
			var scores, again []float32
			for i, id := range ids[length:] {
				scores = slices.Clone(g.Next(id))
				last, err := g.AttentionMap(node)
				if err != nil {
					t.Fatal(err)
				}
				if last.Heads != 2 || last.Tq != 1 || last.Tk != i+1 {
					t.Fatalf("step %d has a map of %d heads, %d×%d", i, last.Heads, last.Tq, last.Tk)
				}
				for h := range 2 {
					nearly(t, "step by step", last.Weights[h*last.Tk:][:last.Tk], m.Weights[(h*length+i)*length:][:i+1])
				}
			}
			g.Reset()
			for _, id := range ids[length:] {
				again = g.Next(id)
			}
			sameBits(t, "scores of a generator that was asked", scores, again)
		})
	}
}

func TestAttentionMapRefuses(t *testing.T) {
	p := writerOf(t, writers[0].layers, 4)
	p.Forward(1, false)
	q := writerOf(t, writers[4].layers, 4)
	q.Forward(1, false)
	for _, c := range []struct {
		p            *Program
		node, sample int
		want         string
	}{
		{p, 0, 0, "input (input): attends to nothing"},
		{p, 2, 0, "rnn1 (rnn): attends to nothing"},
		{p, 9, 0, "node 9 does not run"},
		{p, -1, 0, "node -1 does not run"},
		{q, 2, 1, "sample 1 is asked for, and the last batch has 1"},
	} {
		if _, err := c.p.AttentionMap(c.node, c.sample); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
