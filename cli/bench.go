package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"layercake/compute"
	"layercake/layers"
)

func newBench(c *common) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the engine on this machine",
		Long:  "Measures matrix products, convolutions, training steps and inference. Run it on a\nquiet machine, and several times: one process is not a measurement.",
		Example: `  layercake bench gemm --threads 1
  layercake bench train --workload resnet20 --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			names := commandNames(cmd)
			return usageError{fmt.Errorf("there is nothing to measure called %q: %s", args[0], suggest(args[0], names, "wants one of "+strings.Join(names, ", ")))}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBenchGemm(c), newBenchConv(c), newBenchKernels(c), newBenchTrain(c), newBenchInfer(c), newBenchPeers(c))
	return cmd
}

// rates repeats f for at least span a repeat, and gives the calls a second of
// each repeat in rising order. When ctx ends it does so too, with figures that
// mean nothing.
func rates(ctx context.Context, repeats int, span, warm time.Duration, f func()) []float64 {
	n := 0
	start := time.Now()
	for ctx.Err() == nil && (time.Since(start) < warm || n < 3) {
		f()
		n++
	}
	per := time.Since(start) / time.Duration(max(n, 1))
	calls := int(span/max(per, 1)) + 1
	out := make([]float64, repeats)
	for i := range out {
		start := time.Now()
		for range calls {
			if ctx.Err() != nil {
				return out
			}
			f()
		}
		out[i] = float64(calls) / time.Since(start).Seconds()
	}
	slices.Sort(out)
	return out
}

// gemmShape is one product: C (m×n) = op(A)·op(B), op(A) m×k.
type gemmShape struct {
	m, k, n int
	ta, tb  bool
}

// op says which sides are transposed: "TN".
func (s gemmShape) op() string {
	letter := map[bool]string{false: "N", true: "T"}
	return letter[s.ta] + letter[s.tb]
}

// gemmShapes are squares, the shapes of layers forward, and those of their
// weight (TN) and input (NT) gradients.
func gemmShapes() []gemmShape {
	var s []gemmShape
	for _, n := range []int{64, 128, 256, 512, 1024, 2048} {
		s = append(s, gemmShape{m: n, k: n, n: n})
	}
	s = append(s, gemmShape{1024, 1024, 1024, true, false}, gemmShape{1024, 1024, 1024, false, true})
	for _, d := range [][3]int{{64, 784, 512}, {4096, 27, 16}, {8192, 144, 16}, {2048, 288, 32}, {512, 576, 64}, {32, 256, 1024}} {
		s = append(s, gemmShape{d[0], d[1], d[2], false, false}, gemmShape{d[0], d[1], d[2], true, false}, gemmShape{d[0], d[1], d[2], false, true})
	}
	return append(s, gemmShape{784, 64, 512, true, false}, gemmShape{64, 512, 784, false, true})
}

type gemmLine struct {
	M       int     `json:"m"`
	N       int     `json:"n"`
	K       int     `json:"k"`
	TA      bool    `json:"ta"`
	TB      bool    `json:"tb"`
	Threads int     `json:"threads"`
	GFLOPS  float64 `json:"gflops"`
	Min     float64 `json:"min"`
	Max     float64 `json:"max"`
	ceiling
}

func newBenchGemm(c *common) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "gemm",
		Short:   "Matrix products, GFLOP/s",
		Long:    "Times C = op(A)·op(B), row-major, over squares and over the shapes of real layers\nand their gradients: median of 9 repeats of 60 ms.",
		Example: "  layercake bench gemm --threads 2 --json",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			e := newEngine(c.threads)
			defer e.close()
			out := cmd.OutOrStdout()
			if !asJSON {
				fmt.Fprintf(out, "%s\n%-18s %3s  %8s %8s %8s %8s\n", e.title(), "GFLOP/s, M×K×N", "op", "min", "median", "max", "of peak")
			}
			for _, s := range gemmShapes() {
				l := timeGemm(cmd.Context(), e, s)
				if cmd.Context().Err() != nil {
					return errInterrupted
				}
				if asJSON {
					if err := writeJSON(out, l); err != nil {
						return err
					}
					continue
				}
				fmt.Fprintf(out, "%-18s %3s  %8.1f %8.1f %8.1f %8s\n", fmt.Sprintf("%d×%d×%d", s.m, s.k, s.n), s.op(), l.Min, l.GFLOPS, l.Max, l.share())
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func timeGemm(ctx context.Context, e *engine, s gemmShape) gemmLine {
	run, flop := s.product(e.pool)
	v := rates(ctx, 9, 60*time.Millisecond, 60*time.Millisecond, run)
	return gemmLine{s.m, s.n, s.k, s.ta, s.tb, e.threads, flop * v[4], flop * v[0], flop * v[8], e.under(flop * v[4])}
}

// product is a call of the product on random operands, and its FLOP in 10⁹.
func (s gemmShape) product(pool *compute.Pool) (run func(), flop float64) {
	r := layers.Stream(1, "bench")
	random := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = r.Float32() - 0.5
		}
		return x
	}
	a, b, y := random(s.m*s.k), random(s.k*s.n), make([]float32, s.m*s.n)
	lda, ldb := s.k, s.n
	if s.ta {
		lda = s.m
	}
	if s.tb {
		ldb = s.k
	}
	return func() {
		compute.Gemm(pool, s.ta, s.tb, s.m, s.n, s.k, a, lda, b, ldb, y, s.n, compute.Epilogue{})
	}, 2 * float64(s.m) * float64(s.n) * float64(s.k) / 1e9
}
