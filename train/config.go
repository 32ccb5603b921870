package train

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"layercake/compute"
	"layercake/data"
	"layercake/layers"
	"layercake/model"
)

// What a network file that does not say gets.
const (
	defaultBatch     = 64
	defaultEpochs    = 10
	defaultOptimizer = "adam"
	defaultSchedule  = "constant"
	defaultSeed      = 1
)

// What a configuration may ask for at most: far above sense.
const (
	maxBatch = 1 << 20
	maxSteps = 1 << 40

	MaxThreads = 1024
)

var nan = math.NaN()

// Overrides are what a command line says instead of the network file. A zero
// field overrides nothing.
type Overrides struct {
	Epochs    int // drops the file's steps, unless Steps is given too: then what comes first
	Steps     int // drops the file's epochs, alike
	Batch     int
	LR        float64
	Optimizer string // keeps the file's settings if it is the file's optimizer
	Threads   int
	Seed      *uint64
	Recompute *bool
}

// FromSpec is the training section of g's file with defaults for what it does
// not say and over on top. Names and settings that the tables do not have are
// refused with their place in the file.
func FromSpec(g *model.Graph, set *data.Set, over Overrides) (Config, error) {
	if g.Err != nil {
		return Config{}, g.Err
	}
	s := g.Spec.Train
	c := Config{
		Graph: g, Data: set,
		Batch: s.Batch, Epochs: s.Epochs, Steps: s.Steps,
		Loss: s.Loss, Optimizer: s.Optimizer, Schedule: s.Schedule,
		Clip: s.Clip, ByLength: s.ByLength, Recompute: s.Recompute, Seed: s.Seed,
	}
	if c.Batch == 0 {
		c.Batch = defaultBatch
	}
	if c.Epochs == 0 && c.Steps == 0 {
		c.Epochs = defaultEpochs
	}
	if c.Optimizer.Kind == "" {
		c.Optimizer.Kind = defaultOptimizer
	}
	if c.Schedule.Kind == "" {
		c.Schedule.Kind = defaultSchedule
	}
	if c.Seed == 0 {
		c.Seed = defaultSeed
	}
	if c.Loss.Kind == "" {
		c.Loss.Kind = "cross_entropy"
		if set != nil && set.Classes == nil {
			c.Loss.Kind = "mse"
		}
	}
	augment := []layers.Field{
		{Name: "pad", Help: "border from which a window is cut out at random", Unit: "px", Ptr: &c.Augment.Pad, Min: 0, Max: 1024},
		{Name: "flip", Help: "mirror left and right half of the time", Ptr: &c.Augment.Flip},
	}
	if err := apply(fileOf(g), "augment", augment, s.Augment); err != nil {
		return Config{}, err
	}
	over.apply(&c)
	_, err := c.parts()
	return c, err
}

// apply puts o on top of c.
func (o Overrides) apply(c *Config) {
	if o.Epochs != 0 || o.Steps != 0 {
		c.Epochs, c.Steps = o.Epochs, o.Steps
	}
	if o.Batch != 0 {
		c.Batch = o.Batch
	}
	if o.Optimizer != "" && o.Optimizer != c.Optimizer.Kind {
		c.Optimizer = model.Named{Kind: o.Optimizer}
	}
	if o.LR != 0 {
		lr := model.Setting{Key: "lr", Value: layers.Value{strconv.FormatFloat(o.LR, 'g', -1, 64)}}
		kept := slices.DeleteFunc(slices.Clone(c.Optimizer.Settings), func(s model.Setting) bool { return s.Key == "lr" })
		c.Optimizer.Settings = append(kept, lr)
	}
	if o.Threads != 0 {
		c.Threads = o.Threads
	}
	if o.Recompute != nil {
		c.Recompute = *o.Recompute
	}
	if o.Seed != nil {
		c.Seed = *o.Seed
	}
}

// parts are what a Config's names stand for.
type parts struct {
	loss     Loss
	opt      Optimizer
	schedule Schedule
}

// parts makes them, refusing what the tables do not have.
func (c *Config) parts() (p parts, err error) {
	file := fileOf(c.Graph)
	if p.loss, err = NewLoss(file, c.Loss); err != nil {
		return p, err
	}
	if p.opt, err = NewOptimizer(file, c.Optimizer); err != nil {
		return p, err
	}
	p.schedule, err = NewSchedule(file, c.Schedule)
	return p, err
}

// fileOf is what messages call the file of g.
func fileOf(g *model.Graph) string {
	if g.Spec.File != "" {
		return g.Spec.File
	}
	return g.Name
}

// check refuses a Config that cannot be run.
func (c *Config) check() (parts, error) {
	if c.Graph == nil || c.Data == nil {
		return parts{}, errors.New("train: got no network or no data set, wants both")
	}
	if c.Graph.Err != nil {
		return parts{}, c.Graph.Err
	}
	p, err := c.parts()
	if err != nil {
		return p, err
	}
	switch {
	case c.Batch < 1 || c.Batch > maxBatch:
		err = fmt.Errorf("train: the batch is %d, wants 1 to %d samples", c.Batch, maxBatch)
	case c.Epochs < 0 || c.Epochs > maxSteps:
		err = fmt.Errorf("train: %d epochs are asked for, wants 0 to %d", c.Epochs, maxSteps)
	case c.Steps < 0 || c.Steps > maxSteps:
		err = fmt.Errorf("train: %d steps are asked for, wants 0 to %d", c.Steps, maxSteps)
	case c.Threads < 0 || c.Threads > MaxThreads:
		err = fmt.Errorf("train: %d threads are asked for, wants 1 to %d, or 0 for all cores", c.Threads, MaxThreads)
	case c.Clip < 0 || math.IsNaN(c.Clip) || math.IsInf(c.Clip, 0):
		err = fmt.Errorf("train: clip is %v, wants the largest norm of the gradients, or 0 for none", c.Clip)
	case c.ByLength && !slices.Contains(c.Data.Train.Sizes().Padded, true):
		err = fmt.Errorf("train: by_length is set, and the samples of %s are all of one length: leave it out, or choose data with lengths such as dates", c.Data.Name)
	case c.Data.Train.Len() == 0:
		err = fmt.Errorf("train: %s has no training samples", c.Data.Called())
	case !slices.ContainsFunc(c.Graph.Nodes, func(n model.Node) bool { return len(n.Plan.Params) > 0 }):
		err = fmt.Errorf("train: %s has no weights: put a layer with weights in, such as a dense", c.Graph.Name)
	default:
		err = c.checkInputs()
	}
	if err != nil {
		return p, err
	}
	if err := p.loss.Check(c.output(), c.Data); err != nil {
		return p, fmt.Errorf("%s: %w", c.Graph.Nodes[c.Graph.Output].Name, err)
	}
	return p, nil
}

// Inputs are what the samples of set feed in, as a network says it.
func Inputs(set *data.Set) []model.Input {
	var in []model.Input
	for _, d := range set.Inputs {
		in = append(in, model.Input{Name: d.Name, Shape: d.Shape, Tokens: d.Tokens})
	}
	return in
}

// Fit fits a network to a set, as model.Adapt does: its inputs to what the
// samples feed, its outputs to the classes or the numbers to predict. The text
// says in one sentence what was changed, "" for nothing.
func Fit(s *model.Spec, set *data.Set) (*model.Spec, string, error) {
	outputs := len(set.Classes)
	if outputs == 0 {
		outputs = set.Targets
	}
	fitted, changed := model.Adapt(s, Inputs(set), outputs)
	if fitted == nil {
		return nil, "", fmt.Errorf("%s cannot be fitted to %s: %s", model.Resolve(s).Name, set.Called(), changed)
	}
	return fitted, changed, nil
}

// checkInputs refuses a network that cannot take in what the samples feed.
func (c *Config) checkInputs() error {
	g, set := c.Graph, c.Data
	if len(g.Inputs) != len(set.Inputs) {
		return fmt.Errorf("train: %s has %d inputs, and %s feeds %d: choose data that fits, or change inputs", g.Name, len(g.Inputs), set.Called(), len(set.Inputs))
	}
	if in := g.Inputs[0]; len(set.Inputs) == 1 && !in.Shape.Equal(set.Input()) {
		return fmt.Errorf("train: the input of %s is %s, and the samples of %s are %s: set input: [%s]",
			g.Name, in.Shape, set.Called(), set.Input(), commas(set.Input()))
	}
	for k, in := range g.Inputs {
		feed := set.Inputs[k]
		switch {
		case !in.Shape.Equal(feed.Shape):
			return fmt.Errorf("train: the input %s of %s is %s, and %s feeds %s there: give it that shape", in.Name, g.Name, in.Shape, set.Called(), feed.Shape)
		case in.Tokens > 0 && feed.Tokens == 0:
			return fmt.Errorf("train: the input %s of %s reads token ids, and %s feeds numbers: choose data of tokens, or set input: [%s]",
				in.Name, g.Name, set.Called(), commas(in.Shape))
		case in.Tokens > 0 && feed.Tokens > in.Tokens:
			return fmt.Errorf("train: the input %s of %s reads token ids below %d, and those of %s go up to %d: set tokens: %d",
				in.Name, g.Name, in.Tokens, set.Called(), feed.Tokens-1, feed.Tokens)
		case in.Tokens == 0 && feed.Tokens > 0:
			return fmt.Errorf("train: the input %s of %s reads numbers, and %s feeds token ids: set input: {tokens: %d, length: %s}",
				in.Name, g.Name, set.Called(), feed.Tokens, feed.Shape)
		}
	}
	if sizes := set.Train.Sizes(); c.carries() && !sizes.Follows {
		return fmt.Errorf("train: %s carries state from batch to batch, and the samples of %s do not follow one another: set stateful: false, or choose a text",
			g.Name, set.Called())
	}
	return nil
}

// carries reports whether a layer keeps state from one batch to the next.
func (c *Config) carries() bool {
	return slices.ContainsFunc(c.Graph.Nodes, func(n model.Node) bool { return n.Plan.Carry.Always })
}

// output is the shape of the network's output.
func (c *Config) output() compute.Shape { return c.Graph.Nodes[c.Graph.Output].Plan.Out }

func commas(s compute.Shape) string {
	var w []string
	for _, d := range s {
		w = append(w, strconv.Itoa(d))
	}
	return strings.Join(w, ", ")
}

// perEpoch is the number of steps in an epoch.
func (c *Config) perEpoch() int {
	n := c.Data.Train.Len()
	b := min(c.Batch, n)
	if c.carries() {
		return n / b // streams of equal length
	}
	return (n + b - 1) / b
}

// total is the number of steps in all; 0 without an end.
func (c *Config) total() int {
	total := min(c.Epochs, math.MaxInt/2/c.perEpoch()) * c.perEpoch()
	if c.Steps > 0 && (total == 0 || c.Steps < total) {
		total = c.Steps
	}
	return total
}
