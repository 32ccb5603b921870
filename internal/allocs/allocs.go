// Package allocs counts the allocations of a step that shares its work. It is
// imported by tests only.
package allocs

import "testing"

// Steady is the least number of allocations a run of f, over a few tries of
// so many runs. Which goroutine of a pool meets the largest chunk first is
// chance, and so is when its scratch last grows; what f allocates every time
// is in every try.
func Steady(runs int, f func()) float64 {
	least := testing.AllocsPerRun(runs, f)
	for try := 1; try < 6 && least > 0; try++ {
		least = min(least, testing.AllocsPerRun(runs, f))
	}
	return least
}
