package tui

// screens is every screen there is, in the order of their digits.
var screens = []struct {
	name string
	help string
	open func(d *desk) Screen
}{
	{"Build", "stack layers, see what they cost", func(d *desk) Screen { return newBuildScreen(d) }},
	{"Train", "watch the network learn, layer by layer", func(d *desk) Screen { return newTrainScreen(d) }},
	{"Compare", "networks side by side, row by row", func(d *desk) Screen { return newCompareScreen(d) }},
}
