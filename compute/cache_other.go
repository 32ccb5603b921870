//go:build !linux && !darwin

package compute

// systemCaches: this system is not asked.
func systemCaches() caches { return caches{} }
