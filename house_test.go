package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed maps each package to those of ours that it may import. A change here
// is a design decision and gets its own commit.
var allowed = map[string][]string{
	".":                  {"cli"},
	"compute":            {},
	"layers":             {"compute"},
	"model":              {"compute", "layers"},
	"presets":            {"model"},
	"data":               {"compute"},
	"train":              {"compute", "layers", "model", "data"},
	"tui":                {"compute", "layers", "model", "data", "presets", "train", "tui/hush", "tui/widget"},
	"tui/hush":           {},
	"tui/widget":         {},
	"cli":                {"compute", "layers", "model", "data", "presets", "train", "tui", "tui/widget"},
	"internal/gradcheck": {"compute", "layers", "model"},
	"internal/golden":    {},
	"internal/allocs":    {},
}

// forTests may be imported by test files of any package.
var forTests = []string{"internal/gradcheck", "internal/golden", "internal/allocs", "presets", "data"}

// TestHouse holds every import of the module against the map above.
func TestHouse(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		pkg := filepath.ToSlash(filepath.Dir(path))
		seen[pkg] = true
		may, known := allowed[pkg]
		if !known {
			t.Errorf("%s is in no room of the house: add %s to the map or move it", path, pkg)
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imp := range file.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			ours, ok := strings.CutPrefix(name, "layercake/")
			if !ok || ours == pkg || slices.Contains(may, ours) {
				continue
			}
			if strings.HasSuffix(path, "_test.go") && slices.Contains(forTests, ours) {
				continue
			}
			t.Errorf("%s imports %s; %s may import %v", path, ours, pkg, may)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range allowed {
		if !seen[pkg] {
			t.Errorf("the map names %s, which has no files", pkg)
		}
	}
}

// TestMaps: the files that package comments speak of are there.
func TestMaps(t *testing.T) {
	name := regexp.MustCompile(`\b[a-z0-9_]+\.(go|s)\b`)
	for pkg := range allowed {
		text, err := os.ReadFile(filepath.Join(pkg, "doc.go"))
		if err != nil {
			continue // said elsewhere, in a line or two
		}
		for _, file := range name.FindAllString(string(text), -1) {
			if _, err := os.Stat(filepath.Join(pkg, file)); err != nil {
				t.Errorf("%s/doc.go speaks of %s: %v", pkg, file, err)
			}
		}
	}
}
