//go:build !amd64 || noasm

package compute

// spinPause waits a few nanoseconds, n times.
//
//go:noinline
func spinPause(n uint32) {
	for ; n > 0; n-- {
	}
}
