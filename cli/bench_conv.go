package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"layercake/compute"
	"layercake/layers"
)

// convShape is one convolution of a known network, square in all things.
type convShape struct {
	net                                   string
	n, size, c, f, k, stride, pad, groups int
}

var convShapes = []convShape{
	{"lenet5 conv1", 64, 28, 1, 6, 5, 1, 2, 1},
	{"lenet5 conv2", 64, 14, 6, 16, 5, 1, 0, 1},
	{"resnet20 stem", 64, 32, 3, 16, 3, 1, 1, 1},
	{"resnet20 stage1", 64, 32, 16, 16, 3, 1, 1, 1},
	{"resnet20 stage2 /2", 64, 32, 16, 32, 3, 2, 1, 1},
	{"resnet20 stage2", 64, 16, 32, 32, 3, 1, 1, 1},
	{"resnet20 stage3", 64, 8, 64, 64, 3, 1, 1, 1},
	{"resnet20 shortcut", 64, 32, 16, 32, 1, 2, 0, 1},
	{"resnet18 stem", 16, 64, 3, 64, 7, 2, 3, 1},
	{"resnet18 stage1", 16, 16, 64, 64, 3, 1, 1, 1},
	{"resnet18 stage2", 16, 8, 128, 128, 3, 1, 1, 1},
	{"resnet18 stage3", 16, 4, 256, 256, 3, 1, 1, 1},
	{"resnet18 stage4", 16, 2, 512, 512, 3, 1, 1, 1},
	{"resnet50 1×1", 1, 56, 256, 64, 1, 1, 0, 1},
	{"resnet50 3×3", 1, 28, 128, 128, 3, 1, 1, 1},
	{"mobilenet_v2 depthwise", 1, 56, 144, 144, 3, 1, 1, 144},
}

type convLine struct {
	Layer   string  `json:"layer"`
	N       int     `json:"n"`
	Size    int     `json:"size"`
	C       int     `json:"c"`
	F       int     `json:"f"`
	K       int     `json:"k"`
	Stride  int     `json:"stride"`
	Groups  int     `json:"groups"`
	Pass    string  `json:"pass"`
	Threads int     `json:"threads"`
	GFLOPS  float64 `json:"gflops"`
	Min     float64 `json:"min"`
	Max     float64 `json:"max"`
	ceiling
}

func newBenchConv(c *common) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "conv",
		Short:   "Convolutions and their gradients, GFLOP/s",
		Long:    "Times the forward pass, the input gradient and the weight gradient of the\nconvolutions of known networks: median of 7 repeats of 60 ms. FLOP are those of\nthe direct formula, 2·MACs, whatever the engine does: Winograd's way takes\nfewer, and may pass the peak.",
		Example: "  layercake bench conv --threads 2 --json",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			e := newEngine(c.threads)
			defer e.close()
			out := cmd.OutOrStdout()
			if !asJSON {
				fmt.Fprintf(out, "%s\n%-24s %-8s %8s %8s %8s %8s\n", e.title(), "GFLOP/s, layer", "pass", "min", "median", "max", "of peak")
			}
			for _, s := range convShapes {
				for _, l := range timeConv(cmd.Context(), e, s) {
					if cmd.Context().Err() != nil {
						return errInterrupted
					}
					if asJSON {
						if err := writeJSON(out, l); err != nil {
							return err
						}
						continue
					}
					fmt.Fprintf(out, "%-24s %-8s %8.1f %8.1f %8.1f %8s\n", l.Layer, l.Pass, l.Min, l.GFLOPS, l.Max, l.share())
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func timeConv(ctx context.Context, e *engine, s convShape) []convLine {
	passes, flop := s.passes(e.pool)
	var lines []convLine
	for _, p := range passes {
		v := rates(ctx, 7, 60*time.Millisecond, 60*time.Millisecond, p.run)
		lines = append(lines, convLine{s.net, s.n, s.size, s.c, s.f, s.k, s.stride, s.groups, p.name, e.threads,
			flop * v[3], flop * v[0], flop * v[6], e.under(flop * v[3])})
		p.after()
	}
	return lines
}

// convPass is one of a convolution's passes; after is called behind its last run.
type convPass struct {
	name       string
	run, after func()
}

// passes are calls of the convolution and its gradients on random operands, and
// the FLOP of each in 10⁹.
func (s convShape) passes(pool *compute.Pool) (list []convPass, flop float64) {
	o := (s.size+2*s.pad-s.k)/s.stride + 1
	g := &compute.Conv{
		N: s.n, H: s.size, W: s.size, C: s.c, F: s.f, KH: s.k, KW: s.k, StrideH: s.stride, StrideW: s.stride,
		PadTop: s.pad, PadBottom: s.pad, PadLeft: s.pad, PadRight: s.pad, DilH: 1, DilW: 1, Groups: s.groups, OH: o, OW: o,
	}
	r := layers.Stream(1, "bench")
	random := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = r.Float32() - 0.5
		}
		return x
	}
	x, w, y := random(s.n*s.size*s.size*s.c), random(s.k*s.k*s.c/s.groups*s.f), random(s.n*o*o*s.f)
	flop = 2 * float64(s.n*o*o) * float64(s.f) * float64(s.k*s.k*s.c/s.groups) / 1e9
	shrink := func() { // passes read what others wrote, and must not run into infinity
		for i := range w {
			w[i] *= 1e-3
		}
	}
	return []convPass{
		{"forward", func() { compute.ConvForward(pool, g, x, w, y, compute.Epilogue{}) }, shrink},
		{"input", func() { compute.ConvBackwardData(pool, g, y, w, x, false) }, shrink},
		{"weights", func() { compute.ConvBackwardWeights(pool, g, x, y, w, false) }, shrink},
	}, flop
}
