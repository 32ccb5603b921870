package data

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"layercake/compute"
)

// Entry is one row of the catalog.
type Entry struct {
	Name, Title string
	Input       compute.Shape // of a sample; nil where the file decides
	Tokens      int           // what Input are ids of; 0: numbers
	Second      compute.Shape // a sample's other input, of token ids too; nil for most
	Classes     int           // 0 where the file decides, or numbers are predicted
	Targets     int           // numbers to predict; 0 for classes
	PerStep     bool          // a class for each step, not one for the sample
	Train, Test int           // samples by default, with the seed 1; 0 where the file decides
	Cut         bool          // pieces of a text, of any length: Train and Test go with Input's
	Needs       string        // the files it is read from; "" is embedded
	Summary     string

	open func(ctx context.Context, o Options) (*Set, error) // nil: opened by path
}

// Catalog is every data set there is, the default first.
var Catalog = []Entry{
	{
		Name: "digits", Title: "drawn digits", Input: compute.Shape{1, 28, 28}, Classes: 10, Train: digitsTrain, Test: digitsTest,
		Summary: "printed digits drawn at random: turned, sheared, thick or thin, on clutter; test digits from faces never trained on",
		open:    openDigits,
	},
	{
		Name: "shapes", Title: "drawn shapes and textures", Input: compute.Shape{3, 32, 32}, Classes: 10, Train: shapesTrain, Test: shapesTest,
		Summary: "six shapes and four textures in any colour, size and turn, with distractors and noise",
		open:    openShapes,
	},
	{
		Name: "mnist", Title: mnist.title, Input: mnist.input, Classes: 10, Train: 60000, Test: 10000,
		Needs:   "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each plain or .gz",
		Summary: "handwritten digits: LeCun, Cortes and Burges, 1998",
		open:    mnist.open,
	},
	{
		Name: "fashion-mnist", Title: fashion.title, Input: fashion.input, Classes: 10, Train: 60000, Test: 10000,
		Needs:   "the four files named as MNIST's, in the folder fashion-mnist or by themselves",
		Summary: "photographs of clothes: Xiao, Rasul and Vollgraf, 2017",
		open:    fashion.open,
	},
	{
		Name: "cifar10", Title: "CIFAR-10 photographs", Input: compute.Shape{3, 32, 32}, Classes: 10, Train: 50000, Test: 10000,
		Needs:   "data_batch_1.bin to data_batch_5.bin and test_batch.bin (binary version)",
		Summary: "small colour photographs of animals and vehicles: Krizhevsky, 2009",
		open:    openCIFAR,
	},
	{
		Name: "names", Title: "names of a made-up tongue", Input: compute.Shape{3}, Tokens: 18, Classes: 18, Train: 29221, Test: 3239,
		Summary: "4000 made-up names: from a few letters tell the next",
		open:    openNames,
	},
	{
		Name: "tales", Title: "sentences of a small grammar", Input: compute.Shape{textLength}, Tokens: 28, Classes: 28, PerStep: true, Train: 8237, Test: 915, Cut: true,
		Summary: "a text by character: kings and witches, each sentence in its own words",
		open:    openTales,
	},
	{
		Name: "words", Title: "words and their company", Input: compute.Shape{1}, Tokens: 107, Second: compute.Shape{8}, Targets: 8, Train: 50000, Test: 2000,
		Summary: "a word of the tales and eight others, one of which stood near it: for word vectors",
		open:    openWords,
	},
	{
		Name: "dates", Title: "dates in words to ISO", Input: compute.Shape{dateSource}, Tokens: 42, Second: compute.Shape{10}, Classes: 12, PerStep: true, Train: 20000, Test: 2000,
		Summary: "sequence to sequence: 14th of march 1987 becomes 1987-03-14",
		open:    openDates,
	},
	{
		Name: "reverse", Title: "reverse a row of digits", Input: compute.Shape{8}, Tokens: 10, Classes: 10, PerStep: true, Train: taskTrain, Test: taskTest,
		Summary: "eight digits, to be told from the last to the first",
		open:    openReverse,
	},
	{
		Name: "sort", Title: "sort a row of digits", Input: compute.Shape{8}, Tokens: 10, Classes: 10, PerStep: true, Train: taskTrain, Test: taskTest,
		Summary: "eight digits, to be told in order",
		open:    openSort,
	},
	{
		Name: "copy", Title: "the copy memory problem", Input: compute.Shape{30 + 2*copyLetters}, Tokens: 10, Classes: 10, PerStep: true, Train: taskTrain, Test: taskTest,
		Summary: "ten letters to be kept in mind over a long blank: Hochreiter and Schmidhuber, 1997",
		open:    openCopy,
	},
	{
		Name: "adding", Title: "the adding problem", Input: compute.Shape{100, 2}, Targets: 1, Train: taskTrain, Test: taskTest,
		Summary: "the sum of the two marked numbers of a hundred: Hochreiter and Schmidhuber, 1997",
		open:    openAdding,
	},
	{
		Name: "parity", Title: "parity of a row of bits", Input: compute.Shape{16}, Tokens: 2, Classes: 2, Train: taskTrain, Test: taskTest,
		Summary: "up to sixteen bits: is the number of ones odd?",
		open:    openParity,
	},
	{
		Name: "dyck", Title: "well-formed brackets", Input: compute.Shape{24}, Tokens: 4, Classes: 2, Train: taskTrain, Test: taskTest,
		Summary: "brackets of two kinds: do they close in order?",
		open:    openDyck,
	},
	{
		Name: "sine", Title: "forecast a noisy sine", Input: compute.Shape{48, 1}, Targets: 8, Train: taskTrain, Test: taskTest,
		Summary: "the next eight values of a wave under noise",
		open:    openSine,
	},
	{
		Name: "PATH.txt", Title: "your own text",
		Needs:   "a text file; behind it #char, #byte, #bpe512 (byte pairs, so many tokens) or #lines (a list of names)",
		Summary: "each next token is to be told; the last tenth is for testing",
	},
	{
		Name: "PATH.csv", Title: "your own table",
		Needs:   "a CSV file with numbers and one target column, or a folder with NAME_train.csv and NAME_test.csv",
		Summary: "text targets, and whole numbers of few values, are classes; other numbers are predicted as numbers",
	},
	{
		Name: "PATH/", Title: "your own images",
		Needs:   "a folder with files in MNIST's or CIFAR-10's binary format",
		Summary: "any number of classes and any size in MNIST's format",
	},
}

var mnist = idxSet{
	name: "mnist", title: "MNIST handwritten digits", folders: []string{"mnist", "MNIST", filepath.Join("MNIST", "raw")},
	classes: digitClasses, input: compute.Shape{1, 28, 28}, first: []uint8{5, 0, 4, 1, 9, 2, 1, 3, 1, 4},
}

var fashion = idxSet{
	name: "fashion-mnist", title: "Fashion-MNIST clothes", folders: []string{"fashion-mnist", "fashion", filepath.Join("FashionMNIST", "raw")},
	classes: []string{"t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"},
	input:   compute.Shape{1, 28, 28},
	first:   []uint8{9, 0, 0, 3, 0, 2, 7, 2, 5, 5},
}

var digitClasses = []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// openPath reads what lies at path.
func openPath(ctx context.Context, path string, o Options) (*Set, error) {
	path, how, cut := strings.Cut(path, "#")
	info, err := os.Stat(path)
	if err != nil {
		if !strings.ContainsAny(path, `/\.`) {
			var names []string
			for _, e := range Catalog {
				if e.open != nil {
					names = append(names, e.Name)
				}
			}
			return nil, fmt.Errorf("%s: is no data set and no file: choose %s, or give the path of a CSV file, a text or a folder", path, strings.Join(names, ", "))
		}
		return nil, wrongPath(path, err)
	}
	name := strings.TrimSuffix(filepath.Base(filepath.Clean(path)), ".gz")
	if !info.IsDir() {
		ext := strings.ToLower(filepath.Ext(name))
		if cut || ext == ".txt" {
			return openText(ctx, o, path, how)
		}
		if !slices.Contains([]string{".csv", ".tsv", ".data"}, ext) {
			return nil, fmt.Errorf("%s: is a file of a kind that is not read here: give a CSV file, a text (its name ends in .txt, or #char stands behind it), or the folder of MNIST's or CIFAR-10's files", path)
		}
		return openCSV(ctx, o, strings.TrimSuffix(name, filepath.Ext(name)), path)
	}
	if paths, missing := findIDX(path); missing == nil {
		return idxSet{name: name, title: name}.read(ctx, o, paths)
	} else if len(paths) > 0 {
		return nil, fmt.Errorf("%s: has no %s: put it there", path, strings.Join(missing, " and no "))
	}
	if train, test := findCIFAR(path); test || len(train) > 0 {
		o.Dir = path
		return openCIFAR(ctx, o)
	}
	train, test, err := csvPair(path)
	switch {
	case err != nil:
		return nil, err
	case train != "":
		return openCSV(ctx, o, name, train, test)
	}
	return nil, fmt.Errorf("%s: has nothing that is read here: wants MNIST's four files, CIFAR-10's .bin batches, or a pair NAME_train.csv and NAME_test.csv", path)
}
