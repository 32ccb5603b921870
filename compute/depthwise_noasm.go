//go:build (!amd64 && !arm64) || noasm

package compute

// hasDepthwise: there is nothing faster than mulAdd here.
func hasDepthwise(*gemmKernel) bool { return false }

func depthwiseNine(*depthTile) { panic("compute: no depthwise loop on this machine") }
