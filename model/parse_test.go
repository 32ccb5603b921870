package model

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every refusal of the reader, with its exact sentence.
func TestParseRefuses(t *testing.T) {
	const head = "input: [3, 32, 32]\nlayers:\n"
	const blocks = "input: [3, 32, 32]\nblocks:\n  basic:\n    settings: {filters: 16, stride: 1}\n    layers:\n      - conv2d: {filters: $filters}\nlayers:\n"
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "x.yaml:1:1: the file is empty, wants at least input: and layers:"},
		{"not a mapping", "- relu\n", `x.yaml:1:1: a network file is a list, wants keys and values`},
		{"no YAML", "input: [3, 32\n", "x.yaml:1:8: this is no YAML: sequence end token ']' not found"},
		{"binary", "input: \x00", "x.yaml:1:8: there is a byte that is no text, wants a network file in UTF-8"},
		{"two documents", head + "  - relu\n---\nname: b\n", "x.yaml:5:1: there is a second document, wants one network a file"},
		{"anchor", "input: &a [3]\n", `x.yaml:1:8: there is "&", wants neither anchors, aliases, tags nor directives: use blocks: for what repeats`},
		{"text over lines", "name: |\n  a\n", "x.yaml:1:7: there is a text over several lines, wants it on one"},
		{"escape in a name", `name: "a\e[2J"` + "\n", `x.yaml:1:7: name is "a\x1b[2J", wants a line without control characters`},
		{"escape in a word", "input: [3]\nlayers: [{relu: {name: \"a\\tb\"}}]\n", `x.yaml:2:24: name is "a\tb", wants one word or number`},
		{"top key", "inptu: [3]\n", `x.yaml:1:1: a network file has no setting "inptu": did you mean input?`},
		{"top key twice", "input: [3]\ninput: [4]\n", "x.yaml:2:1: input is given twice in a network file, wants it once"},
		{"no input", "layers: [relu]\n", "x.yaml:1:1: there is no input, wants a shape such as input: [3, 32, 32]"},
		{"no layers", "input: [3]\n", "x.yaml:1:1: there are no layers, wants a list such as layers: [flatten, dense: {units: 10}]"},
		{"both inputs", "input: [3]\ninputs: {a: [3]}\nlayers: [relu]\n", "x.yaml:2:1: inputs and input are both given, wants one of them"},
		{"input of words", "input: [3, big]\nlayers: [relu]\n", "x.yaml:1:1: input is [3, big], wants whole numbers from 1 to 16777216"},
		{"input axes", "input: [1, 2, 3, 4]\nlayers: [relu]\n", "x.yaml:1:1: input has 4 axes, wants 1 to 3: [features], [length, features] or [channels, rows, columns]"},
		{"tokens alone", "input: {tokens: 65}\nlayers: [relu]\n", "x.yaml:1:1: input needs both: how many tokens there are and the length, as in {tokens: 65, length: 128}"},
		{"unknown layer", head + "  - convd: {filters: 3}\n", "x.yaml:3:5: unknown layer convd: did you mean conv2d?"},
		{"unheard-of layer", head + "  - quux\n", "x.yaml:3:5: unknown layer quux: `layercake layers` lists them"},
		{"misspelt setting", head + "  - conv2d: {filter: 3}\n", `x.yaml:3:14: conv2d has no setting "filter": did you mean filters?`},
		{"setting twice", head + "  - conv2d: {filters: 3, filters: 4}\n", "x.yaml:3:26: filters is given twice in conv2d, wants it once"},
		{"wrong type", head + "  - conv2d: {filters: many}\n", `x.yaml:3:23: conv2d: filters is "many", wants a whole number`},
		{"out of range", head + "  - dropout: {rate: 2}\n", `x.yaml:3:21: dropout: rate is 2, wants 0 to 0.99`},
		{"no value", head + "  - conv2d: {filters: }\n", "x.yaml:3:22: filters is empty, wants a word, a number or a list of them"},
		{"two kinds", head + "  - relu: {}\n    dense: {}\n", "x.yaml:3:5: a layer has 2 keys side by side, wants one, with its settings inside: relu: {...}"},
		{"settings a list", head + "  - conv2d: [3]\n", "x.yaml:3:13: conv2d is a list, wants keys and values"},
		{"layers no list", "input: [3]\nlayers: relu\n", `x.yaml:2:1: layers is "relu", wants a list, one layer a line behind a dash`},
		{"bad name", head + "  - relu: {name: a/b}\n", `x.yaml:3:18: the name "a/b" will not do, wants 1 to 64 letters, digits, - and _, a letter first`},
		{"name twice", head + "  - relu: {name: a}\n  - relu: {name: a}\n", "x.yaml:4:5: the name a is taken by an earlier layer of this list, wants another"},
		{"bad from", head + "  - relu: {from: [a//b]}\n", `x.yaml:3:18: from is "a//b", wants the name of an earlier layer`},
		{"ref outside", head + "  - dense: {units: $n}\n", "x.yaml:3:20: units is $n, wants a plain value: $ names work inside blocks: only"},
		{"ref unknown", strings.Replace(blocks, "$filters", "$filtres", 1) + "  - relu\n", `x.yaml:6:27: block basic has no setting "filtres": did you mean filters?`},
		{"ref sum", strings.Replace(blocks, "$filters", "$filters+1", 1) + "  - relu\n", `x.yaml:6:27: filters is "$filters+1", wants $name, $name*4 or $name/2`},
		{"unknown block", blocks + "  - block: {use: basics}\n", "x.yaml:8:18: unknown block basics: did you mean basic?"},
		{"no blocks", head + "  - block: {use: basic}\n", "x.yaml:3:18: unknown block basic: describe it under blocks:"},
		{"block setting", blocks + "  - block: {use: basic, with: {filter: 3}}\n", `x.yaml:8:32: block basic has no setting "filter": did you mean filters?`},
		{"with without use", blocks + "  - block: {with: {filters: 3}, layers: [relu]}\n", "x.yaml:8:13: with is given without use, wants the block whose settings it gives"},
		{"use and layers", blocks + "  - block: {use: basic, layers: [relu]}\n", "x.yaml:8:25: use and layers are both given, wants one of them"},
		{"repeat", blocks + "  - block: {use: basic, repeat: 1001}\n", `x.yaml:8:33: repeat is "1001", wants a whole number from 1 to 1000`},
		{"each too long", blocks + "  - block: {use: basic, each: [{stride: 1}, {stride: 2}]}\n", "x.yaml:8:31: each has 2 entries, wants at most one for each of 1 repetitions"},
		{"block empty", head + "  - block\n", "x.yaml:3:5: block is empty, wants a list under layers: or the name of a block under use:"},
		{"block without layers", head + "  - block: {name: a}\n", "x.yaml:3:5: block has no layers, wants a list under layers: or the name of a block under use:"},
		{"template empty", "input: [3]\nblocks:\n  a: {layers: []}\nlayers: [relu]\n", "x.yaml:3:3: block a has no layers, wants a list under layers:"},
		{"template loop", "input: [3]\nblocks:\n  a: {layers: [block: {use: b}]}\n  b: {layers: [block: {use: a}]}\nlayers: [relu]\n", "x.yaml:3:3: block a uses itself, wants blocks that end"},
		{"residual empty", head + "  - residual\n", "x.yaml:3:5: residual is empty, wants a list under layers:"},
		{"residual without layers", head + "  - residual: {shortcut: pad}\n", "x.yaml:3:5: residual has no layers, wants a list under layers:"},
		{"shortcut", head + "  - residual: {shortcut: projecton, layers: [relu]}\n", `x.yaml:3:26: shortcut is "projecton": did you mean projection?`},
		{"one path", head + "  - branches: {paths: [[relu]]}\n", "x.yaml:3:5: branches has 1 paths, wants two or more under paths:"},
		{"join", head + "  - branches: {join: glue, paths: [[relu], []]}\n", `x.yaml:3:22: join is "glue", wants concat, add or multiply`},
		{"train key", head + "  - relu\ntrain: {epoch: 3}\n", `x.yaml:4:9: train has no setting "epoch": did you mean epochs?`},
		{"train batch", head + "  - relu\ntrain: {batch: 0}\n", `x.yaml:4:16: batch is "0", wants a whole number from 1 to 1048576`},
		{"train clip", head + "  - relu\ntrain: {clip: -1}\n", `x.yaml:4:15: clip is "-1", wants a number above 0`},
		{"train recompute", head + "  - relu\ntrain: {recompute: 1}\n", `x.yaml:4:20: recompute is "1", wants true or false`},
		{"train seed", head + "  - relu\ntrain: {seed: -1}\n", `x.yaml:4:15: seed is "-1", wants a whole number from 0`},
		{"two optimizers", head + "  - relu\ntrain: {optimizer: {sgd: {}, adam: {}}}\n", "x.yaml:4:21: optimizer has 2 names, wants one, as in optimizer: {name: {setting: value}}"},
		{"braces in braces", "input: " + strings.Repeat("[", 40), "x.yaml:1:40: the file nests too deep, wants at most 32 groups in groups"},
		{"dashes on a line", "layers:\n" + strings.Repeat("- ", 40), "x.yaml:2:9: the file nests too deep, wants at most 32 groups in groups"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Parse("x.yaml", []byte(c.text))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %v, %v; want a *SyntaxError", s, err)
			}
			if err.Error() != c.want {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
		})
	}
}

func TestParseRefusesLargeFiles(t *testing.T) {
	text := []byte(strings.Repeat("#\n", maxFile/2+1))
	if _, err := Parse("x.yaml", text); err == nil || !strings.Contains(err.Error(), "the file has 1048578 bytes, wants at most 1048576") {
		t.Errorf("got %v", err)
	}
	path := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.HasSuffix(err.Error(), "has more than 1048576 bytes, wants a network file of at most that") {
		t.Errorf("got %v", err)
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "none.yaml"), t.TempDir()} {
		if _, err := Load(path); err == nil || !strings.HasPrefix(err.Error(), "read "+path+": ") || strings.Count(err.Error(), path) != 1 {
			t.Errorf("got %v, want the path named once", err)
		}
	}
}

// everything holds all that the format can say, as the writer writes it.
const everything = `# About the file.
# Two lines.
name: everything
about: a bit of all # said
inputs: # two
  left: [3, 16, 16]
  right: {tokens: 65, length: 128}

# Blocks come first.
blocks:
  # A block.
  basic: # used twice
    settings: {filters: 16, stride: 1, kernel: [3, 5], times: 2}
    layers:
      - residual: # around
          name: skip
          shortcut: projection
          layers:
            # Above a layer.
            - conv2d: {filters: $filters*4, kernel: $kernel, stride: $stride} # behind it
            - batchnorm
      - block:
          repeat: $times
          layers:
            - relu
      - dense: {units: $filters/2}
  plain:
    layers:
      - block: {use: basic, with: {filters: 8}}

layers: # the stack
  - conv2d: {filters: 16, kernel: [3, 5], padding: same, bias: false, name: stem, from: left}
  - relu
  - block: {name: stage1, repeat: 3, use: basic, with: {filters: 16}, first: {stride: 2}, each: [{}, {kernel: 3}]}
  - block: {use: plain}
  - residual:
      from: [., stem]
      shortcut:
        - conv2d: {kernel: 1}
      layers:
        - branches:
            name: mixed
            join: concat
            paths:
              - - conv2d # first path
                - relu
              - []
              -
                # Above the third.
                - maxpool: {kernel: 2}
                - residual:
                    layers:
                      - tanh
  - dense: {units: 10, share: head}

# How it is trained.
train: # well
  # The data.
  data: "./data dir/x: y.csv"
  batch: 64
  epochs: 3
  steps: 100
  loss: {cross_entropy: {smoothing: 0.1}}
  optimizer: {sgd: {lr: 0.1, momentum: 0.9, nesterov: true}} # as in the paper
  schedule: {step: {at: [80, 120], factor: 0.1}}
  augment: {pad: 4, flip: true}
  clip: 1.5
  by_length: true
  recompute: true # else it does not fit
  seed: 7
# The end.
`

func TestWriterKeepsEverything(t *testing.T) {
	s, err := Parse("x.yaml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(s.YAML()); got != everything {
		t.Errorf("written as\n%s", got)
	}
	if s.Train.Optimizer.Settings[1].Value.String() != "0.9" || s.Blocks[0].Layers[2].Settings[0].Op != "/" {
		t.Errorf("read as %+v", s)
	}
}

// Layouts that the writer would not choose are read as the same network.
func TestParseForgivesLayout(t *testing.T) {
	want, err := Parse("x.yaml", []byte("name: a\ninput: [8]\nlayers:\n  - dense: {units: 3}\n  - relu\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"layers: [dense: {units: 3}, relu]\nname: a\ninput: [8]",
		"name: \"a\"\r\ninput: 8\r\nlayers:\r\n- dense:\r\n    units: 3\r\n- relu:\r\n",
		"{name: a, input: [8], layers: [{dense: {units: 3}}, relu: {}]}",
		"name: a\ninputs: {input: [8]}\nblocks:\nlayers:\n  -  dense: {units: '3'}\n  -  relu\ntrain: {}\n",
	} {
		got, err := Parse("x.yaml", []byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if !got.Equal(want) {
			t.Errorf("%q: another network:\n%s", text, got.YAML())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(everything))
	files, err := filepath.Glob("../presets/files/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal("no presets to start from", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, s := range []string{"input: [1]#\nname: 0\nlayers:\n- elu", "input: 8\nlayers: [relu] #a\n#b", "# x\ninput: [1]\nname: \"\" # y\nlayers:\n- relu: # z\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("x.yaml", text)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("a refusal that is no *SyntaxError of one line: %v", err)
			}
			return
		}
		if !isLine(s.Name) || !isLine(s.About) {
			t.Fatalf("control characters in %q or %q", s.Name, s.About)
		}
		written := s.YAML()
		again, err := Parse("x.yaml", written)
		if err != nil {
			t.Fatalf("%v in what was written:\n%s", err, written)
		}
		if !again.Equal(s) {
			t.Fatalf("another network after\n%s\nwritten again:\n%s", written, again.YAML())
		}
		g := Resolve(s)
		if g.Err == nil && (g.Output < 0 || len(g.Rows) < len(s.Inputs)+len(s.Layers)) {
			t.Fatalf("resolved to output %d and %d rows", g.Output, len(g.Rows))
		}
	})
}
