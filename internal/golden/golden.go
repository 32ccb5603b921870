// Package golden compares text with files that were looked at and kept. It is
// imported by tests only.
//
// A test's file is testdata/NAME.golden beside the test, NAME being the test's
// own with its slashes as dots. "go test ./... -update" writes the files anew;
// look at the difference before it is committed.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Equal fails t where got is not what its file holds, and shows the first line
// that differs.
func Equal(t *testing.T, got string) {
	t.Helper()
	path := filepath.Join("testdata", strings.ReplaceAll(t.Name(), "/", ".")+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run the test with -update to make it, and look at it", err)
	}
	if at, line, w, g := difference(string(text), got); at {
		t.Errorf("%s differs at line %d:\n want %q\n  got %q\nall of it:\n%s", path, line, w, g, got)
	}
}

// difference is the first line in which two texts differ.
func difference(want, got string) (differs bool, line int, w, g string) {
	if want == got {
		return false, 0, "", ""
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		w, g = "(end)", "(end)"
		if i < len(a) {
			w = a[i]
		}
		if i < len(b) {
			g = b[i]
		}
		if w != g {
			return true, i + 1, w, g
		}
	}
	return true, len(a), "", ""
}
