package widget

import (
	"math"
	"strings"

	"github.com/charmbracelet/lipgloss"
)

// Series is one curve: points in order of X, drawn as a line, or as dots and
// a line where Dots is set.
type Series struct {
	X, Y  []float64
	Style lipgloss.Style
	// Dashed draws every other dot, so that two curves differ without colour.
	Dashed bool
}

// Chart is a plot area with a scale at its left.
type Chart struct {
	Series     []Series
	Low, High  float64 // of Y; equal: from the values
	XLow, XMax float64 // of X; equal: from the values
	Log        bool    // of Y
	Format     func(y float64) string
	Axis       lipgloss.Style
	ASCII      bool
}

// View draws the chart in width×height cells, curves in braille: 2×4 dots a cell.
func (c Chart) View(width, height int) string {
	if width <= 0 || height <= 0 {
		return ""
	}
	xl, xh, yl, yh, ok := c.bounds()
	format := c.Format
	if format == nil {
		format = func(y float64) string { return digits3(y) }
	}
	blank := strings.Repeat(" ", width)
	if !ok {
		return strings.TrimSuffix(strings.Repeat(blank+"\n", height), "\n")
	}
	top, bottom := format(c.back(yh)), format(c.back(yl))
	label := max(lipgloss.Width(top), lipgloss.Width(bottom))
	if width < label+6 {
		label = 0
	}
	gutter := 0
	if label > 0 {
		gutter = label + 2
	}
	w := width - gutter
	cells := make([][]int, height) // dots set, a bit each
	owner := make([][]int, height) // series that set the last dot, from 1
	for y := range cells {
		cells[y], owner[y] = make([]int, w), make([]int, w)
	}
	dots := func(px, py, s int) {
		x, y := px/2, py/4
		if x < 0 || x >= w || y < 0 || y >= height {
			return
		}
		cells[y][x] |= brailleBit[py%4][px%2]
		owner[y][x] = s + 1
	}
	for s, series := range c.Series {
		lastX, lastY, have, count := 0, 0, false, 0
		for i := range series.X {
			if i >= len(series.Y) {
				break
			}
			y := c.forth(series.Y[i])
			if math.IsNaN(y) || math.IsInf(y, 0) {
				have = false
				continue
			}
			px := int(math.Round((series.X[i] - xl) / (xh - xl) * float64(2*w-1)))
			py := int(math.Round((yh - min(max(y, yl), yh)) / (yh - yl) * float64(4*height-1)))
			if !have {
				dots(px, py, s)
			} else {
				n := max(abs(px-lastX), abs(py-lastY), 1)
				for k := 1; k <= n; k++ {
					count++
					if series.Dashed && count%4 >= 2 {
						continue
					}
					dots(lastX+(px-lastX)*k/n, lastY+(py-lastY)*k/n, s)
				}
			}
			lastX, lastY, have = px, py, true
		}
	}
	var b strings.Builder
	for y := range cells {
		if y > 0 {
			b.WriteByte('\n')
		}
		if gutter > 0 {
			t := ""
			switch y {
			case 0:
				t = top
			case height - 1:
				t = bottom
			}
			wall := "│"
			if c.ASCII {
				wall = "|"
			}
			b.WriteString(c.Axis.Render(strings.Repeat(" ", label-lipgloss.Width(t)) + t + " " + wall))
		}
		for x := 0; x < w; {
			o := owner[y][x]
			var run strings.Builder
			for x < w && owner[y][x] == o {
				switch {
				case o == 0:
					run.WriteByte(' ')
				case c.ASCII:
					run.WriteByte("*ox+"[(o-1)%4])
				default:
					run.WriteRune(rune(0x2800 + cells[y][x]))
				}
				x++
			}
			if o == 0 {
				b.WriteString(run.String())
			} else {
				b.WriteString(c.Series[o-1].Style.Render(run.String()))
			}
		}
	}
	return b.String()
}

var brailleBit = [4][2]int{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

func (c Chart) forth(y float64) float64 {
	if c.Log {
		if y <= 0 {
			return math.NaN()
		}
		return math.Log10(y)
	}
	return y
}

func (c Chart) back(y float64) float64 {
	if c.Log {
		return math.Pow(10, y)
	}
	return y
}

func (c Chart) bounds() (xl, xh, yl, yh float64, ok bool) {
	xl, xh, yl, yh = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, s := range c.Series {
		for i := range s.X {
			if i >= len(s.Y) {
				break
			}
			y := c.forth(s.Y[i])
			if math.IsNaN(y) || math.IsInf(y, 0) {
				continue
			}
			xl, xh = min(xl, s.X[i]), max(xh, s.X[i])
			yl, yh = min(yl, y), max(yh, y)
			ok = true
		}
	}
	if c.XMax > c.XLow {
		xl, xh = c.XLow, c.XMax
	}
	if c.High > c.Low {
		yl, yh = c.forth(c.Low), c.forth(c.High)
	}
	if xh <= xl {
		xh = xl + 1
	}
	if yh <= yl {
		pad := max(math.Abs(yl)*0.05, 1e-3)
		yl, yh = yl-pad, yh+pad
	}
	return xl, xh, yl, yh, ok
}

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}
