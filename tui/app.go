package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/model"
	"layercake/presets"
	"layercake/train"
)

// Options say what the screen starts with.
type Options struct {
	Spec    *model.Spec // nil: a small preset
	Path    string      // Spec's file; "" for a preset
	Theme   string      // light, dark, or auto: as the terminal answers
	ASCII   bool        // draw with signs of ASCII only
	DataDir string      // where data sets' files lie
	Threads int         // to train with; 0: all cores
	Seed    uint64      // 0: the network's own
	// RunDir makes the folder for a run's checkpoints; nil: none are written.
	RunDir func(network string) (string, error)
	// RunsDir is the folder that Compare finds kept runs in; "": none are kept.
	RunsDir string
	// Measure times a few steps of training a network, for estimates; nil: none
	// are made.
	Measure func(*model.Graph) (train.Speed, error)
	// Machine names the kernel and the cores in the header: "avx2 · 2 threads".
	Machine string

	In  io.Reader // nil: the terminal
	Out io.Writer
}

// Run shows the screens until the user leaves. A run still training then is
// stopped and kept first.
func Run(ctx context.Context, o Options) error {
	if o.Spec == nil {
		s, err := presets.Spec(presets.Default)
		if err != nil {
			return fmt.Errorf("open the preset %s: %w", presets.Default, err)
		}
		o.Spec = s
	}
	programOptions := []tea.ProgramOption{tea.WithContext(ctx), tea.WithAltScreen(), tea.WithMouseCellMotion(), tea.WithFPS(100)}
	var out io.Writer = os.Stdout
	if o.Out != nil {
		out = o.Out
		programOptions = append(programOptions, tea.WithOutput(out))
	}
	if o.In != nil {
		programOptions = append(programOptions, tea.WithInput(o.In))
	}
	dark := o.Theme == "dark" || o.Theme != "light" && assumeDark()
	a := newApp(ctx, o, newTheme(out, dark, o.ASCII))
	var in *answers
	if o.In == nil && o.Out == nil && o.Theme == "auto" && !a.desk.theme.plain && asksBackground() {
		in = &answers{File: os.Stdin}
		programOptions = append(programOptions, tea.WithInput(in))
		a.asks = out
	}
	p := tea.NewProgram(a, programOptions...)
	if in != nil {
		in.hear = func(dark bool) { p.Send(backgroundMsg{dark}) }
	}
	err := runProgram(ctx, p, restoreTime)
	if r := a.desk.run; r.live() && r.run != nil {
		r.run.Stop()
		if stopErr := r.run.Wait(); err == nil {
			err = stopErr
		}
	}
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// restoreTime is how long a stopped program may take to leave the terminal as
// it was.
const restoreTime = 3 * time.Second

// runProgram runs p until it ends, or until ctx has ended and p does not follow
// within grace: a terminal that takes no output (a frozen connection, ctrl+s)
// holds p in a write for ever, and must not hold back the saving of a run.
func runProgram(ctx context.Context, p *tea.Program, grace time.Duration) error {
	ended := make(chan error, 1)
	go func() {
		_, err := p.Run()
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(grace):
		return tea.ErrProgramKilled
	}
}

// app routes: sizes, global keys, header, footer, panels.
type app struct {
	desk    *desk
	screens []Screen
	shown   int
	w, h    int
	asks    io.Writer // the terminal whose background is asked for; nil: none is
	waits   bool      // for the answer, before the first frame
}

func newApp(ctx context.Context, o Options, t *theme) *app {
	a := &app{desk: newDesk(ctx, o, t)}
	for _, s := range screens {
		a.screens = append(a.screens, s.open(a.desk))
	}
	return a
}

func (a *app) Init() tea.Cmd {
	cmds := []tea.Cmd{a.screens[a.shown].Init(), a.desk.tryPace()}
	if a.asks != nil {
		a.waits = true
		cmds = append(cmds, ask(a.asks))
	}
	return tea.Batch(cmds...)
}

// sizeMsg tells a screen how many cells it has.
type sizeMsg struct{ w, h int }

func (a *app) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		a.w, a.h = m.Width, m.Height
		a.desk.stack.refit()
		cmd = a.resize()
	case tea.KeyMsg:
		cmd = a.typed(m)
	case tea.MouseMsg:
		cmd = a.mouse(m)
	case savedMsg:
		cmd = a.desk.heardSaved(m)
	case loadedMsg:
		cmd = a.desk.heardLoaded(m)
	case paceMsg:
		a.desk.tookPace(m)
	case backgroundMsg:
		a.waits = false
		a.desk.theme.wear(a.asks, m.dark)
	case waitedMsg:
		a.waits = false
	default:
		heard := false
		if cmd, heard = a.desk.hear(msg); !heard {
			cmd = a.pass(msg)
		}
	}
	if a.desk.quit {
		return a, tea.Quit
	}
	return a, tea.Batch(cmd, a.bringForward(), a.desk.tryPace())
}

// bringForward starts the screen that the desk asks for.
func (a *app) bringForward() tea.Cmd {
	if a.desk.screen == a.shown {
		return nil
	}
	a.shown = a.desk.screen
	return tea.Batch(a.screens[a.shown].Init(), a.resize())
}

func (a *app) resize() tea.Cmd {
	l := a.frame()
	a.desk.bodyW, a.desk.bodyH, a.desk.mouseY0 = a.w, l.body, l.top
	return a.toScreen(sizeMsg{a.w, l.body})
}

func (a *app) toScreen(msg tea.Msg) tea.Cmd {
	next, cmd := a.screens[a.shown].Update(msg)
	a.screens[a.shown] = next
	return cmd
}

// pass hands a message to the panels and the screen: each knows its own.
func (a *app) pass(msg tea.Msg) tea.Cmd {
	cmds := []tea.Cmd{a.toScreen(msg)}
	for i, p := range a.desk.panels {
		next, cmd := p.Update(msg)
		if np, ok := next.(panel); ok && i < len(a.desk.panels) && a.desk.panels[i] == p {
			a.desk.panels[i] = np
		}
		cmds = append(cmds, cmd)
	}
	return tea.Batch(cmds...)
}

// front is what has the keyboard.
func (a *app) front() Screen {
	if n := len(a.desk.panels); n > 0 {
		return a.desk.panels[n-1]
	}
	return a.screens[a.shown]
}

// keys are the commands that work now: the front's, then the global ones
// unless a text field has the keyboard or a panel waits for its answer.
func (a *app) keys() []command {
	own := a.front().Keys()
	if a.front().Typing() || len(a.desk.panels) > 0 {
		return own
	}
	return append(own, without(a.globals(), own)...)
}

// typed takes keys apart that came in one piece, as fast fingers and slow
// lines make them: jjj is three times j. Text fields and pastes keep theirs whole.
func (a *app) typed(m tea.KeyMsg) tea.Cmd {
	if m.Type != tea.KeyRunes || len(m.Runes) < 2 || m.Paste {
		return a.key(m)
	}
	var cmds []tea.Cmd
	for i, r := range m.Runes {
		if a.front().Typing() {
			rest := m
			rest.Runes = m.Runes[i:]
			return tea.Batch(append(cmds, a.key(rest))...)
		}
		one := m
		one.Runes = []rune{r}
		cmds = append(cmds, a.key(one))
		if a.desk.quit {
			break
		}
		cmds = append(cmds, a.bringForward())
	}
	return tea.Batch(cmds...)
}

func (a *app) key(m tea.KeyMsg) tea.Cmd {
	a.desk.note = note{}
	if m.String() == "ctrl+c" {
		return a.leave()
	}
	if cmd, ok := dispatch(a.keys(), m); ok {
		return cmd
	}
	front := a.front()
	next, cmd := front.Update(m)
	n := len(a.desk.panels)
	if p, ok := next.(panel); ok && n > 0 && a.desk.panels[n-1] == front {
		a.desk.panels[n-1] = p
	} else if n == 0 && front == a.screens[a.shown] {
		a.screens[a.shown] = next
	}
	return cmd
}

func (a *app) mouse(m tea.MouseMsg) tea.Cmd {
	l := a.frame()
	if m.Y == 1 && m.Button == tea.MouseButtonLeft && m.Action == tea.MouseActionPress && len(a.desk.panels) == 0 {
		x := 1
		for i := range screens {
			w := cells(tabName(i))
			if m.X >= x && m.X < x+w {
				a.desk.screen = i
			}
			x += w
		}
		return nil
	}
	m.Y -= l.top
	if n := len(a.desk.panels); n > 0 {
		p := a.desk.panels[n-1]
		x, y, _, _ := placed(p, a.w, l.body)
		m.X, m.Y = m.X-x-2, m.Y-y-1
		_, cmd := p.Update(m)
		return cmd
	}
	return a.toScreen(m)
}

// globalKeys work on every screen. (A function, since help and palette list it.)
func globalKeys() []keyBinding[app] {
	return []keyBinding[app]{
		{keys: []string{"u"}, foot: "undo", help: "undo the last change of the network", do: func(a *app) tea.Cmd { return a.desk.undo() }},
		{keys: []string{"ctrl+r"}, help: "redo what was undone", do: func(a *app) tea.Cmd { return a.desk.redo() }},
		{keys: []string{"ctrl+s"}, help: "save the network", do: func(a *app) tea.Cmd { return a.desk.save() }},
		{keys: []string{"esc"}, do: (*app).back},
		{keys: []string{"q"}, help: "quit", do: (*app).leave},
		{keys: []string{"ctrl+z"}, help: "back to the shell; fg comes here again", do: func(*app) tea.Cmd { return tea.Suspend }},
		{keys: []string{"?"}, foot: "keys", help: "all keys, searchable", do: (*app).help},
		{keys: []string{":", "ctrl+p"}, foot: "all", help: "palette: every command by name", do: (*app).palette},
	}
}

// globals are the globalKeys and a digit for each screen.
func (a *app) globals() []command {
	var out []command
	for i, s := range screens {
		out = append(out, command{
			keys: []string{strconv.Itoa(i + 1)},
			help: "screen " + s.name + ": " + s.help,
			do:   func() tea.Cmd { a.desk.screen = i; return nil },
		})
	}
	return append(out, bind(globalKeys(), a)...)
}

// back ends a range of rows; panels and forms have an esc of their own.
func (a *app) back() tea.Cmd {
	a.desk.stack.mark = -1
	return nil
}

// leave quits, after asking where work would be lost.
func (a *app) leave() tea.Cmd {
	d := a.desk
	d.panels = nil
	if !d.dirty() && !d.run.live() {
		d.quit = true
		return nil
	}
	return d.lay(newQuitDialog(d))
}

func (a *app) help() tea.Cmd { return a.desk.lay(newHelp(a.desk, a.keys())) }

// palette lists what works here, then what works on the other screens; one of
// those brings its screen to the front.
func (a *app) palette() tea.Cmd {
	cmds := a.keys()
	shared := bind(stackKeys, a.desk.stack)
	for i, s := range a.screens {
		if i == a.shown || s.Typing() {
			continue
		}
		for _, c := range without(s.Keys(), shared) {
			if c.help == "" {
				continue
			}
			do := c.do
			c.help = screens[i].name + ": " + c.help
			c.do = func() tea.Cmd {
				a.desk.screen = i
				return tea.Sequence(a.bringForward(), do())
			}
			cmds = append(cmds, c)
		}
	}
	return a.desk.lay(newPalette(a.desk, cmds))
}

// frameLines is which lines of the terminal are for what.
type frameLines struct {
	top, body            int // first line and lines of the screen
	ruleAbove, ruleBelow bool
	tooSmall             bool
}

// The least size that the screens can serve.
const minWidth, minHeight = 60, 16

func (a *app) frame() frameLines {
	l := frameLines{tooSmall: a.w < minWidth || a.h < minHeight, top: 2}
	l.ruleAbove = a.h >= 20
	l.ruleBelow = a.h >= 28
	l.body = a.h - 4
	if l.ruleAbove {
		l.top++
		l.body--
	}
	if l.ruleBelow {
		l.body--
	}
	l.body = max(l.body, 0)
	return l
}

func (a *app) View() string {
	if a.w == 0 || a.h == 0 || a.waits {
		return ""
	}
	l := a.frame()
	t := a.desk.theme
	if l.tooSmall {
		return t.signs(tooSmall(a.w, a.h))
	}
	lines := []string{a.headLine(), a.tabLine()}
	split := -1
	if s, ok := a.screens[a.shown].(interface{ Split(w, h int) int }); ok {
		split = s.Split(a.w, l.body)
	}
	if l.ruleAbove {
		lines = append(lines, crossing(t, a.w, split, "┬"))
	}
	body := strings.Split(a.screens[a.shown].View(a.w, l.body), "\n")
	for _, p := range a.desk.panels {
		x, y, w, h := placed(p, a.w, l.body)
		inner := strings.Split(p.View(w-4, h-2), "\n")
		body = over(t, body, framed(t, p.Title(), inner, w, h), x, y)
	}
	lines = append(lines, box(body, a.w, l.body)...)
	if l.ruleBelow {
		lines = append(lines, crossing(t, a.w, split, "┴"))
	}
	lines = append(lines, a.statusLine(), footer(t, a.keys(), a.w))
	return t.signs(strings.Join(lines, "\n"))
}

func crossing(t *theme, w, at int, sign string) string {
	if at <= 0 || at >= w {
		return t.rule(w)
	}
	return t.faint.Render(strings.Repeat("─", at) + sign + strings.Repeat("─", w-at-1))
}

// placed is where a panel lies on a body of w×h cells.
func placed(p panel, w, h int) (x, y, pw, ph int) {
	pw, ph = p.Size(w-4, h)
	pw, ph = min(pw, w), min(ph, h)
	return (w - pw) / 2, max((h-ph)/3, 0), pw, ph
}

func tooSmall(w, h int) string {
	text := wrap(fmt.Sprintf("layercake needs %d×%d cells; this terminal has %d×%d. Make it larger, or use the commands: layercake help", minWidth, minHeight, w, h), w)
	return strings.Join(box(text, w, h), "\n")
}

// headLine is program, network, and its figures or the run's.
func (a *app) headLine() string {
	d, t := a.desk, a.desk.theme
	left := " " + t.accent.Render("layercake") + "  " + t.strong.Render(d.title())
	if d.dirty() {
		left += " " + t.warn.Render("●")
	}
	right := ""
	room := a.w - cells(left) - 3
	if s, ok := a.screens[a.shown].(titled); ok {
		right = s.Header(room)
	}
	if right == "" {
		f := d.figs
		if d.draft != nil {
			f = d.drawn
		}
		right = f.header(t, room, d.pace.words(f))
	}
	return fit(spread(left, right+" ", a.w), a.w)
}

func tabName(i int) string { return fmt.Sprintf(" %d %s ", i+1, screens[i].name) }

func (a *app) tabLine() string {
	t := a.desk.theme
	left := " "
	for i := range screens {
		switch {
		case i != a.shown:
			left += t.dim.Render(tabName(i))
		case t.plain:
			left += "[" + strings.TrimSpace(tabName(i)) + "]"
		default:
			left += t.tab.Render(tabName(i))
		}
	}
	return fit(spread(left, t.dim.Render(a.desk.opts.Machine)+" ", a.w), a.w)
}

// statusLine is what was just said, else what the screen says, else how the
// network is.
func (a *app) statusLine() string {
	d, t := a.desk, a.desk.theme
	text := ""
	switch n := d.note; {
	case n.text != "" && n.level == noteBad:
		text = t.bad.Render("✗ " + n.text)
	case n.text != "" && n.level == noteGood:
		text = t.good.Render("✓ ") + t.text.Render(n.text)
	case n.text != "":
		text = t.text.Render(n.text)
	}
	if text == "" {
		if s, ok := a.screens[a.shown].(titled); ok {
			text = s.Status(a.w - 2)
		}
	}
	if text == "" {
		text = d.health(a.w - 2)
	}
	return fit(" "+text, a.w)
}

// health says in w cells whether the network can run, and what it is like.
func (d *desk) health(w int) string {
	t := d.theme
	if len(d.shown().Spec.Layers) == 0 {
		return t.dim.Render("nothing is stacked yet: ") + t.accent.Render("a") + t.dim.Render(" on Build adds a layer, ") + t.accent.Render("i") + t.dim.Render(" changes data and training")
	}
	if err := d.shown().Err; err != nil {
		text := "✗ " + sentence(err)
		if cells(text) > w && d.draft == nil {
			return t.bad.Render(fit(text, w-9)) + "  " + t.accent.Render("!") + t.dim.Render(" more")
		}
		return t.bad.Render(text)
	}
	f := d.figs
	if d.draft != nil {
		f = d.drawn
	}
	text := t.good.Render("✓ valid")
	if f.depth > 0 {
		text += t.dim.Render(fmt.Sprintf(" · depth %d", f.depth))
	}
	if f.receptive[0] > 0 {
		text += t.dim.Render(" · receptive field " + reach(f.receptive, f.image))
	}
	return text
}
