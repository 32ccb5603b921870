package compute

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// generator runs the command in dir of the generators' tree and returns what it prints.
// They are modules of their own; one whose imports are not in the module cache skips
// the test, which never fetches anything itself.
func generator(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("no go command to run the generators with: %v", err)
	}
	run := func(args ...string) ([]byte, error) {
		cmd := exec.Command(tool, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "GOARCH=", "GOOS=")
		return cmd.Output()
	}
	if _, err := run("mod", "download"); err != nil {
		t.Skipf("%s needs modules that are not here (go mod download in it fetches them): %s", dir, stderr(err))
	}
	out, err := run(append([]string{"run", "."}, args...)...)
	if err != nil {
		t.Fatalf("go run in %s: %s", dir, stderr(err))
	}
	return out
}

// stderr is what a command that failed had to say.
func stderr(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return err.Error() + "\n" + string(exit.Stderr)
	}
	return err.Error()
}

func sameAsGenerated(t *testing.T, file, dir string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what %s writes: run it again", file, dir)
	}
}

// TestGenerated: kernels are what their generators write.
func TestGenerated(t *testing.T) {
	for _, g := range []struct {
		file, dir string
		args      []string
	}{
		{"gemm_amd64.s", "_asm", nil},
		{"gemm_avx512_amd64.s", "_asm/avx512", nil},
		{"gemm_arm64.s", "_asm/neon", []string{"products"}},
		{"depthwise_arm64.s", "_asm/neon", []string{"depthwise"}},
		{"winograd_arm64.s", "_asm/neon", []string{"winograd"}},
		{"winograd_amd64.s", "_asm/winograd", nil},
		{"depthwise_amd64.s", "_asm/depthwise", nil},
		{"vec_arm64.s", "_asm/neon", []string{"sweeps"}},
		{"vec_functions_arm64.s", "_asm/neon", []string{"functions"}},
	} {
		t.Run(g.file, func(t *testing.T) {
			sameAsGenerated(t, g.file, g.dir, generator(t, g.dir, g.args...))
		})
	}
	t.Run("vec_amd64.s", func(t *testing.T) {
		// This one writes two files, and its command line into their first lines.
		const dir = "_asm/vec"
		out := t.TempDir()
		generator(t, dir, "-out", filepath.Join(out, "vec_amd64.s"), "-stubs", filepath.Join(out, "vec_stubs_amd64.go"), "-pkg", "compute")
		for _, file := range []string{"vec_amd64.s", "vec_stubs_amd64.go"} {
			want, err := os.ReadFile(filepath.Join(out, file))
			if err != nil {
				t.Fatal(err)
			}
			sameAsGenerated(t, file, dir, bytes.ReplaceAll(want, []byte(out), []byte("../..")))
		}
	})
}
