package cli

import (
	"context"
	"fmt"
	"io"
	"math"

	"layercake/data"
	"layercake/model"
	"layercake/train"
	"layercake/tui/widget"
)

// gradientRow is one trainable layer of a network after some steps.
type gradientRow struct {
	Name string       `json:"name"`
	Norm train.Number `json:"grad_norm"`
}

// gradientNorms trains a network for a few steps on its own data and gives the
// gradient norms of its trainable layers in the last of them, first layer first.
func gradientNorms(ctx context.Context, g *model.Graph, c *common, steps int, out *progress) ([]gradientRow, error) {
	const batch = 64
	source := train.Source{Name: g.Spec.Train.Data, Dir: c.dataDir, Seed: c.seed, Train: batch * steps, Test: 1, Length: train.LengthFor(g.Inputs)}
	if source.Name == "" {
		source.Name = data.Catalog[0].Name
	}
	set, err := openData(ctx, source, out)
	if err != nil {
		return nil, err
	}
	if adapted, changed := model.Adapt(g.Spec, train.Inputs(set), len(set.Classes)); changed != "" || adapted == nil {
		if adapted == nil {
			return nil, fmt.Errorf("%s cannot be fitted to %s: %s", g.Name, set.Called(), changed)
		}
		out.say("%s: %s", g.Name, changed)
		g = model.Resolve(adapted)
	}
	over := train.Overrides{Batch: batch, Steps: steps, Threads: c.threads}
	if c.seed != 0 {
		over.Seed = &c.seed
	}
	cfg, err := train.FromSpec(g, set, over)
	if err != nil {
		return nil, err
	}
	cfg.Source, cfg.StepEvents, cfg.Augment = source, steps, data.Augment{}
	var rows []gradientRow
	cfg.Events = func(e train.Event) {
		if s, ok := e.(train.EventStep); ok && s.Step == steps {
			for _, l := range s.Layers {
				if !math.IsNaN(float64(l.GradNorm)) {
					rows = append(rows, gradientRow{l.Name, l.GradNorm})
				}
			}
		}
	}
	r, err := train.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	for s := range r.Snapshots() {
		out.line("%s: step %d of %d", g.Name, s.Step, steps)
	}
	out.line("")
	return rows, r.Wait()
}

// decay is how many times larger the last layer's gradient is than the first's.
func decay(rows []gradientRow) float64 {
	if len(rows) == 0 {
		return math.NaN()
	}
	return float64(rows[len(rows)-1].Norm / rows[0].Norm)
}

func writeGradients(w io.Writer, graphs []*model.Graph, norms [][]gradientRow, steps int) {
	var t table
	longest := 0
	for i, g := range graphs {
		t.head = append(t.head, g.Name, "gradient norm")
		t.right = append(t.right, false, true)
		longest = max(longest, len(norms[i]))
	}
	two := len(graphs) == 2
	if two {
		t.head, t.right = append(t.head, "ratio"), append(t.right, true)
	}
	for i := range longest {
		var cells []string
		for _, n := range norms {
			if i < len(n) {
				cells = append(cells, n[i].Name, widget.Sci(float64(n[i].Norm)))
			} else {
				cells = append(cells, "·", "")
			}
		}
		if two {
			ratio := ""
			if i < len(norms[0]) && i < len(norms[1]) {
				ratio = fmt.Sprintf("%.3g", float64(norms[0][i].Norm/norms[1][i].Norm))
			}
			cells = append(cells, ratio)
		}
		t.add(cells...)
	}
	fmt.Fprintf(w, "\ngradient norms of the trainable layers in step %d, first layer first\n\n", steps)
	t.write(w)
	for i, g := range graphs {
		fmt.Fprintf(w, "%s: last layer ÷ first layer = %.3g\n", g.Name, decay(norms[i]))
	}
}
