package compute

import (
	"bytes"
	"math"
	"os"
	"strconv"
	"strings"
)

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
			return min(n, math.MaxInt64/1024) * 1024
		}
	}
	return 0
}
