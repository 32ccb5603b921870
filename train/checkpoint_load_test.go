package train

import (
	"strings"
	"testing"

	"layercake/compute"
	"layercake/model"
)

// A program that a checkpoint is loaded into has the weights and statistics that
// the run ended with; a program of another network is refused, and so are other data.
func TestCheckpointLoad(t *testing.T) {
	set := blobSet(compute.Shape{3, 8, 8}, 60, 30)
	c := config(t, cnn, "train: {batch: 16, epochs: 1}", set)
	c.Dir = t.TempDir()
	mustRun(t, c)
	k, err := ReadCheckpoint(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	compile := func(g *model.Graph) *model.Program {
		p, err := model.Compile(g, model.Options{Batch: 1, Seed: 77})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := compile(k.Config.Graph)
	if err := k.Load(p); err != nil {
		t.Fatal(err)
	}
	var got [][]float32
	for _, r := range append(p.Params(), p.State()...) {
		got = append(got, r.Data)
	}
	sameBits(t, tensorsOf(t, c.Dir)[:len(got)], got)
	if err := k.Load(compile(graph(t, mlp, ""))); err == nil || !strings.Contains(err.Error(), "of another network") {
		t.Errorf("another network: %v", err)
	}
	if err := k.SameData(set); err != nil {
		t.Error(err)
	}
	if err := k.SameData(blobSet(compute.Shape{3, 8, 8}, 50, 30)); err == nil || !strings.Contains(err.Error(), "is of 60 training") {
		t.Errorf("other data: %v", err)
	}
}
