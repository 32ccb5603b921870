// Package train is the loop and all that watches it: optimizers, schedules,
// losses, statistics, checkpoints. It knows nothing of screens: what it sees it
// says in Snapshots, whole values that nobody shares.
//
// A Run trains on its own goroutine from Start until it ends. Snapshots come
// at most ten a second; a new one replaces one unread, so a slow reader never
// slows training. Pause, single steps, a new learning rate and saving go the
// other way by channel; stopping is the context's cancel or Stop. The end is no snapshot: the
// channel closes, the last one stays readable, and Err says why.
//
// A Run is a function of its Config: the same seed gives the same losses to
// the last bit on any number of threads, and a run resumed from a checkpoint
// goes on with the numbers that it would have had. Statistics are taken on
// sampled steps and change no bit.
//
// A run that comes to numbers that are not finite ends with a DivergedError
// that names the layer; such weights are never saved.
//
// # Where things are
//
//	types.go      Config, Snapshot and what is in it
//	config.go     from a network file's training section to a Config; refusals
//	run.go        Run: start, resume, and the orders that may be given
//	loop.go       the run's goroutine: clocks, orders, tests, checkpoints, events
//	trainer.go    one step, one test: all that makes numbers, and nothing else
//	stats.go      the figures of sampled steps, node by node
//	metrics.go    figures of a whole test beside loss and accuracy
//	snapshot.go curves.go   gathering them for readers; thinning
//	look.go       an attention map of one sample, for who asks
//	diagnose.go   what is wrong, why, and the cure: of gradients on their way
//	              (diagnose_gradients.go), of single layers (diagnose_layers.go), of
//	              the course of the loss (diagnose_course.go)
//	checkpoint.go making and resuming; checkpoint_file.go the format, checkpoint_load.go
//	              into another program; log.go the history beside it
//	speed.go      what a step takes on this machine, tried for a moment
//	stepper.go    bare steps, for benchmarks
//	events.go     the lines of train --json
//	optimizer.go sgd.go adam.go   the table and its rows
//	schedule.go   the table and its rows
//	loss.go cross_entropy.go mse.go numbers.go reconstruction.go   the table and its rows
package train
