package layers

import (
	"slices"
	"strings"
	"testing"

	"layercake/compute"
)

func TestFieldSet(t *testing.T) {
	var (
		n    int
		yes  bool
		x    float64
		word string
		pair Pair
		pad  Padding
		dims compute.Shape
	)
	count := Field{Name: "units", Ptr: &n, Min: 1, Max: 10}
	auto := Field{Name: "channels", Ptr: &n, Min: 1, Max: 10, Optional: true}
	stride := Field{Name: "stride", Ptr: &pair, Min: 1, Max: 9, Optional: true}
	padding := Field{Name: "padding", Ptr: &pad, Min: 0, Max: 9}
	for _, c := range []struct {
		f    Field
		text string
		want string // what Get gives, or the error
	}{
		{count, "7", "7"},
		{count, "1_0", "10"},
		{count, "0", "units is 0, wants 1 to 10"},
		{count, "11", "units is 11, wants 1 to 10"},
		{count, "auto", `units is "auto", wants a whole number`},
		{count, "2.5", `units is "2.5", wants a whole number`},
		{count, "99999999999999999999", `units is "99999999999999999999", wants a whole number`},
		{count, "1,2", "units is [1, 2], wants one value"},
		{auto, "auto", "auto"},
		{auto, "3", "3"},
		{Field{Name: "bias", Ptr: &yes}, "yes", "true"},
		{Field{Name: "bias", Ptr: &yes}, "off", "false"},
		{Field{Name: "bias", Ptr: &yes}, "maybe", `bias is "maybe", wants true or false`},
		{Field{Name: "eps", Ptr: &x, Max: 1}, "1e-5", "1e-05"},
		{Field{Name: "eps", Ptr: &x, Max: 1}, "2", "eps is 2, wants 0 to 1"},
		{Field{Name: "eps", Ptr: &x}, "nan", `eps is "nan", wants a number`},
		{Field{Name: "eps", Ptr: &x}, "inf", `eps is "inf", wants a number`},
		{Field{Name: "init", Ptr: &word, Options: []string{"auto", "he"}}, "he", "he"},
		{Field{Name: "init", Ptr: &word, Options: []string{"auto", "he"}}, "she", `init is "she", wants auto, he`},
		{stride, "2", "2"},
		{stride, "[2, 3]", "[2, 3]"},
		{stride, "2×3", "[2, 3]"},
		{stride, "auto", "auto"},
		{stride, "0", "stride is 0, wants 1 to 9"},
		{stride, "1,2,3", "stride has 3 values, wants 1 2"},
		{padding, "same", "same"},
		{padding, "valid", "0"},
		{padding, "1", "1"},
		{padding, "1,2", "[1, 2]"},
		{padding, "1,0,2,1", "[1, 0, 2, 1]"},
		{padding, "-1", "padding is -1, wants 0 to 9 (or same, or valid)"},
		{Field{Name: "shape", Ptr: &dims, Min: -1, Max: 99}, "3,-1,4", "[3, -1, 4]"},
		{Field{Name: "shape", Ptr: &dims, Min: -1, Max: 99}, "3", "3"},
		{Field{Name: "shape", Ptr: &dims, Min: -1, Max: 99}, "1,2,3,4", "shape has 4 values, wants 1 2 3"},
	} {
		got := ""
		if err := c.f.Set(ParseValue(c.text)); err != nil {
			got = err.Error()
		} else {
			got = c.f.Get().String()
		}
		if got != c.want {
			t.Errorf("%s = %s: got %s, want %s", c.f.Name, c.text, got, c.want)
		}
	}
}

// FuzzFieldSet: whatever is typed, a field takes it and gives it back, or
// refuses it by name and stays as it was.
func FuzzFieldSet(f *testing.F) {
	for _, s := range []string{"3", "3,5", "[1, 2]", "same", "auto", "-1", "1e9", "true", "", ",", "[[", "٣", "0x10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, k := range Catalog {
			for _, field := range k.New().Fields() {
				was := field.Get()
				err := field.Set(ParseValue(text))
				now := field.Get()
				if err != nil {
					if !strings.HasPrefix(err.Error(), field.Name) {
						t.Fatalf("%s.%s: %v does not name the setting", k.Name, field.Name, err)
					}
					if !slices.Equal(was, now) {
						t.Fatalf("%s.%s refuses %q and changes from %v to %v", k.Name, field.Name, text, was, now)
					}
					continue
				}
				if err := field.Set(now); err != nil || !slices.Equal(field.Get(), now) {
					t.Fatalf("%s.%s is %v after %q, and %v after being set to that: %v", k.Name, field.Name, now, text, field.Get(), err)
				}
			}
		}
	})
}
