package train

// Stepper is a run without goroutine, checkpoints and, until Watch, statistics:
// the bare training steps, for benchmarks.
type Stepper struct {
	t *trainer
	w *watcher
}

// NewStepper checks c as Start does and binds it to memory.
func NewStepper(c Config) (*Stepper, error) {
	p, err := c.check()
	if err != nil {
		return nil, err
	}
	t, err := newTrainer(c, p)
	if err != nil {
		return nil, err
	}
	return &Stepper{t: t}, nil
}

// Watch has statistics taken from now on, as often as a run takes them for its screen.
func (s *Stepper) Watch() { s.w = newWatcher(s.t) }

// Step trains on the next batch: forward, loss, backward, optimizer. After
// the first few it allocates nothing.
func (s *Stepper) Step() error {
	if s.w != nil {
		return s.w.step(false)
	}
	return s.t.step(nil)
}

// Close gives back the goroutines.
func (s *Stepper) Close() { s.t.close() }

// PeakRSS is the most memory that this process has held, in MiB; NaN where the
// system does not say.
func PeakRSS() Number { return Number(peakRSS()) }
