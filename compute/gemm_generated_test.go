package compute

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// TestGenerated: gemm_amd64.s is what its generator writes.
func TestGenerated(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("no go command to run the generator with: %v", err)
	}
	run := exec.Command(tool, "run", ".")
	run.Dir = "_asm"
	run.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOARCH=", "GOOS=")
	want, err := run.Output()
	if err != nil {
		t.Fatalf("go run in _asm: %v", err)
	}
	got, err := os.ReadFile("gemm_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("gemm_amd64.s differs from what _asm writes: in _asm, go run . > ../gemm_amd64.s")
	}
}
