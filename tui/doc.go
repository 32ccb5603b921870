// Package tui is the screen: one stack of layers that is built, trained and
// compared in place. It draws what other packages found out and computes
// nothing itself.
package tui
