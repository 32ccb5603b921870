package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/layers"
	"layercake/model"
	"layercake/tui/widget"
)

// form is settings being edited: of a layer, a group, an input, the training.
// Every change makes a new Spec at once, so that its effect shows before it is
// kept.
type form struct {
	d      *desk
	title  string // "conv2d"
	name   string // "stage2/1/conv1"
	what   string // entry of the history: "edit stage2/1/conv1"
	hint   string // one line below the fields
	fields []field
	cursor int

	base   *model.Spec
	before figures
	after  figures
	spec   *model.Spec // what base becomes; nil while a value cannot be read
	path   model.Path  // where the cursor goes
	errs   []error     // of fields, by index
	seen   *model.Graph
}

// field is one line of a form.
type field struct {
	name, help, unit string
	options          []string // words that it may be; nil: typed freely
	suggest          []string // words that ← and → put in before anything is typed
	step             bool     // a number that + and − change
	decimal          bool
	min, max         float64 // both zero: any
	value            entry
	was              string
	moved            string // the value that another field gave
	fresh            bool   // nothing typed yet: the first sign replaces the value
	// live, where given, is the value while nobody has typed one: another field
	// may move it.
	live func(s *model.Spec) string
	// set puts the value into s and says where the cursor goes, nil: where it is.
	set func(s *model.Spec, value string) (*model.Spec, model.Path, error)
}

// fieldOf makes a line for a setting that a layer (or the like) declares.
func fieldOf(f layers.Field, set func(s *model.Spec, value string) (*model.Spec, model.Path, error)) field {
	v := f.Get()
	out := field{name: f.Name, help: f.Help, unit: f.Unit, min: f.Min, max: f.Max, set: set, fresh: true}
	out.was = strings.Join(v, ", ")
	switch f.Ptr.(type) {
	case *bool:
		out.options = []string{"true", "false"}
	case *string:
		out.options = f.Options
	case *int:
		out.step = true
	case *float64:
		out.step, out.decimal = true, true
	case *layers.Pair:
		out.step = true
	case *layers.Padding, *layers.Ends:
		out.step = true
	}
	out.value = newEntry(out.was)
	return out
}

// textField is a line that takes any text.
func textField(name, help, value string, set func(s *model.Spec, value string) (*model.Spec, model.Path, error)) field {
	return field{name: name, help: help, was: value, value: newEntry(value), set: set}
}

// changed says that somebody has typed another value here.
func (f *field) changed() bool {
	v := strings.TrimSpace(f.value.String())
	return v != f.was && (f.moved == "" || v != f.moved)
}

// bump steps a number or takes the next word.
func (f *field) bump(n int) bool {
	f.fresh = true
	text := strings.TrimSpace(f.value.String())
	if words := slices.Concat(f.options, f.suggest); len(words) > 0 {
		at := max(slices.Index(words, text), 0)
		f.value.set(words[((at+n)%len(words)+len(words))%len(words)])
		return true
	}
	if !f.step {
		return false
	}
	if f.decimal {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return false
		}
		x = f.clamp(x + float64(n)*decimalStep(x, n))
		f.value.set(strconv.FormatFloat(x, 'g', 4, 64))
		return true
	}
	parts := layers.ParseValue(text)
	for i, p := range parts {
		x, err := strconv.Atoi(p)
		if err != nil {
			if p != "auto" && p != "same" && p != "valid" {
				return false
			}
			x = 0
			if n < 0 {
				return false
			}
		}
		parts[i] = strconv.Itoa(int(f.clamp(float64(x + n))))
	}
	f.value.set(strings.Join(parts, ", "))
	return true
}

func (f *field) clamp(x float64) float64 {
	if f.min == 0 && f.max == 0 {
		return x
	}
	return min(max(x, f.min), f.max)
}

// decimalStep is a tenth of x's power of ten, so that a learning rate of 0.01
// steps by 0.001, and on the way down 0.1 goes to 0.09.
func decimalStep(x float64, n int) float64 {
	s := 1.0
	for s > x && s > 1e-9 {
		s /= 10
	}
	if n < 0 && x <= s*1.0000001 {
		s /= 10
	}
	if s >= 1 {
		return 0.1
	}
	return s
}

// start shows the form's first state.
func (f *form) start() {
	f.errs = make([]error, len(f.fields))
	f.try()
}

// try puts all changed fields into the base and resolves what comes out.
func (f *form) try() {
	s, ok := f.base, true
	f.path = nil
	for i := range f.fields {
		f.errs[i] = nil
		fd := &f.fields[i]
		if !fd.changed() {
			continue
		}
		next, path, err := fd.set(s, strings.TrimSpace(fd.value.String()))
		if err != nil {
			f.errs[i] = err
			ok = false
			continue
		}
		s = next
		if path != nil {
			f.path = path
		}
	}
	if !ok {
		f.spec = nil
		return
	}
	f.spec = s
	if s == f.base {
		f.d.preview(nil)
	} else {
		f.d.preview(s)
	}
	f.seen = f.d.shown()
	f.after = f.before
	if f.d.draft != nil {
		f.after = f.d.drawn
	}
	for i := range f.fields {
		if fd := &f.fields[i]; fd.live != nil && (fd.fresh || !fd.changed()) {
			fd.follow(fd.live(s))
		}
	}
}

// follow shows a value that another field has moved.
func (f *field) follow(value string) {
	f.value.set(value)
	f.moved = value
}

// key takes a typed sign and says whether a value may have changed.
func (f *form) key(m tea.KeyMsg) bool {
	if len(f.fields) == 0 {
		return false
	}
	fd := &f.fields[f.cursor]
	switch k := m.String(); {
	case k == "+" || k == "-" && (fd.step && fd.fresh || len(fd.options) > 0):
		if len(fd.options) > 0 || fd.step {
			n := 1
			if k == "-" {
				n = -1
			}
			return fd.bump(n)
		}
	case len(fd.options) > 0:
		if k == "left" {
			return fd.bump(-1)
		}
		if k == "right" || k == " " {
			return fd.bump(1)
		}
		// A letter takes the next word that begins with it.
		if len(m.Runes) == 1 {
			at := max(slices.Index(fd.options, fd.value.String()), 0)
			for n := 1; n <= len(fd.options); n++ {
				if o := fd.options[(at+n)%len(fd.options)]; strings.HasPrefix(o, strings.ToLower(string(m.Runes))) {
					fd.value.set(o)
					return true
				}
			}
		}
		return false
	}
	if k := m.String(); fd.fresh && len(fd.suggest) > 0 && (k == "left" || k == "right") {
		return fd.bump(map[string]int{"left": -1, "right": 1}[k])
	}
	if fd.fresh && (m.Type == tea.KeyRunes || m.String() == "backspace") {
		fd.value.set("")
	}
	fd.fresh = false
	return fd.value.key(m)
}

func (f *form) move(n int) {
	f.cursor = max(min(f.cursor+n, len(f.fields)-1), 0)
	f.fields[f.cursor].fresh = true
	f.fields[f.cursor].value.set(f.fields[f.cursor].value.String())
}

// problem is the first field's refusal, else the network's.
func (f *form) problem() error {
	for _, err := range f.errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// lines draws the form in w cells: the fields, then what would become of the
// network, then what is wrong.
func (f *form) lines(t *theme, w, h int) []string {
	out := []string{t.accent.Bold(true).Render(f.title) + "   " + t.dim.Render(f.name), ""}
	if h > 18 {
		out = append([]string{""}, out...)
	}
	name := 8
	for _, fd := range f.fields {
		name = max(name, cells(fd.name))
	}
	// Few lines: the fields around the cursor, then the rest.
	from, to := 0, len(f.fields)
	below := 6
	if f.quiet(h) {
		below = 3
	}
	if room := max(h-len(out)-below, 3); to > room {
		from = max(min(f.cursor-room/2, to-room), 0)
		to = from + room
		out[len(out)-2] += t.dim.Render(fmt.Sprintf("   %d to %d of %d", from+1, to, len(f.fields)))
	}
	for i := from; i < to; i++ {
		out = append(out, f.fieldLine(t, i, name, w))
	}
	if err := f.problem(); err != nil {
		for _, l := range wrap("✗ "+sentence(err), w) {
			out = append(out, t.bad.Render(l))
		}
		return out
	}
	fd := &f.fields[f.cursor]
	help := fd.help
	if len(fd.options) > 2 {
		help += ": " + strings.Join(fd.options, ", ")
	}
	if h > 18 {
		out = append(out, "")
	}
	for _, l := range wrap(help, w-1) {
		out = append(out, " "+t.dim.Render(l))
	}
	if f.hint != "" {
		for _, l := range wrap(f.hint, w-1) {
			out = append(out, " "+t.dim.Render(l))
		}
	}
	if h > 18 {
		out = append(out, "", t.dim.Render("If you press enter"))
	}
	if !f.quiet(h) {
		out = append(out, f.effect(t)...)
	}
	if f.seen != nil && f.seen.Err != nil {
		if h > 18 {
			out = append(out, "")
		}
		for _, l := range wrap("✗ "+sentence(f.seen.Err), w) {
			out = append(out, t.bad.Render(l))
		}
	}
	return out
}

// quiet leaves the effect out where there is none and h lines are few.
func (f *form) quiet(h int) bool { return h <= 18 && f.spec == f.base }

// unitOf is what text is counted in; words such as same are counted in nothing.
func (f *field) unitOf(text string) string {
	if text = strings.TrimLeft(text, " -[."); text == "" || text[0] < '0' || text[0] > '9' {
		return ""
	}
	return f.unit
}

func (f *form) fieldLine(t *theme, i, name, w int) string {
	fd := &f.fields[i]
	here := i == f.cursor
	label := t.dim
	mark := "  "
	if here {
		label = t.accent
		mark = t.accent.Render("▌") + " "
	}
	value := ""
	switch {
	case here && len(fd.options) > 0:
		value = t.strong.Render("‹ " + fd.value.String() + " ›")
	case here:
		value = fd.value.view(t, max(w-name-6, 6))
	default:
		value = " " + t.strong.Render(fd.value.String())
	}
	if here && len(fd.options) == 0 {
		value = " " + value
	}
	value += " "
	if u := fd.unitOf(fd.value.String()); u != "" {
		value += t.dim.Render(u + " ")
	}
	if f.errs[i] != nil {
		value += t.bad.Render(" ✗")
	} else if strings.TrimSpace(fd.value.String()) != fd.was {
		was := fd.was
		if was == "" {
			was = "empty"
		}
		value += t.dim.Render("  was " + was)
	}
	s := mark + label.Render(fit(fd.name, name)) + " " + value
	if here {
		return t.selected(fit(s, w))
	}
	return fit(s, w)
}

// effect is what changes for the network if the form is kept.
func (f *form) effect(t *theme) []string {
	a, b := f.before, f.after
	line := func(name, diff, now string) string {
		return " " + t.dim.Render(fit(name, 12)) + fitRight(diff, 11) + "  " + t.dim.Render(now)
	}
	signed := func(d int64, of func(int64) string) string {
		switch {
		case d == 0:
			return t.dim.Render("±0")
		case d > 0:
			return t.warn.Render("+" + of(d))
		}
		return t.good.Render("−" + of(-d))
	}
	si := func(n int64) string {
		x, p := widget.SI(float64(n))
		return strings.TrimSpace(x + " " + p)
	}
	times := func(x, y int64) string {
		if x <= 0 || y <= 0 || x == y {
			return ""
		}
		r := float64(y) / float64(x)
		if r >= 0.995 && r < 1.005 {
			return ""
		}
		return fmt.Sprintf("×%.2f", r)
	}
	out := []string{
		line("parameters", signed(b.params-a.params, widget.Group), times(a.params, b.params)),
		line("MACs", signed(b.macs-a.macs, si), times(a.macs, b.macs)),
	}
	if a.memory > 0 && b.memory > 0 {
		out = append(out, line("memory", signed(b.memory-a.memory, widget.Bytes), "now "+widget.Bytes(a.memory)))
	}
	if now, then := f.d.pace.epoch(a), f.d.pace.epoch(b); now > 0 && then > 0 {
		out = append(out, line("an epoch", "≈ "+signed(int64(then-now), func(n int64) string { return spanWords(time.Duration(n)) }), "now "+spanWords(now)))
	}
	if a.receptive != b.receptive && b.receptive[0] != 0 {
		out = append(out, line("sees", t.text.Render(reach(b.receptive, b.image)), "now "+reach(a.receptive, a.image)))
	}
	return out
}

// formKeys work while a form is open; every other key types.
var formKeys = []keyBinding[buildScreen]{
	{keys: []string{"enter"}, foot: "keep", do: (*buildScreen).keepForm},
	{keys: []string{"esc"}, foot: "cancel", do: (*buildScreen).dropForm},
	{keys: []string{"down", "tab"}, foot: "next", do: func(b *buildScreen) tea.Cmd { b.form.move(1); return nil }},
	{keys: []string{"up", "shift+tab"}, foot: "before", do: func(b *buildScreen) tea.Cmd { b.form.move(-1); return nil }},
}

func (b *buildScreen) openForm(f *form) tea.Cmd {
	f.d, f.base, f.before = b.d, b.d.spec(), b.d.figs
	if len(f.fields) == 0 {
		b.d.say(f.name + " has nothing to set")
		return nil
	}
	for i := range f.fields {
		f.fields[i].fresh = true
	}
	b.form = f
	f.start()
	b.fitStack()
	return nil
}

func (b *buildScreen) tryForm() { b.form.try() }

// keepForm makes the form's network the network.
func (b *buildScreen) keepForm() tea.Cmd {
	f := b.form
	if err := f.problem(); err != nil {
		b.d.complain(err)
		return nil
	}
	b.form = nil
	b.d.preview(nil)
	if f.spec != nil && f.spec != f.base {
		b.d.apply(f.spec, f.what, f.path)
	}
	b.fitStack()
	return nil
}

func (b *buildScreen) dropForm() tea.Cmd {
	b.form = nil
	b.d.preview(nil)
	b.fitStack()
	return nil
}
