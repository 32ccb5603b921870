package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever a file or a folder is called, the terminal gets no control characters.
func TestNamesReachNoTerminalAsControls(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run\x1b[2J")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skip(err) // no such names on this system
	}
	log := `{"event":"start","network":"red\u001b[31m","data":"\u001b]0;x\u0007"}` + "\n" + `{"event":"epoch","epoch":1}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte(log), 0o644); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "net.yaml")
	if err := os.WriteFile(bad, []byte("layers: 3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
	}{{[]string{"runs", dir}, 0}, {[]string{"summary", bad}, 1}, {[]string{"train", "--resume", dir}, 1}} {
		status, out, errs := execute(t, c.args...)
		if status != c.status || !strings.Contains(out+errs, "run?[2J") || strings.ContainsAny(out+errs, "\x1b\a") {
			t.Errorf("%v: %d, %q, %q", c.args, status, out, errs)
		}
	}
}
