package data

import (
	"strconv"
	"strings"
)

// Augment changes training images a little every time they are seen. It acts
// on normalized pixels, and on images only. What happens to a sample depends on
// the seed, the epoch and the sample's index.
type Augment struct {
	// Pad is a border of so many pixels put around the image before a window of
	// the old size is cut out at a random place (Pad+Pad+1 places each way). The
	// border is 0 after normalization, the mean colour, as in He et al., Deep
	// residual learning for image recognition, 2015.
	Pad int
	// Flip mirrors left and right with probability ½.
	Flip bool
}

// None says that nothing is changed.
func (a Augment) None() bool { return a.Pad <= 0 && !a.Flip }

// String is the settings in a few signs: "pad 4 · flip", "none".
func (a Augment) String() string {
	var parts []string
	if a.Pad > 0 {
		parts = append(parts, "pad "+strconv.Itoa(a.Pad))
	}
	if a.Flip {
		parts = append(parts, "flip")
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, " · ")
}

// apply changes one image x [h, w, c] by draws from r. room holds as many
// floats as x.
func (a Augment) apply(r stream, x, room []float32, h, w, c int) {
	dy, dx := 0, 0
	if a.Pad > 0 {
		dy, dx = r.intn(2*a.Pad+1)-a.Pad, r.intn(2*a.Pad+1)-a.Pad
	}
	flip := a.Flip && r.chance(0.5)
	if dy == 0 && dx == 0 && !flip {
		return
	}
	copy(room, x)
	clear(x)
	lo, hi := max(0, -dx), min(w, w-dx) // columns whose source lies inside
	for y := range h {
		if y+dy < 0 || y+dy >= h || lo >= hi {
			continue
		}
		src, dst := room[(y+dy)*w*c:(y+dy+1)*w*c], x[y*w*c:(y+1)*w*c]
		if !flip {
			copy(dst[lo*c:hi*c], src[(lo+dx)*c:(hi+dx)*c])
			continue
		}
		for i := lo; i < hi; i++ {
			copy(dst[(w-1-i)*c:(w-i)*c], src[(i+dx)*c:(i+dx+1)*c])
		}
	}
}
