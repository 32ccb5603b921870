//go:build amd64 && !noasm

package compute

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// The AVX2 kernels keep a tile of C of six rows and sixteen columns in twelve
// registers; two hold a row of B, two an element of A each. _asm/main.go
// writes them and names the registers.

//go:noescape
func rowTile16(t *tile) // sixteen columns, A by row

//go:noescape
func rowTile16m(t *tile) // nine to sixteen columns under a mask

//go:noescape
func rowTile8m(t *tile) // one to eight columns under a mask

//go:noescape
func colTile16(t *tile) // sixteen columns, A by column

//go:noescape
func colTile16m(t *tile) // nine to sixteen columns under a mask

//go:noescape
func colTile8m(t *tile) // one to eight columns under a mask

//go:noescape
func panelTile16(t *tile) // sixteen columns, six rows at a time, A and B in panels

// rowRun16 is rowTile16 for tiles times six rows that lie evenly apart in A and
// in C, of one segment; tiles > 0.
//
//go:noescape
func rowRun16(t *tile, tiles int)

// rowTilePack is rowPack of the kernel below, panelTilePack its panelPack.
//
//go:noescape
func rowTilePack(t *tile, dst *float32)

//go:noescape
func panelTilePack(t *tile, dst *float32)

// packEight writes dst[p*dstep+j] = src[j*sstep+p] for j < 8 and p < 8·n8,
// n8 > 0: an 8×8 transpose in registers, again and again.
//
//go:noescape
func packEight(dst *float32, dstep int, src *float32, sstep int, n8 int)

// packSix writes dst[p*6+i] = src[i*sstep+p] for i < 6 and p < 8·n8, n8 > 0,
// and garbage to the two floats behind.
//
//go:noescape
func packSix(dst, src *float32, sstep int, n8 int)

// copySixes writes dst[q*dstep+p*6+i] = src[p*sstep+q*6+i] for i < 6,
// q < panels and p < k, both > 0.
//
//go:noescape
func copySixes(dst *float32, dstep int, src *float32, sstep int, panels, k int)

// copySixteen writes dst[q*dstep+p*16+j] = src[p*sstep+q*16+j] for j < 16,
// q < panels and p < k, both > 0, and asks for rows eight steps on.
//
//go:noescape
func copySixteen(dst *float32, dstep int, src *float32, sstep int, panels, k int)

// copyRows writes dst[p*dstep+j] = src[p*sstep+j] for j < n and p < k, k > 0.
//
//go:noescape
func copyRows(dst *float32, dstep int, src *float32, sstep int, n, k int)

// addSixteen is dst[p*dstep+j] += src[p*16+j] for j < 16 and p < k, k > 0.
//
//go:noescape
func addSixteen(dst *float32, dstep int, src *float32, k int)

// mulAddRows is dst[r*dstep+i] += a[r*astep+i]·b[r*bstep+i] for i < n and
// r < rows, both > 0, one row after the other.
//
//go:noescape
func mulAddRows(dst *float32, dstep int, a *float32, astep int, b *float32, bstep int, n, rows int)

// mulAddChains is s = x·s + y in twelve registers, twice a round, rounds > 0.
//
//go:noescape
func mulAddChains(rounds int, x, y float32)

var hasAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasFMA

// AVX2 comes first although AVX-512 is wider. A processor does not say how many
// units it has for it: with two the peak doubles, on Zen 4 the peaks are equal.
// To time both at the start would let the bits of a training run depend on which
// happened to be faster, so the choice is the user's: bench kernels compares them
// and --kernel avx512 takes it. That row has been proven under emulation and
// never timed. Packing and the rest move memory and gain nothing from longer
// registers, so it has the AVX2 routines for them.
var archKernels = []gemmKernel{{
	name:      "avx2",
	runs:      hasAVX2,
	rows:      6,
	packA:     packRowsAVX2,
	copyA:     copyColsAVX2,
	byRow:     tileByRowAVX2,
	byCol:     tileByColAVX2,
	byRun:     tileByRunAVX2,
	byPanel:   panelTile16,
	rowPack:   rowTilePack,
	panelPack: panelTilePack,
	pack:      packAVX2,
	copy:      copyRowsAVX2,
	copyRuns:  copyRunsAVX2,
	add:       addRowsAVX2,
	mulAdd:    mulAddRowsAVX2,
	chains:    mulAddChains,
	perRun:    24 * 8,
}, {
	name:     "avx512",
	runs:     hasAVX512,
	rows:     12,
	packA:    packTwelve,
	copyA:    copyColsGeneric,
	byRow:    tileByRowAVX512,
	byCol:    tileByColAVX512,
	byRun:    tileByRowAVX512,
	byPanel:  tileByColAVX512,
	pack:     packAVX2,
	copy:     copyRowsAVX2,
	copyRuns: copyRunsAVX2,
	add:      addRowsAVX2,
	mulAdd:   mulAddRowsAVX2,
	chains:   mulAddChainsAVX512,
	perRun:   24 * 16,
}}

func tileByRowAVX2(t *tile) {
	switch {
	case t.cols == 16:
		rowTile16(t)
	case t.cols > 8:
		rowTile16m(t)
	default:
		rowTile8m(t)
	}
}

// tileByRunAVX2 leaves to rowTile16 the rows that it does not take by six.
func tileByRunAVX2(t *tile) {
	tiles := t.m / 6
	if rest := t.m % 6; rest > 0 && rest < 4 {
		tiles--
	}
	if tiles <= 0 || t.segs == 0 {
		tileByRowAVX2(t)
		return
	}
	rowRun16(t, tiles)
	if done := 6 * tiles; done < t.m {
		m, aoff, coff := t.m, t.aoff, t.coff
		t.m, t.aoff, t.coff = m-done, aoff[done:], coff[done:]
		rowTile16(t)
		t.m, t.aoff, t.coff = m, aoff, coff
	}
}

func tileByColAVX2(t *tile) {
	switch {
	case t.cols == 16:
		colTile16(t)
	case t.cols > 8:
		colTile16m(t)
	default:
		colTile8m(t)
	}
}

func packAVX2(dst, src []float32, sstep, cols, k int) {
	n8 := k / 8
	j := 0
	if n8 > 0 {
		_ = dst[k*tileWidth-1]
		for ; j+8 <= cols; j += 8 {
			_ = src[(j+7)*sstep+k-1]
			packEight(unsafe.SliceData(dst[j:]), tileWidth, unsafe.SliceData(src[j*sstep:]), sstep, n8)
			for p := n8 * 8; p < k; p++ {
				for i := j; i < j+8; i++ {
					dst[p*tileWidth+i] = src[i*sstep+p]
				}
			}
		}
	}
	for ; j < tileWidth; j++ {
		if j >= cols {
			for p := 0; p < k; p++ {
				dst[p*tileWidth+j] = 0
			}
			continue
		}
		for p, v := range src[j*sstep : j*sstep+k] {
			dst[p*tileWidth+j] = v
		}
	}
}

func packRowsAVX2(dst, src []float32, sstep, rows, k int) {
	n8 := k / 8
	if rows != 6 || n8 == 0 {
		packRowsGeneric(dst, src, sstep, rows, k)
		return
	}
	_, _ = dst[6*k+1], src[5*sstep+k-1]
	packSix(unsafe.SliceData(dst), unsafe.SliceData(src), sstep, n8)
	packRowsGeneric(dst[n8*8*6:], src[n8*8:], sstep, 6, k-n8*8)
}

// packTwelve packs twelve rows as two times eight, four of them twice.
func packTwelve(dst, src []float32, sstep, rows, k int) {
	n8 := k / 8
	if rows != 12 || n8 == 0 {
		packRowsGeneric(dst, src, sstep, rows, k)
		return
	}
	_, _ = dst[12*k-1], src[11*sstep+k-1]
	packEight(unsafe.SliceData(dst), 12, unsafe.SliceData(src), sstep, n8)
	packEight(unsafe.SliceData(dst[4:]), 12, unsafe.SliceData(src[4*sstep:]), sstep, n8)
	packRowsGeneric(dst[n8*8*12:], src[n8*8:], sstep, 12, k-n8*8)
}

func copyColsAVX2(dst []float32, dstep int, src []float32, sstep, rows, panels, k int) {
	if rows != 6 {
		copyColsGeneric(dst, dstep, src, sstep, rows, panels, k)
	} else if panels > 0 && k > 0 {
		_, _ = dst[(panels-1)*dstep+k*6-1], src[(k-1)*sstep+panels*6-1]
		copySixes(unsafe.SliceData(dst), dstep, unsafe.SliceData(src), sstep, panels, k)
	}
}

func copyRowsAVX2(dst []float32, dstep int, src []float32, sstep, panels, k int) {
	if panels > 0 && k > 0 {
		_, _ = dst[(panels-1)*dstep+k*tileWidth-1], src[(k-1)*sstep+panels*tileWidth-1]
		copySixteen(unsafe.SliceData(dst), dstep, unsafe.SliceData(src), sstep, panels, k)
	}
}

func copyRunsAVX2(dst []float32, dstep int, src []float32, sstep, n, k int) {
	if n > 0 && k > 0 {
		_, _ = dst[(k-1)*dstep+n-1], src[(k-1)*sstep+n-1]
		copyRows(unsafe.SliceData(dst), dstep, unsafe.SliceData(src), sstep, n, k)
	}
}

func addRowsAVX2(dst []float32, dstep int, src []float32, k int) {
	if k > 0 {
		_, _ = dst[(k-1)*dstep+tileWidth-1], src[k*tileWidth-1]
		addSixteen(unsafe.SliceData(dst), dstep, unsafe.SliceData(src), k)
	}
}

func mulAddRowsAVX2(dst []float32, dstep int, a []float32, astep int, b []float32, bstep int, n, rows int) {
	if n > 0 && rows > 0 {
		_, _, _ = dst[(rows-1)*dstep+n-1], a[(rows-1)*astep+n-1], b[(rows-1)*bstep+n-1]
		mulAddRows(unsafe.SliceData(dst), dstep, unsafe.SliceData(a), astep, unsafe.SliceData(b), bstep, n, rows)
	}
}
