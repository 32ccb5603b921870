package train

import "time"

// snapshot publishes what the run is at this moment.
func (l *loop) snapshot() {
	l.look()
	l.nextSnap = time.Now().Add(snapshotEvery)
	l.run.publish(l.make())
}

// make gathers a Snapshot, sharing nothing with the run.
func (l *loop) make() Snapshot {
	c := &l.run.cfg
	s := Snapshot{
		Phase: l.phase, Saved: l.saved,
		Epoch: 1, Epochs: c.epochs(), Steps: c.total(), PerEpoch: c.perEpoch(),
		Loss: nan, Accuracy: nan, GradNorm: nan, TestLoss: nan, TestAccuracy: nan, BestAccuracy: nan,
	}
	if l.problem != nil {
		s.Problem = l.problem.Error()
	}
	t := l.t
	if t == nil || l.w == nil {
		for i := range c.Graph.Nodes {
			s.Layers = append(s.Layers, LayerStats{Name: c.Graph.Nodes[i].Name, GradNorm: nan, WeightNorm: nan, Update: nan, ActMean: nan, ActStd: nan, Dead: nan})
		}
		return s
	}
	s.Step, s.Samples = t.Step, t.Samples
	s.Epoch, s.StepInEpoch = t.Step/t.perEpoch+1, t.Step%t.perEpoch
	if t.Step > 0 && s.StepInEpoch == 0 && (t.due() || t.finished()) {
		s.Epoch, s.StepInEpoch = s.Epoch-1, t.perEpoch // an epoch just done is not the next one yet
	}
	s.Loss, s.Accuracy = t.Loss.value(), t.Right.value()
	s.LR = t.lr()
	s.GradNorm = l.w.norm
	if !l.w.seen {
		s.GradNorm = nan
	}
	s.Elapsed = time.Duration(t.Seconds * float64(time.Second))
	s.TestLoss, s.TestAccuracy, s.BestAccuracy = t.Last.Loss(), t.Last.Accuracy(), float64(t.Best)
	if r := l.rate(); r > 0 {
		s.SamplesPerSecond = r
		left := func(steps int) time.Duration {
			return time.Duration(float64(steps) * float64(t.loader.BatchSize()) / r * float64(time.Second))
		}
		s.EpochLeft = left(t.perEpoch - s.StepInEpoch)
		if t.total > 0 {
			tests := (t.total+t.perEpoch-1)/t.perEpoch - len(t.Tests)
			s.Left = left(max(0, t.total-t.Step)) + time.Duration(max(0, tests))*l.testTime
		}
	}
	s.Curves = Curves{
		TrainStep:     append([]int(nil), t.Curve.Step...),
		TrainLoss:     floats(t.Curve.Loss),
		TrainAccuracy: floats(t.Curve.Accuracy),
	}
	// Epochs are few; of very many, an even choice with the last one.
	skip := max(1, (len(t.Tests)+curvePoints-1)/curvePoints)
	for i := (len(t.Tests) - 1) % skip; i >= 0 && i < len(t.Tests); i += skip {
		e := &t.Tests[i]
		s.Curves.TestStep = append(s.Curves.TestStep, e.Step)
		s.Curves.TestLoss = append(s.Curves.TestLoss, float64(e.TestLoss))
		s.Curves.TestAccuracy = append(s.Curves.TestAccuracy, float64(e.TestAccuracy))
	}
	if n := len(t.Tests); n > 0 {
		s.Metrics = t.Tests[n-1].Figures()
	}
	s.Layers = l.w.snapshot()
	s.Attention = l.looks.last
	s.Verdict = diagnose(c, &s, t)
	return s
}

// epochs is the number of epochs that are begun at least; 0 unknown.
func (c *Config) epochs() int {
	total, per := c.total(), c.perEpoch()
	return (total + per - 1) / per
}

func (c *Config) testSamples() int {
	if c.Data.Test == nil {
		return 0
	}
	return c.Data.Test.Len()
}

// weights counts trained numbers, shared ones once.
func (t *trainer) weights() int64 {
	n := int64(0)
	for i := range t.params {
		n += int64(len(t.params[i].ref.Data))
	}
	return n
}

// macs are multiply-adds for one sample, forward.
func (t *trainer) macs() int64 {
	n := int64(0)
	for i := range t.cfg.Graph.Nodes {
		n += t.cfg.Graph.Nodes[i].Plan.MACs
	}
	return n
}
