package tui

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestAnswers: what the terminal answers is heard and never read as keys, in
// whatever pieces it comes; all else passes as it was.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		pieces []string
		keys   string
		heard  string
	}{
		{"keys alone", []string{"jj", "\x1b", "\x1b[A", "\x1bO"}, "jj\x1b\x1b[A\x1bO", ""},
		{"dark", []string{"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\"}, "", "dark "},
		{"light, ended by a bell, between keys", []string{"t\x1b]11;rgb:ff/fd/f0\aq"}, "tq", "light "},
		{"in pieces", []string{"a\x1b]1", "1;rgb:ffff/", "ffff/ffff\x1b", "\\b"}, "ab", "light "},
		{"letter by letter", strings.Split("\x1b]11;rgb:0/0/0\x1b\\", ""), "\x1b]11;rgb:0/0/0\x1b\\", ""}, // an escape alone is a key
		{"escape apart, the rest letter by letter", append([]string{"\x1b]"}, strings.Split("11;rgb:0/0/0\ax", "")...), "x", "dark "},
		{"another answer", []string{"\x1b]10;rgb:0/0/0\a"}, "\x1b]10;rgb:0/0/0\a", ""},
		{"no colour", []string{"\x1b]11;beige\a", "x"}, "x", ""},
		{"never ends", []string{"\x1b]11;", strings.Repeat("f", longestAnswer+1), "x"}, "x", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			defer w.Close()
			heard, keys := "", ""
			a := &answers{File: r, hear: func(dark bool) { heard += map[bool]string{true: "dark ", false: "light "}[dark] }}
			for _, p := range c.pieces {
				w.WriteString(p)
				var buf [256]byte
				n, err := a.Read(buf[:])
				if err != nil {
					t.Fatal(err)
				}
				keys += string(buf[:n])
			}
			if keys != c.keys || heard != c.heard {
				t.Errorf("keys %q, wants %q; heard %q, wants %q", keys, c.keys, heard, c.heard)
			}
		})
	}
}

func TestDarkColour(t *testing.T) {
	for text, want := range map[string]string{
		"rgb:0000/0000/0000": "true true", "rgb:f/f/f": "false true", "rgb:7f/7f/7f": "true true", "rgba:ffff/ffff/ffff/0000": "false true",
		"rgb:000/fff/fff": "false true", "": "false false", "rgb:1/2": "false false", "rgb:x/0/0": "false false", "rgb:00000/0/0": "false false", "rgb://": "false false",
	} {
		dark, ok := darkColour(text)
		if got := fmt.Sprint(dark, ok); got != want {
			t.Errorf("%q: dark and understood %s, wants %s", text, got, want)
		}
	}
}

// TestFirstFrameWaits: nothing is drawn until the terminal has answered or
// waited long enough; a late answer changes the colours of what is on the screen.
func TestFirstFrameWaits(t *testing.T) {
	for name, value := range map[string]string{"CLICOLOR_FORCE": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color", "NO_COLOR": "", "CI": ""} {
		t.Setenv(name, value)
	}
	out := &strings.Builder{}
	d := drive(t, smallNet, 100, 30)
	*d.a.desk.theme = *newTheme(out, true, false)
	d.a.asks = out
	d.a.Init()
	if v := d.a.View(); v != "" {
		t.Errorf("drawn before the answer:\n%s", v)
	}
	d.a.Update(waitedMsg{})
	dark := d.a.View()
	d.a.Update(backgroundMsg{dark: true})
	if d.a.View() != dark {
		t.Error("the answer that was assumed changes the screen")
	}
	d.a.Update(backgroundMsg{dark: false})
	if v := d.a.View(); v == dark || len(v) == 0 {
		t.Error("a late answer does not change the colours")
	}
}
