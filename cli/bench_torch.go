package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// torch is a Python that has PyTorch.
type torch struct {
	python, script string
	threads        int
	name           string // "PyTorch 2.6.0"
	fused          bool   // has optimizers of one kernel
}

// findTorch asks python, or the usual ones where none is named, for PyTorch.
func findTorch(ctx context.Context, python, script string, threads int) (*torch, error) {
	if err := os.WriteFile(script, torchScript, 0o600); err != nil {
		return nil, fmt.Errorf("the peers' script: %w", err)
	}
	candidates := []string{"python3", "python", "/usr/bin/python3"}
	if python != "" {
		candidates = []string{python}
	}
	var tried []string
	for _, c := range candidates {
		path, err := exec.LookPath(c)
		if err != nil || slices.Contains(tried, path) {
			continue
		}
		tried = append(tried, path)
		t := &torch{python: path, script: script, threads: threads}
		if t.probe(ctx) == nil {
			return t, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	const cure = "install it with 'pip install torch' or 'apt install python3-torch', or name the Python that has it with --python"
	if len(tried) == 0 {
		return nil, fmt.Errorf("there is no %s here to run PyTorch: %s", strings.Join(candidates, " or "), cure)
	}
	return nil, fmt.Errorf("%s has no PyTorch: %s", strings.Join(tried, " and "), cure)
}

func (t *torch) probe(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, t.python, t.script, "probe")
	cmd.Env = append(os.Environ(), t.env()...)
	text, err := cmd.Output()
	if err != nil {
		return err
	}
	var about struct {
		Version string
		Fused   bool
	}
	if err := json.Unmarshal(text, &about); err != nil {
		return err
	}
	t.name, t.fused = "PyTorch "+about.Version, about.Fused
	return nil
}

// env sets the number of threads where BLAS libraries look for it. Debian's
// default OpenBLAS has threads of its own that fight with PyTorch's for the
// cores, so the build that shares PyTorch's comes first where it is installed.
func (t *torch) env() []string {
	n := strconv.Itoa(t.threads)
	env := []string{"OMP_NUM_THREADS=" + n, "OPENBLAS_NUM_THREADS=" + n, "MKL_NUM_THREADS=" + n, "PYTHONDONTWRITEBYTECODE=1"}
	if dirs, err := filepath.Glob("/usr/lib/*/openblas-openmp"); err == nil && len(dirs) > 0 {
		if now := os.Getenv("LD_LIBRARY_PATH"); now != "" {
			dirs = append(dirs, now)
		}
		env = append(env, "LD_LIBRARY_PATH="+strings.Join(dirs, ":"))
	}
	return env
}

// variants are the ways to run a workload that may be the fastest.
func (t *torch) variants(what, name string) []string {
	if what == "infer" {
		return []string{"plain", "channels_last", "fold", "channels_last+fold"}
	}
	images := slices.Contains([]string{"lenet5", "resnet20", "resnet18_64"}, name)
	switch {
	case images && t.fused:
		return []string{"plain", "channels_last+fused"}
	case images:
		return []string{"plain", "channels_last"}
	case t.fused:
		return []string{"plain", "fused"}
	}
	return []string{"plain"}
}

func (t *torch) run(ctx context.Context, what, name, variant string) (figures, error) {
	return single(output(ctx, t.env(), nil, t.python, t.script, what, name, strconv.Itoa(t.threads), variant))
}

func (t *torch) gemm(ctx context.Context, shapes []gemmShape) ([]figures, error) {
	list := make([][5]any, len(shapes))
	for i, s := range shapes {
		list[i] = [5]any{s.m, s.k, s.n, s.ta, s.tb}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	return output(ctx, t.env(), strings.NewReader(string(text)), t.python, t.script, "gemm", strconv.Itoa(t.threads))
}
