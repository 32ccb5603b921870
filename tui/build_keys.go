package tui

import tea "github.com/charmbracelet/bubbletea"

// buildKeys are Build's own; moving in the stack is in stackKeys.
var buildKeys = []keyBinding[buildScreen]{
	{keys: []string{"f"}, foot: "fix", help: "make the cure that the refusal asks for", do: (*buildScreen).fix,
		when: func(b *buildScreen) bool { what, _ := b.d.cure(); return what != "" }},
	{keys: []string{"a"}, foot: "add", help: "add a layer below", do: (*buildScreen).add},
	{keys: []string{"enter", "e"}, foot: "edit", help: "edit the row's settings, of a part those of the whole", do: (*buildScreen).edit},
	{keys: []string{" "}, foot: "unfold", help: "open or fold the block", do: func(b *buildScreen) tea.Cmd { return b.d.stack.toggle() },
		when: func(b *buildScreen) bool { r := b.d.stack.row(); return r != nil && r.Group }},
	{keys: []string{"t"}, foot: "train", help: "start training this network", do: func(b *buildScreen) tea.Cmd { return b.d.startTraining() }},
	{keys: []string{"tab"}, foot: "detail", help: "show or hide the detail on a narrow terminal", do: (*buildScreen).toggleDetail,
		when: func(b *buildScreen) bool { return b.w < wideFrom }},
	{keys: []string{"d", "delete"}, foot: "delete", help: "delete the row, or the marked range", do: (*buildScreen).remove},
	{keys: []string{"b"}, foot: "block", help: "wrap the row, or the marked range, in a block", do: (*buildScreen).wrapBlock},
	{keys: []string{"s"}, foot: "skip", help: "wrap the row, or the marked range, in a residual skip", do: (*buildScreen).wrapSkip},
	{keys: []string{"o"}, foot: "open", help: "open a preset or a file", do: (*buildScreen).open},
	{keys: []string{"i"}, foot: "data", help: "input, data and training settings", do: (*buildScreen).training},
	{keys: []string{"A"}, help: "add a layer above", do: (*buildScreen).addAbove},
	{keys: []string{"J", "shift+down"}, help: "move the row down", do: func(b *buildScreen) tea.Cmd { return b.shift(1) }},
	{keys: []string{"K", "shift+up"}, help: "move the row up", do: func(b *buildScreen) tea.Cmd { return b.shift(-1) }},
	{keys: []string{"D"}, help: "duplicate the row", do: (*buildScreen).duplicate},
	{keys: []string{"v"}, help: "mark a range of rows, for delete, block and skip", do: func(b *buildScreen) tea.Cmd { return b.d.stack.markRange() }},
	{keys: []string{"p"}, help: "lay the row, or the range, side by side with an empty path", do: (*buildScreen).wrapBranches},
	{keys: []string{"x"}, help: "unwrap: put a group's rows in its place", do: (*buildScreen).unwrap},
	{keys: []string{"+", "="}, help: "repeat the block once more", do: func(b *buildScreen) tea.Cmd { return b.repeat(1) }},
	{keys: []string{"-"}, help: "repeat the block once less", do: func(b *buildScreen) tea.Cmd { return b.repeat(-1) }},
	{keys: []string{"r"}, help: "rename the row; on the input, the network", do: (*buildScreen).rename},
	{keys: []string{"R"}, help: "choose what the row reads", do: (*buildScreen).reads},
	{keys: []string{"w"}, help: "the whole card of the layer", do: func(b *buildScreen) tea.Cmd { return b.d.card(b.d.shown()) }},
	{keys: []string{"E"}, help: "explain the columns", do: (*buildScreen).explain},
	{keys: []string{"c"}, help: "keep for Compare, or take away from there", do: func(b *buildScreen) tea.Cmd { return b.d.addToCompare() }},
	{keys: []string{"S"}, help: "save under another name", do: func(b *buildScreen) tea.Cmd { return b.d.saveAs() }},
	{keys: []string{"n"}, foot: "new", help: "start a new network: choose what it reads", do: (*buildScreen).fresh},
	{keys: []string{"!"}, help: "go to the row that is refused", do: (*buildScreen).nextProblem,
		when: func(b *buildScreen) bool { return b.d.graph.Err != nil }},
}
