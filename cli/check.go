package cli

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"layercake/compute"
	"layercake/model"
)

// jsonCheck is what check --json prints.
type jsonCheck struct {
	Network        string         `json:"network"`
	Samples        int            `json:"samples"`
	Seed           uint64         `json:"seed"`
	OK             bool           `json:"ok"`
	Tolerance      float64        `json:"tolerance"`
	ChainTolerance float64        `json:"chain_tolerance"`
	Gradients      []jsonGradient `json:"gradients"`
}

type jsonGradient struct {
	Layer    string  `json:"layer"` // "" for the whole network
	Of       string  `json:"of"`
	Numbers  int     `json:"numbers"`
	Tried    int     `json:"tried"`
	Compared int     `json:"compared"`
	Error    float64 `json:"error"`
	Chain    float64 `json:"chain"`
	OK       bool    `json:"ok"`
}

func newCheck(c *common) *cobra.Command {
	var samples int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check NETWORK",
		Short: "Shapes, then a gradient check of the whole network",
		Long: `Works out every shape, then proves the gradients of the whole network on a few
random samples, one layer after the other:

  every layer's gradients, at the numbers that it reads in this network, against
  finite differences of the layer itself, along a few directions and by single numbers;
  what training uses against the sum of what the layers hand down;
  the whole network, moved along its gradient, against what the gradient says.

By the chain rule the first two are enough, and neither depth nor the kinks of relu
can blur them. A derivative counts as compared where it stands out of rounding. The
third is as sharp as the network allows: a very deep one without shortcuts may be too steep
for it. Exit 1 where a gradient disagrees.`,
		Example: "  layercake check lenet5\n  layercake check mine.yaml --seed 2",
		Args:    arguments(1, 1, "one NETWORK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if samples < 1 || samples > 64 {
				return usageError{fmt.Errorf("--samples is %d, wants 1 to 64", samples)}
			}
			g, err := resolveNetwork(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if !asJSON {
				fmt.Fprintf(out, "%s: %d layers, shapes agree, output %s\n", g.Name, len(g.Nodes)-len(g.Inputs), g.Nodes[g.Output].Plan.Out)
			}
			p := newProgress(out, cmd.ErrOrStderr(), asJSON)
			pool := compute.NewPool(c.threads)
			defer pool.Close()
			seed := max(c.seed, 1)
			results, err := model.Check(cmd.Context(), g, seed, samples, pool, func(done, total int) {
				p.line("checking gradients: %d of %d", done, total)
			})
			p.line("")
			if err != nil {
				if cmd.Context().Err() != nil {
					return errInterrupted
				}
				return err
			}
			failure := model.CheckFailure(results)
			if asJSON {
				if err := writeJSON(out, checkJSON(g, results, samples, seed, failure == nil)); err != nil {
					return err
				}
				return failure
			}
			writeCheck(out, g, results)
			return failure
		},
	}
	cmd.Flags().IntVar(&samples, "samples", 2, "samples in the batch; batch norm needs 2")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object, gradient by gradient")
	return cmd
}

func checkJSON(g *model.Graph, results []model.CheckResult, samples int, seed uint64, ok bool) jsonCheck {
	j := jsonCheck{Network: g.Name, Samples: samples, Seed: seed, OK: ok,
		Tolerance: model.CheckTolerance, ChainTolerance: model.ChainTolerance}
	finite := func(x float64) float64 { return min(x, math.MaxFloat64) }
	for _, r := range results {
		l := jsonGradient{Of: r.Name, Numbers: r.Size, Tried: r.Tried, Compared: r.Seen,
			Error: finite(r.MaxRelErr), Chain: finite(r.Chain), OK: r.OK()}
		if r.Node >= 0 {
			l.Layer = g.Nodes[r.Node].Name
		}
		j.Gradients = append(j.Gradients, l)
	}
	return j
}

// writeCheck writes a line a layer and, below, what the check came to.
func writeCheck(out io.Writer, g *model.Graph, results []model.CheckResult) {
	t := table{head: []string{"", "layer", "gradients by", "compared", "largest error"}, right: []bool{false, false, false, true, true}}
	var compared, gradients, unseen int
	var worst, chain float64
	for k := 0; k < len(results); {
		r := results[k]
		name, of := r.Name, "all parameters"
		if r.Node >= 0 {
			name = g.Nodes[r.Node].Name
			var names []string
			for _, s := range results[k:] {
				if s.Node == r.Node {
					names = append(names, strings.TrimPrefix(s.Name, name+"."))
				}
			}
			of = strings.Join(names, ", ")
		}
		mark, seen, tried, largest := "✓", 0, 0, 0.0
		node := r.Node
		for ; k < len(results) && results[k].Node == node; k++ {
			r = results[k]
			seen, tried = seen+r.Seen, tried+r.Tried
			largest, chain = max(largest, r.MaxRelErr), max(chain, r.Chain)
			switch {
			case !r.OK():
				mark = "✗"
			case r.Seen == 0 && mark == "✓":
				mark = "?"
			}
			if r.Node >= 0 {
				gradients++
				if r.Seen == 0 {
					unseen++
				}
			}
		}
		if node >= 0 {
			compared, worst = compared+seen, max(worst, largest)
		}
		size := fmt.Sprintf("%.1e", largest)
		if seen == 0 {
			size = "-"
		}
		t.add(mark, name, of, fmt.Sprintf("%d of %d", seen, tried), size)
	}
	t.write(out)
	fmt.Fprintf(out, "%d of %d gradients compared, by %d derivatives: largest relative error %.1e, tolerance %.0e\n",
		gradients-unseen, gradients, compared, worst, model.CheckTolerance)
	fmt.Fprintf(out, "what training uses beside the sum of what the layers say: largest relative error %.1e, tolerance %.0e\n", chain, model.ChainTolerance)
	if unseen > 0 {
		fmt.Fprintf(out, "? %d not compared: every derivative is zero or drowns in rounding, and nothing is said about them\n", unseen)
	}
	if n := len(results); n > 0 && results[n-1].Node < 0 && results[n-1].Seen == 0 {
		fmt.Fprintln(out, "? the whole network is too steep for differences in float32: steps that stand out of rounding are too long to be straight; the layers above are not touched by that")
	}
}
