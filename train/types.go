package train

import (
	"time"

	"layercake/data"
	"layercake/model"
)

// Config says everything that a run depends on.
type Config struct {
	Graph  *model.Graph
	Data   *data.Set
	Source Source // how Data was opened, kept in checkpoints so that a run can be resumed

	Batch     int
	Epochs    int // 0: until Steps
	Steps     int // 0: until Epochs
	Loss      model.Named
	Optimizer model.Named
	Schedule  model.Named
	Augment   data.Augment
	Clip      float64 // largest norm of all gradients together; 0: none
	ByLength  bool    // samples of like length share a batch: data.Loader
	Recompute bool    // less memory, the same numbers, more time: model.Options
	Seed      uint64
	Threads   int // 0: all cores

	Dir        string        // where checkpoints go; "": none are written
	SaveEvery  time.Duration // between checkpoints; 0: at the end of each epoch only
	StepEvents int           // steps between two EventStep; the first step has one too; 0: none
	Events     func(Event)   // called on the run's goroutine; for train --json
	Paused     bool          // start paused
}

// Source is how a data set was opened: what data.Open has to be given again.
type Source struct {
	Name        string // of the catalog, or a path
	Dir         string
	Seed        uint64
	Train, Test int
	Target      string
	Length      int // of sequences; 0: the set's own
}

// LengthFor is the length of the sequences that a network reads, for data that can
// have any; 0 where it reads none.
func LengthFor(inputs []model.Input) int {
	if len(inputs) > 0 && (inputs[0].Tokens > 0 || len(inputs[0].Shape) == 2) {
		return inputs[0].Shape[0]
	}
	return 0
}

// Options are s as data.Open takes them.
func (s Source) Options() data.Options {
	return data.Options{Dir: s.Dir, Seed: s.Seed, Train: s.Train, Test: s.Test, Target: s.Target, Length: s.Length}
}

// Phase is what a run is doing.
type Phase string

const (
	Preparing Phase = "preparing"
	Training  Phase = "training"
	Testing   Phase = "testing"
	Paused    Phase = "paused"
	Ended     Phase = "ended"
)

// Snapshot is a run at one moment: whole, deep-copied, immutable.
type Snapshot struct {
	Phase  Phase
	Reason string // of Ended: finished, stopped, failed

	Epoch, Epochs         int // epoch from 1
	Step, Steps           int // steps done in all; Steps in all, 0 unknown
	StepInEpoch, PerEpoch int
	Samples               int64 // samples trained on

	Loss, Accuracy   float64 // smoothed over the last steps; Accuracy NaN for regression
	LR               float64
	GradNorm         float64 // of all gradients together, before clipping, of the last sampled step
	SamplesPerSecond float64
	Elapsed          time.Duration // time spent training
	EpochLeft, Left  time.Duration // estimates; 0 unknown

	TestLoss, TestAccuracy float64  // last evaluation; NaN before the first
	Metrics                []Metric // … of the last one at an epoch's end, by name
	BestAccuracy           float64

	Curves  Curves
	Layers  []LayerStats // one a node of the graph, by index
	Verdict []Finding    // what diagnose sees, worst first; empty: nothing wrong
	Saved   string       // last checkpoint's folder
	Problem string       // why the last checkpoint could not be written; "" when all is well

	Attention *Attention // the last map that Run.Look asked for; nil without one
}

// Curves are thinned to a fixed length.
type Curves struct {
	TrainStep, TestStep      []int
	TrainLoss, TrainAccuracy []float64
	TestLoss, TestAccuracy   []float64
}

// LayerStats are one node's figures, of the last sampled step.
type LayerStats struct {
	Name                 string
	Trainable            bool
	GradNorm             float64 // L2 norm of the gradient of all its parameters, of the batch's mean loss
	WeightNorm           float64
	Update               float64 // norm of the update / norm of the weights
	ActMean              float64
	ActStd               float64
	Dead                 float64       // share of units (channels) that are zero for the whole batch; NaN when not an activation
	Forward              time.Duration // of one step, smoothed
	Backward             time.Duration
	GradTrail            []float64 // GradNorm over the run, thinned, oldest first
	Weights, Grads, Acts Histogram // of the last sampled step; empty where there is none
}

// Histogram counts values in equal bins from Low to High.
type Histogram struct {
	Low, High float64
	Counts    []int
}

// Finding is one thing that diagnose saw.
type Finding struct {
	Level string // "wrong", "warn", "good"
	Node  int    // row to point at; -1 the whole
	Word  string // what the row says: "vanish", "explode", "dead", "large"; "" for none
	What  string // one sentence with the figure
	Why   string
	Cure  string
}
