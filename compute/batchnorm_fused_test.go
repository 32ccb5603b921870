package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func sameFloats(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// What is fused gives the bits of the steps one by one, forward and backward,
// with and without scale and shift.
func TestBatchNormFused(t *testing.T) {
	const eps, momentum = 1e-5, 0.1
	eachVectors(t, func(t *testing.T) {
		for _, s := range columnSizes {
			rows, c := s[0], s[1]
			for _, affine := range []bool{true, false} {
				name := fmt.Sprintf("%v affine %v", s, affine)
				r := rand.New(rand.NewPCG(8, 9))
				x, _ := fenced(t, r, rows*c)
				z, _ := fenced(t, r, rows*c)
				dy, _ := fenced(t, r, rows*c)
				y, checkY := fenced(t, r, rows*c)
				dm, checkDM := fenced(t, r, rows*c)
				dx, checkDX := fenced(t, r, rows*c)
				var gamma, beta []float32
				if affine {
					gamma, beta = randoms(2, c), randoms(3, c)
				}
				mean, invstd := make([]float32, c), make([]float32, c)
				runMean, runVar := randoms(4, c), make([]float32, c)
				Fill(nil, runVar, 0.7)

				for _, relu := range []bool{false, true} {
					want := make([]float32, rows*c)
					BatchNormForward(nil, rows, c, x, gamma, beta, want, mean, invstd, nil, nil, eps, momentum)
					AddTo(nil, want, z)
					inferred := make([]float32, rows*c)
					BatchNormInfer(nil, rows, c, x, gamma, beta, inferred, runMean, runVar, eps)
					AddTo(nil, inferred, z)
					if relu {
						ActForward(nil, ActReLU, 0, want, want)
						ActForward(nil, ActReLU, 0, inferred, inferred)
					}
					BatchNormAddForward(nil, rows, c, x, gamma, beta, z, y, mean, invstd, nil, nil, eps, momentum, relu)
					checkY()
					sameFloats(t, name+" and add", y, want)
					over := append([]float32(nil), z...)
					BatchNormAddForward(nil, rows, c, x, gamma, beta, over, over, mean, invstd, nil, nil, eps, momentum, relu)
					sameFloats(t, name+" and add in place", over, want)
					BatchNormAddInfer(nil, rows, c, x, gamma, beta, z, y, runMean, runVar, eps, relu)
					checkY()
					sameFloats(t, name+" and add, inference", y, inferred)
				}

				// behind the norm itself
				BatchNormReLUForward(nil, rows, c, x, gamma, beta, y, mean, invstd, nil, nil, eps, momentum)
				dgamma, dbeta := randoms(6, c), randoms(7, c)
				wantDG, wantDB := append([]float32(nil), dgamma...), append([]float32(nil), dbeta...)
				masked, want := make([]float32, rows*c), make([]float32, rows*c)
				ActBackward(nil, ActReLU, 0, nil, y, dy, masked)
				BatchNormBackward(nil, rows, c, x, gamma, mean, invstd, masked, want, wantDG, wantDB)
				BatchNormReLUBackward(nil, rows, c, x, gamma, beta, mean, invstd, dy, dx, dgamma, dbeta)
				checkDX()
				sameFloats(t, name+" dx behind relu", dx, want)
				sameFloats(t, name+" dgamma behind relu", dgamma, wantDG)
				sameFloats(t, name+" dbeta behind relu", dbeta, wantDB)
				over := append([]float32(nil), dy...)
				BatchNormReLUBackward(nil, rows, c, x, gamma, beta, mean, invstd, over, over, nil, nil)
				sameFloats(t, name+" dx behind relu in place", over, want)

				// behind a sum
				BatchNormAddForward(nil, rows, c, x, gamma, beta, z, y, mean, invstd, nil, nil, eps, momentum, true)
				ActBackward(nil, ActReLU, 0, nil, y, dy, masked)
				BatchNormBackward(nil, rows, c, x, gamma, mean, invstd, masked, want, wantDG, wantDB)
				BatchNormMaskBackward(nil, rows, c, x, gamma, mean, invstd, y, dy, dm, dx, dgamma, dbeta)
				checkDM()
				checkDX()
				sameFloats(t, name+" what relu leaves", dm, masked)
				sameFloats(t, name+" dx behind a sum", dx, want)
				sameFloats(t, name+" dgamma behind a sum", dgamma, wantDG)
				sameFloats(t, name+" dbeta behind a sum", dbeta, wantDB)
				over = append([]float32(nil), dy...)
				BatchNormMaskBackward(nil, rows, c, x, gamma, mean, invstd, y, over, over, dx, nil, nil)
				sameFloats(t, name+" what relu leaves, in place", over, masked)
				sameFloats(t, name+" dx behind a sum, in place", dx, want)
			}
		}
	})
}

// A product with folded weights is the product and then batch norm.
func TestFoldBatchNorm(t *testing.T) {
	const eps = 1e-3
	eachVectors(t, func(t *testing.T) {
		for _, s := range [][2]int{{1, 1}, {9, 3}, {27, 16}, {64, 7}, {300, 260}} {
			rows, c := s[0], s[1]
			r := rand.New(rand.NewPCG(8, 10))
			w, _ := fenced(t, r, rows*c)
			wOut, checkW := fenced(t, r, rows*c)
			bOut, checkB := fenced(t, r, c)
			runMean, runVar := randoms(4, c), randoms(5, c)
			for j := range runVar {
				runVar[j] *= runVar[j]
			}
			for _, bare := range []bool{false, true} {
				var b, gamma, beta []float32
				if !bare {
					b, gamma, beta = randoms(1, c), randoms(2, c), randoms(3, c)
				}
				FoldBatchNorm(nil, rows, c, w, b, gamma, beta, runMean, runVar, eps, wOut, bOut)
				checkW()
				checkB()
				wantW, wantB := make([]float64, rows*c), make([]float64, c)
				for j := range c {
					scale, bias, shift := 1/math.Sqrt(float64(runVar[j])+float64(float32(eps))), 0.0, 0.0
					if !bare {
						scale, bias, shift = scale*float64(gamma[j]), float64(b[j]), float64(beta[j])
					}
					for i := range rows {
						wantW[i*c+j] = float64(w[i*c+j]) * scale
					}
					wantB[j] = (bias-float64(runMean[j]))*scale + shift
				}
				within(t, fmt.Sprint(s, " weights"), wOut, wantW, 3e-7, 0)
				within(t, fmt.Sprint(s, " bias"), bOut, wantB, 1e-6, 1e-6)
			}
		}
	})
}
