package layers

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// Init says how a parameter starts.
type Init struct {
	Kind   InitKind
	FanIn  int     // inputs that meet in one output
	FanOut int     // outputs that one input reaches
	Value  float64 // of InitConstant; of InitNormal and InitUniform the deviation and the bound
	Zeros  [2]int  // elements from the first number to below the second start at 0, whatever Kind says
}

// InitKind names a rule.
type InitKind string

const (
	InitConstant InitKind = "constant"
	// InitTorch is uniform ±1/√FanIn, PyTorch's default for linear and
	// convolution layers and their biases.
	InitTorch InitKind = "torch"
	// InitHe is normal with deviation √(2/FanIn): He et al., Delving deep into
	// rectifiers, 2015.
	InitHe InitKind = "he"
	// InitGlorot is uniform ±√(6/(FanIn+FanOut)): Glorot and Bengio,
	// Understanding the difficulty of training deep feedforward networks, 2010.
	InitGlorot InitKind = "glorot"
	// InitLecun is normal with deviation √(1/FanIn): LeCun et al., Efficient
	// backprop, 1998.
	InitLecun   InitKind = "lecun"
	InitNormal  InitKind = "normal"
	InitUniform InitKind = "uniform"
)

// Stream is the random stream that belongs to name under seed. Every node
// draws from its own, so adding a layer leaves the others' weights alone.
func Stream(seed uint64, name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// Fill gives w its first values.
func (i Init) Fill(w []float32, r *rand.Rand) {
	uniform := func(bound float64) {
		for j := range w {
			w[j] = float32((2*r.Float64() - 1) * bound)
		}
	}
	normal := func(dev float64) {
		for j := range w {
			w[j] = float32(r.NormFloat64() * dev)
		}
	}
	switch i.Kind {
	case InitTorch:
		uniform(1 / math.Sqrt(float64(i.FanIn)))
	case InitHe:
		normal(math.Sqrt(2 / float64(i.FanIn)))
	case InitGlorot:
		uniform(math.Sqrt(6 / float64(i.FanIn+i.FanOut)))
	case InitLecun:
		normal(math.Sqrt(1 / float64(i.FanIn)))
	case InitNormal:
		normal(i.Value)
	case InitUniform:
		uniform(i.Value)
	default:
		for j := range w {
			w[j] = float32(i.Value)
		}
	}
	clear(w[i.Zeros[0]:i.Zeros[1]])
}

// initAuto is the choice of the layer itself: PyTorch's.
const initAuto = "auto"

var initWords = []string{initAuto, string(InitTorch), string(InitHe), string(InitGlorot), string(InitLecun), "zeros"}

// initField is the setting that chooses how weights start.
func initField(word *string) Field {
	return Field{Name: "init", Help: "how the weights start; auto is uniform ±1/√fan-in", Ptr: word, Options: initWords}
}

// deviationField is the setting for weights that start with normal numbers of one
// deviation, whatever instead says otherwise.
func deviationField(dev *float64, instead string) Field {
	return Field{Name: "deviation", Help: "weights start normal, this far around 0 (GPT-2 has 0.02); 0: as " + instead + " says", Ptr: dev, Min: 0, Max: 100}
}

// deviated is i, or where dev is above 0 normal numbers of that deviation.
func (i Init) deviated(dev float64) Init {
	if dev > 0 {
		i.Kind, i.Value = InitNormal, dev
	}
	return i
}

// initials are the starts of a weight and its bias for a word of initWords.
// A bias starts at zero, except that PyTorch draws it like the weight.
func initials(word string, fanIn, fanOut int) (weight, bias Init) {
	weight = Init{Kind: InitKind(word), FanIn: fanIn, FanOut: fanOut}
	bias = Init{Kind: InitConstant}
	switch word {
	case initAuto, "", string(InitTorch):
		weight.Kind = InitTorch
		bias = weight
	case "zeros":
		weight = Init{Kind: InitConstant}
	}
	return weight, bias
}
