package cli

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	status, stdout, stderr := execute(t, "check", "names-mlp")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, %s", status, stderr)
	}
	for _, want := range []string{"shapes agree", "✓  the whole network", "gradients compared, by ", "tolerance 3e-03", "what training uses"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "✗") {
		t.Errorf("something is wrong:\n%s", stdout)
	}

	status, stdout, stderr = execute(t, "check", "names-mlp", "--seed", "3", "--json")
	var j struct {
		Network   string
		OK        bool
		Seed      int
		Tolerance float64
		Gradients []struct {
			Layer, Of       string
			Tried, Compared int
			Error           float64
			OK              bool
		}
	}
	if err := json.Unmarshal([]byte(stdout), &j); err != nil || status != 0 || stderr != "" {
		t.Fatalf("status %d, %s, %v", status, stderr, err)
	}
	if !j.OK || j.Network == "" || j.Seed != 3 || j.Tolerance <= 0 || len(j.Gradients) < 5 {
		t.Errorf("%+v", j)
	}
	for _, g := range j.Gradients {
		if !g.OK || g.Of == "" || g.Compared == 0 || g.Error > j.Tolerance {
			t.Errorf("%+v", g)
		}
	}
}

// A network file without a name goes by its file's, in every command and in the run it leaves.
func TestNetworkWithoutName(t *testing.T) {
	text := "input: [1, 28, 28]\nlayers:\n  - flatten\n  - dense: {units: 10}\ntrain: {data: digits}\n"
	path := write(t, "mine.yaml", text)
	dir := filepath.Join(t.TempDir(), "run")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"check", path}, "mine: 2 layers"},
		{[]string{"summary", path}, "mine"},
		{[]string{"compare", path, "linear"}, "mine"},
		{[]string{"summary", path, "--json"}, `"name":"mine"`},
		{[]string{"train", path, "--steps", "1", "--train-samples", "64", "--test-samples", "10", "--json", "--out", dir}, `"network":"mine"`},
		{[]string{"train", "--resume", dir, "--steps", "2", "--json"}, `"network":"mine"`},
	} {
		status, stdout, stderr := execute(t, c.args...)
		if status != 0 || !strings.Contains(stdout, c.want) {
			t.Errorf("%v: status %d, no %q in\n%s%s", c.args, status, c.want, stdout, stderr)
		}
	}
	other := write(t, "other.yaml", "input: [1, 28, 28]\nlayers:\n  - flatten\n  - dense: {units: 10, name: scores}\ntrain: {data: digits}\n")
	status, _, stderr := execute(t, "train", other, "--resume", dir)
	if status != 1 || !strings.Contains(stderr, "a run of mine, got other with") {
		t.Errorf("status %d: %s", status, stderr)
	}
}

// Messages about data call a file as the user wrote it.
func TestDataIsCalledByItsPath(t *testing.T) {
	path := write(t, "t.txt", "abc")
	status, _, stderr := execute(t, "train", "gpt-nano", "--data", path)
	if want := path + ": has 3 tokens"; status != 1 || !strings.Contains(stderr, want) {
		t.Errorf("status %d, no %q in %s", status, want, stderr)
	}
	table := write(t, "t.csv", "a,b,kind\n1,2,x\n3,4,y\n5,6,x\n7,8,y\n1,1,x\n")
	status, _, stderr = execute(t, "train", "linear", "--data", table, "--train-samples", "50")
	if want := table + ": has 4 training rows"; status != 1 || !strings.Contains(stderr, want) {
		t.Errorf("status %d, no %q in %s", status, want, stderr)
	}
	status, _, stderr = execute(t, "train", "lenet5", "--data", table)
	if status != 1 || !strings.Contains(stderr, table) {
		t.Errorf("status %d, no %q in %s", status, table, stderr)
	}
}
