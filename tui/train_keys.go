package tui

import (
	"context"
	"fmt"
	"strconv"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/train"
	"layercake/tui/widget"
)

// trainKeys are Train's own; moving in the stack is in stackKeys.
var trainKeys = []keyBinding[trainScreen]{
	{keys: []string{" "}, foot: "start", help: "start, pause and go on", do: (*trainScreen).toggle},
	{keys: []string{"n"}, foot: "step", help: "do one step, then rest", do: (*trainScreen).step},
	{keys: []string{"l"}, foot: "rate", help: "set the learning rate", do: (*trainScreen).askRate, when: (*trainScreen).running},
	{keys: []string{"S"}, foot: "stop", help: "stop the run and keep what it has learnt", do: func(s *trainScreen) tea.Cmd { return s.d.stopTraining() }, when: (*trainScreen).live},
	{keys: []string{"V"}, foot: "why", help: "the verdict, whole: what is wrong, why, and the cure", do: (*trainScreen).why, when: (*trainScreen).watching},
	{keys: []string{"v"}, foot: "curves", help: "show or hide the curves", do: (*trainScreen).toggleCurves, when: (*trainScreen).watching},
	{keys: []string{"tab"}, foot: "detail", help: "show or hide the selected row's figures", do: (*trainScreen).toggleDetail,
		when: func(s *trainScreen) bool { return s.watching() && s.w < watchFrom }},
	{keys: []string{"m"}, foot: "attention", help: "the attention map of the selected row, for one sample", do: (*trainScreen).attention,
		when: func(s *trainScreen) bool { return s.watching() && len(attenders(s.graph())) > 0 }},
	{keys: []string{"E"}, foot: "explain", help: "explain the columns, the curves and the verdict", do: (*trainScreen).explain},
	{keys: []string{"w"}, help: "the whole card of the layer", do: func(s *trainScreen) tea.Cmd { return s.d.card(s.graph()) }},
	{keys: []string{"["}, help: "halve the learning rate", do: func(s *trainScreen) tea.Cmd { return s.scaleRate(0.5) }, when: (*trainScreen).running},
	{keys: []string{"]"}, help: "double the learning rate", do: func(s *trainScreen) tea.Cmd { return s.scaleRate(2) }, when: (*trainScreen).running},
	{keys: []string{"c"}, help: "save a checkpoint now", do: (*trainScreen).checkpoint, when: (*trainScreen).running},
	{keys: []string{"R"}, help: "train anew: the present network, from its first weights", do: (*trainScreen).restart},
	{keys: []string{"!"}, help: "go to the row that the verdict is about", do: (*trainScreen).toFinding, when: (*trainScreen).watching},
	{keys: []string{"enter"}, help: "open or fold a block", do: func(s *trainScreen) tea.Cmd { return s.d.stack.toggle() }},
	{keys: []string{"u"}, help: "undo the last change of the network", do: func(s *trainScreen) tea.Cmd { return s.keepRows(s.d.undo()) }},
	{keys: []string{"ctrl+r"}, help: "redo what was undone", do: func(s *trainScreen) tea.Cmd { return s.keepRows(s.d.redo()) }},
}

func (s *trainScreen) Keys() []command {
	own := bind(trainKeys, s)
	switch {
	case !s.live():
		switch {
		case s.resumable():
			own[0].foot = "go on"
		case s.snap() != nil && !s.stale(): // it has ended
			own[0].foot, own[1].foot = "", ""
			for i := range own {
				if own[i].keys[0] == "R" {
					own[i].foot = "train anew"
				}
			}
		}
	case s.snap() != nil && s.snap().Phase == train.Paused:
		own[0].foot = "go on"
	default:
		own[0].foot = "pause"
	}
	return append(own, without(bind(stackKeys, s.d.stack), own)...)
}

func (s *trainScreen) live() bool     { return s.d.run.live() }
func (s *trainScreen) running() bool  { return s.live() && s.d.run.run != nil }
func (s *trainScreen) watching() bool { return s.snap() != nil }

// resumable says that the run was stopped before its end and is kept.
func (s *trainScreen) resumable() bool {
	p := s.snap()
	return p != nil && !s.live() && p.Reason == train.Stopped && p.Saved != "" && s.d.run.set != nil && !s.stale()
}

// keepRows shows the run's rows again after the network on the desk has changed.
func (s *trainScreen) keepRows(cmd tea.Cmd) tea.Cmd {
	s.d.stack.show(s.graph())
	return cmd
}

func (s *trainScreen) toggle() tea.Cmd {
	switch r := s.d.run; {
	case s.resumable():
		return s.resume()
	case !r.live() && r != nil && r.have && !s.stale():
		s.d.say("the run has ended: R trains anew, from the first weights")
		return nil
	case !r.live():
		return s.keepRows(s.d.startTraining())
	case r.run == nil:
		s.d.say("the data is still being made: S stops")
	case r.have && r.snap.Phase == train.Paused:
		r.run.Continue()
	default:
		r.run.Pause()
	}
	return nil
}

// step does one step; without a run it starts one that rests before its first.
func (s *trainScreen) step() tea.Cmd {
	switch r := s.d.run; {
	case !r.live() && r != nil && r.have && !s.stale():
		s.d.say("the run has ended: R trains anew, from the first weights")
	case !r.live():
		return s.keepRows(s.d.launch(true))
	case r.run == nil:
		s.d.say("the data is still being made")
	default:
		r.run.StepOnce()
	}
	return nil
}

// resume goes on with a run that was stopped, from its checkpoint.
func (s *trainScreen) resume() tea.Cmd {
	old := s.d.run
	ctx, cancel := context.WithCancel(s.d.ctx)
	r := &runState{of: old.of, graph: old.graph, fitted: old.fitted, data: old.data, set: old.set, snap: old.snap, have: true, stage: "reading the checkpoint", cancel: cancel}
	s.d.run = r
	dir := old.snap.Saved
	return func() tea.Msg {
		k, err := train.ReadCheckpoint(dir)
		if err != nil {
			return runEndedMsg{r, err}
		}
		k.Config.Data = r.set
		run, err := train.Resume(ctx, k, k.Config)
		if err != nil {
			return runEndedMsg{r, err}
		}
		return runStartedMsg{r, r.set, run, r.graph, r.fitted}
	}
}

// restart trains the network on the desk from the beginning; a run that is
// live is stopped first, after asking.
func (s *trainScreen) restart() tea.Cmd {
	if !s.live() {
		return s.keepRows(s.d.startTraining())
	}
	keep := "What it has learnt is lost: no folder for runs is set."
	if s.d.opts.RunDir != nil {
		keep = "What it has learnt is kept in its folder."
	}
	return s.d.lay(&dialog{d: s.d, title: "train anew", text: "The run is stopped and another begins, from its first weights. " + keep, answers: []command{
		{keys: []string{"enter", "y"}, foot: "anew", help: "stop it and train anew", do: func() tea.Cmd {
			s.d.run.again = true
			stop := s.d.stopTraining()
			if !s.live() { // it had not begun yet
				return s.keepRows(s.d.startTraining())
			}
			return stop
		}},
	}})
}

// rate is the learning rate, as it will be when the run has heard the last order.
func (s *trainScreen) rate() float64 {
	if s.asked.lr > 0 && s.asked.step >= s.d.run.snap.Step {
		return s.asked.lr
	}
	return s.d.run.snap.LR
}

func (s *trainScreen) setRate(lr float64) {
	s.asked.lr, s.asked.step = lr, s.d.run.snap.Step
	s.d.run.run.SetLR(lr)
	s.d.say("the learning rate is set to " + rateWords(lr))
}

func (s *trainScreen) scaleRate(by float64) tea.Cmd {
	if lr := s.rate() * by; lr > 0 && lr <= maxRate {
		s.setRate(lr)
	}
	return nil
}

// maxRate is the highest learning rate that can be asked for.
const maxRate = 1e6

func (s *trainScreen) askRate() tea.Cmd {
	q := &dialog{d: s.d, title: "learning rate", asks: true, entry: newEntry(rateWords(s.rate())),
		text: "The rate from the next step on. A schedule goes on from there with its shape."}
	q.accept = func(text string) tea.Cmd {
		lr, err := strconv.ParseFloat(text, 64)
		if err != nil || !(lr > 0) || lr > maxRate {
			q.problem = fmt.Sprintf("the rate is %q, wants a number above zero, such as 0.05 or 1e-3", text)
			return nil
		}
		s.d.remove()
		if s.running() {
			s.setRate(lr)
		}
		return nil
	}
	return s.d.lay(q)
}

// rateWords writes a learning rate with three digits: 0.05, 0.0123, 3e-5.
func rateWords(x float64) string {
	if x >= 1e-4 && x < 1e4 {
		v, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return widget.Sci(x)
}

func (s *trainScreen) checkpoint() tea.Cmd {
	if s.d.opts.RunDir == nil {
		s.d.say("no checkpoint is written: no folder for runs is set")
		return nil
	}
	s.d.run.run.Save()
	s.d.say("saving a checkpoint after the present step")
	return nil
}

// toggleCurves shows or hides the curves; where there is room for one it goes
// from the loss to the accuracy first.
func (s *trainScreen) toggleCurves() tea.Cmd {
	l := s.layout(s.w, s.h)
	switch {
	case l.lower == lowerNone || l.lower == lowerDetail:
		s.lower = lowerLoss
	case l.lower == lowerLoss && !twoCurves(l.stackW):
		s.lower = lowerAccuracy
	default:
		s.lower = lowerNone
	}
	s.fitStack()
	return nil
}

func (s *trainScreen) toggleDetail() tea.Cmd {
	if s.lower == lowerDetail {
		s.lower = lowerUsual
	} else {
		s.lower = lowerDetail
	}
	s.fitStack()
	return nil
}

// toFinding puts the cursor on the row of the worst finding that has one.
func (s *trainScreen) toFinding() tea.Cmd {
	for _, f := range s.snap().Verdict {
		if f.Node < 0 {
			continue
		}
		for i := range s.d.stack.rows {
			if s.d.stack.rows[i].Node == f.Node {
				s.d.stack.selectRow(i)
				return nil
			}
		}
	}
	s.d.say("the verdict points at no row")
	return nil
}
