//go:build linux || darwin

package train

import (
	"runtime"
	"syscall"
)

// peakRSS is the most memory that the process has held, in MiB. Linux counts
// it in kilobytes, macOS in bytes.
func peakRSS() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return nan
	}
	if runtime.GOOS == "darwin" {
		return float64(u.Maxrss) / (1 << 20)
	}
	return float64(u.Maxrss) / (1 << 10)
}
