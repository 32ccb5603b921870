package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/compute"
	"layercake/data"
	"layercake/layers"
	"layercake/model"
	"layercake/train"
	"layercake/tui/widget"
)

// dataLines say what the network is trained on, for the input's row.
func (b *buildScreen) dataLines(w int) []string {
	t := b.d.theme
	line := func(name, value, more string) string {
		return fit(" "+t.dim.Render(fit(name, 13))+t.text.Render(value)+t.dim.Render(more), w)
	}
	name := dataOf(b.d.spec())
	out := []string{line("trained on", name, "")}
	if e := entryOf(name); e != nil {
		for _, l := range wrap(e.Summary, max(w-14, 16)) {
			out = append(out, strings.Repeat(" ", 14)+t.dim.Render(l))
		}
		if e.Train > 0 {
			out = append(out, line("samples", widget.Group(int64(e.Train)), ""), line("for tests", widget.Group(int64(e.Test)), ""))
		}
	}
	return append(out, line("batch", strconv.Itoa(batchOf(b.d.spec())), ""), "", " "+t.accent.Render("i")+t.dim.Render("  changes data and training"))
}

// dataOf names the data set that a network is trained on.
func dataOf(s *model.Spec) string {
	if s.Train.Data != "" {
		return s.Train.Data
	}
	return data.Catalog[0].Name
}

// entryOf is the catalog's entry for a set of that name, nil for a file.
func entryOf(name string) *data.Entry {
	i := slices.IndexFunc(data.Catalog, func(e data.Entry) bool { return e.Name == name && e.Input != nil })
	if i < 0 {
		return nil
	}
	return &data.Catalog[i]
}

// setsFor are the catalog's sets whose samples a network can be fitted to: as
// many inputs, of tokens or of numbers as its own, and an answer a step or a
// sample as its output.
func setsFor(g *model.Graph) []string {
	s := g.Spec
	var out []string
	for _, e := range data.Catalog {
		inputs := 1
		if e.Second != nil {
			inputs = 2
		}
		fits := e.Input != nil && len(s.Inputs) == inputs && (s.Inputs[0].Tokens > 0) == (e.Tokens > 0)
		if fits && e.Tokens == 0 {
			fits = len(e.Input) == len(s.Inputs[0].Shape) || len(s.Inputs[0].Shape) == 1
		}
		if fits && e.Tokens > 0 && e.Classes > 0 && g.Err == nil {
			fits = e.PerStep == (len(g.Nodes[g.Output].Plan.Out) == 2)
		}
		if fits {
			out = append(out, e.Name)
		}
	}
	return out
}

// inputFields are the settings of the input row r.
func (b *buildScreen) inputFields(r *model.Row) []field {
	inputs := b.d.spec().Inputs
	i := slices.IndexFunc(inputs, func(in model.Input) bool { return in.Name == r.Name })
	if i < 0 {
		i = 0
	}
	if len(inputs) == 0 {
		return nil
	}
	shape := textField("shape", "channels, rows, columns; or features; or length of a sequence", commas(inputs[i].Shape),
		func(s *model.Spec, value string) (*model.Spec, model.Path, error) {
			v, err := parseShape(value)
			if err != nil {
				return nil, nil, err
			}
			in := slices.Clone(s.Inputs)
			in[i].Shape = v
			if _, err := model.SetInput(s, i, v, in[i].Tokens); err != nil {
				return nil, nil, err
			}
			if out, _ := model.Adapt(s, in, 0); out != nil { // learnt places follow
				return out, nil, nil
			}
			out, err := model.SetInput(s, i, v, in[i].Tokens)
			return out, nil, err
		})
	if inputs[i].Tokens > 0 {
		shape.name, shape.help = "length", "how many tokens a sample has"
	}
	shape.step = true
	tokens := textField("tokens", "how many different tokens there are, for an embedding; 0: the input is numbers", strconv.Itoa(inputs[i].Tokens),
		func(s *model.Spec, value string) (*model.Spec, model.Path, error) {
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 {
				return nil, nil, fmt.Errorf("tokens is %q, wants a whole number", value)
			}
			in := slices.Clone(s.Inputs)
			in[i].Tokens = n
			if out, _ := model.Adapt(s, in, 0); out != nil { // embeddings of it follow
				return out, nil, nil
			}
			out, err := model.SetInput(s, i, s.Inputs[i].Shape, n)
			return out, nil, err
		})
	tokens.step = true
	tokens.max = 1 << 24
	return []field{shape, tokens}
}

func commas(s compute.Shape) string {
	w := make([]string, len(s))
	for i, d := range s {
		w[i] = strconv.Itoa(d)
	}
	return strings.Join(w, ", ")
}

// parseShape reads "3, 32, 32" and "3x32x32".
func parseShape(text string) (compute.Shape, error) {
	var s compute.Shape
	for _, p := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,x×[]", r) }) {
		n, err := strconv.Atoi(p)
		if err != nil {
			return nil, fmt.Errorf("the shape is %q, wants whole numbers such as 3, 32, 32", text)
		}
		s = append(s, n)
	}
	return s, nil
}

// trainField is one line of the training settings: it reads and writes one
// part of the section.
func trainField(name, help, value string, put func(t *model.TrainSpec, value string) error) field {
	return textField(name, help, value, func(s *model.Spec, value string) (*model.Spec, model.Path, error) {
		t := s.Train
		if err := put(&t, value); err != nil {
			return nil, nil, err
		}
		return model.SetTrain(s, t), nil, nil
	})
}

// count is a line for a whole number that may be left out.
func count(name, help string, value, byDefault int, at func(t *model.TrainSpec) *int) field {
	if value == 0 {
		value = byDefault
	}
	f := trainField(name, help, strconv.Itoa(value), func(t *model.TrainSpec, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > 1<<20 {
			return fmt.Errorf("%s is %q, wants a whole number from 1", name, v)
		}
		*at(t) = n
		return nil
	})
	f.step, f.min, f.max = true, 1, 1<<20
	return f
}

// What training takes where the file says nothing, as package train has it.
const (
	defaultEpochs    = 10
	defaultOptimizer = "adam"
	defaultSchedule  = "constant"
)

// training opens the settings of data and training as a form.
func (b *buildScreen) training() tea.Cmd {
	s := b.d.spec()
	ts := s.Train
	names := setsFor(b.d.graph)
	dataName := dataOf(s)
	set := trainField("data", "← → take "+strings.Join(names, ", ")+", which fit the input; or type another, or a file or folder", dataName, func(t *model.TrainSpec, v string) error {
		if v == "" {
			return fmt.Errorf("there is no data set, wants %s, or a path", strings.Join(names, ", "))
		}
		t.Data = v
		return nil
	})
	set.suggest = names
	put := set.set
	set.set = func(s *model.Spec, v string) (*model.Spec, model.Path, error) {
		out, path, err := put(s, v)
		if err != nil {
			return nil, nil, err
		}
		// Input and outputs go with a set of the catalog.
		if e := entryOf(v); e != nil && slices.Contains(names, v) && len(s.Inputs) == 1 {
			in := []model.Input{{Name: s.Inputs[0].Name, Shape: e.Input, Tokens: e.Tokens}}
			if e.Cut {
				in[0].Shape = s.Inputs[0].Shape
			}
			if fitted, _ := model.Adapt(out, in, max(e.Classes, e.Targets)); fitted != nil {
				out = fitted
			}
		}
		return out, path, err
	}
	fields := []field{set}
	if len(s.Inputs) == 1 {
		in := model.Row{Name: s.Inputs[0].Name}
		fields = append(fields, b.inputFields(&in)[0])
		fields[1].name = "input"
		fields[1].live = func(s *model.Spec) string { return commas(s.Inputs[0].Shape) }
	}
	fields = append(fields,
		count("batch", "samples a step", ts.Batch, defaultBatch, func(t *model.TrainSpec) *int { return &t.Batch }),
		count("epochs", "times through the data", ts.Epochs, defaultEpochs, func(t *model.TrainSpec) *int { t.Steps = 0; return &t.Epochs }),
	)
	var kinds []string
	for _, k := range train.Optimizers {
		kinds = append(kinds, k.Name)
	}
	fields = append(fields, namedFields("optimizer", ts.Optimizer, defaultOptimizer, kinds,
		func(n model.Named) ([]layers.Field, error) {
			o, err := train.NewOptimizer(s.Name, n)
			if err != nil {
				return nil, err
			}
			return o.Fields(), nil
		}, func(t *model.TrainSpec) *model.Named { return &t.Optimizer })...)
	kinds = nil
	for _, k := range train.Schedules {
		kinds = append(kinds, k.Name)
	}
	fields = append(fields, namedFields("schedule", ts.Schedule, defaultSchedule, kinds,
		func(n model.Named) ([]layers.Field, error) {
			o, err := train.NewSchedule(s.Name, n)
			if err != nil {
				return nil, err
			}
			return o.Fields(), nil
		}, func(t *model.TrainSpec) *model.Named { return &t.Schedule })...)
	clip := trainField("clip", "largest norm of all gradients together; 0: none", strconv.FormatFloat(ts.Clip, 'g', -1, 64), func(t *model.TrainSpec, v string) error {
		x, err := strconv.ParseFloat(v, 64)
		if err != nil || !(x >= 0) || x > 1e9 {
			return fmt.Errorf("clip is %q, wants a number from 0", v)
		}
		t.Clip = x
		return nil
	})
	clip.step, clip.decimal, clip.max = true, true, 1e9
	recompute := trainField("recompute", "make values again for the backward pass: less memory, the same numbers, about a third more time",
		strconv.FormatBool(ts.Recompute), func(t *model.TrainSpec, v string) error {
			on, err := strconv.ParseBool(v)
			if err != nil {
				return fmt.Errorf("recompute is %q, wants true or false", v)
			}
			t.Recompute = on
			return nil
		})
	recompute.options = []string{"false", "true"}
	byLength := trainField("by_length", "samples of like length share a batch: less work on padding where data has lengths",
		strconv.FormatBool(ts.ByLength), func(t *model.TrainSpec, v string) error {
			on, err := strconv.ParseBool(v)
			if err != nil {
				return fmt.Errorf("by_length is %q, wants true or false", v)
			}
			t.ByLength = on
			return nil
		})
	byLength.options = []string{"false", "true"}
	seed := trainField("seed", "of weights, order and drawn data", strconv.FormatUint(max(ts.Seed, 1), 10), func(t *model.TrainSpec, v string) error {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			return fmt.Errorf("seed is %q, wants a whole number", v)
		}
		t.Seed = n
		return nil
	})
	seed.step, seed.min, seed.max = true, 1, 1<<53
	fields = append(fields, clip, byLength, recompute, seed)
	return b.openForm(&form{title: "training", name: b.d.title(), what: "change the training", fields: fields})
}

// namedFields are a line for the choice from a table and one for each setting
// of what is chosen now.
func namedFields(what string, now model.Named, byDefault string, kinds []string,
	fieldsOf func(model.Named) ([]layers.Field, error), at func(t *model.TrainSpec) *model.Named) []field {
	if now.Kind == "" {
		now.Kind = byDefault
	}
	choice := trainField(what, "", now.Kind, func(t *model.TrainSpec, v string) error {
		*at(t) = model.Named{Kind: v}
		return nil
	})
	choice.options = kinds
	choice.help = "its settings follow when it is kept"
	out := []field{choice}
	own, err := fieldsOf(now)
	if err != nil {
		return out
	}
	for _, f := range own {
		line := fieldOf(f, func(s *model.Spec, value string) (*model.Spec, model.Path, error) {
			if err := f.Set(layers.ParseValue(value)); err != nil {
				return nil, nil, err
			}
			t := s.Train
			n := *at(&t)
			if n.Kind == "" {
				n.Kind = now.Kind
			}
			if n.Kind != now.Kind {
				return s, nil, nil // another one was chosen meanwhile
			}
			n.Settings = slices.DeleteFunc(slices.Clone(n.Settings), func(s model.Setting) bool { return s.Key == f.Name })
			n.Settings = append(n.Settings, model.Setting{Key: f.Name, Value: layers.ParseValue(value)})
			*at(&t) = n
			return model.SetTrain(s, t), nil, nil
		})
		line.name = "  " + line.name
		out = append(out, line)
	}
	return out
}
