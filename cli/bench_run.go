package cli

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"layercake/compute"
	"layercake/data"
	"layercake/model"
	"layercake/train"
	"layercake/tui/widget"
)

// benchLine is one workload's result. GFLOPS count two operations a
// multiply-add of the formulas, whatever the engine does.
type benchLine struct {
	Workload         string       `json:"workload"`
	Threads          int          `json:"threads"`
	Batch            int          `json:"batch"`
	SamplesPerSecond float64      `json:"samples_per_s"`
	Min              float64      `json:"min"`
	Max              float64      `json:"max"`
	PeakRSS          train.Number `json:"peak_rss_mb"`
	Predicted        train.Number `json:"predicted_mb"` // of training: what PeakRSS was expected to be
	AllocsPerStep    float64      `json:"allocs_per_step"`
	Recompute        bool         `json:"recompute,omitempty"`
	Statistics       bool         `json:"statistics,omitempty"`
	GFLOPS           float64      `json:"gflops"`
	ceiling
}

// bound is a workload ready to run.
type bound struct {
	step  func() error // works on batch samples
	batch int
	macs  int64 // a sample
	bytes int64 // that the process should hold; 0: nobody said
	close func()
}

func newBenchTrain(c *common) *cobra.Command {
	var o benchOptions
	cmd := newBenchRun(c, &o, "train", "Training steps, samples a second",
		"GFLOP/s count the forward pass and the gradients by weights and inputs; the\ngradient by the data is left out, by the engine too.",
		trainWorkloads, bindTraining)
	cmd.Flags().BoolVar(&o.recompute, "recompute", false, recomputeHelp)
	cmd.Flags().BoolVar(&o.statistics, "statistics", false, "take the statistics of the screen as often as a run does")
	return cmd
}

// bindTraining makes the whole step: forward, loss, backward, optimizer, on
// four batches in rotation that lie in memory.
func bindTraining(g *model.Graph, o benchOptions) (*bound, error) {
	batch := g.Spec.Train.Batch
	cfg, err := train.FromSpec(g, train.Noise(g, 4*batch), train.Overrides{Steps: 1 << 30, Threads: o.threads})
	if err != nil {
		return nil, err
	}
	s, err := train.NewStepper(cfg)
	if err != nil {
		return nil, err
	}
	if o.statistics {
		s.Watch()
	}
	opt, err := train.NewOptimizer("", cfg.Optimizer)
	if err != nil {
		return nil, err
	}
	// Four batches are the data set.
	need := g.TrainBytes(batch, len(opt.Slots())) + 4*g.BatchBytes(batch)
	return &bound{step: s.Step, batch: batch, macs: g.TrainMACs(), bytes: need, close: s.Close}, nil
}

func newBenchInfer(c *common) *cobra.Command {
	return newBenchRun(c, &benchOptions{}, "infer", "Inference at batch 1, images a second",
		"Batch norms are folded into the convolutions before them.",
		inferWorkloads, bindInference)
}

// bindInference makes the forward pass alone, with norms folded.
func bindInference(g *model.Graph, o benchOptions) (*bound, error) {
	pool := compute.NewPool(o.threads)
	batch := g.Spec.Train.Batch
	p, err := model.Compile(g, model.Options{Batch: batch, Seed: 1, Pool: pool})
	if err != nil {
		pool.Close()
		return nil, err
	}
	set := train.Noise(g, batch)
	l := data.NewOrderedLoader(set.Train, batch)
	defer l.Close()
	var b data.Batch
	l.Next(&b)
	copy(p.Input(0).Data, b.X[0])
	p.Fold()
	return &bound{step: func() error { p.Forward(batch, false); return nil }, batch: batch, macs: g.MACs(), close: pool.Close}, nil
}

type binder func(g *model.Graph, o benchOptions) (*bound, error)

// benchOptions are how workloads are run.
type benchOptions struct {
	threads               int
	recompute, statistics bool
}

func newBenchRun(c *common, o *benchOptions, name, short, more string, list []workload, bind binder) *cobra.Command {
	var which string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     name,
		Short:   short,
		Long:    short + ": fixed random batches, no data loading, the whole step.\nMedian of 7 repeats of 0.4 s after warm-up. Memory is the most that the process\nhas held so far: run one workload alone for its own. " + more,
		Example: fmt.Sprintf("  layercake bench %s --workload %s --threads 2 --json", name, list[0].name),
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			todo, err := choose(list, which)
			if err != nil {
				return err
			}
			e := newEngine(c.threads)
			defer e.close()
			out := cmd.OutOrStdout()
			if !asJSON {
				fmt.Fprintf(out, "%s\n%-14s %6s %9s %9s %9s %9s %8s %8s %8s\n", e.title(),
					"samples/s", "batch", "min", "median", "max", "GFLOP/s", "of peak", "memory", "allocs")
			}
			for _, w := range todo {
				o.threads = e.threads
				l, err := timeRun(cmd.Context(), e, w, *o, bind)
				if err != nil {
					return err
				}
				if asJSON {
					if err := writeJSON(out, l); err != nil {
						return err
					}
					continue
				}
				fmt.Fprintf(out, "%-14s %6d %9s %9s %9s %9.1f %8s %5.0f MB %8.2g\n", l.Workload, l.Batch,
					rate(l.Min), rate(l.SamplesPerSecond), rate(l.Max), l.GFLOPS, l.share(), float64(l.PeakRSS), l.AllocsPerStep)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&which, "workload", "all", "one of "+strings.Join(namesOf(list), ", ")+", or all")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// rate writes samples a second: 20,850, or 15.4 where they are few.
func rate(x float64) string {
	if x >= 1000 {
		return widget.Group(int64(x + 0.5))
	}
	return fmt.Sprintf("%.4g", x)
}

func namesOf(list []workload) []string {
	var names []string
	for _, w := range list {
		names = append(names, w.name)
	}
	return names
}

// choose finds the workload of that name in list, or all.
func choose(list []workload, which string) ([]workload, error) {
	if which == "all" {
		return list, nil
	}
	for _, w := range list {
		if w.name == which {
			return []workload{w}, nil
		}
	}
	names := namesOf(list)
	return nil, usageError{fmt.Errorf("there is no workload %q: %s", which, suggest(which, names, "wants all or one of "+strings.Join(names, ", ")))}
}

// allocations a call of f, the least of three counts of five calls: the
// runtime's own goroutines allocate now and then too.
func allocations(f func()) float64 {
	const calls = 5 // an epoch of four batches, and its turn
	least := math.Inf(1)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range calls {
			f()
		}
		runtime.ReadMemStats(&after)
		least = min(least, float64(after.Mallocs-before.Mallocs)/calls)
	}
	return least
}

// mebibytes is n bytes; not a number for 0.
func mebibytes(n int64) float64 {
	if n == 0 {
		return math.NaN()
	}
	return float64(n) / (1 << 20)
}

func timeRun(ctx context.Context, e *engine, w workload, o benchOptions, bind binder) (benchLine, error) {
	g, err := w.graph(o)
	if err != nil {
		return benchLine{}, err
	}
	b, err := bind(g, o)
	if err != nil {
		return benchLine{}, fmt.Errorf("workload %s: %w", w.name, err)
	}
	defer b.close()
	var failed error
	run := func() {
		if err := b.step(); err != nil && failed == nil {
			failed = err
		}
	}
	v := rates(ctx, 7, 400*time.Millisecond, 800*time.Millisecond, run)
	if ctx.Err() != nil {
		return benchLine{}, errInterrupted
	}
	allocs := allocations(run)
	if failed != nil {
		return benchLine{}, fmt.Errorf("workload %s: %w", w.name, failed)
	}
	n := float64(b.batch)
	gflops := 2 * float64(b.macs) * n * v[3] / 1e9
	return benchLine{
		Workload: w.name, Threads: e.threads, Batch: b.batch, SamplesPerSecond: n * v[3], Min: n * v[0], Max: n * v[6],
		PeakRSS: train.PeakRSS(), Predicted: train.Number(mebibytes(b.bytes)), AllocsPerStep: allocs,
		Recompute: o.recompute, Statistics: o.statistics,
		GFLOPS: gflops, ceiling: e.under(gflops),
	}, nil
}
