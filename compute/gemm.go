package compute

import (
	"fmt"
	"strings"
)

// Epilogue is what a product does with a finished element before it is stored:
// first the bias of its column, then the value that was there, then relu, whose
// result is no more than Ceil, if that is not zero, and last the Curve.
type Epilogue struct {
	Add   bool      // add to C instead of writing it
	Bias  []float32 // one per column of C; nil for none
	ReLU  bool
	Ceil  float32
	Curve Curve
}

// clamp is relu of v under e's ceiling.
func (e *Epilogue) clamp(v float32) float32 {
	if v < 0 {
		return 0
	}
	if e.Ceil != 0 && v > e.Ceil {
		return e.Ceil
	}
	return v
}

// genericKernel is last in the table and runs everywhere; the others are
// tested against it.
var genericKernel = gemmKernel{
	name: "generic", runs: true, rows: 6,
	packA: packRowsGeneric, copyA: copyColsGeneric,
	byRow: tileByRowGeneric, byRun: tileByRowGeneric, byCol: tileByColGeneric, byPanel: tileByColGeneric,
	pack: packGeneric, copy: copyRowsGeneric, copyRuns: copyRunsGeneric, add: addRowsGeneric, mulAdd: mulAddRowsGeneric,
}

// gemmKernels, those first that are taken before others.
var gemmKernels = append(archKernels[:len(archKernels):len(archKernels)], genericKernel)

// kernelInUse is the first row that runs here, unless SetKernel chose another.
var kernelInUse = firstKernel()

func firstKernel() *gemmKernel {
	for i := range gemmKernels {
		if gemmKernels[i].runs {
			return &gemmKernels[i]
		}
	}
	panic("compute: no kernel runs on this machine")
}

// KernelName is the name of the kernel in use.
func KernelName() string { return kernelInUse.name }

// Kernels are the names of the kernels that this machine can run, best first.
func Kernels() []string {
	var names []string
	for _, k := range gemmKernels {
		if k.runs {
			names = append(names, k.name)
		}
	}
	return names
}

// SetKernel chooses the kernel of products and sweeps by name, while none runs.
func SetKernel(name string) error {
	for i := range gemmKernels {
		if gemmKernels[i].name != name {
			continue
		}
		if !gemmKernels[i].runs {
			return fmt.Errorf("kernel %s: this machine cannot run it: use %s", name, strings.Join(Kernels(), " or "))
		}
		kernelInUse = &gemmKernels[i]
		useVectors(name)
		return nil
	}
	return fmt.Errorf("kernel %q: no such kernel: use %s", name, strings.Join(Kernels(), " or "))
}

// Gemm is C = relu?(op(A)·op(B) + bias + (C if Add)), row-major.
//
//	op(A)  m×k    A if !ta, its transpose if ta (A is then k×m)
//	op(B)  k×n    B if !tb, its transpose if tb (B is then n×k)
//	C      m×n
//
// lda, ldb and ldc are the distances between rows in memory. C must not
// overlap A or B. With k = 0 the product is zero.
func Gemm(p *Pool, ta, tb bool, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, e Epilogue) {
	if row := (oneRow{tb: tb, n: n, k: k, a: a, b: b, c: c, ldb: ldb, e: e}); m == 1 && n > 0 && !ta && row.takes() {
		row.run(p)
		e.Curve.sweep(p, m, n, c, ldc)
		return
	}
	if sum := (longSum{m: m, n: n, k: k, a: a, b: b, c: c, lda: lda, ldb: ldb, ldc: ldc, add: e.Add}); sum.takes(ta, tb, e) {
		sum.run(p)
		e.Curve.sweep(p, m, n, c, ldc)
		return
	}
	gemmWith(kernelInUse, p, ta, tb, m, n, k, a, lda, b, ldb, c, ldc, e)
	e.Curve.sweep(p, m, n, c, ldc)
}
