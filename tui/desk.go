package tui

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/model"
	"layercake/tui/widget"
)

// desk is what the screens share: the network with its history, the stack, the
// run, the networks to compare, and what lies over the screens. It belongs to
// the app and changes only within Update.
type desk struct {
	ctx   context.Context
	opts  Options
	theme *theme
	stack *stack

	history []change
	at      int // the change that shows
	saved   *model.Spec
	path    string // the network's file; "" has none yet

	graph *model.Graph // of history[at]
	figs  figures      // of graph
	draft *model.Graph // while a form is open what it would make, else nil
	drawn figures      // of draft

	pace pace // how fast this machine trains

	run     *runState      // the last run, nil before the first
	compare []*model.Graph // marked for Compare, beside the one on the desk

	note    note
	panels  []panel // on top of the screen, the last one in front
	screen  int     // of screens
	quit    bool
	bodyW   int // cells of the screen below the header
	bodyH   int
	mouseY0 int // first line of the body on the terminal
}

// change is one entry of the history.
type change struct {
	spec *model.Spec
	what string     // "delete conv2": for the status line of undo
	path model.Path // where the cursor goes
}

// note is one sentence in the status line until the next key.
type note struct {
	text  string
	level noteLevel
}

type noteLevel uint8

const (
	noteSaid noteLevel = iota
	noteGood
	noteBad
)

func newDesk(ctx context.Context, o Options, t *theme) *desk {
	d := &desk{ctx: ctx, opts: o, theme: t, stack: newStack()}
	d.load(o.Spec, o.Path)
	return d
}

// load puts another network on the desk, with a fresh history.
func (d *desk) load(s *model.Spec, path string) {
	d.history = []change{{spec: s, what: "open"}}
	d.at = 0
	d.saved, d.path = s, path
	d.draft = nil
	d.graph = model.Resolve(s)
	d.figs = figuresOf(d.graph)
	d.stack.fresh(d.graph)
	if e := problemRow(d.graph); e >= 0 {
		d.stack.selectRow(e)
	}
}

func (d *desk) spec() *model.Spec { return d.history[d.at].spec }

// dirty says that leaving would lose work.
func (d *desk) dirty() bool { return d.spec() != d.saved }

// apply makes s the network, as an entry of the history that undo takes back.
func (d *desk) apply(s *model.Spec, what string, path model.Path) {
	d.history = append(d.history[:d.at+1:d.at+1], change{s, what, path})
	d.at++
	d.settle(path)
}

// settle shows history[at] and puts the cursor at path.
func (d *desk) settle(path model.Path) {
	d.draft = nil
	d.graph = model.Resolve(d.spec())
	d.figs = figuresOf(d.graph)
	d.stack.mark = -1
	d.stack.show(d.graph)
	d.stack.selectPath(path)
}

func (d *desk) undo() tea.Cmd {
	if d.at == 0 {
		d.say("nothing to undo")
		return nil
	}
	c := d.history[d.at]
	d.at--
	d.settle(c.path)
	d.say("undone: " + c.what)
	return nil
}

func (d *desk) redo() tea.Cmd {
	if d.at == len(d.history)-1 {
		d.say("nothing to redo")
		return nil
	}
	d.at++
	c := d.history[d.at]
	d.settle(c.path)
	d.say("done again: " + c.what)
	return nil
}

// preview shows what s would make, in the stack and in the figures, without
// an entry in the history. Nil ends it.
func (d *desk) preview(s *model.Spec) {
	if s == nil {
		if d.draft != nil {
			d.draft = nil
			d.stack.show(d.graph)
		}
		return
	}
	d.draft = model.Resolve(s)
	d.drawn = figuresOf(d.draft)
	d.stack.show(d.draft)
}

// shown is the graph whose rows the stack shows.
func (d *desk) shown() *model.Graph {
	if d.draft != nil {
		return d.draft
	}
	return d.graph
}

// say puts a sentence into the status line until the next key.
func (d *desk) say(text string)   { d.note = note{widget.Plain(text), noteSaid} }
func (d *desk) cheer(text string) { d.note = note{widget.Plain(text), noteGood} }
func (d *desk) complain(err error) {
	if err != nil {
		d.note = note{sentence(err), noteBad}
	}
}

// sentence is an error in one line.
func sentence(err error) string {
	return widget.Plain(strings.Join(strings.Fields(err.Error()), " "))
}

// title names the network as the header does: its file, or its own name.
func (d *desk) title() string {
	if d.path != "" {
		return widget.Plain(filepath.Base(d.path))
	}
	if n := d.spec().Name; n != "" {
		return n
	}
	return "unnamed"
}

// lay puts a panel over the screen; remove takes the front one away.
func (d *desk) lay(p panel) tea.Cmd {
	d.panels = append(d.panels, p)
	return p.Init()
}

func (d *desk) remove() {
	if n := len(d.panels); n > 0 {
		d.panels = d.panels[:n-1]
	}
}

// showScreen brings the screen of that name to the front, where there is one.
func (d *desk) showScreen(name string) {
	for i, s := range screens {
		if s.name == name {
			d.screen = i
		}
	}
}

// addToCompare puts the network on the desk among those that Compare shows.
func (d *desk) addToCompare() tea.Cmd {
	for i, g := range d.compare {
		if g.Spec == d.graph.Spec {
			d.compare = append(d.compare[:i:i], d.compare[i+1:]...)
			d.say(d.title() + " is no longer compared")
			return nil
		}
	}
	d.compare = append(d.compare, d.graph)
	d.cheer(fmt.Sprintf("%s is kept for Compare (%d there)", d.title(), len(d.compare)))
	return nil
}

// problemRow is the first row with a refusal, -1 without one.
func problemRow(g *model.Graph) int {
	for i := range g.Rows {
		if g.Rows[i].Problem != nil && !g.Rows[i].Group {
			return i
		}
	}
	for i := range g.Rows {
		if g.Rows[i].Problem != nil {
			return i
		}
	}
	return -1
}
