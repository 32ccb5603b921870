// Package hush keeps the terminal libraries from asking the terminal while the
// program starts. It must import nothing but os.
//
// Bubble Tea asks for the background colour in an init of its own and waits five
// seconds for the answer: of every command, since all of them are in one binary,
// and of terminals that never answer (serial lines, pipes that look like
// terminals). What is typed meanwhile is lost. It does not ask a dumb terminal, so
// the terminal says that it is one until that init is over.
//
// Go initializes, of the packages whose imports are ready, the one whose path sorts
// first. This one is ready with os, Bubble Tea only after fmt and much else; a
// test of the built program holds that nothing is asked.
package hush

import "os"

const variable = "TERM"

// term is what the environment said of the terminal, and whether it said anything.
var term, known = pretend()

func pretend() (string, bool) {
	was, known := os.LookupEnv(variable)
	os.Setenv(variable, "dumb")
	return was, known
}

// End says again which terminal this is. A package calls it as it is initialized,
// after the libraries that it imports; it returns true, to be a variable's value.
func End() bool {
	if known {
		os.Setenv(variable, term)
	} else {
		os.Unsetenv(variable)
	}
	return true
}
