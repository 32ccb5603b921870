package data

import (
	"context"
	"fmt"

	"layercake/compute"
)

// Set is a data set with its two splits.
type Set struct {
	Name  string        // "mnist"
	Title string        // "MNIST handwritten digits"
	Input compute.Shape // of one sample, in users' order: C×H×W or F
	// Tokens > 0 says that the numbers of Input are token ids below it.
	Tokens int
	// More are the inputs after the first, where a sample has several.
	More []Input

	Classes []string // names by class index; nil where numbers are predicted
	Targets int      // numbers to predict where Classes is nil

	Train, Test Split

	// Mean and Std are of the training split, per channel of an image in
	// pixels 0..1, per column of a table. Std is 1 where nothing varies.
	Mean, Std []float32

	// Columns names a table's inputs; nil for images.
	Columns []string
	// Notes are for the user's eye: files that are not there, how rows were
	// split. One sentence each.
	Notes []string
}

// Input is one of several things that a sample feeds in.
type Input struct {
	Name   string
	Shape  compute.Shape
	Tokens int // as Set.Tokens
}

// Split is the training or the test part of a Set. All methods may be called
// from several goroutines at once.
type Split interface {
	Len() int
	// Sizes is what one sample takes in Fill's slices.
	Sizes() Sizes
	// Fill writes the samples idx, normalized, one after the other: to x in the
	// memory layout [n, H, W, C] or [n, F], the further inputs of a sample behind
	// its first; their classes to labels, −1 where unknown; their numbers to targets. A nil slice is left out; the others
	// hold at least len(idx) samples. It does not allocate.
	Fill(idx []int, x []float32, labels []int32, targets []float32)
	// Image is sample i as pixels 0..1, [H, W, C]; nil where samples are no images.
	Image(i int) []float32
	// Label is the class of sample i, −1 where there is none.
	Label(i int) int
}

// Sizes counts the elements of one sample.
type Sizes struct {
	X       compute.Shape // of the first input, users' order
	More    int           // numbers of the further inputs together
	Labels  int           // class labels: 1 for one class a sample, 0 for none
	Targets int           // numbers to predict
}

// Row is how many numbers a sample feeds in: its stride in Fill's x.
func (s Sizes) Row() int { return s.X.Size() + s.More }

// Options say how a set is opened. The zero value takes every default.
type Options struct {
	Dir string // where the files of named sets lie; "" is the working directory
	// Seed draws the drawn sets, splits tables without a test file, and chooses
	// samples where fewer are wanted than there are.
	Seed        uint64
	Train, Test int    // number of samples; 0 takes the set's own
	Target      string // column of a CSV to predict, by name or by number from 1; "" takes the last
	// Progress, where given, is called now and then, from one goroutine at a
	// time, with done <= total. The unit is the set's own.
	Progress func(done, total int)
}

// report calls Progress where there is one.
func (o Options) report(done, total int) {
	if o.Progress != nil {
		o.Progress(done, total)
	}
}

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
	for _, e := range Catalog {
		if e.Name == name && e.open != nil {
			return e.open(ctx, o)
		}
	}
	return openPath(ctx, name, o)
}
