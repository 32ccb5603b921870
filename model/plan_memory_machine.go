package model

import (
	"fmt"
	"math"
)

// MemoryError says that a network does not fit this machine's memory at a
// batch size. Nothing has been allocated.
type MemoryError struct {
	Network     string
	Batch       int
	Train       bool
	Check       bool  // of gradients, for which everything is kept
	Need        int64 // bytes in all
	Params      int64 // of Need: weights, state and, for training, gradients
	Activations int64 // of Need: outputs, their gradients and scratch
	Have        int64 // bytes of the machine
}

func (e *MemoryError) Error() string {
	name, what, cure := e.Network, "running", "take a smaller batch or fewer filters"
	if name == "" {
		name = "the network"
	}
	if e.Train {
		what = "training"
	}
	if e.Check {
		what = "checking"
	}
	if e.Params > e.Have/2 {
		cure = "take fewer or narrower layers"
	}
	return fmt.Sprintf("%s: %s at batch %d needs %s of memory (%s for parameters, %s for activations), and this machine has %s: %s",
		name, what, e.Batch, byteSize(e.Need), byteSize(e.Params), byteSize(e.Activations), byteSize(e.Have), cure)
}

// byteSize writes a number of bytes for people: 1.5 GB.
func byteSize(n int64) string {
	if n == math.MaxInt64 {
		return "more than 8 EB"
	}
	x, unit := float64(n), 0
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB", "EB"}
	for x >= 1000 && unit < len(units)-1 {
		x /= 1000
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", x, units[unit])
}
