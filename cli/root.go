// Package cli is the command line: one file a command, flags and output only.
// What a command does is done elsewhere.
//
// Data goes to stdout, progress and messages to stderr. Exit 0: done; 1: the
// input or the run failed; 2: wrong usage; 130: interrupted, after the state
// was saved.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"layercake/compute"
	"layercake/model"
	"layercake/train"
	"layercake/tui"
)

// errInterrupted ends the process with 130.
var errInterrupted = errors.New("interrupted")

// usageError ends the process with 2.
type usageError struct{ error }

// Main runs the command line and returns the exit status.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return run(ctx, args, os.Stdout, os.Stderr)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errInterrupted):
		return 130
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"):
		fmt.Fprintf(stderr, "layercake: %v\nTry 'layercake --help'.\n", err)
		return 2
	}
	fmt.Fprintf(stderr, "layercake: %v\n", err)
	return 1
}

// common are the flags that every command has.
type common struct {
	threads int
	seed    uint64
	kernel  string
	dataDir string
}

func newRoot() *cobra.Command {
	var c common
	var light, dark, ascii bool
	root := &cobra.Command{
		Use:   "layercake [NETWORK]",
		Short: "Stack layers, train them, see why a network learns",
		Long: `Layercake designs neural networks in the terminal by stacking layers, trains them
on this machine, and shows live, layer by layer, what they do.

NETWORK is the name of a preset (see 'layercake presets') or a network file.
Without a command the screen opens.`,
		Example: `  layercake                 open the screen on a small ResNet
  layercake resnet20        open the screen on a preset
  layercake net.yaml        open the screen on a file of your own
  layercake train lenet5    train without a screen`,
		Args:          atMost(1),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if c.kernel == "" {
				c.kernel = os.Getenv("LAYERCAKE_KERNEL")
			}
			if c.kernel == "" {
				return nil
			}
			if err := compute.SetKernel(c.kernel); err != nil {
				return usageError{err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o := tui.Options{DataDir: c.dataDir, Threads: c.threads, Seed: c.seed, ASCII: ascii, Theme: "auto",
				RunDir:  func(network string) (string, error) { return runDir("", network) },
				RunsDir: runsDir(),
				Measure: func(g *model.Graph) (train.Speed, error) { return train.MeasureSpeed(g, c.threads) }}
			if light {
				o.Theme = "light"
			}
			if dark {
				o.Theme = "dark"
			}
			if len(args) == 1 {
				spec, path, err := openNetwork(args[0])
				if err != nil {
					return err
				}
				o.Spec, o.Path = spec, path
			}
			if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) {
				return errors.New("the screen needs a terminal on stdin and stdout: use 'layercake train', 'summary' or 'compare' without one")
			}
			threads := c.threads
			if threads <= 0 {
				threads = runtime.GOMAXPROCS(0)
			}
			o.Machine = fmt.Sprintf("%s · %d threads", compute.KernelName(), threads)
			if threads == 1 {
				o.Machine = compute.KernelName() + " · 1 thread"
			}
			err := tui.Run(cmd.Context(), o)
			if errors.Is(err, context.Canceled) {
				return errInterrupted
			}
			return err
		},
	}
	f := root.PersistentFlags()
	f.IntVar(&c.threads, "threads", 0, "threads to compute with (0: one a core)")
	f.Uint64Var(&c.seed, "seed", 0, "seed of weights, order and drawn data (0: the network's own, else 1)")
	f.StringVar(&c.kernel, "kernel", "", "matrix kernel: "+strings.Join(compute.Kernels(), ", ")+" (default: the first that runs here; also LAYERCAKE_KERNEL)")
	f.StringVar(&c.dataDir, "data-dir", "", "folder with the files of a data set")
	root.Flags().BoolVar(&light, "light", false, "colours for a light terminal")
	root.Flags().BoolVar(&dark, "dark", false, "colours for a dark terminal")
	root.Flags().BoolVar(&ascii, "ascii", false, "draw with ASCII alone")
	root.MarkFlagsMutuallyExclusive("light", "dark")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newTrain(&c), newSummary(), newCompare(&c), newCheck(&c),
		newPresets(), newLayers(), newData(), newRuns(), newSample(&c), newBench(&c),
	)
	return root
}

// exactly, atLeast and atMost are cobra's checks with the exit status of wrong usage.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("%s wants %s, got %d arguments", cmd.CommandPath(), what, len(args))}
		}
		return nil
	}
}

func atLeast(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return usageError{fmt.Errorf("%s wants %s, got %d arguments", cmd.CommandPath(), what, len(args))}
		}
		return nil
	}
}

func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usageError{fmt.Errorf("%s wants at most %d argument, got %d: %s", cmd.CommandPath(), n, len(args), strings.Join(args, " "))}
		}
		return nil
	}
}
