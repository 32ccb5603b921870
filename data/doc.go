// Package data holds data sets, their splits into training and test, and the
// batches that a training run takes from them. Catalog names every set; Open
// makes one from its name or from the path of a file or folder.
//
// The package knows shapes and bytes. It must not know layers, networks,
// losses, optimizers, screens or flags: who trains on a batch, how often and
// on how many cores is decided elsewhere.
//
// # What a sample is
//
// Images are kept as bytes, tables as float32. Split.Fill writes samples
// normalized by the training split's mean and deviation, in the memory layout
// of package compute: images [n, H, W, C] though their Shape reads C×H×W,
// vectors [n, F]. A sample has Sizes: how many numbers it feeds in, how many
// class labels it has (one for a picture, one a position for a text) and how
// many numbers are to be predicted. Samples may have several inputs, such as a
// source and a target text, each padded to the longest with Lens saying how much
// is used. Where samples follow one another, as the pieces of a text do, a Loader
// can hand them out as streams, for networks that carry state along.
//
// # Same seed, same bits
//
// Drawn images depend on the seed and the image's index, shuffling on the seed
// and the epoch, augmentation on the seed, the epoch and the sample's index:
// never on time, on order or on the number of goroutines. The position (epoch,
// step) therefore says all that is needed to go on where a run stopped.
//
// Drawn images are made when they are first asked for, and kept: a run begins
// at once and its first epoch draws. Nothing is read or drawn twice.
//
// # Where things are
//
//	set.go       Set, Split, Options
//	catalog.go   Catalog, Open
//	images.go    a split of byte images; normalization
//	table.go     a split of rows of numbers
//	noise.go     random samples of any shape, to measure with
//	loader.go    Loader, Batch: shuffling, prefetching, position
//	bylength.go  batches of samples that are about as long as each other
//	augment.go   crop and flip
//	random.go    the random numbers of a seed and an index
//	idx.go cifar.go csv.go   readers of foreign files
//	task.go tasks.go dates.go words.go   sequences made up sample by sample
//	tales.go     a small grammar and its sentences
//	text.go bpe.go lines.go   text cut into tokens, lists of names
//	encode.go    a text of the user's, cut as the set cut its own
//	source.go    opening, decompressing and measuring foreign files
//	draw.go      drawing images when they are asked for
//	digits.go glyphs.go      the drawn digits
//	shapes.go    the drawn shapes and textures
package data
