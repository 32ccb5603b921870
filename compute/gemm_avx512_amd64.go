//go:build amd64 && !noasm

package compute

import "golang.org/x/sys/cpu"

// The AVX-512 kernels keep a tile of C of twelve rows and sixteen columns in
// twelve registers, a row in each. _asm/avx512 writes them and names the
// registers.

//go:noescape
func rowTile16AVX512(t *tile) // nine to sixteen columns, A by row

//go:noescape
func rowTile8AVX512(t *tile) // one to eight columns

//go:noescape
func colTile16AVX512(t *tile) // nine to sixteen columns, A by column

//go:noescape
func colTile8AVX512(t *tile) // one to eight columns

// mulAddChainsAVX512 is s = x·s + y in twelve registers, twice a round, rounds > 0.
//
//go:noescape
func mulAddChainsAVX512(rounds int, x, y float32)

// hasAVX512 says that processor and operating system have what the kernels
// need: masks, and the narrower registers under them.
var hasAVX512 = cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL && hasAVX2

func tileByRowAVX512(t *tile) {
	if t.cols > 8 {
		rowTile16AVX512(t)
	} else {
		rowTile8AVX512(t)
	}
}

func tileByColAVX512(t *tile) {
	if t.cols > 8 {
		colTile16AVX512(t)
	} else {
		colTile8AVX512(t)
	}
}
