// Package model turns a network file into something that can run. It knows
// layers but not what they are trained on, and nothing of screens.
//
// One type a stage, each made only from the one before:
//
//	file ─Parse→ *Spec ─Resolve→ *Graph ─Compile→ *Program
//
// A Spec is what the file says, tree-shaped, in written order, comments
// included. Moves of the builder (edit.go) are pure functions from a Spec to a
// new Spec that shares what did not change, so an undo history is a slice.
//
// A Graph is the Spec with repeats unrolled, block settings put in, names
// resolved, and every node's layers.Plan worked out: shapes, parameters,
// multiply-adds. It is flat and in running order; Rows give back the tree that
// people see. All refusing happens up to here, with a *NodeError that knows
// the row and its place in the file.
//
// A Program is a Graph bound to memory for a batch: weights, gradients and
// activations are windows into arenas laid out once by lifetime. Forward and
// Backward walk a flat list of steps and allocate nothing.
//
// How the hard cases fit:
//   - ResNet with projections and repeats: a residual item whose shortcut is
//     "projection" becomes, where shapes differ, two real nodes (1×1 conv2d,
//     batchnorm); `first:` gives the first repeat its stride.
//   - DenseNet, Inception: a branches item joined by concat; an empty path is
//     the identity.
//   - Decoders that all read the encoder's output: `from: [., encoder]`, where
//     "." is the row above and encoder any earlier name; outputs that many
//     nodes read are kept for all, and their gradients are added in a fixed
//     order.
//   - Tied weights: `share: name` gives a node the parameters of another of
//     the same kind and shapes; both add to one gradient.
//   - Bidirectional multi-layer LSTM: one layer with many Params.
//   - Several inputs: `inputs:` names them; `from:` reads them.
//   - Fused conv+batchnorm+relu: Compile may run several nodes as one step;
//     nodes stay nodes for whoever looks.
package model
