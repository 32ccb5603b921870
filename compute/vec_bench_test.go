package compute

import (
	"fmt"
	"testing"
)

// bench runs f once a round and reports the memory that it has to move.
func bench(b *testing.B, name string, bytes int, f func()) {
	b.Run(name, func(b *testing.B) {
		f()
		b.ReportAllocs()
		for b.Loop() {
			f()
		}
		b.ReportMetric(float64(bytes)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
	})
}

// BenchmarkSweeps is at the sizes of a batch of 64 in resnet20's first stage,
// 64×32×32×16, on one thread.
func BenchmarkSweeps(b *testing.B) {
	const rows, c = 64 * 32 * 32, 16
	const n = rows * c
	p := NewPool(1)
	defer p.Close()
	x, y, dy, dx := randoms(1, n), randoms(2, n), randoms(3, n), make([]float32, n)
	var col [8][]float32
	for i := range col {
		col[i] = randoms(uint64(i), c)
	}
	keep := make([]byte, n)
	bench(b, "add", 12*n, func() { Add(p, x, y, dx) })
	for a := range actCount {
		bench(b, fmt.Sprint(a), 8*n, func() { ActForward(p, a, 0.1, x, y) })
		bench(b, fmt.Sprint(a, " gradient"), 12*n, func() { ActBackward(p, a, 0.1, x, y, dy, dx) })
	}
	bench(b, "dropout", 9*n, func() { DropoutForward(p, 1, 0.5, x, y, keep) })
	bench(b, "dropout gradient", 9*n, func() { DropoutBackward(p, 0.5, dy, dx, keep) })
	bench(b, "batchnorm", 12*n, func() {
		BatchNormForward(p, rows, c, x, col[0], col[1], y, col[2], col[3], col[4], col[5], 1e-5, 0.1)
	})
	bench(b, "batchnorm gradient", 20*n, func() {
		BatchNormBackward(p, rows, c, x, col[0], col[2], col[3], dy, dx, col[6], col[7])
	})
	bench(b, "column sum", 4*n, func() { ColumnSum(p, rows, c, x, col[0], false) })
	bench(b, "squares", 4*n, func() { SumSquares(p, x) })
	bench(b, "moments", 4*n, func() { Moments(p, x) })
	bench(b, "dead columns", 4*n, func() { DeadColumns(p, rows, c, x) })
	bench(b, "finite", 4*n, func() { Finite(p, x) })
	for _, k := range []int{2, 3} {
		g := &Pooling{N: 64, H: 32, W: 32, C: c, KH: k, KW: k, StrideH: 2, StrideW: 2, PadTop: k - 2, PadLeft: k - 2, OH: 16, OW: 16}
		small, marks := y[:g.out()], keep[:g.out()]
		bench(b, fmt.Sprint("maxpool ", k), 4*n+5*g.out(), func() { MaxPoolForward(p, g, x, small, marks) })
		bench(b, fmt.Sprint("maxpool gradient ", k), 4*n+5*g.out(), func() { MaxPoolBackward(p, g, small, marks, dx) })
		bench(b, fmt.Sprint("avgpool ", k), 4*n+4*g.out(), func() { AvgPoolForward(p, g, x, small) })
		bench(b, fmt.Sprint("avgpool gradient ", k), 4*n+4*g.out(), func() { AvgPoolBackward(p, g, small, dx) })
	}
	lenet := &Pooling{N: 64, H: 28, W: 28, C: 6, KH: 2, KW: 2, StrideH: 2, StrideW: 2, OH: 14, OW: 14}
	small, marks := y[:lenet.out()], keep[:lenet.out()]
	bench(b, "maxpool of 6", 4*lenet.in()+5*lenet.out(), func() { MaxPoolForward(p, lenet, x[:lenet.in()], small, marks) })
	bench(b, "maxpool gradient of 6", 4*lenet.in()+5*lenet.out(), func() { MaxPoolBackward(p, lenet, small, marks, dx[:lenet.in()]) })
	bench(b, "global average", 4*n, func() { GlobalAvgForward(p, 64, 1024, c, nil, x, y[:64*c]) })
	bench(b, "to channels first", 8*n, func() { NHWCToNCHW(p, 64, 32, 32, c, x, y) })
}

// BenchmarkOptimizers is at resnet18's size of one large parameter.
func BenchmarkOptimizers(b *testing.B) {
	const n = 512 * 512 * 9
	p := NewPool(1)
	defer p.Close()
	w, g, m, v := randoms(1, n), make([]float32, n), make([]float32, n), make([]float32, n)
	st, parts := make([]SweepStats, 1), whole(n)
	bench(b, "sgd", 20*n, func() { SGDStep(p, parts, w, g, m, 0.1, 0.9, 1e-4, 0, false, 1, st) })
	bench(b, "nesterov", 20*n, func() { SGDStep(p, parts, w, g, m, 0.1, 0.9, 1e-4, 0, true, 1, st) })
	clear(m)
	bench(b, "adam", 28*n, func() { AdamStep(p, parts, w, g, m, v, 1e-3, 0.9, 0.999, 1e-8, 0, 0, false, 0.1, 0.001, 1, st) })
}

func BenchmarkSoftmax(b *testing.B) {
	p := NewPool(1)
	defer p.Close()
	for _, s := range [][2]int{{128, 10}, {256, 1000}} {
		rows, c := s[0], s[1]
		x, y, labels := randoms(1, rows*c), make([]float32, rows*c), make([]int32, rows)
		bench(b, fmt.Sprint("softmax ", rows, "×", c), 8*rows*c, func() { Softmax(p, rows, c, x, y) })
		bench(b, fmt.Sprint("cross-entropy ", rows, "×", c), 8*rows*c, func() { CrossEntropy(p, rows, c, x, labels, nil, 0, y, 1) })
	}
}

// BenchmarkNorms is at the size of a small transformer, 2048 steps of 128
// features, beside a copy of the same memory, and for groups at 32 images of
// 32×32×16. GB/s counts each operand once a pass over memory.
func BenchmarkNorms(b *testing.B) {
	const rows, c = 2048, 128
	const n = rows * c
	p := NewPool(1)
	defer p.Close()
	x, y, dy, dx := randoms(1, 2*n), randoms(2, 2*n), randoms(3, 2*n), make([]float32, 2*n)
	var col [4][]float32
	for i := range col {
		col[i] = randoms(uint64(i), c)
	}
	mean, inv := make([]float32, rows), make([]float32, rows)
	bench(b, "copy", 8*n, func() { Copy(p, y[:n], x[:n]) })
	bench(b, "add", 12*n, func() { Add(p, x[:n], y[:n], dx[:n]) })
	bench(b, "layernorm", 8*n, func() { LayerNormForward(p, rows, c, x[:n], col[0], col[1], y[:n], mean, inv, 1e-5) })
	bench(b, "layernorm gradient", 12*n, func() {
		LayerNormBackward(p, rows, c, x[:n], col[0], mean, inv, dy[:n], dx[:n], col[2], col[3])
	})
	bench(b, "rmsnorm", 8*n, func() { RMSNormForward(p, rows, c, x[:n], col[0], y[:n], inv, 1e-5) })
	bench(b, "rmsnorm gradient", 12*n, func() { RMSNormBackward(p, rows, c, x[:n], col[0], inv, dy[:n], dx[:n], col[2]) })
	bench(b, "column scale", 8*n, func() { ColumnScale(p, rows, c, x[:n], col[0], y[:n]) })
	bench(b, "column scale gradient", 12*n, func() { ColumnScaleBackward(p, rows, c, x[:n], col[0], dy[:n], dx[:n], col[2]) })
	bench(b, "prelu", 8*n, func() { PReLU(p, rows, c, x[:n], col[0], y[:n]) })
	bench(b, "prelu gradient", 12*n, func() { PReLUBackward(p, rows, c, x[:n], col[0], dy[:n], dx[:n], col[2]) })
	for _, f := range []Act{ActNone, ActSigmoid, ActSiLU} {
		bench(b, fmt.Sprint("glu ", f), 12*n, func() { GLU(p, f, rows, c, x, y[:n]) })
		bench(b, fmt.Sprint("glu gradient ", f), 20*n, func() { GLUBackward(p, f, rows, c, x, dy[:n], dx) })
	}
	bench(b, "log-softmax", 8*n, func() { LogSoftmax(p, rows, c, x[:n], y[:n]) })
	bench(b, "log-softmax gradient", 12*n, func() { LogSoftmaxBackward(p, rows, c, y[:n], dy[:n], dx[:n]) })
	bench(b, "softmax", 8*n, func() { Softmax(p, rows, c, x[:n], y[:n]) })
	bench(b, "softmax gradient", 12*n, func() { SoftmaxBackward(p, rows, c, y[:n], dy[:n], dx[:n]) })

	// 32 MB an operand, out of every cache.
	const big = 1 << 16
	u, v := randoms(4, big*c), make([]float32, big*c)
	manyMean, manyInv := make([]float32, big), make([]float32, big)
	bench(b, "big copy", 8*big*c, func() { Copy(p, v, u) })
	bench(b, "big add", 12*big*c, func() { Add(p, u, v, v) })
	bench(b, "big layernorm", 8*big*c, func() { LayerNormForward(p, big, c, u, col[0], col[1], v, manyMean, manyInv, 1e-5) })
	bench(b, "big layernorm gradient", 12*big*c, func() {
		LayerNormBackward(p, big, c, u, col[0], manyMean, manyInv, v, v, col[2], col[3])
	})
	bench(b, "big rmsnorm", 8*big*c, func() { RMSNormForward(p, big, c, u, col[0], v, manyInv, 1e-5) })
	bench(b, "big prelu", 8*big*c, func() { PReLU(p, big, c, u, col[0], v) })

	const images, hw, ch = 32, 1024, 16
	gmean, ginv := make([]float32, images*ch), make([]float32, images*ch)
	m := images * hw * ch
	bench(b, "groupnorm", 8*m, func() {
		GroupNormForward(p, images, hw, ch, 4, nil, x, col[0][:ch], col[1][:ch], y, gmean, ginv, 1e-5)
	})
	bench(b, "groupnorm gradient", 12*m, func() {
		GroupNormBackward(p, images, hw, ch, 4, nil, x, col[0][:ch], gmean, ginv, dy, dx, col[2][:ch], col[3][:ch])
	})
	keep := make([]byte, images*ch)
	bench(b, "drop columns", 8*m, func() { DropColumns(p, 1, 0.2, images, hw, ch, x, y, keep) })
}
