package cli

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A Python without PyTorch, or none, is one sentence that says how to get it.
func TestPeersRefusals(t *testing.T) {
	bare := write(t, "python", "#!/bin/sh\nexit 1\n")
	if err := os.Chmod(bare, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--python", bare}, 1, bare + " has no PyTorch: install it with"},
		{[]string{"--python", filepath.Join(t.TempDir(), "none")}, 1, "--python"},
		{[]string{"--workload", "resnet21"}, 2, "did you mean resnet20?"},
		{[]string{"--rounds", "0"}, 2, "at least 1"},
	} {
		status, stdout, stderr := execute(t, append([]string{"bench", "peers"}, c.args...)...)
		if status != c.status || !strings.Contains(stderr, c.want) || stdout != "" {
			t.Errorf("%v: exit %d, %q, want %d and %q", c.args, status, stderr, c.status, c.want)
		}
	}
}

// The faster of two ways counts, one that fails is left out, and our side is
// a process of its own.
func TestBinaryPeers(t *testing.T) {
	python := write(t, "python", `#!/bin/sh
[ "$OMP_NUM_THREADS" = 1 ] || exit 9
case "$2/$3/$5" in
probe//) echo '{"version":"0.1","fused":true}' ;;
train/mlp/plain) echo '{"samples_per_s":100,"peak_rss_mb":7}' ;;
train/mlp/fused) echo '{"samples_per_s":200,"peak_rss_mb":8}' ;;
infer/mobilenet_v2/fold) echo '{"samples_per_s":2,"peak_rss_mb":9}' ;;
*) echo cannot >&2; exit 1 ;;
esac
`)
	if err := os.Chmod(python, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		workload, variant string
		rate              float64
	}{{"mlp", "fused", 200}, {"mobilenet_v2", "fold", 2}} {
		cmd := command(t, "bench", "peers", "--python", python, "--workload", c.workload, "--rounds", "1", "--threads", "1", "--json")
		text, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
		}
		var l peerLine
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatal(err)
		}
		if l.Variant != c.variant || l.PeerRate != c.rate || l.Peer != "PyTorch 0.1" || l.Rounds != 1 || l.Threads != 1 {
			t.Errorf("%s: got %+v, want %s at %v", c.workload, l, c.variant, c.rate)
		}
		if !(l.SamplesPerSecond > 0) || math.Abs(l.Ratio*c.rate/l.SamplesPerSecond-1) > 1e-9 {
			t.Errorf("%s: ratio %v of %v and %v", c.workload, l.Ratio, l.SamplesPerSecond, c.rate)
		}
	}
}

// TestPeersAreTheSameNetworks compares parameter counts with PyTorch's, where
// it is installed.
func TestPeersAreTheSameNetworks(t *testing.T) {
	script := filepath.Join(t.TempDir(), "torch_bench.py")
	peer, err := findTorch(t.Context(), "", script, 1)
	if err != nil {
		t.Skip(err)
	}
	text, err := exec.Command(peer.python, script, "params").Output()
	if err != nil {
		t.Fatal(err)
	}
	var counts map[string]int64
	if err := json.Unmarshal(text, &counts); err != nil {
		t.Fatal(err)
	}
	for _, w := range append(append([]workload(nil), trainWorkloads...), inferWorkloads...) {
		g, err := w.graph(benchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if g.Params() != counts[w.name] {
			t.Errorf("%s has %d parameters, in PyTorch %d", w.name, g.Params(), counts[w.name])
		}
	}
}
