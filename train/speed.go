package train

import (
	"errors"
	"time"

	"layercake/compute"
	"layercake/data"
	"layercake/model"
)

// Speed is what this machine was seen to do just now.
type Speed struct {
	Peak float64 // GFLOP/s that the threads reach with multiply-adds alone; 0 unknown
	MACs float64 // multiply-adds a second of training: what Graph.TrainMACs counts
}

// What a measurement may take: it goes on while somebody types.
const (
	speedOperations = 2e9       // floating point operations in a step
	speedTime       = 40e6      // nanoseconds of steps, at least one
	speedBytes      = 256 << 20 // memory
)

// ErrTooLarge says that a step of one sample would take too long or too much
// memory for a measurement by the way.
var ErrTooLarge = errors.New("the network is too large to be timed by the way")

// MeasureSpeed times a few steps of training g on noise, in small batches and
// on so many threads (0: all cores), which takes about 100 ms, and up to half a second for networks as
// large as ResNet-18. It allocates what a run would, and gives it back.
func MeasureSpeed(g *model.Graph, threads int) (Speed, error) {
	if g.Err != nil {
		return Speed{}, g.Err
	}
	macs := g.TrainMACs()
	if macs == 0 {
		return Speed{}, errors.New("the network has no products to be timed")
	}
	batch := g.Spec.Train.Batch
	if batch == 0 {
		batch = defaultBatch
	}
	batch = max(1, min(batch, int(speedOperations/(2*macs))))
	if 2*macs > 10*speedOperations || g.TrainBytes(batch, 2) > speedBytes {
		return Speed{}, ErrTooLarge
	}
	c, err := FromSpec(g, Noise(g, batch), Overrides{Batch: batch, Steps: maxSteps, Threads: threads})
	if err != nil {
		return Speed{}, err
	}
	c.Loss = model.Named{Kind: "cross_entropy"} // takes any output, and costs what others do
	s, err := NewStepper(c)
	if err != nil {
		return Speed{}, err
	}
	defer s.Close()
	before := compute.PeakGFLOPS(s.t.pool)
	if err := s.Step(); err != nil { // touches its memory for the first time
		return Speed{}, err
	}
	steps, start := 0, time.Now()
	for steps == 0 || time.Since(start) < speedTime {
		if err := s.Step(); err != nil {
			return Speed{}, err
		}
		steps++
	}
	out := Speed{MACs: float64(macs) * float64(batch*steps) / time.Since(start).Seconds()}
	out.Peak = max(before, compute.PeakGFLOPS(s.t.pool)) // a collector at work halves the one or the other
	return out, nil
}

// Noise is random data that fits g, to measure with: numbers or token ids for each input, and a
// label for each row of the output, whose last axis counts the classes.
func Noise(g *model.Graph, samples int) *data.Set {
	var in []data.Input
	for _, i := range g.Inputs {
		in = append(in, data.Input{Name: i.Name, Shape: i.Shape, Tokens: i.Tokens})
	}
	out := g.Nodes[g.Output].Plan.Out
	classes := out[len(out)-1]
	return data.Noise(in, classes, out.Size()/classes, samples, 1)
}
