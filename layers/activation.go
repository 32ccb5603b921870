package layers

import (
	"fmt"

	"layercake/compute"
)

// Elementwise is y = f(x), one number at a time, on inputs of any shape. What
// f is follows from the kind; its formula stands on the card. No parameters, no
// multiply-adds.
type Elementwise struct {
	// Slope is leaky relu's below zero, and elu's α.
	Slope float64
	// Approximate chooses gelu's tanh formula.
	Approximate string

	act compute.Act
}

// activation is a row of the catalog for an elementwise function.
func activation(name string, act compute.Act, summary string, card Card) *Kind {
	card.Shapes = "unchanged"
	card.Params = "none"
	card.Cost = "no multiply-adds; " + card.Cost
	fresh := func() *Elementwise {
		e := &Elementwise{act: act}
		switch act {
		case compute.ActLeakyReLU:
			e.Slope = 0.01
		case compute.ActELU:
			e.Slope = 1
		case compute.ActGELU:
			e.Approximate = "none"
		}
		return e
	}
	k := &Kind{
		Name: name, Short: name, Family: Activation, Summary: summary, Card: card,
		New: func() Layer { return fresh() },
		Examples: []Example{
			{Layer: fresh(), In: []compute.Shape{{17}}},
			{Layer: fresh(), In: []compute.Shape{{3, 2, 3}}},
		},
	}
	switch act {
	case compute.ActGELU:
		e := fresh()
		e.Approximate = "tanh"
		k.Examples = append(k.Examples, Example{Layer: e, In: []compute.Shape{{4, 3}}})
	case compute.ActLeakyReLU, compute.ActELU:
		e := fresh()
		e.Slope = 0.3
		k.Examples = append(k.Examples, Example{Layer: e, In: []compute.Shape{{4, 3}}})
	}
	return k
}

const (
	costCheap = "one sweep over memory"
	costExp   = "one exponential an element"
)

var activationKinds = []*Kind{
	activation("relu", compute.ActReLU, "negative numbers become zero", Card{
		What: "Keeps positive numbers and turns negative ones into zero. Without something like it a stack of layers would be one linear layer. " +
			"Its slope is 1 where it is on, so gradients do not shrink; a unit that is off for every sample learns no more (it is dead).",
		Formula: "y = max(x, 0)",
		Cost:    costCheap,
		When:    "The first choice in convolutional and dense networks.",
		Instead: "leakyrelu if many units die; gelu or silu for a little accuracy in transformers and newer nets, at several times the cost.",
		Source:  "Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, 2010",
	}),
	activation("leakyrelu", compute.ActLeakyReLU, "negative numbers become small", Card{
		What:    "As relu, but negative numbers keep a small share of themselves. No unit can die, since there is always some slope.",
		Formula: "y = x above 0, slope·x below",
		Cost:    costCheap,
		When:    "When relu leaves many dead units, and in generators.",
		Instead: "relu is as good in most networks and gives true zeros.",
		Source:  "Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, 2013",
	}),
	activation("relu6", compute.ActReLU6, "relu with a ceiling of 6", Card{
		What:    "As relu, but never above 6. Numbers in a known range survive being stored in few bits.",
		Formula: "y = min(max(x, 0), 6)",
		Cost:    costCheap,
		When:    "In networks meant for phones, such as MobileNet.",
		Instead: "relu when nothing is going to be quantized: the ceiling also stops gradients.",
		Source:  "Krizhevsky, Convolutional deep belief networks on CIFAR-10, 2010",
	}),
	activation("elu", compute.ActELU, "negative numbers bend towards −α", Card{
		What:    "Positive numbers stay; negative ones bend smoothly towards −α. The mean of the outputs stays near zero, which helps learning.",
		Formula: "y = x above 0, α·(eˣ − 1) below",
		Cost:    costExp,
		When:    "In dense or convolutional stacks without normalization.",
		Instead: "relu behind batchnorm: the mean is zero already, and the exponential is saved.",
		Source:  "Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by exponential linear units, 2015",
	}),
	activation("selu", compute.ActSELU, "elu with constants that keep mean 0, spread 1", Card{
		What:    "An elu with two fixed constants, chosen so that mean 0 and spread 1 are kept from layer to layer without any normalization.",
		Formula: "y = 1.0507·x above 0, 1.7581·(eˣ − 1) below",
		Cost:    costExp,
		When:    "In deep stacks of dense layers with init lecun.",
		Instead: "batchnorm and relu, which also works with convolutions and skips.",
		Source:  "Klambauer et al., Self-normalizing neural networks, 2017",
	}),
	activation("gelu", compute.ActGELU, "x times the chance that a normal is below x", Card{
		What: "Weighs each number by the chance that a standard normal falls below it: large ones pass, very negative ones vanish, and in between the change is smooth. " +
			"The tanh form is the older approximation that GPT-2 was trained with.",
		Formula: "y = x·Φ(x);  tanh: y = ½x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))",
		Cost:    "one error function or exponential an element",
		When:    "In transformers.",
		Instead: "relu costs a fraction and is close behind in convolutional nets.",
		Source:  "Hendrycks and Gimpel, Gaussian error linear units, 2016",
	}),
	activation("silu", compute.ActSiLU, "x times its own sigmoid (swish)", Card{
		What:    "Each number times its own sigmoid: nearly x when large, nearly 0 when very negative, and a small dip below zero in between. Also called swish.",
		Formula: "y = x·σ(x) = x/(1 + e⁻ˣ)",
		Cost:    costExp,
		When:    "In EfficientNet and its kin, and, as a gate, in newer transformers.",
		Instead: "hardswish has the same form without the exponential; relu is cheaper still.",
		Source:  "Elfwing, Uchibe and Doya, Sigmoid-weighted linear units, 2017; Ramachandran, Zoph and Le, Searching for activation functions, 2017",
	}),
	activation("sigmoid", compute.ActSigmoid, "squeezes into 0 to 1", Card{
		What: "Squeezes any number into 0 to 1, so that it can be read as a chance or used as a gate. Far from zero it is flat, " +
			"and its slope is never above ¼: stacked sigmoids make gradients vanish.",
		Formula: "y = σ(x) = 1/(1 + e⁻ˣ)",
		Cost:    costExp,
		When:    "For gates, and at the very end for questions with yes or no.",
		Instead: "relu inside the network.",
		Source:  "Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, 1986",
	}),
	activation("tanh", compute.ActTanh, "squeezes into −1 to 1", Card{
		What:    "Squeezes any number into −1 to 1. Around zero it is nearly the identity, far out it is flat and learns no more.",
		Formula: "y = tanh x = (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ)",
		Cost:    costExp,
		When:    "In LeNet, recurrent layers, and where outputs must have a bound and a sign.",
		Instead: "relu in deep networks: the slope of tanh is below 1 nearly everywhere, and products of many such slopes vanish.",
		Source:  "LeCun et al., Efficient backprop, 1998",
	}),
	activation("softplus", compute.ActSoftplus, "a smooth relu, always positive", Card{
		What:    "A relu with a rounded corner. The result is always above zero.",
		Formula: "y = ln(1 + eˣ)",
		Cost:    "one exponential and one logarithm an element",
		When:    "At an output that must be positive, such as a variance or a rate.",
		Instead: "relu inside the network: the rounded corner brings nothing there.",
		Source:  "Dugas et al., Incorporating second-order functional knowledge for better option pricing, 2000",
	}),
	activation("hardsigmoid", compute.ActHardSigmoid, "a sigmoid of three straight lines", Card{
		What:    "A sigmoid made of three straight lines: 0 up to −3, 1 from 3 on, a ramp in between.",
		Formula: "y = min(max(x + 3, 0), 6)/6",
		Cost:    costCheap,
		When:    "For the gates of squeeze-and-excite blocks on phones (MobileNetV3).",
		Instead: "sigmoid where a slope is needed everywhere.",
		Source:  "Howard et al., Searching for MobileNetV3, 2019",
	}),
	activation("hardswish", compute.ActHardSwish, "a silu without the exponential", Card{
		What:    "x times hardsigmoid: nearly the form of silu, made of straight lines and a piece of a parabola.",
		Formula: "y = x·min(max(x + 3, 0), 6)/6",
		Cost:    costCheap,
		When:    "In the later layers of networks for phones.",
		Instead: "relu in the early layers, where images are large and every sweep counts.",
		Source:  "Howard et al., Searching for MobileNetV3, 2019",
	}),
}

// Fields are those that the function has.
func (e *Elementwise) Fields() []Field {
	switch e.act {
	case compute.ActLeakyReLU:
		return []Field{{Name: "slope", Help: "slope below zero", Ptr: &e.Slope, Min: 1e-6, Max: 1}}
	case compute.ActELU:
		return []Field{{Name: "alpha", Help: "how far below zero the result can go", Ptr: &e.Slope, Min: 1e-6, Max: 100}}
	case compute.ActGELU:
		return []Field{{Name: "approximate", Help: "tanh is the older formula of GPT-2", Ptr: &e.Approximate, Options: []string{"none", "tanh"}}}
	}
	return nil
}

// Label is the slope where there is one.
func (e *Elementwise) Label() string {
	switch e.act {
	case compute.ActLeakyReLU, compute.ActELU:
		return fmt.Sprintf("%g", e.Slope)
	case compute.ActGELU:
		if e.Approximate == "tanh" {
			return "tanh"
		}
	}
	return ""
}

// Function is the activation with the settings put in, and its parameter.
func (e *Elementwise) Function() (act compute.Act, alpha float32) {
	if e.act == compute.ActGELU && e.Approximate == "tanh" {
		return compute.ActGELUTanh, 0
	}
	return e.act, float32(e.Slope)
}

// Plan takes anything.
func (e *Elementwise) Plan(in []compute.Shape) (Plan, error) {
	s, err := one(in, "one input")
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{Out: s, Reads: ReadsOut, InPlace: true, GradInPlace: true}
	if act, _ := e.Function(); act.ReadsInput() {
		plan.Reads, plan.InPlace, plan.InferInPlace = ReadsIn, false, true
	}
	return plan, nil
}

// Forward is y = f(x).
func (e *Elementwise) Forward(p *Pass) {
	act, alpha := e.Function()
	compute.ActForward(p.Pool, act, alpha, p.In[0].Data, p.Out.Data)
}

// Backward is dx = dy·f′, worked out from what Plan says it reads.
func (e *Elementwise) Backward(p *Pass) {
	dx := p.wanted(0)
	if dx == nil {
		return
	}
	act, alpha := e.Function()
	if act.ReadsInput() {
		compute.ActBackward(p.Pool, act, alpha, p.In[0].Data, nil, p.DOut.Data, dx)
		return
	}
	compute.ActBackward(p.Pool, act, alpha, nil, p.Out.Data, p.DOut.Data, dx)
}
