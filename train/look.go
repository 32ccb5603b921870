package train

import (
	"fmt"
	"strconv"
	"time"

	"layercake/compute"
	"layercake/data"
	"layercake/model"
)

// Look names an attention map that somebody wants to see: of a node of the
// graph, for one sample of the test split, or of the training split where there
// is no other.
type Look struct{ Node, Sample int }

// Attention is what a node attended to in one sample at one moment of a run.
type Attention struct {
	Look
	Step int // steps that had been done
	Map  model.AttentionMap
	// Queries and Keys name the map's rows and columns as far as the sample goes:
	// by token where the input is of tokens, else by number from 1.
	Queries, Keys []string
	Problem       string // why there is no map; "" when all is well
}

// lookEvery is the time between two maps of a run, at least.
const lookEvery = 400 * time.Millisecond

// looks is what a loop knows of the map that it was asked for.
type looks struct {
	on   bool
	at   Look
	last *Attention
	next time.Time
}

// Look asks for a map in every Snapshot from now on, as fresh as it is cheap. It
// changes no number of the run.
func (r *Run) Look(at Look) { r.order(func(o *orders) { o.look, o.lookAway = &at, false }) }

// LookAway ends Look.
func (r *Run) LookAway() { r.order(func(o *orders) { o.look, o.lookAway = nil, true }) }

// look makes the map that was asked for, unless the last one is young or a
// test is under way: that has the program.
func (l *loop) look() {
	if !l.looks.on || l.inTest || l.t == nil || l.t.testing == nil || time.Now().Before(l.looks.next) {
		return
	}
	start := time.Now()
	l.t.testing.Fold()
	l.looks.last = lookAt(l.t.testing, l.run.cfg.Graph, l.run.cfg.Data, l.looks.at, l.t.Step)
	took := time.Since(start)
	l.looks.next = start.Add(max(lookEvery, sampleShare*took))
}

// SamplesToLookAt is how many samples a Look may choose from.
func SamplesToLookAt(set *data.Set) int { return lookSplit(set).Len() }

func lookSplit(set *data.Set) data.Split {
	if set.Test != nil && set.Test.Len() > 0 {
		return set.Test
	}
	return set.Train
}

// LookAt makes a map with the weights of a checkpoint, for a run that has ended.
func LookAt(k *Checkpoint, set *data.Set, at Look) (*Attention, error) {
	if err := k.SameData(set); err != nil {
		return nil, err
	}
	pool := compute.NewPool(1)
	defer pool.Close()
	p, err := model.Compile(k.Config.Graph, model.Options{Batch: 1, Pool: pool, LendInputs: true})
	if err != nil {
		return nil, err
	}
	if err := k.Load(p); err != nil {
		return nil, err
	}
	return lookAt(p, k.Config.Graph, set, at, k.header.Position.Step), nil
}

// lookAt runs one sample through p, which is for inference and has its inputs
// lent, and takes the map.
func lookAt(p *model.Program, g *model.Graph, set *data.Set, at Look, step int) *Attention {
	a := &Attention{Look: at, Step: step}
	split := lookSplit(set)
	if at.Sample < 0 || at.Sample >= split.Len() {
		a.Problem = fmt.Sprintf("there is no sample %d, wants 1 to %d", at.Sample+1, split.Len())
		return a
	}
	sizes := split.Sizes()
	to := data.Samples{Lens: make([][]int32, len(sizes.X))}
	for k, s := range sizes.X {
		to.X = append(to.X, compute.Alloc(p.Batch()*s.Size()))
		if k < len(sizes.Padded) && sizes.Padded[k] {
			to.Lens[k] = make([]int32, 1)
		}
	}
	split.Fill([]int{at.Sample}, data.Samples{X: firstOf(to.X, sizes.X), Lens: to.Lens})
	for k, x := range to.X {
		p.LendInput(k, x)
		p.SetLens(k, to.Lens[k])
	}
	p.Forward(1, false)
	m, err := p.AttentionMap(at.Node, 0)
	if err != nil {
		a.Problem = err.Error()
		return a
	}
	in := g.Nodes[at.Node].In
	a.Map = m
	a.Queries = stepNames(g, in[0], m.Tq, set, to)
	a.Keys = stepNames(g, in[min(1, len(in)-1)], m.Tk, set, to)
	return a
}

// firstOf cuts each input's buffer to one sample.
func firstOf(x [][]float32, shapes []compute.Shape) [][]float32 {
	out := make([][]float32, len(x))
	for k := range x {
		out[k] = x[k][:shapes[k].Size()]
	}
	return out
}

// stepNames names the n steps that node puts out for the sample in x: by the
// tokens of the input that it goes back to, where that has as many steps, else
// by their numbers.
func stepNames(g *model.Graph, node, n int, set *data.Set, x data.Samples) []string {
	for len(g.Nodes[node].In) > 0 {
		node = g.Nodes[node].In[0]
	}
	used := n
	var in *data.Input
	if node < len(set.Inputs) && len(set.Inputs[node].Shape) > 0 && set.Inputs[node].Shape[0] == n {
		in = &set.Inputs[node]
		if lens := x.Lens[node]; len(lens) > 0 {
			used = int(lens[0])
		}
	}
	out := make([]string, used)
	for i := range out {
		out[i] = strconv.Itoa(i + 1)
		if in == nil || in.Tokens == 0 {
			continue
		}
		id := int(x.X[node][i])
		out[i] = strconv.Itoa(id)
		if id >= 0 && id < len(in.Words) {
			out[i] = in.Words[id]
		}
	}
	return out
}
