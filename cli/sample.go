package cli

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"layercake/compute"
	"layercake/data"
	"layercake/layers"
	"layercake/model"
	"layercake/train"
)

const (
	sampleLength = 400 // tokens, unless another number is asked for
	longestLine  = 64  // tokens of a line that does not end
)

type sampleFlags struct {
	prompt      string
	length      int
	temperature float64
	top         int
	asJSON      bool
}

// sampleJSON is what --json prints.
type sampleJSON struct {
	Dir         string  `json:"dir"`
	Network     string  `json:"network"`
	Step        int     `json:"step"`
	Prompt      string  `json:"prompt"`
	Text        string  `json:"text"`   // written behind the prompt or for it; lines that begin with it
	Tokens      int     `json:"tokens"` // that the network wrote
	Temperature float64 `json:"temperature"`
	TopK        int     `json:"top_k"`
	Seed        uint64  `json:"seed"`
}

func newSample(c *common) *cobra.Command {
	var f sampleFlags
	cmd := &cobra.Command{
		Use:   "sample RUN",
		Short: "Text written by a trained network",
		Long: `Loads the checkpoint in the folder RUN and has its network write: a text goes on
behind --prompt, a list of names gets new ones that begin with it, and a network
with a source and a target puts the prompt into the target's words.

--temperature below 1 keeps to what is likely, above 1 takes risks, and 0 always
takes the likeliest, as it does unless told otherwise where there is a source.
The same --seed writes the same.`,
		Example: "  layercake sample runs/gpt-nano --prompt 'the king ' --temperature 0.8\n" +
			"  layercake sample runs/names-mlp --prompt ma --length 100 --seed 3\n" +
			"  layercake sample runs/seq2seq-dates --prompt '14th of march 1987'",
		Args: arguments(1, 1, "one RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.length < 0 || f.length > 1<<24:
				return usageError{fmt.Errorf("--length is %d, wants 1 to %d, or 0 for the data's own", f.length, 1<<24)}
			case !(f.temperature >= 0) || math.IsInf(f.temperature, 0):
				return usageError{fmt.Errorf("--temperature is %v, wants 0 or more", f.temperature)}
			case f.top < 0:
				return usageError{fmt.Errorf("--top-k is %d, wants 1 or more, or 0 for all", f.top)}
			}
			return runSample(cmd, c, &f, args[0])
		},
	}
	s := cmd.Flags()
	s.StringVar(&f.prompt, "prompt", "", "text to go on from, or to rewrite")
	s.IntVar(&f.length, "length", 0, fmt.Sprintf("tokens to write (0: %d, or as many as the target has)", sampleLength))
	s.Float64Var(&f.temperature, "temperature", 1, "how far to stray from what is likeliest")
	s.IntVar(&f.top, "top-k", 0, "draw among so many of the likeliest only (0: all)")
	s.BoolVar(&f.asJSON, "json", false, "print one JSON object")
	return cmd
}

func runSample(cmd *cobra.Command, c *common, f *sampleFlags, dir string) error {
	if filepath.Base(dir) == "checkpoint" {
		dir = filepath.Dir(dir)
	}
	ctx := cmd.Context()
	k, err := train.ReadCheckpoint(dir)
	if err != nil {
		return err
	}
	source := k.Config.Source
	if c.dataDir != "" {
		source.Dir = c.dataDir
	}
	set, err := openData(ctx, source, newProgress(cmd.OutOrStdout(), cmd.ErrOrStderr(), f.asJSON))
	if err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	if err := k.SameData(set); err != nil {
		return err
	}
	input, ok := writtenOn(set)
	if !ok {
		return fmt.Errorf("%s: its data, %s (%s), is nothing to write on: wants a run on a text, on names, or with a source and a target", dir, set.Called(), set.Title)
	}
	if input > 0 && f.prompt == "" {
		return usageError{fmt.Errorf("%s rewrites what it is given: wants --prompt", k.Config.Graph.Name)}
	}
	pool := compute.NewPool(c.threads)
	defer pool.Close()
	p, err := model.Compile(k.Config.Graph, model.Options{Batch: 1, Pool: pool, Logits: true})
	if err != nil {
		return err
	}
	if err := k.Load(p); err != nil {
		return err
	}
	g, err := p.Generator(input, pool)
	if err != nil {
		return err
	}
	if input > 0 && !cmd.Flags().Changed("temperature") {
		f.temperature = 0
	}
	seed := max(c.seed, 1)
	w := &textWriter{
		ctx: ctx, set: set, g: g, input: &set.Inputs[input],
		sampler: model.Sampler{Temperature: f.temperature, TopK: f.top, Random: layers.Stream(seed, "sample")},
	}
	if !f.asJSON {
		w.put = func(text string) { fmt.Fprint(cmd.OutOrStdout(), text) }
	}
	switch {
	case input > 0:
		err = w.rewrite(f.prompt, f.length)
	case set.Train.Sizes().Follows:
		err = w.goOn(f.prompt, f.length)
	default:
		err = w.lines(f.prompt, f.length)
	}
	if err != nil {
		return err
	}
	if !f.asJSON {
		if !strings.HasSuffix(w.text.String(), "\n") {
			fmt.Fprintln(cmd.OutOrStdout())
		}
		return nil
	}
	return writeJSON(cmd.OutOrStdout(), sampleJSON{
		Dir: dir, Network: k.Config.Graph.Name, Step: k.Step, Prompt: f.prompt, Text: w.text.String(), Tokens: w.tokens,
		Temperature: f.temperature, TopK: f.top, Seed: seed,
	})
}

// writtenOn is the input that a network which learns set can write on: the only one
// of a text or of names, the target beside a source. What is asked for must be of
// the same words as what is read.
func writtenOn(set *data.Set) (input int, ok bool) {
	sizes := set.Train.Sizes()
	last := len(set.Inputs) - 1
	in := &set.Inputs[last]
	if in.Words == nil || !slices.Equal(in.Words, set.Classes) {
		return 0, false
	}
	switch last {
	case 0:
		return 0, sizes.Follows || sizes.Labels == 1
	case 1:
		return 1, set.Inputs[0].Words != nil && sizes.Labels == in.Shape[0]
	}
	return 0, false
}

// textWriter writes tokens as text.
type textWriter struct {
	ctx     context.Context
	set     *data.Set
	input   *data.Input // written on
	g       *model.Generator
	sampler model.Sampler
	put     func(text string) // nil: text is kept alone

	text   strings.Builder
	tokens int
}

// say puts down text that is no token of the network's own.
func (w *textWriter) say(text string) {
	if w.put != nil {
		w.put(text)
	}
}

// pick draws the next token.
func (w *textWriter) pick(scores []float32) (int32, error) {
	if w.ctx.Err() != nil {
		return 0, errInterrupted
	}
	w.tokens++
	return w.sampler.Pick(scores), nil
}

func (w *textWriter) write(text string) {
	w.text.WriteString(text)
	w.say(text)
}

// read encodes text for an input.
func (w *textWriter) read(in *data.Input, text string) ([]int32, error) {
	ids, err := in.Encode(text)
	if err != nil {
		return nil, fmt.Errorf("--prompt: %w", err)
	}
	return ids, nil
}

// goOn writes length tokens behind the prompt. Without one it goes on from the
// beginning of a line.
func (w *textWriter) goOn(prompt string, length int) error {
	ids, err := w.read(w.input, prompt)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		ids = []int32{int32(max(0, slices.Index(w.input.Words, "\n")))}
	}
	w.say(prompt)
	var scores []float32
	for _, id := range ids {
		scores = w.g.Next(id)
	}
	for n := lengthOr(length, sampleLength); w.tokens < n; {
		id, err := w.pick(scores)
		if err != nil {
			return err
		}
		w.write(w.input.Words[id])
		if w.tokens < n {
			scores = w.g.Next(id)
		}
	}
	return nil
}

// lines writes whole lines that begin with the prompt, until there are length
// tokens. Token 0 stands before and behind each.
func (w *textWriter) lines(prompt string, length int) error {
	ids, err := w.read(w.input, prompt)
	if err != nil {
		return err
	}
	for n := lengthOr(length, sampleLength); w.tokens < n; {
		w.g.Reset()
		scores := w.g.Next(0)
		for _, id := range ids {
			scores = w.g.Next(id)
		}
		w.write(prompt)
		for range longestLine {
			id, err := w.pick(scores)
			if err != nil {
				return err
			}
			if id == 0 {
				break
			}
			w.write(w.input.Words[id])
			scores = w.g.Next(id)
		}
		w.write("\n")
	}
	return nil
}

// rewrite reads the prompt as the source and writes the target, behind the token that
// all targets begin with.
func (w *textWriter) rewrite(prompt string, length int) error {
	source := &w.set.Inputs[0]
	ids, err := w.read(source, prompt)
	if err != nil {
		return err
	}
	room := source.Shape[0]
	if len(ids) > room {
		return fmt.Errorf("--prompt: has %d tokens, wants at most %d", len(ids), room)
	}
	x := make([]float32, room)
	for i, id := range ids {
		x[i] = float32(id)
	}
	steps := -1
	if source.Padded {
		steps = len(ids)
	}
	w.g.Give(0, x, steps)
	first := make([]float32, w.input.Shape[0])
	w.set.Train.Fill([]int{0}, data.Samples{X: [][]float32{nil, first}})
	id := int32(first[0])
	for range min(lengthOr(length, len(first)), len(first)) {
		if id, err = w.pick(w.g.Next(id)); err != nil {
			return err
		}
		w.write(w.input.Words[id])
	}
	return nil
}

// lengthOr is the length that was asked for, or else another.
func lengthOr(asked, other int) int {
	if asked > 0 {
		return asked
	}
	return other
}
