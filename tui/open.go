package tui

import (
	"os"
	"path/filepath"
	"sort"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/model"
	"layercake/presets"
	"layercake/tui/widget"
)

// listedMsg brings the networks that can be opened.
type listedMsg struct {
	to      *picker
	sources []source
}

// source is a network that can be opened.
type source struct {
	group, name, about, figures, short string
	path                               string // of a file
}

// loadedMsg brings a network that was chosen.
type loadedMsg struct {
	spec *model.Spec
	path string
	err  error
	take func(s *model.Spec, path string)
}

func (d *desk) heardLoaded(m loadedMsg) tea.Cmd {
	if m.err != nil {
		d.complain(m.err)
		return nil
	}
	m.take(m.spec, m.path)
	return nil
}

// open lists presets and files of the working folder, to put one on the desk.
func (b *buildScreen) open() tea.Cmd {
	return b.d.guard("open another network", func() tea.Cmd {
		return b.d.choose("open", func(s *model.Spec, path string) {
			b.d.load(s, path)
			b.d.say("opened " + b.d.title())
		})
	})
}

// choose lets the user pick a preset or a file and hands it to take.
func (d *desk) choose(title string, take func(s *model.Spec, path string)) tea.Cmd {
	p := newPicker(d, title, "open", nil, nil)
	p.wait = "looking"
	p.w, p.h = 124, 40
	p.more = func(msg tea.Msg) {
		m, ok := msg.(listedMsg)
		if !ok || m.to != p {
			return
		}
		p.items = nil
		for _, s := range m.sources {
			p.items = append(p.items, pickItem{group: s.group, name: s.name, text: s.about, right: s.figures, short: s.short})
		}
		p.filter()
		p.choose = func(i int) tea.Cmd {
			s := m.sources[i]
			return func() tea.Msg {
				msg := loadedMsg{path: s.path, take: take}
				if s.path != "" {
					msg.spec, msg.err = model.Load(s.path)
				} else {
					msg.spec, msg.err = presets.Spec(s.name)
				}
				return msg
			}
		}
	}
	return tea.Batch(d.lay(p), func() tea.Msg { return listedMsg{p, sources()} })
}

// sources reads every preset and every network file of the working folder.
func sources() []source {
	var out []source
	files, _ := filepath.Glob("*.y*ml")
	sort.Strings(files)
	for _, f := range files {
		if i, err := os.Stat(f); err != nil || i.IsDir() || i.Size() > 1<<20 {
			continue
		}
		spec, err := model.Load(f)
		if err != nil {
			continue // another program's file
		}
		g := model.Resolve(spec)
		out = append(out, source{group: "files here", name: widget.Plain(f), path: f, about: spec.About, figures: bothFigures(g), short: oneFigure(g)})
	}
	for _, p := range presets.List() {
		spec, err := presets.Spec(p.Name)
		if err != nil {
			continue
		}
		g := model.Resolve(spec)
		out = append(out, source{group: p.Task, name: p.Name, about: p.About, figures: bothFigures(g), short: oneFigure(g)})
	}
	return out
}

// oneFigure is what a narrow list has room for.
func oneFigure(g *model.Graph) string { return widget.Group(g.Params()) + " params" }

func bothFigures(g *model.Graph) string {
	x, p := widget.SI(float64(g.MACs()))
	return fitRight(widget.Group(g.Params()), 11) + " params" + fitRight(strings.TrimSpace(x+" "+p), 8) + " MACs"
}

// guard asks before unsaved work would be lost by what.
func (d *desk) guard(what string, then func() tea.Cmd) tea.Cmd {
	if !d.dirty() {
		return then()
	}
	return d.lay(&dialog{d: d, title: what, text: d.title() + " has changes that are not saved.", answers: []command{
		{keys: []string{"s", "y"}, foot: "save", help: "save first", do: func() tea.Cmd { return d.saveThen(then) }},
		{keys: []string{"d", "n"}, foot: "drop", help: "drop the changes", do: then},
	}})
}
