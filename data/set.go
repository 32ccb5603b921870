package data

import (
	"context"
	"fmt"

	"layercake/compute"
)

// Set is a data set with its two splits.
type Set struct {
	Name   string  // "mnist"
	Title  string  // "MNIST handwritten digits"
	Path   string  // of the file or folder it was read from, as given to Open; "" for named sets
	Inputs []Input // what one sample feeds in; one for most sets

	// Classes are names by class index; nil where numbers are predicted. Of text
	// they are its tokens.
	Classes []string
	Targets int // numbers to predict where Classes is nil

	Train, Test Split

	// Mean and Std are of the training split, per channel of an image in
	// pixels 0..1, per column of a table; of drawn images they are those of the
	// first thousand. Std is 1 where nothing varies.
	Mean, Std []float32

	// Columns names a table's inputs; nil for images.
	Columns []string
	// Analogies are token ids a, b, c, d of the first input with a is to b as c
	// is to d; nil where none are known.
	Analogies [][4]int
	// Notes are for the user's eye: files that are not there, how rows were
	// split. One sentence each.
	Notes []string
}

// Input is one thing that a sample feeds in.
type Input struct {
	Name  string        // "source"; "input" where there is one
	Shape compute.Shape // users' order: C×H×W, T×F, F, or T of token ids
	// Tokens > 0 says that the numbers are token ids below it.
	Tokens int
	Words  []string // what the tokens mean, by id; nil where nobody knows
	// Padded says that samples have lengths of their own: Samples.Lens.
	Padded bool
}

// Input is the shape of the first input.
func (s *Set) Input() compute.Shape { return s.Inputs[0].Shape }

// oneInput is what most sets feed in.
func oneInput(shape ...int) []Input { return []Input{{Name: "input", Shape: shape}} }

// Split is the training or the test part of a Set. All methods may be called
// from several goroutines at once.
type Split interface {
	Len() int
	// Sizes is what one sample takes in Fill's slices.
	Sizes() Sizes
	// Fill writes the samples idx, one after the other. It does not allocate, once
	// they have been asked for before.
	Fill(idx []int, to Samples)
	// Image is sample i as pixels 0..1, [H, W, C]; nil where samples are no images.
	Image(i int) []float32
	// Label is the class of sample i, −1 where there is none.
	Label(i int) int
}

// Sizes counts the elements of one sample.
type Sizes struct {
	X       []compute.Shape // of the inputs, users' order
	Padded  []bool          // of the inputs: Samples.Lens are given; nil: none are
	Labels  int             // class labels: 1 for one class a sample, one a step of a text, 0 for none
	Targets int             // numbers to predict
	// Follows says that sample i+1 goes on where sample i stops, as pieces of one
	// text do: state may be carried from one to the next.
	Follows bool
}

// Samples is where a Split writes. A nil slice is left out; the others hold as
// many samples as are asked for.
type Samples struct {
	// Epoch goes into what a split draws anew in every epoch, together with its
	// seed and the sample's index and nothing else.
	Epoch int
	// X are the inputs, normalized, in the memory layout [n, H, W, C], [n, T, F], [n, F]
	// or [n, T] of ids.
	X [][]float32
	// Lens are the used steps of each sample of a padded input, [n]; nil beside
	// inputs that are not padded.
	Lens [][]int32
	// Labels are classes, −1 where unknown or padding: [n · Sizes.Labels].
	Labels []int32
	// Targets are numbers: [n · Sizes.Targets].
	Targets []float32
}

// first is the room for the first input, nil where it is left out.
func (s Samples) first() []float32 {
	if len(s.X) == 0 {
		return nil
	}
	return s.X[0]
}

// Called is what messages call the set: by its path as the user wrote it, or by its name.
func (s *Set) Called() string { return Options{path: s.Path}.called(s.Name) }

// Options say how a set is opened. The zero value takes every default.
type Options struct {
	Dir string // where the files of named sets lie; "" is the working directory
	// Seed draws the drawn sets, splits tables without a test file, and chooses
	// samples where fewer are wanted than there are.
	Seed        uint64
	Train, Test int // number of samples; 0 takes the set's own
	// Length is how long the sequences should be, for texts and tasks of any
	// length; 0 takes the set's own.
	Length int
	All    bool   // of a list of names: keep none back for testing, test on all
	Target string // column of a CSV to predict, by name or by number from 1; "" takes the last
	// Progress, where given, is called now and then, from one goroutine at a
	// time, with done <= total. The unit is the set's own.
	Progress func(done, total int)

	path string // given to Open, "" for named sets
}

// called is what messages call the set: the path that was given, else its name.
func (o Options) called(name string) string {
	if o.path != "" {
		return o.path
	}
	return name
}

// report calls Progress where there is one.
func (o Options) report(done, total int) {
	if o.Progress != nil {
		o.Progress(done, total)
	}
}

// fits refuses a set whose samples, each of so many bytes, this machine has no
// memory for. Nothing has been allocated then.
func (s *Set) fits(train, test, each int) error {
	what := fmt.Sprintf("%s training and %s test samples", thousands(train), thousands(test))
	return enough(s.Name, what, (float64(train)+float64(test))*float64(each), roomForData())
}

// roomForData is how many bytes a set may take: half of this machine's memory.
func roomForData() int64 { return compute.MachineMemory() / 2 }

// enough refuses what needs more bytes than there are for data.
func enough(name, what string, need float64, room int64) error {
	if need <= float64(room) {
		return nil
	}
	return fmt.Errorf("%s: %s need about %s of memory, and half of this machine's, %s, is for data: take fewer samples",
		name, what, gigabytes(need), gigabytes(float64(room)))
}

// gigabytes writes a number of bytes for a sentence: 7.9 GB.
func gigabytes(n float64) string { return fmt.Sprintf("%.1f GB", n/1e9) }

// check refuses sizes that no set can have.
func (o Options) check() error {
	if o.Train < 0 || o.Test < 0 {
		return fmt.Errorf("got %d training and %d test samples, wants positive numbers, or 0 for the set's own", o.Train, o.Test)
	}
	return nil
}

// Open makes the set of that name in Catalog, or reads the file or folder at
// that path: a CSV file, a folder with IDX files, with CIFAR-10 batches, or
// with a pair NAME_train.csv and NAME_test.csv. What cannot be read is refused
// by name, with what was found and what was wanted.
func Open(ctx context.Context, name string, o Options) (*Set, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("data %s: %w", name, err)
	}
	set, err := openAny(ctx, name, o)
	if err != nil {
		return nil, err
	}
	for _, k := range []struct {
		what       string
		have, want int
	}{{"training", set.Train.Len(), o.Train}, {"test", set.Test.Len(), o.Test}} {
		if k.have < k.want {
			set.Notes = append(set.Notes, fmt.Sprintf("%s %s samples were asked for, and all %s are taken", thousands(k.want), k.what, thousands(k.have)))
		}
	}
	return set, nil
}

func openAny(ctx context.Context, name string, o Options) (*Set, error) {
	for _, e := range Catalog {
		if e.Name == name && e.open != nil {
			return e.open(ctx, o)
		}
	}
	o.path = name
	set, err := openPath(ctx, name, o)
	if err != nil {
		return nil, err
	}
	set.Path = name
	return set, nil
}
