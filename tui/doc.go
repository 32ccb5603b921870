// Package tui is the screen: one stack of layers that is built, trained and
// compared in place. It draws what other packages found out and computes
// nothing itself.
//
// # Who has what
//
// The app routes: sizes, global keys, header and footer, panels. A Screen is
// one way to look at the network; screens is the table of them. The desk is
// what they share: the network with its history, the stack, the run, the
// networks to compare. It changes only within Update, on one goroutine; what
// takes longer than a millisecond is a tea.Cmd that comes back as a message,
// and a run's messages say whose they are.
//
// The stack is drawn by one view for all screens: a screen gives the columns.
// Keys are rows of tables, from which dispatch, footer, help page and palette
// are made. View depends on nothing but the state.
//
//	app.go desk.go training.go save.go   routing; what is shared; runs; files
//	screen.go screens.go keys.go         the interface; the table; keys as rows
//	stack.go stack_view.go               rows, folds, cursor; drawing them
//	theme.go cells.go figures.go         colours and signs; exact cells; totals
//	background.go                        whether the terminal is dark or light
//	picker.go dialog.go help.go          panels: lists, questions, keys
//	page.go card.go explain.go           panels to read: cards, what columns say
//	form.go entry.go                     settings being edited; a line of text
//	build*.go open.go                    the Build screen
//	train*.go compare*.go                the other screens
//	attention.go                         what a layer attends to, over Train
package tui
