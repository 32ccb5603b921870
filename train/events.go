package train

import (
	"encoding/json"
	"math"
)

// Event is one line of `layercake train --json`: an EventStart, EventStep,
// EventEpoch or EventEnd.
type Event interface{ event() }

// Number is a figure that JSON can hold: what is no finite number, such as
// the accuracy of a regression, is written null and read as NaN.
type Number float64

// MarshalJSON writes the shortest decimal that reads back as the same bits.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads a number or null.
func (n *Number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	return json.Unmarshal(text, (*float64)(n))
}

// EventStart is the first line of a run. Step is where it goes on: 0, or the
// step of the checkpoint that it was resumed from.
type EventStart struct {
	Event        string `json:"event"` // "start"
	Network      string `json:"network"`
	Params       int64  `json:"params"`
	MACs         int64  `json:"macs"`
	Data         string `json:"data"`
	TrainSamples int    `json:"train_samples"`
	TestSamples  int    `json:"test_samples"`
	Batch        int    `json:"batch"`
	Threads      int    `json:"threads"`
	Seed         uint64 `json:"seed"`
	Step         int    `json:"step"`
	Run          string `json:"run"` // the folder of its checkpoints
}

// EventStep tells of the steps since the last EventStep: Loss and Accuracy are
// means over their samples. Epoch counts from 1. The layers' figures are of this
// step alone.
type EventStep struct {
	Event            string       `json:"event"` // "step"
	Step             int          `json:"step"`
	Epoch            int          `json:"epoch"`
	Loss             Number       `json:"loss"`
	Accuracy         Number       `json:"accuracy"`
	LR               Number       `json:"lr"`
	SamplesPerSecond Number       `json:"samples_per_s"`
	Layers           []EventLayer `json:"layers"`
}

// EventLayer is one node in an EventStep. A layer without parameters has no
// norms, one that is no activation no dead units: both are null.
type EventLayer struct {
	Name        string `json:"name"`
	GradNorm    Number `json:"grad_norm"`
	WeightNorm  Number `json:"weight_norm"`
	UpdateRatio Number `json:"update_ratio"`
	ActMean     Number `json:"act_mean"`
	ActStd      Number `json:"act_std"`
	Dead        Number `json:"dead"`
}

// EventEpoch closes an epoch. The training figures are means over the epoch's
// samples as they were trained on, the test figures are of the weights at its
// end. Seconds are those of the epoch, testing included.
type EventEpoch struct {
	Event         string `json:"event"` // "epoch"
	Epoch         int    `json:"epoch"`
	Step          int    `json:"step"`
	TrainLoss     Number `json:"train_loss"`
	TrainAccuracy Number `json:"train_accuracy"`
	TestLoss      Number `json:"test_loss"`
	TestAccuracy  Number `json:"test_accuracy"`
	Seconds       Number `json:"seconds"`
	// Metrics are further figures of the test, such as top5, f1, exact,
	// perplexity, rmse: those that make sense for the data.
	Metrics map[string]Number `json:"metrics,omitempty"`
}

// EventEnd is the last line. Seconds count from the first start of the run,
// pauses left out.
type EventEnd struct {
	Event        string `json:"event"`  // "end"
	Reason       string `json:"reason"` // finished, stopped, failed
	Error        string `json:"error,omitempty"`
	Steps        int    `json:"steps"`
	TestLoss     Number `json:"test_loss"`
	TestAccuracy Number `json:"test_accuracy"`
	Seconds      Number `json:"seconds"`
	PeakRSS      Number `json:"peak_rss_mb"` // MiB; null where the system does not say
}

func (EventStart) event() {}
func (EventStep) event()  {}
func (EventEpoch) event() {}
func (EventEnd) event()   {}
