//go:build !(amd64 || arm64) || noasm

package compute

var archKernels []gemmKernel
