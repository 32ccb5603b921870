package model

import (
	"fmt"
	"strings"

	"layercake/compute"
)

// Adapt fits a network to data: its input gets the data's shape, and the layer
// that makes its output the number of classes (0: leave the output alone). The
// text says in one sentence what was changed, empty for nothing; nobody adapts
// in silence. Where that cannot be done, the Spec is nil and the text is the
// reason. Whether the layers between take the new shape is for Resolve to say.
func Adapt(s *Spec, input compute.Shape, classes int) (*Spec, string) {
	if len(s.Inputs) != 1 {
		return nil, fmt.Sprintf("it has %d inputs, wants one to fit to data", len(s.Inputs))
	}
	if s.Inputs[0].Tokens > 0 && !s.Inputs[0].Shape.Equal(input) {
		return nil, fmt.Sprintf("it reads tokens of length %s, and the data has the shape %s", s.Inputs[0].Shape, input)
	}
	var changes []string
	file := s.File
	if old := s.Inputs[0].Shape; !old.Equal(input) {
		var err error
		if s, err = SetInput(s, 0, input, 0); err != nil {
			return nil, err.Error()
		}
		changes = append(changes, fmt.Sprintf("the input from %s to %s", old, input))
	}
	out := s
	if g := Resolve(s); classes > 0 && g.Err == nil {
		if have := width(g); have != classes {
			var why string
			if out, why = setClasses(s, g, classes); out == nil {
				return nil, why
			}
			changes = append(changes, fmt.Sprintf("the outputs from %d to %d", have, classes))
		}
	}
	if len(changes) == 0 {
		return s, ""
	}
	// Places in the file still hold: no layer has moved.
	fitted := *out
	fitted.File = file
	return &fitted, fmt.Sprintf("%s: changed %s to fit the data", fitted.title(), strings.Join(changes, " and "))
}

func (s *Spec) title() string {
	if s.Name != "" {
		return s.Name
	}
	return "the network"
}

// width is the length of the last axis of vectors and sequences, the channels
// of images: what a loss counts classes by.
func width(g *Graph) int {
	out := g.Nodes[g.Output].Plan.Out
	switch len(out) {
	case 0:
		return 0
	case 3:
		return out[0]
	}
	return out[len(out)-1]
}

// setClasses sets the units of the dense layer, or the filters of the
// convolution, that the output's width comes from.
func setClasses(s *Spec, g *Graph, classes int) (*Spec, string) {
	have := width(g)
	n := &g.Nodes[g.Output]
	for n.Kind != nil && len(n.Plan.Params) == 0 && len(n.In) == 1 {
		n = &g.Nodes[n.In[0]]
	}
	key := ""
	if n.Kind != nil && n.Item != nil && n.Share < 0 {
		key = map[string]string{"dense": "units", "conv2d": "filters"}[n.Kind.Name]
	}
	if key == "" {
		return nil, fmt.Sprintf("it has %d outputs where the data asks for %d, and its last layer with weights, %s, has no units to change: end it with dense: {units: %d}",
			have, classes, n.Name, classes)
	}
	out, _, err := Set(s, n.Item, key, number(classes))
	if err != nil {
		return nil, err.Error()
	}
	fitted := Resolve(out)
	if fitted.Err != nil {
		return nil, fitted.Err.Error()
	}
	if width(fitted) != classes {
		return nil, fmt.Sprintf("it has %d outputs where the data asks for %d, and %s of %s does not settle them: end it with dense: {units: %d}",
			have, classes, key, n.Name, classes)
	}
	return out, ""
}
