package tui

import tea "github.com/charmbracelet/bubbletea"

// buildKeys are Build's own; moving in the stack is in stackKeys.
var buildKeys = []keyBinding[buildScreen]{
	{keys: []string{"w"}, help: "the whole card of the layer", do: (*buildScreen).card},
	{keys: []string{"tab"}, help: "show or hide the detail on a narrow terminal", do: (*buildScreen).toggleDetail},
	{keys: []string{"v"}, help: "mark a range of rows, for block and skip", do: func(b *buildScreen) tea.Cmd { return b.d.stack.markRange() }},
	{keys: []string{"t"}, foot: "train", help: "start training this network", do: func(b *buildScreen) tea.Cmd { return b.d.startTraining() }},
	{keys: []string{"c"}, help: "keep for Compare, or take away from there", do: func(b *buildScreen) tea.Cmd { return b.d.addToCompare() }},
	{keys: []string{"S"}, help: "save under another name", do: func(b *buildScreen) tea.Cmd { return b.d.saveAs() }},
}
