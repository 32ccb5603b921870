package train

import (
	"fmt"
	"strings"

	"layercake/compute"
	"layercake/layers"
	"layercake/model"
)

// Optimizer is the settings of one rule for changing weights. What it keeps
// from step to step lies in slots that belong to the run.
type Optimizer interface {
	// Fields are the settings: keys of the spec file.
	Fields() []layers.Field
	// Check refuses settings that go against each other.
	Check() error
	// Rate is the learning rate as given; the schedule multiplies it.
	Rate() float64
	// Slots names the tensors kept beside each parameter, all zeros at first.
	Slots() []string
	// Update changes s.W by one step, in one sweep over all parts, and leaves s.G
	// as it is. It does not allocate.
	Update(p *compute.Pool, s *Sweep)
}

// Sweep is all parameters in one step: arenas, and where in them each lies.
type Sweep struct {
	W, G  []float32
	Slots [][]float32 // as many as Slots names, laid out as W
	Parts []compute.Part
	LR    float64              // of this step
	Step  int                  // of the optimizer, from 1
	Scale float32              // G is multiplied by it first: clipping
	Stats []compute.SweepStats // one a part; nil: not wanted
}

// OptimizerKind is one row of Optimizers.
type OptimizerKind struct {
	Name    string
	Summary string
	New     func() Optimizer // with default settings
}

// Optimizers are all there are, the simplest first.
var Optimizers = []OptimizerKind{sgdKind, adamKind, adamwKind}

// NewOptimizer makes the optimizer that n names. file is for messages.
func NewOptimizer(file string, n model.Named) (Optimizer, error) {
	o, err := pick(file, "optimizer", n, Optimizers, func(k OptimizerKind) (string, Optimizer) { return k.Name, k.New() })
	if err != nil {
		return nil, err
	}
	return o, at(file, n.Pos, o.Check())
}

// configurable is what a row of one of the tables makes.
type configurable interface{ Fields() []layers.Field }

// pick finds n.Kind in table and gives it n's settings.
func pick[K any, T configurable](file, what string, n model.Named, table []K, row func(K) (string, T)) (T, error) {
	var none T
	var names []string
	for _, k := range table {
		name, made := row(k)
		if name == n.Kind {
			return made, apply(file, what+" "+name, made.Fields(), n.Settings)
		}
		names = append(names, name)
	}
	return none, at(file, n.Pos, fmt.Errorf("%s %q is unknown, wants %s%s", what, n.Kind, strings.Join(names, ", "), guess(n.Kind, names)))
}

// apply gives fields the values of settings.
func apply(file, what string, fields []layers.Field, settings []model.Setting) error {
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
next:
	for _, s := range settings {
		for _, f := range fields {
			if f.Name != s.Key {
				continue
			}
			v := s.Value
			if _, text := f.Ptr.(*string); text && len(f.Options) == 0 && len(v) > 1 {
				v = layers.Value{strings.Join(v, ", ")} // a list, which the owner takes apart
			}
			if err := f.Set(v); err != nil {
				return at(file, s.Pos, fmt.Errorf("%s: %w", what, err))
			}
			continue next
		}
		return at(file, s.Pos, fmt.Errorf("%s has no setting %q, wants %s%s", what, s.Key, list(names), guess(s.Key, names)))
	}
	return nil
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// at adds the place in the file to err, where there is one.
func at(file string, pos model.Pos, err error) error {
	if err == nil {
		return nil
	}
	if pos.Line > 0 {
		return &model.SyntaxError{File: file, Pos: pos, Msg: err.Error()}
	}
	return fmt.Errorf("train: %w", err)
}

// guess is ": did you mean x?" where one of names is near to word.
func guess(word string, names []string) string {
	best, limit := "", 3
	for _, n := range names {
		if d := distance(word, n); d < limit && d < len(n) {
			best, limit = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %s?", best)
}

// distance is the number of letters to insert, delete or change between a and
// b (Levenshtein, Binary codes capable of correcting deletions, insertions and
// reversals, 1966).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
