package train

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"layercake/layers"
	"layercake/model"
)

// Schedule is the course of the learning rate over a run: a factor on the
// optimizer's rate that depends on the step alone.
type Schedule interface {
	Fields() []layers.Field
	Check() error
	// Factor is that of a step from 0 in a run of total steps, 0 where the end is
	// open, with perEpoch steps an epoch.
	Factor(step, total, perEpoch int) float64
}

// ScheduleKind is one row of Schedules.
type ScheduleKind struct {
	Name    string
	Summary string
	New     func() Schedule
}

// Schedules are all there are, the simplest first.
var Schedules = []ScheduleKind{
	{"constant", "the same rate throughout", func() Schedule { return &Constant{} }},
	{"step", "a lower rate from epoch to epoch, in steps", func() Schedule { return &Stairs{Factors: 0.1} }},
	{"cosine", "falls along half a cosine to the end of the run", func() Schedule { return &Cosine{} }},
}

// NewSchedule makes the schedule that n names. file is for messages.
func NewSchedule(file string, n model.Named) (Schedule, error) {
	s, err := pick(file, "schedule", n, Schedules, func(k ScheduleKind) (string, Schedule) { return k.Name, k.New() })
	if err != nil {
		return nil, err
	}
	return s, at(file, n.Pos, s.Check())
}

// Warmup raises the rate in a straight line over the first steps (Goyal et
// al., Accurate, large minibatch SGD, 2017): step s of w has (s+1)/w of the
// rate. It counts in Epochs, which may be a fraction, or in Steps.
type Warmup struct {
	Epochs float64
	Steps  int
}

func (w *Warmup) fields() []layers.Field {
	return []layers.Field{
		{Name: "warmup", Help: "epochs in which the rate rises to its full height", Unit: "epochs", Ptr: &w.Epochs, Min: 0, Max: 1e6},
		{Name: "warmup_steps", Help: "the same in steps", Unit: "steps", Ptr: &w.Steps, Min: 0, Max: 1e9},
	}
}

func (w *Warmup) check(kind string) error {
	if w.Epochs > 0 && w.Steps > 0 {
		return fmt.Errorf("schedule %s has both warmup and warmup_steps: leave one out", kind)
	}
	return nil
}

func (w *Warmup) steps(perEpoch int) int {
	if w.Steps > 0 {
		return w.Steps
	}
	return int(math.Round(w.Epochs * float64(perEpoch)))
}

// rise is the factor of the warm-up at step.
func (w *Warmup) rise(step, perEpoch int) float64 {
	if n := w.steps(perEpoch); step < n {
		return float64(step+1) / float64(n)
	}
	return 1
}

// Constant leaves the rate as it is, after the warm-up.
type Constant struct{ Warmup }

func (c *Constant) Fields() []layers.Field { return c.fields() }
func (c *Constant) Check() error           { return c.check("constant") }
func (c *Constant) Factor(step, total, perEpoch int) float64 {
	return c.rise(step, perEpoch)
}

// Stairs multiplies the rate by Factors every so many epochs, or at the
// beginning of each of the epochs in At, counted from 0 (He et al., Deep
// residual learning for image recognition, 2015, divide by 10 at 82 and 123 of
// 164).
type Stairs struct {
	Warmup
	Every   int
	At      string // "82, 123"
	Factors float64

	at []int
}

func (s *Stairs) Fields() []layers.Field {
	return append([]layers.Field{
		{Name: "every", Help: "epochs from one fall to the next", Unit: "epochs", Ptr: &s.Every, Min: 0, Max: 1e6},
		{Name: "at", Help: "epochs done when the rate falls: [82, 123]", Unit: "epochs", Ptr: &s.At},
		{Name: "factor", Help: "what the rate is multiplied by", Ptr: &s.Factors, Min: 1e-6, Max: 1},
	}, s.fields()...)
}

func (s *Stairs) Check() error {
	s.at = nil
	for _, w := range strings.FieldsFunc(s.At, func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := strconv.Atoi(w)
		if err != nil || n < 1 {
			return fmt.Errorf("schedule step has at %q, wants epochs from 1 on, such as [82, 123]", w)
		}
		s.at = append(s.at, n)
	}
	if (s.Every > 0) == (len(s.at) > 0) {
		return fmt.Errorf("schedule step wants every (epochs from fall to fall) or at (a list of epochs): give one of them")
	}
	return s.check("step")
}

func (s *Stairs) Factor(step, total, perEpoch int) float64 {
	epoch := step / perEpoch
	falls := 0
	if s.Every > 0 {
		falls = epoch / s.Every
	}
	for _, a := range s.at {
		if epoch >= a {
			falls++
		}
	}
	return math.Pow(s.Factors, float64(falls)) * s.rise(step, perEpoch)
}

// Cosine falls from the full rate, after the warm-up, to Min of it at the end
// of the run (Loshchilov and Hutter, SGDR, 2017):
//
//	Min + (1 − Min)·(1 + cos(π·done/steps))/2
//
// In a run without an end it stays at the full rate.
type Cosine struct {
	Warmup
	Min float64
}

func (c *Cosine) Fields() []layers.Field {
	return append([]layers.Field{
		{Name: "min", Help: "share of the rate that is left at the end", Ptr: &c.Min, Min: 0, Max: 1},
	}, c.fields()...)
}

func (c *Cosine) Check() error { return c.check("cosine") }

func (c *Cosine) Factor(step, total, perEpoch int) float64 {
	w := c.steps(perEpoch)
	if step < w {
		return c.rise(step, perEpoch)
	}
	if total <= w {
		return 1
	}
	done := math.Min(float64(step-w)/float64(total-w), 1)
	return c.Min + (1-c.Min)*(1+math.Cos(math.Pi*done))/2
}
