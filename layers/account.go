package layers

import (
	"fmt"
	"strings"

	"layercake/compute"
)

// accounter is a layer that says how its multiply-adds come together.
type accounter interface {
	// account is their number for inputs that Plan takes, written out in sums and
	// products of whole numbers: "49·16·64 + 50·64".
	account(in []compute.Shape) string
}

// Account writes out, with the numbers of a layer as it stands, how many
// parameters it has and how many multiply-adds it takes for one sample:
// "weight 784·512 + bias 512 = 401920". Either is empty where there are none.
// Popular counters leave attention's products and recurrent layers out; these are what Plan counts.
func Account(l Layer, in []compute.Shape) (params, macs string) {
	plan, err := l.Plan(in)
	if err != nil {
		return "", ""
	}
	total := 0
	var terms []string
	for _, p := range plan.Params {
		total += p.Shape.Size()
		terms = append(terms, p.Name+" "+dots(p.Shape...))
	}
	if len(terms) > 0 {
		params = fmt.Sprintf("%s = %d", strings.Join(terms, " + "), total)
	}
	if c, ok := l.(Composite); ok {
		return params, accountParts(c, in, plan)
	}
	if a, ok := l.(accounter); ok && plan.MACs > 0 {
		macs = fmt.Sprintf("%s = %d", a.account(in), plan.MACs)
	}
	return params, macs
}

// accountParts adds up the accounts of a composite's parts.
func accountParts(c Composite, in []compute.Shape, plan Plan) string {
	list, err := c.Parts(in)
	if err != nil || plan.MACs == 0 {
		return ""
	}
	outs := map[string]compute.Shape{}
	for i, s := range in {
		outs[inputName(i)] = s
	}
	last := "in"
	var terms []string
	for _, p := range list {
		from := p.From
		if from == nil {
			from = []string{last}
		}
		var shapes []compute.Shape
		for _, name := range from {
			shapes = append(shapes, outs[name])
		}
		q, err := p.Layer.Plan(shapes)
		if err != nil {
			return ""
		}
		if a, ok := p.Layer.(accounter); ok && q.MACs > 0 {
			terms = append(terms, a.account(shapes))
		}
		outs[p.Name], last = q.Out, p.Name
	}
	return fmt.Sprintf("%s = %d", strings.Join(terms, " + "), plan.MACs)
}

// dots writes a product: 3·4·5.
func dots(n ...int) string {
	var w []string
	for _, v := range n {
		w = append(w, fmt.Sprint(v))
	}
	return strings.Join(w, "·")
}
