package widget

import (
	"math"
	"strings"
)

var (
	lowers  = []rune(" ▁▂▃▄▅▆▇█")
	asciiUp = []rune(" .:-=+*#@")
)

// Line fills share (0 to 1) of width cells from the left with a thin line, to half
// a cell. Anything above zero shows at least a sliver.
func Line(share float64, width int, ascii bool) string {
	if width <= 0 {
		return ""
	}
	if math.IsNaN(share) {
		share = 0
	}
	share = min(max(share, 0), 1)
	on, half := "━", "╸"
	if ascii {
		on, half = "=", "-"
	}
	n := int(math.Round(share * float64(width) * 2))
	if share > 0 && n == 0 {
		n = 1
	}
	s := strings.Repeat(on, n/2)
	used := n / 2
	if n%2 == 1 {
		s += half
		used++
	}
	return s + strings.Repeat(" ", width-used)
}

// LogShare places x between low and high on a logarithmic scale, 0 to 1.
func LogShare(x, low, high float64) float64 {
	if !(x > 0) || !(high > low) || !(low > 0) {
		return 0
	}
	return min(max(math.Log(x/low)/math.Log(high/low), 0), 1)
}

// Spark draws the last values as a row of bars, each scaled between the least
// and the greatest on a logarithmic scale where log is set and all are
// positive. Fewer values than width leave the left empty.
func Spark(values []float64, width int, log, ascii bool) string {
	if width <= 0 {
		return ""
	}
	v := Resample(values, width)
	low, high := math.Inf(1), math.Inf(-1)
	at := func(x float64) float64 {
		if log {
			return math.Log(max(x, 1e-30))
		}
		return x
	}
	for _, x := range v {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			low, high = min(low, at(x)), max(high, at(x))
		}
	}
	// A flat trail reads as flat: a tenth of a decade is the least range.
	if log && high-low < 0.23 {
		mid := (high + low) / 2
		low, high = mid-0.115, mid+0.115
	}
	signs := lowers
	if ascii {
		signs = asciiUp
	}
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", width-len(v)))
	for _, x := range v {
		switch {
		case math.IsNaN(x):
			b.WriteRune(' ')
		case math.IsInf(x, 0):
			b.WriteRune(signs[8])
		case high <= low:
			b.WriteRune(signs[4])
		default:
			b.WriteRune(signs[1+int(math.Round(7*(at(x)-low)/(high-low)))])
		}
	}
	return b.String()
}

// Resample shortens values to at most width by averaging neighbours.
func Resample(values []float64, width int) []float64 {
	if len(values) <= width {
		return values
	}
	out := make([]float64, width)
	for i := range out {
		lo, hi := i*len(values)/width, (i+1)*len(values)/width
		sum, n := 0.0, 0
		for _, x := range values[lo:max(hi, lo+1)] {
			if !math.IsNaN(x) && !math.IsInf(x, 0) {
				sum += x
				n++
			}
		}
		if n == 0 {
			out[i] = values[lo]
			continue
		}
		out[i] = sum / float64(n)
	}
	return out
}

// Histogram draws counts as bars of height rows, one cell a bin or several
// bins to a cell where there are more bins than width. Lines come top first.
func Histogram(counts []int, width, height int, ascii bool) []string {
	lines := make([]string, height)
	if width <= 0 || height <= 0 {
		return lines
	}
	bins := make([]float64, width)
	top := 0.0
	for i := range bins {
		if len(counts) == 0 {
			break
		}
		if len(counts) >= width {
			for _, c := range counts[i*len(counts)/width : max((i+1)*len(counts)/width, i*len(counts)/width+1)] {
				bins[i] += float64(c)
			}
		} else {
			bins[i] = float64(counts[i*len(counts)/width])
		}
		top = max(top, bins[i])
	}
	signs := lowers
	if ascii {
		signs = asciiUp
	}
	for y := range lines {
		var b strings.Builder
		for _, x := range bins {
			e := 0
			if top > 0 {
				e = int(math.Round(x / top * float64(8*height)))
				if x > 0 && e == 0 {
					e = 1
				}
			}
			b.WriteRune(signs[min(max(e-8*(height-1-y), 0), 8)])
		}
		lines[y] = b.String()
	}
	return lines
}
