package cli

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"layercake/compute"
	"layercake/data"
	"layercake/layers"
	"layercake/model"
	"layercake/presets"
	"layercake/train"
)

// workload is a network with what is done to it. Input and classes replace
// the preset's own.
type workload struct {
	name, preset string
	input        compute.Shape
	classes      int
	batch        int
	optimizer    string
	lr           float64
}

var trainWorkloads = []workload{
	{"mlp", "mlp", compute.Shape{1, 28, 28}, 10, 64, "sgd", 0.01},
	{"lenet5", "lenet5", compute.Shape{1, 28, 28}, 10, 64, "sgd", 0.01},
	{"resnet20", "resnet20", compute.Shape{3, 32, 32}, 10, 64, "sgd", 0.1},
	{"resnet18_64", "resnet18", compute.Shape{3, 64, 64}, 10, 16, "sgd", 0.1},
}

var inferWorkloads = []workload{
	{name: "resnet50", preset: "resnet50", input: compute.Shape{3, 224, 224}, classes: 1000, batch: 1},
	{name: "mobilenet_v2", preset: "mobilenet_v2", input: compute.Shape{3, 224, 224}, classes: 1000, batch: 1},
}

type benchLine struct {
	Workload         string       `json:"workload"`
	Threads          int          `json:"threads"`
	Batch            int          `json:"batch"`
	SamplesPerSecond float64      `json:"samples_per_s"`
	Min              float64      `json:"min"`
	Max              float64      `json:"max"`
	PeakRSS          train.Number `json:"peak_rss_mb"`
	AllocsPerStep    float64      `json:"allocs_per_step"`
	Kernel           string       `json:"kernel"`
}

func newBenchTrain(c *common) *cobra.Command {
	return newBenchRun(c, "train", "Training steps, samples a second", trainWorkloads, func(w workload) (step func() error, end func(), err error) {
		g, err := w.graph()
		if err != nil {
			return nil, nil, err
		}
		set := &data.Set{
			Name: "noise", Input: w.input, Classes: make([]string, w.classes),
			Train: newNoise(w.input, w.classes, 4*w.batch), Test: newNoise(w.input, w.classes, 0),
		}
		cfg, err := train.FromSpec(g, set, train.Overrides{Batch: w.batch, Steps: 1 << 30, Threads: c.threads})
		if err != nil {
			return nil, nil, err
		}
		number := func(x float64) layers.Value { return layers.Value{fmt.Sprint(x)} }
		cfg.Optimizer = model.Named{Kind: w.optimizer, Settings: []model.Setting{
			{Key: "lr", Value: number(w.lr)}, {Key: "momentum", Value: number(0.9)}, {Key: "weight_decay", Value: number(0)}}}
		cfg.Schedule, cfg.Augment, cfg.Clip = model.Named{Kind: "constant"}, data.Augment{}, 0
		s, err := train.NewStepper(cfg)
		if err != nil {
			return nil, nil, err
		}
		return s.Step, s.Close, nil
	})
}

func newBenchInfer(c *common) *cobra.Command {
	return newBenchRun(c, "infer", "Inference at batch 1, images a second", inferWorkloads, func(w workload) (step func() error, end func(), err error) {
		g, err := w.graph()
		if err != nil {
			return nil, nil, err
		}
		pool := compute.NewPool(c.threads)
		p, err := model.Compile(g, model.Options{Batch: w.batch, Seed: 1, Pool: pool})
		if err != nil {
			pool.Close()
			return nil, nil, err
		}
		r := layers.Stream(1, "bench")
		for i := range p.Inputs()[0].Data {
			p.Inputs()[0].Data[i] = float32(r.NormFloat64())
		}
		p.Fold()
		return func() error { p.Forward(w.batch, false); return nil }, pool.Close, nil
	})
}

func (w workload) graph() (*model.Graph, error) {
	spec, err := presets.Spec(w.preset)
	if err != nil {
		return nil, err
	}
	adapted, why := model.Adapt(spec, w.input, w.classes)
	if adapted == nil {
		return nil, fmt.Errorf("workload %s: %s", w.name, why)
	}
	g := model.Resolve(adapted)
	return g, g.Err
}

func newBenchRun(c *common, name, short string, list []workload, start func(workload) (func() error, func(), error)) *cobra.Command {
	var which string
	var asJSON bool
	var names []string
	for _, w := range list {
		names = append(names, w.name)
	}
	cmd := &cobra.Command{
		Use:     name,
		Short:   short,
		Long:    short + ": fixed random batches, no data loading, the whole step.\nMedian of 7 repeats of 0.4 s after warm-up.",
		Example: fmt.Sprintf("  layercake bench %s --workload %s --threads 2 --json", name, names[0]),
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var todo []workload
			for _, w := range list {
				if which == "all" || which == w.name {
					todo = append(todo, w)
				}
			}
			if len(todo) == 0 {
				hint := ""
				if near := layers.Nearest(which, names); near != "" {
					hint = ": did you mean " + near + "?"
				}
				return usageError{fmt.Errorf("there is no workload %q, wants all or one of %v%s", which, names, hint)}
			}
			for _, w := range todo {
				l, err := timeRun(c, w, start)
				if err != nil {
					return err
				}
				if cmd.Context().Err() != nil {
					return errInterrupted
				}
				if asJSON {
					if err := writeJSON(cmd.OutOrStdout(), l); err != nil {
						return err
					}
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%-14s %d threads, batch %d: %.4g samples/s (%.4g to %.4g), %.0f MB, %.2g allocations a step, %s\n",
					l.Workload, l.Threads, l.Batch, l.SamplesPerSecond, l.Min, l.Max, float64(l.PeakRSS), l.AllocsPerStep, l.Kernel)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&which, "workload", "all", "one of "+fmt.Sprint(names)+", or all")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func timeRun(c *common, w workload, start func(workload) (func() error, func(), error)) (benchLine, error) {
	step, end, err := start(w)
	if err != nil {
		return benchLine{}, err
	}
	defer end()
	var failed error
	run := func() {
		if err := step(); err != nil && failed == nil {
			failed = err
		}
	}
	v := rates(7, 400*time.Millisecond, 800*time.Millisecond, run)
	var before, after runtime.MemStats
	const counted = 5
	runtime.ReadMemStats(&before)
	for range counted {
		run()
	}
	runtime.ReadMemStats(&after)
	if failed != nil {
		return benchLine{}, fmt.Errorf("workload %s: %w", w.name, failed)
	}
	slices.Sort(v)
	threads := c.threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	b := float64(w.batch)
	return benchLine{w.name, threads, w.batch, b * v[3], b * v[0], b * v[6], train.PeakRSS(),
		float64(after.Mallocs-before.Mallocs) / counted, compute.KernelName()}, nil
}

// noise is samples of normal noise with random labels.
type noise struct {
	shape  compute.Shape
	x      []float32
	labels []int32
}

func newNoise(shape compute.Shape, classes, n int) *noise {
	s := &noise{shape: shape, x: make([]float32, n*shape.Size()), labels: make([]int32, n)}
	r := layers.Stream(1, "noise")
	for i := range s.x {
		s.x[i] = float32(r.NormFloat64())
	}
	for i := range s.labels {
		s.labels[i] = int32(r.IntN(classes))
	}
	return s
}

func (s *noise) Len() int { return len(s.labels) }

func (s *noise) Sizes() data.Sizes { return data.Sizes{X: s.shape, Labels: 1} }

func (s *noise) Image(int) []float32 { return nil }

func (s *noise) Label(i int) int { return int(s.labels[i]) }

func (s *noise) Fill(idx []int, x []float32, labels []int32, _ []float32) {
	size := s.shape.Size()
	for j, i := range idx {
		copy(x[j*size:(j+1)*size], s.x[i*size:(i+1)*size])
		if labels != nil {
			labels[j] = s.labels[i]
		}
	}
}
