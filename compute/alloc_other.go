//go:build !linux

package compute

func adviseHuge([]float32) {}
