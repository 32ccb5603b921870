package compute

// caches are the sizes of the data caches that one core sees, in bytes; zero
// is not known.
type caches struct{ l1, l2, l3 int }

// usualCaches stand for what a machine does not tell.
var usualCaches = caches{l1: 32 << 10, l2: 512 << 10}

// machineCaches asks the processor and then the operating system. Where the
// cores differ it is the first one's that count.
func machineCaches() caches {
	c := processorCaches()
	if c.l1 == 0 || c.l2 == 0 {
		c = c.or(systemCaches())
	}
	return c.or(usualCaches)
}

// or is c, with what it lacks from d.
func (c caches) or(d caches) caches {
	if c.l1 == 0 {
		c.l1 = d.l1
	}
	if c.l2 == 0 {
		c.l2 = d.l2
	}
	if c.l3 == 0 {
		c.l3 = d.l3
	}
	return c
}

// set notes a cache of a level, the larger where there are two.
func (c *caches) set(level, size int) {
	switch level {
	case 1:
		c.l1 = max(c.l1, size)
	case 2:
		c.l2 = max(c.l2, size)
	case 3:
		c.l3 = max(c.l3, size)
	}
}

// blockSizes are the block sizes of products:
//
//	kc      steps of k where A is not packed: a panel of B, sixteen columns and
//	        so deep, takes three quarters of the first-level cache, where A's
//	        rows pass by
//	packed  steps of k where it is: as many as make a panel of B as large as that
//	        cache, if half the second level holds 96 rows of A as deep. Much of
//	        the panel then comes from the second level, in time, and C is read
//	        and written half as often as with panels of half the size
//	rows    of A that are packed together: half of the second level
//	whole   floats of B that are packed at a time: an eighth of the last level
//	copied  floats of a whole A that is packed: half of the second level
//
// Sums are cut at kc or packed, so machines with other caches may round
// otherwise; on one machine it is the same on any number of threads.
func blockSizes(c caches) (kc, packed, rows, whole, copied int) {
	kc = min(max(c.l1*3/4/(4*tileWidth), 128), 512) &^ 31
	packed = min(max(min(c.l1/(4*tileWidth), c.l2/2/(4*96)), 128), 512) &^ 31
	rows = min(max(c.l2/2/(4*packed), 96), 384) / 12 * 12
	whole = min(max(c.l2, c.l3)/8/4, 1<<21)
	copied = min(max(c.l2/2/4, 1<<15), 1<<18)
	return kc, packed, rows, whole, copied
}

// convBytes of images are convolved together, and weightBytes of images and
// gradients make weight gradients together.
var convBytes, weightBytes = imageSizes(machineCaches())

// imageSizes are half and a quarter of the second-level cache: beside images
// there are weights in the one case, sums and packed gradients in the other.
// Where several cores share that cache, more would be less.
func imageSizes(c caches) (conv, weight int) {
	l2 := min(max(c.l2, 128<<10), 2<<20)
	return l2 / 2, l2 / 4
}
