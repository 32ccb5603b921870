package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"layercake/compute"
	"layercake/model"
	"layercake/tui/widget"
)

// summaryJSON is the promise of PRODUCT.md for `summary --json`.
type summaryJSON struct {
	Name            string         `json:"name"`
	Input           []int          `json:"input"`
	Params          int64          `json:"params"`
	MACs            int64          `json:"macs"`
	ActivationBytes int64          `json:"activation_bytes"`
	TrainBytes      int64          `json:"train_bytes"`
	Batch           int            `json:"batch"`
	Count           string         `json:"count"`
	Layers          []summaryLayer `json:"layers"`
}

type summaryLayer struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	In     []int  `json:"in"`
	Out    []int  `json:"out"`
	Params int64  `json:"params"`
	MACs   int64  `json:"macs"`
}

func newSummary() *cobra.Command {
	var input, count string
	var batch int
	var asJSON, recompute bool
	cmd := &cobra.Command{
		Use:   "summary NETWORK",
		Short: "Shapes, parameters and multiply-adds, layer by layer",
		Long: `Prints one row a layer: output shape (channels first, without the batch),
parameters, and multiply-adds of convolutions, matrix products and attention for
one sample (what torchvision's tables print as GFLOPS).

--count pytorch counts trainable parameters; --count keras counts the running
mean and variance of batch norms as well, as Keras' "Total params" does.`,
		Example: "  layercake summary resnet18\n  layercake summary resnet20 --input 3x64x64 --batch 32 --json",
		Args:    arguments(1, 1, "one NETWORK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if count != "pytorch" && count != "keras" {
				return usageError{fmt.Errorf("--count is %q, wants pytorch or keras", count)}
			}
			if batch < 1 || batch > 1<<20 {
				return usageError{fmt.Errorf("--batch is %d, wants 1 to 1048576", batch)}
			}
			spec, _, err := openNetwork(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if input != "" {
				shape, err := parseShape(input)
				if err != nil {
					return usageError{err}
				}
				if len(spec.Inputs) != 1 {
					return fmt.Errorf("%s has several inputs: --input wants a network with one", args[0])
				}
				if spec, err = model.SetInput(spec, 0, shape, spec.Inputs[0].Tokens); err != nil {
					return usageError{err}
				}
			}
			if cmd.Flags().Changed("recompute") {
				section := spec.Train
				section.Recompute = recompute
				spec = model.SetTrain(spec, section)
			}
			g := model.Resolve(spec)
			if g.Err != nil {
				return g.Err
			}
			s := summarize(g, batch, count)
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), s)
			}
			writeSummary(cmd.OutOrStdout(), g, s)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&input, "input", "", "input shape to assume, such as 3x224x224")
	f.IntVar(&batch, "batch", 1, "samples that memory is worked out for")
	f.BoolVar(&recompute, "recompute", false, "work memory out for training with recompute: true")
	f.StringVar(&count, "count", "pytorch", "how parameters are counted: pytorch or keras")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// counted is a node's parameters in the convention asked for.
func counted(n *model.Node, count string) int64 {
	var p int64
	if n.Share < 0 {
		for _, q := range n.Plan.Params {
			p += int64(q.Shape.Size())
		}
	}
	if count == "keras" {
		for _, q := range n.Plan.State {
			p += int64(q.Shape.Size())
		}
	}
	return p
}

func summarize(g *model.Graph, batch int, count string) summaryJSON {
	s := summaryJSON{
		Name: g.Name, Input: g.Inputs[0].Shape, MACs: g.MACs(), Batch: batch, Count: count,
		ActivationBytes: g.ActivationBytes(batch), TrainBytes: g.TrainBytes(batch, 1),
		Layers: []summaryLayer{},
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Kind == nil {
			continue
		}
		p := counted(n, count)
		s.Params += p
		in := compute.Shape{}
		if len(n.In) > 0 {
			in = g.Nodes[n.In[0]].Plan.Out
		}
		s.Layers = append(s.Layers, summaryLayer{n.Name, n.Kind.Name, in, n.Plan.Out, p, n.Plan.MACs})
	}
	return s
}

func writeSummary(w io.Writer, g *model.Graph, s summaryJSON) {
	t := table{
		head:  []string{"layer", "kind", "settings", "output", "params", "MACs"},
		right: []bool{false, false, false, true, true, true},
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Kind == nil { // the inputs come first
			tokens := ""
			if in := g.Inputs[i]; in.Tokens > 0 {
				tokens = fmt.Sprintf("%d tokens", in.Tokens)
			}
			t.add(n.Name, "input", tokens, n.Plan.Out.String(), "", "")
			continue
		}
		t.add(n.Name, n.Kind.Name, n.Layer.Label(), n.Plan.Out.String(), quiet(counted(n, s.Count)), quiet(n.Plan.MACs))
	}
	t.rule()
	t.add("total", "", "", "", widget.Group(s.Params), widget.Group(s.MACs))
	t.write(w)
	macs, unit := widget.SI(float64(s.MACs))
	fmt.Fprintf(w, "\n%s: %s parameters (%s counting), %s MACs a sample\n",
		s.Name, widget.Group(s.Params), s.Count, strings.TrimSpace(macs+" "+unit))
	fmt.Fprintf(w, "memory at batch %d: %s of activations, %s to train with momentum\n",
		s.Batch, widget.Bytes(s.ActivationBytes), widget.Bytes(s.TrainBytes))
}

// quiet is a count, or nothing for zero: rows without parameters stay calm.
func quiet(n int64) string {
	if n == 0 {
		return ""
	}
	return widget.Group(n)
}
