package layers

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"layercake/compute"
)

// Field binds one key of the spec file, which is also one row of the
// builder's form, to a field of a layer's struct.
type Field struct {
	Name string
	Help string
	Unit string // "px", empty for a count
	// Ptr is *int, *bool, *float64, *string, *Pair, *Padding, *Ends, *Numbers or *compute.Shape.
	Ptr      any
	Min, Max float64  // of the numbers; both zero: any
	Options  []string // of a *string: the words it may be
	// Optional marks an int or Pair for which 0 means "work it out": shown as "auto".
	Optional bool
}

// Value is a setting as files and forms write it: one word or number, or
// two for a pair ("3" or "3", "5").
type Value []string

// String writes a value as the spec file does: 3 or [3, 5].
func (v Value) String() string {
	if len(v) == 1 {
		return v[0]
	}
	return "[" + strings.Join(v, ", ") + "]"
}

// ParseValue reads what a person types into a form: "3", "3,5", "[3, 5]".
func ParseValue(text string) Value {
	text = strings.TrimSpace(text)
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	var v Value
	for _, p := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '×' }) {
		v = append(v, strings.TrimSpace(p))
	}
	return v
}

// Numbers are any number of real numbers.
type Numbers []float64

// Pair is a number for rows and one for columns.
type Pair [2]int

// Padding is how many zeros border an image: a number a side, "same" (at
// stride s the output is ⌈input/s⌉) or "valid" (none).
type Padding struct {
	Same                     bool
	Top, Bottom, Left, Right int
}

// Get is the field's present value.
func (f Field) Get() Value {
	switch p := f.Ptr.(type) {
	case *int:
		if f.Optional && *p == 0 {
			return Value{"auto"}
		}
		return Value{strconv.Itoa(*p)}
	case *bool:
		return Value{strconv.FormatBool(*p)}
	case *float64:
		return Value{strconv.FormatFloat(*p, 'g', -1, 64)}
	case *string:
		return Value{*p}
	case *Pair:
		if f.Optional && *p == (Pair{}) {
			return Value{"auto"}
		}
		if p[0] == p[1] {
			return Value{strconv.Itoa(p[0])}
		}
		return Value{strconv.Itoa(p[0]), strconv.Itoa(p[1])}
	case *Padding:
		switch {
		case p.Same:
			return Value{"same"}
		case p.Top == p.Bottom && p.Left == p.Right && p.Top == p.Left:
			return Value{strconv.Itoa(p.Top)}
		case p.Top == p.Bottom && p.Left == p.Right:
			return Value{strconv.Itoa(p.Top), strconv.Itoa(p.Left)}
		}
		return Value{strconv.Itoa(p.Top), strconv.Itoa(p.Bottom), strconv.Itoa(p.Left), strconv.Itoa(p.Right)}
	case *Ends:
		return p.value()
	case *Numbers:
		v := Value{}
		for _, x := range *p {
			v = append(v, strconv.FormatFloat(x, 'g', -1, 64))
		}
		return v
	case *compute.Shape:
		v := Value{}
		for _, d := range *p {
			v = append(v, strconv.Itoa(d))
		}
		return v
	}
	panic(fmt.Sprintf("layers: field %s has type %T", f.Name, f.Ptr))
}

// Set gives the field a value. The error says what was found and wanted; the
// caller adds where.
func (f Field) Set(v Value) error {
	switch p := f.Ptr.(type) {
	case *Pair:
		return p.set(f, v)
	case *Padding:
		return p.set(f, v)
	case *Ends:
		return p.set(f, v)
	case *Numbers:
		return p.set(f, v)
	case *compute.Shape:
		n, err := f.integers(v, 1, 2, 3)
		if err == nil {
			*p = n
		}
		return err
	}
	if len(v) != 1 {
		return fmt.Errorf("%s is %s, wants one value", f.Name, v)
	}
	switch p := f.Ptr.(type) {
	case *int:
		return f.setInt(p, v[0])
	case *bool:
		return f.setBool(p, v[0])
	case *float64:
		return f.setNumber(p, v[0])
	case *string:
		return f.setWord(p, v[0])
	}
	panic(fmt.Sprintf("layers: field %s has type %T", f.Name, f.Ptr))
}

func (f Field) setInt(p *int, s string) error {
	if f.Optional && s == "auto" {
		*p = 0
		return nil
	}
	n, err := f.integer(s)
	if err == nil {
		*p = n
	}
	return err
}

func (f Field) setBool(p *bool, s string) error {
	switch s {
	case "true", "yes", "on":
		*p = true
	case "false", "no", "off":
		*p = false
	default:
		return fmt.Errorf("%s is %q, wants true or false", f.Name, s)
	}
	return nil
}

func (f Field) setNumber(p *float64, s string) error {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Errorf("%s is %q, wants a number", f.Name, s)
	}
	if (f.Min != 0 || f.Max != 0) && (x < f.Min || x > f.Max) {
		return fmt.Errorf("%s is %v, wants %v to %v", f.Name, x, f.Min, f.Max)
	}
	*p = x
	return nil
}

func (f Field) setWord(p *string, s string) error {
	if len(f.Options) > 0 && !slices.Contains(f.Options, s) {
		return fmt.Errorf("%s is %q, wants %s", f.Name, s, strings.Join(f.Options, ", "))
	}
	*p = s
	return nil
}

func (p *Pair) set(f Field, v Value) error {
	if f.Optional && len(v) == 1 && v[0] == "auto" {
		*p = Pair{}
		return nil
	}
	n, err := f.integers(v, 1, 2)
	if err == nil {
		*p = Pair{n[0], n[len(n)-1]}
	}
	return err
}

func (p *Padding) set(f Field, v Value) error {
	if len(v) == 1 && (v[0] == "same" || v[0] == "valid") {
		*p = Padding{Same: v[0] == "same"}
		return nil
	}
	n, err := f.integers(v, 1, 2, 4)
	if err != nil {
		return fmt.Errorf("%w (or same, or valid)", err)
	}
	switch len(n) {
	case 1:
		*p = Padding{Top: n[0], Bottom: n[0], Left: n[0], Right: n[0]}
	case 2:
		*p = Padding{Top: n[0], Bottom: n[0], Left: n[1], Right: n[1]}
	case 4:
		*p = Padding{Top: n[0], Bottom: n[1], Left: n[2], Right: n[3]}
	}
	return nil
}

func (p *Numbers) set(f Field, v Value) error {
	var out Numbers
	for _, s := range v {
		var x float64
		if err := f.setNumber(&x, s); err != nil {
			return err
		}
		out = append(out, x)
	}
	*p = out
	return nil
}

func (f Field) integer(s string) (int, error) {
	n, err := strconv.Atoi(strings.ReplaceAll(s, "_", ""))
	if err != nil {
		return 0, fmt.Errorf("%s is %q, wants a whole number", f.Name, s)
	}
	if (f.Min != 0 || f.Max != 0) && (float64(n) < f.Min || float64(n) > f.Max) {
		return 0, fmt.Errorf("%s is %d, wants %.0f to %.0f", f.Name, n, f.Min, f.Max)
	}
	return n, nil
}

func (f Field) integers(v Value, counts ...int) ([]int, error) {
	if !slices.Contains(counts, len(v)) {
		return nil, fmt.Errorf("%s has %d values, wants %s", f.Name, len(v), strings.Trim(fmt.Sprint(counts), "[]"))
	}
	out := make([]int, len(v))
	for i, s := range v {
		n, err := f.integer(s)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}
