package layers_test

import (
	"fmt"
	"testing"

	"layercake/internal/gradcheck"
	"layercake/layers"
)

// TestGradients checks every example in the catalog: nobody can forget one.
func TestGradients(t *testing.T) {
	for _, k := range layers.Catalog {
		for i, ex := range k.Examples {
			t.Run(fmt.Sprintf("%s/%d%v", k.Name, i, ex.In), func(t *testing.T) { checkGradients(t, ex) })
		}
	}
}

// checkGradients holds one example to its contract. A composite does not run
// by itself: package model checks it as the network of its parts.
func checkGradients(t *testing.T, ex layers.Example) {
	t.Helper()
	if _, ok := ex.Layer.(layers.Composite); ok {
		t.Skip("checked by package model as its parts")
	}
	for _, err := range (gradcheck.Check{Lens: ex.Lens}).Errors(ex.Layer, ex.In) {
		t.Error(err)
	}
}
