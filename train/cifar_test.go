package train_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"layercake/data"
	"layercake/model"
	"layercake/presets"
	"layercake/train"
)

// writeCIFAR writes samples of a split of 3×32×32 images as a CIFAR-10 binary
// batch: a label, then the red, the green and the blue plane.
func writeCIFAR(t *testing.T, path string, s data.Split, from, to int) {
	t.Helper()
	var b bytes.Buffer
	for i := from; i < to; i++ {
		b.WriteByte(byte(s.Label(i)))
		pixels := s.Image(i) // [H, W, C]
		for c := range 3 {
			for p := range 32 * 32 {
				b.WriteByte(byte(pixels[p*3+c]*255 + 0.5))
			}
		}
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestResNet20OnCIFARFiles trains resnet20 on CIFAR-10
// binaries of drawn images: the loss of the last steps is well below ln 10.
func TestResNet20OnCIFARFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a ResNet-20 for 120 steps")
	}
	drawn, err := data.Open(t.Context(), "shapes", data.Options{Seed: 1, Train: 1000, Test: 100})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i := range 5 {
		writeCIFAR(t, filepath.Join(dir, fmt.Sprintf("data_batch_%d.bin", i+1)), drawn.Train, 200*i, 200*(i+1))
	}
	writeCIFAR(t, filepath.Join(dir, "test_batch.bin"), drawn.Test, 0, 100)
	set, err := data.Open(t.Context(), "cifar10", data.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if set.Train.Len() != 1000 || set.Test.Len() != 100 {
		t.Fatalf("read %d and %d samples", set.Train.Len(), set.Test.Len())
	}
	spec, err := presets.Spec("resnet20")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := train.FromSpec(model.Resolve(spec), set, train.Overrides{Batch: 32, Steps: 120, LR: 0.02})
	if err != nil {
		t.Fatal(err)
	}
	cfg.StepEvents = 40
	var losses []float64
	cfg.Events = func(e train.Event) {
		if s, ok := e.(train.EventStep); ok {
			losses = append(losses, float64(s.Loss))
		}
	}
	r, err := train.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("mean loss of each 40 steps: %.3f", losses)
	if n := len(losses); n < 3 || losses[n-1] > 0.9*losses[0] {
		t.Errorf("the loss goes %.3f, wants a fall", losses)
	}
}
