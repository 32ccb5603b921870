package model

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Sampler picks one of several by scores: with the chance e^(score/Temperature)
// over the sum of all, drawn among the TopK best alone. It belongs to one
// goroutine.
type Sampler struct {
	// Temperature below 1 keeps to what is likely, above 1 takes risks; at 0 the
	// best is picked and nothing drawn.
	Temperature float64
	TopK        int // 0: all
	Random      *rand.Rand

	sorted  []float32
	weights []float64
}

// Pick is the index of one score. Of equal ones the first counts as the better;
// what is no number is never picked beside one that is.
func (s *Sampler) Pick(scores []float32) int32 {
	best := 0
	for i, v := range scores {
		if v > scores[best] || scores[best] != scores[best] && v == v {
			best = i
		}
	}
	top := float64(scores[best])
	if s.Temperature <= 0 || s.TopK == 1 || math.IsNaN(top) || math.IsInf(top, 0) {
		return int32(best)
	}
	least, ties := s.least(scores)
	s.weights = slices.Grow(s.weights[:0], len(scores))[:len(scores)]
	sum, last := 0.0, best
	for i, v := range scores {
		s.weights[i] = 0
		switch {
		case v > least:
		case v == least && ties > 0:
			ties--
		default:
			continue
		}
		s.weights[i] = math.Exp((float64(v) - top) / s.Temperature)
		sum += s.weights[i]
		last = i
	}
	x := s.Random.Float64() * sum
	for i, w := range s.weights {
		if x -= w; x < 0 {
			return int32(i)
		}
	}
	return int32(last) // by rounding
}

// least is the lowest score that may be picked, and how many that are equal to it may.
func (s *Sampler) least(scores []float32) (least float32, ties int) {
	if s.TopK <= 0 || s.TopK >= len(scores) {
		return float32(math.Inf(-1)), 0
	}
	s.sorted = append(s.sorted[:0], scores...)
	slices.Sort(s.sorted) // what is no number comes first
	best := s.sorted[len(scores)-s.TopK:]
	for _, v := range best {
		if v == best[0] {
			ties++
		}
	}
	if best[0] != best[0] {
		return float32(math.Inf(-1)), 0 // fewer than TopK are numbers
	}
	return best[0], ties
}
