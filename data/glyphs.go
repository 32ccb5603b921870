package data

import (
	"fmt"
	"image"
	"slices"
	"sync"

	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gobolditalic"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomediumitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/gomonobolditalic"
	"golang.org/x/image/font/gofont/gomonoitalic"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/inconsolata"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// outline is the contours of one glyph, its ink one unit high and centred on
// the origin, y down.
type outline []stroke

// stroke is one piece of a contour. n is the number of points used: 1 moves
// or draws a line to p[0], 2 is a quadratic curve, 3 a cubic one.
type stroke struct {
	move bool
	n    int
	p    [3]point
}

type point struct{ x, y float64 }

// face is one typeface's ten digits.
type face [10]outline

// loadFaces makes the faces of training and of test, once. No face is in both;
// forms that differ by face, such as a zero with and without its slash, are
// in both.
var loadFaces = sync.OnceValues(func() (train, test []face) {
	train = []face{
		vectorFace(goregular.TTF), vectorFace(gobold.TTF), vectorFace(goitalic.TTF), vectorFace(gobolditalic.TTF),
		vectorFace(gomono.TTF), vectorFace(gomonobold.TTF), vectorFace(gomonobolditalic.TTF),
		bitmapFace(basicfont.Face7x13), bitmapFace(inconsolata.Bold8x16),
	}
	test = []face{
		vectorFace(gomedium.TTF), vectorFace(gomediumitalic.TTF), vectorFace(gomonoitalic.TTF),
		bitmapFace(inconsolata.Regular8x16),
	}
	return train, test
})

// vectorFace reads the digits of an embedded TrueType font. That it can be
// read is held by a test, so a failure is ours.
func vectorFace(ttf []byte) (f face) {
	parsed, err := sfnt.Parse(ttf)
	if err != nil {
		panic(fmt.Sprintf("data: embedded font: %v", err))
	}
	var buf sfnt.Buffer
	for d := range f {
		g, err := parsed.GlyphIndex(&buf, rune('0'+d))
		if err != nil || g == 0 {
			panic(fmt.Sprintf("data: embedded font has no digit %d: %v", d, err))
		}
		segments, err := parsed.LoadGlyph(&buf, g, fixed.I(1000), nil)
		if err != nil {
			panic(fmt.Sprintf("data: embedded font, digit %d: %v", d, err))
		}
		var o outline
		for _, s := range segments {
			st := stroke{move: s.Op == sfnt.SegmentOpMoveTo, n: 1}
			switch s.Op {
			case sfnt.SegmentOpQuadTo:
				st.n = 2
			case sfnt.SegmentOpCubeTo:
				st.n = 3
			}
			for i := range st.n {
				st.p[i] = point{float64(s.Args[i].X) / 64, float64(s.Args[i].Y) / 64}
			}
			o = append(o, st)
		}
		f[d] = o.centred()
	}
	return f
}

// bitmapFace makes outlines of a bitmap font: one square a pixel.
func bitmapFace(b *basicfont.Face) (f face) {
	for d := range f {
		r, mask, at, _, ok := b.Glyph(fixed.P(0, 0), rune('0'+d))
		if !ok {
			panic(fmt.Sprintf("data: embedded font has no digit %d", d))
		}
		var o outline
		for y := range r.Dy() {
			for x := range r.Dx() {
				if _, _, _, a := mask.At(at.X+x, at.Y+y).RGBA(); a > 0x7fff {
					o = append(o, square(image.Pt(x, y))...)
				}
			}
		}
		f[d] = o.centred()
	}
	return f
}

func square(p image.Point) outline {
	x, y := float64(p.X), float64(p.Y)
	corners := []point{{x, y}, {x + 1, y}, {x + 1, y + 1}, {x, y + 1}}
	var o outline
	for i, c := range corners {
		o = append(o, stroke{move: i == 0, n: 1, p: [3]point{c}})
	}
	return o
}

// centred moves and scales o to a height of one around the origin.
func (o outline) centred() outline {
	lo, hi := o[0].p[0], o[0].p[0]
	for _, s := range o {
		for _, p := range s.p[:s.n] {
			lo = point{min(lo.x, p.x), min(lo.y, p.y)}
			hi = point{max(hi.x, p.x), max(hi.y, p.y)}
		}
	}
	scale := 1 / (hi.y - lo.y)
	out := slices.Clone(o)
	for i := range out {
		for j := range out[i].n {
			p := &out[i].p[j]
			p.x = (p.x - (lo.x+hi.x)/2) * scale
			p.y = (p.y - (lo.y+hi.y)/2) * scale
		}
	}
	return out
}
