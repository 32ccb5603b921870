package data

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"layercake/compute"
)

// The IDX format of LeCun's MNIST pages: big-endian 32-bit numbers, first the
// magic (0x0800 for bytes, plus the number of axes), then the length of every
// axis, then the bytes.
const (
	idxLabels = 0x0801
	idxImages = 0x0803
)

// What a header may ask for: far above any set made of bytes, and small
// enough that products do not overflow.
const (
	maxSide    = 1 << 12
	maxSamples = 1 << 26
	maxBytes   = 1 << 33
)

// readIDX reads one file of images [n, h, w] or labels [n], gzip or plain.
func readIDX(name string, r io.Reader, magic uint32) (axes []int, content []byte, err error) {
	r, packed, err := inflate(name, r)
	if err != nil {
		return nil, nil, err
	}
	rank := int(magic & 0xff)
	head := make([]byte, 4+4*rank)
	n, err := io.ReadFull(r, head)
	if n >= 4 {
		if got := binary.BigEndian.Uint32(head); got != magic {
			return nil, nil, wrongMagic(name, got, magic)
		}
	}
	switch {
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, nil, fmt.Errorf("%s: ends after %d of the %d bytes of an IDX header: the file is cut; download it again", name, n, len(head))
	case err != nil && packed:
		return nil, nil, damaged(name, err)
	case err != nil:
		return nil, nil, fmt.Errorf("read %s: %w", name, err)
	}
	want := int64(1)
	for i := range rank {
		d := int64(binary.BigEndian.Uint32(head[4+4*i:]))
		limit := int64(maxSide)
		if i == 0 {
			limit = maxSamples
		}
		if d < 1 || d > limit {
			return nil, nil, fmt.Errorf("%s: header gives axis %d a length of %s, wants 1 to %s: the file is damaged; download it again",
				name, i+1, thousands(d), thousands(limit))
		}
		axes = append(axes, int(d))
		want *= d // at most 2²⁶·2¹²·2¹²
	}
	if want > maxBytes {
		return nil, nil, fmt.Errorf("%s: header promises %s bytes, wants at most %s: the file is damaged or too big for this program",
			name, thousands(want), thousands(int64(maxBytes)))
	}
	if err := enough(name, "its samples", float64(want), roomForData()); err != nil {
		return nil, nil, err
	}
	content, err = readAll(name, r, packed, int64(len(head)), want)
	return axes, content, err
}

func wrongMagic(name string, got, want uint32) error {
	kinds := map[uint32]string{idxLabels: "IDX labels", idxImages: "IDX images"}
	found := fmt.Sprintf("starts with the number %d", got)
	if k := kinds[got]; k != "" {
		found += " (" + k + ")"
	}
	return fmt.Errorf("%s: %s, wants %d (%s): this is another file under that name", name, found, want, kinds[want])
}

// idxNames are MNIST's official file names without .gz: images and labels of
// training, images and labels of test.
var idxNames = [4]string{
	"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
	"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
}

// findIDX looks in dir for the four files, with and without .gz, with a dash
// or a dot before idx. It returns their paths, or the names that are not there.
func findIDX(dir string) (paths, missing []string) {
	for _, name := range idxNames {
		dotted := strings.Replace(name, "-idx", ".idx", 1)
		at := ""
		for _, try := range []string{name, name + ".gz", dotted, dotted + ".gz"} {
			p := filepath.Join(dir, try)
			if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
				at = p
				break
			}
		}
		if at == "" {
			missing = append(missing, name+".gz")
			continue
		}
		paths = append(paths, at)
	}
	return paths, missing
}

// idxSet says what a set made of IDX files is called and must look like.
type idxSet struct {
	name, title string
	folders     []string // looked for inside Options.Dir, then Dir itself
	classes     []string // nil: as many numbers as the labels name
	input       compute.Shape
	// first are the official set's first training labels. Sets that share file
	// names are told apart by them.
	first []uint8
}

// mistaken is the known set whose files these labels are of, where it is not s.
func (s idxSet) mistaken(labels []uint8) (other string) {
	for _, k := range []idxSet{mnist, fashion} {
		if k.name != s.name && s.first != nil && len(labels) >= len(k.first) && slices.Equal(labels[:len(k.first)], k.first) {
			return k.name
		}
	}
	return ""
}

// open reads the set from o.Dir or a folder of its name inside.
func (s idxSet) open(ctx context.Context, o Options) (*Set, error) {
	var firstMissing []string
	for _, f := range append(slices.Clone(s.folders), ".") {
		dir := filepath.Join(o.Dir, f)
		paths, missing := findIDX(dir)
		if missing == nil {
			return s.read(ctx, o, paths)
		}
		if len(missing) < len(idxNames) && firstMissing == nil {
			firstMissing = []string{fmt.Sprintf("%s: has some files of %s but not %s: put it there",
				dir, s.title, strings.Join(missing, " and "))}
		}
	}
	if firstMissing != nil {
		return nil, errors.New(firstMissing[0])
	}
	return nil, fmt.Errorf("%s: %s wants the files %s there or in the folder %s: download them, or name their folder with --data-dir",
		filepath.Clean(o.Dir), s.name, strings.Join(idxNames[:], ", "), s.folders[0])
}

func (s idxSet) read(ctx context.Context, o Options, paths []string) (*Set, error) {
	src, err := newSources(ctx, o, paths)
	if err != nil {
		return nil, err
	}
	splits := [2]*images{}
	for i := range splits {
		sp, err := readIDXPair(src, paths[2*i], paths[2*i+1])
		if err != nil {
			return nil, err
		}
		splits[i] = sp
	}
	train, test := splits[0], splits[1]
	if train.h != test.h || train.w != test.w {
		return nil, fmt.Errorf("%s: images are %d×%d, those of %s are %d×%d: the files belong to different sets",
			filepath.Base(paths[2]), test.h, test.w, filepath.Base(paths[0]), train.h, train.w)
	}
	if s.input != nil && (train.h != s.input[1] || train.w != s.input[2]) {
		return nil, fmt.Errorf("%s: images are %d×%d, those of %s are %d×%d: this is another set; name its folder instead",
			filepath.Base(paths[0]), train.h, train.w, s.name, s.input[1], s.input[2])
	}
	if other := s.mistaken(train.labels); other != "" {
		return nil, fmt.Errorf("%s: holds the labels of %s, wants those of %s: choose %s, or name the folder of %s with --data-dir",
			paths[1], other, s.name, other, s.name)
	}
	classes := s.classes
	if classes == nil {
		for k := range int(slices.Max(train.labels)) + 1 {
			classes = append(classes, strconv.Itoa(k))
		}
	}
	for i, sp := range splits {
		if k := slices.IndexFunc(sp.labels, func(l uint8) bool { return int(l) >= len(classes) }); k >= 0 {
			return nil, fmt.Errorf("%s: label %s is %d, wants 0 to %d: the file is damaged or of another set",
				filepath.Base(paths[2*i+1]), thousands(k+1), sp.labels[k], len(classes)-1)
		}
	}
	set := &Set{Name: s.name, Title: s.title, Classes: classes}
	if err := set.setImages(train, test, o); err != nil {
		return nil, err
	}
	return set, nil
}

func readIDXPair(src *sources, imagePath, labelPath string) (*images, error) {
	var s images
	var n int
	err := src.read(imagePath, func(name string, r io.Reader, _ int64) error {
		axes, content, err := readIDX(name, r, idxImages)
		if err == nil {
			n, s.h, s.w, s.c, s.pix = axes[0], axes[1], axes[2], 1, content
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = src.read(labelPath, func(name string, r io.Reader, _ int64) error {
		_, content, err := readIDX(name, r, idxLabels)
		s.labels = content
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(s.labels) != n {
		return nil, fmt.Errorf("%s: has %s labels for the %s images of %s: the files do not belong together",
			filepath.Base(labelPath), thousands(len(s.labels)), thousands(n), filepath.Base(imagePath))
	}
	return &s, nil
}

// setImages makes train and test the set's splits, cut to the sizes asked for.
func (s *Set) setImages(train, test *images, o Options) error {
	for _, part := range []struct {
		what string
		sp   *images
		n    int
		key  uint64
	}{{"training", train, o.Train, keyTrain}, {"test", test, o.Test, keyTest}} {
		if part.n > part.sp.Len() {
			return fmt.Errorf("%s: has %s %s samples, %s were asked for: ask for fewer",
				o.called(s.Name), thousands(part.sp.Len()), part.what, thousands(part.n))
		}
		part.sp.first(part.n, o.Seed, part.key)
	}
	s.Inputs = oneInput(train.c, train.h, train.w)
	s.Mean, s.Std = normalize(train, test, train.pix)
	s.Train, s.Test = train, test
	return nil
}
