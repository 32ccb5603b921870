package data

// Batch is what a training step takes. Its slices belong to the Loader that
// filled them and hold until that Loader's next call of Next or Seek.
type Batch struct {
	N       int         // samples; below the batch size in an epoch's last batch
	X       [][]float32 // one an input, [N, ...] in the memory layout of package compute
	Lens    [][]int32   // one an input, [N]; nil for those that are not padded
	Labels  []int32     // [N · Sizes.Labels]; nil where there are none
	Targets []float32   // [N · Sizes.Targets]; nil where there are none
	Index   []int       // [N] the samples' places in their split

	Epoch, Step int  // which batch this is, both from 0
	Last        bool // it ends its epoch
}

// Loader hands out a split in batches, epoch after epoch without end, in an
// order that depends on the seed and the epoch's number alone. While one batch
// is in use a goroutine fills the next; which of the two runs first changes no
// bit. One goroutine calls its methods.
type Loader struct {
	split   Split
	sizes   Sizes
	batch   int
	seed    uint64
	aug     Augment
	ordered bool
	streams bool
	lengths *byLength // nil: lengths do not matter

	epoch, step int // of the batch that Next hands out next

	order      []int // the samples in the order of orderEpoch
	orderEpoch int
	scratch    []float32 // one image, for augmentation

	bufs    [2]Batch
	turn    int // which of bufs is filled next
	pending bool
	ask     chan *Batch // to the filling goroutine; nil until the first Next
	ready   chan struct{}
}

// NewLoader is a Loader over s that shuffles anew every epoch.
func NewLoader(s Split, batch int, seed uint64, aug Augment) *Loader {
	if batch < 1 || s.Len() < 1 {
		panic("data: a loader needs a batch of at least one and a split that is not empty")
	}
	l := &Loader{split: s, sizes: s.Sizes(), batch: min(batch, s.Len()), seed: seed, aug: aug, orderEpoch: -1}
	if len(l.sizes.X) != 1 || len(l.sizes.X[0]) != 3 {
		l.aug = Augment{}
	}
	return l
}

// NewOrderedLoader is a Loader over s that goes from first to last sample
// every epoch and changes nothing: for evaluation.
func NewOrderedLoader(s Split, batch int) *Loader {
	l := NewLoader(s, batch, 0, Augment{})
	l.ordered = true
	return l
}

// Streams hands out a split whose samples follow one another as so many
// streams as a batch has rows: what a row holds goes on in the same row of the
// next batch, for state to be carried. Nothing is shuffled, and samples that do not fill all rows are
// left out. It is called before the first Next.
func (l *Loader) Streams() {
	if !l.sizes.Follows {
		panic("data: the samples of this split do not follow one another")
	}
	l.streams, l.ordered = true, true
}

// Steps is the number of batches in an epoch.
func (l *Loader) Steps() int {
	if l.streams {
		return l.split.Len() / l.batch
	}
	return (l.split.Len() + l.batch - 1) / l.batch
}

// BatchSize is the size of a full batch: that asked for, or the whole split
// where the split is smaller.
func (l *Loader) BatchSize() int { return l.batch }

// Position is where the next batch lies: its epoch and step, both from 0.
func (l *Loader) Position() (epoch, step int) { return l.epoch, l.step }

// Seek makes the batch at that position the next one. A step at or past the
// epoch's end counts on into the epochs after it.
func (l *Loader) Seek(epoch, step int) {
	l.settle()
	n := l.Steps()
	l.epoch, l.step = epoch+step/n, step%n
}

// settle waits for the batch that is being filled and forgets it.
func (l *Loader) settle() {
	if l.pending {
		<-l.ready
		l.pending = false
	}
}

// Next hands out the batch at Position and moves on. After the first two calls
// it allocates nothing.
func (l *Loader) Next(b *Batch) {
	if l.ask == nil {
		l.ask, l.ready = make(chan *Batch, 1), make(chan struct{}, 1)
		go l.serve(l.ask, l.ready)
	}
	if !l.pending {
		l.start(l.epoch, l.step)
	}
	<-l.ready
	*b = l.bufs[l.turn]
	l.turn = 1 - l.turn
	if l.step++; l.step == l.Steps() {
		l.epoch, l.step = l.epoch+1, 0
	}
	l.start(l.epoch, l.step)
}

// Close ends the Loader's goroutine. A closed Loader may be used again.
func (l *Loader) Close() {
	l.settle()
	if l.ask != nil {
		close(l.ask)
		l.ask = nil
	}
}

// start asks for a batch in the buffer that is not in use.
func (l *Loader) start(epoch, step int) {
	b := &l.bufs[l.turn]
	b.Epoch, b.Step, b.Last = epoch, step, step == l.Steps()-1
	l.pending = true
	l.ask <- b
}

func (l *Loader) serve(ask <-chan *Batch, ready chan<- struct{}) {
	for b := range ask {
		l.fill(b)
		ready <- struct{}{}
	}
}

// fill writes the batch whose Epoch and Step are set. It runs on the serving
// goroutine, which alone uses order and scratch.
func (l *Loader) fill(b *Batch) {
	if l.order == nil {
		l.order = make([]int, l.split.Len())
		for i := range l.order {
			l.order[i] = i
		}
	}
	if !l.ordered && l.orderEpoch != b.Epoch {
		r := streamOf(l.seed, keyShuffle, uint64(b.Epoch))
		r.permute(l.order)
		if l.lengths != nil {
			l.arrange(b.Epoch, &r)
		}
		l.orderEpoch = b.Epoch
	}
	l.choose(b)
	if b.X == nil {
		b.X, b.Lens = make([][]float32, len(l.sizes.X)), make([][]int32, len(l.sizes.X))
	}
	for i, shape := range l.sizes.X {
		size := shape.Size()
		b.X[i] = room(b.X[i], b.N*size, l.batch*size)
		if i < len(l.sizes.Padded) && l.sizes.Padded[i] {
			b.Lens[i] = room(b.Lens[i], b.N, l.batch)
		}
	}
	b.Labels = room(b.Labels, b.N*l.sizes.Labels, l.batch*l.sizes.Labels)
	b.Targets = room(b.Targets, b.N*l.sizes.Targets, l.batch*l.sizes.Targets)
	l.split.Fill(b.Index, Samples{Epoch: b.Epoch, X: b.X, Lens: b.Lens, Labels: b.Labels, Targets: b.Targets})
	if l.aug.None() {
		return
	}
	size := l.sizes.X[0].Size()
	if l.scratch == nil {
		l.scratch = make([]float32, size)
	}
	c, h, w := l.sizes.X[0][0], l.sizes.X[0][1], l.sizes.X[0][2]
	for k, i := range b.Index {
		r := streamOf(l.seed, keyAugment, uint64(b.Epoch), uint64(i))
		l.aug.apply(r, b.X[0][k*size:(k+1)*size], l.scratch, h, w, c)
	}
}

// choose sets the samples of the batch whose Step is set.
func (l *Loader) choose(b *Batch) {
	if l.streams {
		b.N = l.batch
		b.Index = room(b.Index, b.N, l.batch)
		for k := range b.Index {
			b.Index[k] = k*l.Steps() + b.Step
		}
		return
	}
	lo := b.Step * l.batch
	idx := l.order[lo:min(lo+l.batch, len(l.order))]
	b.N = len(idx)
	b.Index = room(b.Index, b.N, l.batch)
	copy(b.Index, idx) // order is shuffled while the batch is still in use
}

// The streams that a seed has in a Loader and in Open.
const (
	keyShuffle = iota + 1
	keyAugment
	keyTrain
	keyTest
	keySplit
	keyShift
)

// room is s with length n, made with capacity limit where it is too short.
func room[T any](s []T, n, limit int) []T {
	if limit == 0 {
		return nil
	}
	if cap(s) < limit {
		s = make([]T, limit)
	}
	return s[:n]
}
