package model

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
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

// unknownMemory is taken where a system does not say what it has.
const unknownMemory = 1 << 40

// MachineMemory is the bytes of memory that this process may use: the
// machine's, or less where a control group says so. Systems that do not say
// count as having 1 TiB.
func MachineMemory() int64 {
	have := int64(unknownMemory)
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		if n := memTotal(text); n > 0 {
			have = n
		}
	}
	for _, limit := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := os.ReadFile(limit); err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
				have = min(have, n)
			}
		}
	}
	return have
}

// memTotal reads the line "MemTotal:  8033000 kB".
func memTotal(text []byte) int64 {
	for row := range bytes.Lines(text) {
		f := strings.Fields(string(row))
		if len(f) == 3 && f[0] == "MemTotal:" && f[2] == "kB" {
			n, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil || n < 0 {
				return 0
			}
			return satMul(n, 1024)
		}
	}
	return 0
}
