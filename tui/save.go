package tui

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"layercake/model"
)

// savedMsg says how writing a network went.
type savedMsg struct {
	spec *model.Spec
	path string
	err  error
	then func() tea.Cmd // after success
}

// save writes the network to its file, or asks for a name where it has none.
func (d *desk) save() tea.Cmd { return d.saveThen(nil) }

func (d *desk) saveThen(then func() tea.Cmd) tea.Cmd {
	if d.path == "" {
		return d.saveAsThen(then)
	}
	return d.write(d.path, then)
}

// saveAs asks for a name and writes the network there.
func (d *desk) saveAs() tea.Cmd { return d.saveAsThen(nil) }

func (d *desk) saveAsThen(then func() tea.Cmd) tea.Cmd {
	name := d.path
	if name == "" {
		name = fileName(d.spec().Name)
	}
	return d.lay(d.askName(name, then))
}

// fileName makes a network's name into one for its file: "ResNet-20" into
// resnet-20.yaml.
func fileName(name string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == ' ', r == '/':
			return '-'
		}
		return -1
	}, name)
	s = strings.Trim(s, "-.")
	if s == "" {
		s = "network"
	}
	return s + ".yaml"
}

func (d *desk) askName(name string, then func() tea.Cmd) *dialog {
	q := &dialog{d: d, title: "save as", text: "The file to write, as YAML that 'layercake train' reads.", asks: true, entry: newEntry(name)}
	warned := ""
	q.accept = func(path string) tea.Cmd {
		if path == "" {
			q.problem = "there is no name: type one, such as net.yaml"
			return nil
		}
		if filepath.Ext(path) == "" {
			path += ".yaml"
		}
		if _, err := os.Stat(path); err == nil && path != d.path && warned != path {
			warned = path
			q.problem = path + " is there already: enter once more writes over it"
			return nil
		}
		d.remove()
		return d.write(path, then)
	}
	return q
}

// write saves the network beside path and renames it there, off the UI goroutine.
func (d *desk) write(path string, then func() tea.Cmd) tea.Cmd {
	spec := d.spec()
	return func() tea.Msg {
		return savedMsg{spec: spec, path: path, err: writeFile(path, spec.YAML()), then: then}
	}
}

// writeFile writes text to a file of its own beside path, syncs it, and
// renames it, so that path holds the old text or the new, never half of it.
func writeFile(path string, text []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return fmt.Errorf("save %s: it is no regular file: give another name", path)
		}
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("save %s: there is no folder %s: make it, or give another name", path, filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // gone already where the renaming worked
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	return nil
}

// heardSaved takes the end of a write.
func (d *desk) heardSaved(m savedMsg) tea.Cmd {
	if m.err != nil {
		d.complain(m.err)
		return nil
	}
	d.path, d.saved = m.path, m.spec
	d.cheer("saved " + m.path)
	if m.then != nil {
		return m.then()
	}
	return nil
}
