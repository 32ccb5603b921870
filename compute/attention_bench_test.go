package compute

import (
	"fmt"
	"testing"
)

// attnShapes are those of the presets, and longer ones.
var attnShapes = []Attention{
	{N: 16, Heads: 4, KVHeads: 4, Tq: 128, Tk: 128, D: 32, DV: 32, Causal: true}, // minigpt
	{N: 32, Heads: 4, KVHeads: 4, Tq: 32, Tk: 32, D: 32, DV: 32, Causal: true},   // seq2seq: target
	{N: 32, Heads: 4, KVHeads: 4, Tq: 32, Tk: 32, D: 32, DV: 32},                 // seq2seq: source
	{N: 12, Heads: 4, KVHeads: 4, Tq: 64, Tk: 64, D: 32, DV: 32, Causal: true},   // gpt-nano
	{N: 1, Heads: 4, KVHeads: 4, Tq: 2048, Tk: 2048, D: 32, DV: 32, Causal: true},
	{N: 2, Heads: 8, KVHeads: 8, Tq: 512, Tk: 512, D: 64, DV: 64},
	{N: 8, Heads: 3, KVHeads: 3, Tq: 65, Tk: 65, D: 64, DV: 64}, // vit-tiny
}

// BenchmarkAttention counts the products by definition: two forward, four
// backward, and of causal attention the pairs that are seen. Queries, keys and
// values lie side by side.
func BenchmarkAttention(b *testing.B) {
	for _, a := range attnShapes {
		a.Scale = 0.2
		w := a.Heads * a.D
		numbers := func(n int) []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(i%17)/17 - 0.5
			}
			return x
		}
		qkv, dqkv := numbers(a.N*a.Tq*3*w), numbers(a.N*a.Tq*3*w)
		part := func(x []float32, i int) Heads { return Heads{x[i*w:], a.Tq * 3 * w, 3 * w} }
		o, do := Heads{numbers(a.N * a.Tq * w), a.Tq * w, w}, Heads{numbers(a.N * a.Tq * w), a.Tq * w, w}
		stats := make([]float32, 2*a.N*a.Heads*a.Tq)
		pairs := a.Tq * a.Tk
		if a.Causal {
			pairs = a.Tq * (a.Tq + 1) / 2
		}
		flop := 4 * float64(a.N*pairs*w)
		grad := AttentionGrad{Q: part(qkv, 0), K: part(qkv, 1), V: part(qkv, 2), O: o, Stats: stats, DO: do,
			DQ: part(dqkv, 0), DK: part(dqkv, 1), DV: part(dqkv, 2), Partial: make([]float32, a.Partial(false))}
		for _, threads := range []int{1, 2} {
			p := NewPool(threads)
			name := fmt.Sprintf("n=%d,heads=%d,t=%d,d=%d,causal=%v/%s/threads=%d", a.N, a.Heads, a.Tq, a.D, a.Causal, KernelName(), threads)
			b.Run("forward/"+name, func(b *testing.B) {
				for b.Loop() {
					a.Forward(p, grad.Q, grad.K, grad.V, o, stats)
				}
				b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
			b.Run("backward/"+name, func(b *testing.B) {
				for b.Loop() {
					a.Backward(p, grad)
				}
				b.ReportMetric(2*flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
			p.Close()
		}
	}
}
