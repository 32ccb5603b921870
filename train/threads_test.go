package train

import (
	"context"
	"testing"

	"layercake/data"
	"layercake/model"
	"layercake/presets"
)

// The losses of a few steps are the same to the last bit on any number of
// threads, and so are the weights behind them; running segments again and being
// watched changes none either.
func TestThreadsChangeNoBit(t *testing.T) {
	for _, name := range []string{"lenet5", "resnet20", "vit-tiny", "char-rnn", "char-lstm", "char-gru", "gpt-nano", "nanogpt", "seq2seq-dates", "word2vec", "transformer-classifier", "autoencoder"} {
		t.Run(name, func(t *testing.T) {
			spec, err := presets.Spec(name)
			if err != nil {
				t.Fatal(err)
			}
			set, err := data.Open(context.Background(), spec.Train.Data, data.Options{Seed: 1, Train: 15, Test: 1, Length: LengthFor(spec.Inputs)})
			if err != nil {
				t.Fatal(err)
			}
			set.Test = nil
			fitted, why := model.Adapt(spec, Inputs(set), 0)
			if fitted == nil {
				t.Fatal(why)
			}
			g := model.Resolve(fitted)
			var want []float64
			var weights [][]float32
			for _, how := range []struct {
				threads            int
				recompute, watched bool
			}{{1, false, false}, {2, false, true}, {3, false, false}, {4, true, false}, {7, true, true}} {
				c, err := FromSpec(g, set, Overrides{Batch: 5, Steps: 3, Threads: how.threads, Recompute: &how.recompute})
				if err != nil {
					t.Fatal(err)
				}
				q, err := c.check()
				if err != nil {
					t.Fatal(err)
				}
				tr, err := newTrainer(c, q)
				if err != nil {
					t.Fatal(err)
				}
				var watch *watcher
				if how.watched {
					watch = newWatcher(tr)
				}
				var got []float64
				for range 3 {
					tr.Epoch = Score{}
					if err := tr.step(watch); err != nil {
						t.Fatal(err)
					}
					got = append(got, tr.Epoch.Loss())
				}
				var w [][]float32
				for _, p := range tr.prog.Params() {
					w = append(w, append([]float32(nil), p.Data...))
				}
				tr.close()
				if want == nil {
					want, weights = got, w
					continue
				}
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("%+v: the loss of step %d is %v, want %v", how, i+1, got[i], want[i])
					}
				}
				for i := range w {
					for j := range w[i] {
						if w[i][j] != weights[i][j] {
							t.Fatalf("%+v: %s[%d] is %v, want %v", how, tr.prog.Params()[i].Name, j, w[i][j], weights[i][j])
						}
					}
				}
			}
		})
	}
}
