package train

import (
	"errors"
	"testing"

	"layercake/model"
	"layercake/presets"
)

// What is measured is a positive number for any network that trains, and a
// network that would take too long is left alone.
func TestMeasureSpeed(t *testing.T) {
	for name, text := range map[string]string{
		"images": cnn, "vectors": mlp, "two inputs": twoInputs,
		"numbers to predict": "input: [4]\nlayers:\n  - dense: {units: 1}\ntrain: {loss: mse}\n",
		"image to image":     "input: [1, 4, 4]\nlayers:\n  - conv2d: {filters: 2, kernel: 3, padding: same}\n",
		"tokens":             "input: {tokens: 9, length: 4}\nlayers:\n  - embedding: {tokens: 9, width: 3}\n  - dense: {units: 9}\n",
	} {
		t.Run(name, func(t *testing.T) {
			s, err := MeasureSpeed(graph(t, text, ""), 1)
			if err != nil {
				t.Fatal(err)
			}
			if !(s.MACs > 0) || s.Peak < 0 {
				t.Errorf("got %+v, want positive speeds", s)
			}
		})
	}
	spec, err := presets.Spec("resnet50")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := MeasureSpeed(model.Resolve(spec), 1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want %v", err, ErrTooLarge)
	}
}
