//go:build !amd64 || noasm

package compute

// processorCaches: only amd64 processors say it to any program.
func processorCaches() caches { return caches{} }
