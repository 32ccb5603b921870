package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"layercake/train"
	"layercake/tui/widget"
)

type runJSON struct {
	Dir     string       `json:"dir"`
	Network string       `json:"network"`
	Data    string       `json:"data"`
	Params  int64        `json:"params"`
	Epochs  int          `json:"epochs"`
	Steps   int          `json:"steps"`
	Test    train.Number `json:"test_accuracy"`
	Loss    train.Number `json:"test_loss"`
	Reason  string       `json:"reason"` // "" while it runs, or when it was cut off
}

// lossText is a loss as tables have it: 2.3026, and 1.2e-5 where four decimals
// would leave too little; a run that was not tested has none.
func lossText(x float64) string {
	if math.IsNaN(x) || math.Abs(x) < 5e-4 && x != 0 {
		return widget.Sci(x)
	}
	return fmt.Sprintf("%.4f", x)
}

func newRuns() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "runs [DIR...]",
		Short:   "The runs that are kept, with their results",
		Long:    "Lists the runs in layercake's own folder, or those in the folders given.",
		Example: "  layercake runs\n  layercake runs experiments/a experiments/b --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			dirs := args
			if len(args) == 0 {
				entries, err := os.ReadDir(runsDir())
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("list runs: %w", err)
				}
				for _, e := range entries {
					if e.IsDir() {
						dirs = append(dirs, filepath.Join(runsDir(), e.Name()))
					}
				}
			}
			list := []runJSON{}
			for _, d := range dirs {
				log, err := train.ReadLog(d)
				if err != nil {
					if len(args) > 0 {
						return err
					}
					continue // a folder that holds no run yet
				}
				r := runJSON{Dir: d, Network: log.Start.Network, Data: log.Start.Data, Params: log.Start.Params, Epochs: len(log.Epochs)}
				if n := len(log.Epochs); n > 0 {
					last := log.Epochs[n-1]
					r.Steps, r.Test, r.Loss = last.Step, last.TestAccuracy, last.TestLoss
				}
				if log.End != nil {
					r.Reason, r.Steps, r.Test, r.Loss = log.End.Reason, log.End.Steps, log.End.TestAccuracy, log.End.TestLoss
				}
				list = append(list, r)
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), list)
			}
			if len(list) == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "no runs yet: 'layercake train NETWORK' makes one")
				return nil
			}
			t := table{head: []string{"network", "data", "params", "epochs", "steps", "test loss", "accuracy", "ended", "folder"},
				right: []bool{false, false, true, true, true, true, true, false, false}}
			for _, r := range list {
				t.add(r.Network, r.Data, widget.Group(r.Params), fmt.Sprint(r.Epochs), widget.Group(int64(r.Steps)),
					lossText(float64(r.Loss)), widget.Percent(float64(r.Test), 2), r.Reason, r.Dir)
			}
			t.write(cmd.OutOrStdout())
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON list")
	return cmd
}
