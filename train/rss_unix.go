//go:build linux || darwin

package train

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// peakRSS is the most memory that the process has held, in MiB. Linux's rusage
// begins with what the parent held when it started this process, so its own
// figure is read where it is kept: VmHWM, in kilobytes. rusage counts in
// kilobytes too, on macOS in bytes.
func peakRSS() float64 {
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		if _, after, ok := strings.Cut(string(status), "\nVmHWM:"); ok {
			if f := strings.Fields(after); len(f) > 0 {
				if kilobytes, err := strconv.ParseFloat(f[0], 64); err == nil {
					return kilobytes / (1 << 10)
				}
			}
		}
	}
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return nan
	}
	if runtime.GOOS == "darwin" {
		return float64(u.Maxrss) / (1 << 20)
	}
	return float64(u.Maxrss) / (1 << 10)
}
