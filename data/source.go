package data

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// sources opens the files of one set and watches how far they have been read.
type sources struct {
	ctx   context.Context
	o     Options
	total int64
	done  int64
	told  int64
}

// newSources adds up the sizes of paths, so that progress knows its total.
func newSources(ctx context.Context, o Options, paths []string) (*sources, error) {
	s := &sources{ctx: ctx, o: o}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, wrongPath(p, err)
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s: is not a file: name a file of data", p)
		}
		s.total += info.Size()
	}
	return s, nil
}

// wrongPath is the sentence for a path that cannot be looked at.
func wrongPath(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no such file or folder: check the path", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: may not be read: check its permissions", path)
	}
	return fmt.Errorf("read %s: %w", path, err)
}

// read calls parse with the content of the file at path.
func (s *sources) read(path string, parse func(name string, r io.Reader, size int64) error) error {
	f, err := os.Open(path)
	if err != nil {
		return wrongPath(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return wrongPath(path, err)
	}
	return parse(filepath.Base(path), &watched{s, f}, info.Size())
}

// fits refuses to go on where what has been read so far takes held bytes, and the
// whole at this rate more than room. A packed file counts by its packed bytes.
func (s *sources) fits(name string, held, room int64) error {
	whole := float64(held) * max(1, float64(s.total)/float64(max(1, s.done)))
	return enough(name, "its rows", whole, room)
}

// watched is a reader that stops when the context ends and tells progress.
type watched struct {
	s *sources
	r io.Reader
}

func (w *watched) Read(p []byte) (int, error) {
	if err := w.s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.r.Read(p)
	w.s.done += int64(n)
	if w.s.done-w.s.told >= w.s.total/100 {
		w.s.told = w.s.done
		w.s.o.report(int(min(w.s.done, w.s.total)), int(w.s.total))
	}
	return n, err
}

// inflate undoes gzip where the content begins with its mark, whatever the
// file is called.
func inflate(name string, r io.Reader) (content io.Reader, packed bool, err error) {
	b := bufio.NewReaderSize(r, 1<<16)
	head, _ := b.Peek(2)
	if len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b {
		return b, false, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, true, damaged(name, err)
	}
	return z, true, nil
}

// damaged is the sentence for a gzip file that cannot be unpacked; errors of
// the context pass as they are.
func damaged(name string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%s: the gzip file is damaged (%w): download it again", name, err)
}

// readAll reads the want bytes that a file's header promises, after the have
// bytes that were read already. Memory grows with what is really there, so a
// lying header costs nothing. A file that ends early or goes on is refused.
func readAll(name string, r io.Reader, packed bool, have, want int64) ([]byte, error) {
	buf := make([]byte, 0, min(want, 1<<20))
	for int64(len(buf)) < want {
		if len(buf) == cap(buf) {
			more := make([]byte, len(buf), min(want, 2*int64(cap(buf))))
			copy(more, buf)
			buf = more
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) == want {
			break
		}
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("%s: ends after %s of %s bytes: the file is cut; download it again",
				name, thousands(have+int64(len(buf))), thousands(have+want))
		}
		if err != nil && packed {
			return nil, damaged(name, err)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	// One byte more, to see the end and, with gzip, the checksum.
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n > 0:
		return nil, fmt.Errorf("%s: goes on after the %s bytes that its header promises: it is not what it says; download it again",
			name, thousands(have+want))
	case err != io.EOF && packed:
		return nil, damaged(name, err)
	case err != io.EOF:
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return buf, nil
}

// thousands writes n with commas: 47,040,016.
func thousands[T int | int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
