package data

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// idx is an IDX file with these axes and this content, true or not.
func idx(magic uint32, content []byte, axes ...uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, magic)
	for _, a := range axes {
		b = binary.BigEndian.AppendUint32(b, a)
	}
	return append(b, content...)
}

func packed(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

// folder writes files into a new folder.
func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// smallIDX is a set of 3 training and 2 test images of 2×2.
func smallIDX() map[string][]byte {
	return map[string][]byte{
		"train-images-idx3-ubyte":   idx(idxImages, []byte{0, 0, 0, 255, 10, 20, 30, 40, 1, 2, 3, 4}, 3, 2, 2),
		"train-labels.idx1-ubyte":   idx(idxLabels, []byte{0, 2, 1}, 3),
		"t10k-images-idx3-ubyte.gz": packed(idx(idxImages, []byte{9, 8, 7, 6, 5, 4, 3, 2}, 2, 2, 2)),
		"t10k-labels-idx1-ubyte":    packed(idx(idxLabels, []byte{2, 0}, 2)), // gzip without the name
	}
}

func TestReadIDX(t *testing.T) {
	s, err := Open(context.Background(), folder(t, smallIDX()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Input().String(); got != "1×2×2" || len(s.Classes) != 3 || s.Train.Len() != 3 || s.Test.Len() != 2 {
		t.Fatalf("got input %s, %d classes, %d and %d samples", got, len(s.Classes), s.Train.Len(), s.Test.Len())
	}
	if p := s.Test.Image(1); p[0] != 5.0/255 || p[3] != 2.0/255 || s.Test.Label(0) != 2 {
		t.Errorf("test image 1 is %v, label of 0 is %d", p, s.Test.Label(0))
	}
	x, labels := make([]float32, 8), make([]int32, 2)
	s.Train.Fill([]int{2, 0}, Samples{X: [][]float32{x}, Labels: labels})
	if want := (4.0/255 - s.Mean[0]) / s.Std[0]; diff(x[3], want) > 1e-6 || labels[0] != 1 || labels[1] != 0 {
		t.Errorf("got %v with labels %v, want pixel 3 to be %v", x, labels, want)
	}
}

func diff(a, b float32) float32 { return max(a-b, b-a) }

// cifarFile is n records with label and colours by record number.
func cifarFile(n int) []byte {
	var b []byte
	for i := range n {
		b = append(b, byte(i%10))
		for c := range 3 {
			b = append(b, bytes.Repeat([]byte{byte(10*i + c)}, cifarPlane)...)
		}
	}
	return b
}

func TestReadCIFAR(t *testing.T) {
	dir := folder(t, map[string][]byte{"data_batch_1.bin": cifarFile(4), "data_batch_3.bin": cifarFile(3), "test_batch.bin": cifarFile(2)})
	for _, open := range []struct {
		name string
		o    Options
	}{{"cifar10", Options{Dir: dir}}, {dir, Options{}}} {
		s, err := Open(context.Background(), open.name, open.o)
		if err != nil {
			t.Fatal(err)
		}
		if s.Input().String() != "3×32×32" || s.Train.Len() != 7 || s.Test.Len() != 2 || s.Classes[9] != "truck" {
			t.Fatalf("got input %s, %d and %d samples", s.Input(), s.Train.Len(), s.Test.Len())
		}
		p := s.Train.Image(6) // record 2 of batch 3
		if len(p) != 3072 || p[0] != 20.0/255 || p[1] != 21.0/255 || p[2] != 22.0/255 || p[3071] != 22.0/255 || s.Train.Label(6) != 2 {
			t.Errorf("pixel 0 is %v, label %d", p[:3], s.Train.Label(6))
		}
		if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "data_batch_2.bin") || strings.Contains(s.Notes[0], "data_batch_3.bin") {
			t.Errorf("missing batches are told as %q", s.Notes)
		}
	}
}

func TestRefusals(t *testing.T) {
	with := func(files map[string][]byte, name string, b []byte) map[string][]byte {
		if files[name] = b; b == nil {
			delete(files, name)
		}
		return files
	}
	images, labels := "train-images-idx3-ubyte", "train-labels.idx1-ubyte"
	twelve := make([]byte, 12)
	bad := packed(idx(idxImages, twelve, 3, 2, 2))
	bad[len(bad)-6] ^= 0xff // the checksum
	bytesOf := func(s string) []byte { return []byte(s) }
	for name, c := range map[string]struct {
		files map[string][]byte
		o     Options
		want  string
	}{
		"cut":                {with(smallIDX(), images, idx(idxImages, twelve[:5], 3, 2, 2)), Options{}, "train-images-idx3-ubyte: ends after 21 of 28 bytes: the file is cut; download it again"},
		"cut inside gzip":    {with(smallIDX(), images, packed(idx(idxImages, make([]byte, 1<<16), 3000, 28, 28))[:60]), Options{}, "train-images-idx3-ubyte: ends after "},
		"gzip checksum":      {with(smallIDX(), images, bad), Options{}, "train-images-idx3-ubyte: the gzip file is damaged"},
		"cut header":         {with(smallIDX(), images, idx(idxImages, nil, 3)), Options{}, "ends after 8 of the 16 bytes of an IDX header"},
		"empty":              {with(smallIDX(), images, []byte{}), Options{}, "ends after 0 of the 16 bytes"},
		"goes on":            {with(smallIDX(), images, idx(idxImages, append(twelve, 1), 3, 2, 2)), Options{}, "goes on after the 28 bytes"},
		"magic":              {with(smallIDX(), images, idx(idxLabels, twelve, 12)), Options{}, "train-images-idx3-ubyte: starts with the number 2049 (IDX labels), wants 2051 (IDX images)"},
		"axis of 0":          {with(smallIDX(), images, idx(idxImages, nil, 0, 2, 2)), Options{}, "axis 1 a length of 0, wants 1 to"},
		"huge":               {with(smallIDX(), images, idx(idxImages, nil, 1<<26, 1<<12, 1<<12)), Options{}, "promises 1,125,899,906,842,624 bytes, wants at most"},
		"counts":             {with(smallIDX(), labels, idx(idxLabels, []byte{1, 2}, 2)), Options{}, "train-labels.idx1-ubyte: has 2 labels for the 3 images of train-images-idx3-ubyte"},
		"test label":         {with(smallIDX(), "t10k-labels-idx1-ubyte", idx(idxLabels, []byte{1, 3}, 2)), Options{}, "t10k-labels-idx1-ubyte: label 2 is 3, wants 0 to 2"},
		"sizes":              {with(smallIDX(), "t10k-images-idx3-ubyte.gz", idx(idxImages, twelve[:6], 2, 3, 1)), Options{}, "images are 3×1, those of train-images-idx3-ubyte are 2×2"},
		"missing file":       {with(smallIDX(), labels, nil), Options{}, "has no train-labels-idx1-ubyte.gz"},
		"too many asked for": {smallIDX(), Options{Train: 4}, "has 3 training samples, 4 were asked for"},

		"cifar cut":      {map[string][]byte{"data_batch_1.bin": cifarFile(2)[:5000], "test_batch.bin": cifarFile(1)}, Options{}, "data_batch_1.bin: is 5,000 bytes long, wants a multiple of 3,073"},
		"cifar empty":    {map[string][]byte{"data_batch_1.bin": {}, "test_batch.bin": cifarFile(1)}, Options{}, "data_batch_1.bin: is 0 bytes long"},
		"cifar label":    {map[string][]byte{"data_batch_1.bin": append(cifarFile(1), append([]byte{10}, make([]byte, 3072)...)...), "test_batch.bin": cifarFile(1)}, Options{}, "data_batch_1.bin: record 2 (byte 3,073) has label 10, wants 0 to 9"},
		"cifar no test":  {map[string][]byte{"data_batch_1.bin": cifarFile(1)}, Options{}, "has data_batch_1.bin but no test_batch.bin"},
		"cifar no train": {map[string][]byte{"test_batch.bin": cifarFile(1)}, Options{}, "has test_batch.bin but none of data_batch_1.bin"},

		"csv text":         {map[string][]byte{"a.csv": bytesOf("w,h,kind\n1,2,a\n3,four,b\n5,6,a\n7,8,b\n9,1,a\n")}, Options{}, `a.csv:3: h: got text "four", wants a number`},
		"csv text, first":  {map[string][]byte{"a.csv": bytesOf("1,x,a\n3,4,b\n")}, Options{}, `a.csv:1: column 2: got text "x", wants a number`},
		"csv empty cell":   {map[string][]byte{"a.csv": bytesOf("w,h,kind\n1,,a\n")}, Options{}, "a.csv:2: h: is empty, wants a number"},
		"csv empty target": {map[string][]byte{"a.csv": bytesOf("w,kind\n1,a\n2,\n")}, Options{}, "a.csv:3: kind: is empty"},
		"csv nan":          {map[string][]byte{"a.csv": bytesOf("w,kind\n1,a\nnan,b\n")}, Options{}, `a.csv:3: w: got "nan", wants a finite number`},
		"csv overflow":     {map[string][]byte{"a.csv": bytesOf("w,kind\n1,a\n1e39,b\n")}, Options{}, `a.csv:3: w: got "1e39", wants a finite number`},
		"csv short row":    {map[string][]byte{"a.csv": bytesOf("w,h,kind\n1,2,a\n1,a\n")}, Options{}, "a.csv:3: has 2 columns, the first row has 3"},
		"csv quotes":       {map[string][]byte{"a.csv": bytesOf("w,kind\n1,\"a\n")}, Options{}, "mend the quotes"},
		"csv one column":   {map[string][]byte{"a.csv": bytesOf("1\n2\n")}, Options{}, "a.csv: has one column"},
		"csv header only":  {map[string][]byte{"a.csv": bytesOf("w,kind\n")}, Options{}, "a.csv: has no rows of data"},
		"csv nothing":      {map[string][]byte{"a.csv": {}}, Options{}, "a.csv: has no rows of data"},
		"csv few rows":     {map[string][]byte{"a.csv": bytesOf("1,a\n2,b\n")}, Options{}, "a.csv: has 2 rows, wants at least 5"},
		"csv one class":    {map[string][]byte{"a.csv": bytesOf("1,a\n2,a\n3,a\n4,a\n5,a\n")}, Options{}, "every row has the class a"},
		"csv target":       {map[string][]byte{"a.csv": bytesOf("w,h,kind\n1,2,a\n")}, Options{Target: "kin"}, `a.csv: has no column "kin": name one of w, h, kind, or its number from 1 to 3`},
		"csv mixed target": {map[string][]byte{"a.csv": bytesOf("w,y\n" + many(40) + "1,oops\n")}, Options{}, `a.csv:42: y: got text "oops" and 41 different values in 41 rows`},
		"csv test class":   {map[string][]byte{"x_train.csv": bytesOf("w,k\n1,a\n2,b\n"), "x_test.csv": bytesOf("w,k\n1,c\n")}, Options{}, `x_test.csv:2: k: the class "c" is not among the training rows`},
		"csv pair columns": {map[string][]byte{"x_train.csv": bytesOf("w,k\n1,a\n2,b\n"), "x_test.csv": bytesOf("v,k\n1,a\n")}, Options{}, `x_test.csv: input 1 is "v", in x_train.csv it is "w"`},
		"csv two pairs":    {map[string][]byte{"x_train.csv": {}, "x_test.csv": {}, "y_train.csv": {}, "y_test.csv": {}}, Options{}, "has more than one pair"},
		"empty folder":     {map[string][]byte{"notes.txt": {}}, Options{}, "has nothing that is read here"},
		"other file":       {map[string][]byte{"a.png": {}}, Options{}, "a.png: is a file of a kind that is not read here"},
	} {
		t.Run(name, func(t *testing.T) {
			path := folder(t, c.files)
			for _, single := range []string{"a.csv", "a.png"} {
				if c.files[single] != nil {
					path = filepath.Join(path, single)
				}
			}
			s, err := Open(context.Background(), path, c.o)
			if err == nil {
				t.Fatalf("was read: %+v", s)
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
			if s != nil {
				t.Error("a refused set came back")
			}
		})
	}
}

// many is rows of a table that predicts a number.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("1," + thousands(i) + ".5\n")
	}
	return b.String()
}

func TestRefusedNames(t *testing.T) {
	empty := t.TempDir()
	for name, want := range map[string]string{
		"mnst":            "mnst: is no data set and no file: choose digits, shapes, mnist, fashion-mnist, cifar10",
		"no/such.csv":     "no/such.csv: there is no such file or folder",
		"mnist":           "mnist wants the files train-images-idx3-ubyte",
		"cifar10":         "cifar10 wants data_batch_1.bin to data_batch_5.bin and test_batch.bin",
		"fashion-mnist":   "in the folder fashion-mnist",
		"no\x00such/file": "no\x00such/file",
	} {
		_, err := Open(context.Background(), name, Options{Dir: empty})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", name, err, want)
		}
	}
	if _, err := Open(context.Background(), "digits", Options{Train: -1}); err == nil {
		t.Error("a negative size was taken")
	}
}

func TestNamedSetWantsItsSize(t *testing.T) {
	dir := folder(t, smallIDX())
	_, err := Open(context.Background(), "mnist", Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "images are 2×2, those of mnist are 28×28") {
		t.Errorf("got %v", err)
	}
}

func TestOpenStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, name := range []string{"digits", "shapes", folder(t, smallIDX())} {
		if _, err := Open(ctx, name, Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want the context's error", name, err)
		}
	}
}
