package cli

import (
	"encoding/json"
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
