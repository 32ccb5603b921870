package data

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// realData is the folder of public data files that LAYERCAKE_DATA names: MNIST's
// under mnist, iris.csv, and the optical digits' tables under digits. Without it
// the test is skipped.
func realData(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("LAYERCAKE_DATA")
	if dir == "" {
		t.Skip("LAYERCAKE_DATA names no folder of data files")
	}
	return dir
}

func TestMNIST(t *testing.T) {
	dir := realData(t)
	for _, at := range []string{dir, filepath.Join(dir, "mnist")} {
		calls, last := 0, 0
		s, err := Open(context.Background(), "mnist", Options{Dir: at, Progress: func(done, total int) {
			if done < last || done > total {
				t.Errorf("progress went from %d to %d of %d", last, done, total)
			}
			last = done
			calls++
		}})
		if err != nil {
			t.Fatal(err)
		}
		if s.Train.Len() != 60000 || s.Test.Len() != 10000 || s.Input().String() != "1×28×28" || len(s.Classes) != 10 {
			t.Fatalf("got %d and %d images of %s", s.Train.Len(), s.Test.Len(), s.Input())
		}
		if diff(s.Mean[0], 0.1307) > 5e-5 || diff(s.Std[0], 0.3081) > 5e-5 {
			t.Errorf("got mean %.5f and deviation %.5f, want 0.1307 and 0.3081", s.Mean[0], s.Std[0])
		}
		for i, want := range []int{5, 0, 4, 1, 9} {
			if got := s.Train.Label(i); got != want {
				t.Errorf("label %d: got %d, want %d", i, got, want)
			}
		}
		if calls < 10 {
			t.Errorf("progress was told %d times", calls)
		}
	}
}

// Both sets have the same file names, so a folder says nothing.
func TestMNISTIsNotTakenForFashion(t *testing.T) {
	_, err := Open(context.Background(), "fashion-mnist", Options{Dir: filepath.Join(realData(t), "mnist")})
	if err == nil || !strings.Contains(err.Error(), "holds the labels of mnist, wants those of fashion-mnist") {
		t.Errorf("got %v", err)
	}
}

func TestIris(t *testing.T) {
	s, err := Open(context.Background(), filepath.Join(realData(t), "iris.csv"), Options{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	if s.Train.Len() != 120 || s.Test.Len() != 30 || len(s.Classes) != 3 || s.Classes[1] != "versicolor" || s.Columns[3] != "petal_width" {
		t.Fatalf("got %d and %d rows, classes %v, columns %v", s.Train.Len(), s.Test.Len(), s.Classes, s.Columns)
	}
	// The file is sorted by class: without shuffling the test part would hold one.
	var count [3]int
	for i := range s.Test.Len() {
		count[s.Test.Label(i)]++
	}
	for c, n := range count {
		if n < 3 {
			t.Errorf("%d of 30 test rows are %s", n, s.Classes[c])
		}
	}
}

func TestOptdigits(t *testing.T) {
	s, err := Open(context.Background(), filepath.Join(realData(t), "digits"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Train.Len() != 3823 || s.Test.Len() != 1797 || len(s.Classes) != 10 || s.Classes[9] != "9" || s.Input().String() != "64" {
		t.Errorf("got %d and %d rows of %s, classes %v", s.Train.Len(), s.Test.Len(), s.Input(), s.Classes)
	}
	if s.Std[0] != 1 || s.Mean[0] != 0 {
		t.Errorf("the first column is always 0: got mean %v, deviation %v", s.Mean[0], s.Std[0])
	}
}
