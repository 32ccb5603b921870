package data

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadCSV(t *testing.T) {
	for name, c := range map[string]struct {
		text, target string
		columns      []string
		classes      []string // nil: numbers
		x            []float32
		y            []string
	}{
		"header":           {text: "w,h,kind\n1,2,b\n3,4.5,a\n", columns: []string{"w", "h"}, classes: []string{"a", "b"}, x: []float32{1, 2, 3, 4.5}, y: []string{"b", "a"}},
		"no header":        {text: "1,2,b\n3,4,a", columns: []string{"column 1", "column 2"}, classes: []string{"a", "b"}, x: []float32{1, 2, 3, 4}, y: []string{"b", "a"}},
		"crlf, bom, space": {text: "\ufeffw, h, kind\r\n1, 2, b\r\n 3 ,4 , a \r\n", columns: []string{"w", "h"}, classes: []string{"a", "b"}, x: []float32{1, 2, 3, 4}, y: []string{"b", "a"}},
		"semicolon":        {text: "w;h;k\n1;2;x\n3;4;y\n", columns: []string{"w", "h"}, classes: []string{"x", "y"}, x: []float32{1, 2, 3, 4}, y: []string{"x", "y"}},
		"tab, gzip":        {text: string(packed([]byte("w\tk\n1\tx\n3\ty\n"))), columns: []string{"w"}, classes: []string{"x", "y"}, x: []float32{1, 3}, y: []string{"x", "y"}},
		"named target":     {text: "k,w\nx,1\ny,2\n", target: "k", columns: []string{"w"}, classes: []string{"x", "y"}, x: []float32{1, 2}, y: []string{"x", "y"}},
		"numbered target":  {text: "x,1\ny,2\n", target: "1", columns: []string{"column 2"}, classes: []string{"x", "y"}, x: []float32{1, 2}, y: []string{"x", "y"}},
		"whole numbers":    {text: "1,10\n2,9\n3,10\n", columns: []string{"column 1"}, classes: []string{"9", "10"}, x: []float32{1, 2, 3}, y: []string{"10", "9", "10"}},
		"numbers":          {text: "1,0.5\n2,1\n3,2\n", columns: []string{"column 1"}, x: []float32{1, 2, 3}, y: []string{"0.5", "1", "2"}},
		"quoted":           {text: "w,k\n\"1\",\"a,b\"\n2,c\n", columns: []string{"w"}, classes: []string{"a,b", "c"}, x: []float32{1, 2}, y: []string{"a,b", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readCSV("t.csv", strings.NewReader(c.text), c.target, anySize)
			if err != nil {
				t.Fatal(err)
			}
			classes, err := got.meaning()
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.columns, c.columns) || !slices.Equal(got.x, c.x) || !slices.Equal(got.y, c.y) || !slices.Equal(classes, c.classes) {
				t.Errorf("got columns %q, numbers %v, target %q, classes %q", got.columns, got.x, got.y, classes)
			}
		})
	}
}

func TestTableIsSplitAndStandardized(t *testing.T) {
	var b strings.Builder
	b.WriteString("a,b,same,y\n")
	for i := range 100 {
		b.WriteString(thousands(i) + "," + thousands(2*i) + ",7," + thousands(i) + ".25\n")
	}
	path := filepath.Join(folder(t, map[string][]byte{"t.csv": []byte(b.String())}), "t.csv")
	open := func(seed uint64) (*Set, []float32, []float32) {
		s, err := Open(context.Background(), path, Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		idx := make([]int, 80)
		for i := range idx {
			idx[i] = i
		}
		x, y := make([]float32, 240), make([]float32, 80)
		s.Train.Fill(idx, Samples{X: [][]float32{x}, Targets: y})
		return s, x, y
	}
	s, x, y := open(1)
	if s.Train.Len() != 80 || s.Test.Len() != 20 || s.Targets != 1 || s.Classes != nil || s.Input().String() != "3" {
		t.Fatalf("got %d and %d rows, %d targets, classes %v, input %s", s.Train.Len(), s.Test.Len(), s.Targets, s.Classes, s.Input())
	}
	for c := range 3 {
		var sum, squares float64
		for i := range 80 {
			v := float64(x[3*i+c])
			sum, squares = sum+v, squares+v*v
		}
		want := 1.0
		if c == 2 {
			want = 0 // does not vary
		}
		if math.Abs(sum/80) > 1e-5 || math.Abs(squares/80-want) > 1e-5 {
			t.Errorf("column %d has mean %v and variance %v", c, sum/80, squares/80)
		}
	}
	for i := range y { // a row's target stays with its row
		if a := x[3*i]*s.Std[0] + s.Mean[0]; diff(a, y[i]-0.25) > 1e-3 {
			t.Errorf("row %d: a is %v, target %v", i, a, y[i])
		}
	}
	// Together the splits are all rows.
	seen := map[float32]bool{}
	for _, v := range y {
		seen[v] = true
	}
	one := make([]float32, 1)
	for i := range s.Test.Len() {
		s.Test.Fill([]int{i}, Samples{Targets: one})
		seen[one[0]] = true
	}
	if len(seen) != 100 {
		t.Errorf("the splits hold %d of 100 rows", len(seen))
	}
	if _, _, again := open(1); !slices.Equal(y, again) {
		t.Error("the same seed split the file in two ways")
	}
	if _, _, other := open(2); slices.Equal(y, other) {
		t.Error("another seed split the file in the same way")
	}
}

// anySize lets a table grow.
func anySize(int64) error { return nil }

// A table too large for the machine is refused while most of it is unread.
func TestTableTooLarge(t *testing.T) {
	var text strings.Builder
	for i := range 3 * rowsBetween {
		fmt.Fprintf(&text, "%d,%d,%d.5\n", i, 2*i, i)
	}
	src := &sources{total: 100 * int64(text.Len())}
	asked := 0
	_, err := readCSV("t.csv", &watched{&sources{ctx: t.Context()}, strings.NewReader(text.String())}, "", func(held int64) error {
		asked++
		if want := int64(asked * rowsBetween * 2 * 4); held < want {
			t.Errorf("%d rows hold %d bytes, their numbers alone %d", asked*rowsBetween, held, want)
		}
		src.done = int64(asked * text.Len() / 3)
		return src.fits("t.csv", held, 100*held)
	})
	if asked != 1 || err == nil || !strings.Contains(err.Error(), "t.csv: ") || !strings.Contains(err.Error(), "GB of memory") {
		t.Errorf("asked %d times, got %v", asked, err)
	}
	src.done = src.total
	if err := src.fits("t.csv", 1000, 1000); err != nil {
		t.Errorf("what fits to the byte: %v", err)
	}
}

// Sets that hold fewer samples than were asked for say so.
func TestFewerSamplesThanAskedFor(t *testing.T) {
	for name, want := range map[string]int{"names": 1, "tales": 1, "reverse": 0} {
		s := open(t, name, Options{Train: 1 << 20})
		if len(s.Notes) != want || want > 0 && !strings.Contains(s.Notes[0], "1,048,576 training samples were asked for, and all ") {
			t.Errorf("%s: got %q", name, s.Notes)
		}
	}
}
