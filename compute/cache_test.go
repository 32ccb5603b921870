package compute

import "testing"

// TestMachineCaches: whatever the machine says, the levels grow.
func TestMachineCaches(t *testing.T) {
	c := machineCaches()
	if c.l1 < 4<<10 || c.l2 < c.l1 || c.l3 != 0 && c.l3 < c.l2 {
		t.Errorf("caches of %d, %d and %d bytes", c.l1, c.l2, c.l3)
	}
}

func TestCachesFillGaps(t *testing.T) {
	if got, want := (caches{l2: 7}).or(caches{1, 2, 3}), (caches{1, 7, 3}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBlockSizes(t *testing.T) {
	const k, m = 1 << 10, 1 << 20
	for _, s := range []struct {
		name string
		c    caches
		want [5]int
	}{
		{"usual", usualCaches, [5]int{384, 512, 120, 16384, 65536}},
		{"Zen 3", caches{32 * k, 512 * k, 32 * m}, [5]int{384, 512, 120, 1 << 20, 65536}},
		{"Skylake", caches{32 * k, 256 * k, 8 * m}, [5]int{384, 320, 96, 1 << 18, 32768}},
		{"Sapphire Rapids", caches{48 * k, 2 * m, 105 * m}, [5]int{512, 512, 384, 1 << 21, 262144}},
		{"Apple M1", caches{128 * k, 12 * m, 0}, [5]int{512, 512, 384, 393216, 262144}},
		{"tiny", caches{4 * k, 64 * k, 0}, [5]int{128, 128, 96, 2048, 32768}},
	} {
		kc, packed, rows, whole, copied := blockSizes(s.c)
		if got := [5]int{kc, packed, rows, whole, copied}; got != s.want {
			t.Errorf("%s: %v, want %v", s.name, got, s.want)
		}
	}
}

func TestImageSizes(t *testing.T) {
	for _, s := range []struct{ l2, conv, weight int }{
		{512 << 10, 256 << 10, 128 << 10},
		{64 << 10, 64 << 10, 32 << 10},
		{12 << 20, 1 << 20, 512 << 10},
	} {
		if conv, weight := imageSizes(caches{l2: s.l2}); conv != s.conv || weight != s.weight {
			t.Errorf("l2 of %d bytes: %d and %d, want %d and %d", s.l2, conv, weight, s.conv, s.weight)
		}
	}
}
