package tui

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/layers"
	"layercake/model"
)

// move makes one of model's moves the network, or says why not.
func (b *buildScreen) move(what string, s *model.Spec, path model.Path, err error) tea.Cmd {
	if err != nil {
		b.d.complain(err)
		return nil
	}
	if s == b.d.spec() {
		return nil
	}
	b.d.apply(s, what, path)
	if n := b.d.places(path); n > 1 && b.d.graph.Err == nil {
		b.d.say(fmt.Sprintf("%s: at %d places, since blocks share it", what, n))
	}
	return nil
}

// places is how many rows the item at path stands for: several where the block
// around it repeats, or where blocks take their layers from one template.
func (d *desk) places(path model.Path) int {
	it, err := d.spec().At(path)
	if err != nil || it.Kind == model.GroupBlock {
		return 0
	}
	n, origin := 0, d.origin(path)
	for i := range d.graph.Rows {
		r := &d.graph.Rows[i]
		last := len(r.Item) - 1
		if r.Kind == it.Kind && r.Title != "path" && last >= 0 && r.Item[last].Index == path[len(path)-1].Index && d.origin(r.Item) == origin {
			n++
		}
	}
	return n
}

// origin names the place in the file that edits at path go to: of a row in a
// template the template's.
func (d *desk) origin(path model.Path) string {
	for k := len(path) - 1; k > 0; k-- {
		if path[k].List != "layers" {
			continue
		}
		if it, err := d.spec().At(path[:k]); err == nil && it.Use != "" {
			return it.Use + " " + path[k:].Key()
		}
	}
	return path.Key()
}

// target is the row that edits go to; nil, with a word about it, where there
// is none.
func (b *buildScreen) target() *model.Row {
	r := b.d.stack.handle()
	if r == nil {
		b.d.say("nothing is stacked yet: a adds a layer")
		return nil
	}
	if r.Item == nil {
		b.d.say("this row is the network's input: i sets its shape")
		return nil
	}
	return r
}

// placeAfter is where a layer goes that is added below the selected row: into
// an open block at its top, else behind the row.
func (b *buildScreen) placeAfter() model.Path {
	s := b.d.stack
	r := s.row()
	if r == nil || r.Item == nil {
		return model.Path{{List: "layers"}}
	}
	inside := func(list string) model.Path {
		return append(append(model.Path{}, r.Item...), model.PathStep{List: list, Rep: rep(r, s.isRepetition(s.index()))})
	}
	switch {
	case r.Title == "path": // one of several side by side; it may be empty
		if n, err := strconv.Atoi(r.Name[strings.LastIndexByte(r.Name, '/')+1:]); err == nil {
			return inside("paths/" + strconv.Itoa(n-1))
		}
	case r.Group && r.Kind == model.GroupBlock && !s.isFolded(s.index()):
		return inside("layers")
	}
	return s.handle().Item.Next()
}

func rep(r *model.Row, repetition bool) int {
	if repetition {
		return r.Repeat
	}
	return 0
}

func (b *buildScreen) add() tea.Cmd { return b.palette("add below", b.placeAfter()) }

func (b *buildScreen) addAbove() tea.Cmd {
	at := model.Path{{List: "layers"}}
	if r := b.d.stack.handle(); r != nil && r.Item != nil {
		at = r.Item
	}
	return b.palette("add above", at)
}

// groupItems are the palette's entries that are no layers.
var groupItems = []struct{ kind, text string }{
	{model.GroupBlock, "a named group of rows that can be repeated"},
	{model.GroupResidual, "a skip: the input is added to what the rows make of it"},
	{model.GroupBranches, "rows side by side over one input, joined"},
}

// palette lists every kind of layer by purpose, to be put at path.
func (b *buildScreen) palette(title string, at model.Path) tea.Cmd {
	t := b.d.theme
	var items []pickItem
	var kinds []string
	for _, f := range layers.Families {
		for _, k := range layers.Catalog {
			if k.Family == f && k.Name != "input" {
				style := t.of(f)
				items = append(items, pickItem{group: string(f), name: k.Name, text: k.Summary, style: &style})
				kinds = append(kinds, k.Name)
			}
		}
	}
	for _, g := range groupItems {
		style := t.of(layers.Flow)
		items = append(items, pickItem{group: "groups", name: g.kind, text: g.text, style: &style})
		kinds = append(kinds, g.kind)
	}
	return b.d.lay(newPicker(b.d, title, "add", items, func(i int) tea.Cmd { return b.insert(at, kinds[i]) }))
}

// insert puts a new item at path. A group gets a layer to begin with, since
// none may be empty.
func (b *buildScreen) insert(at model.Path, kind string) tea.Cmd {
	it, err := model.NewItem(kind)
	if err != nil {
		return b.move("", nil, nil, err)
	}
	inner := model.Item{Kind: "relu"}
	switch kind {
	case model.GroupBlock, model.GroupResidual:
		it.Layers = []model.Item{inner}
	case model.GroupBranches:
		it.Paths = [][]model.Item{{inner}, {inner}}
	}
	s, path, err := model.Insert(b.d.spec(), at, it)
	return b.move("add "+kind, s, path, err)
}

func (b *buildScreen) remove() tea.Cmd {
	from, to, ok := b.span()
	if !ok {
		return nil
	}
	s, path, err := b.d.spec(), from, error(nil)
	what := "delete " + b.target().Name
	n := to[len(to)-1].Index - from[len(from)-1].Index
	for i := 0; i <= n && err == nil; i++ {
		s, path, err = model.Delete(s, from)
	}
	if n > 0 {
		what = fmt.Sprintf("delete %d rows", n+1)
	}
	return b.move(what, s, path, err)
}

// span is the first and last item of the range, or twice the selected one:
// neighbours in one list, widened to whole groups where the range's ends lie
// in different ones.
func (b *buildScreen) span() (from, to model.Path, ok bool) {
	r := b.target()
	if r == nil {
		return nil, nil, false
	}
	if b.d.stack.mark < 0 {
		return r.Item, r.Item, true
	}
	x, y := b.d.stack.selected()
	if x.Item == nil || y.Item == nil {
		b.d.say("the range begins at the input, which is no layer: begin below it")
		return nil, nil, false
	}
	from, to = level(x.Item, y.Item)
	if from[len(from)-1].Index > to[len(to)-1].Index {
		from, to = to, from
	}
	return from, to, true
}

// level shortens two paths until they end in the same list.
func level(a, b model.Path) (model.Path, model.Path) {
	k := 0
	for k < len(a) && k < len(b) && a[k].List == b[k].List && a[k].Index == b[k].Index {
		k++
	}
	switch {
	case k == len(a) || k == len(b):
		return a[:k:k], b[:k:k]
	case a[k].List != b[k].List:
		return a[:k:k], b[:k:k]
	}
	return a[: k+1 : k+1], b[: k+1 : k+1]
}

func (b *buildScreen) shift(n int) tea.Cmd {
	r := b.target()
	if r == nil {
		return nil
	}
	s, path, err := model.Move(b.d.spec(), r.Item, n)
	return b.move("move "+r.Name, s, path, err)
}

func (b *buildScreen) duplicate() tea.Cmd {
	r := b.target()
	if r == nil {
		return nil
	}
	s, path, err := model.Duplicate(b.d.spec(), r.Item)
	return b.move("duplicate "+r.Name, s, path, err)
}

// wrapBlock asks for a name and makes the range a block.
func (b *buildScreen) wrapBlock() tea.Cmd {
	from, to, ok := b.span()
	if !ok {
		return nil
	}
	q := &dialog{d: b.d, title: "block", text: "A name for the block; empty takes one by number.", asks: true}
	q.accept = func(name string) tea.Cmd {
		s, path, err := model.Wrap(b.d.spec(), from, to, model.GroupBlock)
		if err == nil && name != "" {
			s, path, err = model.Rename(s, path, name)
		}
		if err != nil {
			q.problem = sentence(err)
			return nil
		}
		b.d.remove()
		return b.move("wrap in a block", s, path, nil)
	}
	return b.d.lay(q)
}

func (b *buildScreen) wrapSkip() tea.Cmd {
	from, to, ok := b.span()
	if !ok {
		return nil
	}
	s, path, err := model.Wrap(b.d.spec(), from, to, model.GroupResidual)
	return b.move("wrap in a skip", s, path, err)
}

func (b *buildScreen) wrapBranches() tea.Cmd {
	from, to, ok := b.span()
	if !ok {
		return nil
	}
	s, path, err := model.Wrap(b.d.spec(), from, to, model.GroupBranches)
	return b.move("lay side by side with an empty path", s, path, err)
}

func (b *buildScreen) unwrap() tea.Cmd {
	r := b.target()
	if r == nil {
		return nil
	}
	s, path, err := model.Unwrap(b.d.spec(), r.Item)
	return b.move("unwrap "+r.Name, s, path, err)
}

// repeat runs the selected block, or the one around the row, n times more.
func (b *buildScreen) repeat(n int) tea.Cmd {
	r := b.target()
	for r != nil && r.Kind != model.GroupBlock {
		if r.Parent < 0 {
			b.d.say("only a block can be repeated: b wraps the row in one")
			return nil
		}
		r = &b.d.stack.rows[r.Parent]
	}
	if r == nil {
		return nil
	}
	times := b.repeats(r) + n
	if times < 1 {
		b.d.say("a block runs at least once: d deletes it")
		return nil
	}
	s, path, err := model.SetRepeat(b.d.spec(), r.Item, times)
	return b.move(fmt.Sprintf("repeat %d times", times), s, path, err)
}

// repeats is how often the block of row r runs, r being the block's own row or
// one of its repetitions.
func (b *buildScreen) repeats(r *model.Row) int {
	n := r.Repeat
	if r.Parent >= 0 {
		if p := &b.d.stack.rows[r.Parent]; p.Group && p.Item.Equal(r.Item) {
			n = p.Repeat
		}
	}
	return max(n, 1)
}

// rename asks for the row's name; the network's where the input is selected.
func (b *buildScreen) rename() tea.Cmd {
	r := b.d.stack.handle()
	if r == nil || r.Item == nil {
		return b.renameNetwork()
	}
	it, err := b.d.spec().At(r.Item)
	if err != nil {
		return b.move("", nil, nil, err)
	}
	q := &dialog{d: b.d, title: "rename", text: "A name for " + r.Name + "; empty takes one by number.", asks: true, entry: newEntry(it.Name)}
	path := r.Item
	q.accept = func(name string) tea.Cmd {
		s, path, err := model.Rename(b.d.spec(), path, name)
		if err != nil {
			q.problem = sentence(err)
			return nil
		}
		b.d.remove()
		return b.move("rename to "+name, s, path, nil)
	}
	return b.d.lay(q)
}

func (b *buildScreen) renameNetwork() tea.Cmd {
	q := &dialog{d: b.d, title: "rename", text: "A name for the network.", asks: true, entry: newEntry(b.d.spec().Name)}
	q.accept = func(name string) tea.Cmd {
		s, err := model.SetName(b.d.spec(), name, b.d.spec().About)
		if err != nil {
			q.problem = sentence(err)
			return nil
		}
		b.d.remove()
		return b.move("rename the network", s, nil, nil)
	}
	return b.d.lay(q)
}

// reads asks which layers the row takes its input from.
func (b *buildScreen) reads() tea.Cmd {
	r := b.target()
	if r == nil {
		return nil
	}
	it, err := b.d.spec().At(r.Item)
	if err != nil {
		return b.move("", nil, nil, err)
	}
	q := &dialog{d: b.d, title: "reads", asks: true, entry: newEntry(strings.Join(it.From, ", ")),
		text: "Names of earlier layers that " + r.Name + " reads, with commas between; a dot is the row above. Empty reads the row above."}
	path := r.Item
	q.accept = func(text string) tea.Cmd {
		from := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
		s, path, err := model.SetFrom(b.d.spec(), path, from)
		if err != nil {
			q.problem = sentence(err)
			return nil
		}
		b.d.remove()
		return b.move("change what is read", s, path, nil)
	}
	return b.d.lay(q)
}

// cure is the edit that a refusal asks for, where the program can make it.
func (d *desk) cure() (what string, edit func() (*model.Spec, model.Path, error)) {
	var node *model.NodeError
	var shape *layers.ShapeError
	if !errors.As(d.graph.Err, &node) || !errors.As(d.graph.Err, &shape) || node.Item == nil {
		return "", nil
	}
	switch {
	case strings.Contains(shape.Cure, "shortcut: projection"):
		return "a 1×1 projection on the skip", func() (*model.Spec, model.Path, error) {
			return model.Set(d.spec(), node.Item, "shortcut", layers.Value{"projection"})
		}
	case strings.Contains(shape.Cure, "put a flatten"):
		return "a flatten before it", func() (*model.Spec, model.Path, error) {
			return model.Insert(d.spec(), node.Item, model.Item{Kind: "flatten"})
		}
	}
	return "", nil
}

func (b *buildScreen) fix() tea.Cmd {
	what, edit := b.d.cure()
	if edit == nil {
		return nil
	}
	s, path, err := edit()
	return b.move("put in "+what, s, path, err)
}

// nextProblem puts the cursor on the row that is refused.
func (b *buildScreen) nextProblem() tea.Cmd {
	if i := problemRow(b.d.graph); i >= 0 {
		b.d.stack.selectRow(i)
	}
	b.detail = true
	b.fitStack()
	return nil
}
