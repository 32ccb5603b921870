//go:build arm64 && !noasm

package compute

import "unsafe"

// The NEON kernels keep a tile of C of six rows and sixteen columns in 24
// registers; four hold a row of B, four elements of A. _asm/neon writes them
// and names the registers. NEON is part of every arm64 processor.

//go:noescape
func rowTile16(t *tile) // thirteen to sixteen columns, A by row

//go:noescape
func rowTile12(t *tile) // nine to twelve columns

//go:noescape
func rowTile8(t *tile) // five to eight columns

//go:noescape
func rowTile4(t *tile) // four columns

//go:noescape
func rowTile3(t *tile) // one to three columns

//go:noescape
func colTile16(t *tile) // thirteen to sixteen columns, A by column

//go:noescape
func colTile12(t *tile) // nine to twelve columns

//go:noescape
func colTile8(t *tile) // five to eight columns

//go:noescape
func colTile4(t *tile) // four columns

//go:noescape
func colTile3(t *tile) // one to three columns

// packFour writes dst[p*dstep+j] = src[j*sstep+p] for j < 4 and p < 4·n4,
// n4 > 0: a 4×4 transpose in registers, again and again.
//
//go:noescape
func packFour(dst *float32, dstep int, src *float32, sstep int, n4 int)

// copySixteen writes dst[p*16+j] = src[p*sstep+j] for j < 16 and p < k, k > 0,
// and asks for the sixteen after them, which are mostly wanted next.
//
//go:noescape
func copySixteen(dst, src *float32, sstep int, k int)

// addSixteen is dst[p*dstep+j] += src[p*16+j] for j < 16 and p < k, k > 0.
//
//go:noescape
func addSixteen(dst *float32, dstep int, src *float32, k int)

// mulAddRows is dst[r*dstep+i] += a[r*astep+i]·b[r*bstep+i] for i < n and
// r < rows, both > 0, one row after the other.
//
//go:noescape
func mulAddRows(dst *float32, dstep int, a *float32, astep int, b *float32, bstep int, n, rows int)

// mulAddChains is s += x·y and s -= x·y in 24 registers a round, rounds > 0.
//
//go:noescape
func mulAddChains(rounds int, x, y float32)

var archKernels = []gemmKernel{{
	name:     "neon",
	runs:     true,
	rows:     6,
	packA:    packSixNEON,
	copyA:    copyColsGeneric,
	byRow:    tileByRowNEON,
	byCol:    tileByColNEON,
	byRun:    tileByRowNEON,
	byPanel:  tileByColNEON,
	pack:     packNEON,
	copy:     copyRowsNEON,
	copyRuns: copyRunsGeneric,
	add:      addRowsNEON,
	mulAdd:   mulAddRowsNEON,
	chains:   mulAddChains,
	perRun:   48 * 4,
}}

func tileByRowNEON(t *tile) {
	switch {
	case t.cols > 12:
		rowTile16(t)
	case t.cols > 8:
		rowTile12(t)
	case t.cols > 4:
		rowTile8(t)
	case t.cols == 4:
		rowTile4(t)
	default:
		rowTile3(t)
	}
}

func tileByColNEON(t *tile) {
	switch {
	case t.cols > 12:
		colTile16(t)
	case t.cols > 8:
		colTile12(t)
	case t.cols > 4:
		colTile8(t)
	case t.cols == 4:
		colTile4(t)
	default:
		colTile3(t)
	}
}

func packNEON(dst, src []float32, sstep, cols, k int) {
	n4 := k / 4
	j := 0
	if n4 > 0 {
		_ = dst[k*tileWidth-1]
		for ; j+4 <= cols; j += 4 {
			_ = src[(j+3)*sstep+k-1]
			packFour(unsafe.SliceData(dst[j:]), tileWidth, unsafe.SliceData(src[j*sstep:]), sstep, n4)
			for p := n4 * 4; p < k; p++ {
				for i := j; i < j+4; i++ {
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

// packSixNEON packs six rows as two times four, two of them twice.
func packSixNEON(dst, src []float32, sstep, rows, k int) {
	n4 := k / 4
	if rows != 6 || n4 == 0 {
		packRowsGeneric(dst, src, sstep, rows, k)
		return
	}
	_, _ = dst[6*k-1], src[5*sstep+k-1]
	packFour(unsafe.SliceData(dst), 6, unsafe.SliceData(src), sstep, n4)
	packFour(unsafe.SliceData(dst[2:]), 6, unsafe.SliceData(src[2*sstep:]), sstep, n4)
	packRowsGeneric(dst[n4*4*6:], src[n4*4:], sstep, 6, k-n4*4)
}

func copyRowsNEON(dst []float32, dstep int, src []float32, sstep, panels, k int) {
	for q := 0; q < panels && k > 0; q++ {
		d, s := dst[q*dstep:], src[q*tileWidth:]
		_, _ = d[k*tileWidth-1], s[(k-1)*sstep+tileWidth-1]
		copySixteen(unsafe.SliceData(d), unsafe.SliceData(s), sstep, k)
	}
}

func addRowsNEON(dst []float32, dstep int, src []float32, k int) {
	if k > 0 {
		_, _ = dst[(k-1)*dstep+tileWidth-1], src[k*tileWidth-1]
		addSixteen(unsafe.SliceData(dst), dstep, unsafe.SliceData(src), k)
	}
}

func mulAddRowsNEON(dst []float32, dstep int, a []float32, astep int, b []float32, bstep int, n, rows int) {
	if n > 0 && rows > 0 {
		_, _, _ = dst[(rows-1)*dstep+n-1], a[(rows-1)*astep+n-1], b[(rows-1)*bstep+n-1]
		mulAddRows(unsafe.SliceData(dst), dstep, unsafe.SliceData(a), astep, unsafe.SliceData(b), bstep, n, rows)
	}
}
