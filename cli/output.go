package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"

	"layercake/tui/widget"
)

// sink is stdout. Most of what is printed is printed without a look at the error;
// it is kept here, so that a table cut short by a full disk does not end as done.
type sink struct {
	w      io.Writer
	broken chan struct{} // closed by the first error
	err    error         // set before broken is closed
}

func newSink(w io.Writer) *sink { return &sink{w: w, broken: make(chan struct{})} }

// Write is for one goroutine at a time.
func (s *sink) Write(text []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(text)
	if err != nil {
		s.err = err
		close(s.broken)
	}
	return n, err
}

// failure is what went wrong in writing; nil so far for nothing.
func (s *sink) failure() error {
	select {
	case <-s.broken:
		return fmt.Errorf("print the results: %w", s.err)
	default:
		return nil
	}
}

// threadWords says how many threads compute.
func threadWords(n int) string {
	if n == 1 {
		return "1 thread"
	}
	return fmt.Sprintf("%d threads", n)
}

// writeJSON writes v on one line.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table is text in columns: those named right are set flush right.
type table struct {
	head  []string
	right []bool
	rows  [][]string
}

// add takes a row; names in it may be any file's.
func (t *table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = widget.Plain(c)
	}
	t.rows = append(t.rows, cells)
}

// rule adds a line across.
func (t *table) rule() { t.rows = append(t.rows, nil) }

func (t *table) write(w io.Writer) {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, c := range row {
			widths[i] = max(widths[i], runewidth.StringWidth(c))
		}
	}
	total := 2 * (len(widths) - 1)
	for _, n := range widths {
		total += n
	}
	line := func(cells []string) {
		if cells == nil {
			fmt.Fprintln(w, strings.Repeat("─", total))
			return
		}
		var b strings.Builder
		for i, c := range cells {
			if i > 0 {
				b.WriteString("  ")
			}
			pad := strings.Repeat(" ", widths[i]-runewidth.StringWidth(c))
			if t.right[i] {
				b.WriteString(pad + c)
			} else {
				b.WriteString(c + pad)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	line(t.head)
	line(nil)
	for _, r := range t.rows {
		line(r)
	}
}
