package model

import (
	"bytes"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"layercake/layers"
)

// YAML writes the network file: one line a layer, settings between braces,
// comments and order kept, two spaces a level. Parse reads back an equal Spec.
// Blank lines are the writer's own: one before blocks, layers and train.
func (s *Spec) YAML() []byte {
	w := &writer{}
	w.above(0, s.Comments.Above)
	if s.Name != "" || s.hasKey("name") {
		w.key(0, s.Keys, "name", "name: "+quoteLine(s.Name))
	}
	if s.About != "" || s.hasKey("about") {
		w.key(0, s.Keys, "about", "about: "+quoteLine(s.About))
	}
	if len(s.Inputs) == 1 && s.Inputs[0].Name == "input" {
		w.key(0, s.Keys, "input", "input: "+inputText(s.Inputs[0]))
	} else {
		w.key(0, s.Keys, "input", "inputs:")
		for _, in := range s.Inputs {
			w.line(1, in.Name+": "+inputText(in), "")
		}
	}
	if len(s.Blocks) > 0 || s.hasKey("blocks") {
		w.blank()
		w.key(0, s.Keys, "blocks", "blocks:")
		for i := range s.Blocks {
			w.template(&s.Blocks[i])
		}
	}
	w.blank()
	w.key(0, s.Keys, "layers", "layers:")
	w.items(1, s.Layers)
	w.train(&s.Train)
	w.above(0, s.Comments.Below)
	return w.b.Bytes()
}

func (s *Spec) hasKey(key string) bool { return keyComments(s.Keys, key) != nil }

func keyComments(keys []KeyComment, key string) *Comments {
	for i := range keys {
		if keys[i].Key == key {
			return &keys[i].Comments
		}
	}
	return nil
}

// writer holds the file as far as it is written.
type writer struct{ b bytes.Buffer }

func (w *writer) blank() {
	if w.b.Len() > 0 {
		w.b.WriteByte('\n')
	}
}

func (w *writer) line(depth int, text, comment string) {
	w.b.WriteString(strings.Repeat("  ", depth))
	w.b.WriteString(text)
	if comment != "" {
		w.b.WriteString(" #" + comment)
	}
	w.b.WriteByte('\n')
}

func (w *writer) above(depth int, lines []string) {
	for _, l := range lines {
		w.line(depth, "#"+l, "")
	}
}

// key writes a line with the comments of its key.
func (w *writer) key(depth int, keys []KeyComment, key, text string) {
	c := keyComments(keys, key)
	if c == nil {
		c = &Comments{}
	}
	w.above(depth, c.Above)
	w.line(depth, text, c.Line)
}

func (w *writer) template(t *Template) {
	w.above(1, t.Comments.Above)
	w.line(1, t.Name+":", t.Comments.Line)
	if len(t.Settings) > 0 {
		w.line(2, "settings: "+braces(pairs(t.Settings)), "")
	}
	w.line(2, "layers:", "")
	w.items(3, t.Layers)
}

func (w *writer) items(depth int, list []Item) {
	for i := range list {
		w.item(depth, &list[i])
	}
}

func (w *writer) item(depth int, it *Item) {
	w.above(depth, it.Comments.Above)
	var head []string // name: x, from: y
	if it.Name != "" {
		head = append(head, "name: "+quote(it.Name))
	}
	if len(it.From) == 1 {
		head = append(head, "from: "+quote(it.From[0]))
	} else if len(it.From) > 1 {
		head = append(head, "from: "+valueText(it.From))
	}
	switch it.Kind {
	case GroupBlock:
		w.block(depth, it, head)
	case GroupResidual:
		w.residual(depth, it, head)
	case GroupBranches:
		w.branches(depth, it, head)
	default:
		text := "- " + it.Kind
		all := append(pairs(it.Settings), head...)
		if it.Share != "" {
			all = append(all, "share: "+quote(it.Share))
		}
		if len(all) > 0 {
			text += ": " + braces(all)
		}
		w.line(depth, text, it.Comments.Line)
	}
}

// group begins a group whose layers go on lines of their own.
func (w *writer) group(depth int, it *Item, head []string) {
	w.line(depth, "- "+it.Kind+":", it.Comments.Line)
	for _, h := range head {
		w.line(depth+2, h, "")
	}
}

func (w *writer) block(depth int, it *Item, head []string) {
	if it.RepeatBy.Ref != "" {
		head = append(head, "repeat: "+settingText(it.RepeatBy))
	} else if it.Repeat > 1 {
		head = append(head, "repeat: "+strconv.Itoa(it.Repeat))
	}
	if it.Use == "" {
		w.group(depth, it, head)
		w.list(depth+2, "layers", it.Layers)
		return
	}
	head = append(head, "use: "+quote(it.Use))
	if len(it.With) > 0 {
		head = append(head, "with: "+braces(pairs(it.With)))
	}
	if len(it.First) > 0 {
		head = append(head, "first: "+braces(pairs(it.First)))
	}
	if len(it.Each) > 0 {
		var each []string
		for _, e := range it.Each {
			each = append(each, braces(pairs(e)))
		}
		head = append(head, "each: ["+strings.Join(each, ", ")+"]")
	}
	w.line(depth, "- block: "+braces(head), it.Comments.Line)
}

func (w *writer) residual(depth int, it *Item, head []string) {
	if k := it.Shortcut.Kind; k != "layers" && k != "identity" && k != "" {
		head = append(head, "shortcut: "+k)
	}
	w.group(depth, it, head)
	if it.Shortcut.Kind == "layers" {
		w.list(depth+2, "shortcut", it.Shortcut.Layers)
	}
	w.list(depth+2, "layers", it.Layers)
}

func (w *writer) branches(depth int, it *Item, head []string) {
	w.group(depth, it, append(head, "join: "+it.Join))
	w.line(depth+2, "paths:", "")
	for _, p := range it.Paths {
		w.path(depth+3, p)
	}
}

// path writes one of several ways. The first layer shares its line with the
// path's dash, unless comments stand above it.
func (w *writer) path(depth int, list []Item) {
	if len(list) == 0 {
		w.line(depth, "- []", "")
		return
	}
	var inner writer
	inner.items(0, list)
	lines := strings.Split(strings.TrimSuffix(inner.b.String(), "\n"), "\n")
	if strings.HasPrefix(lines[0], "#") {
		w.line(depth, "-", "")
	} else {
		w.line(depth, "- "+lines[0], "")
		lines = lines[1:]
	}
	for _, l := range lines {
		w.line(depth+1, l, "")
	}
}

func (w *writer) list(depth int, key string, list []Item) {
	if len(list) == 0 {
		w.line(depth, key+": []", "")
		return
	}
	w.line(depth, key+":", "")
	w.items(depth+1, list)
}

func (w *writer) train(t *TrainSpec) {
	if isZero(t) {
		return
	}
	var b writer
	put := func(key, text string, given bool) {
		if given || keyComments(t.Keys, key) != nil {
			b.key(1, t.Keys, key, key+": "+text)
		}
	}
	named := func(n Named) string {
		if len(n.Settings) == 0 {
			return quote(n.Kind)
		}
		return "{" + quote(n.Kind) + ": " + braces(pairs(n.Settings)) + "}"
	}
	put("data", quote(t.Data), t.Data != "")
	put("batch", strconv.Itoa(t.Batch), t.Batch > 0)
	put("epochs", strconv.Itoa(t.Epochs), t.Epochs > 0)
	put("steps", strconv.Itoa(t.Steps), t.Steps > 0)
	put("loss", named(t.Loss), t.Loss.Kind != "")
	put("optimizer", named(t.Optimizer), t.Optimizer.Kind != "")
	put("schedule", named(t.Schedule), t.Schedule.Kind != "")
	put("augment", braces(pairs(t.Augment)), len(t.Augment) > 0)
	put("clip", strconv.FormatFloat(t.Clip, 'g', -1, 64), t.Clip > 0)
	put("by_length", strconv.FormatBool(t.ByLength), t.ByLength)
	put("recompute", strconv.FormatBool(t.Recompute), t.Recompute)
	put("seed", strconv.FormatUint(t.Seed, 10), t.Seed > 0)

	w.blank()
	w.above(0, t.Comments.Above)
	if b.b.Len() == 0 {
		w.line(0, "train: {}", t.Comments.Line)
		return
	}
	w.line(0, "train:", t.Comments.Line)
	w.b.Write(b.b.Bytes())
}

// isZero reports whether nothing is said about training.
func isZero(t *TrainSpec) bool {
	c := *t
	c.Pos = Pos{}
	return reflect.ValueOf(c).IsZero()
}

func inputText(in Input) string {
	if in.Tokens > 0 {
		return "{tokens: " + strconv.Itoa(in.Tokens) + ", length: " + strconv.Itoa(in.Shape.Size()) + "}"
	}
	var axes []string
	for _, d := range in.Shape {
		axes = append(axes, strconv.Itoa(d))
	}
	return "[" + strings.Join(axes, ", ") + "]"
}

func pairs(list []Setting) []string {
	var out []string
	for _, s := range list {
		out = append(out, quote(s.Key)+": "+settingText(s))
	}
	return out
}

func settingText(s Setting) string {
	if s.Ref != "" {
		if s.Op != "" {
			return "$" + s.Ref + s.Op + strconv.Itoa(s.By)
		}
		return "$" + s.Ref
	}
	return valueText(s.Value)
}

// valueText writes a value: a bare one where there is one.
func valueText(v layers.Value) string {
	if len(v) == 1 {
		return quote(v[0])
	}
	var out []string
	for _, w := range v {
		out = append(out, quote(w))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func braces(parts []string) string { return "{" + strings.Join(parts, ", ") + "}" }

// reserved are words that YAML reads as something other than text.
var reserved = []string{"null", "~", "true", "false", "yes", "no", "on", "off", "y", "n"}

// quote writes a word bare where YAML reads it back as the same letters.
func quote(w string) string {
	plain := w != "" && (unicode.IsLetter(rune(w[0])) && w[0] < 0x80 || w[0] == '_' || w[0] == '/')
	for _, c := range w {
		plain = plain && (c < 0x80 && (unicode.IsLetter(c) || unicode.IsDigit(c)) || strings.ContainsRune(" _-./×+", c))
	}
	plain = plain && !strings.HasSuffix(w, " ") && (!slices.Contains(reserved, strings.ToLower(w)) || w == "true" || w == "false")
	if plain || w == "." || isNumber(w) {
		return w
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range w {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\t':
			b.WriteString(`\t`)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// quoteLine writes a line of text that has its own line in the file, where
// more is safe than between braces.
func quoteLine(w string) string {
	starts := w != "" && w[0] < 0x80 && (unicode.IsLetter(rune(w[0])) || unicode.IsDigit(rune(w[0])) && strings.Contains(w, " "))
	plain := starts && !strings.HasSuffix(w, " ") &&
		!slices.Contains(reserved, strings.ToLower(w))
	for _, c := range w {
		plain = plain && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune(" _-./×+,;()'’!?–", c))
	}
	if plain {
		return w
	}
	return quote(w)
}

// isNumber reports whether w is a decimal number in its usual form.
func isNumber(w string) bool {
	if _, err := strconv.ParseFloat(w, 64); err != nil {
		return false
	}
	digits := strings.TrimPrefix(w, "-")
	return digits != "" && digits[0] >= '0' && digits[0] <= '9' && strings.Trim(digits, "0123456789.eE+-") == "" &&
		(len(digits) == 1 || digits[0] != '0' || digits[1] == '.')
}

// Equal reports whether two specs say the same, comments included; places in
// the file and its name do not matter.
func (s *Spec) Equal(t *Spec) bool {
	a, b := s.withoutPlaces(), t.withoutPlaces()
	return reflect.DeepEqual(a, b)
}

// withoutPlaces is a deep copy with every Pos zero and empty lists nil.
func (s *Spec) withoutPlaces() *Spec {
	c := reflect.New(reflect.TypeOf(*s)).Elem()
	copyWithoutPlaces(c, reflect.ValueOf(*s))
	out := c.Interface().(Spec)
	out.File = ""
	return &out
}

func copyWithoutPlaces(to, from reflect.Value) {
	switch from.Kind() {
	case reflect.Struct:
		if from.Type() == reflect.TypeFor[Pos]() {
			return
		}
		for i := range from.NumField() {
			copyWithoutPlaces(to.Field(i), from.Field(i))
		}
	case reflect.Slice:
		if from.Len() == 0 {
			return
		}
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			copyWithoutPlaces(to.Index(i), from.Index(i))
		}
	default:
		to.Set(from)
	}
}

// tidy puts what has several readings into the one that YAML writes.
func (s *Spec) tidy() {
	if c := keyComments(s.Keys, "inputs"); c != nil {
		for i := range s.Keys {
			if s.Keys[i].Key == "inputs" {
				s.Keys[i].Key = "input"
			}
		}
	}
	order := func(keys []KeyComment, names []string) {
		slices.SortStableFunc(keys, func(a, b KeyComment) int {
			return slices.Index(names, a.Key) - slices.Index(names, b.Key)
		})
	}
	order(s.Keys, topKeys)
	order(s.Train.Keys, trainKeys)
	// What stands above the first line is the file's.
	for {
		first := "input"
		if s.Name != "" || s.hasKey("name") {
			first = "name"
		} else if s.About != "" || s.hasKey("about") {
			first = "about"
		}
		c := keyComments(s.Keys, first)
		if c == nil {
			return
		}
		s.Comments.Above = append(s.Comments.Above, c.Above...)
		c.Above = nil
		if c.Line != "" {
			return
		}
		s.Keys = slices.DeleteFunc(s.Keys, func(k KeyComment) bool { return k.Key == first })
	}
}
