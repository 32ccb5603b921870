package train

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"layercake/compute"
	"layercake/data"
	"layercake/model"
)

// TestManyClassWeights reads a weight for each of 1000 classes from a file and
// holds the loss to its definition, Σ w·loss / Σ w.
func TestManyClassWeights(t *testing.T) {
	const classes = 1000
	var list []string
	for c := range classes {
		list = append(list, fmt.Sprint(float64(c%7)/2))
	}
	text := "input: [2]\nlayers: [dense: {units: 1000}]\ntrain:\n  loss: {cross_entropy: {weights: [" + strings.Join(list, ", ") + "]}}\n"
	s, err := model.Parse("many.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := model.Parse("many.yaml", s.YAML()); err != nil || !again.Equal(s) {
		t.Fatalf("written and read again it is another: %v", err)
	}
	loss, err := NewLoss("many.yaml", s.Train.Loss)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 3
	labels := []int32{999, 3, 500}
	x := make([]float32, rows*classes)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	sum, count := 0.0, 0.0
	for r, label := range labels {
		total := 0.0
		for _, v := range x[r*classes:][:classes] {
			total += math.Exp(float64(v))
		}
		w := float64(label%7) / 2
		sum, count = sum+w*(math.Log(total)-float64(x[r*classes+int(label)])), count+w
	}
	score := loss.Eval(nil, compute.Tensor{Shape: compute.Shape{classes}, Data: x}, &data.Batch{N: rows, Labels: labels}, make([]float32, len(x)))
	if got, want := score.Loss(), sum/count; math.Abs(got-want) > 1e-5*want {
		t.Errorf("the loss is %v, want %v", got, want)
	}
}
