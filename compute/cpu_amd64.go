//go:build amd64 && !noasm

package compute

// spinPause waits n pauses of the processor, n > 0: a few nanoseconds each in
// which a core leaves its resources to others.
//
//go:noescape
func spinPause(n uint32)
