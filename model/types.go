package model

import (
	"fmt"

	"layercake/compute"
	"layercake/layers"
)

// Spec is a network file as written: a value; edits make new ones.
type Spec struct {
	Name   string
	About  string // one sentence for lists
	Inputs []Input
	Blocks []Template // `blocks:`, named groups that items use
	Layers []Item
	Train  TrainSpec

	Comments Comments     // of the file as a whole
	Keys     []KeyComment // of name, about, input, inputs, blocks and layers
	File     string       // where it was read, for messages; no part of the network
}

// KeyComment holds the comments of a key that has no value of its own here.
type KeyComment struct {
	Key      string
	Comments Comments
}

// Input is one input of the network. Tokens > 0 says that its numbers are
// token ids below Tokens.
type Input struct {
	Name   string // "input" when there is one
	Shape  compute.Shape
	Tokens int
	Pos    Pos
}

// Template is a named group with settings that its users may give.
type Template struct {
	Name     string
	Settings []Setting // with their defaults, in order
	Layers   []Item
	Comments Comments
	Pos      Pos
}

// Item is one entry of a list of layers: a layer, or a group of items.
type Item struct {
	Kind string // a kind of the catalog, or GroupBlock, GroupResidual, GroupBranches
	Name string // "" when the file gives none

	From  []string // names read instead of the row above; "." is the row above
	Share string   // name of the node whose parameters this one uses

	Settings []Setting // of a layer, in written order

	Repeat   int         // of a block: times, 1 when not given
	RepeatBy Setting     // of a block: repeat as $name, with Ref "" when literal
	Use      string      // of a block: the template it takes its layers from
	With     []Setting   // settings for the template
	First    []Setting   // … that differ in the first repeat
	Each     [][]Setting // … repeat by repeat
	Layers   []Item      // of a block without Use, and of a residual: the main path
	Shortcut Shortcut    // of a residual
	Paths    [][]Item    // of branches
	Join     string      // of branches: concat, add, multiply

	Comments Comments
	Pos      Pos
}

// The groups that an Item can be beside a layer.
const (
	GroupBlock    = "block"
	GroupResidual = "residual"
	GroupBranches = "branches"
)

// Shortcut is a residual's other way round.
type Shortcut struct {
	// Kind is "identity" (default), "projection" (1×1 conv2d and batchnorm where shapes differ),
	// "pad" (every stride-th pixel and zero channels, without parameters, where
	// shapes differ: He et al. 2015, option A) or "layers".
	Kind   string
	Layers []Item
}

// Setting is one key of an item, raw: a value, or the name of a setting of
// the enclosing template, written $name. A whole number can be multiplied or
// divided on the way: $filters*4, $filters/2.
type Setting struct {
	Key   string
	Value layers.Value
	Ref   string // "filters" for $filters
	Op    string // "*", "/" or ""
	By    int    // what Op multiplies or divides by, 1 and up
	Pos   Pos
}

// Comments are kept with what they belong to.
type Comments struct {
	Above []string // whole lines above, without the number sign
	Line  string   // behind, on the same line
	Below []string // after the last entry of a list or the file
}

// Pos is a place in the file, 1-based; zero when not from a file.
type Pos struct{ Line, Col int }

// Named is something picked from a table, with settings: sgd: {lr: 0.1}.
type Named struct {
	Kind     string
	Settings []Setting
	Pos      Pos
}

// TrainSpec is the training section. Kinds of Data, Loss, Optimizer and Schedule
// are checked by package train, which has their tables, through Pos.
type TrainSpec struct {
	Data      string // "digits", "mnist", a path …
	Batch     int    // 0: not given, as for the rest
	Epochs    int
	Steps     int
	Loss      Named
	Optimizer Named
	Schedule  Named
	Augment   []Setting // pad: 4, flip: true
	Clip      float64   // largest norm of all gradients together; 0 none
	ByLength  bool      // samples of like length share a batch
	Recompute bool      // less memory for more time: Options.Recompute
	Seed      uint64
	Comments  Comments
	Keys      []KeyComment // of the keys inside
	Pos       Pos
}

// SyntaxError is a file that cannot be read as a network.
type SyntaxError struct {
	File string
	Pos  Pos
	Msg  string // found, wanted, what to do
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Pos.Line, e.Pos.Col, e.Msg)
}

// Path leads to an item of a Spec: which list, then which entry, and so on
// down. The first step's List is "layers" or "blocks/NAME". Below a block that
// uses a template, "layers" is the template's list, so the path of such a row
// knows both the template's item and the block that uses it.
type Path []PathStep

// PathStep is one step down.
type PathStep struct {
	List  string // "layers", "blocks/basic"; below an item: "layers", "shortcut", "paths/0"
	Index int
	// Rep is the repetition of the block above in which the list is seen, from
	// 1; 0 where it does not matter. It chooses between First, Each and With
	// when a setting is edited, and leads to the same item whatever it is.
	Rep int
}

// Graph is a network resolved: flat, in running order, every shape known.
// It is immutable.
type Graph struct {
	Spec   *Spec
	Name   string // the Spec's, or its file's without the ending, or "the network": never empty
	Inputs []Input
	Nodes  []Node // the inputs first (no Kind), then in running order
	Rows   []Row  // the tree as people see it, depth first
	Output int    // the node whose output is the network's

	// Err is the first refusal, a *NodeError, or nil. A graph with an error has the
	// nodes before it, and rows for all items, so the builder can show both.
	Err error
}

// Node is one layer at its place.
type Node struct {
	Name  string       // unique: "stage2/1/conv1"
	Kind  *layers.Kind // nil for an input
	Layer layers.Layer // nil for an input
	In    []int        // nodes read
	Share int          // node whose parameters this one uses, or -1
	Plan  layers.Plan
	Item  Path // where the Spec says it; nil for what Resolve put in
	Pos   Pos
}

// Row is one line of the stack: a node, or a group with its totals.
type Row struct {
	Depth  int    // 0 for the outermost list
	Name   string // unique, also for groups: "stage2", "stage2/1"
	Title  string // narrow column: "conv", "norm", "block", "add"; "1", "2" for a repetition
	Label  string // "3×3 · 32 /2", "stage2 ×3"
	Family layers.Family
	Kind   string // kind of layer or group
	Node   int    // -1 for a group; the join of a residual with a projection has both
	Nodes  [2]int // range of nodes a group covers: [from, to)
	Parent int    // row of the group it lies in, -1 outermost
	Repeat int    // of a block: how often; on the row of one repetition: its number, from 1
	Group  bool
	Item   Path // where edits go; repetitions differ in PathStep.Rep alone
	Out    compute.Shape
	Params int64
	MACs   int64 // per sample
	// Activation is the bytes of this row's outputs for one sample.
	Activation int64
	// Receptive is how many input pixels one output element sees, rows and columns; 0 unknown, -1 all.
	Receptive [2]int
	Problem   error // this row's refusal, nil otherwise
	// Part says that the row is a part of the composite around it, which has
	// the settings.
	Part bool
}

// NodeError is a refusal with its row.
type NodeError struct {
	File string
	Node string // row name
	Kind string
	Item Path
	Pos  Pos
	Err  error // a *layers.ShapeError, or what is wrong with a setting or name
}

func (e *NodeError) Error() string {
	m := fmt.Sprintf("%s (%s): %v", e.Node, e.Kind, e.Err)
	if e.File != "" && e.Pos.Line > 0 {
		m = fmt.Sprintf("%s:%d:%d: %s", e.File, e.Pos.Line, e.Pos.Col, m)
	}
	return m
}

func (e *NodeError) Unwrap() error { return e.Err }
