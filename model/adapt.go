package model

import (
	"fmt"
	"strings"
)

// Adapt fits a network to data: its inputs get the data's shapes and numbers of
// tokens, in order, embeddings that read them as many rows, positions that are
// learnt as many places, and the layer that makes its output the number of
// classes (0: leave the output alone). The text
// says in one sentence what was changed, empty for nothing; nobody adapts in
// silence. Where that cannot be done, the Spec is nil and the text is the
// reason. Whether the layers between take the new shape is for Resolve to say.
func Adapt(s *Spec, inputs []Input, classes int) (*Spec, string) {
	if len(s.Inputs) != len(inputs) {
		return nil, fmt.Sprintf("it has %s, and the data feeds %s", counted(len(s.Inputs), "input"), counted(len(inputs), "input"))
	}
	var changes []string
	file, was := s.File, s
	for i, in := range inputs {
		old, the := s.Inputs[i], "the input"
		if len(inputs) > 1 {
			the += " " + old.Name
		}
		if old.Tokens > 0 != (in.Tokens > 0) {
			reads := [2]string{"numbers", "token ids"}
			if old.Tokens > 0 {
				reads[0], reads[1] = reads[1], reads[0]
			}
			return nil, fmt.Sprintf("%s reads %s, and the data feeds %s", the, reads[0], reads[1])
		}
		if !old.Shape.Equal(in.Shape) {
			changes = append(changes, fmt.Sprintf("%s from %s to %s", the, old.Shape, in.Shape))
		}
		if old.Tokens != in.Tokens {
			changes = append(changes, fmt.Sprintf("the tokens of %s from %d to %d", the, old.Tokens, in.Tokens))
		}
		if old.Shape.Equal(in.Shape) && old.Tokens == in.Tokens {
			continue
		}
		var err error
		if s, err = fitEmbeddings(s, i, in.Tokens); err == nil {
			s, err = SetInput(s, i, in.Shape, in.Tokens)
		}
		if err != nil {
			return nil, err.Error()
		}
	}
	if s != was {
		fitted, places, err := fitPositions(was, s)
		if err != nil {
			return nil, err.Error()
		}
		s = fitted
		changes = append(changes, places...)
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

// fitEmbeddings gives the embeddings that read input k so many rows, and with
// them all that use their tables.
func fitEmbeddings(s *Spec, k, tokens int) (*Spec, error) {
	if tokens == s.Inputs[k].Tokens {
		return s, nil
	}
	g := Resolve(s)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Kind == nil || n.Item == nil || len(n.In) != 1 {
			continue
		}
		reads := n.Kind.Name == "embedding" && n.In[0] == k
		if n.Share >= 0 {
			at := n.Share // its table's owner is another embedding
			owner := &g.Nodes[at]
			reads = owner.Kind.Name == "embedding" && len(owner.In) == 1 && owner.In[0] == k
		}
		if !reads {
			continue
		}
		var err error
		if s, _, err = Set(s, n.Item, "tokens", number(tokens)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// fitPositions gives learnt positions as many places as there are steps now,
// where there were as many as steps before, or are too few. The input of was has
// changed to that of s.
func fitPositions(was, s *Spec) (*Spec, []string, error) {
	old := Resolve(was)
	var changes []string
	for i := range old.Nodes {
		n := &old.Nodes[i]
		if n.Kind == nil || n.Kind.Name != "position" || n.Item == nil || n.Layer == nil || len(n.In) != 1 || n.Plan.Positions == 0 {
			continue
		}
		g := Resolve(s) // as far as it gets, which is to this node at least
		if n.In[0] >= len(g.Nodes) {
			break // another layer refuses the new shape
		}
		steps, places := g.Nodes[n.In[0]].Plan.Out, n.Plan.Positions
		exact := old.Nodes[n.In[0]].Plan.Out[0] == places
		if len(steps) != 2 || steps[0] == places || !exact && steps[0] < places {
			continue
		}
		var err error
		if s, _, err = Set(s, n.Item, "length", number(steps[0])); err != nil {
			return nil, nil, err
		}
		changes = append(changes, fmt.Sprintf("the places of %s from %d to %d", n.Name, places, steps[0]))
	}
	return s, changes, nil
}

// counted is "1 input", "2 inputs".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
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

// Classes is how many classes a loss counts in the graph's output.
func (g *Graph) Classes() int { return width(g) }

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
		key = map[string]string{"dense": "units", "conv2d": "filters", "conv1d": "filters", "embedding": "width", "unembedding": "tokens"}[n.Kind.Name]
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
