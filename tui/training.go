package tui

import (
	"context"
	"fmt"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/data"
	"layercake/model"
	"layercake/train"
)

// runState is one training run as the screens see it: from the key press that
// asked for it, over loading the data, to its end.
type runState struct {
	of     *model.Spec  // the network on the desk that was started
	graph  *model.Graph // what is trained: of, fitted to the data
	fitted string       // what fitting has changed; "" nothing
	data   string       // name of the set

	stage string // what goes on before the run has started; "" afterwards
	set   *data.Set
	run   *train.Run // nil until started
	snap  train.Snapshot
	have  bool // snap is one
	ended bool
	err   error
	again bool // another run of the network on the desk begins at its end

	cancel context.CancelFunc
}

// live says that the run is going on or about to.
func (r *runState) live() bool { return r != nil && !r.ended }

// Messages of a run say whose they are; one of a run that was replaced is dropped.
type (
	runStartedMsg struct {
		state  *runState
		set    *data.Set
		run    *train.Run
		graph  *model.Graph
		fitted string
	}
	runEndedMsg struct {
		state *runState
		err   error
	}
	snapshotMsg struct {
		state *runState
		snap  train.Snapshot
	}
	progressMsg struct {
		state       *runState
		done, total int
		more        <-chan [2]int
	}
)

// startTraining starts a run of the network on the desk and shows Train. It
// loads data on another goroutine; a run that is live goes on.
func (d *desk) startTraining() tea.Cmd { return d.launch(false) }

func (d *desk) launch(paused bool) tea.Cmd {
	if d.run.live() {
		d.showScreen("Train")
		d.say("a run is going on: stop it first to start another")
		return nil
	}
	if len(d.spec().Layers) == 0 {
		d.say("nothing is stacked yet, so there is nothing to train")
		return nil
	}
	if d.graph.Err != nil {
		d.stack.selectRow(problemRow(d.graph))
		d.complain(fmt.Errorf("not trained: %w", d.graph.Err))
		return nil
	}
	name := dataOf(d.spec())
	ctx, cancel := context.WithCancel(d.ctx)
	r := &runState{of: d.spec(), graph: d.graph, data: name, stage: "preparing " + name, cancel: cancel}
	d.run = r
	d.showScreen("Train")
	d.stack.show(r.graph)
	progress := make(chan [2]int, 1)
	return tea.Batch(d.openAndStart(ctx, r, progress, paused), nextProgress(r, progress))
}

// openAndStart opens the data set and starts the run, off the UI goroutine.
func (d *desk) openAndStart(ctx context.Context, r *runState, progress chan [2]int, paused bool) tea.Cmd {
	o := d.opts
	return func() tea.Msg {
		defer close(progress)
		seed := o.Seed
		if seed == 0 {
			seed = r.graph.Spec.Train.Seed
		}
		if seed == 0 {
			seed = 1
		}
		source := train.Source{Name: r.data, Dir: o.DataDir, Seed: seed, Length: train.LengthFor(r.graph.Inputs)}
		from := source.Options()
		from.Progress = func(done, total int) {
			select { // drop what nobody has read
			case <-progress:
			default:
			}
			progress <- [2]int{done, total}
		}
		set, err := data.Open(ctx, r.data, from)
		if err != nil {
			return runEndedMsg{r, err}
		}
		over := train.Overrides{Threads: o.Threads}
		if o.Seed != 0 {
			over.Seed = &o.Seed
		}
		spec, fitted, err := train.Fit(r.of, set)
		if err != nil {
			return runEndedMsg{r, err}
		}
		g := r.graph
		if fitted != "" {
			g = model.Resolve(spec)
		}
		c, err := train.FromSpec(g, set, over)
		if err != nil {
			return runEndedMsg{r, err}
		}
		c.Source, c.Paused, c.SaveEvery = source, paused, saveEvery
		if o.RunDir != nil {
			if c.Dir, err = o.RunDir(r.graph.Name); err != nil {
				return runEndedMsg{r, err}
			}
		}
		run, err := train.Start(ctx, c)
		if err != nil {
			return runEndedMsg{r, err}
		}
		return runStartedMsg{r, set, run, g, fitted}
	}
}

// saveEvery is the time between checkpoints of a run.
const saveEvery = 30 * time.Second

// nextProgress waits for the next report of data being made.
func nextProgress(r *runState, progress <-chan [2]int) tea.Cmd {
	return func() tea.Msg {
		p, ok := <-progress
		if !ok {
			return nil
		}
		return progressMsg{r, p[0], p[1], progress}
	}
}

// nextSnapshot waits, off the UI goroutine, for the run's next snapshot.
func nextSnapshot(r *runState) tea.Cmd {
	run := r.run
	return func() tea.Msg {
		if snap, ok := <-run.Snapshots(); ok {
			return snapshotMsg{r, snap}
		}
		return runEndedMsg{r, run.Err()}
	}
}

// hear takes a run's message and says whether it was one.
func (d *desk) hear(msg tea.Msg) (tea.Cmd, bool) {
	switch m := msg.(type) {
	case progressMsg:
		if m.state == d.run && m.state.run == nil && m.total > 0 {
			m.state.stage = fmt.Sprintf("preparing %s: %d %%", m.state.data, 100*m.done/m.total)
		}
		return nextProgress(m.state, m.more), true
	case runStartedMsg:
		if m.state != d.run || m.state.ended {
			m.run.Stop()
			return nil, true
		}
		m.state.stage, m.state.set, m.state.run = "", m.set, m.run
		if m.fitted != "" {
			m.state.graph, m.state.fitted = m.graph, m.fitted
			if screens[d.screen].name == "Train" {
				d.stack.show(m.graph)
			}
		}
		return nextSnapshot(m.state), true
	case snapshotMsg:
		if m.state != d.run {
			return nil, true
		}
		if m.snap.Phase != train.Preparing || !m.state.have { // one that goes on shows where it was meanwhile
			m.state.snap, m.state.have = m.snap, true
			for _, p := range d.panels {
				if p, ok := p.(*attentionPanel); ok && p.run == m.state {
					p.heard(m.snap.Attention)
				}
			}
			d.watchPace(m.state)
		}
		return nextSnapshot(m.state), true
	case runEndedMsg:
		if m.state != d.run {
			return nil, true
		}
		m.state.ended, m.state.err, m.state.stage = true, m.err, ""
		m.state.cancel()
		d.note = note{} // the screen says how it ended
		if !m.state.have || screens[d.screen].name != "Train" {
			d.complain(m.err)
		}
		if m.state.again && m.err == nil {
			return d.startTraining(), true
		}
		return nil, true
	}
	return nil, false
}

// stopTraining ends the run and keeps what it has learnt.
func (d *desk) stopTraining() tea.Cmd {
	r := d.run
	switch {
	case !r.live():
		d.say("nothing is being trained")
	case r.run == nil: // the data is still being made
		r.cancel()
		r.ended, r.stage = true, ""
	default:
		run := r.run
		d.say("stopping")
		return func() tea.Msg { run.Stop(); return nil }
	}
	return nil
}
