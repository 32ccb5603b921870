package cli

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"layercake/train"
)

// torchScript runs the workloads in PyTorch; its own head says how it is called.
//
//go:embed peers/torch_bench.py
var torchScript []byte

// peerLine is a workload's figures on both sides: medians over the rounds of
// each process's median, and the least and the most of those.
type peerLine struct {
	Workload         string       `json:"workload"`
	Threads          int          `json:"threads"`
	Rounds           int          `json:"rounds"`
	SamplesPerSecond float64      `json:"samples_per_s"`
	Min              float64      `json:"min"`
	Max              float64      `json:"max"`
	PeakRSS          train.Number `json:"peak_rss_mb"`
	Peer             string       `json:"peer"`
	Variant          string       `json:"variant"` // the fastest of them
	PeerRate         float64      `json:"peer_samples_per_s"`
	PeerMin          float64      `json:"peer_min"`
	PeerMax          float64      `json:"peer_max"`
	PeerRSS          train.Number `json:"peer_peak_rss_mb"`
	Ratio            float64      `json:"ratio"` // of the medians; above 1 layercake is faster
}

// peerGemm is the same of a matrix product.
type peerGemm struct {
	M       int     `json:"m"`
	N       int     `json:"n"`
	K       int     `json:"k"`
	TA      bool    `json:"ta"`
	TB      bool    `json:"tb"`
	Threads int     `json:"threads"`
	Rounds  int     `json:"rounds"`
	GFLOPS  float64 `json:"gflops"`
	Peer    string  `json:"peer"`
	PeerGF  float64 `json:"peer_gflops"`
	Ratio   float64 `json:"ratio"`
}

type peersFlags struct {
	which, python string
	rounds        int
	asJSON        bool
}

func newBenchPeers(c *common) *cobra.Command {
	var f peersFlags
	names := append(append(namesOf(trainWorkloads), namesOf(inferWorkloads)...), "gemm")
	cmd := &cobra.Command{
		Use:   "peers",
		Short: "The same workloads in PyTorch, side by side",
		Long: `Runs the workloads of bench train and bench infer, and the products of bench gemm,
in layercake and in the PyTorch that is installed, on the same number of threads,
in fresh processes in turn. Of PyTorch's ways (plain, channels-last images, fused
optimizer, folded norms) the fastest counts. A ratio above 1 says that layercake
is faster.`,
		Example: "  layercake bench peers --threads 2\n  layercake bench peers --workload resnet20 --rounds 5 --python ~/venv/bin/python",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.which != "all" && !slices.Contains(names, f.which) {
				list := make([]workload, len(names))
				for i, n := range names {
					list[i].name = n
				}
				_, err := choose(list, f.which)
				return err
			}
			if f.rounds < 1 {
				return usageError{fmt.Errorf("--rounds is %d, wants at least 1", f.rounds)}
			}
			err := runPeers(cmd, c, &f)
			if cmd.Context().Err() != nil {
				return errInterrupted
			}
			return err
		},
	}
	cmd.Flags().StringVar(&f.which, "workload", "all", "one of "+strings.Join(names, ", ")+", or all")
	cmd.Flags().IntVar(&f.rounds, "rounds", 3, "fresh processes a side")
	cmd.Flags().StringVar(&f.python, "python", "", "the Python that has PyTorch (default: python3 or python on the PATH, /usr/bin/python3)")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func runPeers(cmd *cobra.Command, c *common, f *peersFlags) error {
	dir, err := os.MkdirTemp("", "layercake-peers-")
	if err != nil {
		return fmt.Errorf("a folder for the peers' script: %w", err)
	}
	defer os.RemoveAll(dir)
	threads := c.threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	peer, err := findTorch(cmd.Context(), f.python, filepath.Join(dir, "torch_bench.py"), threads)
	if err != nil {
		return err
	}
	ours, err := newOurs(c, threads)
	if err != nil {
		return err
	}
	r := &peerRun{cmd: cmd, f: f, threads: threads, peer: peer, ours: ours}
	if !f.asJSON {
		fmt.Fprintf(cmd.OutOrStdout(), "%s, threads: %d, medians of fresh processes in turn, %d a side\n", peer.name, threads, f.rounds)
	}
	for _, list := range []struct {
		what      string
		workloads []workload
	}{{"train", trainWorkloads}, {"infer", inferWorkloads}} {
		for _, w := range list.workloads {
			if f.which == "all" || f.which == w.name {
				if err := r.workload(list.what, w.name); err != nil {
					return err
				}
			}
		}
	}
	if n := len(r.ratios); n > 1 && !f.asJSON {
		fmt.Fprintf(cmd.OutOrStdout(), "geometric mean of the ratios %.2f\n", geometricMean(r.ratios))
	}
	if f.which == "all" || f.which == "gemm" {
		return r.gemm()
	}
	return nil
}

// peerRun is one run of bench peers.
type peerRun struct {
	cmd     *cobra.Command
	f       *peersFlags
	threads int
	peer    *torch
	ours    *ours
	ratios  []float64
}

// figures are what a process of either side prints of a workload.
type figures struct {
	Rate   float64      `json:"samples_per_s"`
	GFLOPS float64      `json:"gflops"`
	RSS    train.Number `json:"peak_rss_mb"`
}

// ofRounds sorts processes by their rate: least, median, most.
func ofRounds(all []figures) (low, median, high figures) {
	s := slices.Clone(all)
	slices.SortFunc(s, func(a, b figures) int { return int(math.Copysign(1, a.Rate-b.Rate)) })
	return s[0], s[len(s)/2], s[len(s)-1]
}

func (r *peerRun) workload(what, name string) error {
	ctx := r.cmd.Context()
	variants := r.peer.variants(what, name)
	theirs := make([][]figures, len(variants))
	var mine []figures
	var failed error
	for round := range r.f.rounds {
		fmt.Fprintf(r.cmd.ErrOrStderr(), "%s: round %d of %d\n", name, round+1, r.f.rounds)
		for i, v := range variants {
			one, err := r.peer.run(ctx, what, name, v)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil { // not every release can do every variant
				failed = err
				continue
			}
			theirs[i] = append(theirs[i], one)
		}
		one, err := r.ours.run(ctx, what, name)
		if err != nil {
			return err
		}
		mine = append(mine, one)
	}
	best := -1
	for i := range theirs {
		if len(theirs[i]) < r.f.rounds {
			continue
		}
		if best >= 0 {
			_, a, _ := ofRounds(theirs[i])
			if _, b, _ := ofRounds(theirs[best]); a.Rate <= b.Rate {
				continue
			}
		}
		best = i
	}
	if best < 0 {
		return fmt.Errorf("PyTorch did not run %s: %w", name, failed)
	}
	low, mid, high := ofRounds(mine)
	pLow, pMid, pHigh := ofRounds(theirs[best])
	l := peerLine{
		Workload: name, Threads: r.threads, Rounds: r.f.rounds,
		SamplesPerSecond: mid.Rate, Min: low.Rate, Max: high.Rate, PeakRSS: mid.RSS,
		Peer: r.peer.name, Variant: variants[best], PeerRate: pMid.Rate, PeerMin: pLow.Rate, PeerMax: pHigh.Rate, PeerRSS: pMid.RSS,
		Ratio: mid.Rate / pMid.Rate,
	}
	r.ratios = append(r.ratios, l.Ratio)
	if r.f.asJSON {
		return writeJSON(r.cmd.OutOrStdout(), l)
	}
	if len(r.ratios) == 1 {
		fmt.Fprintf(r.cmd.OutOrStdout(), "%-14s %9s %9s %9s %8s   %9s %9s %9s %8s  %-22s %5s\n",
			"samples/s", "min", "layercake", "max", "memory", "min", "PyTorch", "max", "memory", "its fastest way", "ratio")
	}
	fmt.Fprintf(r.cmd.OutOrStdout(), "%-14s %9s %9s %9s %5.0f MB   %9s %9s %9s %5.0f MB  %-22s %5.2f\n", name,
		rate(l.Min), rate(l.SamplesPerSecond), rate(l.Max), float64(l.PeakRSS),
		rate(l.PeerMin), rate(l.PeerRate), rate(l.PeerMax), float64(l.PeerRSS), l.Variant, l.Ratio)
	return nil
}

func (r *peerRun) gemm() error {
	ctx, out := r.cmd.Context(), r.cmd.OutOrStdout()
	shapes := gemmShapes()
	mine, theirs := make([][]float64, len(shapes)), make([][]float64, len(shapes))
	for round := range r.f.rounds {
		fmt.Fprintf(r.cmd.ErrOrStderr(), "gemm: round %d of %d\n", round+1, r.f.rounds)
		a, err := r.peer.gemm(ctx, shapes)
		if err != nil {
			return err
		}
		b, err := r.ours.gemm(ctx)
		if err != nil {
			return err
		}
		if len(a) != len(shapes) || len(b) != len(shapes) {
			return fmt.Errorf("gemm: %d and %d products came back, wants %d: run it again", len(a), len(b), len(shapes))
		}
		for i := range shapes {
			theirs[i], mine[i] = append(theirs[i], a[i].GFLOPS), append(mine[i], b[i].GFLOPS)
		}
	}
	if !r.f.asJSON {
		fmt.Fprintf(out, "%-18s %3s  %9s %9s %6s\n", "GFLOP/s, M×K×N", "op", "layercake", "PyTorch", "ratio")
	}
	var ratios []float64
	for i, s := range shapes {
		slices.Sort(mine[i])
		slices.Sort(theirs[i])
		l := peerGemm{s.m, s.n, s.k, s.ta, s.tb, r.threads, r.f.rounds, mine[i][len(mine[i])/2], r.peer.name, theirs[i][len(theirs[i])/2], 0}
		l.Ratio = l.GFLOPS / l.PeerGF
		ratios = append(ratios, l.Ratio)
		if r.f.asJSON {
			if err := writeJSON(out, l); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(out, "%-18s %3s  %9.1f %9.1f %6.2f\n", fmt.Sprintf("%d×%d×%d", s.m, s.k, s.n), s.op(), l.GFLOPS, l.PeerGF, l.Ratio)
	}
	if !r.f.asJSON {
		fmt.Fprintf(out, "geometric mean of the ratios %.2f\n", geometricMean(ratios))
	}
	return nil
}

func geometricMean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(x)))
}

// output runs a process to its end and reads the JSON lines that it prints.
func output(ctx context.Context, env []string, in io.Reader, name string, args ...string) ([]figures, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdin = append(os.Environ(), env...), in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return nil, fmt.Errorf("%s: %w: %s", name, err, lines[len(lines)-1])
	}
	var out []figures
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var f figures
		switch err := d.Decode(&f); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("%s printed something else than figures: %w", name, err)
		}
		out = append(out, f)
	}
}

// single is the one line of a process that prints one.
func single(all []figures, err error) (figures, error) {
	if err == nil && (len(all) != 1 || !(all[0].Rate > 0)) {
		err = errors.New("a process ended without a figure: run it again")
	}
	if err != nil {
		return figures{}, err
	}
	return all[0], nil
}

// ours runs this very program.
type ours struct {
	path  string
	flags []string
}

func newOurs(c *common, threads int) (*ours, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("where is this program: %w", err)
	}
	o := &ours{path: path, flags: []string{"--json", "--threads", strconv.Itoa(threads)}}
	if c.kernel != "" {
		o.flags = append(o.flags, "--kernel", c.kernel)
	}
	return o, nil
}

func (o *ours) run(ctx context.Context, what, name string) (figures, error) {
	return single(output(ctx, nil, nil, o.path, append([]string{"bench", what, "--workload", name}, o.flags...)...))
}

func (o *ours) gemm(ctx context.Context) ([]figures, error) {
	return output(ctx, nil, nil, o.path, append([]string{"bench", "gemm"}, o.flags...)...)
}
