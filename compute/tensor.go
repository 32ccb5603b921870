package compute

import (
	"strconv"
	"strings"
)

// Shape is the size of one sample, axis by axis, as users read it: C×H×W for
// images, T×F for sequences, F for vectors. The batch axis is left out.
type Shape []int

// Size is the number of elements: the product of the axes, 1 for no axes.
func (s Shape) Size() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Equal reports whether s and t have the same axes.
func (s Shape) Equal(t Shape) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range s {
		if s[i] != t[i] {
			return false
		}
	}
	return true
}

// String writes the axes with a multiplication sign between them: 64×32×32.
func (s Shape) String() string {
	var b strings.Builder
	for i, d := range s {
		if i > 0 {
			b.WriteString("×")
		}
		b.WriteString(strconv.Itoa(d))
	}
	return b.String()
}

// Tensor is a window into memory that somebody else owns: n samples of Shape,
// one after the other. Data of an image is [N, H, W, C]; see the package
// comment. Token ids are held as float32, exact below 2²⁴.
type Tensor struct {
	Shape Shape
	Data  []float32
	// Lens holds the used length of each sample of a padded batch of
	// sequences; nil says that every sample is full.
	Lens []int32
}
