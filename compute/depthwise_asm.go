//go:build (amd64 || arm64) && !noasm

package compute

// depthwiseNine keeps the weights of eight channels in registers while it goes
// along the pixels. n is a multiple of eight. _asm/depthwise and _asm/neon write
// it and name the registers.
//
//go:noescape
func depthwiseNine(t *depthTile)

// hasDepthwise says whether depthwiseNine goes with a kernel.
func hasDepthwise(kern *gemmKernel) bool { return kern.name != genericKernel.name }
