package data

import (
	"context"
	"math"
)

const (
	shapeSide   = 32
	shapesTrain = 10000
	shapesTest  = 2000
)

// The classes of the drawn shapes: first the closed figures, then textures.
const (
	circle = iota
	square4
	triangle
	star
	cross
	ring
	stripes
	checker
	dots
	spiral
)

var shapeClasses = []string{"circle", "square", "triangle", "star", "cross", "ring", "stripes", "checker", "dots", "spiral"}

// openShapes draws the coloured shapes. Training and test differ in seeds.
func openShapes(ctx context.Context, o Options) (*Set, error) {
	set := &Set{Name: "shapes", Title: "drawn shapes and textures", Classes: shapeClasses}
	pen := func() drawer { return shapePen{} }
	err := set.draw(ctx, o, drawn{
		side: shapeSide, channels: 3, train: shapesTrain, test: shapesTest, newTrain: pen, newTest: pen,
	})
	if err != nil {
		return nil, err
	}
	return set, nil
}

// shapePen draws one shape or patch of texture an image, in any colour, on a
// background of any other colour with a slope, blots and lines. Colours come
// from the same distribution in every class, so they say nothing.
type shapePen struct{}

type colour [3]float64

func colourOf(r *stream) colour { return colour{r.float(), r.float(), r.float()} }

// apart is the largest difference of two colours in one channel.
func (c colour) apart(d colour) float64 {
	return max(math.Abs(c[0]-d[0]), math.Abs(c[1]-d[1]), math.Abs(c[2]-d[2]))
}

// away draws colours until one differs from c enough to be seen.
func (c colour) away(r *stream, least float64) colour {
	for {
		if d := colourOf(r); c.apart(d) >= least {
			return d
		}
	}
}

func (c colour) mix(d colour, t float64) colour {
	for i := range c {
		c[i] += (d[i] - c[i]) * t
	}
	return c
}

// blot is a distractor: an ellipse too soft and small to be a shape, or a line.
type blot struct {
	x, y, cos, sin float64
	long, thick    float64
	tint           colour
}

func (shapePen) draw(r stream, class int, pix []byte) {
	ground := colourOf(&r)
	ground2 := ground.mix(colourOf(&r), 0.25)
	ink := ground.mix(ground2, 0.5).away(&r, 0.5)
	ink2 := ink.mix(colourOf(&r), 0.25)
	gsin, gcos := math.Sincos(r.between(0, 2*math.Pi))

	blots := make([]blot, 0, 2)
	for range r.intn(3) {
		b := blot{x: r.between(0, shapeSide), y: r.between(0, shapeSide), tint: ground.mix(colourOf(&r), r.between(0.2, 0.5))}
		b.sin, b.cos = math.Sincos(r.between(0, math.Pi))
		if b.thick, b.long = r.between(0.5, 1), r.between(3, 9); r.chance(0.5) {
			b.thick, b.long = r.between(1.5, 2.5), r.between(1.5, 2.5)
		}
		blots = append(blots, b)
	}

	fig := figureOf(&r, class)
	strength, noise := r.between(0.85, 1), r.between(0.01, 0.04)
	for y := range shapeSide {
		for x := range shapeSide {
			px, py := float64(x)+0.5, float64(y)+0.5
			slope := 0.5 + ((px-shapeSide/2)*gcos+(py-shapeSide/2)*gsin)/shapeSide
			c := ground.mix(ground2, slope)
			for _, b := range blots {
				u := (px-b.x)*b.cos + (py-b.y)*b.sin
				v := (py-b.y)*b.cos - (px-b.x)*b.sin
				if d := distance(u/b.long, v/b.thick); d < 1.5 {
					c = c.mix(b.tint, step((1-d)*b.thick))
				}
			}
			if v := fig.cover(px, py); v > 0 {
				c = c.mix(ink.mix(ink2, slope), strength*v)
			}
			grey := 0.6 * noise * roughly(&r)
			at := pix[3*(y*shapeSide+x):][:3]
			for i, v := range c {
				at[i] = byte(min(255, max(0, 255*(v+grey+0.8*noise*roughly(&r)))) + 0.5)
			}
		}
	}
}

// step is the coverage of a pixel whose centre lies d pixels inside an edge.
func step(d float64) float64 { return min(1, max(0, d+0.5)) }

// figure is a shape or texture at its place.
type figure struct {
	class      int
	x, y, size float64 // centre, and radius in pixels
	cos, sin   float64
	squeeze    float64 // height over width
	period     float64 // of a texture, in pixels
	phase      [2]float64
	duty       float64 // share of a texture that is ink; of ring and cross the thickness
	arms       float64 // points of a star; 1 or −1, the way a spiral turns
	inner      float64 // inner radius of a star
}

func figureOf(r *stream, class int) figure {
	f := figure{class: class, squeeze: r.between(0.75, 1)}
	f.sin, f.cos = math.Sincos(r.between(-0.6, 0.6)) // ±34°
	f.size = r.between(8, 13)
	if class >= stripes {
		f.size = r.between(10, 15)
	}
	free := min(4, shapeSide/2-0.9*f.size)
	f.x, f.y = shapeSide/2+r.between(-free, free), shapeSide/2+r.between(-free, free)
	f.phase = [2]float64{r.float(), r.float()}
	f.arms, f.inner = 5, r.between(0.4, 0.5)
	switch class {
	case stripes:
		f.period, f.duty = r.between(4, 8), r.between(0.4, 0.6)
		if r.chance(0.5) { // the other way round
			f.sin, f.cos = f.cos, -f.sin
		}
	case checker:
		f.period = r.between(6, 10)
	case dots:
		f.period, f.duty = r.between(5, 8), r.between(0.28, 0.38)
	case spiral:
		f.period, f.duty, f.squeeze = r.between(5, 8), r.between(0.4, 0.55), r.between(0.85, 1)
		if r.chance(0.5) {
			f.arms = -1
		} else {
			f.arms = 1
		}
	case ring:
		f.duty = r.between(0.25, 0.4)
	case cross:
		f.duty = r.between(0.25, 0.38)
	}
	return f
}

// cover is how much of the pixel at (px, py) is ink.
func (f *figure) cover(px, py float64) float64 {
	dx, dy := px-f.x, py-f.y
	if dx*dx+dy*dy > 2.2*f.size*f.size {
		return 0
	}
	u, v := dx*f.cos+dy*f.sin, (dy*f.cos-dx*f.sin)/f.squeeze
	s := f.size
	switch f.class {
	case circle:
		return step(s*0.9 - distance(u, v))
	case square4:
		return step(s*0.8 - max(math.Abs(u), math.Abs(v)))
	case triangle:
		return step(0.5*s - max(v, -0.5*v+0.866*math.Abs(u)))
	case star:
		return f.star(u, v)
	case cross:
		a, b := math.Abs(u), math.Abs(v)
		return step(min(s-max(a, b), f.duty*s-min(a, b)))
	case ring:
		return step(f.duty*s/2 - math.Abs(distance(u, v)-(1-f.duty/2)*s))
	}
	// A texture lies in a round patch with a soft rim.
	rim := step((s - distance(dx, dy)) / 2)
	if rim == 0 {
		return 0
	}
	return rim * f.texture(u, v)
}

func (f *figure) star(u, v float64) float64 {
	sector := 2 * math.Pi / f.arms
	a := math.Abs(math.Remainder(math.Atan2(v, u), sector))
	sin, cos := math.Sincos(a)
	d := distance(u, v)
	// The edge from the tip (s, 0) to the notch (inner·s) at half a sector.
	ns, nc := math.Sincos(sector / 2)
	tx, ty := f.size, 0.0
	ex, ey := f.inner*f.size*nc-tx, f.inner*f.size*ns-ty
	return step(((d*cos-tx)*ey - (d*sin-ty)*ex) / -distance(ex, ey))
}

func (f *figure) texture(u, v float64) float64 {
	p := f.period
	switch f.class {
	case stripes:
		return step(p * (f.duty/2 - math.Abs(wrap(u/p+f.phase[0]))))
	case checker:
		a := p * (0.25 - math.Abs(wrap(u/p+f.phase[0])))
		b := p * (0.25 - math.Abs(wrap(v/p+f.phase[1])))
		if a*b < 0 {
			return 1 - step(min(math.Abs(a), math.Abs(b)))
		}
		return step(min(math.Abs(a), math.Abs(b)))
	case dots:
		return step(p * (f.duty - distance(wrap(u/p+f.phase[0]), wrap(v/p+f.phase[1]))))
	default: // a spiral of Archimedes: one arm, p pixels from turn to turn
		turn := f.arms * math.Atan2(v, u) / (2 * math.Pi)
		return step(p * (f.duty/2 - math.Abs(wrap(distance(u, v)/p+turn+f.phase[0]))))
	}
}

// wrap is the distance from the nearest whole number, −½..½.
func wrap(t float64) float64 { return t - math.Round(t) }

// distance is √(x² + y²); pixels cannot overflow, so math.Hypot's care is not needed.
func distance(x, y float64) float64 { return math.Sqrt(x*x + y*y) }
