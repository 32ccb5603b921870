package data

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	maxColumns = 1 << 16
	maxClasses = 1 << 10
	// fewClasses is how many different whole numbers a target column may hold
	// and still be classes; more are numbers to predict.
	fewClasses = 100
)

// rows is a CSV file as read: inputs as numbers, the target still as text.
type rows struct {
	name    string
	columns []string // of the inputs
	target  string   // column name
	x       []float32
	y       []string
	lines   []int // line of each row, from 1
}

// readCSV reads numbers separated by comma, semicolon or tab. Its first row is a
// header when none of its inputs is a number. target is a column's name, or
// its number from 1; "" is the last. grown is told now and then how many bytes
// the rows take, and may refuse to go on.
func readCSV(name string, r io.Reader, target string, grown func(held int64) error) (*rows, error) {
	r, packed, err := inflate(name, r)
	if err != nil {
		return nil, err
	}
	b := bufio.NewReaderSize(r, 1<<16)
	if bom, _ := b.Peek(3); string(bom) == "\ufeff" {
		b.Discard(3)
	}
	c := csv.NewReader(b)
	c.Comma = separator(b)
	c.ReuseRecord = true
	c.TrimLeadingSpace = true
	c.FieldsPerRecord = -1

	var t *rows
	width, at := 0, 0
	for {
		rec, err := c.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, csvError(name, packed, err)
		}
		line, _ := c.FieldPos(0)
		if t == nil {
			var header bool
			if t, at, header, err = firstRow(name, rec, target); err != nil {
				return nil, err
			}
			width = len(rec)
			if header {
				continue
			}
		}
		if len(rec) != width {
			return nil, fmt.Errorf("%s:%d: has %d columns, the first row has %d: mend the row", name, line, len(rec), width)
		}
		if err := t.add(rec, at, line); err != nil {
			return nil, err
		}
		if len(t.y)%rowsBetween == 0 {
			if err := grown(t.held()); err != nil {
				return nil, err
			}
		}
	}
	if t == nil || len(t.y) == 0 {
		return nil, fmt.Errorf("%s: has no rows of data, wants at least two", name)
	}
	return t, nil
}

// rowsBetween is the number of rows between two looks at the memory they take.
const rowsBetween = 4096

// held is the memory that t's rows take at most until the set is made of them: a
// slice that grows is there twice for a moment, old and a quarter larger, and later
// the numbers of the set lie beside those that were read.
func (t *rows) held() int64 {
	const perRow = 64 // the target's text, and the places of the row
	return int64(len(t.x))*4*9/4 + int64(len(t.y))*perRow
}

// separator is the likeliest one by the beginning of the first line.
func separator(b *bufio.Reader) rune {
	head, _ := b.Peek(1 << 12)
	line, _, _ := strings.Cut(string(head), "\n")
	best, most := ',', strings.Count(line, ",")
	for _, s := range ";\t" {
		if n := strings.Count(line, string(s)); n > most {
			best, most = s, n
		}
	}
	return best
}

func csvError(name string, packed bool, err error) error {
	var pe *csv.ParseError
	switch {
	case errors.As(err, &pe):
		return fmt.Errorf("%s:%d: column %d: %w: mend the quotes", name, pe.Line, pe.Column, pe.Err)
	case packed:
		return damaged(name, err)
	}
	return fmt.Errorf("read %s: %w", name, err)
}

// firstRow finds the columns' names and the target's place.
func firstRow(name string, rec []string, target string) (t *rows, at int, header bool, err error) {
	if len(rec) < 2 {
		return nil, 0, false, fmt.Errorf("%s: has one column, wants at least one input and one target, separated by comma, semicolon or tab", name)
	}
	if len(rec) > maxColumns {
		return nil, 0, false, fmt.Errorf("%s: has %s columns, wants at most %s", name, thousands(len(rec)), thousands(maxColumns))
	}
	at = len(rec) - 1
	header = numberless(rec, at)
	if target != "" {
		k, e := strconv.Atoi(target)
		i := slices.IndexFunc(rec, func(s string) bool { return strings.TrimSpace(s) == target })
		switch {
		case e != nil && i >= 0 && numberless(rec, i):
			at, header = i, true
		case e == nil && k >= 1 && k <= len(rec):
			at, header = k-1, numberless(rec, k-1)
		default:
			return nil, 0, false, fmt.Errorf("%s: has no column %q: name one of %s, or its number from 1 to %d",
				name, target, short(oneLine(strings.Join(rec[:min(len(rec), 12)], ", "))), len(rec))
		}
	}
	t = &rows{name: name}
	for i, s := range rec {
		column := "column " + strconv.Itoa(i+1)
		if s := oneLine(s); header && s != "" {
			column = s
		}
		if i == at {
			t.target = column
		} else {
			t.columns = append(t.columns, column)
		}
	}
	return t, at, header, nil
}

// oneLine is s for a sentence or the head of a column: a quoted field may go over
// several lines.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// numberless says that no field of rec is a number, the target's left out: rec
// is a header.
func numberless(rec []string, target int) bool {
	for i, s := range rec {
		if _, err := strconv.ParseFloat(strings.TrimSpace(s), 64); i != target && err == nil {
			return false
		}
	}
	return true
}

// add takes one row.
func (t *rows) add(rec []string, at, line int) error {
	k := 0
	for i, s := range rec {
		s = strings.TrimSpace(s)
		if i == at {
			if s == "" {
				return fmt.Errorf("%s:%d: %s: is empty, wants a class or a number: fill it or drop the row", t.name, line, t.target)
			}
			t.y = append(t.y, strings.Clone(s))
			continue
		}
		v, err := strconv.ParseFloat(s, 32)
		switch {
		case s == "":
			return fmt.Errorf("%s:%d: %s: is empty, wants a number: fill it or drop the row", t.name, line, t.columns[k])
		case err != nil && !errors.Is(err, strconv.ErrRange):
			return fmt.Errorf("%s:%d: %s: got text %q, wants a number: mend it, or name the column to predict as target", t.name, line, t.columns[k], short(s))
		case err != nil, math.IsNaN(v), math.IsInf(v, 0):
			return fmt.Errorf("%s:%d: %s: got %q, wants a finite number below 3.4e38: mend it or drop the row", t.name, line, t.columns[k], short(s))
		}
		t.x = append(t.x, float32(v))
		k++
	}
	t.lines = append(t.lines, line)
	return nil
}

// short is s, cut for a sentence.
func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// meaning decides whether the target is classes or numbers, by the training
// rows: text is classes; whole numbers of few values are classes; the rest is
// numbers.
func (t *rows) meaning() (classes []string, err error) {
	seen := map[string]int{} // line where first seen
	whole, text := true, -1
	for i, s := range t.y {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil && text < 0 {
			text = i
		}
		whole = whole && err == nil && v == math.Trunc(v)
		if _, ok := seen[s]; !ok {
			seen[s] = t.lines[i]
			classes = append(classes, s)
		}
	}
	switch {
	case text < 0 && (!whole || len(classes) > fewClasses || len(classes) > 10 && 5*len(classes) > len(t.y)):
		return nil, nil
	case text >= 0 && len(classes) > maxClasses, text >= 0 && len(classes) > 20 && 2*len(classes) > len(t.y):
		return nil, fmt.Errorf("%s:%d: %s: got text %q and %s different values in %s rows, wants few classes or numbers alone: choose another target or mend the text",
			t.name, t.lines[text], t.target, short(t.y[text]), thousands(len(classes)), thousands(len(t.y)))
	case len(classes) < 2:
		return nil, fmt.Errorf("%s: %s: every row has the class %s, wants at least two classes: choose another target", t.name, t.target, short(classes[0]))
	}
	slices.SortFunc(classes, func(a, b string) int {
		x, ex := strconv.ParseFloat(a, 64)
		y, ey := strconv.ParseFloat(b, 64)
		if ex == nil && ey == nil {
			return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
		}
		return cmp.Compare(a, b)
	})
	return classes, nil
}

// table is the rows of t listed in p, with their classes or numbers.
func (t *rows) table(p []int, classes []string) (*table, error) {
	place := map[string]int32{}
	for i, c := range classes {
		place[c] = int32(i)
	}
	f := len(t.columns)
	out := &table{f: f, n: len(p), x: make([]float32, 0, len(p)*f)}
	for _, i := range p {
		out.x = append(out.x, t.x[i*f:(i+1)*f]...)
		if classes != nil {
			k, ok := place[t.y[i]]
			if !ok {
				return nil, fmt.Errorf("%s:%d: %s: the class %q is not among the training rows: mend it or drop the row", t.name, t.lines[i], t.target, short(t.y[i]))
			}
			out.labels = append(out.labels, k)
			continue
		}
		v, err := strconv.ParseFloat(t.y[i], 32)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%s:%d: %s: got %q, wants a finite number as in the training rows: mend it or drop the row", t.name, t.lines[i], t.target, short(t.y[i]))
		}
		out.targets = append(out.targets, float32(v))
	}
	return out, nil
}

// openCSV reads one file and splits it, or a training and a test file.
func openCSV(ctx context.Context, o Options, name string, paths ...string) (*Set, error) {
	src, err := newSources(ctx, o, paths)
	if err != nil {
		return nil, err
	}
	var parts []*rows
	before := int64(0) // held by the parts that are read
	for _, p := range paths {
		err := src.read(p, func(name string, r io.Reader, _ int64) error {
			t, err := readCSV(name, r, o.Target, func(held int64) error { return src.fits(o.called(name), before+held, roomForData()) })
			if err == nil {
				parts, before = append(parts, t), before+t.held()
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return tableSet(name, parts, o)
}

// tableSet makes the set of one part, which is split 80 to 20 after shuffling
// by seed, or of two, training and test.
func tableSet(name string, parts []*rows, o Options) (*Set, error) {
	first := parts[0]
	set := &Set{Name: name, Title: first.name, Inputs: oneInput(len(first.columns)), Columns: first.columns}
	order := make([]int, len(first.y))
	shuffle := streamOf(o.Seed, keySplit)
	shuffle.permute(order)
	trainRows, testRows, test := order, []int(nil), first
	if len(parts) == 1 {
		if len(order) < 5 {
			return nil, fmt.Errorf("%s: has %d rows, wants at least 5 to split them into training and test", first.name, len(order))
		}
		cut := len(order) - len(order)/5
		trainRows, testRows = order[:cut], order[cut:]
		set.Notes = append(set.Notes, fmt.Sprintf("%s has no test file: %s rows, drawn by seed, are kept for testing", first.name, thousands(len(testRows))))
	} else {
		test = parts[1]
		if len(test.columns) != len(first.columns) {
			return nil, fmt.Errorf("%s: has %d inputs, %s has %d: the files do not belong together", test.name, len(test.columns), first.name, len(first.columns))
		}
		for i := range test.columns {
			if test.columns[i] != first.columns[i] {
				return nil, fmt.Errorf("%s: input %d is %q, in %s it is %q: the files do not belong together", test.name, i+1, test.columns[i], first.name, first.columns[i])
			}
		}
		set.Title = first.name + " and " + test.name
		testRows = make([]int, len(test.y))
		shuffle.permute(testRows)
	}
	for _, part := range []struct {
		what string
		p    *[]int
		n    int
	}{{"training", &trainRows, o.Train}, {"test", &testRows, o.Test}} {
		if part.n > len(*part.p) {
			return nil, fmt.Errorf("%s: has %s %s rows, %s were asked for: ask for fewer", o.called(name), thousands(len(*part.p)), part.what, thousands(part.n))
		}
		if part.n > 0 {
			*part.p = (*part.p)[:part.n]
		}
	}
	classes, err := first.meaning()
	if err != nil {
		return nil, err
	}
	trainSplit, err := first.table(trainRows, classes)
	if err != nil {
		return nil, err
	}
	testSplit, err := test.table(testRows, classes)
	if err != nil {
		return nil, err
	}
	if set.Classes = classes; classes == nil {
		set.Targets = 1
	}
	set.Mean, set.Std = standardize(trainSplit, testSplit)
	set.Train, set.Test = trainSplit, testSplit
	return set, nil
}

// csvPair finds NAME_train.csv and NAME_test.csv (or .csv.gz) in dir.
func csvPair(dir string) (train, test string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", "", wrongPath(dir, err)
	}
	for _, e := range entries {
		stem, end, ok := strings.Cut(e.Name(), "_train.csv")
		if !ok || end != "" && end != ".gz" {
			continue
		}
		for _, tail := range []string{"_test.csv", "_test.csv.gz"} {
			p := filepath.Join(dir, stem+tail)
			if _, err := os.Stat(p); err != nil {
				continue
			}
			if train != "" {
				return "", "", fmt.Errorf("%s: has more than one pair of _train.csv and _test.csv: name a folder with one pair", dir)
			}
			train, test = filepath.Join(dir, e.Name()), p
			break
		}
	}
	return train, test, nil
}
