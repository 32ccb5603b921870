package data

import (
	"bytes"
	"strings"
	"testing"
)

// oneSentence holds that a refusal names the file and is one line.
func oneSentence(t *testing.T, err error) {
	t.Helper()
	if s := err.Error(); !strings.HasPrefix(s, "f") || strings.Contains(s, "\n") && !strings.Contains(s, `\n`) {
		t.Errorf("refused with %q", s)
	}
}

func FuzzIDX(f *testing.F) {
	good := idx(idxImages, []byte{1, 2, 3, 4}, 1, 2, 2)
	f.Add(good)
	f.Add(packed(good))
	f.Add(good[:9])
	f.Add(packed(good)[:20])
	f.Add(idx(idxImages, nil, 1<<26, 1<<12, 1<<12))
	f.Add(idx(idxImages, nil, 1<<20, 64, 64))
	f.Fuzz(func(t *testing.T, b []byte) {
		axes, content, err := readIDX("f", bytes.NewReader(b), idxImages)
		if err != nil {
			oneSentence(t, err)
			return
		}
		if len(axes) != 3 || len(content) != axes[0]*axes[1]*axes[2] {
			t.Errorf("axes %v with %d bytes", axes, len(content))
		}
	})
}

func FuzzCIFAR(f *testing.F) {
	f.Add(cifarFile(1))
	f.Add(cifarFile(2)[:4000])
	f.Add(append([]byte{11}, cifarFile(1)[1:]...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s images
		if err := s.readCIFAR("f", bytes.NewReader(b), int64(len(b))); err != nil {
			oneSentence(t, err)
			return
		}
		if s.Len()*cifarRecord != len(b) || len(s.pix) != s.Len()*3*cifarPlane {
			t.Errorf("%d records and %d pixels from %d bytes", s.Len(), len(s.pix), len(b))
		}
	})
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"w,h,k\n1,2,a\n3,4,b\n", "1;2\n3;4\n5;6\n7;8\n9;1\n", "\ufeff1\t2\r\n", "\"a\nb\",2\n", "nan,inf\n", ",\n,", "1e39,1\n", "1,2\n1\n", "1,a\n2,b\n3,a\n4,b\n5,1\n"} {
		f.Add([]byte(s), "")
	}
	f.Add([]byte("w,h,k\n1,2,a\n"), "h")
	f.Add([]byte("\"two\nlines\",k\nx,a\n"), "")
	f.Fuzz(func(t *testing.T, b []byte, target string) {
		r, err := readCSV("f", bytes.NewReader(b), target, anySize)
		if err != nil {
			oneSentence(t, err)
			return
		}
		if len(r.x) != len(r.y)*len(r.columns) || len(r.lines) != len(r.y) {
			t.Fatalf("%d numbers, %d targets, %d columns, %d lines", len(r.x), len(r.y), len(r.columns), len(r.lines))
		}
		s, err := tableSet("f", []*rows{r}, Options{})
		if err != nil {
			oneSentence(t, err)
			return
		}
		x, y, labels := make([]float32, s.Input().Size()), make([]float32, 1), make([]int32, 1)
		for i := range s.Train.Len() {
			s.Train.Fill([]int{i}, Samples{X: [][]float32{x}, Labels: labels, Targets: y})
			for _, v := range append(x, y[0]) {
				if v != v {
					t.Fatalf("row %d became %v", i, x)
				}
			}
			if s.Classes != nil && (labels[0] < 0 || int(labels[0]) >= len(s.Classes)) {
				t.Fatalf("row %d has label %d of %d classes", i, labels[0], len(s.Classes))
			}
		}
	})
}
