package cli

import (
	"embed"
	"fmt"
	"strconv"

	"layercake/compute"
	"layercake/layers"
	"layercake/model"
	"layercake/presets"
)

// workload is a network with a training section, and a name that scripts and
// tables know it by.
type workload struct {
	name string
	spec func() (*model.Spec, error)
}

// The workloads' sizes are promises: other engines are measured on the same.
var trainWorkloads = []workload{
	{"mlp", fitted("mlp", compute.Shape{1, 28, 28}, 10, sgd(64, 0.01))},
	{"lenet5", fitted("lenet5", compute.Shape{1, 28, 28}, 10, sgd(64, 0.01))},
	{"resnet20", fitted("resnet20", compute.Shape{3, 32, 32}, 10, sgd(64, 0.1))},
	{"resnet18_64", fitted("resnet18", compute.Shape{3, 64, 64}, 10, sgd(16, 0.1))},
	{"char_lstm", file("char_lstm")},
	{"char_gru", file("char_gru")},
	{"minigpt", file("minigpt")},
	{"seq2seq", file("seq2seq")},
	{"embcls", file("embcls")},
}

var inferWorkloads = []workload{
	{"resnet50", fitted("resnet50", compute.Shape{3, 224, 224}, 1000, model.TrainSpec{Batch: 1})},
	{"mobilenet_v2", fitted("mobilenet_v2", compute.Shape{3, 224, 224}, 1000, model.TrainSpec{Batch: 1})},
}

//go:embed workloads/*.yaml
var workloadFiles embed.FS

// file is a network that is no preset, with its training section.
func file(name string) func() (*model.Spec, error) {
	return func() (*model.Spec, error) {
		text, err := workloadFiles.ReadFile("workloads/" + name + ".yaml")
		if err != nil {
			return nil, err
		}
		return model.Parse(name+".yaml", text)
	}
}

// fitted is a preset with another input, number of classes and training.
func fitted(preset string, input compute.Shape, classes int, section model.TrainSpec) func() (*model.Spec, error) {
	return func() (*model.Spec, error) {
		spec, err := presets.Spec(preset)
		if err != nil {
			return nil, err
		}
		adapted, why := model.Adapt(spec, []model.Input{{Shape: input}}, classes)
		if adapted == nil {
			return nil, fmt.Errorf("%s: %s", preset, why)
		}
		out := *adapted
		out.Train = section
		return &out, nil
	}
}

func sgd(batch int, lr float64) model.TrainSpec {
	number := func(x float64) layers.Value { return layers.Value{strconv.FormatFloat(x, 'g', -1, 64)} }
	return model.TrainSpec{Batch: batch, Optimizer: model.Named{Kind: "sgd", Settings: []model.Setting{
		{Key: "lr", Value: number(lr)}, {Key: "momentum", Value: number(0.9)},
	}}}
}

// graph is the workload's network, resolved.
func (w workload) graph(o benchOptions) (*model.Graph, error) {
	spec, err := w.spec()
	if err != nil {
		return nil, fmt.Errorf("workload %s: %w", w.name, err)
	}
	section := spec.Train
	section.Recompute = o.recompute
	g := model.Resolve(model.SetTrain(spec, section))
	if g.Err != nil {
		return nil, fmt.Errorf("workload %s: %w", w.name, g.Err)
	}
	return g, nil
}
