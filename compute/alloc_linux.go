package compute

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of a large page on amd64, and of the common
// configurations of arm64.
const hugePage = 2 << 20

// adviseHuge asks for large pages under the whole ones that x covers. It is
// advice: a refusal changes nothing but the speed.
func adviseHuge(x []float32) {
	if len(x)*4 < 2*hugePage {
		return
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*4)
	skip := int(-uintptr(unsafe.Pointer(&x[0])) & (hugePage - 1))
	b = b[skip:]
	b = b[:len(b)&^(hugePage-1)]
	if len(b) > 0 {
		_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
	}
}
