package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// patience is how long a test waits for what must come; it is no measure of speed.
const patience = 2 * time.Minute

// built is the folder of the program under test, "" until a test asks for it.
var built string

var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "layercake-test-")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "layercake")
	// The one source that cli does not import: read here, it counts when go test asks
	// whether a result of last time still holds.
	if _, err := os.ReadFile(filepath.Join("..", "main.go")); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", path, "layercake").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir()
	// A colour terminal that has said nothing else, whatever the tests' own is.
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor",
		"NO_COLOR=", "CLICOLOR=", "CI=", "COLORFGBG=", "LAYERCAKE_KERNEL=")
	return cmd
}

// terminal is the binary on a pseudo-terminal, with all that it wrote.
type terminal struct {
	t    *testing.T
	f    *os.File
	cmd  *exec.Cmd
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func open(t *testing.T, args ...string) *terminal {
	t.Helper()
	cmd := command(t, args...)
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	s := &terminal{t: t, f: f, cmd: cmd, more: make(chan struct{}, 1)}
	go func() {
		buf := make([]byte, 1<<15)
		for {
			n, err := f.Read(buf)
			s.mu.Lock()
			s.text.Write(buf[:n])
			s.mu.Unlock()
			select {
			case s.more <- struct{}{}:
			default:
			}
			if err != nil {
				close(s.more)
				return
			}
		}
	}()
	t.Cleanup(func() { cmd.Process.Kill(); f.Close() })
	return s
}

func (s *terminal) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// expect waits until text has been written since mark.
func (s *terminal) expect(mark int, text string) {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		if all := s.seen(); len(all) >= mark && strings.Contains(all[mark:], text) {
			return
		}
		select {
		case _, ok := <-s.more:
			if !ok && !strings.Contains(s.seen()[mark:], text) {
				s.t.Fatalf("ended without %q; last: %q", text, tail(s.seen()))
			}
		case <-deadline:
			s.t.Fatalf("%q never came; last: %q", text, tail(s.seen()))
		}
	}
}

func (s *terminal) keys(text string) int {
	s.t.Helper()
	mark := len(s.seen())
	if _, err := io.WriteString(s.f, text); err != nil {
		s.t.Fatal(err)
	}
	return mark
}

func (s *terminal) wait() error {
	done := make(chan error, 1)
	go func() { done <- s.cmd.Wait() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		s.t.Fatalf("does not end; last: %q", tail(s.seen()))
		return nil
	}
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

// TestBinaryScreen opens the built program, trains until a gradient norm is on
// the screen, and quits: the terminal is given back.
func TestBinaryScreen(t *testing.T) {
	s := open(t)
	s.expect(0, "conv")
	mark := s.keys("t")
	s.expect(mark, "gradient")
	s.expect(mark, "e-")
	s.keys("q")
	s.keys("y")
	if err := s.wait(); err != nil {
		t.Fatalf("exit: %v; last: %q", err, tail(s.seen()))
	}
	if all := s.seen(); !strings.Contains(all, "\x1b[?1049l") || !strings.Contains(all, "\x1b[?25h") {
		t.Error("the alternate screen or the cursor was not given back")
	}
}

// TestBinaryAsksNothing: a command without a screen asks the terminal nothing (one
// that never answers would hold it up, and lose what is typed); the screen asks for
// the background, does not wait for ever, and takes a late answer for no key.
func TestBinaryAsksNothing(t *testing.T) {
	s := open(t, "presets")
	s.expect(0, "nanogpt")
	if all := s.seen(); strings.Contains(all, "\x1b]") || strings.Contains(all, "\x1b[6n") {
		t.Errorf("presets asks the terminal: %q", all[:min(len(all), 200)])
	}
	if err := s.wait(); err != nil {
		t.Fatal(err)
	}

	s = open(t, "lenet5")
	s.expect(0, "\x1b]11;?")
	s.expect(0, "conv")
	const lightAccent = "38;2;9;105;168"
	if all := s.seen(); strings.Contains(all, lightAccent) {
		t.Errorf("light before the terminal said so; last: %q", tail(all))
	}
	mark := s.keys("\x1b]11;rgb:ffff/ffff/ffff\x1b\\")
	s.expect(mark, lightAccent)
	if all := s.seen(); !strings.Contains(all[mark:], "conv") {
		t.Errorf("another screen after the answer; last: %q", tail(all))
	}
	s.keys("q")
	if err := s.wait(); err != nil {
		t.Fatal(err)
	}
}

// TestBinaryResume kills a run without warning and holds the resumed one to
// the numbers of an uninterrupted one.
func TestBinaryResume(t *testing.T) {
	args := func(dir string) []string {
		return []string{"train", "linear", "--steps", "60", "--batch", "32", "--train-samples", "640", "--test-samples", "100", "--every", "1", "--json", "--out", dir}
	}
	whole, cut := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "cut")
	out, err := command(t, args(whole)...).Output()
	if err != nil {
		t.Fatalf("train: %v", err)
	}
	want := lastLine(t, out)

	cmd := command(t, args(cut)...)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// In the middle of the second of three epochs: the first one's checkpoint is there.
	d := json.NewDecoder(pipe)
	for {
		var e struct {
			Event string
			Step  int
		}
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if e.Event == "step" && e.Step >= 30 {
			break
		}
	}
	cmd.Process.Signal(syscall.SIGKILL)
	cmd.Wait()

	out, err = command(t, "train", "--resume", cut, "--json").Output()
	if err != nil {
		t.Fatalf("resume: %v", err)
	}
	got := lastLine(t, out)
	for _, key := range []string{"reason", "steps", "test_loss", "test_accuracy"} {
		if got[key] != want[key] {
			t.Errorf("%s is %v after a kill, %v without", key, got[key], want[key])
		}
	}
}

func lastLine(t *testing.T, out []byte) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var m map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &m); err != nil {
		t.Fatalf("%v in %q", err, lines[len(lines)-1])
	}
	return m
}

// TestBinaryInterrupt asks a run to end: it saves and says how to go on.
func TestBinaryInterrupt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cmd := command(t, "train", "linear", "--steps", "100000000", "--train-samples", "640", "--test-samples", "100", "--every", "1", "--json", "--out", dir)
	pipe, _ := cmd.StdoutPipe()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(pipe)
	signalled := false
	for {
		var e struct{ Event, Reason string }
		if err := d.Decode(&e); err != nil {
			break
		}
		if e.Event == "step" && !signalled {
			signalled = true
			cmd.Process.Signal(os.Interrupt)
		}
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Fatalf("exit %v, want 130; %s", err, stderr.String())
	}
	if !strings.Contains(stderr.String(), "--resume "+dir) {
		t.Errorf("does not say how to go on: %q", stderr.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "checkpoint")); err != nil {
		t.Error(err)
	}
}

// TestBinaryReaderGone trains into a pipe that nobody reads from any more: the run
// is saved before it ends.
func TestBinaryReaderGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cmd := command(t, "train", "linear", "--steps", "100000000", "--train-samples", "640", "--test-samples", "100", "--every", "1", "--json", "--out", dir)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var start struct{ Event string }
	if err := json.NewDecoder(pipe).Decode(&start); err != nil || start.Event != "start" {
		t.Errorf("began with %q: %v", start.Event, err)
	}
	pipe.Close()
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(stderr.String(), "--resume "+dir) {
		t.Errorf("exit %v, want 1 and how to go on: %q", err, stderr.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "checkpoint")); err != nil {
		t.Error(err)
	}
}
