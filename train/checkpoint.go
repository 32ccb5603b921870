package train

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"layercake/compute"
	"layercake/data"
	"layercake/layers"
	"layercake/model"
)

// dataMark tells a data set from another.
type dataMark struct {
	Name        string
	Input       compute.Shape
	Classes     int
	Train, Test int
	Mean        []float32
}

func markOf(s *data.Set) dataMark {
	m := dataMark{Name: s.Name, Input: s.Input(), Classes: len(s.Classes), Train: s.Train.Len(), Mean: s.Mean}
	if s.Test != nil {
		m.Test = s.Test.Len()
	}
	return m
}

// differs says in what set is not what m was made from; "" for nothing.
func (m dataMark) differs(set *data.Set) string {
	n := markOf(set)
	switch {
	case m.Name != n.Name:
		return fmt.Sprintf("is of the data set %s, got %s", m.Name, n.Name)
	case !m.Input.Equal(n.Input):
		return fmt.Sprintf("is of samples of %s, got %s", m.Input, n.Input)
	case m.Classes != n.Classes:
		return fmt.Sprintf("is of %d classes, got %d", m.Classes, n.Classes)
	case m.Train != n.Train || m.Test != n.Test:
		return fmt.Sprintf("is of %d training and %d test samples, got %d and %d", m.Train, m.Test, n.Train, n.Test)
	case len(m.Mean) != len(n.Mean):
		return fmt.Sprintf("is of %d columns, got %d", len(m.Mean), len(n.Mean))
	}
	for i := range m.Mean {
		if m.Mean[i] != n.Mean[i] {
			return fmt.Sprintf("is of samples with a mean of %v, got %v", m.Mean[i], n.Mean[i])
		}
	}
	return ""
}

// tensors are all that a checkpoint holds of t, with their table.
func (t *trainer) tensors() (table []tensorEntry, memory [][]float32) {
	add := func(name string, shape compute.Shape, x []float32) {
		table = append(table, tensorEntry{name, shape})
		memory = append(memory, x)
	}
	for i := range t.params {
		p := &t.params[i]
		add("param/"+p.ref.Name, p.ref.Shape, p.ref.Data)
	}
	for _, s := range t.prog.State() {
		add("state/"+s.Name, s.Shape, s.Data)
	}
	if x := t.prog.CarryArena(); len(x) > 0 {
		add("carry", compute.Shape{len(x)}, x)
	}
	for k, slot := range t.opt.Slots() {
		for i := range t.params {
			p := &t.params[i]
			add("slot/"+slot+"/"+p.ref.Name, p.ref.Shape, p.slots[k])
		}
	}
	return table, memory
}

// save writes t's checkpoint into dir. The old one stays until the new one is
// safe on disk.
func (t *trainer) save(dir string) error {
	if err := t.sound(); err != nil {
		return err
	}
	table, memory := t.tensors()
	c := &t.cfg
	named := *c.Graph.Spec
	named.Name = c.Graph.Name // a file without one gives its own, which is not known later
	h := header{
		Spec: string(named.YAML()),
		Settings: settings{
			Batch: c.Batch, Epochs: c.Epochs, Steps: c.Steps,
			Loss: nameOf(c.Loss), Optimizer: nameOf(c.Optimizer), Schedule: nameOf(c.Schedule),
			Augment: c.Augment, Clip: c.Clip, ByLength: c.ByLength, Recompute: c.Recompute, Seed: c.Seed, Source: c.Source, SaveEvery: c.SaveEvery, Threads: c.Threads,
		},
		Data:     markOf(c.Data),
		Position: t.position,
		Tensors:  table,
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	if err := writeFile(filepath.Join(dir, checkpointName), func(w io.Writer) error { return encode(w, h, memory) }); err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return nil
}

// Checkpoint is a run as it was saved: all of its Config but the data set,
// which the caller opens by Config.Source.
type Checkpoint struct {
	Dir    string
	Config Config
	Step   int

	header header
	memory [][]float32
}

// ReadCheckpoint reads the checkpoint in dir. To go on, set Config.Data (open
// Config.Source.Name with Config.Source.Options()) and what else is to change,
// and call Resume.
func ReadCheckpoint(dir string) (*Checkpoint, error) {
	path := filepath.Join(dir, checkpointName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: has no checkpoint: name the folder that a run was saved in", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a file, wants a checkpoint", path)
	}
	h, memory, err := decode(path, bufio.NewReaderSize(f, 1<<18), info.Size())
	if err != nil {
		return nil, err
	}
	spec, err := model.Parse(path, []byte(h.Spec))
	if err != nil {
		return nil, fmt.Errorf("%s: its network cannot be read: %w", path, err)
	}
	g := model.Resolve(spec)
	if g.Err != nil {
		return nil, fmt.Errorf("%s: its network is refused: %w", path, g.Err)
	}
	s := h.Settings
	return &Checkpoint{
		Dir:  dir,
		Step: h.Position.Step,
		Config: Config{
			Graph: g, Source: s.Source,
			Batch: s.Batch, Epochs: s.Epochs, Steps: s.Steps,
			Loss: s.Loss.model(), Optimizer: s.Optimizer.model(), Schedule: s.Schedule.model(),
			Augment: s.Augment, Clip: s.Clip, ByLength: s.ByLength, Recompute: s.Recompute, Seed: s.Seed, Dir: dir, SaveEvery: s.SaveEvery, Threads: s.Threads,
		},
		header: h, memory: memory,
	}, nil
}

// Override puts o on top of c's Config: more epochs, another number of threads.
// Batch and seed cannot change, since the position counts in them.
func (c *Checkpoint) Override(o Overrides) error {
	if o.Batch != 0 && o.Batch != c.Config.Batch {
		return fmt.Errorf("%s: has a batch of %d, got %d: leave the batch out to resume", c.Dir, c.Config.Batch, o.Batch)
	}
	if o.Seed != nil && *o.Seed != c.Config.Seed {
		return fmt.Errorf("%s: has the seed %d, got %d: leave the seed out to resume", c.Dir, c.Config.Seed, *o.Seed)
	}
	if o.Optimizer != "" && o.Optimizer != c.Config.Optimizer.Kind {
		return fmt.Errorf("%s: has the optimizer %s, got %s: leave the optimizer out to resume", c.Dir, c.Config.Optimizer.Kind, o.Optimizer)
	}
	o.apply(&c.Config)
	_, err := c.Config.parts()
	return err
}

// restore puts the checkpoint into t, whose Config may have another end, rate
// or number of threads than c had, but no other network, data or batch.
func (c *Checkpoint) restore(t *trainer) error {
	table, memory := t.tensors()
	if len(table) != len(c.header.Tensors) {
		return fmt.Errorf("%s: holds %d tensors, %s with this optimizer has %d: it is of another network",
			c.Dir, len(c.header.Tensors), t.cfg.Graph.Name, len(table))
	}
	for i, e := range c.header.Tensors {
		if e.Name != table[i].Name || !e.Shape.Equal(table[i].Shape) {
			return fmt.Errorf("%s: holds %s of %s where %s has %s of %s: it is of another network",
				c.Dir, e.Name, e.Shape, t.cfg.Graph.Name, table[i].Name, table[i].Shape)
		}
	}
	if c.header.Settings.Batch != t.cfg.Batch {
		return fmt.Errorf("%s: has a batch of %d, got %d: resume with the same", c.Dir, c.header.Settings.Batch, t.cfg.Batch)
	}
	if d := c.header.Data.differs(t.cfg.Data); d != "" {
		return fmt.Errorf("%s: %s: resume with the same data", c.Dir, d)
	}
	for i, x := range memory {
		copy(x, c.memory[i])
	}
	c.memory = nil // it is as large as the network
	t.position = c.header.Position
	t.loader.Seek(t.Step/t.perEpoch, t.Step%t.perEpoch)
	if err := t.sound(); err != nil {
		return fmt.Errorf("%s: %w", c.Dir, err)
	}
	return nil
}

// SameNetwork refuses a graph other than the one that c was saved from: other
// layers, names, or shapes of parameters.
func (c *Checkpoint) SameNetwork(g *model.Graph) error {
	if g.Err != nil {
		return g.Err
	}
	same := func(a, b model.Node) bool {
		return a.Name == b.Name && a.Kind == b.Kind && slices.EqualFunc(a.Plan.Params, b.Plan.Params,
			func(p, q layers.Param) bool { return p.Name == q.Name && p.Shape.Equal(q.Shape) })
	}
	if mine := c.Config.Graph; !slices.EqualFunc(mine.Nodes, g.Nodes, same) {
		return fmt.Errorf("%s: holds a run of %s, got %s with other layers: leave the network out to resume, or name the folder of its run",
			c.Dir, mine.Name, g.Name)
	}
	return nil
}
