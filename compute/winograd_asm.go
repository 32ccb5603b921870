//go:build (amd64 || arm64) && !noasm

package compute

// The transforms of AVX2 and NEON keep a line of a square, eight channels of
// each value, in registers, and the square between the two rounds on the stack.
// _asm/winograd and _asm/neon write them and name the registers. n is a
// multiple of 8.

//go:noescape
func winogradInput(out *float32, step int, in *[36]*float32, shift, n int)

//go:noescape
func winogradOutput(out *[36]*float32, shift int, in *float32, step int, n int, bias *float32, floor, ceil float32, add bool)

//go:noescape
func winogradGrad(out *float32, step int, in *[36]*float32, shift, n int)

//go:noescape
func winogradWeights(out *float32, step int, in *float32, instep int, n int)

//go:noescape
func winogradSums(out *float32, step int, in *float32, instep int, n int)

// winogradFor are the transforms that go with a kernel.
func winogradFor(kern *gemmKernel) *winograd {
	if kern.name == genericKernel.name {
		return &genericWinograd
	}
	return &vectorWinograd
}

var vectorWinograd = winograd{
	fast:  true,
	input: winogradInput, output: winogradOutput, grad: winogradGrad,
	weights: winogradWeights, sums: winogradSums,
}
