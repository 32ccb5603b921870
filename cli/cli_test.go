package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
)

// exec runs the command line in this process.
func execute(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(t.Context(), args, &out, &err)
	return status, out.String(), err.String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRefusals holds bad input to one sentence, the right exit status, and
// nothing on stdout.
func TestRefusals(t *testing.T) {
	net := func(layers string) string {
		return write(t, "net.yaml", "name: net\ninput: [3, 8, 8]\nlayers:\n"+layers)
	}
	net28 := func(layers string) string {
		return write(t, "net.yaml", "name: net\ninput: [1, 28, 28]\nlayers:\n"+layers)
	}
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   []string // parts of the sentence
	}{
		{"unknown layer", []string{"summary", net("  - convd: {filters: 3}\n")}, 1, []string{"net.yaml:4:", "convd", "conv2d"}},
		{"misspelt setting", []string{"summary", net("  - conv2d: {filter: 3}\n")}, 1, []string{"net.yaml:4:", "filter", "filters"}},
		{"conv too big", []string{"check", net("  - conv2d: {filters: 3, kernel: 11, padding: valid}\n")}, 1, []string{"conv", "11"}},
		{"unequal residual", []string{"summary", net("  - residual:\n      layers:\n        - conv2d: {filters: 5, padding: same}\n")}, 1, []string{"3×8×8", "5×8×8", "projection"}},
		{"no such network", []string{"summary", "resnet200"}, 1, []string{"resnet200", "did you mean resnet20?"}},
		{"huge", []string{"train", net28("  - flatten\n  - dense: {units: 1000000}\n  - dense: {units: 1000000}\n  - dense: {units: 10}\n")}, 1, []string{"memory"}},
		{"idx without labels", []string{"train", "linear", "--data", "mnist", "--data-dir", filepath.Dir(write(t, "train-images-idx3-ubyte", "\x00\x00\x08\x03\x00\x00\x00\x09\x00\x00\x00\x1c\x00\x00\x00\x1cabc"))}, 1, []string{"train-labels-idx1-ubyte"}},
		{"cut idx", []string{"train", "linear", "--data", "mnist", "--data-dir", cutIDX(t)}, 1, []string{"train-images-idx3-ubyte", "7,072", "19"}},
		{"checkpoint of another network", []string{"train", "mlp", "--resume", trained(t)}, 1, []string{"linear", "mlp"}},
		{"cut checkpoint", []string{"train", "--resume", cutCheckpoint(t)}, 1, []string{"checkpoint"}},
		{"text in a number column", []string{"train", "linear", "--data", write(t, "t.csv", "a,b,kind\n1,2,x\n3,four,y\n5,6,x\n7,8,y\n")}, 1, []string{"t.csv", "four"}},
		{"no checkpoint", []string{"train", "--resume", t.TempDir()}, 1, []string{"checkpoint"}},
		{"no terminal", nil, 1, []string{"terminal"}},
		{"unknown command", []string{"tarin", "lenet5"}, 2, []string{"tarin", "did you mean train?"}},
		{"unknown command alone", []string{"sumary"}, 2, []string{"sumary", "layercake summary"}},
		{"unknown benchmark", []string{"bench", "gem"}, 2, []string{"did you mean gemm?", "layercake bench --help"}},
		{"a folder", []string{"summary", t.TempDir()}, 1, []string{"folder", "presets"}},
		{"a file too long", []string{"summary", write(t, "long.yaml", strings.Repeat("#", 2<<20))}, 1, []string{"long.yaml", "1048576"}},
		{"unknown preset", []string{"presets", "resnet21"}, 1, []string{"did you mean resnet20?"}},
		{"no name to print", []string{"presets", "--yaml"}, 2, []string{"NAME"}},
		{"two formats", []string{"presets", "mlp", "--yaml", "--json"}, 2, []string{"--yaml", "--json"}},
		{"two themes", []string{"--light", "--dark"}, 2, []string{"--light", "--dark"}},
		{"negative threads", []string{"check", "linear", "--threads", "-1"}, 2, []string{"--threads is -1", "1 to 1024"}},
		{"no epochs", []string{"train", "linear", "--epochs", "0"}, 2, []string{"--epochs is 0", "1 or more"}},
		{"no rate", []string{"train", "linear", "--lr", "0"}, 2, []string{"--lr is 0"}},
		{"rate is no number", []string{"train", "linear", "--lr", "NaN"}, 2, []string{"--lr is NaN"}},
		{"negative samples", []string{"train", "linear", "--train-samples", "-1"}, 2, []string{"--train-samples is -1"}},
		{"other samples on resuming", []string{"train", "--resume", ".", "--train-samples", "10"}, 2, []string{"--train-samples", "--help"}},
		{"no steps to compare", []string{"compare", "linear", "mlp", "--gradients", "0"}, 2, []string{"--gradients is 0"}},
		{"a run where a file is", []string{"train", "linear", "--out", write(t, "file", "")}, 1, []string{"--out"}},
		{"unknown kernel", []string{"presets", "--kernel", "sse"}, 2, []string{"sse", "generic"}},
		{"unknown flag", []string{"train", "lenet5", "--epoch", "3"}, 2, []string{"--epoch: did you mean --epochs?"}},
		{"flag of no kind", []string{"train", "lenet5", "--seed", "-1"}, 2, []string{`--seed is "-1", wants a whole number from 0`}},
		{"no number", []string{"train", "lenet5", "--steps", "ten"}, 2, []string{`--steps is "ten", wants a whole number`}},
		{"network before command", []string{"lenet5", "train"}, 2, []string{"'layercake train lenet5'"}},
		{"help on nothing", []string{"help", "trian"}, 2, []string{"did you mean train?"}},
		{"misspelt data", []string{"train", "lenet5", "--data", "mnits"}, 1, []string{"mnits", "did you mean mnist?"}},
		{"more data than memory", []string{"train", "lenet5", "--train-samples", "1000000000000"}, 1, []string{"1,000,000,000,000", "GB of memory", "fewer"}},
		{"no network", []string{"train"}, 2, []string{"NETWORK"}},
		{"bad shape", []string{"summary", "resnet18", "--input", "3xx"}, 2, []string{"3xx"}},
		{"unknown optimizer", []string{"train", "linear", "--optimizer", "adm", "--train-samples", "100", "--test-samples", "10"}, 2, []string{"adm", "adam"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := execute(t, c.args...)
			if status != c.status {
				t.Errorf("exit %d, want %d: %s", status, c.status, stderr)
			}
			if stdout != "" {
				t.Errorf("wrote to stdout: %q", stdout)
			}
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			if hint := "Try 'layercake"; status == 2 && strings.HasPrefix(lines[len(lines)-1], hint) {
				lines = lines[:len(lines)-1]
			} else if status == 2 {
				t.Errorf("%q does not point to the help", stderr)
			}
			if len(lines) != 1 {
				t.Errorf("%d lines, want one: %q", len(lines), stderr)
			}
			for _, w := range c.want {
				if !strings.Contains(stderr, w) {
					t.Errorf("%q does not say %q", strings.TrimSpace(stderr), w)
				}
			}
		})
	}
}

// TestPromises holds the JSON shapes that programs rely on.
func TestPromises(t *testing.T) {
	for _, c := range []struct {
		args []string
		keys []string
	}{
		{[]string{"summary", "lenet5", "--json"}, []string{"name", "input", "params", "macs", "activation_bytes", "layers"}},
		{[]string{"presets", "--json"}, []string{"name", "task", "input", "params", "macs"}},
		{[]string{"layers", "--json"}, []string{"kind", "family", "summary", "settings"}},
		{[]string{"compare", "lenet5", "mlp", "--json"}, []string{"networks", "rows"}},
		{[]string{"data", "--json"}, []string{"name", "input", "classes"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			status, stdout, stderr := execute(t, c.args...)
			if status != 0 {
				t.Fatalf("exit %d: %s", status, stderr)
			}
			var v any
			if err := json.Unmarshal([]byte(stdout), &v); err != nil {
				t.Fatal(err)
			}
			if list, ok := v.([]any); ok {
				v = list[0]
			}
			for _, k := range c.keys {
				if _, ok := v.(map[string]any)[k]; !ok {
					t.Errorf("no %q in %.200s", k, stdout)
				}
			}
		})
	}
}

// TestSummaryCounts holds the figures that PyTorch and torchvision give.
func TestSummaryCounts(t *testing.T) {
	for _, c := range []struct {
		network      string
		args         []string
		params, macs int64
	}{
		{"lenet5", nil, 61706, 416520},
		{"resnet18", nil, 11689512, 1814073344},
		{"resnet18", []string{"--input", "3x112x112"}, 11689512, 0},
		{"resnet20", nil, 272474, 0},
	} {
		status, stdout, stderr := execute(t, append([]string{"summary", c.network, "--json"}, c.args...)...)
		if status != 0 {
			t.Fatalf("exit %d: %s", status, stderr)
		}
		var s summaryJSON
		if err := json.Unmarshal([]byte(stdout), &s); err != nil {
			t.Fatal(err)
		}
		if s.Params != c.params || c.macs != 0 && s.MACs != c.macs {
			t.Errorf("%s %v: %d parameters, %d MACs, want %d and %d", c.network, c.args, s.Params, s.MACs, c.params, c.macs)
		}
		var params, macs int64
		for _, l := range s.Layers {
			params, macs = params+l.Params, macs+l.MACs
		}
		if params != s.Params || macs != s.MACs {
			t.Errorf("%s: the layers add up to %d and %d", c.network, params, macs)
		}
	}
}

func TestHelpHasExamples(t *testing.T) {
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		if c.Example == "" || c.Short == "" || c.Long == "" {
			t.Errorf("%s has no example, summary or text", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(newRoot(&common{}))
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestFullDisk holds every kind of output to an error when it is lost, and a
// run to being saved all the same.
func TestFullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	for _, args := range [][]string{
		{"summary", "lenet5"}, {"summary", "lenet5", "--json"}, {"presets"}, {"presets", "mlp", "--yaml"}, {"layers"}, {"layers", "lstm"},
		{"data"}, {"compare", "linear", "mlp"}, {"check", "linear"}, {"--help"},
		{"train", "linear", "--json", "--every", "1", "--train-samples", "640", "--steps", "1000000", "--out", dir},
	} {
		var stderr bytes.Buffer
		if status := run(t.Context(), args, full{}, &stderr); status != 1 || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%v: exit %d: %q", args, status, stderr.String())
		}
		if n := strings.Count(stderr.String(), "\n"); n != 1 {
			t.Errorf("%v: %d lines: %q", args, n, stderr.String())
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "checkpoint")); err != nil {
		t.Error(err)
	}
}

// cutIDX is a folder with MNIST's four files, the training images cut short.
func cutIDX(t *testing.T) string {
	dir := t.TempDir()
	images := func(n int) string {
		return "\x00\x00\x08\x03\x00\x00\x00" + string(rune(n)) + "\x00\x00\x00\x1c\x00\x00\x00\x1c"
	}
	labels := "\x00\x00\x08\x01\x00\x00\x00\x09123456789"
	for name, text := range map[string]string{
		"train-images-idx3-ubyte": images(9) + "abc", "train-labels-idx1-ubyte": labels,
		"t10k-images-idx3-ubyte": images(9) + strings.Repeat("x", 9*28*28), "t10k-labels-idx1-ubyte": labels,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// trained is the folder of a short run of linear.
func trained(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "run")
	if status, _, stderr := execute(t, "train", "linear", "--steps", "2", "--train-samples", "64", "--test-samples", "10", "--out", dir); status != 0 {
		t.Fatal(stderr)
	}
	return dir
}

func cutCheckpoint(t *testing.T) string {
	dir := trained(t)
	path := filepath.Join(dir, "checkpoint")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
