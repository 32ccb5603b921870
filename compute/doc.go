// Package compute is the float32 arithmetic of layercake: matrix products,
// convolutions, pooling, normalization, activations, reductions, optimizer
// sweeps. It knows no layers, files or screens.
//
// # Memory
//
// A Tensor is a window into memory that somebody else owns. The batch axis
// comes first and is not part of its Shape. Images lie channels last in
// memory, [N, H, W, C], though their Shape is written channels first, C×H×W:
// a convolution is then a product over contiguous rows, and batch norm runs
// along the fast axis. Sequences are [N, T, F] with Shape T×F; vectors [N, F].
// Convolution weights are [KH, KW, C/groups, F], dense weights [in, out].
//
// Channels last was settled by measuring the forward pass of resnet20's layers
// (BenchmarkLayout): straight from channels-last images the convolution runs at
// 84 to 114 GFLOP/s on one thread of a Zen 3; unfolding channels-first images
// and multiplying reaches 10 to 41, and the product alone, with unfolding for
// nothing, 40 to 88, since its narrow side is then the one that is packed.
//
// # Sharing and order
//
// Work is shared by Pool through For, in chunks whose bounds depend on sizes
// alone. A sum that crosses chunks is made of one partial per chunk, added in
// chunk order. The same input therefore gives the same bits on any number of
// workers. No kernel allocates after its first call at a size, none keeps a
// slice, none fails: a wrong length is our bug and panics.
//
// # Where the loops are
//
//	tensor.go      Shape, Tensor; alloc.go: memory for them
//	pool.go        Pool, Worker, For: the goroutines and how they share
//	gemm.go        matrix products and the table of kernels
//	gemm_blocks.go cutting them into blocks, sharing out; gemm_pack.go packs these
//	onerow.go      products of a single row
//	longsum.go     gradients of weights, summed over many rows in parts
//	gemm_tile.go   what a kernel is given; gemm_generic.go, gemm_*.s: kernels
//	peak.go        the most multiply-adds a second that a kernel could do
//	cache.go       the machine's caches and the block sizes that follow from them; memory.go: its memory
//	conv.go        convolution and its two gradients
//	conv_axis.go   regions of pixels that meet the same taps
//	conv_rows.go   forward and data gradient; conv_weights.go: weight gradient
//	conv_winograd.go   3×3 in fewer products; conv_winograd_weights.go: its weight gradient
//	winograd_generic.go, winograd_*.s: the transforms of that
//	conv_packed.go weights laid out once; a few images shared out
//	conv_curve.go  activations while the pixels lie in the cache
//	conv_room.go   memory that kernels borrow for a convolution
//	conv_depthwise.go one filter a channel; conv_depthwise_rows.go: nine taps at a time
//	pooling.go     max, average; pooling_adaptive.go to a given size; pooling_steps.go over all time or pixels
//	batchnorm.go   batch normalization; batchnorm_padded.go of sequences of several lengths;
//	               batchnorm_fused.go with a sum behind it
//	layernorm.go   norms of rows (layernorm_arm64.go: of NEON's loops); groupnorm.go: of groups of columns of a sample
//	activation.go  relu to softplus, and their slopes
//	elementwise.go add, multiply, scale, dropout; elementwise_layout.go moves columns and axes,
//	               elementwise_permute.go all of them; upsample.go, upsample_bilinear.go
//	gate.go        factors a column, and columns dropped; prelu.go, glu.go
//	embedding.go   rows looked up in a table
//	softmax.go     softmax and its cross-entropy; loss.go: of numbers, one by one
//	reduce.go      sums, norms, moments, column sums; rowdot.go: products of rows
//	recurrent.go   recurrent cells through time; recurrent_cells.go: the cells
//	attention.go   attention in blocks; attention_grad.go: its gradient; attention_blocks.go: their products
//	position.go    sinusoids, and rotation by place
//	optimizer.go   SGD and Adam in one sweep
//	vec.go         the table of inner loops that all of these but the products are made of
//
// Files ending in _amd64 and _arm64 hold vector code, files ending in _generic the plain
// Go that every other version is tested against; the tag noasm leaves only
// the latter.
package compute
