package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"layercake/compute"
)

// contest is one thing that every kernel does in turn.
type contest struct {
	what, shape string
	run         func()
	flop        float64 // of one run, in 10⁹
	after       func()  // behind the last run, if not nil
}

// kernelLine is what one kernel reached in a contest.
type kernelLine struct {
	What    string  `json:"what"` // gemm, conv, or peak: multiply-adds between registers
	Shape   string  `json:"shape"`
	Kernel  string  `json:"kernel"`
	Threads int     `json:"threads"`
	GFLOPS  float64 `json:"gflops"`
	Min     float64 `json:"min"`
	Max     float64 `json:"max"`
	Ratio   float64 `json:"ratio"` // of the median and that of the kernel in use
}

// kernelShapes and kernelConvs are those of all that bench gemm and bench conv
// have in which kernels differ.
var (
	kernelShapes = []gemmShape{{m: 512, k: 512, n: 512}, {m: 1024, k: 1024, n: 1024}, {m: 1024, k: 1024, n: 1024, ta: true}, {m: 64, k: 784, n: 512},
		{m: 64, k: 512, n: 784, tb: true}, {m: 784, k: 64, n: 512, ta: true}, {m: 8192, k: 144, n: 16}, {m: 2048, k: 288, n: 32}, {m: 512, k: 576, n: 64}}
	kernelConvs = []string{"lenet5 conv2", "resnet20 stage1", "resnet20 stage2 /2", "resnet18 stage3", "resnet50 1×1"}
)

// sameSpeed is how far ratios lie apart of which nothing follows.
const sameSpeed = 0.03

func newBenchKernels(c *common) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "kernels",
		Short: "Every kernel that runs here, in turn: which is the fastest",
		Long: `Times products and convolutions with each of this machine's kernels, in turn in one
process: medians of 9 repeats of 30 ms, and how they compare with the kernel in
use. The last line says what to do. Processors with AVX-512 differ: with two
units for it the peak doubles, with one, or two half as wide, it does not.`,
		Example: "  layercake bench kernels --threads 1\n  layercake bench kernels --json",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool := compute.NewPool(c.threads)
			defer pool.Close()
			k := kernelContest{ctx: cmd.Context(), out: cmd.OutOrStdout(), asJSON: asJSON, names: rivals(), threads: pool.Threads(), repeats: 9, span: 30 * time.Millisecond}
			if err := k.peaks(pool); err != nil {
				return err
			}
			for _, s := range kernelShapes {
				run, flop := s.product(pool)
				if err := k.hold(contest{"gemm", fmt.Sprintf("%d×%d×%d %s", s.m, s.k, s.n, s.op()), run, flop, nil}); err != nil {
					return err
				}
			}
			for _, s := range convShapes {
				if !slices.Contains(kernelConvs, s.net) {
					continue
				}
				passes, flop := s.passes(pool)
				for _, p := range passes {
					if err := k.hold(contest{"conv", s.net + ", " + p.name, p.run, flop, p.after}); err != nil {
						return err
					}
				}
			}
			if !asJSON {
				fmt.Fprintln(k.out, k.verdict())
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// rivals are the kernel in use, then the others that run here. Plain Go is left
// out unless it is in use: it is many times slower, and takes so much longer.
func rivals() []string {
	names := []string{compute.KernelName()}
	for _, name := range compute.Kernels() {
		if name != names[0] && name != "generic" {
			names = append(names, name)
		}
	}
	return names
}

// kernelContest holds contests between kernels, the one in use first.
type kernelContest struct {
	ctx     context.Context
	out     io.Writer
	asJSON  bool
	names   []string
	threads int
	repeats int
	span    time.Duration
	wins    [][]float64 // by kernel, the ratios so far
}

// use makes the kernel of that name the one in use.
func (k *kernelContest) use(name string) {
	if err := compute.SetKernel(name); err != nil {
		panic(err) // it is one of those that run here
	}
}

// peaks shows what the kernels could do at most.
func (k *kernelContest) peaks(pool *compute.Pool) error {
	if !k.asJSON {
		fmt.Fprintf(k.out, "%s, in turn\n%-34s", threadWords(k.threads), "GFLOP/s, medians")
		fmt.Fprintf(k.out, " %9s", k.names[0])
		for _, name := range k.names[1:] {
			fmt.Fprintf(k.out, " %9s      ", name)
		}
		fmt.Fprintln(k.out)
	}
	rates := make([][]float64, len(k.names))
	defer k.use(k.names[0])
	for range 3 {
		for i, name := range k.names {
			k.use(name)
			rates[i] = append(rates[i], compute.PeakGFLOPS(pool))
		}
	}
	// The highest counts: it is a bound.
	for i := range rates {
		rates[i] = []float64{slices.Max(rates[i])}
	}
	if rates[0][0] == 0 {
		return nil // plain Go has none
	}
	return k.print("peak", "multiply-adds between registers", rates)
}

// hold times a contest: each repeat is one of every kernel, the first to go
// another every time.
func (k *kernelContest) hold(c contest) error {
	if k.ctx.Err() != nil {
		return errInterrupted
	}
	defer k.use(k.names[0])
	calls := make([]int, len(k.names))
	for i, name := range k.names {
		k.use(name)
		c.run() // the first is slower
		n := 0
		start := time.Now()
		for n == 0 || time.Since(start) < k.span/2 {
			c.run()
			n++
		}
		calls[i] = int(float64(n)*k.span.Seconds()/time.Since(start).Seconds()) + 1
	}
	rates := make([][]float64, len(k.names))
	for round := range k.repeats {
		for j := range k.names {
			i := (j + round) % len(k.names)
			k.use(k.names[i])
			start := time.Now()
			for range calls[i] {
				c.run()
			}
			rates[i] = append(rates[i], c.flop*float64(calls[i])/time.Since(start).Seconds())
		}
	}
	if c.after != nil {
		c.after()
	}
	if k.wins == nil {
		k.wins = make([][]float64, len(k.names))
	}
	for i := range rates {
		slices.Sort(rates[i])
		k.wins[i] = append(k.wins[i], median(rates[i])/median(rates[0]))
	}
	return k.print(c.what, c.shape, rates)
}

// print writes a contest's results, whose rates are in rising order.
func (k *kernelContest) print(what, shape string, rates [][]float64) error {
	if !k.asJSON {
		fmt.Fprintf(k.out, "%-34s", shape)
		for i := range rates {
			fmt.Fprintf(k.out, " %9.1f", median(rates[i]))
			if i > 0 {
				fmt.Fprintf(k.out, " ×%.2f", median(rates[i])/median(rates[0]))
			}
		}
		fmt.Fprintln(k.out)
		return nil
	}
	for i, name := range k.names {
		m := median(rates[i])
		l := kernelLine{what, shape, name, k.threads, m, rates[i][0], rates[i][len(rates[i])-1], m / median(rates[0])}
		if err := writeJSON(k.out, l); err != nil {
			return err
		}
	}
	return nil
}

// median is the middle of numbers in rising order.
func median(x []float64) float64 { return x[len(x)/2] }

// verdict says what follows from all contests.
func (k *kernelContest) verdict() string {
	if len(k.names) == 1 {
		return fmt.Sprintf("%s is the only kernel but plain Go that runs here.", k.names[0])
	}
	var parts []string
	best, most := 0, 1.0
	for i := 1; i < len(k.names); i++ {
		mean := geometricMean(k.wins[i])
		parts = append(parts, fmt.Sprintf("%s ×%.2f (×%.2f to ×%.2f)", k.names[i], mean, slices.Min(k.wins[i]), slices.Max(k.wins[i])))
		if mean > most {
			best, most = i, mean
		}
	}
	text := fmt.Sprintf("Beside %s, in the geometric mean: %s. ", k.names[0], strings.Join(parts, ", "))
	switch {
	case best == 0:
		return text + "Stay with " + k.names[0] + "."
	case most < 1+sameSpeed:
		return text + "That is no difference to act upon."
	}
	return text + fmt.Sprintf("Take %s: --kernel %s, or LAYERCAKE_KERNEL=%s for every command.", k.names[best], k.names[best], k.names[best])
}
