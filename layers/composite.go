package layers

import (
	"fmt"

	"layercake/compute"
)

// Assemble is the Plan of the parts together: the last one's output, and the
// parameters and multiply-adds of all, each parameter under "part.name".
func Assemble(in []compute.Shape, parts []Part) (Plan, error) {
	outs := make(map[string]compute.Shape, len(parts)+len(in))
	for i, s := range in {
		outs[inputName(i)] = s
	}
	var all Plan
	last := "in"
	for _, p := range parts {
		from := p.From
		if from == nil {
			from = []string{last}
		}
		var shapes []compute.Shape
		for _, name := range from {
			s, ok := outs[name]
			if !ok {
				panic(fmt.Sprintf("layers: part %s reads %s, which is no earlier part", p.Name, name))
			}
			shapes = append(shapes, s)
		}
		plan, err := p.Layer.Plan(shapes)
		if err != nil {
			return Plan{}, fmt.Errorf("%s: %w", p.Name, err)
		}
		for _, q := range plan.Params {
			q.Name = p.Name + "." + q.Name
			all.Params = append(all.Params, q)
		}
		for _, q := range plan.State {
			q.Name = p.Name + "." + q.Name
			all.State = append(all.State, q)
		}
		all.MACs += plan.MACs
		all.Out = plan.Out
		all.Tokens = all.Tokens || plan.Tokens
		all.AcrossTime = all.AcrossTime || plan.AcrossTime
		outs[p.Name], last = plan.Out, p.Name
	}
	return all, nil
}

// planParts is the Plan of a Composite.
func planParts(c Composite, in []compute.Shape) (Plan, error) {
	list, err := c.Parts(in)
	if err != nil {
		return Plan{}, err
	}
	return Assemble(in, list)
}

// inputName is what Part.From calls input i of a Composite.
func inputName(i int) string {
	if i == 0 {
		return "in"
	}
	return fmt.Sprintf("in%d", i+1)
}

// parts has the passes of a Composite, which nobody calls.
type parts struct{}

// Forward panics: the parts run instead.
func (parts) Forward(*Pass) { panic("layers: a composite is run by its parts") }

// Backward panics: the parts run instead.
func (parts) Backward(*Pass) { panic("layers: a composite is run by its parts") }
