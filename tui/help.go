package tui

import tea "github.com/charmbracelet/bubbletea"

// newHelp lists the keys that work now; enter does what the row says.
func newHelp(d *desk, cmds []command) *picker {
	return commandPicker(d, "keys", cmds, func(c command) pickItem {
		return pickItem{name: keyList(c.keys), text: c.help}
	})
}

// newPalette lists the same commands by what they do.
func newPalette(d *desk, cmds []command) *picker {
	return commandPicker(d, "commands", cmds, func(c command) pickItem {
		return pickItem{name: c.help, right: keyList(c.keys)}
	})
}

func commandPicker(d *desk, title string, cmds []command, line func(command) pickItem) *picker {
	var items []pickItem
	var kept []command
	for _, c := range cmds {
		if c.help != "" {
			items = append(items, line(c))
			kept = append(kept, c)
		}
	}
	return newPicker(d, title, "do it", items, func(i int) tea.Cmd { return kept[i].do() })
}
