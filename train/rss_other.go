//go:build !linux && !darwin

package train

// peakRSS is not known on this system.
func peakRSS() float64 { return nan }
