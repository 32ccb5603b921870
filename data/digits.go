package data

import (
	"context"
	"image"
	"math"

	"golang.org/x/image/vector"
)

const (
	digitSide   = 28
	digitsTrain = 12000
	digitsTest  = 2000
)

// openDigits draws the digits. Training and test differ in faces and in seeds.
func openDigits(ctx context.Context, o Options) (*Set, error) {
	train, test := loadFaces()
	set := &Set{Name: "digits", Title: "drawn digits", Classes: digitClasses}
	err := set.draw(ctx, o, drawn{
		side: digitSide, channels: 1, train: digitsTrain, test: digitsTest,
		newTrain: func() drawer { return newDigitPen(train) },
		newTest:  func() drawer { return newDigitPen(test) },
	})
	if err != nil {
		return nil, err
	}
	return set, nil
}

// digitPen draws one digit an image: an outline of a random face, bent and
// placed at random, its stroke made thicker or thinner, on a background that
// slopes and carries pieces of other strokes.
type digitPen struct {
	faces  []face
	raster *vector.Rasterizer
	mask   *image.Alpha
	ink    [digitSide * digitSide]float32 // coverage of the digit, 0..1
	litter [digitSide * digitSide]float32 // coverage of the clutter
	room   [digitSide * digitSide]float32
}

func newDigitPen(faces []face) *digitPen {
	return &digitPen{
		faces:  faces,
		raster: vector.NewRasterizer(digitSide, digitSide),
		mask:   image.NewAlpha(image.Rect(0, 0, digitSide, digitSide)),
	}
}

func (p *digitPen) draw(r stream, class int, pix []byte) {
	f := &p.faces[r.intn(len(p.faces))]
	p.trace(f[class], bendOf(&r), p.ink[:])
	// Blur, then a steep curve around a random level: below one half strokes
	// grow, above it they shrink.
	blur(p.ink[:], p.room[:], digitSide, r.between(0.25, 0.6))
	level, steep := r.between(0.22, 0.58), r.between(2, 4)
	for i, v := range p.ink {
		p.ink[i] = float32(min(1, max(0, 0.5+(float64(v)-level)*steep)))
	}
	blur(p.ink[:], p.room[:], digitSide, r.between(0, 0.5))
	p.clutter(&r)

	ground, slope, angle := r.between(0, 0.2), r.between(0, 0.25), r.between(0, 2*math.Pi)
	gx, gy := slope*math.Cos(angle)/digitSide, slope*math.Sin(angle)/digitSide
	bright, noise := r.between(0.65, 1), r.between(0.01, 0.06)
	weak := r.between(0.3, 0.8) * bright
	for i := range pix {
		x, y := float64(i%digitSide)-digitSide/2, float64(i/digitSide)-digitSide/2
		g := ground + slope/2 + gx*x + gy*y
		g += (weak - g) * float64(p.litter[i])
		g += (bright - g) * float64(p.ink[i])
		g += noise * roughly(&r)
		pix[i] = byte(min(255, max(0, 255*g)) + 0.5)
	}
}

// roughly is near enough to a normal number for a pixel's noise: four uniform
// ones, added, have deviation 1 when spread so.
func roughly(r *stream) float64 {
	z := r.next()
	sum := float64(z&0xffff) + float64(z>>16&0xffff) + float64(z>>32&0xffff) + float64(z>>48)
	return (sum/65536 - 2) * math.Sqrt(3)
}

// bend takes a glyph's unit square to pixels: a linear map, a place, and two
// slow waves that make lines a little crooked.
type bend struct {
	a, b, c, d, x, y float64
	wave, freq       [2]float64
	phase            [2]float64
}

func bendOf(r *stream) bend {
	turn := r.between(-0.26, 0.26) // radians: ±15°
	tall := digitSide * r.between(0.56, 0.82)
	wide := tall * r.between(0.75, 1.25)
	shear := r.between(-0.25, 0.25)
	sin, cos := math.Sincos(turn)
	w := bend{
		a: wide * cos, b: tall * (shear*cos - sin),
		c: wide * sin, d: tall * (shear*sin + cos),
		x: digitSide/2 + r.between(-2.5, 2.5), y: digitSide/2 + r.between(-2.5, 2.5),
	}
	for i := range w.wave {
		w.wave[i] = r.between(0, 0.045)
		w.freq[i] = r.between(3, 8)
		w.phase[i] = r.between(0, 2*math.Pi)
	}
	return w
}

func (w *bend) at(p point) (x, y float32) {
	u := p.x + w.wave[0]*math.Sin(w.freq[0]*p.y+w.phase[0])
	v := p.y + w.wave[1]*math.Sin(w.freq[1]*p.x+w.phase[1])
	return float32(w.a*u + w.b*v + w.x), float32(w.c*u + w.d*v + w.y)
}

// trace fills o, bent by w, into dst as coverage 0..1.
func (p *digitPen) trace(o outline, w bend, dst []float32) {
	z := p.raster
	z.Reset(digitSide, digitSide)
	for _, s := range o {
		x, y := w.at(s.p[0])
		switch {
		case s.move:
			z.ClosePath()
			z.MoveTo(x, y)
		case s.n == 1:
			z.LineTo(x, y)
		case s.n == 2:
			x1, y1 := w.at(s.p[1])
			z.QuadTo(x, y, x1, y1)
		default:
			x1, y1 := w.at(s.p[1])
			x2, y2 := w.at(s.p[2])
			z.CubeTo(x, y, x1, y1, x2, y2)
		}
	}
	z.ClosePath()
	p.cover(dst)
}

// cover turns the rasterizer's path into coverage 0..1.
func (p *digitPen) cover(dst []float32) {
	clear(p.mask.Pix)
	p.raster.Draw(p.mask, p.mask.Bounds(), image.Opaque, image.Point{})
	for i, a := range p.mask.Pix {
		dst[i] = float32(a) / 255
	}
}

// clutter draws none to three short strokes near the border.
func (p *digitPen) clutter(r *stream) {
	clear(p.litter[:])
	n := r.intn(4)
	if n == 0 {
		return
	}
	z := p.raster
	z.Reset(digitSide, digitSide)
	for range n {
		around, far := r.between(0, 2*math.Pi), r.between(0.42, 0.62)*digitSide
		sin, cos := math.Sincos(around)
		x, y := digitSide/2+far*cos, digitSide/2+far*sin
		sin, cos = math.Sincos(r.between(0, math.Pi))
		long, thick := r.between(2, 5), r.between(0.4, 1.1)
		z.MoveTo(float32(x+long*cos-thick*sin), float32(y+long*sin+thick*cos))
		z.LineTo(float32(x+long*cos+thick*sin), float32(y+long*sin-thick*cos))
		z.LineTo(float32(x-long*cos+thick*sin), float32(y-long*sin-thick*cos))
		z.LineTo(float32(x-long*cos-thick*sin), float32(y-long*sin+thick*cos))
		z.ClosePath()
	}
	p.cover(p.litter[:])
}

// blur spreads the side×side image x by the kernel (k, 1, k)/(1+2k) along rows
// and columns; room is as long as x. Beyond the border x goes on as it ends.
func blur(x, room []float32, side int, k float64) {
	mid, rim := float32(1/(1+2*k)), float32(k/(1+2*k))
	for y := range side {
		src, dst := x[y*side:(y+1)*side], room[y*side:(y+1)*side]
		for i, v := range src {
			dst[i] = mid*v + rim*(src[max(i-1, 0)]+src[min(i+1, side-1)])
		}
	}
	for y := range side {
		up, at, down := room[max(y-1, 0)*side:], room[y*side:], room[min(y+1, side-1)*side:]
		dst := x[y*side : (y+1)*side]
		for i := range dst {
			dst[i] = mid*at[i] + rim*(up[i]+down[i])
		}
	}
}
