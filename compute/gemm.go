package compute

import "fmt"

// Epilogue is what a product does with a finished element before it is stored:
// first the bias of its column, then the value that was there, then relu.
type Epilogue struct {
	Add  bool      // add to C instead of writing it
	Bias []float32 // one per column of C; nil for none
	ReLU bool
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
	for i := 0; i < m; i++ {
		for j := 0; j < n; j++ {
			s := float32(0)
			for q := 0; q < k; q++ {
				x, y := 0, 0
				if ta {
					x = q*lda + i
				} else {
					x = i*lda + q
				}
				if tb {
					y = j*ldb + q
				} else {
					y = q*ldb + j
				}
				s += a[x] * b[y]
			}
			if e.Bias != nil {
				s += e.Bias[j]
			}
			if e.Add {
				s += c[i*ldc+j]
			}
			if e.ReLU {
				s = max(s, 0)
			}
			c[i*ldc+j] = s
		}
	}
}

// KernelName is the name of the kernel in use.
func KernelName() string { return "generic" }

// Kernels are the names of the kernels that this machine can run, best first.
func Kernels() []string { return []string{"generic"} }

// SetKernel chooses a kernel by name, before any product runs.
func SetKernel(name string) error {
	if name != "generic" {
		return fmt.Errorf("kernel %q: not one that this machine runs: use one of %v", name, Kernels())
	}
	return nil
}
