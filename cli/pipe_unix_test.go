//go:build unix

package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A network may come from a pipe, and nothing may ever come out of it: the first
// interrupt must end the wait.
func TestInterruptEndsTheReadingOfAPipe(t *testing.T) {
	for _, args := range [][]string{{"summary"}, {"train"}, {"check"}, {"compare", "lenet5"}, {}} {
		pipe := filepath.Join(t.TempDir(), "net.yaml")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Skip(err)
		}
		cmd := command(t, append(args, pipe)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Process.Kill()
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0) // comes back when the other end is open
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		select {
		case err = <-ended:
		case <-time.After(patience):
			t.Fatalf("%v: goes on waiting for the pipe", args)
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 130 {
			t.Errorf("%v: ended with %v, want the exit status 130", args, err)
		}
	}
}
