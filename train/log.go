package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
)

const logName = "log.jsonl"

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
				if err == nil && l.Start.Params < 0 {
					err = errors.New("no network has so few parameters")
				}
			case "epoch":
				var e EventEpoch
				err = json.Unmarshal(line, &e)
				l.Epochs = append(l.Epochs, e)
				if err == nil && (e.Epoch < 1 || e.Step < 0 || !isShare(e.TestAccuracy) || !isShare(e.TrainAccuracy)) {
					err = errors.New("no run has such figures")
				}
			case "end":
				l.End = &EventEnd{}
				err = json.Unmarshal(line, l.End)
				if err == nil && (l.End.Steps < 0 || !isShare(l.End.TestAccuracy)) {
					err = errors.New("no run has such figures")
				}
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

// isShare reports whether x is a part of a whole, or not known.
func isShare(x Number) bool { return math.IsNaN(float64(x)) || x >= 0 && x <= 1 }
