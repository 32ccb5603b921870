package tui

import (
	"fmt"
	"strings"

	"layercake/compute"
	"layercake/model"
	"layercake/train"
	"layercake/tui/widget"
)

// figures are a network's totals, worked out once an edit.
type figures struct {
	params, macs int64
	trainMACs    int64 // of a training step, a sample
	trainSamples int   // in an epoch; 0 where only the data's file knows
	testSamples  int
	memory       int64 // bytes of training at the batch
	batch        int
	depth        int
	receptive    [2]int
	image        bool // the first input is one
	in, out      string
}

// batchOf is the batch that a network is trained with.
func batchOf(s *model.Spec) int {
	if s.Train.Batch > 0 {
		return s.Train.Batch
	}
	return defaultBatch
}

// defaultBatch is what training takes where the file gives none.
const defaultBatch = 64

// slotsOf is how many numbers the network's optimizer keeps a weight.
func slotsOf(s *model.Spec) int {
	n := s.Train.Optimizer
	if n.Kind == "" {
		n.Kind = defaultOptimizer
	}
	o, err := train.NewOptimizer(s.Name, n)
	if err != nil {
		return 0
	}
	return len(o.Slots())
}

func figuresOf(g *model.Graph) figures {
	f := figures{params: g.Params(), macs: g.MACs(), batch: batchOf(g.Spec), depth: g.Depth()}
	for i, in := range g.Inputs {
		if i > 0 {
			f.in += " and "
		}
		f.in += in.Shape.String()
	}
	f.image = len(g.Inputs) > 0 && len(g.Inputs[0].Shape) == 3
	if g.Err != nil {
		return f
	}
	f.trainMACs = g.TrainMACs()
	f.trainSamples, f.testSamples = samplesOf(g.Spec)
	f.memory = g.TrainBytes(f.batch, slotsOf(g.Spec))
	f.out = outWords(g.Nodes[g.Output].Plan.Out)
	f.receptive = g.Receptive()
	return f
}

// samplesOf is how many samples the network's data has; 0 where its file decides.
func samplesOf(s *model.Spec) (training, test int) {
	if e := entryOf(dataOf(s)); e != nil {
		if n := train.LengthFor(s.Inputs); e.Cut && n > 0 {
			return e.Train * e.Input[0] / n, e.Test * e.Input[0] / n
		}
		return e.Train, e.Test
	}
	return 0, 0
}

func outWords(s compute.Shape) string {
	if len(s) == 1 {
		return widget.Group(int64(s[0])) + " outputs"
	}
	return s.String()
}

// reach is a receptive field in words: of an image in pixels, of a sequence in steps.
func reach(r [2]int, image bool) string {
	unit := "px"
	if !image {
		unit = "steps"
	}
	switch {
	case r[0] < 0:
		return "everything"
	case r[0] == 0:
		return "–"
	case !image && r[0] == 1:
		return "1 step"
	case r[0] == r[1] || r[1] == 0 || !image:
		return fmt.Sprintf("%d %s", r[0], unit)
	}
	return fmt.Sprintf("%d×%d %s", r[0], r[1], unit)
}

// amount writes a count with its unit dimmed: "40.8 M MACs".
func amount(t *theme, n int64, unit string) string {
	x, p := widget.SI(float64(n))
	return t.strong.Render(x) + " " + t.dim.Render(strings.TrimSpace(p+" "+unit))
}

// size writes bytes with the unit dimmed.
func size(t *theme, n int64) string {
	x, u, _ := strings.Cut(widget.Bytes(n), " ")
	return t.strong.Render(x) + " " + t.dim.Render(u)
}

// header writes the network's figures as far as they fit w cells, and last how
// long it will take.
func (f figures) header(t *theme, w int, estimate string) string {
	parts := []string{
		t.strong.Render(widget.Group(f.params)) + t.dim.Render(" params"),
		amount(t, f.macs, "MACs"),
	}
	if f.memory > 0 {
		parts = append(parts, size(t, f.memory)+t.dim.Render(fmt.Sprintf(" training at batch %d", f.batch)))
	}
	if estimate != "" {
		parts = append(parts, t.dim.Render(estimate))
	}
	if f.out != "" {
		parts = append([]string{t.dim.Render(f.in + " → " + f.out)}, parts...)
	}
	const gap = "   "
	for len(parts) > 1 && width(parts, gap) > w {
		if f.out != "" && cells(parts[0]) > 0 && len(parts) > 2 {
			parts = parts[1:]
			f.out = ""
			continue
		}
		parts = parts[:len(parts)-1]
	}
	return strings.Join(parts, gap)
}
