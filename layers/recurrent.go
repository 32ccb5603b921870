package layers

import (
	"fmt"
	"strings"

	"layercake/compute"
)

// Recurrent are the settings that rnn, lstm and gru share, and all that they
// do but for the cell.
//
//	x              [N, T, in]
//	y              [N, T, D·Units], or [N, D·Units] of the last step; D is 2 if Bidirectional, else 1
//	weight_ih_lL   [in, G·Units]     uniform ±1/√Units, as are all; in is D·Units from layer 1 on
//	weight_hh_lL   [Units, G·Units]  G is 1 for rnn, 4 for lstm (i f g o), 3 for gru (r z n)
//	bias_ih_lL     [G·Units]         absent without Bias, as is the next
//	bias_hh_lL     [G·Units]
//
// Names and order are PyTorch's, those of the way back end in _reverse. Inside,
// memory is ordered by time first, so that a step is one product for all
// samples, and what the input gives to all steps is one product too; so are
// the gradients of all weights. T·G·Units·(in + Units) multiply-adds a sample,
// layer and direction, twice that backward.
//
// Of a padded sequence the steps past its length give 0, the last step is
// the last used one, and the way back begins there.
type Recurrent struct {
	Units         int
	Layers        int
	Bidirectional bool
	Dropout       float64 // between layers
	Return        string  // wholeSequence or lastStep
	Stateful      bool
	Bias          bool
}

const (
	wholeSequence = "sequence"
	lastStep      = "last"
	// evalBlock is the number of steps whose inputs are multiplied at once
	// outside of training, where the gates of few steps are kept.
	evalBlock = 16
)

func defaultRecurrent() Recurrent {
	return Recurrent{Units: 128, Layers: 1, Return: wholeSequence, Bias: true}
}

// recurrentExamples are those of every kind: one unit and many, one step, no
// bias, both ends, stacks, padding, a state that is carried on.
func recurrentExamples(layer func(Recurrent) Layer) []Example {
	return []Example{
		{Layer: layer(Recurrent{Units: 3, Layers: 1, Return: wholeSequence, Bias: true}), In: []compute.Shape{{4, 2}}},
		{Layer: layer(Recurrent{Units: 1, Layers: 1, Return: wholeSequence}), In: []compute.Shape{{1, 1}}},
		{Layer: layer(Recurrent{Units: 17, Layers: 1, Return: lastStep, Bias: true}), In: []compute.Shape{{2, 3}}},
		{Layer: layer(Recurrent{Units: 2, Layers: 3, Return: wholeSequence, Bias: true, Dropout: 0.3}), In: []compute.Shape{{3, 5}}},
		{Layer: layer(Recurrent{Units: 3, Layers: 2, Return: wholeSequence, Bias: true, Bidirectional: true}), In: []compute.Shape{{5, 2}}, Lens: [][]int{{3, 4, 0}}},
		{Layer: layer(Recurrent{Units: 2, Layers: 1, Return: lastStep, Bias: true, Bidirectional: true}), In: []compute.Shape{{4, 3}}, Lens: [][]int{{2, 4, 3}}},
		{Layer: layer(Recurrent{Units: 3, Layers: 2, Return: lastStep, Bias: true, Stateful: true}), In: []compute.Shape{{3, 2}}, Lens: [][]int{{3, 0, 2}}},
		{Layer: layer(Recurrent{Units: 2, Layers: 2, Return: wholeSequence, Bias: true, Stateful: true}), In: []compute.Shape{{4, 2}}},
	}
}

func (r *Recurrent) fields() []Field {
	return []Field{
		{Name: "units", Help: "numbers in the state", Ptr: &r.Units, Min: 1, Max: 1 << 16},
		{Name: "layers", Help: "how many are stacked, each reading the one below", Ptr: &r.Layers, Min: 1, Max: 64},
		{Name: "bidirectional", Help: "read from the end too and put both states side by side", Ptr: &r.Bidirectional},
		{Name: "dropout", Help: "share of the numbers dropped between stacked layers", Ptr: &r.Dropout, Min: 0, Max: 0.99},
		{Name: "return", Help: "every step's state, or the last one's alone", Ptr: &r.Return, Options: []string{wholeSequence, lastStep}},
		{Name: "stateful", Help: "go on in each batch from the state that the last one ended with", Ptr: &r.Stateful},
		{Name: "bias", Help: "add learnt constants", Ptr: &r.Bias},
	}
}

func (r *Recurrent) label() string {
	s := fmt.Sprint(r.Units)
	if r.Layers > 1 {
		s += fmt.Sprintf(" ×%d", r.Layers)
	}
	if r.Bidirectional {
		s += " ⇄"
	}
	if r.Return == lastStep {
		s += " last"
	}
	return s
}

func (r *Recurrent) ways() int {
	if r.Bidirectional {
		return 2
	}
	return 1
}

// recurrentSizes are those of one sample.
type recurrentSizes struct {
	in, units, layers, directions int
	wide                          int // of a layer's output: directions·units
	cols                          int // of the weights
	own                           int // of cols: their gradient is the same for input and state
	row                           int // of the gates
	cells                         int // 1 if there are cells beside states
}

func (r *Recurrent) sizes(cell compute.Cell, in int) recurrentSizes {
	s := recurrentSizes{in: in, units: r.Units, layers: r.Layers, directions: r.ways()}
	s.wide = s.directions * s.units
	s.cols, s.row = cell.Products()*s.units, cell.Gates()*s.units
	s.own = s.cols
	switch cell {
	case compute.CellLSTM:
		s.cells = 1
	case compute.CellGRU:
		s.own = 2 * s.units
	}
	return s
}

// width is the number of inputs of layer l.
func (s *recurrentSizes) width(l int) int {
	if l == 0 {
		return s.in
	}
	return s.wide
}

// saved is what training keeps of one sample: by layer the states, by
// direction the gates and cells, and what dropout left.
func (s *recurrentSizes) saved(t int, dropout bool) int {
	n := s.layers * ((t+2)*s.wide + s.directions*(t*s.row+2*s.cells*(t+2)*s.units))
	if dropout {
		n += (s.layers - 1) * t * s.wide
	}
	return n
}

// scratch is the input by time, and either the gradients of a layer's
// states and cells, or what training would have kept: two layers' states, the
// gates of a block of steps, cells.
func (s *recurrentSizes) scratch(t int) int {
	back := (t+2)*s.wide + s.wide
	eval := min(s.layers, 2)*(t+2)*s.wide + s.directions*(min(t, evalBlock)*s.row+2*s.cells*s.units)
	return t*s.in + max(back, eval)
}

// fixed is the scratch that does not grow with the batch: weights packed, and
// sums of biases.
func (s *recurrentSizes) fixed(cell compute.Cell) int {
	return s.directions * (compute.PackRecurrentSize(cell, s.units) + s.row)
}

func (r *Recurrent) plan(cell compute.Cell, in []compute.Shape) (Plan, error) {
	const want = "one sequence T×F"
	x, err := one(in, want)
	if err != nil {
		return Plan{}, err
	}
	switch {
	case r.Units < 1:
		return Plan{}, badSetting(in, "units", r.Units, 1)
	case r.Units > maxElements || r.Layers > maxElements:
		return Plan{}, tooLarge(in, "states", "use fewer units or layers")
	case r.Layers < 1:
		return Plan{}, badSetting(in, "layers", r.Layers, 1)
	case !(r.Dropout >= 0 && r.Dropout < 1):
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("a dropout from 0 to below 1, not %g", r.Dropout), Cure: "set dropout to 0.2"}
	case r.Return != wholeSequence && r.Return != lastStep:
		return Plan{}, &ShapeError{Got: in, Want: fmt.Sprintf("return of sequence or last, not %q", r.Return), Cure: "set return to sequence"}
	case r.Stateful && r.Bidirectional:
		return Plan{}, &ShapeError{Got: in, Want: "stateful or bidirectional, not both: the way back begins at a batch's end, of which the batch before knows nothing",
			Cure: "turn one of them off"}
	case len(x) != 2:
		return Plan{}, &ShapeError{Got: in, Want: want, Cure: "put an embedding before it, or a reshape that says which axis is time"}
	}
	t := x[0]
	s := r.sizes(cell, x[1])
	if _, ok := product(maxElements, t+2, 12, s.layers, s.wide); !ok {
		return Plan{}, tooLarge(in, "states", "use fewer units or layers or shorter sequences")
	}
	widest := max(s.in, s.wide)
	if _, ok := product(maxElements, widest, s.cols); !ok {
		return Plan{}, tooLarge(in, "weight", "use fewer units or a smaller input")
	}
	if _, ok := product(maxMACs, t, s.layers*s.directions, s.cols, widest+s.units); !ok {
		return Plan{}, tooLarge(in, "work", "use fewer units or shorter sequences")
	}
	inputs := s.in + (s.layers-1)*s.wide + s.layers*s.units // of all layers in one direction, the states' among them
	plan := Plan{
		Out:        compute.Shape{t, s.wide},
		MACs:       int64(t) * int64(s.directions) * int64(s.cols) * int64(inputs),
		Saved:      []Room{{PerSample: s.saved(t, r.drops())}},
		Scratch:    Room{PerSample: s.scratch(t), Fixed: s.fixed(cell)},
		Reads:      ReadsIn,
		AcrossTime: r.Bidirectional,
		Window:     Window{Global: true},
	}
	if r.drops() {
		plan.Marks = Room{PerSample: (s.layers - 1) * t * s.wide}
	}
	if r.Return == lastStep {
		plan.Out = compute.Shape{s.wide}
	}
	if !r.Bidirectional {
		plan.Carry = Carry{PerSample: s.layers * (1 + s.cells) * s.units, Always: r.Stateful}
	}
	init := Init{Kind: InitTorch, FanIn: s.units}
	for l := range s.layers {
		for d := range s.directions {
			end := fmt.Sprintf("_l%d", l)
			if d == 1 {
				end += "_reverse"
			}
			plan.Params = append(plan.Params,
				Param{Name: "weight_ih" + end, Shape: compute.Shape{s.width(l), s.cols}, Exchange: []int{1, 0}, Init: init, Decay: true},
				Param{Name: "weight_hh" + end, Shape: compute.Shape{s.units, s.cols}, Exchange: []int{1, 0}, Init: init, Decay: true})
			if r.Bias {
				plan.Params = append(plan.Params,
					Param{Name: "bias_ih" + end, Shape: compute.Shape{s.cols}, Init: init},
					Param{Name: "bias_hh" + end, Shape: compute.Shape{s.cols}, Init: init})
			}
		}
	}
	return plan, nil
}

// drops says whether anything is dropped in training.
func (r *Recurrent) drops() bool { return r.Dropout > 0 && r.Layers > 1 }

// first is the index of the first parameter of a layer and direction.
func (r *Recurrent) first(l, d int) int {
	each := 2
	if r.Bias {
		each = 4
	}
	return (l*r.ways() + d) * each
}

// account is, layer by layer, each step's gates of its input and of the state before.
func (r *Recurrent) account(cell compute.Cell, in []compute.Shape) string {
	s := r.sizes(cell, in[0][1])
	var terms []string
	for l := range s.layers {
		steps := fmt.Sprint(in[0][0])
		if s.directions > 1 {
			steps = dots(in[0][0], s.directions)
		}
		terms = append(terms, fmt.Sprintf("%s·%d·(%d + %d)", steps, s.cols, s.width(l), s.units))
	}
	return strings.Join(terms, " + ")
}
