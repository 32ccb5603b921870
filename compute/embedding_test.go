package compute

import (
	"fmt"
	"math"
	"testing"
)

// TestGatherRefusesIDs: an id that is no row of the table is our bug, and panics.
func TestGatherRefusesIDs(t *testing.T) {
	for _, id := range []float32{-1, 3, 0.5, float32(math.NaN()), float32(math.Inf(1))} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("id %v is taken as a row of a table of three", id)
				}
			}()
			Gather(nil, Table{Tokens: 3, Width: 1, Padding: -1, Scale: 1}, []float32{id}, make([]float32, 3), make([]float32, 1))
		}()
	}
}

// TestScatterOrder: the sums are the same bits on any number of threads.
func TestScatterOrder(t *testing.T) {
	const tokens, width, n = 37, 5, 1000
	ids, dy := make([]float32, n), make([]float32, n*width)
	for i := range ids {
		ids[i] = float32(i * i % tokens)
	}
	for i := range dy {
		dy[i] = float32(math.Sin(float64(i)))
	}
	want := make([]float32, tokens*width)
	for i, id := range ids {
		for j := range width {
			want[int(id)*width+j] += dy[i*width+j]
		}
	}
	for _, threads := range []int{1, 2, 5} {
		p := NewPool(threads)
		got := make([]float32, tokens*width)
		Scatter(p, Table{Tokens: tokens, Width: width, Padding: -1, Scale: 1}, ids, dy, got, true)
		sameBits(t, fmt.Sprint(threads, " threads"), got, want)
		// Written over what was there, the same.
		Fill(nil, got, 7)
		Scatter(p, Table{Tokens: tokens, Width: width, Padding: -1, Scale: 1}, ids, dy, got, false)
		sameBits(t, fmt.Sprint(threads, " threads, written"), got, want)
		p.Close()
	}
}

// TestTable: the padding's row is not looked at, and rows are scaled both ways.
func TestTable(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		tab := Table{Tokens: 3, Width: 2, Padding: 1, Scale: 2}
		ids := []float32{2, 1, 0, 2}
		y := randoms(1, 8)
		Gather(nil, tab, ids, []float32{1, 2, float32(math.NaN()), 4, 5, 6}, y)
		sameBits(t, "rows", y, []float32{10, 12, 0, 0, 2, 4, 10, 12})
		d := make([]float32, 6)
		Scatter(nil, tab, ids, []float32{1, 2, 3, 4, 5, 6, 7, 8}, d, true)
		sameBits(t, "gradient", d, []float32{10, 12, 0, 0, 16, 20})
		d = randoms(2, 6)
		Scatter(nil, tab, ids, []float32{1, 2, 3, 4, 5, 6, 7, 8}, d, false)
		sameBits(t, "gradient written", d, []float32{10, 12, 0, 0, 16, 20})
	})
}
