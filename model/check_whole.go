package model

import (
	"context"
	"math"
	"slices"
)

// whole moves all parameters at once along the network's gradient and compares how
// the loss changes with what the gradient says. Every tensor moves in
// proportion to its own size, so that each has its share. Kinks are
// kept from being crossed (withoutKinks). Where the network is too steep the
// differences do not settle and nothing is seen.
func (c *checker) whole(ctx context.Context) (CheckResult, error) {
	r := CheckResult{Node: -1, Name: WholeNetwork}
	grads := slices.Clone(c.trained.GradArena())
	replay := new(bool)
	p, err := Compile(withoutKinks(c.g, replay), Options{Batch: c.n, Train: true, Seed: c.seed, Pool: c.pool})
	if err != nil {
		return r, err
	}
	for k, in := range c.trained.Inputs() {
		copy(p.Input(k).Data, in.Data)
	}
	x := p.ParamArena()
	dir := direction{value: make([]float32, len(x))}
	for _, t := range c.trained.owned {
		r.Size += len(t.Data)
		most := float32(0)
		for _, v := range t.Grad {
			most = max(most, abs32(v))
		}
		if !(most > 0) || most > math.MaxFloat32 {
			continue
		}
		size := float32(usualSize(t.Data))
		for i, v := range t.Grad {
			dir.value[t.Offset+i] = size * (v / most)
		}
	}
	p.ResetCarry()
	p.Forward(c.n, true)
	*replay = true
	loss := func() float64 {
		p.ResetCarry()
		p.Forward(c.n, true)
		sum := 0.0
		for i, y := range p.Output().Data {
			sum += float64(c.r[i]) * float64(y)
		}
		return sum
	}
	stopped := false
	m := newMove(c.pool, x, [][]float32{grads}, func(shift func(up bool)) [weighings]float64 {
		if ctx.Err() != nil {
			stopped = true
			return [weighings]float64{}
		}
		shift(true)
		up := loss()
		shift(false)
		return [weighings]float64{up - loss()}
	})
	if len(x) == 0 || sumSquares(dir.value) == 0 {
		return r, nil
	}
	d := m.ascend(ladder{0x1p-18, 2, 15}, dir)
	if stopped {
		return r, ctx.Err()
	}
	r.Tried = 1
	if d.seen {
		r.Seen, r.MaxRelErr = 1, d.relErr()
	}
	return r, nil
}
