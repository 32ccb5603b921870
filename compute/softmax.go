package compute

import (
	"fmt"
	"math"
)

type rowsArgs struct {
	cols     int
	x, y, dy []float32
}

func rowGrain(cols int) int { return max(1, heavyGrain/max(1, cols)) }

// Softmax is y = exp(x)/Σexp(x) along each row, the row's largest value taken
// off first. y may be x. A row of −∞ alone becomes zeros.
//
//	x, y [rows, cols]
func Softmax(p *Pool, rows, cols int, x, y []float32) {
	mustLen("softmax", rows*cols, len(x), len(y))
	For(p, rows, rowGrain(cols), rowsArgs{cols: cols, x: x, y: y}, func(t *rowsArgs, _ *Worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			x, y := t.x[r*t.cols:][:t.cols], t.y[r*t.cols:][:t.cols]
			m := vec.maxOf(x)
			if math.IsInf(float64(m), -1) && !hasNaN(x) {
				clear(y)
				continue
			}
			s := vec.expSum(y, x, m)
			vec.scale(y, y, 1/s)
		}
	})
}

func hasNaN(x []float32) bool {
	for _, v := range x {
		if v != v {
			return true
		}
	}
	return false
}

// SoftmaxBackward is dx = y·(dy − Σdy·y) along each row. dx may be dy.
//
//	y, dy, dx [rows, cols]
func SoftmaxBackward(p *Pool, rows, cols int, y, dy, dx []float32) {
	mustLen("softmax's gradient", rows*cols, len(y), len(dy), len(dx))
	For(p, rows, rowGrain(cols), rowsArgs{cols, y, dx, dy}, func(t *rowsArgs, _ *Worker, lo, hi int) {
		for r := lo; r < hi; r++ {
			y, dy, dx := t.x[r*t.cols:][:t.cols], t.dy[r*t.cols:][:t.cols], t.y[r*t.cols:][:t.cols]
			d := vec.dot(y, dy)
			vec.softmaxGrad(dx, y, dy, d)
		}
	})
}

// LogSoftmax is y = x − ln Σexp(x) along each row. y may be x.
//
//	x, y [rows, cols]
func LogSoftmax(p *Pool, rows, cols int, x, y []float32) {
	mustLen("log-softmax", rows*cols, len(x), len(y))
	For(p, rows, rowGrain(cols), rowsArgs{cols: cols, x: x, y: y}, func(t *rowsArgs, w *Worker, lo, hi int) {
		tmp := w.Scratch(t.cols)
		for r := lo; r < hi; r++ {
			x, y := t.x[r*t.cols:][:t.cols], t.y[r*t.cols:][:t.cols]
			m := vec.maxOf(x)
			l := float32(math.Log(float64(vec.expSum(tmp, x, m))))
			vec.shift(y, x, m) // not by m+l at once: that sum would be rounded
			vec.shift(y, y, l)
		}
	})
}

// LogSoftmaxBackward is dx = dy − exp(y)·Σdy along each row. dx may be dy.
//
//	y, dy, dx [rows, cols]
func LogSoftmaxBackward(p *Pool, rows, cols int, y, dy, dx []float32) {
	mustLen("log-softmax's gradient", rows*cols, len(y), len(dy), len(dx))
	For(p, rows, rowGrain(cols), rowsArgs{cols, y, dx, dy}, func(t *rowsArgs, w *Worker, lo, hi int) {
		e := w.Scratch(t.cols)
		for r := lo; r < hi; r++ {
			y, dy, dx := t.x[r*t.cols:][:t.cols], t.dy[r*t.cols:][:t.cols], t.y[r*t.cols:][:t.cols]
			s := vec.sum(dy)
			vec.expSum(e, y, 0)
			vec.addScaled(dx, dy, e, -s)
		}
	})
}

type crossEntropyArgs struct {
	cols, grain      int
	x, dx            []float32
	labels           []int32
	weights          []float32
	smoothing, scale float32
	part             []float64
}

// CrossEntropy is the loss −Σⱼ qⱼ·ln softmax(logits)ⱼ summed over the rows,
// with q = (1−smoothing)·onehot(label) + smoothing/cols, and its gradient
//
//	dlogits = scale·(softmax − q)
//
//	logits, dlogits [rows, cols]   labels [rows]
//
// With weights, one a class, it is as PyTorch has it
//
//	−(1−smoothing)·w(label)·ln softmax(label) − smoothing/cols·Σⱼ wⱼ·ln softmaxⱼ
//
// nil weighs every class as 1.
//
// correct counts the rows whose largest logit, the first of equals, is at the
// label. Rows with a label below 0 count for nothing and get no gradient.
// dlogits may be nil, or logits.
func CrossEntropy(p *Pool, rows, cols int, logits []float32, labels []int32, weights []float32, smoothing float32, dlogits []float32, scale float32) (lossSum float64, correct int) {
	mustLen("cross-entropy", rows*cols, len(logits))
	mustLen("cross-entropy's labels", rows, len(labels))
	if dlogits != nil {
		mustLen("cross-entropy's gradient", rows*cols, len(dlogits))
	}
	if weights != nil {
		mustLen("cross-entropy's weights", cols, len(weights))
	}
	if rows == 0 {
		return 0, 0
	}
	g := rowGrain(cols)
	part := partials.take(2 * ((rows + g - 1) / g))
	For(p, rows, g, crossEntropyArgs{cols, g, logits, dlogits, labels, weights, smoothing, scale, part}, crossEntropyRows)
	for i := 0; i < len(part); i += 2 {
		lossSum += part[i]
		correct += int(part[i+1])
	}
	partials.give(part)
	return lossSum, correct
}

func crossEntropyRows(t *crossEntropyArgs, w *Worker, lo, hi int) {
	var loss float64
	right := 0
	tmp := w.Scratch(t.cols)
	for r := lo; r < hi; r++ {
		x, label := t.x[r*t.cols:][:t.cols], int(t.labels[r])
		dx := tmp
		if t.dx != nil {
			dx = t.dx[r*t.cols:][:t.cols]
		}
		if label < 0 {
			if t.dx != nil {
				clear(dx)
			}
			continue
		}
		if label >= t.cols {
			panic(fmt.Sprintf("compute: cross-entropy got label %d in row %d, wants 0 to %d", label, r, t.cols-1))
		}
		m := vec.maxOf(x)
		own := float64(x[label])
		if x[label] == m && firstAt(x, m) == label {
			right++
		}
		mean := own
		if t.smoothing != 0 {
			mean = float64(vec.sum(x)) / float64(t.cols)
		}
		var wx, wall float64 // Σ w·x and Σ w: dx may lie on x
		if t.weights != nil && t.smoothing != 0 {
			for j, u := range t.weights {
				wx += float64(u) * float64(x[j])
				wall += float64(u)
			}
		}
		s := vec.expSum(dx, x, m)
		lse := float64(m) + math.Log(float64(s))
		if t.weights != nil {
			even := float64(t.smoothing) / float64(t.cols)
			mine := float64(1-t.smoothing) * float64(t.weights[label])
			loss += mine*(lse-own) + even*(wall*lse-wx)
			if t.dx != nil {
				vec.scale(dx, dx, t.scale*float32(mine+even*wall)/s)
				for j := range dx {
					dx[j] -= t.scale * float32(even) * t.weights[j]
				}
				dx[label] -= t.scale * float32(mine)
			}
			continue
		}
		loss += lse - float64(1-t.smoothing)*own - float64(t.smoothing)*mean
		if t.dx == nil {
			continue
		}
		vec.scale(dx, dx, t.scale/s)
		if t.smoothing != 0 {
			even := t.scale * t.smoothing / float32(t.cols)
			for j := range dx {
				dx[j] -= even
			}
		}
		dx[label] -= t.scale * (1 - t.smoothing)
	}
	c := lo / t.grain
	t.part[2*c], t.part[2*c+1] = loss, float64(right)
}

func firstAt(x []float32, v float32) int {
	for i, u := range x {
		if u == v {
			return i
		}
	}
	return -1
}
