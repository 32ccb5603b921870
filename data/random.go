package data

// stream is a small random generator (SplitMix64: Steele, Lea and Flood, Fast
// splittable pseudorandom number generators, 2014). It is a value, so one for
// every image or sample costs nothing, and its numbers are the same in every
// release of Go, which a resumed run counts on.
type stream uint64

// streamOf is the stream that belongs to seed and the numbers after it.
func streamOf(seed uint64, keys ...uint64) stream {
	s := stream(seed)
	for _, k := range keys {
		s = stream(s.next() ^ k*0xd1342543de82ef95)
	}
	s.next()
	return s
}

func (s *stream) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// float is uniform in [0, 1).
func (s *stream) float() float64 { return float64(s.next()>>11) / (1 << 53) }

// between is uniform in [lo, hi).
func (s *stream) between(lo, hi float64) float64 { return lo + (hi-lo)*s.float() }

// intn is uniform in 0..n-1. The bias of the remainder is below n/2⁶⁴.
func (s *stream) intn(n int) int { return int(s.next() % uint64(n)) }

// chance is true with probability p.
func (s *stream) chance(p float64) bool { return s.float() < p }

// permute fills p with a permutation of 0..len(p)-1.
func (s *stream) permute(p []int) {
	for i := range p {
		p[i] = i
	}
	for i := len(p) - 1; i > 0; i-- {
		j := s.intn(i + 1)
		p[i], p[j] = p[j], p[i]
	}
}
