package tui

import tea "github.com/charmbracelet/bubbletea"

// Screen is one way to look at the network, or a panel laid over one.
type Screen interface {
	// Init is called each time the screen comes to the front.
	Init() tea.Cmd
	Update(msg tea.Msg) (Screen, tea.Cmd)
	// View is exactly w×h cells and depends on nothing but the state: no
	// clock, no I/O, no change.
	View(w, h int) string
	// Typing says that a text field has the keyboard: global keys rest.
	Typing() bool
	// Keys are the commands that work now, in the footer's order. Update
	// dispatches by the same list.
	Keys() []command
}

// panel is a screen that lies over another one.
type panel interface {
	Screen
	// Size is what the panel would like to have of w×h cells.
	Size(w, h int) (pw, ph int)
	Title() string
}

// titled is a screen with its own part of the header line, in place of the
// network's figures, and its own status line.
type titled interface {
	// Header is the right part of the first line; "" leaves it to the network's.
	Header(w int) string
	// Status is the line above the footer's keys; "" leaves it to the network's.
	Status(w int) string
}
