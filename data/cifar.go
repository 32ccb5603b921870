package data

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A record of the CIFAR-10 binary version (Krizhevsky, Learning multiple layers
// of features from tiny images, 2009): one byte of label, then 32×32 bytes of
// red, of green and of blue, row by row.
const (
	cifarSide   = 32
	cifarPlane  = cifarSide * cifarSide
	cifarRecord = 1 + 3*cifarPlane
	cifarBatch  = 10000 // records in an official file
)

var cifarClasses = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

// cifarTrain are the training batches' names; the test batch is test_batch.bin.
var cifarTrain = [5]string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"}

const cifarTest = "test_batch.bin"

// readCIFAR appends one batch to s. size is the file's length.
func (s *images) readCIFAR(name string, r io.Reader, size int64) error {
	if size == 0 || size%cifarRecord != 0 {
		return fmt.Errorf("%s: is %s bytes long, wants a multiple of %s (one record) and not 0: the file is cut or no CIFAR-10 batch; download it again",
			name, thousands(size), thousands(cifarRecord))
	}
	if size > maxBytes {
		return fmt.Errorf("%s: is %s bytes long, wants at most %s: this is no CIFAR-10 batch", name, thousands(size), thousands(int64(maxBytes)))
	}
	b, err := readAll(name, r, false, 0, size)
	if err != nil {
		return err
	}
	n := len(b) / cifarRecord
	s.labels = slices.Grow(s.labels, n)
	s.pix = slices.Grow(s.pix, n*3*cifarPlane)
	for i := range n {
		rec := b[i*cifarRecord : (i+1)*cifarRecord]
		if int(rec[0]) >= len(cifarClasses) {
			return fmt.Errorf("%s: record %s (byte %s) has label %d, wants 0 to 9: the file is damaged or no CIFAR-10 batch",
				name, thousands(i+1), thousands(i*cifarRecord), rec[0])
		}
		s.labels = append(s.labels, rec[0])
		red, green, blue := rec[1:1+cifarPlane], rec[1+cifarPlane:1+2*cifarPlane], rec[1+2*cifarPlane:]
		for p := range cifarPlane {
			s.pix = append(s.pix, red[p], green[p], blue[p])
		}
	}
	return nil
}

// findCIFAR lists the training batches in dir, in order, and says whether the
// test batch is there.
func findCIFAR(dir string) (train []string, test bool) {
	is := func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err == nil && info.Mode().IsRegular()
	}
	for _, name := range cifarTrain {
		if is(name) {
			train = append(train, name)
		}
	}
	return train, is(cifarTest)
}

// openCIFAR reads CIFAR-10 from o.Dir or one of the folders it usually has.
func openCIFAR(ctx context.Context, o Options) (*Set, error) {
	for _, f := range []string{"cifar-10-batches-bin", "cifar10", "cifar-10", "."} {
		dir := filepath.Join(o.Dir, f)
		train, test := findCIFAR(dir)
		switch {
		case len(train) > 0 && test:
			return readCIFARFolder(ctx, o, dir, train)
		case test:
			return nil, fmt.Errorf("%s: has %s but none of data_batch_1.bin to data_batch_5.bin: put at least one there", dir, cifarTest)
		case len(train) > 0:
			return nil, fmt.Errorf("%s: has %s but no %s: put it there", dir, strings.Join(train, ", "), cifarTest)
		}
	}
	return nil, fmt.Errorf("%s: cifar10 wants data_batch_1.bin to data_batch_5.bin and test_batch.bin there or in the folder cifar-10-batches-bin: download CIFAR-10's binary version, or name its folder with --data-dir",
		filepath.Clean(o.Dir))
}

func readCIFARFolder(ctx context.Context, o Options, dir string, names []string) (*Set, error) {
	var paths []string
	for _, n := range append(slices.Clone(names), cifarTest) {
		paths = append(paths, filepath.Join(dir, n))
	}
	src, err := newSources(ctx, o, paths)
	if err != nil {
		return nil, err
	}
	train := &images{h: cifarSide, w: cifarSide, c: 3}
	test := &images{h: cifarSide, w: cifarSide, c: 3}
	for i, p := range paths {
		into := train
		if i == len(names) {
			into = test
		}
		if err := src.read(p, into.readCIFAR); err != nil {
			return nil, err
		}
	}
	set := &Set{Name: "cifar10", Title: "CIFAR-10 photographs", Classes: cifarClasses}
	if len(names) < len(cifarTrain) {
		var missing []string
		for _, n := range cifarTrain {
			if !slices.Contains(names, n) {
				missing = append(missing, n)
			}
		}
		set.Notes = append(set.Notes, fmt.Sprintf("%s not there: training on %s images of the full set's %s",
			strings.Join(missing, ", "), thousands(train.Len()), thousands(len(cifarTrain)*cifarBatch)))
	}
	if err := set.setImages(train, test, o); err != nil {
		return nil, err
	}
	return set, nil
}
