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
			t.Run(fmt.Sprintf("%s/%d%v", k.Name, i, ex.In), func(t *testing.T) { gradcheck.Layer(t, ex.Layer, ex.In) })
		}
	}
}
