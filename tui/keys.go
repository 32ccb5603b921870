package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// keyBinding is one key of a screen S: dispatch, footer, help page and palette
// all read the same row.
type keyBinding[S any] struct {
	keys []string // as tea.KeyMsg names them; the first is the one shown
	foot string   // one word for the footer; "" keeps it out
	help string   // for the help page and the palette; "" keeps it out of both
	do   func(*S) tea.Cmd
	when func(*S) bool // nil: always
}

// command is a key bound to its screen, as it works now.
type command struct {
	keys       []string
	foot, help string
	do         func() tea.Cmd
}

// bind makes commands of the rows that work now.
func bind[S any](table []keyBinding[S], s *S) []command {
	out := make([]command, 0, len(table))
	for _, b := range table {
		if b.when != nil && !b.when(s) {
			continue
		}
		out = append(out, command{b.keys, b.foot, b.help, func() tea.Cmd { return b.do(s) }})
	}
	return out
}

// dispatch runs the first command that has the key.
func dispatch(cmds []command, key tea.KeyMsg) (cmd tea.Cmd, found bool) {
	name := key.String()
	for _, c := range cmds {
		for _, k := range c.keys {
			if k == name {
				return c.do(), true
			}
		}
	}
	return nil, false
}

// without drops commands whose every key an earlier list has: the screen's own
// keys come before the shared ones.
func without(cmds, earlier []command) []command {
	taken := map[string]bool{}
	for _, c := range earlier {
		for _, k := range c.keys {
			taken[k] = true
		}
	}
	var out []command
	for _, c := range cmds {
		var free []string
		for _, k := range c.keys {
			if !taken[k] {
				free = append(free, k)
			}
		}
		if len(free) > 0 || len(c.keys) == 0 {
			c.keys = free
			out = append(out, c)
		}
	}
	return out
}

var keyNames = map[string]string{
	" ": "space", "up": "↑", "down": "↓", "left": "←", "right": "→", "pgup": "page up", "pgdown": "page down",
	"shift+up": "shift+↑", "shift+down": "shift+↓",
}

// keyName is a key as people call it.
func keyName(key string) string {
	if n, ok := keyNames[key]; ok {
		return n
	}
	return key
}

// keyList is all the keys of a command: "j ↓".
func keyList(keys []string) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = keyName(k)
	}
	return strings.Join(names, " ")
}

// footer writes as many keys as fit in w cells, those named first before the
// others; the last two, help and palette, always stay.
func footer(t *theme, cmds []command, w int) string {
	var parts []string
	for _, c := range cmds {
		if c.foot != "" && len(c.keys) > 0 {
			parts = append(parts, t.accent.Render(keyName(c.keys[0]))+" "+t.dim.Render(c.foot))
		}
	}
	const gap = "   "
	for len(parts) > 2 && width(parts, gap)+2 > w {
		parts = append(parts[:len(parts)-3], parts[len(parts)-2:]...)
	}
	return fit(" "+strings.Join(parts, gap), w)
}

func width(parts []string, gap string) int {
	n := 0
	for i, p := range parts {
		if i > 0 {
			n += len(gap)
		}
		n += cells(p)
	}
	return n
}
