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
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"layercake/compute"
	"layercake/layers"
	"layercake/model"
	"layercake/train"
	"layercake/tui"
	"layercake/tui/widget"
)

// errInterrupted ends the process with 130.
var errInterrupted = errors.New("interrupted")

// usageError ends the process with 2.
type usageError struct{ error }

// Main runs the command line and returns the exit status.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// Who asks twice does not want to wait for a checkpoint. A hangup keeps on being
	// caught: a closing terminal sends more than one.
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) })
	return run(ctx, args, os.Stdout, os.Stderr)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	out := newSink(stdout)
	root := newRoot(&common{stdout: out})
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = out.failure()
	}
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errInterrupted):
		return 130
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "layercake: %s\nTry '%s --help'.\n", plainError(err), cmd.CommandPath())
		return 2
	}
	fmt.Fprintf(stderr, "layercake: %s\n", plainError(err))
	return 1
}

// plainError is an error's lines; a path in it may be anybody's.
func plainError(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, l := range lines {
		lines[i] = widget.Plain(l)
	}
	return strings.Join(lines, "\n")
}

// common are the flags that every command has.
type common struct {
	threads int
	seed    uint64
	kernel  string
	dataDir string

	stdout *sink
}

// check refuses values that no command can use.
func (c *common) check() error {
	if c.threads < 0 || c.threads > train.MaxThreads {
		return usageError{fmt.Errorf("--threads is %d, wants 1 to %d, or 0 for one a core", c.threads, train.MaxThreads)}
	}
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
}

func newRoot(c *common) *cobra.Command {
	var look screenFlags
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
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return nil
			}
			if slices.Contains(commandNames(cmd), args[1]) && known(args[0]) {
				return usageError{fmt.Errorf("the command comes before the network: did you mean 'layercake %s %s'?", args[1], args[0])}
			}
			return noCommand(cmd, args[0])
		},
		Version:           version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return c.check() },
		RunE: func(cmd *cobra.Command, args []string) error {
			return runScreen(cmd, c, look, args)
		},
	}
	f := root.PersistentFlags()
	f.IntVar(&c.threads, "threads", 0, "threads to compute with (0: one a core)")
	f.Uint64Var(&c.seed, "seed", 0, "seed of weights, order and drawn data (0: the network's own, else 1)")
	f.StringVar(&c.kernel, "kernel", "", "matrix kernel: "+strings.Join(compute.Kernels(), ", ")+" (default: the first that runs here; also LAYERCAKE_KERNEL)")
	f.StringVar(&c.dataDir, "data-dir", "", "folder with the files of a data set")
	root.Flags().BoolVar(&look.light, "light", false, "colours for a light terminal")
	root.Flags().BoolVar(&look.dark, "dark", false, "colours for a dark terminal")
	root.Flags().BoolVar(&look.ascii, "ascii", false, "draw with ASCII alone")
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelp())
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newTrain(c), newSummary(), newCompare(c), newCheck(c),
		newPresets(), newLayers(), newData(), newRuns(), newSample(c), newBench(c), newVersion(),
	)
	return root
}

// screenFlags are those of the screen alone.
type screenFlags struct{ light, dark, ascii bool }

func runScreen(cmd *cobra.Command, c *common, look screenFlags, args []string) error {
	if look.light && look.dark {
		return usageError{errors.New("--light and --dark are both given, wants one of them")}
	}
	o := tui.Options{DataDir: c.dataDir, Threads: c.threads, Seed: c.seed, ASCII: look.ascii, Theme: "auto",
		RunDir:  func(network string) (string, error) { return runDir("", network) },
		RunsDir: runsDir(),
		Measure: func(g *model.Graph) (train.Speed, error) { return train.MeasureSpeed(g, c.threads) }}
	if look.light {
		o.Theme = "light"
	}
	if look.dark {
		o.Theme = "dark"
	}
	if len(args) == 1 {
		spec, path, err := openNetwork(cmd.Context(), args[0])
		if err != nil {
			if near := layers.Nearest(args[0], commandNames(cmd)); near != "" && !known(args[0]) {
				err = usageError{fmt.Errorf("%q is no command, file or preset: did you mean 'layercake %s'?", args[0], near)}
			}
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
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Help about any command",
		Long:    "Prints what a command does, its flags and an example. 'layercake COMMAND --help' does the same.",
		Example: "  layercake help train\n  layercake help bench gemm",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return noCommand(cmd.Root(), args[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// noCommand is the answer to a word that stands where a command should.
func noCommand(root *cobra.Command, word string) error {
	return usageError{fmt.Errorf("there is no command %q: %s", word, suggest(word, commandNames(root), "'layercake --help' lists them"))}
}

// flagError says in our own words what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var wrong *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		name := "--" + unknown.GetSpecifiedName()
		err = fmt.Errorf("there is no flag %s: %s", name, suggest(name, names, fmt.Sprintf("'%s --help' lists them", cmd.CommandPath())))
	case errors.As(err, &wrong):
		wants := map[string]string{
			"int": "a whole number", "uint64": "a whole number from 0 to 18446744073709551615", "float64": "a number", "bool": "true or false",
		}[wrong.GetFlag().Value.Type()]
		if wants != "" {
			err = fmt.Errorf("--%s is %q, wants %s", wrong.GetFlag().Name, wrong.GetValue(), wants)
		}
	}
	return usageError{err}
}

func commandNames(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}

// arguments is cobra's check of their number, with the exit status of wrong usage.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		got := "none"
		if len(args) > 0 {
			got = fmt.Sprintf("%d: %s", len(args), strings.Join(args, " "))
		}
		name := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
		return usageError{fmt.Errorf("%s wants %s, got %s", name, what, got)}
	}
}

// suggest ends a message about an unknown word: with the known one that is near,
// or else with what helps otherwise.
func suggest(word string, known []string, otherwise string) string {
	if near := layers.Nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return otherwise
}

// positive refuses a flag that was given a number below 1: 0 stands for a flag
// that was left out.
func positive(cmd *cobra.Command, flags ...string) error {
	for _, name := range flags {
		if !cmd.Flags().Changed(name) {
			continue
		}
		if n, err := cmd.Flags().GetInt(name); err == nil && n < 1 {
			return usageError{fmt.Errorf("--%s is %d, wants 1 or more", name, n)}
		}
	}
	return nil
}
