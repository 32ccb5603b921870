//go:build !amd64 || noasm

package compute

var archKernels []gemmKernel
