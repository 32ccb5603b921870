package model

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"layercake/compute"
	"layercake/layers"
)

// Limits on a network file, so that a wild one is refused in a moment.
const (
	maxFile   = 1 << 20 // bytes
	maxDepth  = 32      // groups in groups, braces in braces
	maxRepeat = 1000
	maxRows   = 100_000 // after repeats are unrolled
	maxName   = 64      // bytes of a name
	maxWord   = 256     // bytes of a key or a value
	maxValues = 1 << 16 // values in a list: a weight for each of many classes
	maxAxis   = 1 << 24 // elements along one axis of an input
)

// Load reads the network file at path, which may be a pipe.
func Load(path string) (*Spec, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, bare(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("read %s: is a folder, wants a network file", path)
	}
	// Pipes and devices do not say how long they are, and some have no end.
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, bare(err))
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("read %s: has more than %d bytes, wants a network file of at most that", path, maxFile)
	}
	return Parse(path, text)
}

// bare takes the operation and the path off a file error: the caller says them.
func bare(err error) error {
	if e, ok := err.(*os.PathError); ok {
		return e.Err
	}
	return err
}

// Parse reads a network file. The name of the file is for messages alone.
// Every error is a *SyntaxError. What depends on shapes is left to Resolve;
// keys and literal settings of every layer are checked here.
func Parse(file string, text []byte) (s *Spec, err error) {
	r := &reader{file: file, spec: &Spec{File: file}}
	root, err := r.tree(text)
	if err != nil {
		return nil, err
	}
	if err := r.network(root); err != nil {
		return nil, err
	}
	r.attach()
	r.spec.tidy()
	return r.spec, nil
}

// reader is the state of one Parse.
type reader struct {
	file     string
	spec     *Spec
	comments []comment
	anchors  []anchor
	depth    int
	inside   *Template // whose layers are being read
}

// fail is a refusal at a place.
func (r *reader) fail(at Pos, format string, args ...any) error {
	return &SyntaxError{File: r.file, Pos: at, Msg: fmt.Sprintf(format, args...)}
}

// Suggest ends a message about an unknown word: ": did you mean x?" where one of
// the known words is near, else ", wants a, b or c".
func Suggest(word string, known []string) string {
	if n := layers.Nearest(word, known); n != "" {
		return fmt.Sprintf(": did you mean %s?", n)
	}
	return ", wants " + oneOf(known)
}

// oneOf lists words: "a, b or c".
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// topKeys are the keys of a network file in the order in which it is written.
var topKeys = []string{"name", "about", "input", "inputs", "blocks", "layers", "train"}

func (r *reader) network(root ast.Node) error {
	keys, err := r.mapping(root, "a network file", topKeys)
	if err != nil {
		return err
	}
	// Blocks are read first, wherever they stand: layers name them.
	byName := map[string]entry{}
	for _, e := range keys {
		byName[e.key] = e
		if e.key != "train" {
			r.anchorKey(&r.spec.Keys, e)
		}
	}
	if e, ok := byName["blocks"]; ok {
		if err := r.blocks(e); err != nil {
			return err
		}
	}
	for _, e := range keys {
		var err error
		switch e.key {
		case "name":
			r.spec.Name, err = r.text(e)
		case "about":
			r.spec.About, err = r.text(e)
		case "input":
			if other, ok := byName["inputs"]; ok {
				return r.fail(other.pos, "inputs and input are both given, wants one of them")
			}
			var in Input
			in, err = r.input(e, "input")
			r.spec.Inputs = []Input{in}
		case "inputs":
			err = r.inputs(e)
		case "layers":
			r.spec.Layers, err = r.items(e.value, e.pos)
		case "train":
			err = r.train(e)
		}
		if err != nil {
			return err
		}
	}
	at := Pos{1, 1}
	if len(keys) > 0 {
		at = keys[0].pos
	}
	if len(r.spec.Inputs) == 0 {
		return r.fail(at, "there is no input, wants a shape such as input: [3, 32, 32]")
	}
	if len(r.spec.Layers) == 0 {
		return r.fail(at, "there are no layers, wants a list such as layers: [flatten, dense: {units: 10}]")
	}
	return nil
}

func (r *reader) inputs(e entry) error {
	list, err := r.mapping(e.value, "inputs", nil)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return r.fail(e.pos, "inputs is empty, wants a name and a shape for each input")
	}
	for _, v := range list {
		if err := r.checkName(v.key, v.pos); err != nil {
			return err
		}
		in, err := r.input(v, v.key)
		if err != nil {
			return err
		}
		r.spec.Inputs = append(r.spec.Inputs, in)
	}
	return nil
}

// input reads [3, 32, 32], 784 or {tokens: 65, length: 128}.
func (r *reader) input(e entry, name string) (Input, error) {
	in := Input{Name: name, Pos: e.pos}
	if _, ok := entries(e.value); ok {
		keys, err := r.mapping(e.value, name, []string{"tokens", "length"})
		if err != nil {
			return in, err
		}
		length := 0
		for _, k := range keys {
			n, err := r.whole(k, 1, maxAxis)
			if err != nil {
				return in, err
			}
			if k.key == "tokens" {
				in.Tokens = n
			} else {
				length = n
			}
		}
		if in.Tokens == 0 || length == 0 {
			return in, r.fail(e.pos, "%s needs both: how many tokens there are and the length, as in {tokens: 65, length: 128}", name)
		}
		in.Shape = compute.Shape{length}
		return in, nil
	}
	v, err := r.value(e)
	if err != nil {
		return in, err
	}
	if len(v) > 3 {
		return in, r.fail(e.pos, "%s has %d axes, wants 1 to 3: [features], [length, features] or [channels, rows, columns]", name, len(v))
	}
	for _, w := range v {
		n, err := strconv.Atoi(w)
		if err != nil || n < 1 || n > maxAxis {
			return in, r.fail(e.pos, "%s is %s, wants whole numbers from 1 to %d", name, v, maxAxis)
		}
		in.Shape = append(in.Shape, n)
	}
	return in, nil
}

// trainKeys are the keys of the training section in the order in which it is written.
var trainKeys = []string{"data", "batch", "epochs", "steps", "loss", "optimizer", "schedule", "augment", "clip", "by_length", "recompute", "seed"}

func (r *reader) train(e entry) error {
	t := &r.spec.Train
	t.Pos = e.pos
	r.anchor(e.pos, &t.Comments)
	keys, err := r.mapping(e.value, "train", trainKeys)
	if err != nil {
		return err
	}
	for _, k := range keys {
		r.anchorKey(&t.Keys, k)
		var err error
		switch k.key {
		case "data":
			t.Data, err = r.text(k)
		case "batch":
			t.Batch, err = r.whole(k, 1, 1<<20)
		case "epochs":
			t.Epochs, err = r.whole(k, 1, 1<<20)
		case "steps":
			t.Steps, err = r.whole(k, 1, 1<<40)
		case "loss":
			t.Loss, err = r.named(k)
		case "optimizer":
			t.Optimizer, err = r.named(k)
		case "schedule":
			t.Schedule, err = r.named(k)
		case "augment":
			t.Augment, err = r.rawSettings(k)
		case "clip":
			t.Clip, err = r.positive(k)
		case "by_length":
			t.ByLength, err = r.boolean(k)
		case "recompute":
			t.Recompute, err = r.boolean(k)
		case "seed":
			var w string
			if w, err = r.word(k); err == nil {
				t.Seed, err = strconv.ParseUint(w, 10, 64)
				if err != nil {
					err = r.fail(k.at, "seed is %q, wants a whole number from 0", w)
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// named reads sgd or sgd: {lr: 0.1}, written {sgd: {lr: 0.1}}.
func (r *reader) named(e entry) (Named, error) {
	n := Named{Pos: e.at}
	if _, ok := entries(e.value); !ok {
		w, err := r.word(e)
		n.Kind = w
		return n, err
	}
	keys, err := r.mapping(e.value, e.key, nil)
	if err != nil {
		return n, err
	}
	if len(keys) != 1 {
		return n, r.fail(e.at, "%s has %d names, wants one, as in %s: {name: {setting: value}}", e.key, len(keys), e.key)
	}
	n.Kind, n.Pos = keys[0].key, keys[0].pos
	n.Settings, err = r.rawSettings(keys[0])
	return n, err
}

// rawSettings reads a mapping of literal values whose keys others check.
func (r *reader) rawSettings(e entry) ([]Setting, error) {
	if isNull(e.value) {
		return nil, nil
	}
	keys, err := r.mapping(e.value, e.key, nil)
	if err != nil {
		return nil, err
	}
	var out []Setting
	for _, k := range keys {
		v, err := r.value(k)
		if err != nil {
			return nil, err
		}
		out = append(out, Setting{Key: k.key, Value: v, Pos: k.pos})
	}
	return out, nil
}

// checkName refuses names that paths and references could not hold.
func (r *reader) checkName(name string, at Pos) error {
	if err := CheckName(name); err != nil {
		return r.fail(at, "%v", err)
	}
	return nil
}

// CheckName refuses a name that the file and the paths of nodes could not
// hold: it wants 1 to 64 letters, digits, - and _, a letter first.
func CheckName(name string) error {
	ok := name != "" && len(name) <= maxName && utf8.ValidString(name)
	for i, c := range name {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		digit := '0' <= c && c <= '9' || c == '-'
		ok = ok && (letter || digit && i > 0)
	}
	if !ok {
		return fmt.Errorf("the name %q will not do, wants 1 to %d letters, digits, - and _, a letter first", name, maxName)
	}
	return nil
}
