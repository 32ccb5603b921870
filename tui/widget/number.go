// Package widget draws small things from values: numbers, bars, sparklines,
// charts. Every function is pure: values, a width and a height in, text
// without colour out, exactly that many cells. It knows nothing of networks.
package widget

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Plain is a name as it can stand on a terminal, whoever chose it: control
// characters, which could move the cursor or clear the screen, are question marks.
func Plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, name)
}

// Group writes n with a comma between thousands: 11,689,512.
func Group(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return sign + b.String()
}

// SI writes x with two or three significant digits and a decimal prefix as a
// separate word, so that the caller can dim it: "1.81", "G".
func SI(x float64) (number, prefix string) {
	if x == 0 {
		return "0", ""
	}
	a := math.Abs(x)
	for _, p := range []struct {
		at   float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if a >= p.at*0.9995 {
			return digits3(x / p.at), p.name
		}
	}
	if a == math.Trunc(a) {
		return strconv.FormatFloat(x, 'f', 0, 64), ""
	}
	return digits3(x), ""
}

func digits3(x float64) string {
	switch a := math.Abs(x); {
	case a >= 99.95:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case a >= 9.995:
		return strconv.FormatFloat(x, 'f', 1, 64)
	default:
		return strconv.FormatFloat(x, 'f', 2, 64)
	}
}

// Millions writes a count of multiply-adds in millions with two decimals, so
// that the column lines up; huge ones without: "0.44", "1,814".
func Millions(n int64) string {
	m := float64(n) / 1e6
	if m >= 9999.995 {
		return Group(int64(math.Round(m)))
	}
	if m >= 999.995 {
		s := strconv.FormatFloat(m, 'f', 1, 64)
		i := strings.IndexByte(s, '.')
		return s[:i-3] + "," + s[i-3:]
	}
	return strconv.FormatFloat(m, 'f', 2, 64)
}

// Bytes writes a size with a binary prefix: "62 MB", "1.4 GB" (1 MB = 2²⁰).
func Bytes(n int64) string {
	f, units := float64(n), []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	i := 0
	for math.Abs(f) >= 999.5 && i < len(units)-1 {
		f /= 1024
		i++
	}
	if i == 0 || math.Abs(f) >= 9.95 {
		return fmt.Sprintf("%.0f %s", f, units[i])
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

// Sci writes x in five to seven cells: 2.1e-2; a dash where there is none.
func Sci(x float64) string {
	switch {
	case math.IsNaN(x):
		return "–"
	case math.IsInf(x, 0):
		return "∞"
	case x == 0:
		return "0"
	}
	s := strconv.FormatFloat(x, 'e', 1, 64)
	m, e, _ := strings.Cut(s, "e")
	n, _ := strconv.Atoi(e)
	return m + "e" + strconv.Itoa(n)
}

// Percent writes a share of one: "3 %", "78.4 %"; a dash where there is none.
func Percent(x float64, decimals int) string {
	if math.IsNaN(x) {
		return "–"
	}
	return strconv.FormatFloat(100*x, 'f', decimals, 64) + " %"
}

// Duration writes a time as people say it: 0:31, 12:05, 1 h 32 m, 3 d 4 h.
func Duration(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case d < 0:
		return "–"
	case s < 3600:
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%d h %d m", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%d d %d h", s/86400, s/3600%24)
	}
}

// Millis writes a short time in milliseconds with as many decimals as help.
func Millis(d time.Duration) string {
	ms := float64(d) / 1e6
	switch {
	case ms == 0:
		return "–"
	case ms < 0.095:
		return strconv.FormatFloat(ms, 'f', 2, 64)
	case ms < 99.95:
		return strconv.FormatFloat(ms, 'f', 1, 64)
	default:
		return strconv.FormatFloat(ms, 'f', 0, 64)
	}
}
