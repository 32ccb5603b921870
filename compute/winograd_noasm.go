//go:build (!amd64 && !arm64) || noasm

package compute

// winogradFor are the transforms that go with a kernel.
func winogradFor(*gemmKernel) *winograd { return &genericWinograd }
