package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"layercake/compute"
	"layercake/model"
	"layercake/presets"
)

// openNetwork reads NETWORK: a file where there is one of that name, else a
// preset. The path is empty for a preset.
func openNetwork(ctx context.Context, name string) (spec *model.Spec, path string, err error) {
	info, statErr := os.Stat(name)
	if statErr == nil && !info.IsDir() {
		spec, err := loadNetwork(ctx, name)
		return spec, name, err
	}
	if spec, err := presets.Spec(name); err == nil {
		return spec, "", nil
	}
	if statErr != nil && !errors.Is(statErr, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("open network %s: %w", name, statErr)
	}
	what := "neither a file nor a preset"
	if statErr == nil {
		what = "a folder, wants a network file or a preset"
	}
	return nil, "", fmt.Errorf("%q is %s: %s", name, what, suggest(name, presetNames(), "'layercake presets' lists the presets"))
}

// loadNetwork reads a file, which may be a pipe that nothing ever comes out of:
// then only the context's end lets go of it.
func loadNetwork(ctx context.Context, path string) (*model.Spec, error) {
	var spec *model.Spec
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		spec, err = model.Load(path)
	}()
	select {
	case <-done:
		return spec, err
	case <-ctx.Done():
		return nil, errInterrupted
	}
}

// known reports whether there is a file of that name, or a preset.
func known(name string) bool {
	_, err := os.Stat(name)
	_, preset := presets.Find(name)
	return err == nil || preset
}

func presetNames() []string {
	var names []string
	for _, p := range presets.List() {
		names = append(names, p.Name)
	}
	return names
}

// resolveNetwork is openNetwork followed by model.Resolve, refusals included.
func resolveNetwork(ctx context.Context, name string) (*model.Graph, error) {
	spec, _, err := openNetwork(ctx, name)
	if err != nil {
		return nil, err
	}
	g := model.Resolve(spec)
	return g, g.Err
}

// parseShape reads 3x224x224, 3×224×224 or 3,224,224.
func parseShape(text string) (compute.Shape, error) {
	parts := strings.Split(strings.NewReplacer("×", "x", ",", "x").Replace(text), "x")
	var s compute.Shape
	for _, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > 1<<24 {
			return nil, fmt.Errorf("input shape is %q, wants whole numbers such as 3x224x224", text)
		}
		s = append(s, n)
	}
	if len(s) == 0 || len(s) > 4 {
		return nil, fmt.Errorf("input shape is %q, wants one to four numbers such as 3x224x224", text)
	}
	return s, nil
}
