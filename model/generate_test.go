package model

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"layercake/compute"
	"layercake/internal/allocs"
	"layercake/layers"
)

type writerCase struct {
	name, layers string
	stepped      bool
	context      int
}

// writers are small networks of the kinds that write text, with what is said of them.
var writers = []writerCase{
	{"char-rnn", "embedding: {tokens: 11, width: 6}\n  - rnn: {units: 8, layers: 2}\n  - dense: {units: 11}", true, 0},
	{"char-lstm", "embedding: {tokens: 11, width: 6}\n  - lstm: {units: 8, layers: 2}\n  - dense: {units: 11}", true, 0},
	{"char-gru", "embedding: {tokens: 11, width: 6}\n  - gru: {units: 8, layers: 2, stateful: true}\n  - dense: {units: 11}\n  - softmax", true, 0},
	{"gpt", "embedding: {tokens: 11, width: 8}\n  - position: {kind: learned, length: 10, deviation: 1}\n" +
		"  - block: {name: layer, repeat: 2, layers: [{transformerencoder: {heads: 2, causal: true, bias: false, dropout: 0.2}}]}\n" +
		"  - layernorm\n  - dense: {units: 11, bias: false}", true, 10},
	{"rotary", "embedding: {tokens: 11, width: 8}\n  - residual: {layers: [{attention: {heads: 2, kv_heads: 1, causal: true, rotary: true}}]}\n  - dense: {units: 11}", true, 10},
	{"convolution", "embedding: {tokens: 11, width: 8}\n  - conv1d: {filters: 6, kernel: 3, dilation: 2, padding: causal}\n  - tanh\n  - dense: {units: 11}", true, 0},
	{"tied by a norm", "embedding: {tokens: 11, width: 8}\n  - groupnorm: {groups: 2}\n  - dense: {units: 11}", false, 10},
}

func writerOf(t *testing.T, layers string, length int) *Program {
	t.Helper()
	g := resolved(t, fmt.Sprintf("input: {tokens: 11, length: %d}\nlayers:\n  - %s\n", length, layers))
	p, err := Compile(g, Options{Batch: 2, Train: true, Seed: 5, Logits: true})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tokens(n int) []int32 {
	r := layers.Stream(9, "tokens")
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(r.IntN(11))
	}
	return ids
}

// Token by token the scores are those of the whole window, row by row, and what
// changes in the program's parameters changes them.
func TestGeneratorAgreesWithWindow(t *testing.T) {
	const length = 10
	pool := compute.NewPool(2)
	defer pool.Close()
	for _, c := range writers {
		t.Run(c.name, func(t *testing.T) {
			p := writerOf(t, c.layers, length)
			g, err := p.Generator(0, pool)
			if err != nil {
				t.Fatal(err)
			}
			if g.stepped != c.stepped || g.Context() != c.context {
				t.Errorf("step by step %v with a context of %d, want %v, %d", g.stepped, g.Context(), c.stepped, c.context)
			}
			ids := tokens(length)
			for range 2 {
				for i, id := range ids {
					p.Input(0).Data[i] = float32(id)
				}
				p.ResetCarry()
				p.Forward(1, false)
				want := slices.Clone(p.Output().Data)
				g.Reset()
				for i, id := range ids {
					got := g.Next(id)
					if !c.stepped { // what comes later is seen: only the last row is of the same window
						if i == length-1 {
							nearly(t, "the last step", got, want[i*11:])
						}
						continue
					}
					nearly(t, fmt.Sprintf("step %d", i), got, want[i*11:][:11])
				}
				for i := range p.ParamArena() {
					p.ParamArena()[i] *= 1.5
				}
			}
		})
	}
}

// The presets that write text do so step by step, with the scores of their window.
func TestGeneratorOfPresets(t *testing.T) {
	pool := compute.NewPool(2)
	defer pool.Close()
	for _, name := range []string{"char-rnn", "char-lstm", "char-gru", "gpt-nano", "nanogpt"} {
		t.Run(name, func(t *testing.T) {
			graph := preset(t, name)
			p, err := Compile(graph, Options{Batch: 1, Seed: 1, Pool: pool, Logits: true})
			if err != nil {
				t.Fatal(err)
			}
			g, err := p.Generator(0, pool)
			if err != nil {
				t.Fatal(err)
			}
			if !g.stepped {
				t.Error("a token costs a whole window")
			}
			r, x := layers.Stream(3, name), p.Input(0).Data
			for i := range x {
				x[i] = float32(r.IntN(graph.Inputs[0].Tokens))
			}
			p.Forward(1, false)
			width := graph.Inputs[0].Tokens
			for i, id := range x {
				nearly(t, fmt.Sprintf("step %d", i), g.Next(int32(id)), p.Output().Data[i*width:][:width])
			}
			if n := allocs.Steady(5, func() { g.Next(3) }); n != 0 {
				t.Errorf("a token allocates %v times", n)
			}
		})
	}
}

// Behind its context a network goes on: from the last half of the tokens step by
// step, from all but the first in a window.
func TestGeneratorGoesOn(t *testing.T) {
	const length = 10
	for _, c := range writers {
		t.Run(c.name, func(t *testing.T) {
			p := writerOf(t, c.layers, length)
			g, err := p.Generator(0, nil)
			if err != nil {
				t.Fatal(err)
			}
			fresh, err := p.Generator(0, nil)
			if err != nil {
				t.Fatal(err)
			}
			ids := tokens(length + 3)
			var got []float32
			for _, id := range ids {
				got = g.Next(id)
			}
			seen := ids
			switch {
			case c.context == 0:
			case c.stepped:
				seen = ids[length-length/2:]
			default:
				seen = ids[3:]
			}
			if g.Len() != len(seen) {
				t.Errorf("%d tokens are seen, want %d", g.Len(), len(seen))
			}
			var want []float32
			for _, id := range seen {
				want = fresh.Next(id)
			}
			nearly(t, "behind the context", got, want)
			if (g.half != nil) != (c.context > 0 && c.stepped) {
				t.Errorf("half a room of tokens read at once: %v", g.half != nil)
			}
			if n := allocs.Steady(30, func() { g.Next(3) }); n != 0 {
				t.Errorf("a token allocates %v times", n)
			}
		})
	}
}

// A network for one next token has its window filled from the right, behind zeros.
func TestGeneratorOfNextToken(t *testing.T) {
	p := writerOf(t, "embedding: {tokens: 11, width: 4}\n  - flatten\n  - dense: {units: 9}\n  - tanh\n  - dense: {units: 11}\n  - softmax", 3)
	g, err := p.Generator(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, window := range [][3]float32{{0, 0, 4}, {0, 4, 7}, {4, 7, 1}, {7, 1, 10}} {
		copy(p.Input(0).Data, window[:])
		p.Forward(1, false)
		nearly(t, fmt.Sprint(window), g.Next([]int32{4, 7, 1, 10}[i]), p.Output().Data[:11])
	}
	g.Reset()
	copy(p.Input(0).Data, []float32{0, 0, 4})
	p.Forward(1, false)
	nearly(t, "anew", g.Next(4), p.Output().Data[:11])
}

// rewriters are networks with a source and a target, step by step or not.
var rewriters = []struct {
	name, layers string
	stepped      bool
}{
	{"transformer", `  - embedding: {tokens: 7, width: 8, from: source}
  - transformerencoder: {heads: 2, ff: 8, name: memory}
  - embedding: {tokens: 11, width: 8, from: target}
  - position
  - transformerdecoder: {heads: 2, ff: 8, from: [., memory]}
  - transformerdecoder: {heads: 2, kv_heads: 1, ff: 8, norm: post, rotary: true, from: [., memory]}
  - dense: {units: 11}
`, true},
	{"causal encoder", `  - embedding: {tokens: 7, width: 6, from: source}
  - position: {kind: learned, length: 12, deviation: 1}
  - attention: {heads: 2, causal: true}
  - lstm: {units: 5, name: memory}
  - embedding: {tokens: 11, width: 8, from: target}
  - gru: {units: 8}
  - attention: {heads: 2, from: [., memory]}
  - dense: {units: 11}
`, true},
	{"memory of the target", `  - embedding: {tokens: 7, width: 8, from: source, name: read}
  - embedding: {tokens: 11, width: 8, from: target}
  - attention: {heads: 2, from: [read, .]}
  - slice: {axis: time, stop: 4}
  - dense: {units: 11}
`, false},
}

func pairOf(t *testing.T, layers string) *Program {
	t.Helper()
	g := resolved(t, "inputs: {source: {tokens: 7, length: 12}, target: {tokens: 11, length: 4}}\nlayers:\n"+layers)
	p, err := Compile(g, Options{Batch: 1, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A decoder is written on beside its source, whose padding it does not see: token
// by token with the scores of the whole window, for another source too.
func TestGeneratorWithSource(t *testing.T) {
	for _, c := range rewriters {
		t.Run(c.name, func(t *testing.T) {
			p := pairOf(t, c.layers)
			write, err := p.Generator(1, nil)
			if err != nil {
				t.Fatal(err)
			}
			if write.stepped != c.stepped || write.Context() != 4 {
				t.Errorf("step by step %v with a context of %d, want %v, 4", write.stepped, write.Context(), c.stepped)
			}
			target := []int32{10, 4, 5, 6}
			for at, source := range [][]float32{{1, 2, 3, 4, 5, 6, 0, 1, 2, 3}, {1, 2, 3, 6, 6, 6}, {5}} {
				lens := int32(len(source))
				clear(p.Input(0).Data)
				copy(p.Input(0).Data, source)
				for i, id := range target {
					p.Input(1).Data[i] = float32(id)
				}
				p.SetLens(0, []int32{lens})
				p.Forward(1, false)
				want := slices.Clone(p.Output().Data)
				first := 0
				if at == 2 { // another source while tokens are written
					write.Reset()
					write.Next(10)
					write.Next(4)
					first = 2
				} else {
					write.Reset()
				}
				write.Give(0, append(slices.Clone(source), make([]float32, 12-len(source))...), int(lens))
				for i := first; i < len(target); i++ {
					got := write.Next(target[i])
					if c.stepped || i == len(target)-1 { // else what comes later is seen
						nearly(t, fmt.Sprintf("source %d, step %d", at, i), got, want[i*11:][:11])
					}
				}
			}
			if n := allocs.Steady(20, func() { write.Next(3) }); n != 0 {
				t.Errorf("a token allocates %v times", n)
			}
		})
	}
}

func TestGeneratorRefuses(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"input: [5, 3]\nlayers:\n  - dense: {units: 3}\n", "wants token ids"},
		{"input: {tokens: 5, length: 4}\nlayers:\n  - embedding: {tokens: 5, width: 3}\n", "puts out 4×3, wants 4×5"},
		{"input: {tokens: 5, length: 4}\nlayers:\n  - embedding: {tokens: 5, width: 3}\n  - flatten\n  - dense: {units: 2}\n", "puts out 2, wants 4×5"},
		{"inputs: {a: {tokens: 5, length: 4}, b: {tokens: 5, length: 4}}\nlayers:\n  - embedding: {tokens: 5, width: 5, from: b}\n", "does not depend on a"},
	} {
		p, err := Compile(resolved(t, c.file), Options{Batch: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Generator(0, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
		if _, err := p.Generator(2, nil); err == nil {
			t.Error("there is an input 3")
		}
	}
}

// Picks follow the scores: each as often as its chance says.
func TestSampler(t *testing.T) {
	scores := []float32{1, 3, float32(math.NaN()), 2, 3, float32(math.Inf(-1)), -5}
	for _, c := range []struct {
		temperature float64
		top         int
	}{{1, 0}, {0.5, 0}, {2, 3}, {1, 2}, {1, 6}, {1, 7}} {
		s := Sampler{Temperature: c.temperature, TopK: c.top, Random: layers.Stream(4, "picks")}
		want := make([]float64, len(scores))
		order := []int{1, 4, 3, 0, 6} // from the best down
		if c.top > 0 {
			order = order[:min(c.top, len(order))]
		}
		sum := 0.0
		for _, i := range order {
			want[i] = math.Exp(float64(scores[i]) / c.temperature)
			sum += want[i]
		}
		const draws = 20000
		count := make([]int, len(scores))
		for range draws {
			count[s.Pick(scores)]++
		}
		for i, n := range count {
			chance := want[i] / sum
			if far := math.Abs(float64(n) - draws*chance); far > 5*math.Sqrt(draws*chance*(1-chance)) {
				t.Errorf("temperature %v, top %d: %d was picked %d times of %d, want about %.0f", c.temperature, c.top, i, n, draws, draws*chance)
			}
		}
		if n := allocs.Steady(10, func() { s.Pick(scores) }); n != 0 {
			t.Errorf("top %d: a pick allocates %v times", c.top, n)
		}
	}
	for _, s := range []Sampler{{}, {Temperature: 1, TopK: 1}} {
		if got := s.Pick(scores); got != 1 {
			t.Errorf("picked %d of %v, want the best", got, scores)
		}
	}
	never := []float32{float32(math.NaN()), float32(math.NaN())}
	if s := (Sampler{Temperature: 1}); s.Pick(never) != 0 {
		t.Error("of no numbers the first is to be picked")
	}
}

// A token costs one step where the graph allows it, and a whole window otherwise.
func BenchmarkGenerator(b *testing.B) {
	pool := compute.NewPool(2)
	defer pool.Close()
	for _, name := range []string{"char-rnn", "char-lstm", "char-gru", "gpt-nano", "seq2seq-dates"} {
		p, err := Compile(preset(b, name), Options{Batch: 1, Seed: 1, Pool: pool, Logits: true})
		if err != nil {
			b.Fatal(err)
		}
		g, err := p.Generator(len(p.g.Inputs)-1, pool)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/step", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if i%10 == 0 && len(p.g.Inputs) > 1 {
					g.Reset() // a date has ten signs, and its source is read once
				}
				g.Next(3)
			}
		})
		b.Run(name+"/window", func(b *testing.B) {
			for b.Loop() {
				p.Forward(1, false)
			}
		})
	}
}
