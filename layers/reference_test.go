package layers_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"layercake/compute"
	"layercake/layers"
)

// reference is one case of testdata, made by internal/reference with PyTorch.
// Numbers lie in PyTorch's axis order.
type reference struct {
	Kind, Name string
	Settings   map[string]layers.Value
	Batch      int
	In         []compute.Shape
	X          [][]float32
	Lens       [][]int32 // of padded inputs
	Params     map[string][]float32
	State      map[string][]float32
	OutShape   compute.Shape `json:"out_shape"`
	Out        []float32
	OutEval    []float32 `json:"out_eval"`
	DOut       []float32
	DX         [][]float32
	DParams    map[string][]float32
	StateAfter map[string][]float32 `json:"state_after"`
}

func readReference(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// TestReference compares every layer with PyTorch: the output to 1e-4, the
// gradients to 1e-3.
func TestReference(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "crossentropy.json") {
			continue
		}
		var cases []reference
		readReference(t, file, &cases)
		for _, c := range cases {
			seen[c.Kind] = true
			t.Run(c.Kind+"/"+c.Name, func(t *testing.T) { c.check(t) })
		}
	}
	for _, k := range layers.Catalog {
		if _, ok := k.New().(layers.Composite); ok {
			continue // its parts have them
		}
		// What falls is drawn by ourselves; nothing of PyTorch's can agree with it.
		drops := k.Name == "dropout" || k.Name == "dropout2d" || k.Name == "droppath"
		if !seen[k.Name] && !drops {
			t.Errorf("%s has no reference numbers", k.Name)
		}
	}
}

func (c *reference) check(t *testing.T) {
	k := layers.Lookup(c.Kind)
	if k == nil {
		t.Fatalf("no kind %s in the catalog", c.Kind)
	}
	l := k.New()
	left := len(c.Settings)
	for _, f := range l.Fields() {
		if v, ok := c.Settings[f.Name]; ok {
			left--
			if err := f.Set(v); err != nil {
				t.Fatal(err)
			}
		}
	}
	if left > 0 {
		t.Fatalf("some of the settings %v are not the layer's", c.Settings)
	}
	plan, err := l.Plan(c.In)
	if err != nil {
		t.Fatal(err)
	}
	if !plan.Out.Equal(c.OutShape) {
		t.Fatalf("output is %v, PyTorch's is %v", plan.Out, c.OutShape)
	}
	if len(plan.Params) != len(c.Params) || len(plan.State) != len(c.State) {
		t.Fatalf("%d parameters and %d states, PyTorch has %d and %d", len(plan.Params), len(plan.State), len(c.Params), len(c.State))
	}

	p := &layers.Pass{N: c.Batch, Train: true, Seed: 1, Add: make([]bool, len(c.In))}
	for i, s := range c.In {
		p.In = append(p.In, compute.Tensor{Shape: s, Data: toMemory(c.X[i], c.Batch, s)})
		if i < len(c.Lens) {
			p.In[i].Lens = c.Lens[i]
		}
		d := compute.Tensor{Shape: s}
		if !plan.Tokens {
			d.Data = make([]float32, len(c.X[i]))
		}
		p.DIn = append(p.DIn, d)
	}
	p.Out = compute.Tensor{Shape: plan.Out, Data: make([]float32, len(c.Out))}
	p.DOut = compute.Tensor{Shape: plan.Out, Data: toMemory(c.DOut, c.Batch, plan.Out)}
	for _, q := range plan.Params {
		p.Params = append(p.Params, fromExchange(c.Params[q.Name], q))
		p.Grads = append(p.Grads, make([]float32, q.Shape.Size()))
	}
	for _, q := range plan.State {
		p.State = append(p.State, fromExchange(c.State[q.Name], q))
	}
	for _, r := range plan.Saved {
		p.Saved = append(p.Saved, make([]float32, r.At(c.Batch)))
	}
	p.Marks = make([]byte, plan.Marks.At(c.Batch))
	p.Scratch = make([]float32, plan.Scratch.At(c.Batch))

	l.Forward(p)
	near(t, "output", p.Out.Data, toMemory(c.Out, c.Batch, plan.Out), 1e-4)
	l.Backward(p)
	for i := range c.DX {
		near(t, fmt.Sprintf("gradient of input %d", i), p.DIn[i].Data, toMemory(c.DX[i], c.Batch, c.In[i]), 1e-3)
	}
	for i, q := range plan.Params {
		near(t, "gradient of "+q.Name, p.Grads[i], fromExchange(c.DParams[q.Name], q), 1e-3)
	}
	for i, q := range plan.State {
		near(t, q.Name, p.State[i], fromExchange(c.StateAfter[q.Name], q), 1e-4)
	}
	if c.OutEval != nil {
		p.Train = false
		l.Forward(p)
		near(t, "output outside training", p.Out.Data, toMemory(c.OutEval, c.Batch, plan.Out), 1e-4)
	}
}

// near compares to tol of the largest number wanted.
func near(t *testing.T, what string, got, want []float32, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s has %d numbers, want %d", what, len(got), len(want))
		return
	}
	largest := 0.
	for _, w := range want {
		largest = max(largest, math.Abs(float64(w)))
	}
	for i := range got {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= tol*largest+1e-7) {
			t.Errorf("%s: element %d is %v, want %v", what, i, got[i], want[i])
			return
		}
	}
}

// toMemory turns n samples from channels first to channels last.
func toMemory(x []float32, n int, s compute.Shape) []float32 {
	if len(s) != 3 {
		return append([]float32(nil), x...)
	}
	y := make([]float32, len(x))
	compute.NCHWToNHWC(nil, n, s[0], s[1], s[2], x, y, false)
	return y
}

// fromExchange turns a parameter from PyTorch's axis order to that of memory.
func fromExchange(x []float32, p layers.Param) []float32 {
	if p.Exchange == nil {
		return append([]float32(nil), x...)
	}
	y := make([]float32, len(x))
	at := make([]int, len(p.Shape)) // index along each axis of memory
	for i := range x {
		o := 0
		for a, d := range p.Shape {
			o = o*d + at[a]
		}
		y[o] = x[i]
		for e := len(p.Exchange) - 1; e >= 0; e-- { // the last axis of PyTorch runs fastest
			a := p.Exchange[e]
			if at[a]++; at[a] < p.Shape[a] {
				break
			}
			at[a] = 0
		}
	}
	return y
}

// TestCrossEntropyReference compares the loss and its gradient with PyTorch.
func TestCrossEntropyReference(t *testing.T) {
	var cases []struct {
		Name       string
		Rows, Cols int
		Smoothing  float32
		X          []float32
		Labels     []int32
		Loss       float64
		DX         []float32
	}
	readReference(t, "testdata/crossentropy.json", &cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			dx := make([]float32, len(c.X))
			loss, _ := compute.CrossEntropy(nil, c.Rows, c.Cols, c.X, c.Labels, nil, c.Smoothing, dx, 1)
			if math.Abs(loss-c.Loss) > 1e-4*c.Loss {
				t.Errorf("loss is %v, want %v", loss, c.Loss)
			}
			near(t, "gradient", dx, c.DX, 1e-3)
		})
	}
}
