package cli

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// trainedOn trains a network for a moment and returns the folder that it is kept in.
func trainedOn(t *testing.T, network string, args ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	if status, _, stderr := execute(t, append([]string{"train", network, "--out", dir}, args...)...); status != 0 {
		t.Fatalf("train: exit %d: %s", status, stderr)
	}
	return dir
}

// A table of which letter follows which, trained on the alphabet, says the alphabet.
func TestSampleText(t *testing.T) {
	net := write(t, "table.yaml", "name: table\ninput: {tokens: 9, length: 12}\nlayers:\n  - embedding: {tokens: 9, width: 9}\n"+
		"train: {batch: 8, steps: 150, loss: cross_entropy, optimizer: {adam: {lr: 0.1}}, seed: 1}\n")
	dir := trainedOn(t, net, "--data", write(t, "abc.txt", strings.Repeat("abcdefgh\n", 100)))
	sample := func(args ...string) string {
		t.Helper()
		status, stdout, stderr := execute(t, append([]string{"sample", dir}, args...)...)
		if status != 0 || stderr != "" {
			t.Fatalf("%v: exit %d: %s", args, status, stderr)
		}
		return stdout
	}
	if got := sample("--prompt", "cd", "--length", "20", "--temperature", "0"); got != "cdefgh\nabcdefgh\nabcdef\n" {
		t.Errorf("wrote %q", got)
	}
	if got := sample("--length", "3", "--top-k", "1"); got != "abc\n" {
		t.Errorf("without a prompt it begins %q, want a line's beginning", got)
	}
	hot := []string{"--length", "60", "--temperature", "20", "--seed", "2"}
	first := sample(hot...)
	if again := sample(hot...); again != first {
		t.Errorf("one seed wrote %q and %q", first, again)
	}
	if other := sample(append(hot, "--seed", "3")...); other == first {
		t.Errorf("two seeds wrote %q", first)
	}
	var j sampleJSON
	line := sample(append(hot, "--json", "--prompt", "a")...)
	if err := json.Unmarshal([]byte(line), &j); err != nil {
		t.Fatal(err)
	}
	if j.Network != "table" || j.Step != 150 || j.Prompt != "a" || len(j.Text) != 60 || j.Tokens != 60 || j.Seed != 2 || j.Temperature != 20 {
		t.Errorf("got %s", line)
	}
	if got := sample(append(hot, "--prompt", "a")...); strings.TrimSuffix(got, "\n") != strings.TrimSuffix("a"+j.Text, "\n") {
		t.Errorf("as text it wrote %q, as JSON %q", got, j.Text)
	}
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{dir, "--prompt", "xyz"}, 1, `"x" is none of the 9 tokens`},
		{[]string{dir, "--temperature", "-1"}, 2, "--temperature is -1"},
		{[]string{dir, "--top-k", "-1"}, 2, "--top-k is -1"},
		{[]string{dir, "--length", "-1"}, 2, "--length is -1"},
		{[]string{t.TempDir()}, 1, "has no checkpoint"},
		{[]string{trained(t)}, 1, "nothing to write on"},
		{nil, 2, "one RUN"},
	} {
		status, stdout, stderr := execute(t, append([]string{"sample"}, c.args...)...)
		if status != c.status || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d, %q, %q; want %d, nothing, %q", c.args, status, stdout, stderr, c.status, c.want)
		}
	}
}

// New names begin with the prompt, one a line, and a checkpoint may be named by its file.
func TestSampleNames(t *testing.T) {
	dir := trainedOn(t, "names-mlp", "--steps", "60", "--train-samples", "2000", "--test-samples", "200")
	status, stdout, stderr := execute(t, "sample", filepath.Join(dir, "checkpoint"), "--prompt", "ma", "--length", "40")
	names := strings.Fields(stdout)
	if status != 0 || len(names) < 2 || len(stdout) < 40 || len(names) != strings.Count(stdout, "\n") {
		t.Fatalf("exit %d: %s; wrote %q", status, stderr, stdout)
	}
	for _, n := range names {
		if !strings.HasPrefix(n, "ma") || strings.Contains(n, ".") || len(n) > longestLine+2 {
			t.Errorf("wrote the name %q", n)
		}
	}
}

// A source is rewritten into as many signs as the target has, the same at each call.
func TestSampleTarget(t *testing.T) {
	net := write(t, "dates.yaml", `name: dates
inputs: {source: {tokens: 42, length: 24}, target: {tokens: 12, length: 10}}
layers:
  - embedding: {tokens: 42, width: 8, name: memory, from: source}
  - embedding: {tokens: 12, width: 8, from: target}
  - transformerdecoder: {heads: 2, ff: 8, from: [., memory]}
  - dense: {units: 12}
train: {data: dates, batch: 32, steps: 40, loss: cross_entropy, optimizer: {adam: {lr: 0.01}}, seed: 1}
`)
	dir := trainedOn(t, net, "--train-samples", "640", "--test-samples", "32")
	var wrote []string
	for _, prompt := range []string{"14th of march 1987", "14th of march 1987", "1"} {
		status, stdout, stderr := execute(t, "sample", dir, "--prompt", prompt)
		if status != 0 || len(stdout) != 11 || strings.Trim(stdout, "0123456789->\n") != "" {
			t.Fatalf("exit %d: %s; wrote %q", status, stderr, stdout)
		}
		wrote = append(wrote, stdout)
	}
	if wrote[0] != wrote[1] {
		t.Errorf("wrote %q", wrote)
	}
	for _, c := range []struct {
		prompt, want string
		status       int
	}{
		{"", "wants --prompt", 2},
		{"the 14th of march in 1987", "has 25 tokens, wants at most 24", 1},
		{"14th of March", `"M" is none of the`, 1},
	} {
		if status, _, stderr := execute(t, "sample", dir, "--prompt", c.prompt); status != c.status || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: exit %d, %q; want %d, %q", c.prompt, status, stderr, c.status, c.want)
		}
	}
}
