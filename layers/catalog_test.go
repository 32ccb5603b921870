package layers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"layercake/compute"
	"layercake/layers"
)

// TestCatalog holds every kind to what palette, form and spec file count on.
func TestCatalog(t *testing.T) {
	names := map[string]bool{}
	family := 0
	for _, k := range layers.Catalog {
		t.Run(k.Name, func(t *testing.T) {
			if names[k.Name] {
				t.Error("the name is taken twice")
			}
			names[k.Name] = true
			if layers.Lookup(k.Name) != k {
				t.Error("Lookup does not find it")
			}
			if k.Name != strings.ToLower(k.Name) || strings.ContainsAny(k.Name, " -:$") {
				t.Errorf("name %q cannot be a word of a network file", k.Name)
			}
			if k.Short == "" || len([]rune(k.Short)) > 11 {
				t.Errorf("short name %q does not fit the stack's column of 11", k.Short)
			}
			if n := len([]rune(k.Summary)); n == 0 || n > 60 || strings.HasSuffix(k.Summary, ".") {
				t.Errorf("summary %q is not one short line", k.Summary)
			}
			at := slices.Index(layers.Families, k.Family)
			if at < family {
				t.Errorf("family %q is out of palette order", k.Family)
			}
			family = at
			c := k.Card
			for name, text := range map[string]string{"What": c.What, "Formula": c.Formula, "Shapes": c.Shapes, "Params": c.Params,
				"Cost": c.Cost, "When": c.When, "Instead": c.Instead, "Source": c.Source} {
				if text == "" {
					t.Errorf("the card's %s is empty", name)
				}
			}
			if len(k.Examples) == 0 {
				t.Error("no examples")
			}
			a, b := k.New(), k.New()
			if len(a.Fields()) > 0 && a.Fields()[0].Ptr == b.Fields()[0].Ptr {
				t.Error("New gives the same layer twice")
			}
			plans := false
			for _, ex := range k.Examples {
				if _, err := a.Plan(ex.In); err == nil {
					plans = true
				}
				checkExample(t, ex)
			}
			// Reshape's default takes anything, subsample's any image; all others as well.
			if !plans {
				t.Error("the default settings fit none of the examples")
			}
			checkFields(t, k.New)
		})
	}
}

func checkExample(t *testing.T, ex layers.Example) {
	t.Helper()
	p, err := ex.Layer.Plan(ex.In)
	if err != nil {
		t.Errorf("example on %v: %v", ex.In, err)
		return
	}
	again, _ := ex.Layer.Plan(ex.In)
	if fmt.Sprint(p) != fmt.Sprint(again) {
		t.Errorf("example on %v: two plans differ", ex.In)
	}
	if p.InPlace && !p.Out.Equal(ex.In[0]) {
		t.Errorf("example on %v: works in place, yet the shape changes", ex.In)
	}
	if p.View && p.Out.Size() != ex.In[0].Size() {
		t.Errorf("example on %v: a view of another size", ex.In)
	}
	for _, q := range slices.Concat(p.Params, p.State) {
		if q.Name == "" || q.Shape.Size() < 1 {
			t.Errorf("example on %v: parameter %q of shape %v", ex.In, q.Name, q.Shape)
		}
		// Biases, norms and other factors of a channel are left alone.
		if len(q.Shape) == 1 && q.Decay {
			t.Errorf("example on %v: weight decay pulls %s, a vector, to zero", ex.In, q.Name)
		}
		if q.Exchange != nil {
			axes := slices.Clone(q.Exchange)
			slices.Sort(axes)
			for i, a := range axes {
				if i != a || len(axes) != len(q.Shape) {
					t.Errorf("example on %v: exchange order %v of %s is no order of %d axes", ex.In, q.Exchange, q.Name, len(q.Shape))
				}
			}
		}
	}
	for range 3 {
		if _, err := ex.Layer.Plan(nil); err == nil {
			t.Error("takes no input at all")
		}
	}
}

// checkFields sets every field to its own value, and to values it must refuse.
func checkFields(t *testing.T, fresh func() layers.Layer) {
	t.Helper()
	l := fresh()
	seen := map[string]bool{}
	for i, f := range l.Fields() {
		if f.Name == "name" || f.Name == "from" || f.Name == "share" {
			t.Errorf("%s means something else in a network file", f.Name)
		}
		if seen[f.Name] || f.Name == "" || f.Help == "" {
			t.Errorf("field %d: name %q is empty, taken or without help", i, f.Name)
		}
		seen[f.Name] = true
		was := f.Get()
		if err := f.Set(was); err != nil {
			t.Errorf("%s refuses its own default %v: %v", f.Name, was, err)
		}
		if got := f.Get(); !slices.Equal(got, was) {
			t.Errorf("%s was %v and is %v after being set to that", f.Name, was, got)
		}
		for _, v := range []layers.Value{{}, {"nonsense"}, {"1", "2", "3", "4", "5"}, {""}} {
			if err := f.Set(v); err == nil {
				t.Errorf("%s takes %v", f.Name, v)
			}
		}
		if _, text := f.Ptr.(*string); text && len(f.Options) == 0 {
			t.Errorf("%s is a word without a list of options", f.Name)
		}
		if f.Min != 0 || f.Max != 0 {
			low, high := fmt.Sprint(f.Min-1), fmt.Sprintf("%.0f", f.Max+1)
			for _, v := range []string{low, high} {
				if err := f.Set(layers.Value{v}); err == nil {
					t.Errorf("%s takes %s, its bounds being %v and %v", f.Name, v, f.Min, f.Max)
				}
			}
		}
		if got := f.Get(); !slices.Equal(got, was) {
			t.Errorf("%s was %v and is %v after refusing values", f.Name, was, got)
		}
	}
}

// TestPlanNeverPanics gives every kind wild settings and shapes: a layer
// plans or refuses.
func TestPlanNeverPanics(t *testing.T) {
	wild := []compute.Shape{{}, {0}, {1}, {-3}, {1 << 62}, {3, 4}, {1, 1, 1}, {3, 2, 2}, {1 << 20, 1 << 20, 1 << 20}, {2, 3, 4, 5}, {4, 0, 4}, {7, 1 << 12, 3}}
	for _, k := range layers.Catalog {
		for _, end := range []string{"low", "default", "high"} {
			l := k.New()
			for _, f := range l.Fields() {
				bound := f.Max
				if end == "low" {
					bound = f.Min
				}
				v := layers.Value{fmt.Sprintf("%.0f", bound)}
				if _, number := f.Ptr.(*float64); end != "default" && (f.Min != 0 || f.Max != 0) {
					if number {
						v = layers.Value{fmt.Sprint(bound)}
					}
					if err := f.Set(v); err != nil {
						t.Errorf("%s.%s refuses its own bound: %v", k.Name, f.Name, err)
					}
				}
			}
			for _, s := range wild {
				for _, in := range [][]compute.Shape{{s}, {s, s}, {s, {3, 2, 2}}} {
					p, err := l.Plan(in)
					if err != nil {
						if !strings.Contains(err.Error(), "wants") {
							t.Errorf("%s on %v: %v does not say what it wants", k.Name, in, err)
						}
						continue
					}
					if p.Out.Size() < 1 || p.MACs < 0 {
						t.Errorf("%s (%s) on %v: output %v, %d multiply-adds", k.Name, end, in, p.Out, p.MACs)
					}
				}
			}
		}
	}
}

func TestNearest(t *testing.T) {
	var kinds []string
	for _, k := range layers.Catalog {
		kinds = append(kinds, k.Name)
	}
	for word, want := range map[string]string{
		"convd": "conv2d", "conv": "conv2d", "Conv2D": "conv2d", "dens": "dense", "desne": "dense", "batchnom": "batchnorm",
		"batch": "batchnorm", "max": "maxpool", "maxpool2d": "maxpool", "leaky": "leakyrelu", "rellu": "relu", "dropuot": "dropout",
		"flat": "flatten", "soft": "softmax", "xyzzy": "", "": "", "a": "", "transformer": "transformerencoder",
	} {
		if got := layers.Nearest(word, kinds); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
	if got := layers.Nearest("x", nil); got != "" {
		t.Errorf("of nothing: got %q", got)
	}
}
