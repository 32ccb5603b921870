package data

import (
	"math"
	"slices"

	"layercake/compute"
)

// images is a split of byte images.
type images struct {
	h, w, c int
	pix     []byte // [n, H, W, C]
	labels  []uint8
	level   [][256]float32 // normalized value of each byte, by channel
	easel   *easel         // draws into pix what is asked for; nil where pix is whole
}

func (s *images) Len() int { return len(s.labels) }

func (s *images) Sizes() Sizes { return Sizes{X: []compute.Shape{{s.c, s.h, s.w}}, Labels: 1} }

func (s *images) Label(i int) int { return int(s.labels[i]) }

func (s *images) Image(i int) []float32 {
	src := s.raw(i)
	out := make([]float32, len(src))
	for j, b := range src {
		out[j] = float32(b) / 255
	}
	return out
}

// raw is the bytes of sample i.
func (s *images) raw(i int) []byte {
	s.want(i)
	return s.place(i)
}

// place is where the bytes of sample i lie, drawn or not.
func (s *images) place(i int) []byte {
	size := s.h * s.w * s.c
	return s.pix[i*size : (i+1)*size]
}

func (s *images) Fill(idx []int, to Samples) {
	labels, x := to.Labels, to.first()
	size := s.h * s.w * s.c
	if x != nil {
		s.wantAll(idx)
	}
	for k, i := range idx {
		if labels != nil {
			labels[k] = int32(s.labels[i])
		}
		if x == nil {
			continue
		}
		src, dst := s.raw(i), x[k*size:(k+1)*size]
		switch s.c {
		case 1:
			t := &s.level[0]
			for j, b := range src {
				dst[j] = t[b]
			}
		case 3:
			r, g, b := &s.level[0], &s.level[1], &s.level[2]
			for j := 0; j+2 < len(dst); j += 3 {
				dst[j], dst[j+1], dst[j+2] = r[src[j]], g[src[j+1]], b[src[j+2]]
			}
		default:
			for j, b := range src {
				dst[j] = s.level[j%s.c][b]
			}
		}
	}
}

// first keeps n samples, chosen by seed and left in their order; 0 keeps all.
func (s *images) first(n int, seed, key uint64) {
	if n == 0 || n >= s.Len() {
		return
	}
	p := make([]int, s.Len())
	r := streamOf(seed, key)
	r.permute(p)
	p = p[:n]
	slices.Sort(p)
	size := s.h * s.w * s.c
	for k, i := range p { // i >= k: nothing is overwritten before it is read
		copy(s.pix[k*size:(k+1)*size], s.raw(i))
		s.labels[k] = s.labels[i]
	}
	s.pix, s.labels = slices.Clip(s.pix[:n*size]), slices.Clip(s.labels[:n])
}

// normalize measures mean and deviation of every channel of pix, some or all of
// train's pixels counted as 0..1, and sets both splits to (x − mean)/deviation.
// The sums are of whole numbers and therefore exact.
func normalize(train, test *images, pix []byte) (mean, std []float32) {
	counts := make([][256]int, train.c)
	if train.c == 1 {
		for _, b := range pix {
			counts[0][b]++
		}
	} else {
		for j := 0; j < len(pix); j += train.c {
			for c := range counts {
				counts[c][pix[j+c]]++
			}
		}
	}
	level := make([][256]float32, train.c)
	for c := range counts {
		var n, sum, squares float64
		for v, k := range counts[c] {
			n += float64(k)
			sum += float64(v * k)
			squares += float64(v * v * k)
		}
		m := sum / n
		d := math.Sqrt(max(0, squares/n-m*m))
		if d == 0 {
			d = 255 // nothing varies: every pixel becomes 0
		}
		mean, std = append(mean, float32(m/255)), append(std, float32(d/255))
		for v := range level[c] {
			level[c][v] = float32((float64(v) - m) / d)
		}
	}
	train.level, test.level = level, level
	return mean, std
}
