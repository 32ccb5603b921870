package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"layercake/data"
	"layercake/layers"
	"layercake/model"
	"layercake/presets"
	"layercake/tui/widget"
)

type presetJSON struct {
	Name   string `json:"name"`
	Task   string `json:"task"`
	Input  []int  `json:"input"`
	Params int64  `json:"params"`
	MACs   int64  `json:"macs"`
}

func newPresets() *cobra.Command {
	var asJSON, show bool
	cmd := &cobra.Command{
		Use:   "presets [NAME]",
		Short: "The networks that come with layercake",
		Long: `Lists the presets. With a NAME it prints that preset's summary, and with --yaml its
network file, the same format that you write yourself: a good place to start.`,
		Example: "  layercake presets\n  layercake presets resnet20 --yaml > mine.yaml",
		Args:    arguments(0, 1, "at most one NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case show && asJSON:
				return usageError{errors.New("--yaml and --json are both given, wants one of them")}
			case show && len(args) == 0:
				return usageError{errors.New("--yaml prints the file of one preset, wants its NAME")}
			}
			out := cmd.OutOrStdout()
			chosen := presets.List()
			if len(args) == 1 {
				p, ok := presets.Find(args[0])
				if !ok {
					return fmt.Errorf("there is no preset %q: %s", args[0], suggest(args[0], presetNames(), "'layercake presets' lists them"))
				}
				chosen = []presets.Preset{p}
			}
			if len(args) == 1 && !asJSON {
				spec, err := presets.Spec(args[0])
				if err != nil {
					return err
				}
				if show {
					_, err := out.Write(spec.YAML())
					return err
				}
				fmt.Fprintf(out, "%s\n\n", spec.About)
				g := model.Resolve(spec)
				if g.Err != nil {
					return g.Err
				}
				writeSummary(out, g, summarize(g, 1, "pytorch"))
				return nil
			}
			list, inputs := []presetJSON{}, []string{}
			for _, p := range chosen {
				spec, err := presets.Spec(p.Name)
				if err != nil {
					return err
				}
				g := model.Resolve(spec)
				if g.Err != nil {
					return g.Err
				}
				list = append(list, presetJSON{p.Name, p.Task, g.Inputs[0].Shape, g.Params(), g.MACs()})
				inputs = append(inputs, inputText(g.Inputs))
			}
			if asJSON {
				return writeJSON(out, list)
			}
			t := table{head: []string{"preset", "task", "input", "params", "MACs"}, right: []bool{false, false, true, true, true}}
			for i, p := range chosen {
				n, unit := widget.SI(float64(list[i].MACs))
				t.add(p.Name, p.Task, inputs[i], widget.Group(list[i].Params), strings.TrimSpace(n+" "+unit))
			}
			t.write(out)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON list")
	cmd.Flags().BoolVar(&show, "yaml", false, "with a name: print its network file")
	return cmd
}

// inputText says what a network reads: "3×32×32", "64 tokens", "24 + 10 tokens".
func inputText(inputs []model.Input) string {
	var parts []string
	for _, in := range inputs {
		parts = append(parts, in.Shape.String())
	}
	text := strings.Join(parts, " + ")
	if inputs[len(inputs)-1].Tokens > 0 {
		text += " tokens"
	}
	if text == "1 tokens" {
		return "1 token"
	}
	return text
}

type layerJSON struct {
	Kind     string        `json:"kind"`
	Family   layers.Family `json:"family"`
	Summary  string        `json:"summary"`
	Settings []settingJSON `json:"settings"`
}

type settingJSON struct {
	Name    string `json:"name"`
	Help    string `json:"help"`
	Default string `json:"default"`
}

func newLayers() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "layers [KIND]",
		Short:   "The kinds of layers, and the card of one",
		Long:    "Lists the kinds of layers by purpose. With a KIND it prints that layer's card:\nwhat it is, formula, shapes, cost, when to use it, what to use instead.",
		Example: "  layercake layers\n  layercake layers conv2d",
		Args:    arguments(0, 1, "at most one KIND"),
		RunE: func(cmd *cobra.Command, args []string) error {
			kinds := layers.Catalog
			if len(args) == 1 {
				k := layers.Lookup(args[0])
				if k == nil {
					var names []string
					for _, k := range layers.Catalog {
						names = append(names, k.Name)
					}
					return fmt.Errorf("there is no layer %q: %s", args[0], suggest(args[0], names, "'layercake layers' lists them"))
				}
				kinds = []*layers.Kind{k}
			}
			if asJSON {
				list := []layerJSON{}
				for _, k := range kinds {
					list = append(list, layerToJSON(k))
				}
				return writeJSON(cmd.OutOrStdout(), list)
			}
			if len(args) == 1 {
				writeCard(cmd.OutOrStdout(), kinds[0])
				return nil
			}
			for i, f := range layers.Families {
				var t table
				t.head, t.right = []string{string(f), ""}, []bool{false, false}
				for _, k := range kinds {
					if k.Family == f {
						t.add(k.Name, k.Summary)
					}
				}
				if len(t.rows) == 0 {
					continue
				}
				if i > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				t.write(cmd.OutOrStdout())
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON list")
	return cmd
}

func layerToJSON(k *layers.Kind) layerJSON {
	j := layerJSON{Kind: k.Name, Family: k.Family, Summary: k.Summary, Settings: []settingJSON{}}
	for _, f := range k.New().Fields() {
		j.Settings = append(j.Settings, settingJSON{f.Name, f.Help, f.Get().String()})
	}
	return j
}

func writeCard(w io.Writer, k *layers.Kind) {
	fmt.Fprintf(w, "%s  (%s)\n\n%s\n", k.Name, k.Family, wrap(k.Card.What, 78, ""))
	for _, part := range []struct{ name, text string }{
		{"formula", k.Card.Formula}, {"shapes", k.Card.Shapes}, {"parameters", k.Card.Params}, {"cost", k.Card.Cost},
		{"when", k.Card.When}, {"instead", k.Card.Instead}, {"source", k.Card.Source},
	} {
		if part.text != "" {
			fmt.Fprintf(w, "\n  %-11s %s\n", part.name, wrap(part.text, 64, strings.Repeat(" ", 14)))
		}
	}
	fields := k.New().Fields()
	if len(fields) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := table{head: []string{"setting", "default", "what"}, right: []bool{false, false, false}}
	for _, f := range fields {
		help := f.Help
		if len(f.Options) > 0 {
			help += " (" + strings.Join(f.Options, ", ") + ")"
		}
		t.add(f.Name, f.Get().String(), help)
	}
	t.write(w)
}

// wrap breaks text into lines of at most width, those after the first indented.
func wrap(text string, width int, indent string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n"+indent)
}

type dataJSON struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Input   []int  `json:"input"`
	Tokens  int    `json:"tokens"`
	Second  []int  `json:"second"` // of a sample's other input; [] for most
	Classes int    `json:"classes"`
	Targets int    `json:"targets"`  // numbers to predict
	PerStep bool   `json:"per_step"` // an answer for each step
	Train   int    `json:"train_samples"`
	Test    int    `json:"test_samples"`
	Needs   string `json:"needs"`
}

func newData() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "data",
		Short:   "The data sets that layercake knows",
		Long:    "Lists the data sets. Those that need no files are drawn at run time from a seed;\nthe others are read from --data-dir. A CSV file or a text is given by its path.",
		Example: "  layercake data\n  layercake train lenet5 --data mnist --data-dir ~/mnist\n  layercake train mlp --data flowers.csv",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := []dataJSON{}
			for _, e := range data.Catalog {
				list = append(list, dataJSON{e.Name, e.Title, append([]int{}, e.Input...), e.Tokens, append([]int{}, e.Second...), e.Classes, e.Targets, e.PerStep, e.Train, e.Test, e.Needs})
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), list)
			}
			for i, e := range data.Catalog {
				if i > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				writeData(cmd.OutOrStdout(), e)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON list")
	return cmd
}

func writeData(w io.Writer, e data.Entry) {
	head := e.Name
	if len(e.Input) > 0 {
		inputs := []model.Input{{Shape: e.Input, Tokens: e.Tokens}}
		if e.Second != nil {
			inputs = append(inputs, model.Input{Shape: e.Second, Tokens: e.Tokens})
		}
		answer := fmt.Sprintf("%d classes", e.Classes)
		switch {
		case e.Targets == 1:
			answer = "1 number"
		case e.Targets > 1:
			answer = fmt.Sprintf("%d numbers", e.Targets)
		case e.PerStep:
			answer += " a step"
		}
		head += fmt.Sprintf("  %s, %s, %s training and %s test samples",
			inputText(inputs), answer, widget.Group(int64(e.Train)), widget.Group(int64(e.Test)))
	}
	files := "no files needed: drawn at run time from the seed"
	if e.Needs != "" {
		files = "files: " + e.Needs
	}
	fmt.Fprintf(w, "%s\n    %s\n    %s\n", head, wrap(e.Summary, 76, "    "), wrap(files, 76, "    "))
}
