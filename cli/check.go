package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"layercake/compute"
	"layercake/model"
)

func newCheck(c *common) *cobra.Command {
	var samples int
	cmd := &cobra.Command{
		Use:   "check NETWORK",
		Short: "Shapes, then a gradient check of the whole network",
		Long: `Works out every shape, then compares the gradients of the whole network with
finite differences on a few random samples: a proof that what trains is what the
file says. Exit 1 where one disagrees.`,
		Example: "  layercake check lenet5\n  layercake check mine.yaml",
		Args:    arguments(1, 1, "one NETWORK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if samples < 1 || samples > 64 {
				return usageError{fmt.Errorf("--samples is %d, wants 1 to 64", samples)}
			}
			g, err := resolveNetwork(args[0])
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s: %d layers, shapes agree, output %s\n", g.Name, len(g.Nodes)-len(g.Inputs), g.Nodes[g.Output].Plan.Out)
			p := newProgress(out, cmd.ErrOrStderr(), false)
			pool := compute.NewPool(c.threads)
			defer pool.Close()
			results, err := model.CheckContext(cmd.Context(), g, max(c.seed, 1), samples, pool, func(done, total int) {
				p.line("checking gradients: %d of %d tensors", done, total)
			})
			p.line("")
			if err != nil {
				if cmd.Context().Err() != nil {
					return errInterrupted
				}
				return err
			}
			t := table{head: []string{"", "gradient of", "numbers", "compared", "largest relative error"}, right: []bool{false, false, true, true, true}}
			for _, r := range results {
				mark := "✓"
				if !r.OK() {
					mark = "✗"
				}
				t.add(mark, r.Name, fmt.Sprint(r.Size), fmt.Sprint(r.Seen), fmt.Sprintf("%.1e", r.MaxRelErr))
			}
			t.write(out)
			return model.CheckFailure(results)
		},
	}
	cmd.Flags().IntVar(&samples, "samples", 2, "samples in the batch; batch norm needs 2")
	return cmd
}
