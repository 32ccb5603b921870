package layers

import (
	"fmt"
	"math"

	"layercake/compute"
)

// transformer is what encoder and decoder layers of a transformer share.
type transformer struct {
	Heads      int
	KVHeads    int // 0: as many as Heads
	FF         int // width between the two dense layers; 0: four times the input's
	Norm       string
	Normalize  string
	Activation string
	Dropout    float64
	Rotary     bool
	Bias       bool
	// Deviation, where above 0, is that of the normal numbers that all weights
	// start with; with Depth, those that end a half have it divided by the root of the
	// number of halves in so many layers, so that the sum of them all starts as
	// large in deep stacks as in shallow ones (GPT-2).
	Deviation float64
	Depth     int
}

// Where norms stand, and what is between the dense layers.
const (
	preNorm  = "pre"
	postNorm = "post"
	swiglu   = "swiglu"
)

func newTransformer() transformer {
	return transformer{Heads: 4, Norm: preNorm, Normalize: layerNormKind.Name, Activation: "gelu", Bias: true}
}

func (t *transformer) fields() []Field {
	return []Field{
		{Name: "heads", Help: "parts of attention that look for themselves", Ptr: &t.Heads, Min: 1, Max: 1 << 16},
		{Name: "kv_heads", Help: "keys and values shared by groups of heads; auto: one for each", Ptr: &t.KVHeads, Min: 0, Max: 1 << 16, Optional: true},
		{Name: "ff", Help: "width of the feed-forward half; auto: four times the input's", Ptr: &t.FF, Min: 0, Max: 1 << 24, Optional: true},
		{Name: "norm", Help: "before each half (GPT-2 and later) or behind its sum (2017)", Ptr: &t.Norm, Options: []string{preNorm, postNorm}},
		{Name: "normalize", Help: "which norm", Ptr: &t.Normalize, Options: []string{layerNormKind.Name, rmsNormKind.Name}},
		{Name: "activation", Help: "between the dense layers; swiglu has a third one as gate", Ptr: &t.Activation, Options: []string{"relu", "gelu", "gelu_tanh", "silu", swiglu}},
		{Name: "dropout", Help: "share dropped of attention's weights, of the activation, and of what each half adds", Ptr: &t.Dropout, Min: 0, Max: 0.99},
		{Name: "rotary", Help: "turn queries and keys by their place", Ptr: &t.Rotary},
		{Name: "bias", Help: "add learnt constants to all projections and norms", Ptr: &t.Bias},
		{Name: "deviation", Help: "weights start normal, this far around 0 (GPT-2 has 0.02); 0: by each part's own rule", Ptr: &t.Deviation, Min: 0, Max: 100},
		{Name: "depth", Help: "layers in the stack, for weights that end a half: deviation/√(halves·depth) (GPT-2); 0: no", Ptr: &t.Depth, Min: 0, Max: 1 << 16},
	}
}

func (t *transformer) label() string {
	l := fmt.Sprintf("%d heads", t.Heads)
	if t.FF > 0 {
		l += fmt.Sprintf(" · %d", t.FF)
	}
	if t.Norm == postNorm {
		l += " post"
	}
	return l
}

// stack is a list of parts being written.
type stack struct{ list []Part }

func (s *stack) add(name string, k *Kind, l Layer, from ...string) string {
	if from != nil && from[0] == "" {
		from = nil
	}
	s.list = append(s.list, Part{Name: name, Kind: k, Layer: l, From: from})
	return name
}

// half wraps work in a norm and a sum around it: pre x + work(norm(x)), post
// norm(x + work(x)). It returns the name of the result.
func (t *transformer) half(s *stack, number, x string, work func(from string) string) string {
	norm := func(from string) string {
		if t.Normalize == rmsNormKind.Name {
			return s.add("norm"+number, rmsNormKind, rmsNormKind.New(), from)
		}
		return s.add("norm"+number, layerNormKind, &LayerNorm{Eps: 1e-5, Affine: true, Bias: t.Bias}, from)
	}
	if t.Norm == postNorm {
		return norm(s.add("add"+number, addKind, addKind.New(), x, t.drop(s, "drop"+number, work(x))))
	}
	return s.add("add"+number, addKind, addKind.New(), x, t.drop(s, "drop"+number, work(norm(x))))
}

// drop adds a dropout behind from where one is set.
func (t *transformer) drop(s *stack, name, from string) string {
	if t.Dropout == 0 {
		return from
	}
	return s.add(name, dropoutKind, &Dropout{Rate: t.Dropout}, from)
}

func (t *transformer) attention(causal bool, halves int) *Attention {
	return &Attention{Heads: t.Heads, KVHeads: t.KVHeads, Causal: causal, Bias: t.Bias, Dropout: t.Dropout, Rotary: t.Rotary,
		Deviation: t.Deviation, OutDeviation: t.last(halves)}
}

// last is the deviation of weights that end a half, in a layer of so many.
func (t *transformer) last(halves int) float64 {
	if t.Depth == 0 {
		return t.Deviation
	}
	return t.Deviation / math.Sqrt(float64(halves)*float64(t.Depth))
}

// feed is the feed-forward work on a sequence of width f, in a layer of so many halves.
func (t *transformer) feed(s *stack, f, halves int) func(from string) string {
	ff := t.FF
	if ff == 0 {
		ff = 4 * f
	}
	return func(from string) string {
		if t.Activation == swiglu {
			s.add("ff1", denseKind, &Dense{Units: 2 * ff, Bias: t.Bias, Init: initAuto, Deviation: t.Deviation}, from)
			s.add("swiglu", gluKind, &GLU{Activation: "silu"})
		} else {
			s.add("ff1", denseKind, &Dense{Units: ff, Bias: t.Bias, Init: initAuto, Deviation: t.Deviation}, from)
			name, layer := t.Activation, Layer(nil)
			if name == "gelu_tanh" {
				name = "gelu"
			}
			k := Lookup(name)
			layer = k.New()
			if e, ok := layer.(*Elementwise); ok && t.Activation == "gelu_tanh" {
				e.Approximate = "tanh"
			}
			s.add(k.Name, k, layer)
		}
		t.drop(s, "dropff", "")
		return s.add("ff2", denseKind, &Dense{Units: f, Bias: t.Bias, Init: initAuto, Deviation: t.last(halves)})
	}
}

// check refuses settings that no part would.
func (t *transformer) check(in []compute.Shape, want string, count int) error {
	if len(in) != count {
		return &ShapeError{Got: in, Want: want, Cure: "name what it reads in from"}
	}
	for _, s := range in {
		if len(s) != 2 {
			return &ShapeError{Got: in, Want: want, Cure: "put an embedding, or tokens of an image, before it"}
		}
	}
	if t.Heads < 1 {
		return badSetting(in, "heads", t.Heads, 1)
	}
	if t.Depth < 0 {
		return badSetting(in, "depth", t.Depth, 0)
	}
	if t.Depth > 0 && !(t.Deviation > 0) {
		return &ShapeError{Got: in, Want: "a deviation for depth to make smaller", Cure: "set deviation to 0.02, or depth to 0"}
	}
	if t.FF < 0 || t.FF > 1<<24 || t.FF == 0 && in[0][1] > 1<<22 {
		return tooLarge(in, "feed-forward width", "set a smaller ff")
	}
	return nil
}
