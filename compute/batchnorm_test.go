package compute

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// bnReference is batch norm's definition in float64.
type bnReference struct{ y, mean, invstd, variance []float64 }

func newBNReference(rows, c int, x, gamma, beta []float64, eps float64) bnReference {
	r := bnReference{make([]float64, rows*c), make([]float64, c), make([]float64, c), make([]float64, c)}
	for j := range c {
		for i := range rows {
			r.mean[j] += x[i*c+j] / float64(rows)
		}
		for i := range rows {
			d := x[i*c+j] - r.mean[j]
			r.variance[j] += d * d / float64(rows)
		}
		r.invstd[j] = 1 / math.Sqrt(r.variance[j]+eps)
		for i := range rows {
			r.y[i*c+j] = gamma[j]*(x[i*c+j]-r.mean[j])*r.invstd[j] + beta[j]
		}
	}
	return r
}

func TestBatchNorm(t *testing.T) {
	const eps, momentum = 1e-5, 0.1
	eachVectors(t, func(t *testing.T) {
		for _, s := range columnSizes {
			rows, c := s[0], s[1]
			r := rand.New(rand.NewPCG(1, 2))
			x, _ := fenced(t, r, rows*c)
			y, checkY := fenced(t, r, rows*c)
			dy, _ := fenced(t, r, rows*c)
			dx, checkDX := fenced(t, r, rows*c)
			gamma, beta := randoms(2, c), randoms(3, c)
			mean, invstd := make([]float32, c), make([]float32, c)
			runMean, runVar := randoms(4, c), randoms(5, c)
			for j := range runVar {
				runVar[j] *= runVar[j]
			}
			ref := newBNReference(rows, c, wide(x), wide(gamma), wide(beta), float64(float32(eps)))
			wantMean, wantVar := wide(runMean), wide(runVar)
			for j := range c {
				wantMean[j] = 0.9*wantMean[j] + 0.1*ref.mean[j]
				wantVar[j] = 0.9*wantVar[j] + 0.1*ref.variance[j]*float64(rows)/max(1, float64(rows-1))
			}
			BatchNormForward(nil, rows, c, x, gamma, beta, y, mean, invstd, runMean, runVar, eps, momentum)
			name := fmt.Sprint(s)
			// With two rows invstd may be large: errors scale with it.
			loud := 1.0
			for _, v := range ref.invstd {
				loud = max(loud, v)
			}
			within(t, name+" mean", mean, ref.mean, 1e-6, 1e-6)
			within(t, name+" invstd", invstd, ref.invstd, 2e-6*loud, 0)
			within(t, name+" y", y, ref.y, 2e-6*loud, 2e-6*loud)
			within(t, name+" running mean", runMean, wantMean, 1e-6, 1e-6)
			within(t, name+" running variance", runVar, wantVar, 2e-6, 1e-7)
			checkY()

			dgamma, dbeta := randoms(6, c), randoms(7, c)
			wantDG, wantDB, wantDX := wide(dgamma), wide(dbeta), make([]float64, rows*c)
			for j := range c {
				var a, b float64
				for i := range rows {
					xhat := (float64(x[i*c+j]) - ref.mean[j]) * ref.invstd[j]
					a += float64(dy[i*c+j])
					b += float64(dy[i*c+j]) * xhat
				}
				wantDB[j] += a
				wantDG[j] += b
				for i := range rows {
					xhat := (float64(x[i*c+j]) - ref.mean[j]) * ref.invstd[j]
					wantDX[i*c+j] = float64(gamma[j]) * ref.invstd[j] * (float64(dy[i*c+j]) - a/float64(rows) - xhat*b/float64(rows))
				}
			}
			BatchNormBackward(nil, rows, c, x, gamma, mean, invstd, dy, dx, dgamma, dbeta)
			sums := 2e-6 * math.Sqrt(float64(rows)) * loud
			within(t, name+" dgamma", dgamma, wantDG, 1e-5, sums)
			within(t, name+" dbeta", dbeta, wantDB, 1e-5, sums)
			within(t, name+" dx", dx, wantDX, 1e-5*loud, 1e-5*loud*loud)
			checkDX()
			same := append([]float32(nil), dy...)
			BatchNormBackward(nil, rows, c, x, gamma, mean, invstd, same, same, nil, nil)
			for i := range same {
				if same[i] != dx[i] {
					t.Fatalf("%s in place: dx %d is %v, want %v", name, i, same[i], dx[i])
				}
			}
			BatchNormInfer(nil, rows, c, x, gamma, beta, y, runMean, runVar, eps)
			want := make([]float64, rows*c)
			for i, v := range wide(x) {
				j := i % c
				want[i] = float64(gamma[j])*(v-float64(runMean[j]))/math.Sqrt(float64(runVar[j])+eps) + float64(beta[j])
			}
			within(t, name+" inference", y, want, 1e-5, 1e-5)
			checkY()
			same32 := func(what string, relu func(y []float32)) {
				t.Helper()
				two := append([]float32(nil), y...)
				ActForward(nil, ActReLU, 0, two, two)
				one, check := fenced(t, r, rows*c)
				relu(one)
				check()
				for i := range one {
					if one[i] != two[i] {
						t.Fatalf("%s %s with relu: %d is %v, want %v", name, what, i, one[i], two[i])
					}
				}
			}
			same32("inference", func(y []float32) {
				BatchNormReLUInfer(nil, rows, c, x, gamma, beta, y, runMean, runVar, eps)
			})
			BatchNormForward(nil, rows, c, x, gamma, beta, y, mean, invstd, nil, nil, eps, momentum)
			same32("training", func(y []float32) {
				BatchNormReLUForward(nil, rows, c, x, gamma, beta, y, mean, invstd, nil, nil, eps, momentum)
			})
		}
	})
}

// A mean a thousand deviations away must cost the variance nothing, even
// where one outlier stands in the first row.
func TestBatchNormFarFromZero(t *testing.T) {
	eachVectors(t, func(t *testing.T) {
		const rows, c = 20_000, 16
		x := randoms(1, rows*c)
		for i := range x {
			x[i] += 1000
		}
		x[3] = -5000
		ones, zeros := make([]float32, c), make([]float32, c)
		Fill(nil, ones, 1)
		y, mean, invstd := make([]float32, rows*c), make([]float32, c), make([]float32, c)
		BatchNormForward(nil, rows, c, x, nil, nil, y, mean, invstd, nil, nil, 1e-5, 0.1)
		ref := newBNReference(rows, c, wide(x), wide(ones), wide(zeros), 1e-5)
		within(t, "mean", mean, ref.mean, 1e-7, 0)
		within(t, "invstd", invstd, ref.invstd, 1e-6, 0)
		// x itself is known to 3e-5.
		within(t, "y", y, ref.y, 1e-5, 1e-4)
	})
}

// The gradient against differences of the definition, so that the formula and
// not only the code is checked.
func TestBatchNormGradientByDifferences(t *testing.T) {
	const rows, c = 7, 3
	x, dy := wide(randoms(1, rows*c)), randoms(2, rows*c)
	gamma, beta := randoms(3, c), randoms(4, c)
	loss := func(x, gamma, beta []float64) float64 {
		var s float64
		for i, v := range newBNReference(rows, c, x, gamma, beta, 1e-5).y {
			s += v * float64(dy[i])
		}
		return s
	}
	slope := func(v []float64) []float64 {
		d := make([]float64, len(v))
		return d
	}
	g64, b64 := wide(gamma), wide(beta)
	params := [][]float64{x, g64, b64}
	var want [][]float64
	for _, v := range params {
		d := slope(v)
		for i := range v {
			const h = 1e-5
			old := v[i]
			v[i] = old + h
			up := loss(x, g64, b64)
			v[i] = old - h
			d[i] = (up - loss(x, g64, b64)) / (2 * h)
			v[i] = old
		}
		want = append(want, d)
	}
	x32 := randoms(1, rows*c)
	y, mean, invstd := make([]float32, rows*c), make([]float32, c), make([]float32, c)
	BatchNormForward(nil, rows, c, x32, gamma, beta, y, mean, invstd, nil, nil, 1e-5, 0.1)
	dx, dgamma, dbeta := make([]float32, rows*c), make([]float32, c), make([]float32, c)
	BatchNormBackward(nil, rows, c, x32, gamma, mean, invstd, dy, dx, dgamma, dbeta)
	within(t, "dx", dx, want[0], 1e-4, 1e-5)
	within(t, "dgamma", dgamma, want[1], 1e-4, 1e-5)
	within(t, "dbeta", dbeta, want[2], 1e-4, 1e-5)
}
