package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"layercake/data"
	"layercake/layers"
	"layercake/model"
	"layercake/train"
	"layercake/tui/widget"
)

const recomputeHelp = "make values again for the backward pass: less memory, the same numbers, more time"

type trainFlags struct {
	data, out, resume, optimizer, target string
	epochs, steps, batch, every          int
	lr                                   float64
	trainN, testN                        int
	recompute, asJSON                    bool
}

func newTrain(c *common) *cobra.Command {
	var f trainFlags
	cmd := &cobra.Command{
		Use:   "train NETWORK",
		Short: "Train without a screen",
		Long: `Trains NETWORK and prints its progress. What the flags leave open comes from the
network file's train section. Checkpoints go to --out (else to a folder of
layercake's own, see 'layercake runs'); an interrupted run saves one first, and
--resume goes on from there with the numbers that it would have had.`,
		Example: `  layercake train lenet5
  layercake train resnet8 --data mnist --data-dir ~/mnist --epochs 3
  layercake train mine.yaml --data flowers.csv --lr 0.01 --json
  layercake train --resume runs/lenet5`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.resume != "" {
				return arguments(0, 1, "at most one NETWORK")(cmd, args)
			}
			return arguments(1, 1, "one NETWORK")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTrain(cmd, c, &f, args)
		},
	}
	s := cmd.Flags()
	s.StringVar(&f.data, "data", "", "data set by name, or the path of a CSV file, a text or a folder (default: the network's own)")
	s.StringVar(&f.target, "target", "", "column of a CSV to predict, by name or number (default: the last)")
	s.IntVar(&f.epochs, "epochs", 0, "epochs to train")
	s.IntVar(&f.steps, "steps", 0, "steps to train")
	s.IntVar(&f.batch, "batch", 0, "samples a step")
	s.Float64Var(&f.lr, "lr", 0, "learning rate")
	s.BoolVar(&f.recompute, "recompute", false, recomputeHelp)
	s.StringVar(&f.optimizer, "optimizer", "", "optimizer: "+strings.Join(optimizerNames(), ", "))
	s.IntVar(&f.trainN, "train-samples", 0, "so many training samples: fewer of a file, fewer or more where they are made up")
	s.IntVar(&f.testN, "test-samples", 0, "so many test samples, likewise")
	s.IntVar(&f.every, "every", 100, "steps between step lines of --json; 0 for none")
	s.StringVar(&f.out, "out", "", "folder for the checkpoint and the log")
	s.StringVar(&f.resume, "resume", "", "go on from the checkpoint in this folder")
	s.BoolVar(&f.asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func runTrain(cmd *cobra.Command, c *common, f *trainFlags, args []string) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	over := train.Overrides{Epochs: f.epochs, Steps: f.steps, Batch: f.batch, LR: f.lr, Optimizer: f.optimizer, Threads: c.threads}
	if c.seed != 0 {
		over.Seed = &c.seed
	}
	if cmd.Flags().Changed("recompute") {
		over.Recompute = &f.recompute
	}
	ctx := cmd.Context()
	out := newProgress(cmd.OutOrStdout(), cmd.ErrOrStderr(), f.asJSON)
	// A reader that goes away must not kill a run that has not been saved: writing
	// fails instead, and that ends the run as an interrupt would.
	signal.Ignore(syscall.SIGPIPE)

	var r *train.Run
	var err error
	if f.resume != "" {
		r, err = resumeRun(ctx, c, f, args, over, out)
	} else {
		r, err = startRun(ctx, c, f, args[0], over, out)
	}
	if err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	interrupted := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
			close(interrupted)
		case <-c.stdout.broken:
		case <-r.Done():
			return
		}
		r.Stop()
	}()
	out.follow(r)
	if err = r.Wait(); err != nil {
		return err
	}
	out.done(r)
	saved := fmt.Sprintf("saved; go on with: layercake train --resume %s", r.Config().Dir)
	select {
	case <-interrupted:
		fmt.Fprintln(cmd.ErrOrStderr(), "interrupted:", saved)
		return errInterrupted
	default:
	}
	if err = c.stdout.failure(); err != nil && r.Last().Reason == train.Stopped {
		return fmt.Errorf("%w: %s", err, saved)
	}
	return err
}

func optimizerNames() []string {
	var names []string
	for _, k := range train.Optimizers {
		names = append(names, k.Name)
	}
	return names
}

// check refuses flags that make no sense, alone or together.
func (f *trainFlags) check(cmd *cobra.Command) error {
	if err := positive(cmd, "epochs", "steps", "batch", "train-samples", "test-samples"); err != nil {
		return err
	}
	if cmd.Flags().Changed("lr") && !(f.lr > 0 && f.lr <= math.MaxFloat64) {
		return usageError{fmt.Errorf("--lr is %v, wants a number above 0", f.lr)}
	}
	if names := optimizerNames(); f.optimizer != "" && !slices.Contains(names, f.optimizer) {
		return usageError{fmt.Errorf("--optimizer is %q, wants %s", f.optimizer, strings.Join(names, ", "))}
	}
	if f.every < 0 {
		return usageError{fmt.Errorf("--every is %d, wants 1 or more, or 0 for no step lines", f.every)}
	}
	if f.resume == "" {
		return nil
	}
	for _, name := range []string{"target", "train-samples", "test-samples"} {
		if cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s cannot change in a run: leave it out to resume", name)}
		}
	}
	return nil
}

func startRun(ctx context.Context, c *common, f *trainFlags, name string, over train.Overrides, out *progress) (*train.Run, error) {
	spec, _, err := openNetwork(ctx, name)
	if err != nil {
		return nil, err
	}
	// A network that is refused is refused before data is read or drawn.
	if g := model.Resolve(spec); g.Err != nil {
		return nil, g.Err
	}
	source := train.Source{Name: spec.Train.Data, Dir: c.dataDir, Seed: c.seed, Train: f.trainN, Test: f.testN, Target: f.target, Length: train.LengthFor(spec.Inputs)}
	if f.data != "" {
		source.Name = f.data
	}
	if source.Name == "" {
		source.Name = data.Catalog[0].Name
	}
	set, err := openData(ctx, source, out)
	if err != nil {
		return nil, err
	}
	adapted, changed, err := train.Fit(spec, set)
	if err != nil {
		return nil, err
	}
	if changed != "" {
		out.say("%s", changed)
	}
	g := model.Resolve(adapted)
	cfg, err := train.FromSpec(g, set, over)
	if err != nil {
		return nil, err
	}
	cfg.Source = source
	cfg.StepEvents, cfg.Events = f.every, out.event
	cfg.SaveEvery = 30 * time.Second
	if cfg.Dir, err = runDir(f.out, g.Name); err != nil {
		return nil, err
	}
	return train.Start(ctx2(ctx), cfg)
}

// ctx2 lets a run outlive an interrupt for as long as saving takes: Stop ends it.
func ctx2(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

func resumeRun(ctx context.Context, c *common, f *trainFlags, args []string, over train.Overrides, out *progress) (*train.Run, error) {
	k, err := train.ReadCheckpoint(f.resume)
	if err != nil {
		return nil, err
	}
	if err := k.Override(over); err != nil {
		return nil, err
	}
	if len(args) == 1 {
		spec, _, err := openNetwork(ctx, args[0])
		if err != nil {
			return nil, err
		}
		// Fit it to the data as the run did; what else differs is another network.
		g := k.Config.Graph
		if adapted, _ := model.Adapt(spec, g.Inputs, g.Classes()); adapted != nil {
			spec = adapted
		}
		if err := k.SameNetwork(model.Resolve(spec)); err != nil {
			return nil, err
		}
	}
	source := k.Config.Source
	if f.data != "" {
		source.Name = f.data
	}
	if c.dataDir != "" {
		source.Dir = c.dataDir
	}
	if k.Config.Data, err = openData(ctx, source, out); err != nil {
		return nil, err
	}
	cfg := k.Config
	cfg.StepEvents, cfg.Events = f.every, out.event
	if f.out != "" {
		cfg.Dir = f.out
	}
	out.resumed = k.Step
	out.say("resuming %s at step %d", k.Dir, k.Step)
	return train.Resume(ctx2(ctx), k, cfg)
}

func openData(ctx context.Context, s train.Source, out *progress) (*data.Set, error) {
	o := s.Options()
	if o.Seed == 0 {
		o.Seed = 1
	}
	if out.terminal {
		o.Progress = func(done, total int) { out.line("reading %s: %d of %d", s.Name, done, total) }
	}
	if err := knownData(s.Name); err != nil {
		return nil, err
	}
	set, err := data.Open(ctx, s.Name, o)
	out.line("")
	if err != nil {
		return nil, err
	}
	for _, n := range set.Notes {
		out.say("%s: %s", set.Called(), n)
	}
	return set, nil
}

// knownData refuses a name that is nearly that of a data set.
func knownData(name string) error {
	var names []string
	for _, e := range data.Catalog {
		if e.Name == name {
			return nil
		}
		if !strings.Contains(e.Name, "PATH") {
			names = append(names, e.Name)
		}
	}
	near := layers.Nearest(name, names)
	if _, err := os.Stat(name); err == nil || near == "" {
		return nil // what is wrong with it shows when it is opened
	}
	return fmt.Errorf("%s: is no data set and no file: did you mean %s?", name, near)
}

// runDir is the folder that a run is kept in: the one asked for, or a new one
// among layercake's own.
func runDir(asked, network string) (string, error) {
	if asked != "" {
		if err := os.MkdirAll(asked, 0o755); err != nil {
			return "", fmt.Errorf("make a folder for the run: %w: name another with --out", err)
		}
		return asked, nil
	}
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, strings.ToLower(network))
	if err := os.MkdirAll(runsDir(), 0o755); err != nil {
		return "", fmt.Errorf("make a folder for the run: %w: name one with --out", err)
	}
	stamp := time.Now().Format("20060102-150405")
	for i := 1; ; i++ {
		dir := filepath.Join(runsDir(), name+"-"+stamp)
		if i > 1 {
			dir += fmt.Sprintf("-%d", i)
		}
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, os.ErrExist) {
			return "", fmt.Errorf("make a folder for the run: %w: name one with --out", err)
		}
	}
}

// runsDir is where runs without --out are kept.
func runsDir() string { return filepath.Join(xdg.DataHome, "layercake", "runs") }

// progress prints a run: JSON lines, or a table with a live line on a terminal.
type progress struct {
	out, err io.Writer
	asJSON   bool
	terminal bool

	mu   sync.Mutex // a run tells of itself while its state is followed
	live bool       // a line without an end is on the terminal

	resumed int // at this step; 0 for a new run
}

func newProgress(out, err io.Writer, asJSON bool) *progress {
	p := &progress{out: out, err: err, asJSON: asJSON}
	if f, ok := err.(*os.File); ok {
		p.terminal = term.IsTerminal(int(f.Fd()))
	}
	return p
}

// say prints a message on a line of its own.
func (p *progress) say(format string, args ...any) {
	p.line("")
	fmt.Fprintf(p.err, format+"\n", args...)
}

// line replaces the live line; only on a terminal.
func (p *progress) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.terminal || format == "" && !p.live {
		return
	}
	fmt.Fprint(p.err, "\r\x1b[K")
	p.live = format != ""
	if p.live {
		fmt.Fprintf(p.err, format, args...)
	}
}

// event prints what --json promises, and without it the lines of epochs.
func (p *progress) event(e train.Event) {
	if p.asJSON {
		p.line("")
		writeJSON(p.out, e) // the sink keeps the error, and the run ends by it
		return
	}
	switch e := e.(type) {
	case train.EventStart:
		p.line("")
		fmt.Fprintf(p.out, "%s: %s parameters on %s, %s training and %s test samples, batch %d, %s, seed %d\n",
			e.Network, widget.Group(e.Params), e.Data, widget.Group(int64(e.TrainSamples)), widget.Group(int64(e.TestSamples)), e.Batch, threadWords(e.Threads), e.Seed)
		fmt.Fprintf(p.out, "%6s  %10s %10s  %10s %10s  %8s\n", "epoch", "train loss", "accuracy", "test loss", "accuracy", "seconds")
	case train.EventEpoch:
		p.line("")
		fmt.Fprintf(p.out, "%6d  %10s %10s  %10s %10s  %8.1f", e.Epoch, lossText(float64(e.TrainLoss)), widget.Percent(float64(e.TrainAccuracy), 2),
			lossText(float64(e.TestLoss)), widget.Percent(float64(e.TestAccuracy), 2), e.Seconds)
		for _, m := range e.Figures() {
			value := lossText(m.Value)
			if m.Share() {
				value = widget.Percent(m.Value, 2)
			}
			fmt.Fprintf(p.out, "  %s %s", m.Name, value)
		}
		fmt.Fprintln(p.out)
	}
}

// follow shows the run's state on the live line until it ends, and says what
// keeps it from being saved.
func (p *progress) follow(r *train.Run) {
	problem := ""
	for s := range r.Snapshots() {
		if s.Problem != problem && s.Phase != train.Ended {
			if problem = s.Problem; problem != "" {
				p.say("%s: the run goes on, and tries again later", problem)
			}
		}
		if !p.terminal || s.Phase != train.Training {
			continue
		}
		p.line("epoch %d  step %d/%d  loss %s  %s  %s samples/s  %s left", s.Epoch, s.StepInEpoch, s.PerEpoch, lossText(s.Loss),
			widget.Percent(s.Accuracy, 1), widget.Group(int64(s.SamplesPerSecond)), widget.Duration(s.Left))
	}
	p.line("")
}

func (p *progress) done(r *train.Run) {
	s := r.Last()
	if s.Reason == train.Finished && p.resumed > 0 && s.Step == p.resumed {
		p.say("all of its steps were done already: --epochs or --steps give it more")
	}
	if p.asJSON {
		return
	}
	if s.Reason == train.Finished {
		test := ""
		if !math.IsNaN(s.TestLoss) {
			test = ", test loss " + lossText(s.TestLoss)
		}
		if !math.IsNaN(s.TestAccuracy) {
			test += ", accuracy " + widget.Percent(s.TestAccuracy, 2)
		}
		fmt.Fprintf(p.out, "finished after %s steps in %s%s; saved in %s\n", widget.Group(int64(s.Step)), widget.Duration(s.Elapsed), test, r.Config().Dir)
	}
}
