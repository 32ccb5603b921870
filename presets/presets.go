// Package presets holds the networks that layercake brings along: network
// files like any other, embedded, and the table of them. It knows the file
// format through package model alone; nothing a preset does is out of a
// user's reach.
//
// Adding a preset is one file in files/ and one line in the table.
package presets

import (
	"embed"
	"fmt"

	"layercake/model"
)

//go:embed files/*.yaml
var files embed.FS

// Preset is one row of the table.
type Preset struct {
	Name string
	Task string // what it does with what: "classify 28×28 digits"
	// About says in a line why one would open it.
	About string
}

// Default is what opens when no network is named.
const Default = "resnet8"

const (
	digits = "classify 28×28 digits"
	images = "classify 32×32 colour images"
	photos = "classify 224×224 photographs"
	names  = "tell the next letter of a name"
	text   = "tell the next letter of a text"
	adding = "add two marked numbers of a hundred"
)

// In the order of the list: from the simplest up.
var table = []Preset{
	{"linear", digits, "one weighted sum a class, the yardstick for all others"},
	{"mlp", digits, "three dense layers, the network before convolutions"},
	{"lenet5", digits, "the first convolutional network in daily use"},
	{"resnet8", digits, "a small residual network that learns digits in seconds"},
	{"vit-tiny", digits, "a transformer that reads an image as a row of patches"},
	{"autoencoder", "draw 28×28 digits again", "puts an image through 32 numbers and draws it again"},
	{"vgg-small", images, "pairs of 3×3 convolutions and pooling, no skips"},
	{"resnet20", images, "20 layers in 9 residual blocks, 1×1 projections where the shape changes"},
	{"resnet20-a", images, "20 layers in 9 residual blocks, shortcuts without parameters"},
	{"plain20", images, "resnet20-a without its skips, to compare"},
	{"resnet56", images, "56 layers in 27 residual blocks, which train where plain56 does not"},
	{"plain56", images, "56 layers without skips, where gradients explode at first and vanish later"},
	{"mobilenet-cifar", images, "depthwise and pointwise convolutions in turn"},
	{"densenet-cifar", images, "every layer reads all layers before it"},
	{"inception-cifar", images, "windows of several sizes side by side"},
	{"resnet18", photos, "the small ResNet for photographs, 1000 classes"},
	{"resnet50", photos, "the ResNet that others are measured against, 1000 classes"},
	{"mobilenet_v2", photos, "depthwise convolutions for phones, 1000 classes"},
	{"names-bigram", names, "a table of which letter follows which"},
	{"names-mlp", names, "tells a name's next letter from the last three"},
	{"char-rnn", text, "writes on, letter by letter, with the simplest recurrence"},
	{"char-lstm", text, "writes on, letter by letter, with gates that keep what matters"},
	{"char-gru", text, "writes on, letter by letter, with three gates in place of four"},
	{"gpt-nano", text, "writes on, letter by letter, by attention alone"},
	{"nanogpt", text, "nanoGPT's recipe for a CPU, scores tied to the table of letters"},
	{"adding-rnn", adding, "adds two of a hundred numbers, which a plain recurrence cannot"},
	{"adding-lstm", adding, "adds two of a hundred numbers, which gates carry to the end"},
	{"adding-gru", adding, "adds two of a hundred numbers, as the lstm at three quarters of the cost"},
	{"reverse-transformer", "reverse a row of digits", "reverses digits by an attention map that one can read"},
	{"copy-transformer", "recall letters over a blank", "recalls ten letters over a long blank by looking back"},
	{"transformer-classifier", "tell well-formed brackets", "tells well-formed brackets by two encoder layers"},
	{"seq2seq-dates", "rewrite dates as ISO 8601", "rewrites dates, an encoder and a decoder with attention between"},
	{"word2vec", "learn word vectors", "word vectors by skip-gram with negative sampling"},
}

// List is the table, for reading.
func List() []Preset { return append([]Preset(nil), table...) }

// Text is the file of a preset, as it is embedded.
func (p Preset) Text() []byte {
	text, err := files.ReadFile("files/" + p.Name + ".yaml")
	if err != nil {
		panic("presets: " + err.Error()) // the table and the folder disagree: held by a test
	}
	return text
}

// Find looks a preset up by name.
func Find(name string) (Preset, bool) {
	for _, p := range table {
		if p.Name == name {
			return p, true
		}
	}
	return Preset{}, false
}

// Spec reads the preset called name.
func Spec(name string) (*model.Spec, error) {
	p, ok := Find(name)
	if !ok {
		var names []string
		for _, p := range table {
			names = append(names, p.Name)
		}
		return nil, fmt.Errorf("there is no preset %q%s", name, model.Suggest(name, names))
	}
	return model.Parse(p.Name+".yaml", p.Text())
}
