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
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"layercake/compute"
	"layercake/data"
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
	ByLength  bool
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
