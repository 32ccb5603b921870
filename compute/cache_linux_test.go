package compute

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSysCaches(t *testing.T) {
	dir := t.TempDir()
	write := func(index, level, kind, size string) {
		t.Helper()
		at := filepath.Join(dir, index)
		if err := os.Mkdir(at, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"level": level, "type": kind, "size": size} {
			if err := os.WriteFile(filepath.Join(at, name), []byte(text+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := sysCaches(dir); got != (caches{}) {
		t.Errorf("an empty folder has %v", got)
	}
	write("index0", "1", "Instruction", "128K")
	write("index1", "1", "Data", "48K")
	write("index2", "2", "Unified", "1280K")
	write("index3", "3", "Unified", "sixteen")
	if got, want := sysCaches(dir), (caches{48 << 10, 1280 << 10, 0}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestCachesAgree: processor and system, where both speak, say the same.
func TestCachesAgree(t *testing.T) {
	c, s := processorCaches(), systemCaches()
	if c.l1 == 0 || s.l1 == 0 {
		t.Skipf("only one of them says it: %v, %v", c, s)
	}
	if c.l1 != s.l1 || c.l2 != s.l2 {
		t.Errorf("the processor says %v, the system %v", c, s)
	}
}
