package cli

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"layercake/compute"
)

// TestKernelContest: each kernel runs, the lines are of the rates, and the kernel
// in use is the same afterwards.
func TestKernelContest(t *testing.T) {
	was := compute.KernelName()
	var out bytes.Buffer
	k := kernelContest{ctx: t.Context(), out: &out, asJSON: true, names: []string{was, "generic"}, threads: 1, repeats: 3}
	ran := map[string]int{}
	run, flop := gemmShape{m: 7, k: 5, n: 3}.product(nil)
	after := false
	err := k.hold(contest{"gemm", "7×5×3 NN", func() { ran[compute.KernelName()]++; run() }, flop, func() { after = true }})
	if err != nil || !after {
		t.Fatalf("%v; the end was called: %v", err, after)
	}
	if now := compute.KernelName(); now != was {
		t.Errorf("the kernel is %s afterwards, was %s", now, was)
	}
	d := json.NewDecoder(&out)
	var first float64
	for i, name := range k.names {
		var l kernelLine
		if err := d.Decode(&l); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = l.GFLOPS
		}
		if l.Kernel != name || l.What != "gemm" || !(0 < l.Min && l.Min <= l.GFLOPS && l.GFLOPS <= l.Max) || l.Ratio != l.GFLOPS/first || k.wins[i][0] != l.Ratio {
			t.Errorf("%+v, of wins %v", l, k.wins)
		}
		if ran[name] < 2+k.repeats {
			t.Errorf("%s ran %d times, wants two before and one in each of %d repeats", name, ran[name], k.repeats)
		}
	}
}

func TestKernelVerdict(t *testing.T) {
	for _, c := range []struct {
		wins [][]float64
		want []string
	}{
		{[][]float64{{1, 1}, {2, 1.125}}, []string{"a ×1.50 (×1.12 to ×2.00)", "--kernel a,"}},
		{[][]float64{{1, 1}, {0.9, 1.125}}, []string{"no difference"}},
		{[][]float64{{1, 1}, {0.9, 0.5}}, []string{"Stay with base"}},
		{[][]float64{{1}, {1.2}, {1.5}}, []string{"a ×1.20", "--kernel b,"}},
		{[][]float64{{1, 1}}, []string{"base is the only kernel"}},
	} {
		names := []string{"base", "a", "b"}[:len(c.wins)]
		got := (&kernelContest{names: names, wins: c.wins}).verdict()
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("of %v: %q lacks %q", c.wins, got, want)
			}
		}
	}
}

// TestKernelConvs: each name is of a convolution that there is.
func TestKernelConvs(t *testing.T) {
	for _, name := range kernelConvs {
		if !slices.ContainsFunc(convShapes, func(s convShape) bool { return s.net == name }) {
			t.Errorf("there is no convolution %q", name)
		}
	}
}
