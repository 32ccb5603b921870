package train

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"layercake/compute"
	"layercake/data"
	"layercake/layers"
	"layercake/model"
)

// A checkpoint is one file, written beside and renamed:
//
//	offset  bytes
//	0       8    "LAYRCAKE"
//	8       4    version, 1
//	12      4    length H of the header
//	16      H    the header, JSON: network file, settings, position, table of tensors
//	16+H    …    the tensors in the order of the table, float32
//	end−4   4    CRC-32C of all that is before it
//
// Numbers are little-endian. The tensors are the parameters, the kept
// statistics, the state carried between batches and the optimizer's slots, as they
// lie in memory.
const (
	checkpointName    = "checkpoint"
	checkpointMagic   = "LAYRCAKE"
	checkpointVersion = 1
	logName           = "log.jsonl"

	maxHeader  = 64 << 20
	maxTensors = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is what a checkpoint says besides its tensors.
type header struct {
	Spec     string // the network file
	Settings settings
	Data     dataMark
	Position position
	Tensors  []tensorEntry
}

// settings are a Config's own.
type settings struct {
	Batch     int
	Epochs    int
	Steps     int
	Loss      named
	Optimizer named
	Schedule  named
	Augment   data.Augment
	Clip      float64
	Recompute bool
	Seed      uint64
	Source    Source
	SaveEvery time.Duration
	Threads   int
}

// named is a model.Named without its place in a file.
type named struct {
	Kind     string
	Settings [][]string // key, then the value's words
}

func nameOf(n model.Named) named {
	out := named{Kind: n.Kind}
	for _, s := range n.Settings {
		out.Settings = append(out.Settings, append([]string{s.Key}, s.Value...))
	}
	return out
}

func (n named) model() model.Named {
	out := model.Named{Kind: n.Kind}
	for _, s := range n.Settings {
		if len(s) > 0 {
			out.Settings = append(out.Settings, model.Setting{Key: s[0], Value: s[1:]})
		}
	}
	return out
}

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

// tensorEntry is one row of the table of tensors.
type tensorEntry struct {
	Name  string // "param/stem/conv.weight", "state/…", "slot/velocity/…"
	Shape compute.Shape
}

// size is the number of elements; ok is false where it is no size at all.
func (e tensorEntry) size() (n int, ok bool) {
	n = 1
	for _, d := range e.Shape {
		if d < 0 || d > math.MaxInt32 || n > math.MaxInt32 {
			return 0, false
		}
		n *= d
	}
	return n, n <= math.MaxInt32
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
	h := header{
		Spec: string(c.Graph.Spec.YAML()),
		Settings: settings{
			Batch: c.Batch, Epochs: c.Epochs, Steps: c.Steps,
			Loss: nameOf(c.Loss), Optimizer: nameOf(c.Optimizer), Schedule: nameOf(c.Schedule),
			Augment: c.Augment, Clip: c.Clip, Recompute: c.Recompute, Seed: c.Seed, Source: c.Source, SaveEvery: c.SaveEvery, Threads: c.Threads,
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

// encode writes a checkpoint.
func encode(to io.Writer, h header, memory [][]float32) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if len(text) > maxHeader {
		return fmt.Errorf("the header has %d bytes, wants at most %d", len(text), maxHeader)
	}
	sum := crc32.New(castagnoli)
	w := io.MultiWriter(to, sum)
	lead := binary.LittleEndian.AppendUint32([]byte(checkpointMagic), checkpointVersion)
	lead = binary.LittleEndian.AppendUint32(lead, uint32(len(text)))
	if _, err := w.Write(append(lead, text...)); err != nil {
		return err
	}
	buf := make([]byte, 0, 1<<16)
	for _, x := range memory {
		for len(x) > 0 {
			n := min(len(x), cap(buf)/4)
			buf = buf[:0]
			for _, v := range x[:n] {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
			}
			if _, err := w.Write(buf); err != nil {
				return err
			}
			x = x[n:]
		}
	}
	_, err = to.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	return err
}

// writeFile writes beside path, makes sure of the disk, and renames.
func writeFile(path string, write func(w io.Writer) error) (err error) {
	beside := path + ".tmp"
	f, err := os.Create(beside)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(beside)
		}
	}()
	b := bufio.NewWriterSize(f, 1<<18)
	if err := write(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(beside, path); err != nil {
		return err
	}
	// The new name is on disk once the folder is; where a folder cannot be
	// synced (Windows) the rename has to do.
	if d, err := os.Open(filepath.Dir(path)); err == nil {
		d.Sync()
		d.Close()
	}
	return nil
}

// decode reads a checkpoint of size bytes. name is for messages.
func decode(name string, r io.Reader, size int64) (h header, memory [][]float32, err error) {
	refuse := func(format string, args ...any) (header, [][]float32, error) {
		return header{}, nil, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...))
	}
	sum := crc32.New(castagnoli)
	in := io.TeeReader(r, sum)
	lead := make([]byte, 16)
	n, err := io.ReadFull(in, lead)
	if !strings.HasPrefix(checkpointMagic, string(lead[:min(n, 8)])) || n == 0 {
		return refuse("starts with %q, wants %q: this is no checkpoint", lead[:min(n, 8)], checkpointMagic)
	}
	if err != nil {
		return refuse("ends after %d of the first 16 bytes: the file is cut; resume from another", n)
	}
	if v := binary.LittleEndian.Uint32(lead[8:]); v != checkpointVersion {
		return refuse("is of version %d, wants %d: it was written by another version of layercake", v, checkpointVersion)
	}
	length := int64(binary.LittleEndian.Uint32(lead[12:]))
	if length > maxHeader {
		return refuse("byte 12 promises a header of %d bytes, wants at most %d: the file is damaged", length, maxHeader)
	}
	if 16+length+4 > size {
		return refuse("ends after %d bytes, inside a header that goes on to byte %d: the file is cut; resume from another", size, 16+length)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(in, text); err != nil {
		return refuse("the header cannot be read: %v", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&h); err != nil {
		return refuse("the header from byte 16 on is not to be read (%v): the file is damaged", err)
	}
	if len(h.Tensors) > maxTensors {
		return refuse("the header lists %d tensors, wants at most %d: the file is damaged", len(h.Tensors), maxTensors)
	}
	want := 16 + length + 4
	for _, e := range h.Tensors {
		n, ok := e.size()
		if !ok || want > math.MaxInt64/2 {
			return refuse("the header gives %q the shape %s: the file is damaged", e.Name, e.Shape)
		}
		want += 4 * int64(n)
	}
	if want != size {
		return refuse("has %d bytes, and its header promises %d: the file is cut or damaged; resume from another", size, want)
	}
	if err := h.Position.fit(); err != nil {
		return refuse("the header's position is wrong (%v): the file is damaged", err)
	}
	buf := make([]byte, 1<<16)
	for _, e := range h.Tensors {
		n, _ := e.size()
		x := make([]float32, n)
		memory = append(memory, x)
		for len(x) > 0 {
			part := buf[:min(len(buf), 4*len(x))]
			if _, err := io.ReadFull(in, part); err != nil {
				return refuse("%s cannot be read: %v", e.Name, err)
			}
			for i := range len(part) / 4 {
				x[i] = math.Float32frombits(binary.LittleEndian.Uint32(part[4*i:]))
			}
			x = x[len(part)/4:]
		}
	}
	got := sum.Sum32()
	if _, err := io.ReadFull(r, buf[:4]); err != nil {
		return refuse("the checksum cannot be read: %v", err)
	}
	if told := binary.LittleEndian.Uint32(buf); told != got {
		return refuse("has the checksum %08x, its bytes come to %08x: the file is damaged; resume from another", told, got)
	}
	return h, memory, nil
}

// fit makes a position that was read from a file safe to go on with.
func (p *position) fit() error {
	switch {
	case p.Step < 0 || p.Step > maxSteps:
		return fmt.Errorf("step %d", p.Step)
	case p.Scale < 0:
		return fmt.Errorf("a learning rate scaled by %v", p.Scale)
	case !p.Curve.fit():
		return errors.New("a curve with uneven columns")
	case len(p.Tests) > p.Step:
		return fmt.Errorf("%d epochs in %d steps", len(p.Tests), p.Step)
	case p.LastAt < 0 || p.LastAt > p.Step:
		return fmt.Errorf("a test at step %d of %d", p.LastAt, p.Step)
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
			Augment: s.Augment, Clip: s.Clip, Recompute: s.Recompute, Seed: s.Seed, Dir: dir, SaveEvery: s.SaveEvery, Threads: s.Threads,
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

// Log is what a folder tells of its run without reading the weights.
type Log struct {
	Dir    string
	Start  EventStart
	Epochs []EventEpoch
	End    *EventEnd // nil while it runs, or when it was cut off
}

// writeLog writes the history beside the checkpoint, one event a line.
func writeLog(dir string, l Log) error {
	return writeFile(filepath.Join(dir, logName), func(w io.Writer) error {
		e := json.NewEncoder(w)
		err := e.Encode(l.Start)
		for _, epoch := range l.Epochs {
			err = errors.Join(err, e.Encode(epoch))
		}
		if l.End != nil {
			err = errors.Join(err, e.Encode(l.End))
		}
		return err
	})
}

// ReadLog reads the history in dir. Lines of other events are passed over.
func ReadLog(dir string) (Log, error) {
	l := Log{Dir: dir}
	path := filepath.Join(dir, logName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, fmt.Errorf("%s: has no %s: name the folder of a run", dir, logName)
	}
	if err != nil {
		return l, fmt.Errorf("read log: %w", err)
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var what struct{ Event string }
		err := json.Unmarshal(line, &what)
		if err == nil {
			switch what.Event {
			case "start":
				err = json.Unmarshal(line, &l.Start)
			case "epoch":
				var e EventEpoch
				err = json.Unmarshal(line, &e)
				l.Epochs = append(l.Epochs, e)
			case "end":
				l.End = &EventEnd{}
				err = json.Unmarshal(line, l.End)
			}
		}
		if err != nil {
			return l, fmt.Errorf("%s:%s: is no event (%w): the file is damaged", path, strconv.Itoa(i+1), err)
		}
	}
	if l.Start.Event == "" {
		return l, fmt.Errorf("%s: has no start event: the file is damaged", path)
	}
	return l, nil
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
