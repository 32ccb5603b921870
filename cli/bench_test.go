package cli

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestWorkloads binds each workload and does a few steps: noise fits its
// inputs, and its name is one of those that scripts ask for.
func TestWorkloads(t *testing.T) {
	promised := []string{"mlp", "lenet5", "resnet20", "resnet18_64", "char_lstm", "char_gru", "minigpt", "seq2seq", "embcls", "resnet50", "mobilenet_v2"}
	for _, list := range []struct {
		workloads []workload
		bind      binder
	}{{trainWorkloads, bindTraining}, {inferWorkloads, bindInference}} {
		for _, w := range list.workloads {
			t.Run(w.name, func(t *testing.T) {
				if !slices.Contains(promised, w.name) {
					t.Errorf("%s is none of %v", w.name, promised)
				}
				g, err := w.graph(benchOptions{})
				if err != nil {
					t.Fatal(err)
				}
				b, err := list.bind(g, benchOptions{threads: 2, statistics: true})
				if err != nil {
					t.Fatal(err)
				}
				defer b.close()
				if again, err := w.graph(benchOptions{recompute: true}); err != nil || w.name == "resnet20" && again.TrainBytes(b.batch, 1) > b.bytes/2 {
					t.Errorf("made again it takes %d bytes of %d: %v", again.TrainBytes(b.batch, 1), b.bytes, err)
				}
				for range 2 {
					if err := b.step(); err != nil {
						t.Fatal(err)
					}
				}
				if b.batch < 1 || b.macs < g.MACs() {
					t.Errorf("a batch of %d and %d multiply-adds a sample, the network has %d forward", b.batch, b.macs, g.MACs())
				}
			})
		}
	}
}

// TestBenchJSON holds the fields that scripts read, and the sums among them.
func TestBenchJSON(t *testing.T) {
	status, stdout, stderr := execute(t, "bench", "train", "--workload", "mlp", "--threads", "1", "--json")
	if status != 0 {
		t.Fatalf("exit %d: %s", status, stderr)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(stdout), &m); err != nil {
		t.Fatalf("%v in %q", err, stdout)
	}
	for _, k := range []string{"workload", "threads", "batch", "samples_per_s", "min", "max", "peak_rss_mb", "allocs_per_step", "gflops", "peak_gflops", "share_of_peak", "kernel"} {
		if _, ok := m[k]; !ok {
			t.Errorf("no %q in %s", k, stdout)
		}
	}
	number := func(key string) float64 { x, _ := m[key].(float64); return x }
	const macs = 2*784*512 + 3*512*256 + 3*256*10
	if got, want := number("gflops"), number("samples_per_s")*2*macs/1e9; math.Abs(got/want-1) > 1e-9 {
		t.Errorf("%v GFLOP/s, want %v", got, want)
	}
	if m["peak_gflops"] != nil { // null for plain Go
		if got, want := number("share_of_peak"), number("gflops")/number("peak_gflops"); math.Abs(got/want-1) > 1e-9 {
			t.Errorf("the share is %v, want %v", got, want)
		}
	}
	if number("allocs_per_step") != 0 {
		t.Errorf("%v allocations a step", m["allocs_per_step"])
	}
}

func TestBenchRefusals(t *testing.T) {
	status, _, stderr := execute(t, "bench", "train", "--workload", "lenet")
	if status != 2 || !strings.Contains(stderr, "did you mean lenet5?") {
		t.Errorf("exit %d: %s", status, stderr)
	}
}

// TestPredictedMemory holds the figure on the Build screen against what a
// process comes to; the margin is for kernels that count pages otherwise.
func TestPredictedMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("peaks are Linux's")
	}
	for _, name := range []string{"lenet5", "resnet20"} {
		out, err := command(t, "bench", "train", "--workload", name, "--threads", "2", "--json").Output()
		if err != nil {
			t.Fatal(err)
		}
		var l struct {
			Peak      float64 `json:"peak_rss_mb"`
			Predicted float64 `json:"predicted_mb"`
		}
		if err := json.Unmarshal(out, &l); err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		if off := l.Predicted/l.Peak - 1; math.Abs(off) > 0.1 {
			t.Errorf("%s: %.1f MiB predicted, %.1f held", name, l.Predicted, l.Peak)
		}
	}
}

// A measurement keeps nothing that would have to be saved: an interrupt ends it at
// once, not behind the repeats of the workload that runs.
func TestInterruptEndsMeasuring(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	rates(ctx, 7, time.Hour, time.Hour, func() {
		if calls++; calls == 3 {
			cancel()
		}
	})
	if calls != 3 {
		t.Errorf("went on for %d calls after the interrupt", calls-3)
	}
	for _, args := range [][]string{{"bench", "train", "--workload", "mlp"}, {"bench", "gemm"}, {"bench", "conv"}} {
		if status := run(ctx, args, io.Discard, io.Discard); status != 130 {
			t.Errorf("%v: exit %d, want 130", args, status)
		}
	}
}
