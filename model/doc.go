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
//     the same kind and shapes, or an unembedding the table of an embedding; both
//     add to one gradient.
//   - Bidirectional multi-layer LSTM: one layer with many Params.
//   - Several inputs: `inputs:` names them; `from:` reads them.
//   - Text written token by token: a Generator resolves the graph for sequences of
//     length 1 over the same parameters, and layers carry state, keys and values.
//   - Attention maps: made when somebody asks for one (AttentionMap), kept by nobody.
//   - Fused steps: Compile runs neighbours as one where a pattern of the table in
//     fuse.go says so, to the same bits; nodes stay nodes for whoever looks.
//     Outside of training Fold works batch norms into the weights before them.
//
// # The network file
//
//	name: tiny
//	about: one sentence for lists
//	input: [3, 32, 32]                    # or {tokens: 65, length: 128}
//	inputs: {src: [8], tgt: [8]}          # instead of input, where there are several
//	blocks:                               # named groups with settings and their defaults
//	  basic:
//	    settings: {filters: 16, stride: 1}
//	    layers:
//	      - residual:
//	          shortcut: projection        # identity, projection, pad, or a list of layers
//	          layers:
//	            - conv2d: {filters: $filters, kernel: 3, stride: $stride}
//	            - batchnorm
//	      - relu
//	layers:
//	  - conv2d: {filters: 16, kernel: 3, name: stem}
//	  - block: {name: stage1, repeat: 3, use: basic, with: {filters: 16}, first: {stride: 2}}
//	  - branches: {join: concat, paths: [[relu], []]}
//	  - dense: {units: 10, from: [stage1], share: other}
//	train:
//	  data: digits
//	  batch: 64
//	  epochs: 3
//	  loss: cross_entropy
//	  optimizer: {sgd: {lr: 0.1, momentum: 0.9}}
//	  schedule: cosine
//	  augment: {pad: 4, flip: true}
//	  clip: 1
//	  by_length: true                     # samples of like length share a batch
//	  recompute: true                     # less memory, the same numbers, about a third more time
//	  seed: 1
//
// A list entry is a kind of layer with its settings between braces, or one of
// three groups: block, residual, branches. Every entry may have a name and
// say with from what it reads. A block takes its layers from a template under
// blocks (use) or has its own (layers). Settings of a template are given by
// with; first overrides them in the first repetition, each (a list of settings)
// repetition by repetition. Inside a template, $name stands for a setting, and
// $name*4 and $name/2 for a multiple and a part of it, in repeat too; there is no
// other arithmetic. Anchors, aliases, tags and texts over several lines are refused.
//
// Comments belong to the layer or key below them or on whose line they stand,
// and move with it.
//
// # Where things are
//
//	types.go        Spec and its parts
//	parse.go        from text to Spec: the file's own keys, parse_items.go lists of layers,
//	                parse_groups.go blocks, residuals and branches, parse_yaml.go what lies below
//	write.go        from Spec to text
//	edit.go edit_settings.go   the builder's moves
//	adapt.go        a Spec fitted to data
//	graph.go        Resolve; graph_groups.go groups, graph_composite.go layers made of others,
//	                graph_scope.go names, graph_totals.go receptive field and sums
//	summary.go compare.go   figures of one network, of several side by side
//	plan_memory.go  what lives when, and where: plan_memory_values.go forward,
//	                plan_memory_grads.go backward, plan_memory_again.go and plan_memory_cheap.go
//	                what is made a second time, plan_memory_place.go offsets
//	program.go      Compile; program_run.go Forward and Backward, program_sequence.go lengths
//	                and what is carried
//	fuse.go fuse_backward.go fold.go   steps run as one
//	generate.go sampler.go   writing on, token by token
//	attention_map.go   what a layer attends to
//	check.go        gradients against differences: check_layer.go layer by layer,
//	                check_whole.go all at once, check_difference.go and check_kinks.go how
package model
