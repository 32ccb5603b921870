package compute

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// TestGenerated: kernels are what their generators write.
func TestGenerated(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("no go command to run the generators with: %v", err)
	}
	for _, g := range []struct {
		file, dir string
		args      []string
	}{
		{"gemm_amd64.s", "_asm", nil},
		{"gemm_avx512_amd64.s", "_asm/avx512", nil},
		{"gemm_arm64.s", "_asm/neon", []string{"products"}},
		{"winograd_amd64.s", "_asm/winograd", nil},
		{"depthwise_amd64.s", "_asm/depthwise", nil},
		{"vec_arm64.s", "_asm/neon", []string{"sweeps"}},
	} {
		t.Run(g.file, func(t *testing.T) {
			run := exec.Command(tool, append([]string{"run", "."}, g.args...)...)
			run.Dir = g.dir
			run.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOARCH=", "GOOS=")
			want, err := run.Output()
			if err != nil {
				t.Fatalf("go run in %s: %v", g.dir, err)
			}
			got, err := os.ReadFile(g.file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs from what %s writes: in it, go run . %v > the file", g.file, g.dir, g.args)
			}
		})
	}
}
