//go:build !(amd64 || arm64) || noasm

package compute

// vec is the set of inner loops in use.
var vec = &genericVectors

// vectorSets are the sets that this machine can run, the plain one first.
func vectorSets() []*vectors { return []*vectors{&genericVectors} }
