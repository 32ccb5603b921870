// Package layers holds the kinds of layers: one file a kind, and Catalog, the
// table of them all in palette order. A Layer is its settings and nothing
// else; shapes, costs and the two passes follow from them. The package knows
// no networks, files or screens: who feeds a layer, where its memory lies and
// when it runs is decided by package model.
//
// Adding a layer is one file, one test file and one line in the catalog; the
// palette, the form, the spec file, the summary, the gradient check and the
// benchmarks all walk the catalog.
package layers

import (
	"fmt"
	"strings"

	"layercake/compute"
)

// Layer is one node's settings and nothing else: weights, outputs and
// gradients belong to the Program and come in through Pass, so a Layer may be
// compiled twice. Shapes leave out the batch axis; in memory it comes first.
type Layer interface {
	// Fields are the settings: keys of the spec file and rows of the builder's form.
	Fields() []Field
	// Label says the settings that matter in a few signs: "3×3 · 16 /2".
	Label() string
	// Plan works out shapes, parameters and cost. Only here may a layer refuse,
	// with a *ShapeError. It takes microseconds and allocates no weights: the
	// builder calls it on every key.
	Plan(in []compute.Shape) (Plan, error)
	// Forward writes p.Out. Backward adds to p.Grads, or writes them where
	// p.Fresh says so, and sets p.DIn (see Pass).
	// Neither allocates, fails, or keeps p.
	Forward(p *Pass)
	Backward(p *Pass)
}

// Plan is what a layer does to inputs of known shapes.
type Plan struct {
	Out    compute.Shape
	Params []Param // trained
	State  []Param // kept and saved but not trained: running mean and variance
	// MACs are the multiply-adds of convolutions, matrix and attention products
	// for one sample, forward.
	MACs int64

	Saved   []Room // float32 buffers kept from Forward to Backward
	Marks   Room   // bytes kept from Forward to Backward
	Scratch Room   // float32s for the length of one pass

	// Reads says what Backward reads beside DOut, Params and Saved; the memory
	// of what it does not read is used again.
	Reads Reads
	// InPlace allows Out to lie on In[0] (and DIn[0] on DOut).
	InPlace bool
	// GradInPlace allows DIn[0] to lie on DOut where InPlace does not hold.
	GradInPlace bool
	// InferInPlace allows Out to lie on In[0] outside of training where InPlace
	// does not hold.
	InferInPlace bool
	// InPlaceOnSecond allows Out to lie on In[1] too, where there are two inputs.
	InPlaceOnSecond bool
	// View says that Out is In[0], bit for bit, under another shape: the layer
	// is never run, forward or backward.
	View bool
	// PassesGrad says that DIn[i] equals DOut for every i, as for a sum:
	// Backward is never run.
	PassesGrad bool
	// AddsGrad says that Backward heeds Pass.Add; for other layers the Program
	// hands in a buffer of its own and adds.
	AddsGrad bool
	// WritesGrads says that Backward heeds Pass.Fresh: that saves a sweep of zeros
	// over gradients and one that reads them. For other layers the Program clears.
	WritesGrads bool
	// Tokens says that the inputs are token ids, not real numbers.
	Tokens bool
	// AcrossTime says that a step of the output depends on other steps of the
	// input by another way than Carry: a network with such a layer cannot be run
	// step by step. It need not be said where Out is no sequence T×F of In[0]'s
	// length, for then it is plain.
	AcrossTime bool
	// Whole lists the inputs of which each step of the output may see all steps,
	// as cross-attention sees its memory. A network that is run step by step
	// hands them over in full; with Carry, they hold from Start = 0 on.
	Whole []int
	// Positions is how many positions there are, Start counted; 0: any number.
	Positions int
	// DropsLens says that the steps of Out are not those of In[0], though both
	// are as many. Otherwise Out is padded as In[0] is.
	DropsLens bool
	// Carry is what one Forward leaves to the next.
	Carry Carry
	// Window is how far one output element sees: for the receptive field.
	// The zero Window sees one element; Global sees everything.
	Window Window
}

// Carry is what a layer keeps of a sample from one Forward to the next: the
// state of a recurrent layer, the keys and values of attention. A Program that
// runs a network step by step, with sequences of length 1, gives it to every
// layer that asks; in all other programs only layers with Always have it.
type Carry struct {
	PerSample   int  // float32s
	PerPosition int  // float32s for each of Pass.Context positions
	Always      bool // in training too: gradients stop at the border of two batches
}

// At is the float32s for one sample and a context of so many positions.
func (c Carry) At(context int) int { return c.PerSample + c.PerPosition*context }

// Window is the reach of one output over the input's rows and columns.
type Window struct {
	Kernel, Stride [2]int // Kernel counts dilation: (k−1)·d + 1
	Global         bool
}

// Room is a size that may grow with the batch.
type Room struct{ PerSample, Fixed int }

// At is the size for n samples.
func (r Room) At(n int) int { return r.PerSample*n + r.Fixed }

// Reads is a set of what a backward pass looks at.
type Reads uint8

const (
	ReadsIn  Reads = 1 << iota // In
	ReadsOut                   // Out
)

// Param is one tensor that belongs to a layer.
type Param struct {
	Name  string        // "weight", "bias", "running_mean"
	Shape compute.Shape // as it lies in memory
	// Exchange lists the memory axes in the order in which PyTorch writes
	// them: [F, C, KH, KW] of a convolution's [KH, KW, C, F] is {3, 2, 0, 1}.
	// Nil says that both orders agree.
	Exchange []int
	Init     Init
	// Decay says that weight decay applies: weights yes, biases and norms no.
	Decay bool
}

// Pass is the memory of one node for one forward or backward pass over N
// samples. It belongs to the Program; a layer keeps nothing of it.
//
// Sequences of different lengths lie in batches padded to the longest:
// In[i].Lens[n] is how many steps of sample n are used, nil says all. Steps past
// it hold finite numbers without meaning, in In and in Out, and layers that look from
// one step to another must not look there. A length may be 0.
type Pass struct {
	N     int
	Train bool // batch statistics and dropout are on; Backward follows
	// Again says that Forward runs a second time in one step, on the same numbers, to
	// make anew what Backward reads: State has been moved by the first run and stays.
	Again bool
	Pool  *compute.Pool
	// Seed differs from node to node and step to step. Random numbers are
	// made from it and the element's index, so no state has to be kept.
	Seed uint64

	In  []compute.Tensor
	Out compute.Tensor

	// Carry is [N, Plan.Carry.At(Context)], zeros at first; nil where Forward begins
	// anew, at position 0 and with a state of zeros. Backward does not see it change
	// and sends no gradient into it.
	Carry   []float32
	Start   int // position in its sequence of the first step of In
	Context int // positions that Carry has room for

	Params, State [][]float32
	Saved         [][]float32
	Marks         []byte
	Scratch       []float32

	DOut compute.Tensor
	// DIn[i].Data is nil where nobody wants that gradient. Otherwise Backward
	// writes it, or adds to what is there where Add[i] is set (AddsGrad only).
	DIn   []compute.Tensor
	Add   []bool
	Grads [][]float32 // Backward adds; nil entries are frozen
	// Fresh says that Grads hold what is of no use any more: Backward writes all
	// of them instead of adding (WritesGrads only).
	Fresh bool
}

// ShapeError says that a layer cannot take what it was given.
type ShapeError struct {
	Got  []compute.Shape
	Want string // "one flat input"
	Cure string // "put a flatten before it"
}

func (e *ShapeError) Error() string {
	var got []string
	for _, s := range e.Got {
		got = append(got, s.String())
	}
	if len(got) == 0 {
		got = []string{"nothing"}
	}
	m := fmt.Sprintf("got %s, wants %s", strings.Join(got, " and "), e.Want)
	if e.Cure != "" {
		m += ": " + e.Cure
	}
	return m
}

// Kind is one row of the catalog.
type Kind struct {
	Name    string // as in the spec file: "conv2d"
	Short   string // in the stack's narrow column: "conv"; also the stem of generated names
	Family  Family
	Summary string // one line for the palette
	Card    Card
	New     func() Layer // with default settings
	// Ties names another kind whose parameters a node of this one may share, beside
	// those of its own; "" none.
	Ties string
	// Examples cover the settings that differ in code, edges included. The
	// gradient check, the round trip and the benchmarks walk them.
	Examples []Example
}

// Example is a layer with inputs that it takes.
type Example struct {
	Layer Layer
	In    []compute.Shape
	// Lens gives lengths to the samples of each input in turn, so that padding
	// is checked too; nil: all are full.
	Lens [][]int
}

// Composite is a layer made of others. It never runs: where a network file
// says it, its parts stand, a row each under a row of its own, so that each of
// them is seen at work. Its Plan is what Assemble makes of the parts.
type Composite interface {
	Layer
	// Parts are the layers for inputs of these shapes, in running order. The
	// last one's output is the composite's. Only here may it refuse.
	Parts(in []compute.Shape) ([]Part, error)
}

// Part is one layer of a Composite.
type Part struct {
	Name  string // "attention": of letters and digits, unique among the parts
	Kind  *Kind
	Layer Layer
	// From names the parts read, or "in" and "in2" for the composite's first and
	// second input; nil reads the part before, the first one "in".
	From []string
}

// Family groups the palette by purpose.
type Family string

const (
	Features   Family = "features"
	Sequence   Family = "sequence"
	Regularize Family = "regularize & normalize"
	Shrink     Family = "shrink"
	Flow       Family = "flow"
	Activation Family = "activations"
)

// Families in palette order.
var Families = []Family{Features, Sequence, Regularize, Shrink, Flow, Activation}

// Card explains a kind to a first-year student, in our own words.
type Card struct {
	What    string // two or three plain sentences
	Formula string
	Shapes  string // "C×H×W → F×H′×W′ with H′ = ⌊(H + 2p − d(k−1) − 1)/s⌋ + 1"
	Params  string // formula of the parameter count
	Cost    string // formula of the MACs
	When    string
	Instead string // what to use instead, and what that costs
	Source  string // "LeCun et al., Backpropagation applied to handwritten zip code recognition, 1989"
}
