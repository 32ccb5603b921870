package compute

import "unsafe"

// winograd is one set of the transforms of Winograd's convolutions, each for n
// channels (a multiple of eight) of a square of values. A table points
// shift floats before the first channel of each value, row by row; otherwise
// value i is i steps from the first.
//
//	input    out = Bᵀ·in·B        6×6 from a table of 6×6
//	output   out = Aᵀ·in·A        a table of 4×4 from 6×6; then bias, the value
//	                              that was there if add; then no less than
//	                              floor and no more than ceil
//	grad     out = A·in·Aᵀ        6×6 from a table of 4×4
//	weights  out = G·in·Gᵀ        6×6 from 3×3
//	sums     out = Gᵀ·in·G        3×3 from 6×6
type winograd struct {
	fast    bool // worth its while
	input   func(out *float32, step int, in *[36]*float32, shift, n int)
	output  func(out *[36]*float32, shift int, in *float32, step int, n int, bias *float32, floor, ceil float32, add bool)
	grad    func(out *float32, step int, in *[36]*float32, shift, n int)
	weights func(out *float32, step int, in *float32, instep int, n int)
	sums    func(out *float32, step int, in *float32, instep int, n int)
}

// The points that Winograd's polynomials are taken at are 0, ±a, ±b and
// infinity. Those mostly seen, 1 and 2, have simpler factors and five times
// the error: 2.7e-5 of the output's deviation at worst over 64 channels,
// instead of 5.2e-6, where the plain sum has 3.7e-6.
const (
	winoA, winoB   = 0.75, 1.5
	winoAA, winoBB = winoA * winoA, winoB * winoB
	winoN0         = 1 / (winoAA * winoBB)
	winoNA, winoNB = 1 / (2 * winoAA * (winoAA - winoBB)), 1 / (2 * winoBB * (winoBB - winoAA))
)

var genericWinograd = winograd{
	input: func(out *float32, step int, in *[36]*float32, shift, n int) {
		winogradGeneric(6, 6, n, winogradBT, readTable(in, shift), writeSteps(out, step))
	},
	output: func(out *[36]*float32, shift int, in *float32, step int, n int, bias *float32, floor, ceil float32, add bool) {
		b := unsafe.Slice(bias, n)
		winogradGeneric(6, 4, n, winogradAT, readSteps(in, step), func(i, c int, v float32) {
			y := &unsafe.Slice(out[i], shift+n)[shift+c]
			v += b[c]
			if add {
				v += *y
			}
			if v < floor {
				v = floor
			}
			if v > ceil {
				v = ceil
			}
			*y = v
		})
	},
	grad: func(out *float32, step int, in *[36]*float32, shift, n int) {
		winogradGeneric(4, 6, n, winogradA, readTable(in, shift), writeSteps(out, step))
	},
	weights: func(out *float32, step int, in *float32, instep int, n int) {
		winogradGeneric(3, 6, n, winogradG, readSteps(in, instep), writeSteps(out, step))
	},
	sums: func(out *float32, step int, in *float32, instep int, n int) {
		winogradGeneric(6, 3, n, winogradGT, readSteps(in, instep), writeSteps(out, step))
	},
}

func readTable(in *[36]*float32, shift int) func(i, c int) float32 {
	return func(i, c int) float32 { return unsafe.Slice(in[i], shift+c+1)[shift+c] }
}

func readSteps(in *float32, step int) func(i, c int) float32 {
	return func(i, c int) float32 { return unsafe.Slice(in, i*step+c+1)[i*step+c] }
}

func writeSteps(out *float32, step int) func(i, c int, v float32) {
	return func(i, c int, v float32) { unsafe.Slice(out, i*step+c+1)[i*step+c] = v }
}

// winogradGeneric takes from×from values to to×to, channel by channel: line
// does one line at a time, first down the columns, then along the rows.
func winogradGeneric(from, to, n int, line func(x [6]float32) [6]float32, get func(i, c int) float32, put func(i, c int, v float32)) {
	for c := range n {
		var square [6][6]float32
		for j := range from {
			var x [6]float32
			for i := range from {
				x[i] = get(i*from+j, c)
			}
			x = line(x)
			for i := range to {
				square[i][j] = x[i]
			}
		}
		for i := range to {
			x := line(square[i])
			for j := range to {
				put(i*to+j, c, x[j])
			}
		}
	}
}

func winogradBT(x [6]float32) (y [6]float32) {
	e, o := x[4]-winoBB*x[2], x[3]-winoBB*x[1]
	f, p := x[4]-winoAA*x[2], x[3]-winoAA*x[1]
	y[0] = winoAA*winoBB*x[0] - (winoAA+winoBB)*x[2] + x[4]
	y[1], y[2] = e+winoA*o, e-winoA*o
	y[3], y[4] = f+winoB*p, f-winoB*p
	y[5] = winoAA*winoBB*x[1] - (winoAA+winoBB)*x[3] + x[5]
	return y
}

func winogradAT(x [6]float32) (y [6]float32) {
	e, o := x[1]+x[2], x[1]-x[2]
	f, p := x[3]+x[4], x[3]-x[4]
	y[0] = x[0] + e + f
	y[1] = winoA*o + winoB*p
	y[2] = winoAA*e + winoBB*f
	y[3] = winoA*winoAA*o + winoB*winoBB*p + x[5]
	return y
}

func winogradA(x [6]float32) (y [6]float32) {
	e, o := x[0]+winoAA*x[2], x[1]+winoAA*x[3]
	f, p := x[0]+winoBB*x[2], x[1]+winoBB*x[3]
	y[0], y[5] = x[0], x[3]
	y[1], y[2] = e+winoA*o, e-winoA*o
	y[3], y[4] = f+winoB*p, f-winoB*p
	return y
}

func winogradG(x [6]float32) (y [6]float32) {
	e, o := winoNA*x[0]+winoNA*winoAA*x[2], winoNA*winoA*x[1]
	f, p := winoNB*x[0]+winoNB*winoBB*x[2], winoNB*winoB*x[1]
	y[0], y[5] = winoN0*x[0], x[2]
	y[1], y[2] = e+o, e-o
	y[3], y[4] = f+p, f-p
	return y
}

func winogradGT(x [6]float32) (y [6]float32) {
	e, o := x[1]+x[2], x[1]-x[2]
	f, p := x[3]+x[4], x[3]-x[4]
	y[0] = winoN0*x[0] + winoNA*e + winoNB*f
	y[1] = winoNA*winoA*o + winoNB*winoB*p
	y[2] = winoNA*winoAA*e + winoNB*winoBB*f + x[5]
	return y
}
