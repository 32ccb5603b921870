package model

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"layercake/layers"
)

// tree reads text as YAML, refusing what a network file has no use for, and
// keeps the comments aside.
func (r *reader) tree(text []byte) (ast.Node, error) {
	if len(text) > maxFile {
		return nil, r.fail(Pos{1, 1}, "the file has %d bytes, wants at most %d", len(text), maxFile)
	}
	if at, ok := isText(text); !ok {
		return nil, r.fail(at, "there is a byte that is no text, wants a network file in UTF-8")
	}
	clean := strings.ReplaceAll(strings.ReplaceAll(string(text), "\r\n", "\n"), "\r", "\n")
	tokens := lexer.Tokenize(clean)
	if err := r.scan(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, r.foreign(err)
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if body != nil {
			return nil, r.fail(nodePos(d.Body), "there is a second document, wants one network a file")
		}
		body = d.Body
	}
	if body == nil {
		return nil, r.fail(Pos{1, 1}, "the file is empty, wants at least input: and layers:")
	}
	return body, nil
}

// isText reports whether text is UTF-8 without control characters, or where not.
func isText(text []byte) (Pos, bool) {
	line, col := 1, 1
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRune(text[i:])
		bad := c == utf8.RuneError && n == 1 || c < ' ' && c != '\n' && c != '\r' && c != '\t' ||
			c == 0x7f || c >= 0x80 && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == 0xfeff
		if bad {
			return Pos{line, col}, false
		}
		col++
		if c == '\n' {
			line, col = line+1, 1
		}
		i += n
	}
	return Pos{}, true
}

// scan walks the tokens before the parser does: comments are taken down, and
// nesting that would cost the parser its stack or hours is refused.
func (r *reader) scan(tokens token.Tokens) error {
	flow, line, onLine, dashes, colons := 0, 0, 0, 0, 0
	for _, t := range tokens {
		at := tokenPos(t)
		if t.Position.Line != line {
			line, onLine, dashes, colons = t.Position.Line, 0, 0, 0
		}
		switch t.Type {
		case token.CommentType:
			r.comments = append(r.comments, comment{at.Line, onLine == 0, strings.TrimRight(t.Value, " \t")})
			continue
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType:
			dashes++
		case token.MappingValueType:
			if flow == 0 {
				colons++
			}
		case token.MappingKeyType:
			return r.fail(at, "there is a ? key, wants key: value")
		case token.AnchorType, token.AliasType, token.TagType, token.MergeKeyType, token.DirectiveType:
			return r.fail(at, "there is %q, wants neither anchors, aliases, tags nor directives: use blocks: for what repeats", t.Value)
		case token.LiteralType, token.FoldedType:
			return r.fail(at, "there is a text over several lines, wants it on one")
		case token.InvalidType:
			return r.fail(at, "%s", oneLine(t.Error))
		}
		if t.Position.Column > 4*maxDepth && onLine == 0 || flow > maxDepth || dashes > 4 || colons > 2 {
			return r.fail(at, "the file nests too deep, wants at most %d groups in groups", maxDepth)
		}
		onLine++
	}
	return nil
}

// foreign makes an error of the YAML reader ours.
func (r *reader) foreign(err error) error {
	at, msg := Pos{1, 1}, err.Error()
	if e, ok := err.(interface {
		GetMessage() string
		GetToken() *token.Token
	}); ok {
		msg = e.GetMessage()
		if t := e.GetToken(); t != nil {
			at = tokenPos(t)
		}
	}
	return r.fail(at, "this is no YAML: %s", oneLine(msg))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func tokenPos(t *token.Token) Pos {
	if t == nil || t.Position == nil {
		return Pos{1, 1}
	}
	return Pos{t.Position.Line, t.Position.Column}
}

func nodePos(n ast.Node) Pos {
	if list, ok := entries(n); ok && len(list) > 0 {
		return tokenPos(list[0].Key.GetToken())
	}
	if n == nil {
		return Pos{1, 1}
	}
	return tokenPos(n.GetToken())
}

// entries are the entries of a mapping; not ok for any other node.
func entries(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func isNull(n ast.Node) bool {
	_, ok := n.(*ast.NullNode)
	return n == nil || ok
}

// entry is one key of a mapping.
type entry struct {
	key   string
	pos   Pos // of the key
	at    Pos // of the value
	value ast.Node
}

// mapping reads a mapping; what names it for messages. With allowed keys
// given, others are refused.
func (r *reader) mapping(n ast.Node, what string, allowed []string) ([]entry, error) {
	list, ok := entries(n)
	if !ok {
		return nil, r.fail(nodePos(n), "%s is %s, wants keys and values", what, describe(n))
	}
	seen := map[string]bool{}
	var out []entry
	for _, v := range list {
		key, ok := scalar(v.Key)
		pos := nodePos(v.Key)
		if !ok || key == "" || !isWord(key) {
			return nil, r.fail(pos, "a key of %s is %s, wants a word", what, describe(v.Key))
		}
		if seen[key] {
			return nil, r.fail(pos, "%s is given twice in %s, wants it once", key, what)
		}
		seen[key] = true
		if allowed != nil && !slices.Contains(allowed, key) {
			return nil, r.fail(pos, "%s has no setting %q%s", what, key, Suggest(key, allowed))
		}
		out = append(out, entry{key, pos, nodePos(v.Value), v.Value})
	}
	return out, nil
}

// scalar is a node's word or number as written.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode:
		return n.Token.Value, true
	case *ast.FloatNode:
		return n.Token.Value, true
	case *ast.BoolNode:
		return n.Token.Value, true
	}
	return "", false
}

// isWord reports whether w can stand in a message and between braces: one
// line and not too long.
func isWord(w string) bool { return len(w) <= maxWord && isLine(w) }

// isLine reports whether w is one line without control characters, which the
// escapes of a quoted word can make although the file has none.
func isLine(w string) bool {
	_, ok := isText([]byte(w))
	return ok && !strings.ContainsAny(w, "\n\r\t")
}

// describe says what a node is, in a message.
func describe(n ast.Node) string {
	if w, ok := scalar(n); ok {
		if r := []rune(w); len(r) > 40 {
			w = string(r[:40]) + "…"
		}
		return strconv.Quote(w)
	}
	switch n.(type) {
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a set of keys"
	}
	return "empty"
}

// word reads one scalar.
func (r *reader) word(e entry) (string, error) {
	w, ok := scalar(e.value)
	if !ok || w == "" || !isWord(w) {
		return "", r.fail(e.at, "%s is %s, wants one word or number", e.key, describe(e.value))
	}
	return w, nil
}

// text reads a line for people: it may be empty.
func (r *reader) text(e entry) (string, error) {
	w, ok := scalar(e.value)
	if !ok {
		return "", r.fail(e.at, "%s is %s, wants a line of text", e.key, describe(e.value))
	}
	if strings.Contains(w, "\n") {
		return "", r.fail(e.at, "%s goes over several lines, wants one", e.key)
	}
	if !isLine(w) {
		return "", r.fail(e.at, "%s is %s, wants a line without control characters", e.key, describe(e.value))
	}
	return w, nil
}

// whole reads a whole number.
func (r *reader) whole(e entry, low, high int) (int, error) {
	w, ok := scalar(e.value)
	n, err := strconv.Atoi(strings.ReplaceAll(w, "_", ""))
	if !ok || err != nil || n < low || n > high {
		return 0, r.fail(e.at, "%s is %s, wants a whole number from %d to %d", e.key, describe(e.value), low, high)
	}
	return n, nil
}

// positive reads a number above zero.
func (r *reader) positive(e entry) (float64, error) {
	w, _ := scalar(e.value)
	x, err := strconv.ParseFloat(w, 64)
	if err != nil || !(x > 0 && x < 1e30) {
		return 0, r.fail(e.at, "%s is %s, wants a number above 0", e.key, describe(e.value))
	}
	return x, nil
}

// boolean reads true or false.
func (r *reader) boolean(e entry) (bool, error) {
	w, _ := scalar(e.value)
	if w != "true" && w != "false" {
		return false, r.fail(e.at, "%s is %s, wants true or false", e.key, describe(e.value))
	}
	return w == "true", nil
}

// value reads a scalar or a flat list of them.
func (r *reader) value(e entry) (layers.Value, error) {
	if w, ok := scalar(e.value); ok && isWord(w) {
		return layers.Value{w}, nil
	}
	list, ok := e.value.(*ast.SequenceNode)
	if ok && len(list.Values) > maxValues {
		return nil, r.fail(e.at, "%s is a list of %d values, wants at most %d", e.key, len(list.Values), maxValues)
	}
	if !ok || len(list.Values) == 0 {
		return nil, r.fail(e.at, "%s is %s, wants a word, a number or a list of them", e.key, describe(e.value))
	}
	var v layers.Value
	for _, n := range list.Values {
		w, ok := scalar(n)
		if !ok || !isWord(w) || strings.HasPrefix(w, "$") {
			return nil, r.fail(nodePos(n), "%s has %s in its list, wants plain words or numbers", e.key, describe(n))
		}
		v = append(v, w)
	}
	return v, nil
}

// comment is one of the file's; own says that nothing stands before it on its line.
type comment struct {
	line int
	own  bool
	text string
}

// anchor is a place that comments belong to.
type anchor struct {
	at   Pos
	to   *Comments     // nil for keys
	keys *[]KeyComment // of which key
	key  string
}

func (r *reader) anchor(at Pos, to *Comments) {
	r.anchors = append(r.anchors, anchor{at: at, to: to})
}

func (r *reader) anchorKey(keys *[]KeyComment, e entry) {
	r.anchors = append(r.anchors, anchor{at: e.pos, keys: keys, key: e.key})
}

// add is where a comment's text goes, made when first needed.
func (a anchor) comments() *Comments {
	if a.to != nil {
		return a.to
	}
	for i := range *a.keys {
		if (*a.keys)[i].Key == a.key {
			return &(*a.keys)[i].Comments
		}
	}
	*a.keys = append(*a.keys, KeyComment{Key: a.key})
	return &(*a.keys)[len(*a.keys)-1].Comments
}

// attach gives each comment to the item or key that it stands above or
// behind. Several behind one item, which is possible where it spans lines, are
// put on one line. Comments above the first key are the file's, as are those
// after the last item.
func (r *reader) attach() {
	sort.SliceStable(r.anchors, func(i, j int) bool {
		a, b := r.anchors[i].at, r.anchors[j].at
		return a.Line < b.Line || a.Line == b.Line && a.Col < b.Col
	})
	file := &r.spec.Comments
	for _, c := range r.comments {
		if c.own {
			i := sort.Search(len(r.anchors), func(i int) bool { return r.anchors[i].at.Line > c.line })
			to := &file.Below
			if i == 0 {
				to = &file.Above
			} else if i < len(r.anchors) {
				to = &r.anchors[i].comments().Above
			}
			*to = append(*to, c.text)
			continue
		}
		if c.text == "" {
			continue // a number sign alone behind a layer says nothing
		}
		i := sort.Search(len(r.anchors), func(i int) bool { return r.anchors[i].at.Line > c.line }) - 1
		if i < 0 {
			file.Above = append(file.Above, c.text)
			continue
		}
		line := &r.anchors[i].comments().Line
		if *line == "" {
			*line = c.text
		} else {
			*line += ";" + c.text
		}
	}
}
