package layers_test

import (
	"testing"

	"layercake/layers"
)

// BenchmarkPlan is what the builder pays for a layer on every key.
func BenchmarkPlan(b *testing.B) {
	for _, k := range layers.Catalog {
		ex := k.Examples[0]
		b.Run(k.Name, func(b *testing.B) {
			for b.Loop() {
				if _, err := ex.Layer.Plan(ex.In); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
