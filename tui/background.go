package tui

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/term"

	"layercake/tui/hush"
)

// The libraries have been initialized: the terminal may be told apart again.
var _ = hush.End()

// askBackground asks for the background colour; the answer has the same beginning.
const (
	askBackground = "\x1b]11;?\x1b\\"
	isBackground  = "\x1b]11;"
)

// firstFrame is how long the first frame waits for the terminal to say whether it
// is dark: most answer in a few milliseconds. One that answers later changes its
// colours then; one that never does stays as it was assumed to be.
const firstFrame = 100 * time.Millisecond

// backgroundMsg says what the terminal has answered; waitedMsg that the first
// frame waits no longer.
type (
	backgroundMsg struct{ dark bool }
	waitedMsg     struct{}
)

// asksBackground says whether the terminal can be asked: both ways lead to it, and
// it is none of those that take no such question.
func asksBackground() bool {
	kind := os.Getenv("TERM")
	return runtime.GOOS != "windows" && kind != "" && kind != "dumb" && kind != "linux" &&
		term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
}

// assumeDark is what is taken for the background until the terminal says
// otherwise: what COLORFGBG says, as text;background, else dark.
func assumeDark() bool {
	list := strings.Split(os.Getenv("COLORFGBG"), ";")
	n, err := strconv.Atoi(list[len(list)-1])
	return err != nil || len(list) < 2 || n < 7 || n == 8
}

// answers is a terminal's input without its answers to what it was asked: those
// would be read as keys.
type answers struct {
	*os.File
	hear func(dark bool)
	held []byte // the beginning of an answer
}

// longestAnswer is how much of an answer is waited for; a longer one is none.
const longestAnswer = 64

func (a *answers) Read(p []byte) (int, error) {
	held := copy(p, a.held) // some bytes at most: there is room behind them
	a.held = nil
	n, err := a.File.Read(p[held:])
	return len(a.strip(p[:held+n])), err
}

// strip takes an answer out of text, in place, and holds back one that has only
// begun. An escape alone is a key.
func (a *answers) strip(text []byte) []byte {
	at := bytes.Index(text, []byte(isBackground))
	if at < 0 {
		for n := len(isBackground) - 1; n > 1; n-- {
			if bytes.HasSuffix(text, []byte(isBackground[:n])) {
				a.held = bytes.Clone(text[len(text)-n:])
				return text[:len(text)-n]
			}
		}
		return text
	}
	rest := text[at+len(isBackground):]
	end := bytes.IndexAny(rest, "\a\x1b")
	switch {
	case end < 0 && len(rest) > longestAnswer:
		return text[:at]
	case end < 0 || rest[end] == '\x1b' && end+1 == len(rest):
		a.held = bytes.Clone(text[at:])
		return text[:at]
	}
	if dark, ok := darkColour(string(rest[:end])); ok {
		a.hear(dark)
	}
	if rest[end] == '\x1b' {
		end++ // and the backslash
	}
	return append(text[:at], rest[end+1:]...)
}

// darkColour says whether a colour as terminals write it, rgb:1e1e/1e1e/2e2e with
// one to four digits each, is nearer to black than to white.
func darkColour(text string) (dark, ok bool) {
	_, text, ok = strings.Cut(text, ":")
	parts := strings.Split(text, "/")
	if !ok || len(parts) < 3 {
		return false, false
	}
	low, high := 1.0, 0.0
	for _, p := range parts[:3] {
		x, err := strconv.ParseUint(p, 16, 16)
		if err != nil || len(p) > 4 {
			return false, false
		}
		share := float64(x) / float64(uint(1)<<(4*len(p))-1)
		low, high = min(low, share), max(high, share)
	}
	return (low+high)/2 < 0.5, true
}

// ask writes the question where the frames go. (The terminal is raw by now: an
// answer is not echoed.)
func ask(out io.Writer) tea.Cmd {
	return tea.Batch(
		func() tea.Msg { io.WriteString(out, askBackground); return nil },
		tea.Tick(firstFrame, func(time.Time) tea.Msg { return waitedMsg{} }),
	)
}

// wear changes the colours to those for a dark or a light terminal, in place:
// everything that draws holds the same theme.
func (t *theme) wear(out io.Writer, dark bool) {
	if t.dark != dark {
		*t = *newTheme(out, dark, t.ascii)
	}
}
