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
// goes on with the numbers that it would have had.
package train
