package layers

import (
	"fmt"

	"layercake/compute"
)

// Dense is y = x·W + b, for a flat input or, with the same weights, for every
// step of a sequence.
//
//	x  [N, in] or [N, T, in]    y  [N, Units] or [N, T, Units]
//	W  [in, Units]              as Init says; uniform ±1/√in by default
//	b  [Units]                  absent without Bias
//
// T·in·Units multiply-adds a sample forward, twice that backward.
type Dense struct {
	Units int
	Bias  bool
	Init  string
	// Deviation, where above 0, is that of the normal numbers which W starts with in
	// place of Init; b then starts at 0.
	Deviation float64
}

var denseKind = &Kind{
	Name:    "dense",
	Short:   "dense",
	Family:  Features,
	Summary: "every output sees every input",
	Card: Card{
		What: "Each output is a weighted sum of all inputs plus a constant. Nothing is assumed about which inputs belong together, " +
			"so everything has to be learnt. On a sequence the same weights serve every step.",
		Formula: "y = x·W + b",
		Shapes:  "F → units; T×F → T×units",
		Params:  "F·units + units; weight decay takes the weights, not the bias",
		Cost:    "F·units a sample, T times that on a sequence",
		When:    "At the end of a network, to turn features into answers, and for tables, where columns have no order.",
		Instead: "On images use conv2d: a dense layer on 3×32×32 pixels needs 3072 weights for every output and must learn each place anew.",
		Source:  "Rosenblatt, The perceptron, 1958; trained by gradients in Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, 1986",
	},
	New: func() Layer { return &Dense{Units: 64, Bias: true, Init: initAuto} },
	Examples: []Example{
		{Layer: &Dense{Units: 3, Bias: true, Init: initAuto}, In: []compute.Shape{{4}}},
		{Layer: &Dense{Units: 1, Init: "he"}, In: []compute.Shape{{7}}},
		{Layer: &Dense{Units: 5, Bias: true, Init: "glorot"}, In: []compute.Shape{{3, 4}}},
		{Layer: &Dense{Units: 2, Bias: true, Init: initAuto}, In: []compute.Shape{{1, 1}}},
	},
}

// Fields are the settings.
func (d *Dense) Fields() []Field {
	return []Field{
		{Name: "units", Help: "number of outputs", Ptr: &d.Units, Min: 1, Max: 1 << 24},
		{Name: "bias", Help: "add a learnt constant to each output", Ptr: &d.Bias},
		initField(&d.Init),
		deviationField(&d.Deviation, "init"),
	}
}

// Label is the number of outputs.
func (d *Dense) Label() string { return fmt.Sprint(d.Units) }

// Plan refuses images, which have to be flattened first.
func (d *Dense) Plan(in []compute.Shape) (Plan, error) {
	s, err := one(in, "one flat input, or a sequence T×F")
	if err != nil {
		return Plan{}, err
	}
	if d.Units < 1 {
		return Plan{}, badSetting(in, "units", d.Units, 1)
	}
	if len(s) < 1 || len(s) > 2 {
		return Plan{}, &ShapeError{Got: in, Want: "one flat input, or a sequence T×F", Cure: "put a flatten before it"}
	}
	n, k := rows(s)
	out := append(compute.Shape(nil), s...)
	out[len(out)-1] = d.Units
	if _, ok := product(maxElements, out...); !ok {
		return Plan{}, tooLarge(in, "output", "use fewer units")
	}
	if _, ok := product(maxElements, k, d.Units); !ok {
		return Plan{}, tooLarge(in, "weight", "use fewer units or a smaller input")
	}
	macs, ok := product(maxMACs, n, k, d.Units)
	if !ok {
		return Plan{}, tooLarge(in, "work", "use fewer units or a smaller input")
	}
	weight, bias := initials(d.Init, k, d.Units)
	if d.Deviation > 0 {
		weight, bias = weight.deviated(d.Deviation), Init{Kind: InitConstant}
	}
	plan := Plan{
		Out:      out,
		Params:   []Param{{Name: "weight", Shape: compute.Shape{k, d.Units}, Exchange: []int{1, 0}, Init: weight, Decay: true}},
		MACs:     macs,
		Reads:    ReadsIn,
		AddsGrad: true, WritesGrads: true,
		Window: Window{Global: len(s) == 1}, // of a sequence each step is by itself
	}
	if d.Bias {
		plan.Params = append(plan.Params, Param{Name: "bias", Shape: compute.Shape{d.Units}, Init: bias})
	}
	return plan, nil
}

// Forward is y = x·W + b.
func (d *Dense) Forward(p *Pass) { d.forward(p, false) }

// ForwardReLU is y = max(x·W + b, 0), the bits of Forward and then relu.
func (d *Dense) ForwardReLU(p *Pass) { d.forward(p, true) }

func (d *Dense) forward(p *Pass, relu bool) {
	d.ForwardWith(p, p.Params[0], p.Out.Data, compute.Epilogue{Bias: p.param(1), ReLU: relu})
}

// ForwardWith is y = x·w with e instead of the layer's own weights and bias.
func (d *Dense) ForwardWith(p *Pass, w, y []float32, e compute.Epilogue) {
	n, k := rows(p.In[0].Shape)
	n *= p.N
	compute.Gemm(p.Pool, false, false, n, d.Units, k, p.In[0].Data, k, w, d.Units, y, d.Units, e)
}

// Backward is dW += xᵀ·dy, db += Σdy, dx = dy·Wᵀ; with Fresh dW and db are written.
func (d *Dense) Backward(p *Pass) {
	n, k := rows(p.In[0].Shape)
	n *= p.N
	dy := p.DOut.Data
	if dw := p.grad(0); dw != nil {
		compute.Gemm(p.Pool, true, false, k, d.Units, n, p.In[0].Data, k, dy, d.Units, dw, d.Units, compute.Epilogue{Add: !p.Fresh})
	}
	if db := p.grad(1); db != nil {
		compute.ColumnSum(p.Pool, n, d.Units, dy, db, !p.Fresh)
	}
	if dx := p.wanted(0); dx != nil {
		compute.Gemm(p.Pool, false, true, n, k, d.Units, dy, d.Units, p.Params[0], d.Units, dx, k, compute.Epilogue{Add: p.adds(0)})
	}
}

// Room is that of the weights' gradient.
func (d *Dense) Room(n int, in []compute.Shape) int {
	steps, k := rows(in[0])
	return compute.SumRoom(k, d.Units, n*steps)
}

// account is a product of steps, inputs and outputs.
func (d *Dense) account(in []compute.Shape) string {
	if n, k := rows(in[0]); n > 1 {
		return dots(n, k, d.Units)
	}
	return dots(in[0].Size(), d.Units)
}
