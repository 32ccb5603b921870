package cli

import (
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"layercake/model"
	"layercake/tui/widget"
)

func newCompare(c *common) *cobra.Command {
	var asJSON bool
	var steps int
	cmd := &cobra.Command{
		Use:   "compare NETWORK NETWORK...",
		Short: "Two or more networks side by side, differences marked",
		Long: `Aligns the rows of the networks, marks those that differ, and prints the totals.
Blocks are one row; 'layercake summary' shows what is in them.

With --gradients N each network is trained for N steps on its own data, and the
gradient norms of its layers are set side by side: what a skip is good for.`,
		Example: "  layercake compare resnet18 mobilenet_v2\n  layercake compare mine.yaml resnet20 --json\n  layercake compare plain56 resnet56 --gradients 20",
		Args:    arguments(2, math.MaxInt, "two or more NETWORKs"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := positive(cmd, "gradients"); err != nil {
				return err
			}
			var graphs []*model.Graph
			for _, a := range args {
				g, err := resolveNetwork(cmd.Context(), a)
				if err != nil {
					return err
				}
				graphs = append(graphs, g)
			}
			var norms [][]gradientRow
			if steps > 0 {
				out := newProgress(cmd.OutOrStdout(), cmd.ErrOrStderr(), asJSON)
				for _, g := range graphs {
					rows, err := gradientNorms(cmd.Context(), g, c, steps, out)
					if cmd.Context().Err() != nil {
						return errInterrupted
					}
					if err != nil {
						return err
					}
					norms = append(norms, rows)
				}
			}
			comparison := model.Compare(graphs...)
			if asJSON {
				j := compareToJSON(graphs, comparison)
				for i := range norms {
					j.Networks[i].Gradients = norms[i]
				}
				return writeJSON(cmd.OutOrStdout(), j)
			}
			writeComparison(cmd.OutOrStdout(), graphs, comparison)
			if norms != nil {
				writeGradients(cmd.OutOrStdout(), graphs, norms, steps)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().IntVar(&steps, "gradients", 0, "train so many steps first and compare gradient norms")
	return cmd
}

type compareJSON struct {
	Networks []compareTotal `json:"networks"`
	Rows     []compareRow   `json:"rows"`
}

type compareTotal struct {
	Name         string           `json:"name"`
	Params       int64            `json:"params"`
	MACs         int64            `json:"macs"`
	ParamsByKind map[string]int64 `json:"params_by_kind"`
	Gradients    []gradientRow    `json:"gradients,omitempty"`
}

type compareRow struct {
	Differs bool           `json:"differs"`
	Cells   []*compareCell `json:"cells"` // null where a network has no such row
}

type compareCell struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Label  string `json:"label"`
	Out    []int  `json:"out"`
	Params int64  `json:"params"`
	MACs   int64  `json:"macs"`
}

func compareToJSON(graphs []*model.Graph, c model.Comparison) compareJSON {
	j := compareJSON{Rows: []compareRow{}}
	for _, g := range graphs {
		t := compareTotal{Name: g.Name, Params: g.Params(), MACs: g.MACs(), ParamsByKind: map[string]int64{}}
		for _, k := range g.ParamsByKind() {
			t.ParamsByKind[k.Kind] = k.Params
		}
		j.Networks = append(j.Networks, t)
	}
	for _, r := range c.Rows {
		row := compareRow{Differs: r.Differs}
		for _, cell := range r.Cells {
			if cell == nil {
				row.Cells = append(row.Cells, nil)
				continue
			}
			row.Cells = append(row.Cells, &compareCell{cell.Name, cell.Kind, cell.Label, cell.Out, cell.Params, cell.MACs})
		}
		j.Rows = append(j.Rows, row)
	}
	return j
}

func writeComparison(w io.Writer, graphs []*model.Graph, c model.Comparison) {
	t := table{head: []string{""}, right: []bool{false}}
	for _, g := range graphs {
		t.head = append(t.head, g.Name, "output", "params")
		t.right = append(t.right, false, true, true)
	}
	two := len(graphs) == 2
	if two {
		t.head = append(t.head, "Δ params")
		t.right = append(t.right, true)
	}
	for _, r := range c.Rows {
		mark := " "
		if r.Differs {
			mark = "≠"
		}
		cells := []string{mark}
		for _, cell := range r.Cells {
			if cell == nil {
				cells = append(cells, "·", "", "")
				continue
			}
			cells = append(cells, cell.Title+" "+cell.Label, cell.Out.String(), quiet(cell.Params))
		}
		if two {
			cells = append(cells, delta(r.Cells[0], r.Cells[1]))
		}
		t.add(cells...)
	}
	t.rule()
	total := []string{""}
	macs := []string{""}
	for _, g := range graphs {
		total = append(total, "total", "", widget.Group(g.Params()))
		n, unit := widget.SI(float64(g.MACs()))
		macs = append(macs, "MACs", "", n+" "+unit)
	}
	if two {
		total = append(total, change(graphs[0].Params(), graphs[1].Params()))
		macs = append(macs, change(graphs[0].MACs(), graphs[1].MACs()))
	}
	t.add(total...)
	t.add(macs...)
	t.write(w)
	for _, g := range graphs {
		fmt.Fprintf(w, "\n%s:", g.Name)
		for _, k := range g.ParamsByKind() {
			fmt.Fprintf(w, "  %s %s (%s)", k.Kind, widget.Group(k.Params), widget.Percent(float64(k.Params)/float64(max(g.Params(), 1)), 0))
		}
	}
	fmt.Fprintln(w)
}

func delta(a, b *model.Row) string {
	if a == nil || b == nil || a.Params == b.Params {
		return ""
	}
	return change(a.Params, b.Params)
}

// change is how much b is more or less than a.
func change(a, b int64) string {
	if a == b {
		return "±0"
	}
	if a == 0 {
		return "+" + widget.Group(b)
	}
	p := 100 * (float64(b) - float64(a)) / float64(a)
	if p >= 1000 {
		return fmt.Sprintf("×%.0f", float64(b)/float64(a))
	}
	if p > 0 {
		return fmt.Sprintf("+%.0f %%", p)
	}
	return fmt.Sprintf("−%.0f %%", -p)
}
