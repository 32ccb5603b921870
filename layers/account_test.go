package layers_test

import (
	"strconv"
	"strings"
	"testing"

	"layercake/compute"
	"layercake/layers"
)

// Every sum that a card writes out comes to the number that Plan counts, for
// every example of the catalog, and no layer with a cost is without one.
func TestAccountsAddUp(t *testing.T) {
	for _, k := range layers.Catalog {
		for _, ex := range k.Examples {
			plan, err := ex.Layer.Plan(ex.In)
			if err != nil {
				t.Fatal(err)
			}
			size := 0
			for _, p := range plan.Params {
				size += p.Shape.Size()
			}
			params, macs := layers.Account(ex.Layer, ex.In)
			for _, c := range []struct {
				what, text string
				want       int
			}{{"parameters", params, size}, {"multiply-adds", macs, int(plan.MACs)}} {
				if c.want == 0 {
					if c.text != "" {
						t.Errorf("%s on %v: %s of nothing are written %q", k.Name, ex.In, c.what, c.text)
					}
					continue
				}
				sum, total, ok := strings.Cut(c.text, " = ")
				if got := evaluate(t, sum); !ok || got != c.want || total != strconv.Itoa(c.want) {
					t.Errorf("%s on %v: %s are written %q, which is %d, want %d", k.Name, ex.In, c.what, c.text, got, c.want)
				}
			}
		}
	}
	if p, m := layers.Account(&layers.Dense{Units: 512, Bias: true, Init: "auto"}, []compute.Shape{{784}}); p != "weight 784·512 + bias 512 = 401920" || m != "784·512 = 401408" {
		t.Errorf("got %q and %q", p, m)
	}
}

// evaluate works out sums, products, halves and brackets; words are passed over.
func evaluate(t *testing.T, s string) int {
	t.Helper()
	var sum func() int
	i := 0
	value := func() int {
		for i < len(s) && s[i] != '(' && (s[i] < '0' || s[i] > '9') {
			// A name may hold digits: ff1.weight. They are no factors.
			for i < len(s) && s[i] != ' ' && s[i] != '(' && (s[i] < '0' || s[i] > '9') {
				i++
				for i < len(s) && s[i] >= '0' && s[i] <= '9' {
					i++
				}
			}
			for i < len(s) && s[i] == ' ' {
				i++
			}
		}
		if i < len(s) && s[i] == '(' {
			i++
			v := sum()
			i++ // )
			return v
		}
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		v, err := strconv.Atoi(s[from:i])
		if err != nil {
			t.Fatalf("%q at %d: %v", s, from, err)
		}
		return v
	}
	sum = func() int {
		total := 0
		for {
			v := value()
			for {
				if strings.HasPrefix(s[i:], "·") {
					i += len("·")
					v *= value()
				} else if strings.HasPrefix(s[i:], "/") {
					i++
					v /= value()
				} else {
					break
				}
			}
			total += v
			if !strings.HasPrefix(s[i:], " + ") {
				return total
			}
			i += len(" + ")
		}
	}
	return sum()
}
